"""An agent: a card and its weights, brought to one canonical form; the traced network; edits. Imports TensorFlow."""

from __future__ import annotations

import functools
import hashlib
import json
from types import MappingProxyType
from typing import Mapping

import numpy as np

from zoo_gui.agents import catalogue, heads, tables
from zoo_gui.agents.card import Card
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.agents.layout import Layout
from zoo_gui.agents.network import Network
from zoo_gui.types import Decision, LayerInfo, Unit, ZooError, read_only


class Agent:
    """A network that plays.

    The canonical observation is uint8 (h, w, C), oldest frame first; the canonical input is float32 in 0–1. Weights
    are float32, convolutions HWIO, dense layers (in, out) with maps flattened in H, W, C order.
    """

    def __init__(self, card: Card, weights: Mapping[str, np.ndarray], name: str = "", source: str = ""):
        """card, checked; weights as the file has them. Raises ZooError where the two contradict each other.

        name: the id or path to show, by default the card's id; source: the weights' name in errors.
        """
        self.card, self.name, self.title = card, name or card.id, card.full_title
        self._layout = Layout(card.network, card.preprocessing.observation_shape)
        self._layout.check(weights, source or self.name)
        canonical = self._layout.canonical(weights)
        self.weights = MappingProxyType({key: read_only(array) for key, array in canonical.items()})
        self.layers: tuple[LayerInfo, ...] = self._layout.layers
        self.action_names: tuple[str, ...] = card.actions.names
        self.observation_shape: tuple[int, int, int] = self._layout.observation_shape
        self._head = self._layout.role("logits", "q")
        self._value = self._layout.role("value")
        self._network = Network(self._layout, self.weights)
        self._edits: dict[Unit, tuple[float, float]] = {}

    @classmethod
    def load(cls, id_or_path: str) -> "Agent":
        """The agent of a catalogue id (``ppo/Breakout/1``) or a path (folder, card, or weights beside their card).

        Raises ZooError: unknown id (with near names), a faulty card, missing, damaged or contradicting weights, or an
        id without a network (``random/…``).
        """
        entry = catalogue.find(str(id_or_path))
        if entry.path is None:
            raise ZooError(f"“{entry.id}” is a player without a network: there is nothing to load.")
        card = Card.read(entry.path)
        path = entry.path.parent / card.weights.file
        weights = read_checkpoint(path, card.weights.format, card.weights.sha256).arrays
        return cls(card, weights, entry.id, str(path))

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
        for key in sorted(self.weights):
            digest.update(f"{key}{self.weights[key].shape}".encode())
            digest.update(self.weights[key].tobytes())
        return digest.hexdigest()

    def decide(self, observation: np.ndarray, rng: np.random.Generator) -> Decision:
        """What the network makes of one uint8 observation (h, w, C), and the action its rule picks with ``rng``."""
        flat = self._network.run(self._checked(observation))
        activations = self._split(flat)
        scores = activations[self._head.name]
        if self._value is not None:
            value = float(activations[self._value.name][0])
        else:
            value = float(scores.max()) if self.scores_kind == "q" else None
        action = heads.choose(self.card.actions.rule, scores, rng, self.card.actions.epsilon)
        return Decision(action, scores, self.scores_kind, value, activations, flat)

    def activations(self, observation: np.ndarray) -> dict[str, np.ndarray]:
        """{layer: float32 array} after the non-linearity and edits; of a batch (N, h, w, C), with N in front."""
        observation = self._checked(observation, batch=True)
        if observation.ndim == 3:
            return self._split(self._network.run(observation))
        return self._split(read_only(self._network.run_batch(observation)))

    def gradients(self, observation: np.ndarray, target: Unit | str, action: int | None = None) -> np.ndarray:
        """d target / d observation in 0–1 units: float32 (h, w, C), at one uint8 observation (h, w, C), edits on.

        target: ``"action"``, the logit or Q of ``action`` (None: of the best one); ``"value"``, the value head, or
        max Q of a Q agent; a Unit: a neuron's activation, or a channel's at the position where it is largest. A unit
        that its rectifier silences has gradient zero. Simonyan et al. 2013, "Deep inside convolutional networks".
        Raises ZooError for a unit that does not exist, and for the value of a network without one.
        """
        layer, index = self._target(target, action)
        return self._network.gradient(self._checked(observation), layer, index)

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

    def _apply_edits(self, edits: dict[Unit, tuple[float, float]]) -> None:
        self._edits = edits
        gains = np.ones(self._layout.unit_count, np.float32)
        offsets = np.zeros(self._layout.unit_count, np.float32)
        for unit, (gain, offset) in edits.items():
            place = self._layout.units[unit.layer].start + unit.index
            gains[place], offsets[place] = gain, offset
        self._network.set_edits(gains, offsets)

    def _split(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Views of the flat vector (…, size), one for each layer."""
        slices = self._layout.activations
        return {info.name: flat[..., slices[info.name]].reshape(*flat.shape[:-1], *info.shape) for info in self.layers}

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
        if shape != self.observation_shape or observation.dtype != np.uint8:
            wanted, got = ("×".join(map(str, numbers)) for numbers in (self.observation_shape, observation.shape))
            raise ZooError(f"{self.title} observes {wanted} bytes, not {observation.dtype} {got}.")
        return observation

