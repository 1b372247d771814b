"""What feeds what: from the sizes of layers, the words in their names, and their order in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from zoo_gui.agents.inference.arrays import Module, words
from zoo_gui.agents.inference.residual import stacks

STREAMS = {
    "value": {"value", "values", "critic", "baseline", "vf", "val", "v"},
    "advantage": {"advantage", "advantages", "adv", "a"},
    "policy": {"policy", "actor", "pi", "logits", "pf"},
    "q": {"q", "qs"},
}
"""What a layer is for, by a word in its name."""
FRACTION_COSINES = (32, 64, 128)
"""How many cosines an IQN makes of a fraction."""
QUANTILE_WORDS = {"cos", "cosine", "phi", "quantile", "quantiles", "tau", "embedding", "iqn"}


@dataclass(frozen=True)
class Node:
    """A layer in its place. source: the path of what feeds it; "" the observation; ``map:`` + tower the last map of
    that tower of convolutions. norms: what normalises its output, in order. embeds: the fractions of an IQN."""

    module: Module
    source: str = ""
    norms: tuple[Module, ...] = ()
    stream: str = ""
    embeds: bool = False

    @property
    def path(self) -> str:
        """The layer's path."""
        return self.module.path


@dataclass(frozen=True)
class Wiring:
    """towers: {name: convolutions in order}; vectors: dense and recurrent layers, each after what feeds it; faults:
    sentences on what does not fit; rows: {tower: units that its map has, as what reads it says}."""

    towers: dict[str, tuple[Node, ...]]
    vectors: tuple[Node, ...]
    rows: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def sinks(self) -> tuple[Node, ...]:
        """Layers that feed no other."""
        fed = {node.source for node in self.vectors}
        return tuple(node for node in self.vectors if node.path not in fed and not node.embeds)

    def node(self, path: str) -> Node:
        """The dense or recurrent layer of that path. Raises StopIteration without one."""
        return next(node for node in self.vectors if node.path == path)

    def ancestors(self, paths: Sequence[str]) -> set[str]:
        """These layers and all that feed them, paths and ``map:`` towers."""
        found, waiting = set(), list(paths)
        sources = {node.path: node.source for node in self.vectors}
        while waiting:
            path = waiting.pop()
            if path and path not in found:
                found.add(path)
                waiting.append(sources.get(path, ""))
        return found


def stream(module: Module) -> str:
    """``value``, ``advantage``, ``policy``, ``q`` or "": the last word of the name that says one.

    ``state_value`` beside ``action_value`` (OpenAI Baselines) are the two streams of a dueling network.
    """
    named = words(re.sub(r"(?i)a[23]c", "", module.path))
    if "action_value" in "_".join(named):
        return "advantage"
    for word in reversed(named):
        for name, marks in STREAMS.items():
            if word in marks:
                return name
    return ""


def wire(modules: Sequence[Module]) -> Wiring:
    """The layers' wiring; what is left unclear is in ``faults``."""
    owned = _with_norms(modules)
    towers = _towers([node for node in owned if node.module.kind == "conv"])
    vectors = [node for node in owned if node.module.kind in ("dense", "gru", "lstm")]
    rows = _rows(vectors, {nodes[-1].module.outputs for nodes in towers.values()})
    wired: list[Node] = []
    faults: list[str] = []
    for node in vectors:
        source = _source(node, wired, towers, rows, vectors)
        if source is not None:
            wired.append(replace(node, source=source))
        elif _embeds(node, rows, vectors):
            wired.append(replace(node, embeds=True))
        else:
            faults.append(
                f"{node.path} reads {node.module.inputs} numbers, and no layer gives so many{_extra(node, wired)}"
            )
    sizes = {node.source.removeprefix("map:"): rows[node.path] for node in wired if node.path in rows}
    return Wiring(towers, tuple(_sorted(wired)), sizes, tuple(faults))


def _sorted(nodes: Sequence[Node]) -> list[Node]:
    """Each after what feeds it."""
    waiting, done = list(nodes), []
    while waiting:
        here = {node.path for node in waiting}
        ready = [node for node in waiting if node.source not in here] or waiting[:1]
        done += ready
        waiting = [node for node in waiting if node not in ready]
    return done


def _extra(node: Node, wired: Sequence[Node]) -> str:
    """A hint where a few numbers more are read than there are: the last action and reward are inputs too."""
    more = [node.module.inputs - other.module.outputs for other in wired]
    more = [n for n in more if 0 < n <= 20]
    why = "the last action or reward, which a card cannot give it"
    return f" ({min(more)} more than a layer before it: {why})" if more else ""


def _with_norms(modules: Sequence[Module]) -> list[Node]:
    """Each layer with the norms that follow it and have its size."""
    nodes: list[Node] = []
    for module in modules:
        if not module.is_norm:
            nodes.append(Node(module, stream=stream(module)))
            continue
        for i in range(len(nodes) - 1, -1, -1):
            if nodes[i].module.outputs == module.outputs and not nodes[i].norms:
                nodes[i] = replace(nodes[i], norms=(module,))
                break
    return nodes


def _towers(convs: Sequence[Node]) -> dict[str, tuple[Node, ...]]:
    """One chain of convolutions, or several: of an actor and a critic, or of something beside the agent."""
    towers: dict[str, list[Node]] = {}
    first = convs[0].module.inputs if convs else 0
    for node in convs:
        open_ = {name: nodes for name, nodes in towers.items() if nodes[-1].module.outputs == node.module.inputs}
        follows = any(_shared(node, nodes[0]) or len(towers) == 1 for nodes in open_.values())
        if node.module.inputs == first and not follows:
            name = node.stream if node.stream not in towers else f"{node.stream}{len(towers) + 1}"
            towers[name] = [node]
        else:  # residual blocks need not stand in the order in which they compute
            near = open_ or towers
            name = max(near, key=lambda name: (near[name][0].stream == node.stream, _shared(node, near[name][0])))
            towers[name].append(node)
    chains = {name: tuple(nodes) if stacks(nodes) else _chain(nodes) for name, nodes in towers.items()}
    return {"": next(iter(chains.values()))} if len(chains) == 1 else chains


def _chain(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Those of the convolutions that read the one before them."""
    kept = list(nodes[:1])
    for node in nodes[1:]:
        if node.module.inputs == kept[-1].module.outputs:
            kept.append(node)
    return tuple(kept)


def _shared(one: Node, other: Node) -> int:
    """How many components two paths begin with alike."""
    count = 0
    for mine, theirs in zip(one.module.components[:-1], other.module.components[:-1]):
        if mine != theirs:
            break
        count += 1
    return count


def _rows(vectors: Sequence[Node], ends: set[int]) -> dict[str, int]:
    """{path: inputs} of the layers that read a map: the largest multiple of its channels that no vector gives."""
    outputs = {node.module.outputs for node in vectors}
    loose = [node for node in vectors if any(node.module.inputs % end == 0 for end in ends)]
    unfed = [node for node in loose if node.module.inputs not in outputs]
    if not unfed:
        return {node.path: node.module.inputs for node in loose[:1]}
    inputs = max(node.module.inputs for node in unfed)
    for node in unfed:  # an IQN's embedding gives as many numbers as the map has
        if node.module.inputs == inputs and node.module.inputs in FRACTION_COSINES:
            inputs = max([n.module.inputs for n in loose if n.module.inputs == node.module.outputs] or [inputs])
    return {node.path: node.module.inputs for node in loose if node.module.inputs == inputs}


def _embeds(node: Node, rows: dict[str, int], vectors: Sequence[Node]) -> bool:
    """Whether a dense layer embeds the fractions of an IQN: fed by nothing, as long as a map or a hidden layer."""
    sizes = {*rows.values(), *(other.module.outputs for other in vectors if other is not node)}
    named = bool(QUANTILE_WORDS & set(node.module.words))
    usual = node.module.inputs in FRACTION_COSINES
    return node.module.kind == "dense" and node.module.outputs in sizes and (named or usual)


def _source(
    node: Node,
    wired: Sequence[Node],
    towers: dict[str, tuple[Node, ...]],
    rows: dict[str, int],
    vectors: Sequence[Node],
) -> str | None:
    """The path of what feeds a layer, "" the observation, None where nothing fits."""
    if node.path in rows:
        own = {name: (bool(name) and name == node.stream, _shared(node, towers[name][0])) for name in towers}
        return "map:" + max(towers, key=lambda name: own[name])
    consumed = {other.source for other in wired}
    before = [other for other in wired if other.module.outputs == node.module.inputs and not other.embeds]
    if not before:
        if not towers and not wired:
            return ""
        later = [other for other in vectors if other.module.outputs == node.module.inputs and other.path != node.path]
        return later[0].path if later and not any(o.source == node.path for o in wired) else None
    ranked = max(range(len(before)), key=lambda i: _likeness(node, before[i], consumed, i, len(before)))
    return before[ranked].path


def _likeness(node: Node, other: Node, consumed: set[str], index: int, count: int) -> tuple[float, float]:
    """How likely one layer feeds another: the same stream, not yet read by others, near in name, near in the file."""
    score = 0.0
    if node.stream and other.stream:
        score += 3.0 if node.stream == other.stream else -2.0
    score += 1.0 if other.path not in consumed else 0.0
    score += 0.5 * _shared(node, other)
    free = other.path not in consumed
    return score, (count - index if free and not node.stream else index) / count
