"""Why? What in the observation an action, the value or a unit depends on, by every method of ``methods.METHODS``.

A map is a hypothesis, no explanation: Atrey, Clary & Jensen 2020 (arXiv:1912.05743). ``sanity`` says whether a method
looks at the weights at all, ``faithfulness`` whether what it calls important is, ``cover`` tests a claim about a place.
No TensorFlow here.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Iterator, Sequence

import numpy as np

from zoo_gui.analysis import ANALYSES, Progress, targets
from zoo_gui.analysis import attribution_gradients as gradients
from zoo_gui.analysis import attribution_perturbation as perturbation
from zoo_gui.analysis.attribution_record import Attribution
from zoo_gui.analysis.methods import METHODS, Method, checked_target, method_of
from zoo_gui.analysis.question import Answer, Question, best
from zoo_gui.analysis.targets import Target
from zoo_gui.types import Unit, ZooError, read_only

FUNCTIONS: dict[str, Callable[[Question, dict[str, Any]], Iterator]] = {
    **{name: getattr(gradients, name) for name in ("gradient", "gradient_input", "guided", "deconv", "gradcam",
                                                    "integrated_layer", "smoothgrad", "integrated")},
    **{name: getattr(perturbation, name) for name in ("occlusion", "greydanus", "sarfa")},
}  # fmt: skip
"""The generator of each method: it yields (done, total) and returns an Answer."""


def ask(
    agent: Any,
    observation: np.ndarray,
    target: Target | Unit | str,
    method: Method,
    *,
    state: np.ndarray | None = None,
    action: int | None = None,
    activations: Any = None,
) -> Question:
    """The question that a method answers. activations: those at the observation where they are known already. Raises
    ZooError where the method cannot answer it."""
    found = checked_target(method, target, agent, action)
    observation = np.ascontiguousarray(observation)
    if activations is None:
        memory = {"state": state} if state is not None and len(state) else {}
        activations = agent.activations(observation, **memory)
    head = next((info.name for info in agent.layers if info.kind in ("logits", "q")), "")
    if action is None and head in found.layers:
        first = next(term for term in found.terms if term.layer == head)
        action = best(activations[head]) if first.index == targets.BEST else first.index
    return Question(agent, observation, found, activations, state, action)


def answer(question: Question, method: Method, options: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Ask: yields (done, total) and returns the Answer, its map float32. Raises ZooError."""
    found: Answer = yield from FUNCTIONS[method.name](question, options)
    if not np.isfinite(found.map).all():
        raise ZooError(f"{method.title} of {question.target.text} is not finite here: the network's numbers overflow.")
    return found


@ANALYSES.register("attribution")
def attribution(
    agent: Any,
    *,
    observation: np.ndarray,
    state: np.ndarray | None = None,
    target: Target | Unit | str = "action",
    method: str = "gradient",
    action: int | None = None,
    **options: Any,
) -> Iterator[Progress]:
    """What one method says of ``target`` at an observation (h, w, C): Progress, the last with an Attribution.

    state: the recurrent memory before it, (S,). target: see ``analysis.targets``. action: the index of the action that
    was taken, which ``action`` means; None: the best one. options: the method's (``METHODS[method].options``); the
    ``baseline`` of integrated gradients may also be an observation, (h, w, C). Raises ZooError.
    """
    chosen = method_of(method)
    settings = _settings(chosen, options)
    begun = time.perf_counter()
    question = ask(agent, observation, target, chosen, state=state, action=action)
    steps, last = answer(question, chosen, settings), (0, 1)
    try:
        while True:
            last = next(steps)
            if last[0]:
                yield Progress(*last, f"{chosen.title} of {question.target.text}")
    except StopIteration as end:
        found: Answer = end.value
    total = last[1]
    yield Progress(total, total, f"{chosen.title} of {question.target.text}",
                   record(question, chosen, settings, found, time.perf_counter() - begun))  # fmt: skip


@ANALYSES.register("attributions")
def attributions(
    agent: Any,
    *,
    observation: np.ndarray,
    state: np.ndarray | None = None,
    target: Target | Unit | str = "action",
    methods: Sequence[str] = (),
    action: int | None = None,
) -> Iterator[Progress]:
    """Several methods beside each other, each with its defaults: one Attribution a result, the cheapest first as they
    are listed. methods: their names, () for all that can answer. A method that cannot is passed over, unless it was
    named: then ZooError."""
    found = targets.parse(target, agent, action)
    names = tuple(methods) or tuple(METHODS)
    asked = {"observation": observation, "state": state, "target": found, "action": action}
    for done, name in enumerate(names):
        try:
            for progress in attribution(agent, method=name, **asked):
                share = progress.done / progress.total if progress.result is None else 1.0
                yield Progress(round(100 * (done + share)), 100 * len(names), progress.label, progress.result)
        except ZooError:
            if methods:
                raise
    yield Progress(100 * len(names), 100 * len(names), "all methods")


def record(question: Question, method: Method, options: dict[str, Any], found: Answer, seconds: float) -> Attribution:
    """The Attribution of an answer."""
    drawn = np.ascontiguousarray(found.map, np.float32)
    return Attribution(
        method=method.name, title=method.title, target=question.target.text,
        observation=read_only(np.array(question.observation)), map=read_only(drawn), signed=method.signed,
        scale=float(np.abs(drawn).max()), options=options, seconds=seconds, score=question.score, layer=found.layer,
        values=read_only(np.ascontiguousarray(found.values, np.float32)), error=found.error, action=question.action,
    )  # fmt: skip


def _settings(method: Method, options: dict[str, Any]) -> dict[str, Any]:
    """All options; a baseline that is an array passes as it is."""
    given = {name: value for name, value in options.items() if not isinstance(value, np.ndarray)}
    arrays = {name: value for name, value in options.items() if isinstance(value, np.ndarray)}
    if set(arrays) - ({"baseline"} & set(method.defaults)):
        raise ZooError(f"{method.title} takes no array as “{next(iter(arrays))}”.")
    return {**method.settings(given), **arrays}
