"""The ways to ask "why": each attribution method by name, with what it costs, what it can be asked and its options.

No Qt, no TensorFlow: the window lists them, the engine and the command line run them (``analysis.attribution``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Mapping

from zoo_gui.analysis import targets
from zoo_gui.analysis.targets import Target
from zoo_gui.registry import unknown
from zoo_gui.types import LayerInfo, Unit, ZooError

LIGHT, MEDIUM, SLOW = "light", "medium", "slow"
"""What a map costs: about 2 to 5 ms, computed within every step; 10 to 30 ms, within every step up to twice the game's
speed; more than 20 ms in slices, beside the game, as many a second as there is time for."""


@dataclass(frozen=True)
class Option:
    """A number or word that a method takes. choices: the words there are, () for a number from ``low`` to ``high``;
    whole: whether it is a whole number. For a ``layer`` the choices are the network's: see ``layers_of``."""

    name: str
    default: Any
    text: str
    low: float = 0.0
    high: float = math.inf
    choices: tuple[str, ...] = ()
    whole: bool = True

    def checked(self, value: Any) -> Any:
        """The value in its type. Raises ZooError for one that does not fit."""
        if self.name == "layer":
            return str(value or "")
        if self.choices:
            if value not in self.choices:
                raise ZooError(f"{self.name} is one of {', '.join(self.choices)}, not “{value}”.")
            return value
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not self.low <= number <= self.high or (self.whole and number != int(number)):
            most = f" to {self.high:g}" if self.high < math.inf else ""
            kind = "whole number" if self.whole else "number"
            raise ZooError(f"{self.name} is a {kind} from {self.low:g}{most}, not {value}.")
        return int(number) if self.whole else number


@dataclass(frozen=True)
class Method:
    """One way to attribute. title: for people. text: what it says, a sentence. cost: LIGHT, MEDIUM or SLOW. signed:
    whether the map has negative numbers that mean something. per_frame: whether each frame of the stack has a map of
    its own. asks: ``any`` target, or ``action``: one action's score. source: the paper."""

    name: str
    title: str
    text: str
    cost: str
    signed: bool
    per_frame: bool
    source: str
    options: tuple[Option, ...] = ()
    asks: str = "any"

    @property
    def defaults(self) -> dict[str, Any]:
        """{option: what it is where nothing is said}."""
        return {option.name: option.default for option in self.options}

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options, the given ones in place of the defaults. Raises ZooError for one that does not exist or fit."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise ZooError(f"{self.title} has no option “{name}”: {has}.")
        return {**self.defaults, **{name: known[name].checked(value) for name, value in given.items()}}


_CHANNEL = Option("channel", "auto", "how a channel is asked: at its maximum (peak) or with its own activations (map)",
                  choices=("auto", "peak", "map"))  # fmt: skip
_LAYER = Option("layer", "", "which layer; empty: the last convolution")
_FILL = Option("box", "grey", "what covers a place", choices=("grey", "black", "mean"))

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("gradient", "Gradient", "What a small change of each pixel would do.", LIGHT, True, True,
               "Simonyan, Vedaldi, Zisserman 2013", (_CHANNEL,)),
        Method("gradient_input", "Gradient × input", "What each pixel adds, if the network were linear here.", LIGHT,
               True, True, "Shrikumar et al. 2016", (_CHANNEL,)),
        Method("guided", "Guided backpropagation", "The gradient, only along paths that excite: sharp, but nearly "
               "blind to the weights behind.", LIGHT, True, True, "Springenberg et al. 2014", (_CHANNEL,)),
        Method("deconv", "Deconvolution", "What in the picture the excited path could stand for.", LIGHT, True, True,
               "Zeiler, Fergus 2013", (_CHANNEL,)),
        Method("gradcam", "Grad-CAM", "Which places of a convolution speak for it.", LIGHT, False, False,
               "Selvaraju et al. 2017", (_LAYER,)),
        Method("integrated_layer", "Integrated gradients to a layer", "What each place of a layer adds, against a "
               "silent layer; the sum is the difference in the target.", MEDIUM, True, False,
               "Sundararajan, Taly, Yan 2017; Hilton et al. 2020",
               (_LAYER, Option("steps", 16, "points on the way from silence", 2, 512))),
        Method("smoothgrad", "SmoothGrad", "The mean gradient around this observation.", MEDIUM, True, True,
               "Smilkov et al. 2017",
               (Option("n", 16, "noisy copies", 1, 256),
                Option("sigma", 0.15, "their noise, as a part of the observation's spread", 0.0, 1.0, whole=False),
                Option("noise_seed", 0, "of the noise"), _CHANNEL)),
        Method("integrated", "Integrated gradients", "What each pixel adds, against an empty picture; the sum is the "
               "difference in the target.", MEDIUM, True, True, "Sundararajan, Taly, Yan 2017",
               (Option("baseline", "black", "the empty picture", choices=("black", "mean")),
                Option("steps", 16, "points on the way from it", 2, 512))),
        Method("occlusion", "Occlusion", "How much the target loses when a box covers the place, in all frames.", SLOW,
               True, False, "Zeiler, Fergus 2013",
               (Option("size", 9, "of the box, in pixels", 1, 512),
                Option("stride", 5, "pixels from box to box", 1, 512),
                _FILL)),
        Method("greydanus", "Blur perturbation", "How much the policy or the value changes when the place is blurred.",
               SLOW, False, False, "Greydanus et al. 2018",
               (Option("stride", 5, "pixels from blur to blur", 1, 512),
                Option("frames", "all", "which frames are blurred", choices=("all", "newest")))),
        Method("sarfa", "SARFA", "How much the place matters for this action and not for the others.", SLOW, False,
               False, "Puri et al. 2020",
               (Option("stride", 5, "pixels from blur to blur", 1, 512),
                Option("frames", "all", "which frames are blurred", choices=("all", "newest"))), "action"),
    )
}  # fmt: skip


def method_of(name: str) -> Method:
    """The method of that name. Raises ZooError, with near names."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def layers_of(info: Any) -> tuple[LayerInfo, ...]:
    """The layers that ``layer`` may name (of an Agent or a LaneInfo): convolutions' maps and dense layers before the
    outputs."""
    return tuple(layer for layer in info.layers if layer.kind in ("conv", "dense"))


def checked_target(method: Method, target: Target | Unit | str, info: Any, action: int | None = None) -> Target:
    """The target, if this method can answer for it. info: an Agent or a LaneInfo. Raises ZooError: one sentence."""
    if not info.layers:
        raise ZooError("This player has no network to explain: open an agent first.")
    found = targets.parse(target, info, action)
    if method.asks == "action":
        first = found.terms[0]
        plain = len(found.terms) == 1 and first.direction is None and first.index is not None and first.weight == 1.0
        if not plain or first.layer != targets.head(info).name:
            raise ZooError(f"{method.title} explains one action: ask for action, or action:{info.action_names[0]}.")
    return found


def why_not(method: str, target: Target | Unit | str, info: Any) -> str:
    """Why this method cannot answer for that target of an Agent or a LaneInfo, as a sentence; "" where it can."""
    try:
        checked_target(method_of(method), target, info)
        if method in ("gradcam",) and not any(layer.kind == "conv" for layer in info.layers):
            return f"{METHODS[method].title} needs a convolution, and this network has none."
    except ZooError as error:
        return str(error)
    return ""
