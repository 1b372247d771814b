"""Is this agent the one that its card describes? Its published outputs and score against what it does here."""

from __future__ import annotations

import math
import statistics
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from zoo_gui.agents.reading.limits import MAX_ARRAY_BYTES
from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.play.player import play
from zoo_gui.types import ZooError

DOUBT = 2.58
"""Standard errors beyond which two means are called different: 1 % of equal agents are, by chance."""


@dataclass(frozen=True)
class Verification:
    """What was found.

    golden_error: the largest difference from the published outputs, relative to their largest, None without any;
    golden_tolerance: what the card allows. returns: unclipped, one a game; mean and error: their mean and its standard
    error. published: the card's mean; published_error: its standard error, 0 where the card has no single scores.
    protocol: of the published score. random: what random play scores, as the card says.
    """

    agent: str
    golden_error: float | None
    golden_tolerance: float
    returns: tuple[float, ...]
    mean: float | None
    error: float
    published: float | None
    published_error: float
    protocol: str
    random: float | None

    @property
    def golden_agrees(self) -> bool | None:
        """Whether the outputs are the published ones; None where none were."""
        return None if self.golden_error is None else self.golden_error <= self.golden_tolerance

    @property
    def score_agrees(self) -> bool | None:
        """Whether the mean lies within chance of the published one; None where either is unknown."""
        if self.mean is None or self.published is None:
            return None
        if len(self.returns) < 2 and not self.published_error:
            return self.mean == self.published
        return abs(self.mean - self.published) <= DOUBT * math.hypot(self.error, self.published_error)

    @property
    def agrees(self) -> bool:
        """Whether nothing contradicts the card."""
        return self.golden_agrees is not False and self.score_agrees is not False

    @property
    def sentences(self) -> list[str]:
        """What was found, for people."""
        found = []
        if self.golden_error is not None:
            verdict = "within" if self.golden_agrees else "beyond"
            found.append(
                f"Outputs: {self.golden_error:.1e} of the largest from the published ones, {verdict} the "
                f"{self.golden_tolerance:.0e} that the card allows."
            )
        if self.mean is not None:
            found.append(f"Score: {self.mean:.1f} ± {self.error:.1f} (standard error) in {len(self.returns)} games.")
        if self.score_agrees is not None:
            verdict = "agrees with" if self.score_agrees else "does NOT agree with"
            protocol = f" ({self.protocol})" if self.protocol else ""
            found.append(f"That {verdict} the published {self.published:.1f}{protocol}.")
        elif self.published is None:
            found.append("The card has no published score to compare with.")
        if self.golden_error is None:
            found.append("The card has no published outputs to compare with.")
        return found


@ANALYSES.register("verify")
def verify(agent: Any, *, episodes: int = 10, seed: int = 0, folder: Path | None = None) -> Iterator[Progress]:
    """Compare ``agent`` with its card, game by game; the last Progress has a Verification.

    episodes: games to play with the card's own preprocessing and action rule, none if 0. folder: where the card's
    golden file lies; None: it is not compared. Raises ZooError for a golden file that cannot be used.
    """
    card, error = agent.card, None
    if card.golden is not None and folder is not None:
        error = golden_error(agent, Path(folder) / card.golden.file)
    returns: list[float] = []
    total = max(episodes, 1)
    yield Progress(0, total, "comparing outputs", _verification(agent, error, returns))
    gained = 0.0
    for step in play(agent, seed=seed, episodes=episodes) if episodes else ():
        gained += step.reward
        if step.done:
            returns.append(gained)
            gained = 0.0
        if step.done or step.index % 10 == 0:  # lets whoever runs this look up, and cancel
            yield Progress(len(returns), total, f"game {min(len(returns) + 1, total)}", None)
    yield Progress(total, total, "verified", _verification(agent, error, returns))


def golden_error(agent: Any, path: Path) -> float:
    """The largest difference of the agent's scores from those in ``path``, relative to their largest magnitude.

    The file: see ``GoldenSpec``. Raises ZooError where it is missing, damaged, or of another agent.
    """
    arrays = _read(path)
    missing = {"observation", "scores"} - arrays.keys()
    if missing:
        raise ZooError(f"{path.name} has no array “{min(missing)}”: it needs observation and scores, one row a moment.")
    seen, expected = arrays["observation"], arrays["scores"]
    seen = seen if seen.dtype == np.uint8 else seen.astype(np.float32)
    states = arrays.get("state", np.zeros((len(seen), len(agent.initial_state)), np.float32))
    if len(seen) != len(expected) or len(states) != len(seen):
        raise ZooError(f"{path.name} has {len(seen)} observations, {len(expected)} scores and {len(states)} states.")
    scores = [agent.decide(one, _nobody(), state).scores for one, state in zip(seen, states.astype(np.float32))]
    if expected.shape != (len(scores), len(agent.action_names)):
        raise ZooError(f"{path.name} has scores for {expected.shape[-1]} actions, the agent {len(agent.action_names)}.")
    return float(np.abs(np.array(scores) - expected).max() / max(float(np.abs(expected).max()), 1e-12))


def _nobody() -> np.random.Generator:
    """A generator whose draws do not matter: only scores are compared."""
    return np.random.default_rng(0)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        if path.stat().st_size > MAX_ARRAY_BYTES:
            raise ZooError(f"{path} is too large for a file of published outputs.")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            sizes = sum(member.file_size for member in archive.zip.infolist())
            if sizes > MAX_ARRAY_BYTES:
                raise ZooError(f"{path} unpacks to more than {MAX_ARRAY_BYTES >> 20} MiB: it is no file of outputs.")
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ZooError(f"The published outputs {path} cannot be read: {error}.") from error


def _verification(agent: Any, error: float | None, returns: list[float]) -> Verification:
    scores, card = agent.card.scores, agent.card
    return Verification(
        agent=agent.name,
        golden_error=error,
        golden_tolerance=card.golden.tolerance if card.golden else 1e-4,
        returns=tuple(returns),
        mean=statistics.fmean(returns) if returns else None,
        error=_standard_error(returns),
        published=scores.mean,
        published_error=_standard_error(scores.scores),
        protocol=scores.protocol,
        random=scores.random,
    )


def _standard_error(scores) -> float:
    return statistics.stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else 0.0
