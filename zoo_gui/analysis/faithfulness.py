"""Is what a map calls important, important? The pixels filled in its order, or shown in its order, beside a random one.

Petsiuk, Das & Saenko 2018, "RISE" (arXiv:1806.07421), §4: deletion and insertion. No TensorFlow here.
"""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, targets
from zoo_gui.analysis.attribution import ask, attribution
from zoo_gui.analysis.attribution_record import Faithfulness
from zoo_gui.analysis.methods import Option, method_of
from zoo_gui.analysis.question import Question, in_slices, score_rows
from zoo_gui.analysis.targets import Target
from zoo_gui.registry import unknown
from zoo_gui.types import Unit, ZooError, read_only

FILLS = ("mean", "black", "blur")
"""What deleted pixels become: each channel's mean, the darkest value, or the picture blurred with deviation 5."""
RANDOM_ORDERS = 4
STEPS = Option("points", 24, "fractions of the pixels between none and all", 2, 512)


@ANALYSES.register("faithfulness")
def faithfulness(
    agent: Any,
    *,
    observation: np.ndarray,
    state: np.ndarray | None = None,
    target: Target | Unit | str = "action",
    method: str = "gradient",
    action: int | None = None,
    fill: str = "mean",
    points: int = 24,
    seed: int = 0,
    attribution_map: np.ndarray | None = None,
    **options: Any,
) -> Iterator[Progress]:
    """Deletion and insertion curves of a method's map: Progress, the last with a Faithfulness.

    A pixel goes in all frames at once; pixels are in the order of ``Attribution.flat``, the largest first, so of a
    signed map what speaks for the target. points: fractions besides 0. seed: of the RANDOM_ORDERS that are the control.
    attribution_map: (h, w), a map to test in place of the method's. Raises ZooError. The rest is as of ``attribution``.
    """
    if fill not in FILLS:
        raise unknown("filling", fill, FILLS)
    points = STEPS.checked(points)
    chosen = method_of(method)
    question = ask(agent, observation, target, chosen, state=state, action=action)
    flat = None if attribution_map is None else np.asarray(attribution_map, np.float32)
    if flat is None:
        asked = {"state": state, "target": target, "method": method, "action": action, **options}
        for progress in attribution(agent, observation=observation, **asked):
            if progress.result is None:
                yield progress
        flat = progress.result.flat
    if flat.shape != question.observation.shape[:2]:
        raise ZooError(f"A map to test has the observation's {question.observation.shape[:2]}, not {flat.shape}.")
    rng = np.random.default_rng(seed)
    orders = [np.argsort(-flat, axis=None, kind="stable"), *(rng.permutation(flat.size) for _ in range(RANDOM_ORDERS))]
    counts = np.round(np.linspace(0, flat.size, points + 1)).astype(int)
    curves, total = np.zeros((len(orders), 2, 2, len(counts))), len(orders) * 2
    act, filled = _acting(question), _filled(question, fill)
    for number, order in enumerate(orders):
        for way in range(2):
            yield Progress(2 * number + way, total, f"{chosen.title}: {('deletion', 'insertion')[way]}")
            for part in in_slices(len(counts)):
                many = _ordered(question.observation, filled, order, counts[part], way == 1)
                curves[number, way, :, part] = _read(question, many, act)
                yield Progress(2 * number + way, total)
    yield Progress(total, total, "deletion and insertion", _record(chosen, question, fill, flat, counts, curves, act))


def _ordered(x: np.ndarray, filled: np.ndarray, order: np.ndarray, counts: np.ndarray, inserts: bool) -> np.ndarray:
    """(n, h, w, C): of each count, so many pixels of the order filled; or, where it ``inserts``, only these shown."""
    start, end = (filled, x) if inserts else (x, filled)
    many = np.repeat(start[None].astype(np.float32), len(counts), 0).reshape(len(counts), -1, x.shape[-1])
    ends = end.reshape(-1, x.shape[-1])
    for one, count in zip(many, counts):
        one[order[:count]] = ends[order[:count]]
    return many.reshape(len(counts), *x.shape)


def _read(question: Question, many: np.ndarray, action: int) -> np.ndarray:
    """(2, n): the target's score, and the action's probability (nan without scores of actions)."""
    activations = question.activations_of(many)
    scores = score_rows(question.seeds(), activations)
    try:
        heads = activations[targets.head(question.agent).name].astype(np.float64)
    except ZooError:
        return np.stack([scores, np.full(len(many), np.nan)])
    shifted = np.exp(heads - heads.max(1, keepdims=True))
    return np.stack([scores, shifted[:, action] / shifted.sum(1)])


def _acting(question: Question) -> int:
    """The action whose probability is read: the one that is explained, else the likeliest."""
    if question.action is not None:
        return question.action
    try:
        return int(np.argmax(question.activations[targets.head(question.agent).name]))
    except ZooError:
        return 0


def _filled(question: Question, fill: str) -> np.ndarray:
    """(h, w, C) float32: an observation that is nothing but filling."""
    from scipy.ndimage import gaussian_filter

    x = question.observation.astype(np.float32)
    if fill == "blur":
        return gaussian_filter(x, (5.0, 5.0, 0.0))
    return np.full_like(x, question.black) if fill == "black" else np.zeros_like(x) + x.mean((0, 1))


def _record(method: Any, question: Question, fill: str, flat: np.ndarray, counts: np.ndarray, curves: np.ndarray,
            action: int) -> Faithfulness:  # fmt: skip
    fractions = counts / counts[-1]
    own, chance = curves[0], curves[1:].mean(0)
    named = {
        f"{prefix}{way}{kind}": read_only(np.ascontiguousarray(source[i, j]))
        for prefix, source in (("", own), ("random_", chance))
        for i, way in enumerate(("deletion", "insertion"))
        for j, kind in enumerate(("", "_probability"))
    }
    areas = {name: float(np.trapezoid(curve, fractions)) for name, curve in named.items()}
    deletes = areas["deletion"] < areas["random_deletion"]
    inserts = areas["insertion"] > areas["random_insertion"]
    both = "better than chance both ways" if deletes and inserts else (
        "no better than chance either way" if not (deletes or inserts) else
        f"better than chance by {'deletion' if deletes else 'insertion'} only")  # fmt: skip
    return Faithfulness(
        method=method.name, title=method.title, target=question.target.text, fill=fill, map=read_only(np.array(flat)),
        action=action, fractions=read_only(fractions), areas=areas, **named,
        sentence=f"The order of {method.title} is {both}, for {question.target.text} at this moment.",
    )  # fmt: skip
