"""What a person said of single layers and arrays: ``network.layers.conv1.stride``, ``weights.names.conv1/kernel``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo_gui.agents import tables
from zoo_gui.agents.network_spec import LayerSpec
from zoo_gui.types import ZooError

LAYERS, NAMES = "network.layers.", "weights.names."


def layers(specs: tuple[LayerSpec, ...], choices: Mapping[str, Any]) -> tuple[LayerSpec, ...]:
    """The layers with other values. Raises ZooError for a layer or key that does not exist."""
    for key, value in choices.items():
        if not key.startswith(LAYERS):
            continue
        name, _, part = key[len(LAYERS) :].rpartition(".")
        if name not in {spec.name for spec in specs}:
            known = ", ".join(spec.name for spec in specs)
            raise ZooError(f"“{key}” names no layer: write network.layers.LAYER.KEY, LAYER one of {known}.")
        value = [*value] if isinstance(value, tuple) else value
        specs = tuple(_changed(spec, part, value) if spec.name == name else spec for spec in specs)
    return specs


def _changed(spec: LayerSpec, key: str, value: Any) -> LayerSpec:
    table = tables.dump(spec) | {key: value}
    return tables.build(LayerSpec, table, f"network.layers.{spec.name}", "What you said")


def check(key: str, value: Any) -> None:
    """Raise ZooError where the value of a key of the inference is of a wrong kind."""
    wanted = _KINDS.get(key)
    if wanted is None:
        return
    words, fits = wanted
    if not fits(value):
        raise ZooError(f"“{key}” must be {words}, not {value!r}.")


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(_is_number(number) for number in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _are_texts(value: Any) -> bool:
    return _is_text(value) or isinstance(value, (list, tuple)) and bool(value) and all(map(_is_text, value))


_TEXT = ("a text", _is_text)
_KINDS: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(("preset", "geometry", "outputs", "game", "algorithm", "preprocessing", "actions.rule"), _TEXT),
    **dict.fromkeys(("network.convs", "network.hidden", "network.flatten", "network.frame_order"), _TEXT),
    "weights.convention": _TEXT,
    "run": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "network.input_range": ("two numbers, what 0 and 255 become", _is_pair),
    "network.support": ("two numbers, the least and greatest return", _is_pair),
    "preprocessing.size": ("two whole numbers, height and width",
                           lambda value: _is_pair(value) and all(isinstance(side, int) and side > 0 for side in value)),
    "preprocessing.sticky": ("a probability", _is_number),
    "preprocessing.color": _TEXT,
    "actions.names": ("the names of actions", _are_texts),
    "actions.epsilon": ("a probability", _is_number),
}  # fmt: skip


def names(found: Mapping[str, str], choices: Mapping[str, Any]) -> dict[str, str]:
    """The names of arrays with other ones."""
    return {**found, **{key[len(NAMES) :]: value for key, value in choices.items() if key.startswith(NAMES)}}
