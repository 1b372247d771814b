"""How agents scored in a sitting, under each disturbance: whole episodes, and points a step. No Qt."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple, Sequence

from zoo_gui.types import StepSummary

Levels = tuple[tuple[str, Any], ...]
"""((name, level), …) of the disturbances that are on, by name."""
Who = tuple[str, str]
"""(agent's id, or ``random`` or ``human``; game)."""
REST: Levels = ()


class Episode(NamedTuple):
    """An episode of which every step was played under the same levels. number: in the order in which they ended."""

    who: Who
    levels: Levels
    score: float
    steps: int
    number: int


@dataclass
class Running:
    """An episode that has not ended. levels: None where it is not of one level, or not whole."""

    who: Who
    levels: Levels | None
    episode: int
    index: int
    score: float


class Scores:
    """``note`` every step. episodes: those that count, oldest first. running: {lane: the one that is being played}.
    version: grows with each episode that ended."""

    def __init__(self):
        self.episodes: list[Episode] = []
        self.running: dict[int, Running] = {}
        self.version = 0
        self._played: dict[tuple[Who, Levels], list[float]] = defaultdict(lambda: [0.0, 0])

    def note(
        self, lane: int, who: Who, summaries: Sequence[StepSummary], levels: Mapping[int, Levels], counts: bool
    ) -> None:
        """Take in a lane's next steps. levels: by the summaries' ``disturbance``. counts: nothing else changed them."""
        for step in summaries:
            now = levels.get(step.disturbance, REST)
            self._advance(lane, who, step, now if counts else None)
            if counts:
                played = self._played[who, now]
                played[0] += step.reward
                played[1] += 1

    def _advance(self, lane: int, who: Who, step: StepSummary, now: Levels | None) -> None:
        running = self.running.get(lane)
        score = step.episode_return + step.reward
        follows = running is not None and (running.who, running.episode, running.index + 1) == (
            who, step.episode, step.index
        )  # fmt: skip
        if step.index == 0:
            running = Running(who, now, step.episode, 0, score)
        elif not follows:
            running = Running(who, None, step.episode, step.index, score)
        else:
            # a change at an episode's first step, which is on screen when a game begins paused, is before it
            same = now == running.levels or (step.index == 1 and running.levels is not None)
            running = Running(who, now if same else None, step.episode, step.index, score)
        self.running[lane] = running
        if step.done:
            self._end(lane, running)

    def _end(self, lane: int, running: Running) -> None:
        del self.running[lane]
        self.version += 1
        if running.levels is not None:
            ended = Episode(running.who, running.levels, running.score, running.index + 1, self.version)
            self.episodes.append(ended)

    def cut(self) -> None:
        """The games do not go on from where they were."""
        self.running.clear()

    def forget(self) -> None:
        """Begin anew."""
        self.episodes, self.version = [], self.version + 1
        self.running.clear()
        self._played.clear()

    def of(self, who: Who, name: str) -> dict[float, list[float]]:
        """{level: scores of the episodes} under this disturbance alone; under none of any they are at the key None,
        whatever its level at rest is called."""
        found: dict[Any, list[float]] = defaultdict(list)
        for episode in self.episodes:
            if episode.who == who and (known := level_of(episode.levels, name)) is not False:
                found[known].append(episode.score)
        return dict(found)

    def pace(self, who: Who, name: str) -> dict[float, tuple[float, int]]:
        """{level: (points in 1,000 steps, steps)} likewise, of all steps, also those of episodes that do not count."""
        found: dict[Any, list[float]] = defaultdict(lambda: [0.0, 0])
        for (one, levels), (points, steps) in self._played.items():
            if one == who and (known := level_of(levels, name)) is not False:
                found[known][0] += points
                found[known][1] += steps
        return {level: (1000 * points / steps, steps) for level, (points, steps) in found.items() if steps}


def level_of(levels: Levels, name: str) -> Any:
    """The level of a disturbance where no other is on, None where none is on, False where another one is."""
    on = {key: value for key, value in levels if key != "parameter_layers"}
    if not on:
        return None
    return on[name] if set(on) == {name} else False
