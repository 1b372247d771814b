"""What an animal is made of: the network as data, weights in the zoo's layouts, a card. Needs no PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
from safetensors.numpy import save_file

from zoo_gui.agents import card_rules
from zoo_gui.agents.card import CARD_FILE, Card, LayerSpec, NetworkSpec, Scores, WeightsSpec
from zoo_gui.agents.layout import Layout

CREDIT = "Trained by the zoo_gui project."
LICENCE = "Free to use, ship, convert and improve; trained by the zoo_gui project."
WEIGHTS_FILE = "weights.safetensors"


def body_layers(convolutions: Sequence[tuple[int, int, int]], width: int) -> list[LayerSpec]:
    """Convolutions given as (filters, kernel, stride), then a dense layer of ``width`` units; ReLU everywhere."""
    layers = [
        LayerSpec(f"conv{i}", "conv", filters=filters, kernel=(k, k), stride=(s, s), activation="relu")
        for i, (filters, k, s) in enumerate(convolutions, 1)
    ]
    return [*layers, LayerSpec("fc", "dense", units=width, activation="relu")]


def head_layers(units: Mapping[str, int], actions: int) -> list[LayerSpec]:
    """The layers after ``fc``; units: {name: outputs} of the heads that have weights.

    ``policy`` and, where there is one, ``value``; or ``q``; or ``value`` and ``advantage`` of a dueling network, with
    K and A · K units where it describes each action's return by K quantiles.
    """
    dense = [LayerSpec(name, "dense", units=count, source="fc") for name, count in units.items()]
    roles = {"policy": "logits", "q": "q", "value": "value"}
    if "advantage" not in units:
        return [LayerSpec(d.name, "dense", units=d.units, source="fc", role=roles[d.name]) for d in dense]
    dense.sort(key=lambda layer: layer.name, reverse=True)  # the value comes first
    streams = ("value", "advantage")
    if units["value"] == 1:
        return [*dense, LayerSpec("q", "dueling", source=streams, role="q")]
    expectation = LayerSpec("q", "expectation", units=actions, source="quantiles", role="q")
    return [*dense, LayerSpec("quantiles", "dueling", source=streams), expectation]


def convert(
    arrays: Mapping[str, np.ndarray],
    spec: NetworkSpec,
    observation_shape: tuple[int, int, int],
    names: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """PyTorch's arrays under our names and in our layouts; same dtype. observation_shape: (h, w, C).

    Convolutions go from OIHW to HWIO, dense kernels from (out, in) to (in, out), and the rows of a dense kernel that
    reads a map from C, H, W order to H, W, C. names: {layer: what PyTorch calls it}, those without weights left out.
    """
    layout, result = Layout(spec, observation_shape), {}
    for layer in spec.layers:
        if layer.name not in names:
            continue
        kernel = arrays[f"{names[layer.name]}.weight"]
        if layer.kind == "conv":
            kernel = kernel.transpose(2, 3, 1, 0)
        else:
            fed = layout.sources[layer.name]
            kernel = dense_kernel(kernel, layout.info(fed[0]).shape if fed else observation_shape)
        result[f"{layer.name}/kernel"] = np.ascontiguousarray(kernel)
        result[f"{layer.name}/bias"] = np.ascontiguousarray(arrays[f"{names[layer.name]}.bias"])
    layout.check(result, "from PyTorch")
    return result


def dense_kernel(kernel: np.ndarray, before: tuple[int, ...]) -> np.ndarray:
    """(out, in) → (in, out). before: the shape of what the layer reads, (units,), or (H, W, C) of a map."""
    if len(before) == 3:
        height, width, channels = before
        kernel = kernel.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(kernel), -1)
    return kernel.T


def write(folder: Path, weights: Mapping[str, np.ndarray], **card: Any) -> Card:
    """Write weights and card (less format and weights) into ``folder``; the card as it reads. Raises ZooError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_FILE
    save_file(dict(weights), path)
    path.chmod(0o644)  # safetensors lets nobody but the owner read it
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    made = Card(format=card_rules.FORMAT, weights=WeightsSpec(path.name, digest), **card)
    (folder / CARD_FILE).write_text(made.to_toml(), encoding="utf-8")
    return Card.read(folder / CARD_FILE)


def shortfall(scores: Scores) -> str:
    """That the agent is no better than a player that sees nothing, as the end of "it is …"; "" where it is better."""
    if scores.better_than_constant is False:
        action = scores.constant_action
        return "not better than doing nothing" if action == "NOOP" else f"not better than always pressing {action}"
    return "not better than random play" if scores.better_than_random is False else ""
