"""Which units fire when …? Every unit of every layer against one event, in play that was not used to choose anything.

Each unit's peak is compared between moments of the event and others, 2 agent steps before it to 2 after it; the lag and
the sign are chosen in one half of the play and tested in the other, against the event shifted in time
(``search_statistics``). Never only a correlation: the effect is of the half that nothing was chosen in, and comes with
how often chance does as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.recorded import chosen_layers, one_core, peaks, usable
from zoo_gui.analysis.search_events import Event, find
from zoo_gui.analysis.search_statistics import Scores, Split, Trial, p_values, split
from zoo_gui.play.moments import Moments
from zoo_gui.types import LayerInfo, Unit, ZooError

LEAST = 3
EXAMPLES = 200
SHOWN = 25
CHUNK = 200_000
"""Activations that are ranked between two words of progress: about 30 ms."""


class FoundUnit(NamedTuple):
    """How a unit goes with an event.

    effect: where the lag was chosen, held_out: in the other half; Cliff's delta, −1–1: how much likelier the unit is
    larger at the event than at another moment, than the other way round; of a number Spearman's correlation.
    auc: held-out, 0–1: the probability that it is larger at the event; difference: held-out, of its means, in standard
    deviations (Cohen's d); both nan of a number. p_value: share of time shifts in which the best of all units did as
    well; p_alone: in which this one did. direction: 1: larger at the event, −1: smaller. lag: agent steps from the
    event to the activation. at_event, otherwise: mean activation, held-out; of a number: above its middle, and not.
    """

    unit: Unit
    effect: float
    held_out: float
    auc: float
    difference: float
    p_value: float
    p_alone: float
    direction: int
    lag: int
    at_event: float
    otherwise: float


@dataclass(frozen=True)
class UnitSearch:
    """event: as asked for. sentence: how often it came, what was held out, what p means. moments, events: how many.
    found: every unit, by how large the held-out effect is in the direction that the other half says. examples: ids of
    moments at which the event begins, of a number those of its largest values. is_number: whether effects are
    correlations. by: what was held out, ``episodes`` or ``blocks``."""

    event: str
    sentence: str
    moments: int
    events: int
    found: tuple[FoundUnit, ...]
    examples: tuple[int, ...]
    is_number: bool = False
    by: str = "episodes"

    def table(self) -> list[dict[str, Any]]:
        """One row for each unit."""
        return [{**found._asdict(), "unit": str(found.unit), "event": self.event} for found in self.found]

    def arrays(self) -> dict[str, np.ndarray]:
        """{field: (units,)}, units as text."""
        names = FoundUnit._fields
        rows = [(str(row.unit), *row[1:]) for row in self.found]
        return {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}

    def draw(self, figure: Any) -> None:
        """Held-out effects of the first units as bars, those that chance does as well in grey."""
        rows = self.found[:SHOWN]
        figure.set_size_inches(6.4, 1.4 + 0.22 * len(rows))
        axis = figure.subplots()
        colours = ["#2f78c4" if row.p_value <= 0.05 else "#b0b5bb" for row in rows]
        axis.barh([str(row.unit) for row in rows], [row.held_out for row in rows], color=colours)
        axis.plot([row.effect for row in rows], range(len(rows)), "k|", label="where the lag was chosen")
        axis.invert_yaxis()
        axis.axvline(0, color="black", linewidth=0.8)
        what = "Spearman’s correlation" if self.is_number else "Cliff’s delta"
        axis.set_xlabel(f"held-out effect ({what}); blue: p ≤ 0.05")
        axis.legend(loc="lower right", fontsize=7)
        axis.tick_params(labelsize=8)
        axis.set_title(self.sentence, fontsize=8, wrap=True)


@ANALYSES.register("unit_search")
def unit_search(
    agent: Any,
    *,
    moments: Moments,
    event: str = "reward",
    layers: Sequence[str] = (),
    lags: Sequence[int] = (-2, -1, 0, 1, 2),
    shifts: int = 200,
    seed: int = 0,
) -> Iterator[Progress]:
    """Which units go with ``event`` (``search_events`` lists them); the last Progress has a UnitSearch.

    layers: () all but groups. lags: agent steps from the event to the activation that are tried. shifts: of time, by
    ``seed``; the smallest p is 1 / (shifts + 1). Moments under an intervention, or without a full stack of frames, are
    left out. Raises ZooError: an event that means nothing, never came or always, an unknown layer, or moments that
    cannot be divided.
    """
    rows, infos = usable(moments), chosen_layers(agent, layers)
    if shifts < 1 or not lags:
        raise ZooError("A search needs at least one shift of time and one lag.")
    for progress in find(event, agent, moments, rows):
        if progress.result is None:
            yield progress
    found: Event = progress.result
    _check(found, len(rows))
    division = split(moments, rows, found.values)
    _check_halves(found, division)
    for progress in peaks(agent, moments, rows, infos):
        if progress.result is None:
            yield progress
    measured = progress.result
    trial = Trial(found.values, division, lags)
    for _ in trial.prepare(shifts, seed):
        yield Progress(0, 1, "shifting time")
    parts: list[tuple[list[Unit], Scores, np.ndarray]] = []
    total = sum(info.units for info in infos)
    with one_core():
        for units, values in _chunks(infos, measured, len(rows)):
            yield Progress(sum(len(part[0]) for part in parts), total, f"testing {units[0].layer}")
            scores = trial.score(values)
            parts.append((units, scores, _levels(trial, scores, values)))
    yield Progress(total, total, f"{total} units", _result(found, moments, rows, division, parts, shifts))


def _chunks(infos: Sequence[LayerInfo], measured: dict, count: int) -> Iterator[tuple[list[Unit], np.ndarray]]:
    width = max(1, CHUNK // count)
    for info in infos:
        for start in range(0, info.units, width):
            values = measured[info.name][0][:, start : start + width]
            yield [Unit(info.name, start + i) for i in range(values.shape[1])], values


def _levels(trial: Trial, scores: Scores, values: np.ndarray) -> np.ndarray:
    """(U, 3): held-out mean at the event and otherwise, and Cohen's d, each unit at its lag."""
    held = values[trial.parts[1]].astype(float)
    levels = np.full((values.shape[1], 3), np.nan)
    for lag in np.unique(scores.lag):
        at, units = trial.happens(1, lag), scores.lag == lag
        yes, no = held[at][:, units], held[~at][:, units]
        if not len(yes) or not len(no):
            continue
        levels[units, 0], levels[units, 1] = yes.mean(0), no.mean(0)
        pooled = np.sqrt((len(yes) * yes.var(0) + len(no) * no.var(0)) / max(1, len(held) - 2))
        if not trial.is_number:
            levels[units, 2] = np.divide(yes.mean(0) - no.mean(0), pooled, out=np.zeros_like(pooled), where=pooled > 0)
    return levels


def _result(event: Event, moments: Moments, rows: np.ndarray, division: Split, parts: list, shifts: int) -> UnitSearch:
    units = [unit for part in parts for unit in part[0]]
    effect, held_out, lag, direction = (np.concatenate([part[1][i] for part in parts]) for i in range(4))
    null = np.concatenate([part[1].null for part in parts], 1)
    levels = np.concatenate([part[2] for part in parts])
    held_on = direction * held_out
    p_value, p_alone = p_values(held_on, null)
    auc = np.full(len(units), np.nan) if event.is_number else (held_out + 1) / 2
    columns = [effect, held_out, auc, levels[:, 2], p_value, p_alone]
    order = np.lexsort((p_alone, -held_on))
    found = tuple(
        FoundUnit(units[i], *(float(column[i]) for column in columns), int(direction[i]), int(lag[i]),
                  float(levels[i, 0]), float(levels[i, 1])) for i in order
    )  # fmt: skip
    count = len(rows) if event.is_number else int(event.values.sum())
    sentence = _sentence(event, division, len(units), shifts, len(rows))
    return UnitSearch(event.text, sentence, len(rows), count, found, _examples(event, moments, rows), event.is_number,
                      division.by)  # fmt: skip


def _check(event: Event, count: int) -> None:
    if event.is_number:
        return
    times = int(event.values.sum())
    if times == 0:
        raise ZooError(f"In these {count:,} moments it never happens that {event.words}: search in more steps, or by "
                       "another event.")  # fmt: skip
    if times < LEAST:
        raise ZooError(f"In these {count:,} moments it happens only {times} times that {event.words}, too few to tell: "
                       "search in more steps.".replace("1 times", "once").replace("2 times", "twice"))  # fmt: skip
    if count - times < LEAST:
        raise ZooError(f"In nearly all of these {count:,} moments {event.words}: there is nothing to compare with.")


def _check_halves(event: Event, division: Split) -> None:
    """Both halves must hold the event, and moments without it."""
    for number in (0, 1):
        part = event.values[division.half == number]
        if len(part) < 2 or np.all(part == part[0]):
            raise ZooError(f"These {len(event.values):,} moments cannot be divided into two halves so that in both "
                           f"{event.words} at some moments and not at others: search in more steps.")  # fmt: skip


def _examples(event: Event, moments: Moments, rows: np.ndarray) -> tuple[int, ...]:
    if event.is_number:
        picks = np.sort(np.argsort(-event.values, kind="stable")[:EXAMPLES])
    else:
        picks = np.flatnonzero(event.values & ~np.concatenate([[False], event.values[:-1]]))
        picks = picks[np.linspace(0, len(picks) - 1, min(len(picks), EXAMPLES)).round().astype(int)]
    return tuple(moments.column("id")[rows][picks].tolist())


def _sentence(event: Event, division: Split, units: int, shifts: int, count: int) -> str:
    first, second = division.counts
    things = ("episode", "episodes") if division.by == "episodes" else ("block of time", "blocks of time")
    where, others = f"{second} {things[second > 1]}", f"{first} other{'s' if first > 1 else ''}"
    if event.is_number:
        happened = f"How units go with the size of {event.words} in {count:,} moments"
        held = f"effects are of {where}, lags were chosen in {others}"
    else:
        happened = f"In {int(event.values.sum()):,} of {count:,} moments {event.words}"
        tested = int(event.values[division.half == 1].sum())
        held = f"effects are of {tested:,} of them in {where}, lags were chosen in {others}"
    few = "" if division.by == "episodes" else ", with gaps between, as there are too few episodes"
    p = f"p: in what share of {shifts} shifts of time the best of {units:,} units does as well"
    return f"{happened}; {held}{few}. {p}."
