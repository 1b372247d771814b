"""An agent: a card and its weights, brought to one canonical form; the traced network; edits. Imports TensorFlow."""

from __future__ import annotations

import copy
import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from types import MappingProxyType
from typing import Mapping, Sequence

import numpy as np

from zoo_gui.agents import catalogue, groups, heads, tables
from zoo_gui.agents.assemble import assemble
from zoo_gui.agents.card import Card
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.agents.layout import Layout, _slices
from zoo_gui.agents.network import Network
from zoo_gui.agents.network_spec import LayerSpec
from zoo_gui.types import Decision, LayerInfo, Unit, ZooError, read_only


class Agent:
    """A network that plays.

    The canonical observation is uint8 (h, w, C), oldest frame first; the canonical input is float32 in 0–1. Weights
    are float32, convolutions HWIO, dense layers (in, out) with maps flattened in H, W, C order.
    """

    def __init__(
        self,
        card: Card,
        weights: Mapping[str, np.ndarray],
        name: str = "",
        source: str = "",
        convention: str = "",
        graph: bytes | None = None,
    ):
        """card, checked; weights: the file's arrays. Raises ZooError where the two contradict each other.

        name: the id or path to show, by default the card's id; source: the weights' name in errors. convention: how the
        file orders its kernels, where the card does not say. graph: the file's TensorFlow graph, of a card with graph
        layers.
        """
        self.card, self.name, self.title = card, name or card.id, card.full_title
        source = source or self.name
        if card.network.is_graph:
            self._layout, self._network = _graph(card, graph, source)
            self.weights = MappingProxyType(dict(self._network.weights))
        else:
            self._layout, canonical = _canonical(card, weights, convention, source)
            self.weights = MappingProxyType({key: read_only(array) for key, array in canonical.items()})
            self._network = Network(self._layout, self.weights, card.preprocessing.observation_range)
        self.layers: tuple[LayerInfo, ...] = self._layout.layers
        self.action_names: tuple[str, ...] = card.actions.names
        self.observation_shape: tuple[int, int, int] = self._layout.observation_shape
        self.observation_range: tuple[float, float] = card.preprocessing.observation_range
        self.sources: Mapping[str, tuple[str, ...]] = MappingProxyType(self._layout.sources)
        self.initial_state = read_only(np.zeros(self._layout.state_size, np.float32))
        self._head = self._layout.role("logits", "q")
        self._value = self._layout.role("value")
        self._edits: dict[Unit, tuple[float, float]] = {}

    @classmethod
    def load(cls, id_or_path: str) -> "Agent":
        """The agent of a catalogue id (``ppo/Breakout/1``), an address, or a path: a folder or card, or a weights file,
        with a card beside it or one that is drafted from what is in the file. What must be downloaded first, is.

        Raises ZooError: unknown id (with near names), a faulty card, missing, damaged or contradicting weights, a file
        that does not say enough (CardNeeded), no network to it, or an id without a network (``random/…``).
        """
        entry = catalogue.fetched(str(id_or_path))
        if entry.card is None and entry.path is None:
            raise ZooError(f"“{entry.id}” is a player without a network: there is nothing to load.")
        card = entry.card or Card.read(entry.path)
        return cls.of_file(card, entry.weights or entry.path.parent / card.weights.file, entry.id)

    @classmethod
    def of_file(cls, card: Card, path: Path, name: str = "") -> "Agent":
        """The agent of a card and its weights' file, wherever that lies. Raises ZooError."""
        checkpoint = read_checkpoint(path, card.weights.format, card.weights.sha256)
        return cls(card, checkpoint.arrays, name, str(path), checkpoint.convention, checkpoint.graph)

    @property
    def scores_kind(self) -> str:
        """``logits`` of a policy, or ``q``."""
        return self._head.kind

    @property
    def has_value(self) -> bool:
        """Whether ``Decision.value`` is given: a layer with the role value, else max Q of a Q agent."""
        return self._value is not None or self.scores_kind == "q"

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256, hex, of the weights, the network and the preprocessing: equal hashes, equal behaviour.

        Edits do not count: they are no part of the agent.
        """
        digest = hashlib.sha256()
        parts = [tables.identity(part) for part in (self.card.network, self.card.preprocessing)]
        digest.update(json.dumps(parts, sort_keys=True).encode())
        digest.update(getattr(self._layout, "digest", "").encode())  # a graph computes with more than its weights
        for key in sorted(self.weights):
            digest.update(f"{key}{self.weights[key].shape}".encode())
            digest.update(self.weights[key].tobytes())
        return digest.hexdigest()

    @property
    def card_hash(self) -> str:
        """SHA-256, hex, of the card's text: also of what does not change behaviour, as its title and its sources."""
        return hashlib.sha256(self.card.to_toml().encode()).hexdigest()

    def decide(
        self, observation: np.ndarray, rng: np.random.Generator, state: np.ndarray | None = None
    ) -> Decision:
        """What the network makes of one observation (h, w, C), and the action its rule picks with ``rng``.

        observation: uint8, or float32 in the same units where the preprocessing gives fractions. state: the memory of a
        recurrent network before, (S,) float32, as ``initial_state`` and ``Decision.state`` are; None: the initial one.
        """
        both = self._network.run(self._checked(observation), self.initial_state if state is None else state)
        flat, after = both[: self._layout.size], both[self._layout.size :]
        activations = self._split(flat)
        scores = activations[self._head.name]
        if self._value is not None:
            value = float(activations[self._value.name][0])
        else:
            value = float(scores.max()) if self.scores_kind == "q" else None
        action = heads.choose(self.card.actions.rule, scores, rng, self.card.actions.epsilon)
        return Decision(action, scores, self.scores_kind, value, activations, flat, after)

    def activations(
        self, observation: np.ndarray, state: np.ndarray | None = None, layers: Sequence[str] = ()
    ) -> dict[str, np.ndarray]:
        """{layer: float32 array} after the non-linearity and edits; of a batch (N, h, w, C), with N in front.

        state: as ``decide`` takes it; of a batch (N, S). layers: of a batch only these, which costs less; () all.
        """
        observation = self._checked(observation, batch=True)
        if observation.ndim == 3:
            both = self._network.run(observation, self.initial_state if state is None else state)
            return self._split(both[: self._layout.size])
        return self._split(read_only(self._network.run_batch(observation, state, layers)), layers)

    def gradients(
        self,
        observation: np.ndarray,
        target: Unit | str,
        action: int | None = None,
        state: np.ndarray | None = None,
    ) -> np.ndarray:
        """d target / d observation in 0–1 units: float32 (h, w, C), at one observation (h, w, C), edits on.

        target: ``"action"``, the logit or Q of ``action`` (None: of the best one); ``"value"``, the value head, or
        max Q of a Q agent; a Unit: a neuron's activation, or a channel's at the position where it is largest. A unit
        that its rectifier silences has gradient zero. Simonyan et al. 2013, "Deep inside convolutional networks".
        state: as ``decide`` takes it; the gradient is of this observation only, not of those that made the memory.
        Raises ZooError for a unit that does not exist, and for the value of a network without one.
        """
        layer, index = self._target(target, action)
        state = self.initial_state if state is None else state
        return self._network.gradient(self._checked(observation), layer, index, state)

    @property
    def rectifies(self) -> bool:
        """Whether the network has rectifiers, for which ``slopes`` has rules."""
        return self._network.rectifies

    def slopes(
        self,
        observations: np.ndarray,
        seeds: Mapping[str, np.ndarray],
        state: np.ndarray | None = None,
        rule: str = "plain",
        layer: str = "",
        values: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(Σ seed · activation (N,), its derivative (N, h, w, C) by each observation in 0–1 units), float32; edits on.

        observations: (N, h, w, C), uint8 or float32 in the same units. seeds: {layer: float32 of its shape}. state: the
        memory before them all, (S,). rule: how rectifiers pass derivatives back: ``plain``, ``guided``, ``deconv``
        (``agents.slopes``). layer: by that layer's activations instead, (N, *shape); values: with these, (N, *shape),
        in their place, for what comes behind the layer. Raises ZooError.
        """
        if observations.ndim != 4:
            raise ZooError(f"{self.title} is asked about a batch of observations: give (N, h, w, C).")
        self._checked(observations, batch=True)
        states = np.zeros(0, np.float32) if state is None else np.asarray(state, np.float32)
        states = states if states.size else self.initial_state
        states = np.broadcast_to(states, (len(observations), len(self.initial_state)))
        return self._network.slopes(np.asarray(observations, np.float32), seeds, states, rule, layer, values)

    def taps(self, x, pre: bool = False) -> dict:
        """{layer: tensor} for a float32 tensor x (N, h, w, C) in 0–1: differentiable, without edits.

        pre: before the non-linearity. Also inside a TensorFlow 1 graph, where the weights become its constants.
        """
        return self._network.taps(x, pre)

    @property
    def edits(self) -> dict[Unit, tuple[float, float]]:
        """{unit: (gain, offset)} of the units that are edited."""
        return dict(self._edits)

    def edit(self, unit: Unit, gain: float = 1.0, offset: float = 0.0) -> None:
        """From the next call on the unit gives gain · activation + offset, and later layers see that; no retrace.

        A gain of 0 with an offset clamps the unit. Gain 1 and offset 0 undo the edit. Raises ZooError for a unit that
        does not exist or a number that is not finite.
        """
        unit = self._existing(unit)
        if not (np.isfinite(gain) and np.isfinite(offset)):
            raise ZooError(f"{unit} cannot be edited with gain {gain} and offset {offset}: give finite numbers.")
        edits = {**self._edits, unit: (float(gain), float(offset))}
        self._apply_edits({key: value for key, value in edits.items() if value != (1.0, 0.0)})

    def clear_edits(self) -> None:
        """Undo every edit."""
        self._apply_edits({})

    def with_weights(self, weights: Mapping[str, np.ndarray]) -> "Agent":
        """A copy in which these arrays, named and ordered as ``weights`` are, stand for the agent's; without edits."""
        shapes = {name: self.weights[name].shape for name in weights if name in self.weights}
        wrong = next((name for name in weights if shapes.get(name) != weights[name].shape), None)
        if wrong is not None:
            raise ZooError(f"{self.title} has no weights {wrong} of shape {weights[wrong].shape}.")
        other = copy.copy(self)
        other.__dict__.pop("hash", None)
        changed = {name: read_only(np.array(array, np.float32)) for name, array in weights.items()}
        other.weights = MappingProxyType({**self.weights, **changed})
        other._network = type(self._network)(self._layout, other.weights, self.observation_range)
        other._edits = {}
        return other

    def with_groups(
        self, layer: str, directions: np.ndarray, name: str = "", unit_names: Sequence[str] = (),
        kernel: np.ndarray | None = None,
    ) -> "Agent":
        """A copy with one more layer, whose units are directions in a layer's units: see ``agents.groups``.

        directions: (K, units), brought to length 1. name: of the new layer, by default ``conv3_groups``. unit_names:
        what a person calls the groups. kernel: see ``groups.grouping``. It decides as this agent does, bit for bit;
        edits stay. Raises ZooError.
        """
        spec, arrays = groups.grouping(self.layers, layer, directions, name, kernel)
        other = self._with_layers((*self.card.network.layers, spec), {**self.weights, **arrays})
        other.name_units(spec.name, unit_names)
        return other

    def without_groups(self, layer: str) -> "Agent":
        """A copy without a layer of groups. Raises ZooError where it is none."""
        groups.checked_group_layer(self, layer)
        kept = tuple(spec for spec in self.card.network.layers if spec.name != layer)
        weights = {key: array for key, array in self.weights.items() if key.rpartition("/")[0] != layer}
        return self._with_layers(kept, weights)

    def name_units(self, layer: str, names: Sequence[str]) -> None:
        """Call a layer's units so from now on, "" where a unit has no name. Raises ZooError."""
        units = {info.name: info.units for info in self.layers}
        if layer not in units:
            raise ZooError(f"There is no layer “{layer}”: this network has {', '.join(units)}.")
        names = groups.names_of(names, units[layer])
        self.layers = tuple(
            dataclasses.replace(info, unit_names=names) if info.name == layer else info for info in self.layers
        )

    def _with_layers(self, specs: tuple[LayerSpec, ...], weights: Mapping[str, np.ndarray]) -> "Agent":
        """A copy whose network has these layers, of which only those of groups may differ; with its edits."""
        other = copy.copy(self)
        other.__dict__.pop("hash", None)
        other.card = dataclasses.replace(self.card, network=dataclasses.replace(self.card.network, layers=specs))
        other._layout = self._layout.with_network(other.card.network)
        other.weights = MappingProxyType(dict(weights))
        other._network = type(self._network)(other._layout, other.weights, self.observation_range)
        named = {info.name: info.unit_names for info in self.layers}
        other.layers = tuple(
            dataclasses.replace(info, unit_names=named.get(info.name, ())) for info in other._layout.layers
        )
        other.sources = MappingProxyType(other._layout.sources)
        there = {info.name for info in other.layers}
        other._apply_edits({unit: edit for unit, edit in self._edits.items() if unit.layer in there})
        return other

    def _apply_edits(self, edits: dict[Unit, tuple[float, float]]) -> None:
        self._edits = edits
        gains = np.ones(self._layout.unit_count, np.float32)
        offsets = np.zeros(self._layout.unit_count, np.float32)
        for unit, (gain, offset) in edits.items():
            place = self._layout.units[unit.layer].start + unit.index
            gains[place], offsets[place] = gain, offset
        self._network.set_edits(gains, offsets)

    def _split(self, flat: np.ndarray, layers: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """Views of the flat vector (…, size), one for each layer, or for each of ``layers`` where it has only these."""
        slices, infos = self._layout.activations, self.layers
        if layers:
            infos = [info for info in infos if info.name in layers]
            slices = _slices({info.name: info.size for info in infos})
        return {info.name: flat[..., slices[info.name]].reshape(*flat.shape[:-1], *info.shape) for info in infos}

    def _target(self, target: Unit | str, action: int | None) -> tuple[str, int | None]:
        if isinstance(target, tuple):
            return self._existing(target)
        if target == "action":
            return (self._head.name, None) if action is None else self._existing(Unit(self._head.name, action))
        if target == "value" and self.has_value:
            return (self._value.name, 0) if self._value is not None else (self._head.name, None)
        if target == "value":
            raise ZooError(f"{self.title} has no value head: choose the action or a unit instead.")
        raise ZooError(f"“{target}” cannot be explained: choose action, value or a unit.")

    def _existing(self, unit: Unit) -> Unit:
        return Unit.parse(f"{unit[0]}:{unit[1]}", self.layers)

    def _checked(self, observation: np.ndarray, batch: bool = False) -> np.ndarray:
        shape = observation.shape[1:] if batch and observation.ndim == 4 else observation.shape
        if shape != self.observation_shape or observation.dtype not in (np.uint8, np.float32):
            wanted, got = ("×".join(map(str, numbers)) for numbers in (self.observation_shape, observation.shape))
            raise ZooError(f"{self.title} observes {wanted} bytes, not {observation.dtype} {got}.")
        return observation


def _canonical(
    card: Card, weights: Mapping[str, np.ndarray], convention: str, source: str
) -> tuple[Layout, dict[str, np.ndarray]]:
    """The layout of a card and its weights in our order."""
    spec = card.preprocessing
    layout = Layout(card.network, spec.observation_shape, spec.stack)
    if card.weights.names or card.weights.convention or convention:
        convention = card.weights.convention or convention
        weights = assemble(layout, weights, card.weights.names, convention, source)
    layout.check(weights, source)
    return layout, layout.canonical(weights)


def _graph(card: Card, graph: bytes | None, source: str):
    """The layout and network of a card whose layers are tensors of the file's own graph."""
    if graph is None:
        raise ZooError(f"The card contradicts its weights {source}: it names a graph's tensors, and the file has none.")
    from zoo_gui.agents.graphs.graph import GraphLayout, GraphNetwork

    layout = GraphLayout(card, graph, source)
    return layout, GraphNetwork(layout, observation_range=card.preprocessing.observation_range)
