"""Cells with memory whose gates, or input and state, lie in folders of their own: Flax's LSTM, Chainer's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FLAX_LSTM = ("ii", "if", "ig", "io", "hi", "hf", "hg", "ho")
"""Flax's LSTMCell: a dense layer for each gate, of the input and of the state; these have the biases."""
CHAINER_GATES = "gifo interleaved"
"""Chainer's LSTM (chainer.functions.lstm): candidate, input, forget, output of each unit beside each other."""


def joined(groups: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{path: parts} of such cells; parts as of any recurrent layer, where arrays are joined a tuple of names, with
    ``gates`` and the paths that they took up, ``took``."""
    folders: dict[str, dict[str, str]] = {}
    for path in groups:
        parent, last = _parted(path)
        folders.setdefault(parent, {})[last] = path
    cells = {}
    for parent, inner in folders.items():
        if set(FLAX_LSTM) <= set(inner):
            cells[parent] = _flax(inner, groups)
        elif {"upward", "lateral"} <= set(inner):
            cells[parent] = _chainer(inner, groups)
    return {path: parts for path, parts in cells.items() if parts}


def _parted(path: str) -> tuple[str, str]:
    """(folder, name)."""
    match = re.fullmatch(r"(?:(.*)[./])?([^./]*)", path)
    return (match[1] or "", match[2]) if match else ("", path)


def _flax(inner: Mapping[str, str], groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    of = {gate: groups[inner[gate]] for gate in FLAX_LSTM}
    if not all("kernel" in parts for parts in of.values()):
        return {}
    into, state = FLAX_LSTM[:4], FLAX_LSTM[4:]
    parts: dict[str, Any] = {
        "kernel": tuple(of[gate]["kernel"] for gate in into),
        "recurrent_kernel": tuple(of[gate]["kernel"] for gate in state),
    }
    if all("bias" in of[gate] for gate in state):
        parts["bias"] = tuple(of[gate]["bias"] for gate in state)
    return {**parts, "gates": "ifgo", "took": tuple(inner[gate] for gate in FLAX_LSTM)}


def _chainer(inner: Mapping[str, str], groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    upward, lateral = groups[inner["upward"]], groups[inner["lateral"]]
    if "kernel" not in upward or "kernel" not in lateral:
        return {}
    parts = {"kernel": upward["kernel"], "recurrent_kernel": lateral["kernel"]}
    if "bias" in upward:
        parts["bias"] = upward["bias"]
    return {**parts, "gates": CHAINER_GATES, "took": (inner["upward"], inner["lateral"])}
