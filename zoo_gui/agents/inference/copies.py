"""Several networks of one structure in a file: the one that acts is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zoo_gui.agents.inference.arrays import Module, words

ACTS = ("online", "eval", "local", "policy", "current", "main", "actor", "model", "behavior", "behaviour", "learner")
"""Words for the network that acts, the surest first."""
RESTS = frozenset(
    {"target", "next", "old", "prev", "previous", "avg", "average", "copy", "slow", "frozen", "teacher", "tar"}
)
TOWERS = ({"pi", "actor", "policy"}, {"vf", "critic", "value"})
"""Words of two networks of one structure that are no copies: an actor and a critic."""


def choose(modules: Sequence[Module], arrays: Mapping[str, np.ndarray]) -> tuple[list[Module], dict[str, str]]:
    """The layers without further copies of a whole network, and {array left out: why}.

    Copies are folders of the file whose layers have the same names and shapes and begin at the observation.
    """
    left_out: dict[str, str] = {}
    kept = list(modules)
    for _ in range(4):  # copies in copies: agent.online, agent.target, beside a best agent of the same
        group = _copies(kept, arrays)
        if not group:
            break
        best = min(group, key=lambda name: _rank(name, list(group)))
        for name, members in group.items():
            if name != best:
                paths = {module.path for module in members}
                kept = [module for module in kept if module.path not in paths]
                why = f"{name or 'the top'} is another copy of the network {best or 'at the top'}"
                left_out |= {array: why for module in members for array in module.arrays}
    return kept, left_out


def _rank(name: str, names: list[str]) -> tuple:
    marks = words(name)
    acts = next((i for i, word in enumerate(ACTS) if word in marks), len(ACTS))
    return any(word in RESTS for word in marks), acts, names.index(name)


def _copies(modules: Sequence[Module], arrays: Mapping[str, np.ndarray]) -> dict[str, list[Module]]:
    """{folder: its layers} of the first two or more folders that are copies of each other."""
    convs = [module for module in modules if module.kind == "conv"]
    if not convs:
        return {}
    first = min(module.inputs for module in convs)
    depth = max(len(module.components) for module in modules)
    for level in range(depth):
        groups: dict[str, list[Module]] = {}
        for module in modules:
            if len(module.components) > level + 1:
                groups.setdefault("/".join(module.components[: level + 1]), []).append(module)
        whole = {
            name: members for name, members in groups.items()
            if any(m.kind == "conv" and m.inputs == first and m.outputs != first for m in members)
        }  # fmt: skip
        same: dict[tuple, dict[str, list[Module]]] = {}
        for name, members in whole.items():
            shape = tuple((m.components[level + 1 :], m.kind, m.inputs, m.outputs) for m in members)
            same.setdefault(shape, {})[name] = members
        for group in same.values():
            if len(group) > 1 and not _towers(group, arrays):
                return group
    return {}


def _towers(group: Mapping[str, list[Module]], arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are an actor and a critic with weights of their own."""
    marks = [set(words(name)) for name in group]
    apart = all(any(mark & tower for mark in marks) for tower in TOWERS)
    if not apart:
        return False
    one, other, *_ = group.values()
    pairs = zip(one, other)
    names = ((one, other) for a, b in pairs for one, other in zip(a.arrays, b.arrays))
    return not all(_equal(arrays[one], arrays[other]) for one, other in names)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other))
