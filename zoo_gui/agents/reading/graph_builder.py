"""From a file's graph of layers (Keras, ONNX) to ours: values on their way, layers as they are made, final roles."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec

CENTRED = "The layer {} holds code of its author's, which is never run: it is taken for the mean of the advantages."
FOLDS = ("conv", "dense", "batchnorm", "layernorm", "add", "multiply")
"""Kinds that take a non-linearity of their own."""


class Unreadable(Exception):
    """The structure cannot be told; the message is a sentence for people."""


@dataclass(frozen=True)
class Layer:
    """A call of a Keras layer: its class, config, name, path from the outermost model in, "_2" of a second call."""

    kind: str
    config: Mapping
    name: str
    path: tuple[str, ...]
    repeat: str = ""
    settings: Mapping = field(default_factory=dict)

    def get(self, *keys: str, default: Any = None) -> Any:
        """The first of these keys that the config has: Keras 1 and 2 name things differently."""
        return next((self.config[key] for key in keys if self.config.get(key) is not None), default)

    def pair(self, *keys: str, default: Any = (1, 1)) -> tuple[int, int]:
        """A size as (vertical, horizontal)."""
        value = self.get(*keys, default=default)
        return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


@dataclass(frozen=True)
class Value:
    """A tensor on its way through the model.

    name: the layer of ours that gives it, "" an input. units: channels or units, 0 where not known. map: whether it has
    positions; axes: the order Keras keeps them in, ``HWC``, ``CHW`` or "" (an input of which it is not known yet).
    flat: a map that was flattened in that order. shared: more than one layer reads it. made: ``mean`` or ``centred``
    (of the units of ``of``), ``code`` (what an unread Lambda made of ``of``). source: the Keras layer behind an input
    or behind what was ``made``. shape, scale: of an input, the latter what 0 and 255 have become on the way.
    """

    name: str
    units: int = 0
    map: bool = False
    axes: str = ""
    flat: bool = False
    pad: tuple[int, int, int, int] = ()
    shared: bool = False
    softmax: bool = False
    made: str = ""
    of: tuple[Value, ...] = ()
    source: str = ""
    shape: tuple = ()
    scale: tuple[float, float] | None = None


class Builder:
    """Layers of ours as they are made. sources: {layer: those that feed it, "" the observation}."""

    def __init__(self, backend: str = ""):
        self.specs: dict[str, LayerSpec] = {}
        self.sources: dict[str, tuple[str, ...]] = {}
        self.weights: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {}
        self.variables: dict[tuple[str, ...], tuple[int, int]] = {}
        self.flattens: set[str] = set()
        self.remarks: list[str] = []
        self.facts: dict[str, Any] = {}
        self.input_range: tuple[float, float] | None = None
        self.theano = backend == "theano"
        self._observation: Value | None = None

    def input(self, source: str, shape: tuple | None) -> Value:
        """An input of the model; a fourth axis in front is time."""
        shape = tuple(shape or ())
        if len(shape) == 4:
            self.facts["window"] = shape[0]
            shape = shape[1:]
        elif len(shape) == 2 and shape[0] is None:
            shape = shape[1:]
        return Value("", map=len(shape) != 1, source=source, shape=shape, shared=True, units=_units(shape))

    def unique(self, name: str) -> str:
        """A layer's name of letters that a card takes, not used yet."""
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-") or "layer"
        found, number = name, 2
        while found in self.specs:
            found, number = f"{name}_{number}", number + 1
        return found

    def add(self, layer: Layer, kind: str, fed: list[Value], width: int, parts: Mapping = {}, **keys: Any) -> Value:
        """A layer of ours, fed by these. width: its channels or units. parts: {part: numbers of Keras's weights}."""
        name = self.unique(layer.name + layer.repeat)
        fed = [self.take(value) for value in fed]
        if kind in ("dense", "gru", "lstm"):
            self.flattens |= {_axes(value) for value in fed if value.map}
        elif any(value.flat for value in fed):
            fed = [self._flattened(value) for value in fed]
        self.specs[name] = LayerSpec(name, kind, **keys)
        self.sources[name] = tuple(value.name for value in fed)
        for part, numbers in parts.items():
            self.weights[f"{name}/{part}"] = layer.path, numbers
        return Value(name, width)

    def take(self, value: Value) -> Value:
        """A value that a layer of ours can read, or that is an output."""
        if value.made:
            raise Unreadable(f"What its layer {value.source} computes is not known, so the structure is not known.")
        if value.softmax:
            raise Unreadable("It has a softmax inside, which a card cannot say.")
        if value.pad:
            raise Unreadable("It pads a map that no convolution reads, which a card cannot say.")
        if not value.name:
            if self._observation is not None and self._observation.source != value.source:
                raise Unreadable("It reads several inputs, so the structure is not known.")
            if self._observation is not None and self.input_range != value.scale:
                raise Unreadable("It scales its input in two ways, which a card cannot say.")
            self._observation, self.input_range = value, value.scale
            self.facts |= {"input_shape": list(value.shape), "scaled_inside": value.scale is not None}
            if value.map:
                self.facts["input_axes"] = self.facts.get("input_axes") or _axes(value)
        return value

    def output(self, value: Value) -> Value:
        """A value that leaves the model: a vector of one of our layers."""
        kept = self.take(replace(value, softmax=False))
        if not kept.name:
            raise Unreadable("Its output is its input.")
        if kept.flat:
            kept = self._flattened(kept)
        return replace(kept, softmax=value.softmax)

    def activate(self, layer: Layer, value: Value, activation: str, slope: float | None = None) -> Value:
        """The value after a non-linearity: of the layer that made it where it has none and nobody else reads it."""
        if activation == "linear":
            return value
        if activation == "softmax":
            return replace(value, softmax=True)
        keys = {"activation": activation} | ({} if slope is None else {"slope": float(slope)})
        spec = self.specs.get(value.name)
        if spec and not (value.shared or value.made) and spec.kind in FOLDS and spec.activation == "linear":
            self.specs[spec.name] = replace(spec, **keys)
            return value
        found = self.add(layer, "activation", [value], value.units, **keys)
        return replace(found, map=value.map and not value.flat, axes=value.axes)

    def layout(self, layer: Layer, value: Value, axes: str) -> Value:
        """The value as a map of these axes; an input of unknown order has the one that its first reader expects."""
        if not value.map or value.flat:
            raise Unreadable(f"Its layer {layer.name} reads a vector where a map should be.")
        if value.axes and value.axes != axes:
            raise Unreadable(f"Its layer {layer.name} reads a map in another order of axes than the one it gets.")
        if not value.name and not value.axes:
            self.facts["input_axes"] = axes
        return replace(value, axes=axes)

    def _flattened(self, value: Value) -> Value:
        if not value.flat:
            return value
        self.flattens.add(_axes(value))
        name = self.unique("flatten")
        self.specs[name], self.sources[name] = LayerSpec(name, "flatten"), (value.name,)
        return Value(name)


def _units(shape: tuple) -> int:
    return int(shape[0]) if len(shape) == 1 and isinstance(shape[0], int) else 0


def _axes(value: Value) -> str:
    """The axes of a map; of an input that nothing tells, by the place of the short one."""
    if value.axes:
        return value.axes
    shape = [n if isinstance(n, int) else 0 for n in value.shape]
    return "CHW" if len(shape) == 3 and shape[0] < shape[2] and shape[0] <= 16 else "HWC"


def with_number(layer: Layer, op: str, value: Value, number: float, number_first: bool) -> Value:
    """An operator on a value and a number: the input's scale."""
    if value.name or (number_first and op in ("subtract", "divide")):
        raise Unreadable(f"Its layer {layer.name} computes with a number inside, which a card cannot say.")
    act = {"add": lambda x: x + number, "subtract": lambda x: x - number, "multiply": lambda x: x * number,
           "divide": lambda x: x / number}.get(op)  # fmt: skip
    if act is None or (op == "divide" and number == 0):
        raise Unreadable(f"Its layer {layer.name} ({op}) computes what a card cannot say.")
    low, high = (act(end) for end in value.scale or (0.0, 255.0))
    if low == high or not (math.isfinite(low) and math.isfinite(high)):
        raise Unreadable(f"Its layer {layer.name} scales the input by a number that makes no sense.")
    return replace(value, scale=(low, high))


def dueling(builder: Builder, layer: Layer, op: str, left: Value, right: Value) -> Value | None:
    """value + (advantage − its mean), in the ways that people write it; None where it is something else."""
    if op == "subtract":
        if right.made in ("mean", "code") and right.of[0].name == left.name:
            if right.made == "code":
                builder.remarks.append(CENTRED.format(right.source))
            return replace(left, made="centred", of=(left,), source=layer.name)
        sources = builder.sources.get(left.name, ())
        if right.made in ("mean", "code") and right.of[0].name in sources and builder.specs[left.name].kind == "add":
            # (value + advantage) − the mean of the advantage
            value = next(name for name in sources if name != right.of[0].name)
            if right.made == "code":
                builder.remarks.append(CENTRED.format(right.source))
            return builder.add(layer, "dueling", [Value(value, 1), right.of[0]], right.of[0].units)
        return None
    for value, advantage in ((left, right), (right, left)):
        value = value.of[0] if value.made == "code" else value
        if value.made or value.units != 1 or advantage.made not in ("centred", "code") or advantage.of[0].units < 2:
            continue
        if advantage.made == "code":
            builder.remarks.append(CENTRED.format(advantage.source))
        return builder.add(layer, "dueling", [value, advantage.of[0]], advantage.of[0].units)
    return None


def finished(builder: Builder, outputs: list[Value]) -> NetworkSpec:
    """The layers that lead to the outputs, with the roles that these seem to have."""
    roles = _roles(builder, outputs)
    needed, waiting = set(), list(roles)
    while waiting:
        name = waiting.pop()
        if name and name not in needed:
            needed.add(name)
            waiting.extend(builder.sources[name])
    specs = [replace(spec, role=roles.get(name, "")) for name, spec in builder.specs.items() if name in needed]
    from_input = [spec.name for spec in specs if "" in builder.sources[spec.name]]
    if from_input != [specs[0].name] or len(builder.sources[specs[0].name]) > 1:
        first = builder.unique("input")
        builder.sources |= {name: tuple(fed or first for fed in builder.sources[name]) for name in from_input}
        specs.insert(0, LayerSpec(first, "activation"))
        builder.sources[first] = ("",)
    wired, before = [], ""
    for spec in specs:
        fed = builder.sources[spec.name]
        wired.append(replace(spec, source=None if fed == (before,) else fed[0] if len(fed) == 1 else fed))
        before = spec.name
    if len(builder.flattens) > 1:
        raise Unreadable("It flattens maps in two different orders, which a card cannot say.")
    flatten = next(iter(builder.flattens), "HWC")
    return NetworkSpec(tuple(wired), flatten=flatten, input_range=builder.input_range or (0.0, 1.0))


def _two_actions(builder: Builder, value: Value) -> Value:
    """A probability as the logits of two actions."""
    builder.remarks.append(f"Its one output {value.name} is taken for the probability of the first of two actions.")
    builder.specs[value.name] = replace(builder.specs[value.name], activation="linear")
    layer = Layer("", {}, "logits", ())
    return replace(builder.add(layer, "complement", [value], 2), softmax=True)


def _roles(builder: Builder, outputs: list[Value]) -> dict[str, str]:
    """{output layer: what it seems to be}: a softmax ends a policy; one unit beside others is the value."""
    taken = [builder.output(value) for value in outputs]
    builder.facts["outputs"] = {value.name: "softmax" if value.softmax else "" for value in taken}
    roles: dict[str, str] = {}
    several = len(taken) > 1
    for value in taken:
        if value.units == 1 and not several and builder.specs[value.name].activation == "sigmoid":
            value = _two_actions(builder, value)
        if value.softmax:
            role = "logits"
        elif value.units == 1:
            role = "value"
        else:
            role = "logits" if several else "q"
        if role in roles.values():
            builder.remarks.append(f"What its output {value.name} means is not known.")
            role = ""
        roles[value.name] = role
    return roles
