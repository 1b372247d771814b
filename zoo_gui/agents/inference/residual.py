"""Stacks of residual blocks (Espeholt et al. 2018, fig. 3: IMPALA's deep network) among convolutions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo_gui.agents.inference.arrays import natural

if TYPE_CHECKING:
    from zoo_gui.agents.inference.wiring import Node

_RESIDUAL = re.compile(r"res", re.IGNORECASE)
BLOCKS = 2
"""Residual blocks of two convolutions in each stack of IMPALA's network."""


@dataclass(frozen=True)
class Stack:
    """A convolution, a max pooling (3×3, stride 2), and blocks of two convolutions with their input added."""

    conv: Node
    blocks: tuple[tuple[Node, Node], ...]


def stacks(convs: Sequence[Node]) -> list[Stack] | None:
    """The stacks that these convolutions make, in order; None where they are a plain chain."""
    if len(convs) < 1 + 2 * BLOCKS or any(node.module.kernel != (3, 3) for node in convs):
        return None
    named = [node for node in convs if _RESIDUAL.search(_parent(node))]
    found = _by_names(convs, named) if named else _by_count(convs)
    return found if found and all(_fits(found)) else None


def _parent(node: Node) -> str:
    return re.split(r"[./](?=[^./]*$)", node.path)[0] if re.search(r"[./]", node.path) else ""


def _by_names(convs: Sequence[Node], residual: Sequence[Node]) -> list[Stack] | None:
    """Blocks are what lies in one folder; they belong to the convolution whose folder holds theirs (CleanRL:
    ``network.0.conv``, ``network.0.res_block0.conv0``), or whose number is theirs (torchbeast: ``feat_convs.1.0``,
    ``resnet1.1.3``)."""
    plain = sorted((node for node in convs if node not in residual), key=lambda node: natural(node.path))
    blocks: dict[str, list[Node]] = {}
    for node in sorted(residual, key=lambda node: natural(node.path)):
        blocks.setdefault(_parent(node), []).append(node)
    if not plain or len(blocks) % len(plain) or any(len(pair) != 2 for pair in blocks.values()):
        return None
    result = []
    for conv in plain:
        folder = _parent(conv)
        inside = [pair for path, pair in blocks.items() if path.startswith((folder + ".", folder + "/"))]
        number = re.findall(r"\d+", folder)[-1:]
        mine = inside or [pair for path, pair in blocks.items() if re.findall(r"\d+", path)[-1:] == number]
        result.append(Stack(conv, tuple((pair[0], pair[1]) for pair in mine)))
    return result if sum(len(stack.blocks) for stack in result) == len(blocks) else None


def _by_count(convs: Sequence[Node]) -> list[Stack] | None:
    """Without names: as many groups of five convolutions, the last four of which keep the number of channels."""
    size = 1 + 2 * BLOCKS
    if len(convs) % size or len(convs) == size:
        return None
    result = []
    for i in range(0, len(convs), size):
        first, *rest = convs[i : i + size]
        result.append(Stack(first, tuple(zip(rest[::2], rest[1::2]))))
    return result


def _fits(found: Sequence[Stack]) -> list[bool]:
    """Whether each stack's channels follow from the one before it."""
    ends = [stack.conv.module.outputs for stack in found]
    kept = [
        all(node.module.inputs == node.module.outputs == end for pair in stack.blocks for node in pair)
        for stack, end in zip(found, ends)
    ]
    return kept + [stack.conv.module.inputs == end for stack, end in zip(found[1:], ends)]
