"""A file's own graph as an agent's network: what ``Layout`` and ``Network`` are for layers that we build.

Importing this module imports TensorFlow.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo_gui.agents.graphs import graph_def, graph_fields, graph_layers, graph_ops
from zoo_gui.agents.card import Card
from zoo_gui.agents.graphs.graph_fields import Field
from zoo_gui.agents.graphs.graph_nodes import Graph, producer, tensor_name
from zoo_gui.agents.graphs.graph_run import Meter, Program, fixed, leading, tf
from zoo_gui.agents.graphs.graph_taps import Weight, batch_axes, leading_ones, rows, short, tap
from zoo_gui.agents.layout import MAX_ACTIVATIONS, _slices, _times, grouped_by
from zoo_gui.agents.network import NO_STATE, Network
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec
from zoo_gui.agents.slopes import RECTIFIER_OPS, Hook
from zoo_gui.types import LayerInfo, ZooError, read_only


class GraphLayout:
    """The layers of a card's graph: the attributes of ``Layout``, found by walking the graph and its shapes.

    shapes: {our name: shape} of the weights that belong to layers. batched: whether the graph takes several
    observations at once. digest: SHA-256 of the graph. Raises ZooError where the graph has no such tensors, holds
    operations that may not run, or takes too much.
    """

    state_size = 0
    """A graph's own memory, where it has any, stays as an episode begins."""

    def __init__(self, card: Card, graph: bytes, source: str = ""):
        """graph: the serialised GraphDef with its weights inside. source: the file's name in errors."""
        self.network, spec = card.network, card.preprocessing
        self.observation_shape, self.frames = spec.observation_shape, spec.stack
        self.states: dict[str, slice] = {}
        self.graph = Graph.parse(graph, source or card.weights.file)
        self.digest = hashlib.sha256(graph).hexdigest()
        self.entry = tensor_name(self.network.input)
        self.sources = {layer.name: fed for layer, fed in self.network.wired()}
        nodes = self._checked_nodes()
        first = self.network.input_layout == "NCHW"
        sites = {s.name: graph_layers.site(self.graph, producer(n), nodes.values()) for s, n in self._specs(nodes)}
        given = {t: None for site in sites.values() if site for t in (site.kernel, site.bias) if t}
        befores = {name: self._before(node) for name, node in nodes.items()}
        self.program = Program(self.graph, self.entry, [*nodes.values(), *befores.values()], given)
        self.constants = fixed(self.graph, given)
        self.declared = self._declared()
        self.batched, self.shapes_seen, rests = self._measure(nodes)
        known, flattened = graph_fields.fields(self.graph, self.program.steps, self.shapes_seen, self.entry, first)
        self.taps = {}
        for name, node in nodes.items():
            turned = graph_fields.channels_first(self.graph, producer(node), self.entry, first)
            self.taps[name] = tap(node, befores[name], rests[name], known.get(node), turned)
        self.weights = self._weights(sites, flattened)
        self.shapes = {name: weight.shape for name, weight in self.weights.items()}
        self._describe(known)
        self.groups: dict[str, tuple[str, ...]] = {}

    def with_network(self, network: NetworkSpec) -> "GraphLayout":
        """Of the same graph with other layers of groups (``agents.groups``) behind its own."""
        other = copy.copy(self)
        own = [info for info in self.layers if not info.groups_of]
        added = [_group_info(spec, self._infos) for spec in network.layers if spec.kind == "groups"]
        other.network, other.layers = network, (*own, *added)
        other.sources = {spec.name: fed for spec, fed in network.wired()}
        other.groups = grouped_by(other.layers)
        other.shapes = {name: weight.shape for name, weight in self.weights.items()}
        for info in added:
            units = self._infos[info.groups_of].units
            ones = (1, 1) if len(info.shape) == 3 else ()
            other.shapes |= {
                f"{info.name}/kernel": (*ones, units, info.units), f"{info.name}/directions": (info.units, units),
            }  # fmt: skip
        other._place()
        return other

    def info(self, name: str) -> LayerInfo:
        """The layer of that name; KeyError without one."""
        return self._infos[name]

    def role(self, *roles: str) -> LayerInfo | None:
        """The layer whose kind is one of ``roles``, or None."""
        return next((info for info in self.layers if info.kind in roles), None)

    def feed(self, x: Any) -> Any:
        """The graph's input for x, (N, h, w, C) in 1/255 of the observation's units: scaled, its axes and order of
        frames as the graph has them."""
        low, high = self.network.input_range
        if (low, high) != (0.0, 1.0):
            x = low + x * (high - low)
        height, width, channels = self.observation_shape
        if self.network.frame_order == "newest-first":
            x = tf.reshape(x, [-1, height, width, self.frames, channels // self.frames])
            x = tf.reshape(tf.reverse(x, [3]), [-1, height, width, channels])
        if self.network.input_layout == "NCHW":
            x = tf.transpose(x, (0, 3, 1, 2))
        shape, dtype = self.declared
        if shape is not None and len(shape) != 4:
            count = x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
            x = tf.reshape(x, [*leading(shape, count)] if len(shape) > 3 else short(shape, count))
        return tf.cast(x, dtype)

    def _specs(self, nodes: Mapping[str, str]) -> list[tuple[LayerSpec, str]]:
        return [(spec, nodes[spec.name]) for spec in self.network.layers]

    def _checked_nodes(self) -> dict[str, str]:
        """{layer: tensor}, each once and in the graph."""
        nodes = {spec.name: tensor_name(spec.node) for spec in self.network.layers}
        for tensor in (self.entry, *nodes.values()):
            if producer(tensor) not in self.graph.nodes:
                raise ZooError(
                    f"The card contradicts {self.graph.source}: its graph has no node “{producer(tensor)[:80]}”."
                )
        if len(set(nodes.values())) < len(nodes):
            raise ZooError(f"The card contradicts {self.graph.source}: two layers are the same tensor of its graph.")
        return nodes

    def _before(self, tensor: str) -> str:
        """The tensor before the non-linearity; the same one without any."""
        node = graph_fields.activation(self.graph, tensor)
        return node.inputs[0] if node is not None and node.inputs and ":" not in tensor else tensor

    def _declared(self) -> tuple[tuple[int, ...] | None, Any]:
        """(the shape, the float type) that the input's node declares. Raises ZooError where the observation differs."""
        node = self.graph.nodes[producer(self.entry)]
        shape = graph_def.shape_of(node.attr["shape"].shape) if "shape" in node.attr else None
        code = node.type("DstT") or node.type("dtype") or node.type("T") or graph_def.FLOAT
        dtype = tf.as_dtype(code) if code in (2, 14, 19) else tf.float32
        if not shape:  # old graphs say () where they do not know
            return None, dtype
        height, width, channels = self.observation_shape
        ours = (channels, height, width) if self.network.input_layout == "NCHW" else self.observation_shape
        wanted = shape[-3:] if len(shape) >= 3 else shape[-1:]
        got = ours if len(shape) >= 3 else (math.prod(ours),)
        if any(length not in (-1, own) for length, own in zip(wanted, got)):
            raise ZooError(
                f"The card contradicts {self.graph.source}: its graph reads {_times(wanted)}, "
                f"and the preprocessing makes {_times(got)}."
            )
        return shape, dtype

    def _measure(self, nodes: Mapping[str, str]) -> tuple[bool, dict, dict]:
        """(whether it takes batches, {tensor: shape for one observation}, {layer: shape without the batch})."""
        one = self._traced(1)
        missing = [tensor for tensor in nodes.values() if tensor not in one]
        if missing:
            raise ZooError(f"The card contradicts {self.graph.source}: its graph has no tensor “{missing[0][:80]}”.")
        counts = None
        if not self.program.mixes and (self.declared[0] is None or len(self.declared[0]) != 3):
            counts = self._batch_axes(nodes, one)
            if counts is None:  # made for one observation: perhaps only its reshapes are
                self.program.open_batch()
                counts = self._batch_axes(nodes, one)
                if counts is None or not self._independent():
                    self.program.opened, counts = {}, None
        batched = counts is not None
        if counts is None:
            counts = {name: leading_ones(one[tensor]) for name, tensor in nodes.items()}
        return batched, one, {name: one[nodes[name]][count:] for name, count in counts.items()}

    def _batch_axes(self, nodes: Mapping[str, str], one: Mapping[str, tuple[int, ...]]) -> dict[str, int] | None:
        """{layer: its leading axes that count observations}; None where the graph does not take two."""
        try:
            two = self._traced(2)
        except ZooError:
            return None
        counts = {name: batch_axes(one[tensor], two[tensor]) for name, tensor in nodes.items()}
        return None if None in counts.values() else counts

    def _independent(self) -> bool:
        """Whether two observations at once give what each gives alone."""
        if self.program.is_random:
            return False
        both = np.random.default_rng(0).random((2, *self.observation_shape)).astype(np.float32)
        with tf.init_scope():
            given = {name: tf.constant(array) for name, array in self.constants.items()}
            together, alone = (
                self.program.run(self.feed(tf.constant(x)), len(x), given) for x in (both, both[:1])
            )  # fmt: skip
        pairs = [(together[name].numpy(), alone[name].numpy()) for name in alone]
        return all(np.allclose(two.ravel()[: one.size], one.ravel(), 1e-3, 1e-4) for two, one in pairs)

    def _traced(self, count: int) -> dict[str, tuple[int, ...]]:
        """{tensor: shape} for so many observations, found without computing anything."""
        meter = Meter(self.program)
        with tf.Graph().as_default():
            x = self.feed(tf.compat.v1.placeholder(tf.float32, (count, *self.observation_shape)))
            given = {name: tf.compat.v1.placeholder(a.dtype, a.shape) for name, a in self.constants.items()}
            self.program.run(x, count, given, eager=False, watch=meter.watch)
            entry = {self.entry: tuple(x.shape.as_list())}
        return entry | {name: array.shape for name, array in self.constants.items()} | meter.shapes

    def _weights(self, sites: Mapping[str, Any], flattened: Mapping[str, Field]) -> dict[str, Weight]:
        found = {}
        for name, site in sites.items():
            if site is None:
                continue
            native = self.constants[site.kernel].shape
            swapped = site.op.flag("transpose_b") or site.op.flag("adj_y")
            shape = self._kernel_shape(site, native, swapped)
            order = rows(flattened.get(site.op.inputs[0])) if len(shape) == 2 else None
            order = order if order is not None and len(order) == shape[0] else None
            found[f"{name}/kernel"] = Weight(site.kernel, shape, native, swapped, order)
            if site.bias and self.constants[site.bias].size == shape[-1]:
                found[f"{name}/bias"] = Weight(site.bias, shape[-1:], self.constants[site.bias].shape)
        return found

    def _kernel_shape(self, site: graph_layers.Site, native: tuple[int, ...], swapped: bool) -> tuple[int, ...]:
        """HWIO of a convolution, also of one that is a product of patches; (in, out) of a dense layer."""
        if site.op.op in graph_ops.CONVOLUTIONS:
            return native
        rows, columns = native[-2:][::-1] if swapped else native[-2:]
        patches = self.graph.source_of(site.op.inputs[0], ("Identity", "Reshape"))
        if patches is not None and patches.op == "ExtractImagePatches":
            height, width = patches.numbers("ksizes")[1:3]
            if rows % (height * width) == 0:
                return (height, width, rows // (height * width), columns)
        return (*native[:-2], rows, columns) if math.prod(native[:-2]) > 1 else (rows, columns)

    def _describe(self, known: Mapping[str, Field]) -> None:
        self._infos = {}
        for spec in self.network.layers:
            layer = self.taps[spec.name]
            if spec.role and len(layer.shape) != 1:
                raise ZooError(
                    f"The card contradicts itself: {spec.name} is an output, but a map of {_times(layer.shape)}."
                )
            field = known.get(layer.tensor) if len(layer.shape) == 3 else None
            kind = spec.role or ("conv" if len(layer.shape) == 3 else "dense")
            signed = graph_fields.signed(self.graph, producer(layer.tensor))
            self._infos[spec.name] = LayerInfo(spec.name, layer.shape, kind, signed, field.receptive if field else None)
        self.layers = tuple(self._infos.values())
        self._place()

    def _place(self) -> None:
        """Where each layer lies in the flat vectors."""
        self._infos = {info.name: info for info in self.layers}
        self.activations = _slices({info.name: info.size for info in self.layers})
        self.units = _slices({info.name: info.units for info in self.layers})
        self.size = sum(info.size for info in self.layers)
        self.unit_count = sum(info.units for info in self.layers)
        if self.size > MAX_ACTIVATIONS:
            raise ZooError(f"{self.graph.source} is refused: its layers hold more numbers than any agent's.")


class GraphNetwork(Network):
    """A graph's traced functions: see ``Network``. Edits act at each layer's tensor, and what follows sees them."""

    def __init__(
        self,
        layout: GraphLayout,
        weights: Mapping[str, np.ndarray] | None = None,
        observation_range: tuple[float, float] = (0.0, 255.0),
    ):
        """weights: {our name: array} in place of some of the file's (``layout.shapes``). Raises ZooError for others."""
        arrays = {name: weight.ours(layout.constants[weight.tensor]) for name, weight in layout.weights.items()}
        native = dict(layout.constants)
        for name, array in (weights or {}).items():
            if name not in layout.shapes or np.shape(array) != layout.shapes[name]:
                raise ZooError(
                    f"{layout.graph.source} has no weights {name[:80]} of the shape {_times(np.shape(array))}."
                )
            arrays[name] = np.array(array, np.float32)
            weight = layout.weights.get(name)
            if weight is None:  # of a layer of groups, which is ours
                native[name] = arrays[name]
            else:
                native[weight.tensor] = weight.theirs(arrays[name]).astype(native[weight.tensor].dtype)
        super().__init__(layout, {name: read_only(array) for name, array in arrays.items()}, observation_range)
        self._native = native
        self._tensors = {tensor: tf.constant(array) for tensor, array in native.items()}

    def run(self, observation: np.ndarray, state: np.ndarray = NO_STATE) -> np.ndarray:
        """See ``Network.run``. Raises ZooError where the graph's numbers cannot be computed."""
        with self._told():
            return super().run(observation, state)

    def gradient(
        self, observation: np.ndarray, layer: str, index: int | None, state: np.ndarray = NO_STATE
    ) -> np.ndarray:
        """See ``Network.gradient``. Raises ZooError where an operation of the graph has none."""
        with self._told():
            return super().gradient(observation, layer, index, state)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What TensorFlow raises, as a sentence: a stranger's graph may fail only where it runs."""
        try:
            yield
        except (tf.errors.OpError, LookupError, ValueError, TypeError) as error:
            reason = str(error).strip().partition("\n")[0][:200]
            raise ZooError(f"{self.layout.graph.source} cannot be run: TensorFlow says “{reason}”.") from error

    def run_batch(
        self, observations: np.ndarray, states: np.ndarray | None = None, layers: Sequence[str] = ()
    ) -> np.ndarray:
        """See ``Network.run_batch``; one by one where the graph has to."""
        if self.layout.batched:
            with self._told():
                return super().run_batch(observations, states, layers)
        result = np.empty((len(observations), self.layout.size), np.float32)
        for row, observation in zip(result, observations):
            row[:] = self.run(observation)
        wanted = [part for name, part in self.layout.activations.items() if name in layers or not layers]
        return np.concatenate([result[:, part] for part in wanted], 1)

    def taps(self, x, pre: bool = False) -> dict:
        """See ``Network.taps``; a graph for single observations gets them one after the other."""
        if self.layout.batched or x.shape[0] == 1:
            return super().taps(x, pre)
        if x.shape[0] is None:
            raise ZooError(f"{self.layout.graph.source} takes one observation at a time: say how many there are.")
        each = [super(GraphNetwork, self).taps(x[i : i + 1], pre) for i in range(x.shape[0])]
        return {name: tf.concat([layers[name] for layers in each], 0) for name in each[0]}

    @property
    def rectifies(self) -> bool:
        """See ``Network.rectifies``."""
        return any(node.op in RECTIFIER_OPS for node in self.layout.program.steps)

    def slopes(
        self,
        observations: np.ndarray,
        seeds: Mapping[str, np.ndarray],
        states: np.ndarray | None = None,
        rule: str = "plain",
        layer: str = "",
        values: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """See ``Network.slopes``; one by one where the graph has to. Raises ZooError where an operation has none."""
        with self._told():
            if self.layout.batched or len(observations) == 1:
                return super().slopes(observations, seeds, states, rule, layer, values)
            each = [
                super(GraphNetwork, self).slopes(
                    observations[i : i + 1], seeds, states, rule, layer, None if values is None else values[i : i + 1]
                )
                for i in range(len(observations))
            ]  # fmt: skip
        return np.concatenate([score for score, _ in each]), np.concatenate([slope for _, slope in each])

    def _forward(
        self, x, weights: Mapping, gains=None, offsets=None, state=None, hook: Hook | None = None
    ) -> tuple[dict, dict, list]:
        """See ``Network._forward``; the weights are those of the graph."""
        layout = self.layout
        eager = tf.compat.v1.executing_eagerly_outside_functions()
        given = self._tensors if eager else {tensor: tf.constant(array) for tensor, array in self._native.items()}
        edit, groups = None, {}
        if gains is not None:
            counts = [info.units for info in layout.layers]
            gains, offsets = (dict(zip(layout.units, tf.split(numbers, counts))) for numbers in (gains, offsets))
            names = {tap.tensor: name for name, tap in layout.taps.items()}

            def edit(tensor, value):
                name = names.get(tensor)
                if name is None:
                    return value
                value = layout.taps[name].edited(value, gains[name], offsets[name])
                if name not in layout.groups and (hook is None or hook.layer != name):
                    return value
                seen = self._grouped(name, layout.taps[name].ours(value), given, groups, gains, offsets, hook)
                return layout.taps[name].theirs(seen if hook is None else hook.seen(name, seen), value)

        count = x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
        instead = {op: hook.rectifier(kind) for op, kind in RECTIFIER_OPS.items()} if hook is not None else {}
        values = layout.program.run(layout.feed(x), count, given, edit, eager, instead=instead)
        before = {name: tap.ours(values[tap.before]) for name, tap in layout.taps.items()}
        after = {name: tap.ours(values[tap.tensor]) for name, tap in layout.taps.items()}
        for name in layout.groups if gains is None else ():
            self._grouped(name, after[name], given, groups)
        for info in layout.layers[len(after) :]:
            before[info.name], after[info.name] = groups[info.name]
        return before, after, []


def _group_info(spec: LayerSpec, infos: Mapping[str, LayerInfo]) -> LayerInfo:
    """What a layer of groups is, from the layer that it groups."""
    source = infos[spec.source]
    kind = "conv" if len(source.shape) == 3 else "dense"
    shape = (*source.shape[:-1], spec.units)
    return LayerInfo(spec.name, shape, kind, False, source.receptive_field, groups_of=source.name)
