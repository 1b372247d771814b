"""Writes a network's layers one after the other, with the names of their arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from zoo_gui.agents.inference.arrays import Module
from zoo_gui.agents.inference.geometry import Move, Pool
from zoo_gui.agents.inference.residual import Stack
from zoo_gui.agents.inference.wiring import Node, Wiring
from zoo_gui.agents.network_spec import LayerSpec

QUANTILES = 32
"""Fractions at which an IQN is asked, as its authors do (Dabney et al. 2018b, K = 32)."""
EPSILONS = {
    ("batchnorm", "tensorflow"): 1e-3,
    ("layernorm", "tensorflow"): 1e-3,
    ("layernorm", "flax"): 1e-6,
}
"""What each framework adds to a variance where that is not 1e-5."""


@dataclass(frozen=True)
class Choices:
    """What arrays cannot say, settled by the caller. convs, hidden: non-linearities; support: of a categorical head;
    framework: ``pytorch``, ``tensorflow`` or ``flax``; first: of an IQN's cosines; centre: of a dueling head;
    slope: of leaky_relu."""

    convs: str = "relu"
    hidden: str = "relu"
    support: tuple[float, float] = (-10.0, 10.0)
    framework: str = "pytorch"
    first: int = 1
    centre: str = "mean"
    atoms_first: bool = False
    slope: float = 0.01


@dataclass
class Builder:
    """Writes layers one after the other. layers, names: the result so far; at: {path or tower: our layer's name}."""

    wiring: Wiring
    choices: Choices
    shapes: Mapping[str, tuple[int, ...]]
    layers: list[LayerSpec] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)

    def add(self, layer: LayerSpec, module: Module | None = None) -> str:
        """Append a layer under a name that is free; says its arrays. "from" is left out where it is the one before."""
        taken = {other.name for other in self.layers}
        name, number = layer.name, 2
        while name in taken:
            name, number = f"{layer.name}{number}", number + 1
        if layer.activation == "leaky_relu":
            layer = replace(layer, slope=self.choices.slope)
        previous = self.layers[-1].name if self.layers else None
        source = None if layer.source == previous else layer.source
        self.layers.append(replace(layer, name=name, source=source))
        for part, array in (module.parts if module else {}).items():
            self.names[f"{name}/{part}"] = array
        return name

    def norms(self, node: Node, name: str, activation: str) -> str:
        """The norms behind a layer; the last has the non-linearity."""
        for i, module in enumerate(node.norms):
            last = i == len(node.norms) - 1
            epsilon = EPSILONS.get((module.kind, self.choices.framework), 1e-5)
            spec = LayerSpec(f"{name}_norm", module.kind, activation=activation if last else "linear", source=name,
                             bias="scale" in module.parts, epsilon=epsilon, over=module.over)  # fmt: skip
            name = self.add(spec, module)
        return name

    def conv(self, node: Node, name: str, move: Move, source: str | None, activation: str) -> str:
        """A convolution with the norms and the pooling behind it."""
        stride = (move.stride,) * 2 if isinstance(move.stride, int) else move.stride
        spec = LayerSpec(
            name, "conv", filters=node.module.outputs, kernel=node.module.kernel, stride=stride,
            padding=_padding(move.padding), activation="linear" if node.norms else activation, source=source,
            bias="bias" in node.module.parts,
        )  # fmt: skip
        name = self.norms(node, self.add(spec, node.module), activation)
        return self.pool(move.pool, name) if move.pool else name

    def pool(self, pool: Pool, source: str) -> str:
        """A max pooling."""
        spec = LayerSpec("pool", "maxpool", kernel=(pool.kernel,) * 2, stride=(pool.stride,) * 2,
                         padding=_padding(pool.padding), source=source)  # fmt: skip
        return self.add(spec)

    def stack(self, stack: Stack, move: Move, source: str | None) -> str:
        """A convolution, a pooling and residual blocks."""
        name = self.conv(stack.conv, "conv", move, source, "linear")
        inner = Move(1, move.padding)
        for first, second in stack.blocks:
            activation = self.add(LayerSpec("relu", "activation", activation=self.choices.convs, source=name))
            inside = self.conv(first, "block", inner, activation, self.choices.convs)
            inside = self.conv(second, "block", inner, inside, "linear")
            name = self.add(LayerSpec("add", "add", source=(name, inside)))
        return name


def _padding(padding: str | int | tuple[int, int]) -> str | tuple[int, ...]:
    if isinstance(padding, str):
        return padding
    pair = (padding,) * 2 if isinstance(padding, int) else padding
    return "VALID" if pair == (0, 0) else pair
