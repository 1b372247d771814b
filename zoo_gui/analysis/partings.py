"""The moments at which agents part most, to be looked at: the game, what each agent saw, chose, and why.

Why is the gradient of the chosen action's score over what the agent saw (``attribution``): where a small change would
change the score most. No TensorFlow here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui import overlays
from zoo_gui.analysis import Progress, finish
from zoo_gui.analysis.attribution import attribution
from zoo_gui.analysis.behaviour_drawing import POINT, SMALL
from zoo_gui.analysis.contestants import Contestant
from zoo_gui.analysis.disagreement_record import Disagreement, Event
from zoo_gui.naming import readable_action
from zoo_gui.play.moments import Moments
from zoo_gui.types import Decision, ZooError, read_only

METHOD = "gradient"


@dataclass(frozen=True)
class View:
    """One agent at a moment. action_names, scores: (A,) float32, its own, not matched; choice: of the largest, a place.
    parts: (A,) float32, its policy, or of Q-values how they lie between the least, 0, and the largest, 1.
    seen: (h, w, C) observation; map: (h, w, C) or (h, w, 1) float32, of the choice; why: a sentence where there is
    none. picture: (h, w, 3) uint8, the newest frame that it saw under the map."""

    agent: Contestant
    action_names: tuple[str, ...]
    scores: np.ndarray
    parts: np.ndarray
    choice: int
    seen: np.ndarray
    map: np.ndarray | None
    picture: np.ndarray
    why: str = ""

    @property
    def words(self) -> str:
        """What it would do, for people."""
        return readable_action(self.action_names[self.choice])


@dataclass(frozen=True)
class Parting:
    """A moment at which agents would do different things. event: of the Disagreement. frame: (H, W, 3) uint8, the
    screen. views: of each agent."""

    event: Event
    name: str
    frame: np.ndarray
    views: tuple[View, ...]

    @property
    def words(self) -> str:
        """``A: left, B: no-op``."""
        return ", ".join(f"{view.agent.letter}: {view.words}" for view in self.views)

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: the screen; for each agent what it saw with its map, and its scores."""
        columns = 1 + len(self.views)
        figure.set_size_inches(1.9 * columns, 3.6)
        axes = figure.subplots(2, columns, height_ratios=[1.5, 1.0], squeeze=False)
        for axis in axes[0]:
            axis.set_axis_off()
        axes[1, 0].set_axis_off()
        axes[0, 0].imshow(self.frame, aspect=3 / 4 * self.frame.shape[1] / self.frame.shape[0])
        axes[0, 0].set_title(f"game {self.event.episode + 1}, step {self.event.index}", fontsize=SMALL)
        for view, (above, below) in zip(self.views, axes[:, 1:].T):
            above.imshow(view.picture, interpolation="nearest")
            above.set_title(f"{view.agent.letter}: {view.words}", fontsize=SMALL)
            _bars(below, view)


def _bars(axis: Any, view: View) -> None:
    order = np.argsort(-view.parts, kind="stable")[:6]
    axis.barh(range(len(order)), view.parts[order], color=view.agent.colour, hatch=view.agent.hatch, edgecolor=POINT,
              linewidth=0.6)  # fmt: skip
    axis.set_yticks(range(len(order)), [readable_action(view.action_names[place]) for place in order])
    axis.set_xlim(0, 1)
    axis.invert_yaxis()
    axis.tick_params(labelsize=SMALL - 2)
    axis.set_xlabel("Q, least 0 to largest 1" if view.agent.kind == "q" else "probability", fontsize=SMALL - 2)


def partings(
    agents: Sequence[Any], moments: Sequence[Moments], found: Disagreement, count: int
) -> Iterator[Progress]:
    """The ``count`` strongest events; the last Progress has a tuple of Parting."""
    shown: list[Parting] = []
    events = found.events[:count]
    for done, event in enumerate(events):
        yield Progress(done, len(events), f"explaining moment {event.moment}")
        views = tuple(_view(one, agent, own, event.moment) for one, agent, own in zip(found.agents, agents, moments))
        frame = moments[0].frame(moments[0].row_of(event.moment))
        shown.append(Parting(event, found.name(event.pair), read_only(frame), views))
    yield Progress(len(events), len(events), "explained", tuple(shown))


def _view(one: Contestant, agent: Any, moments: Moments, moment: int) -> View:
    row = moments.row_of(moment)
    scores, seen = moments.column("scores")[row], moments.observation(row)
    state = moments.column("state")[row]
    choice = int(scores.argmax())
    drawn, why = None, ""
    try:
        drawn = finish(attribution(agent, observation=seen, target="action", method=METHOD, action=choice,
                                   state=state if state.size else None))  # fmt: skip
    except ZooError as error:
        why = str(error)
    channels = moments.frame_channels
    shown = overlays.overlay(np.zeros((*seen.shape[:2], 1)) if drawn is None else drawn.map, True, channels)
    plane = overlays.flat(shown)
    picture = overlays.over(seen, plane, overlays.high_end(plane), -1, channels, agent.observation_range)
    return View(
        agent=one, action_names=tuple(agent.action_names), scores=read_only(scores.copy()), parts=_parts(one, scores),
        choice=choice, seen=seen, map=None if drawn is None else drawn.map, why=why,
        picture=read_only(np.ascontiguousarray(picture[..., 2::-1])),
    )  # fmt: skip


def _parts(one: Contestant, scores: np.ndarray) -> np.ndarray:
    if one.kind == "q":
        span = float(np.ptp(scores))
        return (scores - scores.min()) / span if span else np.ones_like(scores)
    return Decision(0, scores).probabilities
