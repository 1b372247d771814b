"""How agents stand a disturbance, as numbers: a curve of scores over levels for each, raw and normalised."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from zoo_gui.analysis.behaviour_statistics import CONFIDENCE, METHOD, RESAMPLES, Estimate, estimate
from zoo_gui.analysis.contestants import Contestant
from zoo_gui.analysis.sweep_statistics import area, places, share
from zoo_gui.play.disturbance import DISTURBANCES, About
from zoo_gui.play.games import title as game_title

NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0)


@dataclass(frozen=True)
class Played:
    """An agent's games. scores, cut: {(level, seed): …}; cut: whether the game was ended at the limit. random: scores
    (n,) of random play in the same game, under the same rules; empty where it was not played."""

    agent: Contestant
    scores: Mapping[tuple[float, int], float]
    cut: Mapping[tuple[float, int], bool]
    random: np.ndarray

    def games(self, level: float) -> dict[int, float]:
        """{seed: score} at a level."""
        return {seed: score for (one, seed), score in self.scores.items() if one == level}


@dataclass(frozen=True)
class Curve:
    """What became of an agent. clean: its undisturbed score. Level by level: raw, scores; own, 0 random play, 1 its own
    undisturbed score; best, 1 the best agent's; cut, how many games were ended at the limit. area: under ``own``.
    excluded: why there is nothing normalised, "" where there is."""

    played: Played
    clean: Estimate
    raw: tuple[Estimate, ...]
    own: tuple[Estimate, ...]
    best: tuple[Estimate, ...]
    area: Estimate
    cut: tuple[int, ...]
    excluded: str = ""

    @property
    def agent(self) -> Contestant:
        """Whose."""
        return self.played.agent


@dataclass(frozen=True)
class Sweep:
    """A sweep's result. levels: rising, with the one at rest. seeds: of the games; limit: their most agent steps.
    layers: whose weights are disturbed. missing: games that are not there."""

    disturbance: str
    levels: tuple[float, ...]
    curves: tuple[Curve, ...]
    seeds: tuple[int, ...]
    limit: int
    layers: str = ""
    missing: int = 0

    @property
    def about(self) -> About:
        """What is disturbed."""
        return DISTURBANCES[self.disturbance]

    @property
    def title(self) -> str:
        """``Observation noise (SD, input 0–1)``."""
        layers = {"convolutions": " of convolutions", "all": " of all weights"}.get(self.layers, "")
        return f"{self.about.title}{layers} ({self.about.unit})"

    @property
    def games(self) -> tuple[str, ...]:
        """Which are played."""
        return tuple(dict.fromkeys(curve.agent.game for curve in self.curves))

    def of(self, game: str) -> tuple[Curve, ...]:
        """The curves of a game."""
        return tuple(curve for curve in self.curves if curve.agent.game == game)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the curves must know."""
        said = [f"{curve.agent.letter} ({curve.agent.title}) is not normalised: {curve.excluded}."
                for curve in self.curves if curve.excluded]  # fmt: skip
        for curve in self.curves:
            if not curve.excluded and curve.clean.low <= curve.played.random.mean():
                said.append(f"{curve.agent.letter} is hardly better than random play, undisturbed: what is normalised "
                            "says little of it.")  # fmt: skip
        cut = [f"{sum(curve.cut)} of {curve.agent.letter}" for curve in self.curves if any(curve.cut)]
        if cut:
            said.append(f"Games that were ended after {self.limit:,} agent steps and count with what they had scored: "
                        f"{', '.join(cut)}.")  # fmt: skip
        if self.missing:
            said.append(f"{self.missing} games are missing: they failed, or were not played yet.")
        return tuple(said)

    @property
    def caption(self) -> str:
        """n, seeds, levels, and what the three panels and the intervals are."""
        counts = sorted({one.n for curve in self.curves for one in curve.raw if one.n})
        n = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "0"
        levels = ", ".join(f"{level:g}" for level in self.levels)
        seeds = _ranges(self.seeds)
        whole = (f"{self.title}: {levels}. n = {n} games for each agent and level, seeds {seeds}, the same at every "
                 f"level; games end after {self.limit:,} agent steps at most. Points: means; bars: {CONFIDENCE:.0%} "
                 f"{METHOD} bootstrap over games ({RESAMPLES:,} resamples; normalised: a seed's disturbed and "
                 "undisturbed games are drawn together).")  # fmt: skip
        said = [whole]
        for game in self.games:
            curves = self.of(game)
            random, top = next((one.played.random for one in curves if len(one.played.random)), None), best_of(curves)
            if random is not None and top is not None:
                said.append(f"{game_title(game)}: 0 is random play ({random.mean():.4g}, {len(random)} games), 1 the "
                            f"agent's own undisturbed score, or that of the best, {top.agent.letter} "
                            f"({top.clean.value:.4g}).")  # fmt: skip
        return " ".join([*said, *self.remarks])

    def table(self) -> list[dict[str, Any]]:
        """A row for each agent and level; ``area`` is the agent's one number, in each of its rows."""
        rows = []
        for curve in self.curves:
            for place, level in enumerate(self.levels):
                row: dict[str, Any] = {"agent": curve.agent.id, "game": curve.agent.game, "level": level,
                                       "n": curve.raw[place].n, "cut": curve.cut[place]}  # fmt: skip
                for name, one in (("score", curve.raw[place]), ("own", curve.own[place]), ("best", curve.best[place]),
                                  ("area", curve.area)):  # fmt: skip
                    row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
                rows.append(row)
        return rows

    def areas(self) -> list[dict[str, Any]]:
        """A row for each agent, the most robust first."""
        rows = [{"agent": curve.agent.id, "game": curve.agent.game, "clean": curve.clean.value,
                 "area": curve.area.value, "low": curve.area.low, "high": curve.area.high, "n": curve.area.n}
                for curve in self.curves]  # fmt: skip
        return sorted(rows, key=lambda row: -np.nan_to_num(row["area"], nan=-np.inf))

    def arrays(self) -> dict[str, np.ndarray]:
        """levels (L,), agents (A,), seeds (S,); scores (A, L, S), nan where a game is missing; score, own and best
        (A, L, 3): mean, low, high; area (A, 3); random (A,) mean scores."""
        keys = [(level, seed) for level in self.levels for seed in self.seeds]
        shape = (len(self.curves), len(self.levels), len(self.seeds))
        scores = [[curve.played.scores.get(key, np.nan) for key in keys] for curve in self.curves]
        found = {"levels": np.array(self.levels), "seeds": np.array(self.seeds),
                 "agents": np.array([curve.agent.id for curve in self.curves]),
                 "scores": np.array(scores).reshape(shape)}  # fmt: skip
        for name, attribute in (("score", "raw"), ("own", "own"), ("best", "best")):
            found[name] = np.array([[one[:3] for one in getattr(curve, attribute)] for curve in self.curves])
        found["area"] = np.array([curve.area[:3] for curve in self.curves])
        found["random"] = np.array([np.mean(one.played.random) if len(one.played.random) else np.nan
                                    for one in self.curves])  # fmt: skip
        return found

    def draw(self, figure: Any) -> None:
        """One row of panels a game: raw, by the agent's own score, by the best agent's."""
        from zoo_gui.analysis.sweep_drawing import draw

        draw(figure, self)


def best_of(curves: Sequence[Curve]) -> Curve | None:
    """The one with the best undisturbed score, among those that are normalised."""
    return max((curve for curve in curves if not curve.excluded), key=lambda curve: curve.clean.value, default=None)


def swept(
    disturbance: str, levels: Sequence[float], played: Sequence[Played], seeds: Sequence[int], limit: int,
    layers: str = "", missing: int = 0,
) -> Sweep:  # fmt: skip
    """The Sweep of what agents played. levels: with that at rest."""
    levels, rest = tuple(sorted(levels)), DISTURBANCES[disturbance].rest
    raw = [_raw(one, levels, rest) for one in played]
    curves = tuple(_normalised(curve, best_of([other for other in raw if other.agent.game == curve.agent.game]),
                               levels, rest) for curve in raw)  # fmt: skip
    return Sweep(disturbance, levels, curves, tuple(seeds), limit, layers, missing)


def _raw(one: Played, levels: Sequence[float], rest: float) -> Curve:
    raw = tuple(estimate(list(one.games(level).values())) for level in levels)
    cut = tuple(sum(one.cut[level, seed] for seed in one.games(level)) for level in levels)
    empty, clean = (NOTHING,) * len(levels), raw[levels.index(rest)]
    return Curve(one, clean, raw, empty, empty, NOTHING, cut, _why_not(one, clean))


def _why_not(one: Played, clean: Estimate) -> str:
    """Why an agent's scores cannot be normalised, "" where they can."""
    if not one.agent.hash:
        return "without a network it is itself random play"
    if not clean.n:
        return "none of its undisturbed games is there"
    if not len(one.random):
        return "random play is missing"
    if clean.value <= one.random.mean():
        return f"undisturbed it scores {clean.value:.4g}, no more than random play ({one.random.mean():.4g})"
    return ""


def _normalised(curve: Curve, top: Curve | None, levels: Sequence[float], rest: float) -> Curve:
    if curve.excluded:
        return curve
    played, random = curve.played, float(curve.played.random.mean())
    own, best = ([_share(played.games(level), one.played.games(rest), random) for level in levels]
                 for one in (curve, top))  # fmt: skip
    by_level = [played.games(level) for level in levels]
    whole = [seed for seed in by_level[0] if all(seed in games for games in by_level)]
    scores = np.array([[games[seed] for seed in whole] for games in by_level])
    clean = [by_level[levels.index(rest)][seed] for seed in whole]
    under = area(scores, clean, random, places(levels)[0]) if whole else NOTHING
    return dataclasses.replace(curve, own=tuple(own), best=tuple(best), area=under)


def _share(games: Mapping[int, float], clean: Mapping[int, float], random: float) -> Estimate:
    both = sorted(games.keys() & clean.keys())
    return share([games[seed] for seed in both], [clean[seed] for seed in both], random) if both else NOTHING


def _ranges(numbers: Sequence[int]) -> str:
    """``0–4, 7``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in parts)
