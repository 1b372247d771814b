"""A NetworkSpec's layers, and the names of their arrays, from wired modules, a fit of the geometry, and the outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo_gui.agents.inference.builder import Builder, Choices
from zoo_gui.agents.inference.geometry import Fit, Move, Pool, fits
from zoo_gui.agents.inference.outputs import add_vectors
from zoo_gui.agents.inference.residual import stacks
from zoo_gui.agents.inference.roles import Heads
from zoo_gui.agents.inference.wiring import Node, Wiring
from zoo_gui.agents.network_spec import LayerSpec

def trunk(wiring: Wiring) -> str:
    """The tower that the rest is about: the actor's where there are several."""
    names = list(wiring.towers)
    return next((name for name in names if name in ("policy", "q", "advantage")), names[0] if names else "")


def movements(
    wiring: Wiring,
    modules: Mapping[str, Any],
    torch: bool,
    sizes: Mapping[tuple[int, int], float] | None = None,
    given: Sequence[Move] = (),
) -> list[Fit]:
    """Ways that the trunk's convolutions can move, best first.

    modules: what a pickle says of its modules, by path. given: how they move, where that is known from elsewhere.
    """
    nodes = wiring.towers.get(trunk(wiring), ())
    if not nodes:
        return []
    rows = wiring.rows.get(trunk(wiring))
    positions = rows // nodes[-1].module.outputs if rows else None
    found = stacks(nodes)
    if found:
        move = Move(1, 1, Pool(3, 2, 1)) if torch else Move(1, "SAME", Pool(3, 2, "SAME"))
        return fits([(3, 3)] * len(found), positions, torch=torch, known=[move] * len(found), sizes=sizes)
    if given:
        known, pools = list(given), [move.pool for move in given]
    else:
        known, pools = [_known(node.path, modules) for node in nodes], _known_pools(nodes, modules)
    return fits([node.module.kernel for node in nodes], positions, torch=torch, known=known, pools=pools, sizes=sizes)


def _entry(path: str, modules: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the file says of the module at a path; its own paths may begin deeper or higher."""
    if isinstance(modules.get(path), Mapping):
        return modules[path]
    ends = [name for name in modules if path.endswith("." + name) or name.endswith("." + path)]
    return modules[ends[0]] if len(ends) == 1 and isinstance(modules[ends[0]], Mapping) else {}


def _known(path: str, modules: Mapping[str, Any]) -> Move | None:
    entry = _entry(path, modules)
    if "stride" not in entry:
        return None
    padding = entry.get("padding", 0)
    padding = "SAME" if padding == "same" else 0 if padding == "valid" else padding
    return Move(_pair(entry["stride"]), padding if padding == "SAME" else _pair(padding))


def _pair(value: Any) -> int | tuple[int, int]:
    if isinstance(value, (int, float)):
        return int(value)
    pair = tuple(int(number) for number in value)[:2]
    return pair[0] if len(set(pair)) == 1 else pair


def _known_pools(nodes: Sequence[Node], modules: Mapping[str, Any]) -> list[Pool | None]:
    """Max poolings that a pickle lists between its convolutions, in its order."""
    order = list(modules)
    pools: list[Pool | None] = [None] * len(nodes)
    at = [next((i for i, name in enumerate(order) if _same(name, node.path)), None) for node in nodes]
    for i, name in enumerate(order):
        entry = modules[name] if isinstance(modules[name], Mapping) else {}
        before = [n for n, place in enumerate(at) if place is not None and place < i]
        if "MaxPool" in str(entry.get("class", "")) and before:
            kernel, padding = (_pair(entry.get(key, default)) for key, default in (("kernel_size", 2), ("padding", 0)))
            stride = _pair(entry.get("stride") or kernel)
            if all(isinstance(number, int) for number in (kernel, stride, padding)):
                pools[before[-1]] = Pool(kernel, stride, padding)
    return pools


def _same(name: str, path: str) -> bool:
    return name == path or path.endswith("." + name) or name.endswith("." + path)


def build(
    wiring: Wiring, heads: Heads, fit: Fit | None, choices: Choices, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[tuple[LayerSpec, ...], dict[str, str]]:
    """(layers, {our name: the file's name of an array}). shapes: of the file's arrays."""
    builder = Builder(wiring, choices, shapes)
    used = wiring.ancestors([path for path in (heads.action, heads.value) if path])
    towers = [name for name in wiring.towers if f"map:{name}" in used]
    if len(towers) > 1:
        builder.add(LayerSpec("observation", "activation"))
    for tower in towers:
        _add_tower(builder, tower, fit, "observation" if len(towers) > 1 else None)
    add_vectors(builder, heads, used)
    return tuple(builder.layers), builder.names


def _add_tower(builder: Builder, tower: str, fit: Fit, source: str | None) -> None:
    """The convolutions of a tower; those of a second one move as the trunk's do."""
    nodes = builder.wiring.towers[tower]
    prefix = f"{tower}_" if len(builder.wiring.towers) > 1 and source else ""
    name = source
    found = stacks(nodes)
    if found:
        for stack, move in zip(found, fit.moves):
            name = builder.stack(stack, move, name)
        name = builder.add(LayerSpec("relu", "activation", activation=builder.choices.convs, source=name))
    else:
        for i, (node, move) in enumerate(zip(nodes, fit.moves), 1):
            name = builder.conv(node, f"{prefix}conv{i}", move, name, builder.choices.convs)
    builder.at[f"map:{tower}"] = name
