"""What would the agent do if it did not see that? A region covered in all frames, beside regions of its size elsewhere.

Atrey, Clary & Jensen 2020, "Exploratory Not Explanatory" (arXiv:1912.05743): what a saliency map suggests is to be
tested by changing the input. Covering changes the pixels, not the game: an agent may also mind the cover itself, which
is why other places of the same size are covered as well. No TensorFlow here.
"""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, targets
from zoo_gui.analysis.attribution_record import CoverTest
from zoo_gui.analysis.methods import Option
from zoo_gui.analysis.question import in_slices
from zoo_gui.naming import readable_action
from zoo_gui.play import cover as covers
from zoo_gui.types import ZooError, read_only

Box = tuple[int, int, int, int]
CONTROLS = Option("controls", 64, "random other places", 1, 4096)


@ANALYSES.register("cover")
def cover(
    agent: Any,
    *,
    observation: np.ndarray,
    state: np.ndarray | None = None,
    box: Box | None = None,
    boxes: Sequence[Box] = (),
    fill: str = "mean",
    controls: int = 64,
    seed: int = 0,
) -> Iterator[Progress]:
    """Cover one ``box`` (top, left, height, width), or several ``boxes``, in all frames; the last Progress has a
    CoverTest.

    fill: ``black``, ``mean``, ``blur`` or ``background`` (``play.cover``). controls: how many random placements of
    boxes of the same sizes to compare with; they do not touch the region where there is room beside it. Raises
    ZooError.
    """
    controls = CONTROLS.checked(controls)
    head = targets.head(agent).name
    wanted = [*boxes, *([] if box is None else [box])]
    if not wanted:
        raise ZooError("Say which place to cover: a box of top, left, height, width in observation pixels.")
    places = tuple(covers.checked(one, observation.shape, fill).box for one in wanted)
    others = _elsewhere(places, observation.shape, controls, np.random.default_rng(seed))
    black, memory = agent.observation_range[0], {}
    if state is not None and len(state):
        memory["state"] = np.asarray(state, np.float32)
    many = [observation, _covered(observation, places, fill, black)]
    many += [_covered(observation, [tuple(one) for one in row.tolist()], fill, black) for row in others]
    scores, values = [], []
    for part in in_slices(len(many)):
        yield Progress(part.start, len(many), "covering")
        batch = {name: np.repeat(array[None], part.stop - part.start, 0) for name, array in memory.items()}
        found = agent.activations(np.stack(many[part]), **batch)
        scores.append(found[head])
        values.append(_values(agent, found, head))
    found = _record(agent, many, places, fill, np.concatenate(scores), np.concatenate(values), others)
    yield Progress(len(many), len(many), "covered", found)


def _covered(observation: np.ndarray, places: Sequence[Box], fill: str, black: float) -> np.ndarray:
    for place in places:
        observation = covers.covered(observation, covers.Cover(place, fill), black)
    return observation


def _elsewhere(places: tuple[Box, ...], shape: tuple[int, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, boxes, 4) int64: boxes of the same sizes at random, beside the region where that is possible."""
    taken = np.zeros(shape[:2], bool)
    for top, left, height, width in places:
        taken[top : top + height, left : left + width] = True
    result = np.zeros((count, len(places), 4), np.int64)
    for index, (_, _, height, width) in enumerate(places):
        sums = np.pad(taken.astype(int), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
        least = np.sort(inside, axis=None)[min(count, inside.size) - 1]  # where all touch it, those that do so least
        free = np.argwhere(inside == 0) if (inside == 0).any() else np.argwhere(inside <= least)
        result[:, index, :2] = free[rng.integers(len(free), size=count)]
        result[:, index, 2:] = height, width
    return result


def _values(agent: Any, activations: dict[str, np.ndarray], head: str) -> np.ndarray:
    """(N,) state values: of the value head, else max Q of a Q agent, else nan."""
    info = next((info for info in agent.layers if info.kind == "value"), None)
    if info is not None:
        return activations[info.name][:, 0]
    scores = activations[head]
    return scores.max(1) if agent.scores_kind == "q" else np.full(len(scores), np.nan)


def _record(
    agent: Any, many: list[np.ndarray], places: tuple[Box, ...], fill: str, scores: np.ndarray, values: np.ndarray,
    others: np.ndarray,
) -> CoverTest:  # fmt: skip
    policy = agent.scores_kind != "q"
    shown = _softmax(scores) if policy else scores.astype(np.float32)
    differences = np.abs(shown[1:] - shown[0])
    changes = 0.5 * differences.sum(1) if policy else differences.max(1)
    change, chance = float(changes[0]), changes[1:]
    share = (1 + int((chance >= change).sum())) / (1 + len(chance))
    actions = shown.argmax(1)
    names = agent.action_names
    now, then = (readable_action(names[action]) for action in actions[:2])
    first = "likeliest" if policy else "best"
    does = f"{then} becomes the {first} action instead of {now}"
    if actions[0] == actions[1]:
        does = f"{now} stays the {first} action"
    by = f"the policy changes by {change:.0%}" if policy else f"a Q-value changes by up to {change:.3g}"
    beside = f"{int((chance >= change).sum())} of {len(chance)} other places of that size change it as much"
    return CoverTest(
        observation=read_only(np.array(many[0])), covered=read_only(np.array(many[1])), boxes=places, fill=fill,
        action_names=tuple(names), scores_kind=agent.scores_kind, before=read_only(shown[0].copy()),
        after=read_only(shown[1].copy()), action_before=int(actions[0]), action_after=int(actions[1]),
        value_before=float(values[0]), value_after=float(values[1]), change=change, controls=read_only(others),
        control_changes=read_only(chance.copy()), control_actions=read_only(actions[2:].copy()), share=share,
        sentence=f"With this covered {does}, and {by}; {beside}.",
    )  # fmt: skip


def _softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(1, keepdims=True))
    return (shifted / shifted.sum(1, keepdims=True)).astype(np.float32)
