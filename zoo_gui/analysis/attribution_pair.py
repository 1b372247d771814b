"""What the policy looks at and what the value looks at, from one set of passes, in two colours over the frame.

Greydanus et al. 2018, "Visualizing and Understanding Atari Agents" (arXiv:1711.00138), show their agents so. No
TensorFlow here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress
from zoo_gui.analysis.attribution import ask, record
from zoo_gui.analysis.attribution_perturbation import greydanus_maps
from zoo_gui.analysis.attribution_record import Attribution
from zoo_gui.analysis.methods import method_of

TARGETS = ("action", "value")
METHOD = "greydanus"


@dataclass(frozen=True)
class PolicyAndValue:
    """found: Greydanus et al.'s map of the policy (of a Q agent: of its Q-values) and that of the value, at one
    observation."""

    found: tuple[Attribution, Attribution]

    def draw(self, figure: Any) -> None:
        """Fill a matplotlib Figure: both over the newest frame, and each by itself."""
        from zoo_gui.analysis.attribution_drawing import draw_pair

        draw_pair(figure, *self.found)

    def table(self) -> list[dict[str, Any]]:
        """The rows of both."""
        return [row for one in self.found for row in one.table()]

    def arrays(self) -> dict[str, np.ndarray]:
        """``observation`` (h, w, C), and ``policy`` and ``value``, (h, w, 1) float32."""
        policy, value = self.found
        return {"observation": policy.observation, "policy": policy.map, "value": value.map}


@ANALYSES.register("policy_and_value")
def policy_and_value(
    agent: Any, *, observation: np.ndarray, state: np.ndarray | None = None, action: int | None = None, **options: Any
) -> Iterator[Progress]:
    """Both of Greydanus et al.'s maps at an observation (h, w, C), in the time of one: the last Progress has a
    PolicyAndValue.

    state: the recurrent memory before it, (S,). action: the index of the action that was taken; None: the best one; the
    policy's map is of all actions. options: those of ``greydanus``. The seconds of each map are those of both. Raises
    ZooError: a network without a value, unknown options.
    """
    method = method_of(METHOD)
    settings, begun = method.settings(options), time.perf_counter()
    first = ask(agent, observation, TARGETS[0], method, state=state, action=action)
    second = ask(agent, observation, TARGETS[1], method, state=state, action=action, activations=first.activations)
    label = f"{method.title} of policy and value"
    steps, last = greydanus_maps([first, second], settings), (0, 1)
    try:
        while True:
            last = next(steps)
            yield Progress(*last, label)
    except StopIteration as end:
        answers = end.value
    seconds = time.perf_counter() - begun
    found = tuple(record(one, method, settings, answer, seconds) for one, answer in zip((first, second), answers))
    yield Progress(last[1], last[1], label, PolicyAndValue(found))
