"""What a person said of single layers and arrays: ``network.layers.conv1.stride``, ``weights.names.conv1/kernel``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zoo_gui.agents.network_spec import LayerSpec
from zoo_gui.types import ZooError

LAYERS, NAMES = "network.layers.", "weights.names."


def layers(specs: tuple[LayerSpec, ...], choices: Mapping[str, Any]) -> tuple[LayerSpec, ...]:
    """The layers with other values. Raises ZooError for a layer or key that does not exist."""
    for key, value in choices.items():
        if not key.startswith(LAYERS):
            continue
        name, _, part = key[len(LAYERS) :].rpartition(".")
        part = "source" if part == "from" else part
        if name not in {spec.name for spec in specs} or part not in LayerSpec.__dataclass_fields__:
            raise ZooError(f"“{key}” names no layer, or no key of one: write network.layers.LAYER.KEY.")
        value = tuple(value) if isinstance(value, list) else value
        specs = tuple(replace(spec, **{part: value}) if spec.name == name else spec for spec in specs)
    return specs


def names(found: Mapping[str, str], choices: Mapping[str, Any]) -> dict[str, str]:
    """The names of arrays with other ones."""
    return {**found, **{key[len(NAMES) :]: value for key, value in choices.items() if key.startswith(NAMES)}}
