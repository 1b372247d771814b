"""Small agents with random weights for tests: every kind of layer, padding and head, quick to trace."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from zoo_gui.agents.card import ActionSpec, Card, LayerSpec, NetworkSpec, PreprocessingSpec, Scores, WeightsSpec
from zoo_gui.agents.layout import Layout

OBSERVATION = (20, 18, 2)
POLICY = NetworkSpec(
    (
        LayerSpec("conv1", "conv", filters=3, kernel=(5, 4), stride=(2, 3), padding="SAME", activation="relu"),
        LayerSpec("conv2", "conv", filters=4, kernel=(3, 3), stride=(2, 1), activation="relu"),
        LayerSpec("fc", "dense", units=6, activation="relu"),
        LayerSpec("policy", "dense", units=3, role="logits", source="fc"),
        LayerSpec("value", "dense", units=1, role="value", source="fc"),
    )
)
Q = NetworkSpec(
    (
        LayerSpec("conv1", "conv", filters=4, kernel=(4, 4), stride=(2, 2), activation="tanh"),
        LayerSpec("q", "dense", units=3, role="q"),
    ),
    input_range=(-1.0, 1.0),
)
_CONV = LayerSpec("conv1", "conv", filters=4, kernel=(4, 4), stride=(2, 2), activation="relu")
DUELING = NetworkSpec(
    (
        _CONV,
        LayerSpec("fc", "dense", units=5, activation="relu"),
        LayerSpec("value", "dense", units=1, role="value", source="fc"),
        LayerSpec("advantage", "dense", units=3, source="fc"),
        LayerSpec("q", "dueling", role="q", source=("value", "advantage")),
    )
)
QUANTILES = NetworkSpec(  # three actions, four quantiles, dueling
    (
        _CONV,
        LayerSpec("fc", "dense", units=5, activation="relu"),
        LayerSpec("value", "dense", units=4, source="fc"),
        LayerSpec("advantage", "dense", units=12, source="fc"),
        LayerSpec("quantiles", "dueling", source=("value", "advantage")),
        LayerSpec("q", "expectation", units=3, role="q"),
        LayerSpec("state_value", "expectation", units=1, role="value", source="value"),
    )
)
C51 = NetworkSpec(  # three actions, five atoms
    (
        _CONV,
        LayerSpec("atoms", "dense", units=15),
        LayerSpec("q", "expectation", units=3, role="q", support=(-2.0, 3.0)),
    )
)


def card(network: NetworkSpec = POLICY, rule: str = "sample", **changes) -> Card:
    """A card for the network over observations of OBSERVATION's shape."""
    preprocessing = PreprocessingSpec(size=OBSERVATION[:2], stack=OBSERVATION[2])
    parts = dict(
        format=1, algorithm="tiny", game="Breakout", run=1, network=network, preprocessing=preprocessing,
        actions=ActionSpec(("NOOP", "LEFT", "RIGHT"), rule), weights=WeightsSpec("weights.safetensors", "0" * 64),
        scores=Scores(mean=1.5, episodes=2, protocol="test", scores=(1.0, 2.0)),
    )  # fmt: skip
    return Card(**(parts | changes))


def weights(network: NetworkSpec = POLICY, seed: int = 0) -> dict[str, np.ndarray]:
    """Random float32 weights of the network's shapes; biases differ from zero."""
    rng = np.random.default_rng(seed)
    shapes = Layout(network, OBSERVATION).shapes
    return {
        name: (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]) + 1)).astype("f4") for name, shape in shapes.items()
    }


def observation(seed: int = 0, count: int | None = None) -> np.ndarray:
    """A random uint8 observation, or a batch of them."""
    shape = OBSERVATION if count is None else (count, *OBSERVATION)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def write(folder: Path, network: NetworkSpec = POLICY, **changes) -> Card:
    """Write a card and its weights into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "weights.safetensors"
    save_file(weights(network), path)
    made = card(network, weights=WeightsSpec(path.name, hashlib.sha256(path.read_bytes()).hexdigest()), **changes)
    (folder / "card.toml").write_text(made.to_toml(), encoding="utf-8")
    return made
