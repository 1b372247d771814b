"""What is asked about: a unit, an action, the value, an advantage, a layer, a direction, or a sum of these.

One small language for feature visualization, attribution and unit search, in the window, on the command line and in
notebooks:

    conv2:17                 a unit: a channel or a neuron
    conv2:17@4,5             a channel at row 4, column 5 of its map
    action                   the score (logit or Q) of the chosen action, of the best one where none is known
    action:LEFT, action:3    of that action
    value                    the value head; of a Q agent without one its largest Q
    advantage[:LEFT]         that action's score less the mean over all actions (Wang et al. 2016, eq. 9)
    layer:conv3              the whole layer (DeepDream)
    action:LEFT - action:RIGHT, conv2:17 + 0.5*fc:3      sums and differences, with spaces around + and −

Nothing here imports TensorFlow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Sequence

import numpy as np

from zoo_gui.registry import near_names
from zoo_gui.types import LayerInfo, Unit, ZooError

BEST = -1
"""As an index: the unit of the layer that is largest at the observation in question."""
_SIGN = re.compile(r"\s+([+\-−])\s+")
_FACTOR = re.compile(r"^([+\-−]?\d*\.?\d+)\s*\*\s*(.+)$")
_PLACE = re.compile(r"^(.+)@(\d+)\s*,\s*(\d+)$")


@dataclass(frozen=True)
class Term:
    """``weight`` times a number read off one layer: of unit ``index`` (BEST: of the largest one), at ``position`` (row,
    column) of a map or where the method looks; along ``direction``, one number for each unit, where that is given, as a
    cosine where ``cosine``; of the whole layer where neither is."""

    layer: str
    index: int | None = None
    weight: float = 1.0
    position: tuple[int, int] | None = None
    direction: tuple[float, ...] | None = None
    cosine: bool = False


@dataclass(frozen=True)
class Target:
    """A sum of terms, and how a person would write it."""

    text: str
    terms: tuple[Term, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that it reads, each once."""
        return tuple(dict.fromkeys(term.layer for term in self.terms))

    @property
    def unit(self) -> Unit | None:
        """The unit that it is, where it is nothing else."""
        only = self.terms[0]
        plain = len(self.terms) == 1 and only.weight == 1.0 and only.position is None and only.direction is None
        return Unit(only.layer, only.index) if plain and only.index not in (None, BEST) else None


def parse(target: "Target | Unit | tuple | str", agent: Any, action: int | None = None) -> Target:
    """Read a target for this agent (anything with ``layers`` and ``action_names``).

    action: the index of the chosen action, which ``action`` and ``advantage`` mean. Raises ZooError, with near names.
    """
    if isinstance(target, Target):
        for term in target.terms:
            _layer(term.layer, agent)
        return target
    text = str(Unit(*target)) if isinstance(target, tuple) else str(target).strip()
    parts = _SIGN.split(text)
    terms: list[Term] = []
    for sign, part in zip(["+", *parts[1::2]], parts[::2]):
        found = _terms(part.strip(), agent, action)
        factor = 1.0 if sign == "+" else -1.0
        terms += [replace(term, weight=term.weight * factor) for term in found]
    return Target(text, tuple(terms))


def along(layer: str, direction: Sequence[float] | np.ndarray, agent: Any, cosine: bool = False) -> Target:
    """The target of a direction in a layer's units, (units,): its dot product with them, or as a ``cosine``."""
    info = _layer(layer, agent)
    numbers = np.asarray(direction, float).ravel()
    if len(numbers) != info.units or not np.isfinite(numbers).all() or not numbers.any():
        raise ZooError(f"A direction in {layer} is {info.units} finite numbers, not all 0; these are {len(numbers)}.")
    words = f"{'cosine' if cosine else 'direction'} in {layer}"
    return Target(words, (Term(layer, direction=tuple(numbers.tolist()), cosine=cosine),))


def head(agent: Any) -> LayerInfo:
    """The layer of the actions' scores. Raises ZooError where there is none."""
    found = next((info for info in agent.layers if info.kind in ("logits", "q")), None)
    if found is None:
        raise ZooError("This network has no scores of actions: choose a unit instead.")
    return found


def _terms(text: str, agent: Any, action: int | None) -> list[Term]:
    factor = _FACTOR.match(text)
    if factor:
        weight = float(factor[1].replace("−", "-"))
        return [replace(term, weight=term.weight * weight) for term in _terms(factor[2].strip(), agent, action)]
    word, _, rest = text.partition(":")
    word, rest = word.strip(), rest.strip()
    if word == "action":
        return [Term(head(agent).name, _action(rest, agent, action))]
    if word == "advantage":
        info = head(agent)
        mean = Term(info.name, direction=(-1.0 / info.units,) * info.units)
        return [Term(info.name, _action(rest, agent, action)), mean]
    if text == "value":
        return [_value(agent)]
    if word == "layer":
        return [Term(_layer(rest, agent).name)]
    place = _PLACE.match(text)
    unit = Unit.parse(place[1] if place else text, agent.layers)
    if not place:
        return [Term(unit.layer, unit.index)]
    shape = _layer(unit.layer, agent).shape
    row, column = int(place[2]), int(place[3])
    if len(shape) != 3 or row >= shape[0] or column >= shape[1]:
        what = f"is a map of {shape[0]}×{shape[1]}" if len(shape) == 3 else "has no positions"
        raise ZooError(f"{unit} {what}: there is no position {row}, {column}.")
    return [Term(unit.layer, unit.index, position=(row, column))]


def _action(text: str, agent: Any, chosen: int | None) -> int:
    if not text:
        return BEST if chosen is None else chosen
    names = [name.upper() for name in agent.action_names]
    if text.isdigit() and int(text) < len(names):
        return int(text)
    if text.upper() in names:
        return names.index(text.upper())
    near = near_names(text, agent.action_names) or agent.action_names
    raise ZooError(f"There is no action “{text}”: choose {', '.join(near)}, or a number below {len(names)}.")


def _value(agent: Any) -> Term:
    info = next((info for info in agent.layers if info.kind == "value"), None)
    if info is not None:
        return Term(info.name, 0)
    info = head(agent)
    if info.kind != "q":
        raise ZooError(f"{agent.title} has no value head: choose the action or a unit instead.")
    return Term(info.name, BEST)


def _layer(name: str, agent: Any) -> LayerInfo:
    known = {info.name: info for info in agent.layers}
    if name not in known:
        raise ZooError(f"There is no layer “{name}”: this network has {', '.join(known)}.")
    return known[name]
