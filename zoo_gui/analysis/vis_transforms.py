"""The random transforms that an optimised image must survive, as text: ``pad:4 jitter:4 scale:0.9-1.1 rotate:5``.

Each step is drawn anew in every step of the ascent, by Lucid (``lucid.optvis.transform``). Importing this module
imports neither TensorFlow nor Lucid.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

import numpy as np

from zoo_gui.registry import near_names, unknown
from zoo_gui.types import ZooError

PRESETS = {
    "robust": "pad:4 jitter:4 scale:0.9-1.1 rotate:5 jitter:2",
    "jitter": "pad:1 jitter:2",
    "none": "",
}
"""By name; the steps' reasons are in docs/feature_visualization.md."""
PADDING = 0.5  # grey level outside the image, as in Lucid's standard transforms
MOST_STEPS = 12
MOST_PADDING = 64  # pixels in all: each step of padding makes every later one dearer
FEWEST_CHOICES = 11  # scales or angles that Lucid draws from, as many as it has itself
LIMITS = {"pad": (1, 32), "jitter": (1, 64), "scale": (0.25, 4.0), "rotate": (0.1, 180.0)}
"""{step: smallest and largest number}: pixels, pixels, factor, degrees each way."""


class Step(NamedTuple):
    """One step: ``kind``, and the number that it takes (``low`` = ``high``), or a range of scales."""

    kind: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.kind}:{self.low:g}" + (f"-{self.high:g}" if self.kind == "scale" else "")


def parse(text: str) -> tuple[Step, ...]:
    """The steps of a preset or of a text; raises ZooError where one cannot be meant."""
    words = PRESETS.get(text.strip(), text).split()
    if len(words) > MOST_STEPS:
        raise ZooError(f"The transforms have {len(words)} steps: {MOST_STEPS} are allowed.")
    if len(words) == 1 and ":" not in words[0]:
        raise unknown("set of transforms", text, PRESETS) if near_names(text, PRESETS) else _unclear(words[0])
    steps = tuple(_step(word) for word in words)
    padding = sum(step.low for step in steps if step.kind == "pad")
    if padding > MOST_PADDING:
        raise ZooError(f"The transforms pad {padding:g} pixels in all: {MOST_PADDING} are allowed.")
    return steps


def canonical(text: str) -> str:
    """The same steps, always written alike: presets in full."""
    return " ".join(map(str, parse(text)))


def build(transform: Any, text: str, shape: tuple[int, ...]) -> list[Callable]:
    """Lucid's functions for images of ``shape`` (h, w, C); the last gives the image its size back, which dense layers
    need. transform: the module ``lucid.optvis.transform``. Raises ZooError for a jitter as large as the image."""
    made, side = [], min(shape[:2])
    for step in parse(text):
        side += 2 * int(step.low) if step.kind == "pad" else 0
        if step.kind == "jitter":
            if step.low >= side:
                raise ZooError(f"A jitter of {step.low:g} pixels leaves nothing of an image of {side}.")
            side -= int(step.low)
        made.append(_MAKE[step.kind](transform, step))
        side = int(side * step.low) if step.kind == "scale" else side
    return [*made, transform.crop_or_pad_to(*shape[:2])]


def _choices(step: Step) -> list[float]:
    if step.kind == "scale":
        return np.linspace(step.low, step.high, FEWEST_CHOICES).tolist()
    return np.linspace(-step.low, step.low, max(FEWEST_CHOICES, 2 * round(step.low) + 1)).tolist()


_MAKE: dict[str, Callable] = {
    "pad": lambda transform, step: transform.pad(int(step.low), mode="constant", constant_value=PADDING),
    "jitter": lambda transform, step: transform.jitter(int(step.low)),
    "scale": lambda transform, step: transform.random_scale(_choices(step)),
    "rotate": lambda transform, step: transform.random_rotate(_choices(step)),
}


def _step(word: str) -> Step:
    kind, _, numbers = word.partition(":")
    if kind not in LIMITS:
        raise _unclear(word)
    parts = numbers.split("-") if kind == "scale" else [numbers]
    try:
        low, high = (float(part) for part in (parts[0], parts[-1]))
    except ValueError:
        raise _unclear(word) from None
    least, most = LIMITS[kind]
    whole = kind in ("scale", "rotate") or low == int(low)
    if len(parts) > 2 or not (least <= low <= high <= most and whole):
        kind_of = "" if kind in ("scale", "rotate") else " in whole pixels"
        raise ZooError(f"“{word}” cannot be drawn: {kind} goes from {least:g} to {most:g}{kind_of}.")
    return Step(kind, low, high)


def _unclear(word: str) -> ZooError:
    return ZooError(
        f"“{word}” is no transform: write robust, jitter, none, or steps such as “{PRESETS['robust']}”."
    )
