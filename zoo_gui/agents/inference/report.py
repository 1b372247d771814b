"""A draft as text for people, and as plain data for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo_gui.agents import tables
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec

if TYPE_CHECKING:
    from zoo_gui.agents.drafts import Draft
    from zoo_gui.agents.inference.board import Guess

MOST_ARRAYS = 60
"""Arrays that the text lists; the data has all."""


def as_data(draft: "Draft") -> dict[str, Any]:
    """What ``zoo-gui card --json`` prints."""
    arrays = draft.checkpoint.arrays
    return {
        "file": str(draft.path),
        "format": draft.checkpoint.format,
        "sha256": draft.sha256,
        "arrays": [{"name": name, "shape": list(a.shape), "dtype": str(a.dtype)} for name, a in arrays.items()],
        "network": tables.dump(draft.network) if draft.network else None,
        "names": {ours: plain(theirs) for ours, theirs in draft.names.items()},
        "guesses": [_guess_data(guess) for guess in draft.guesses],
        "confidence": round(draft.confidence, 3),
        "unknown": list(draft.unknown),
        "card": draft.card.to_toml() if draft.card else None,
        "unused": dict(draft.unused),
        "remarks": list(draft.remarks),
    }


def _guess_data(guess: "Guess") -> dict[str, Any]:
    return {
        "key": guess.key,
        "value": plain(guess.value),
        "confidence": round(guess.confidence, 3),
        "reason": guess.reason,
        "alternatives": [plain(value) for value in guess.alternatives],
        "needed": guess.needed,
    }


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def literal(value: Any) -> str:
    """A value as one writes it after ``--set key=``."""
    if isinstance(value, str):
        return value
    return json.dumps(plain(value), ensure_ascii=False)


def as_text(draft: "Draft") -> str:
    """What ``zoo-gui card`` prints."""
    lines = [f"{draft.path.name}: {draft.checkpoint.format}", ""]
    lines += [*_arrays(draft), "", *_network(draft.network), "", *_guesses(draft), ""]
    lines += [f"Note: {remark}" for remark in draft.remarks]
    lines += list(_unknown(draft))
    return "\n".join(lines).strip() + "\n"


def _arrays(draft: "Draft") -> Iterator[str]:
    arrays = draft.checkpoint.arrays
    yield f"Arrays ({len(arrays)}):"
    width = max((len(name) for name in list(arrays)[:MOST_ARRAYS]), default=0)
    for name, array in list(arrays.items())[:MOST_ARRAYS]:
        why = f"   ({draft.unused[name]})" if name in draft.unused else ""
        yield f"  {name:{width}}  {'×'.join(map(str, array.shape)) or 'a number'}  {array.dtype}{why}"
    if len(arrays) > MOST_ARRAYS:
        yield f"  … and {len(arrays) - MOST_ARRAYS} more (--json lists all)"


def _network(network: NetworkSpec | None) -> Iterator[str]:
    if network is None:
        yield "Network: not found."
        return
    yield "Network:"
    rows = [_layer(layer, fed) for layer, fed in network.wired()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip()


def _layer(layer: LayerSpec, fed: tuple[str, ...]) -> tuple[str, ...]:
    """(name, kind, size, how it moves, non-linearity and role, what it reads)."""
    moves = ""
    if layer.kind in ("conv", "maxpool", "avgpool"):
        kernel, stride = ("×".join(map(str, pair)) for pair in (layer.kernel, layer.stride))
        padding = layer.padding if isinstance(layer.padding, str) else "pad " + " ".join(map(str, layer.padding))
        moves = f"{kernel} stride {stride} {padding}"
    bends = "" if layer.activation == "linear" else layer.activation
    acts = " ".join(filter(None, (bends, layer.role and f"→ {layer.role}")))
    size = str(layer.filters or layer.units or layer.node or "")
    return layer.name, layer.kind, size, moves, acts, f"from {', '.join(fed) or 'the observation'}"


def _guesses(draft: "Draft") -> Iterator[str]:
    yield "What was found out, and how sure it is:"
    width = max((len(guess.key) for guess in draft.guesses), default=0)
    for guess in draft.guesses:
        value = "?" if guess.value is None else literal(guess.value)
        mark = " " if guess.known else "?"
        yield f" {mark}{guess.confidence:4.0%}  {guess.key:{width}}  {value}   ({guess.reason})"


def _unknown(draft: "Draft") -> Iterator[str]:
    if draft.unknown:
        yield "To be said:"
    for key in draft.unknown:
        guess = draft.guess(key)
        choices = [guess.value, *guess.alternatives] if guess else []
        shown = ["--set " + shlex.quote(f"{key}={literal(value)}") for value in choices[:4] if value is not None]
        yield f"  {key}: {' or '.join(shown) if shown else f'--set {key}=…'}"
    if draft.card is None:
        yield "There is no card yet."
    elif not draft.unknown:
        yield "The card is complete: --write keeps it."
    else:
        yield "The card is complete as guessed; play it to see whether it is right, or say what is marked."
