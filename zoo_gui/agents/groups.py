"""Groups of a layer's units as a layer of the agent: its units are directions, and behave like units everywhere.

The layer gives s = max(0, a · kernel) at each position of the layer that it groups, a 1×1 convolution (of a dense layer
a dense one) and a rectifier. ``kernel`` is the pseudo-inverse of the directions, so that without the rectifier s is the
least-squares answer to a ≈ Σ s_k d_k. A non-negative factorization asks the same with s ≥ 0 in one; where two
directions overlap the two differ a little (``analysis.groups`` says by how much).

Nothing reads such a layer. An edit of one of its units therefore acts on the layer that it groups: a becomes
a + (gain · s + offset − s) d, so that a gain of 0 takes the group's part out. Of a group that is a single unit that is
the edit of the unit itself. No TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from zoo_gui.agents.network_spec import LayerSpec
from zoo_gui.registry import near_names
from zoo_gui.types import LayerInfo, ZooError, read_only

MOST = 64
"""Groups of one layer."""
_NEARLY_EQUAL = 1e6
"""Condition of the directions' products beyond which two of them count as one."""


@dataclass(frozen=True)
class Grouping:
    """A layer of groups, as it is given to another agent with the same weights: ``with_groups`` makes the very same of
    it. directions: (K, units), each of length 1; kernel: (units, K). there: False of one that was taken away again."""

    name: str
    layer: str
    directions: np.ndarray
    kernel: np.ndarray
    unit_names: tuple[str, ...] = ()
    there: bool = True


def groupings_of(agent: Any) -> dict[str, Grouping]:
    """{name: an agent's layer of groups}, in the order in which they were added."""
    found = {}
    for info in (info for info in agent.layers if info.groups_of):
        directions, kernel = (agent.weights[f"{info.name}/{part}"] for part in ("directions", "kernel"))
        kernel = kernel.reshape(kernel.shape[-2:])
        found[info.name] = Grouping(info.name, info.groups_of, directions, kernel, info.unit_names)
    return found


def kernel_of(directions: np.ndarray) -> np.ndarray:
    """(units, K) float32: the pseudo-inverse of directions (K, units), dᵀ (d dᵀ)⁻¹. Raises ZooError where they are not
    independent."""
    rows = np.asarray(directions, np.float64)
    gram = rows @ rows.T
    if len(rows) > rows.shape[1] or not np.linalg.cond(gram) < _NEARLY_EQUAL:
        raise ZooError("Two of these groups are the same mixture of units: ask for fewer groups.")
    return np.linalg.solve(gram, rows).T.astype(np.float32)


def unused_name(layer: str, taken: Sequence[str]) -> str:
    """``conv3_groups``, or with a number behind where that is taken."""
    name, number = f"{layer}_groups", 2
    while name in taken:
        name, number = f"{layer}_groups{number}", number + 1
    return name


def grouping(
    layers: Sequence[LayerInfo], layer: str, directions: np.ndarray, name: str = "", kernel: np.ndarray | None = None
) -> tuple[LayerSpec, dict[str, np.ndarray]]:
    """(the layer that groups ``layer``, its arrays ``kernel`` and ``directions`` by their names). kernel: a Grouping's,
    whose directions are taken as they are then, since another processor may round both otherwise. Raises ZooError."""
    known = {info.name: info for info in layers}
    if layer not in known:
        near = near_names(layer, known) or list(known)
        raise ZooError(f"There is no layer “{layer}” to group: choose {', '.join(near)}.")
    info, rows = known[layer], np.array(directions, np.float32)
    if info.groups_of:
        raise ZooError(f"{layer} is made of groups itself: group {info.groups_of}.")
    if rows.ndim != 2 or rows.shape[1] != info.units or not 1 <= len(rows) <= MOST:
        raise ZooError(
            f"Groups of {layer} are 1 to {MOST} directions of {info.units} numbers, not an array of shape {rows.shape}."
        )
    if not np.isfinite(rows).all() or not rows.any(1).all():
        raise ZooError(f"A group of {layer} holds a number that is not finite, or nothing but zeros.")
    name = name or unused_name(layer, list(known))
    if name in known:
        raise ZooError(f"There is a layer {name} already: give the groups another name.")
    if not name.replace("_", "").replace("-", "").replace(".", "").isalnum():
        raise ZooError(f"“{name}” cannot be a layer's name: use letters, digits, _, - and full stops.")
    if kernel is None:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        kernel = kernel_of(rows)
    kernel = np.array(kernel, np.float32)
    if kernel.shape != rows.shape[::-1] or not np.isfinite(kernel).all():
        raise ZooError(f"The kernel of {name} is not one of {len(rows)} groups of {info.units} units.")
    if len(info.shape) == 3:
        kernel = kernel[None, None]
    spec = LayerSpec(name, "groups", units=len(rows), activation="relu", source=layer, bias=False)
    arrays = {f"{name}/kernel": np.ascontiguousarray(kernel), f"{name}/directions": rows}
    return spec, {key: read_only(array) for key, array in arrays.items()}


def names_of(unit_names: Sequence[str], count: int) -> tuple[str, ...]:
    """Names of ``count`` units, on one line each. Raises ZooError where there are more."""
    names = tuple(" ".join(str(name).split())[:60] for name in unit_names)
    if len(names) > count:
        raise ZooError(f"These are {len(names)} names for {count} units.")
    return names + ("",) * (count - len(names)) if any(names) else ()


def checked_group_layer(agent: Any, layer: str) -> LayerInfo:
    """The layer of groups of that name. Raises ZooError."""
    found = next((info for info in agent.layers if info.name == layer), None)
    if found is None or not found.groups_of:
        groups = [info.name for info in agent.layers if info.groups_of]
        raise ZooError(f"“{layer}” is no layer of groups: {', '.join(groups) or 'there is none yet'}.")
    return found
