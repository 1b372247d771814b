"""A panel's picture with the numbers behind it: from any panel's title, with where they come from."""

from __future__ import annotations

import copy
import itertools
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, NamedTuple

import numpy as np
from pyqtgraph.Qt import QtCore

from zoo_gui.analysis import export
from zoo_gui.capture import picture, save_png
from zoo_gui.history import COLUMNS
from zoo_gui.naming import lane_letter
from zoo_gui.widgets.saving import ask_path

DECIMALS = 9  # significant digits of a float32


class Numbers(NamedTuple):
    """What a panel shows, as ``analysis.export`` writes it. rows: of a table; named: arrays; either may be empty."""

    rows: list[dict[str, Any]]
    named: dict[str, np.ndarray]

    def table(self) -> list[dict[str, Any]]:
        return self.rows

    def arrays(self) -> dict[str, np.ndarray]:
        return self.named


class Moment:
    """What a session shows now, to be read in another thread while the game goes on."""

    def __init__(self, session: Any):
        self.lanes, self.pins = tuple(session.lanes), tuple(session.pins)
        self.selected, self.edits = session.selected, dict(session.edits)
        self._steps = {info.lane: session.last_step(info.lane) for info in self.lanes}
        self._histories = {info.lane: copy.deepcopy(session.history(info.lane)) for info in self.lanes}

    def last_step(self, lane: int) -> Any:
        return self._steps[lane]

    def history(self, lane: int) -> Any:
        return self._histories[lane]


class PanelExport(QtCore.QObject):
    """``save(name)`` asks for a place and writes ``NAME.png``, and beside it ``NAME.csv`` and ``NAME.npz`` where the
    panel has a table or arrays. Files of these names are replaced where the person agreed that the picture is; else all
    are ``NAME-2`` …"""

    def __init__(self, window):
        super().__init__(window)
        self._window = window

    def save(self, name: str) -> None:
        """Ask where to, and write."""
        agents = " ".join(info.title for info in self._window.session.lanes)
        path = ask_path(self._window, f"{self._window.panels[name].title} {agents}", (".png",))
        if path:  # of another name than they typed they were asked nothing
            self.write(name, Path(path).with_suffix(".png"), agreed=Path(path).suffix.lower() == ".png")

    def write(self, name: str, path: Path, agreed: bool = True) -> None:
        """The picture at ``path``, numbers beside it; ``capture.saved`` follows for each file. agreed: a picture that
        is there already may be replaced."""
        capture, panel = self._window.capture, self._window.panels[name]
        panel.settle()
        image, moment = picture(self._window.docks[name]), Moment(self._window.session)
        abouts = capture.about(f"A picture of the panel {panel.title}"), capture.about(f"The panel {panel.title}")
        capture.run(f"panel {time.monotonic_ns()}", partial(_written, name, moment, image, path, agreed, abouts))


def _written(name: str, moment: Moment, image: Any, path: Path, agreed: bool, abouts: tuple[dict, dict]) -> Iterator:
    """Write the files of one panel: their paths."""
    numbers = numbers_of(name, moment)
    endings = [ending for ending, there in ((".csv", numbers.rows), (".npz", numbers.named)) if there]
    if not (agreed and path.exists()):
        stems = itertools.chain([path.stem], (f"{path.stem}-{number}" for number in itertools.count(2)))
        path = next(path for stem in stems if not any(
            (path := path.with_name(stem + ending)).exists() for ending in (*endings, ".png")))  # fmt: skip
    yield from save_png(image, path, abouts[0])
    for ending in endings:
        yield export.write(numbers, path.with_suffix(ending), abouts[1])


def numbers_of(name: str, session: Any) -> Numbers:
    """What a panel shows now, in numbers; nothing for panels that save theirs by buttons of their own."""
    make, found = NUMBERS.get(name), Numbers([], {})
    for info in session.lanes if make else ():
        step = session.last_step(info.lane)
        if step is not None:
            rows, named = make(session, info, step)
            found.rows.extend({"agent": lane_letter(info.lane), **row} for row in rows)
            found.named.update({f"{lane_letter(info.lane)}_{key}": np.array(value) for key, value in named.items()})
    return found


def _number(value: Any) -> float:
    return float(f"{float(value):.{DECIMALS}g}")


def _game(session: Any, info: Any, step: Any) -> tuple[list, dict]:
    row = {"episode": step.episode, "step": step.index, "score": step.episode_return, "lives": step.lives,
           "action": info.action_names[step.decision.action], "reward": step.reward}  # fmt: skip
    saliency = {} if step.saliency is None else {"saliency": step.saliency}
    return [row], {"frame": step.frame, "ram": step.ram, **saliency}


def _observation(session: Any, info: Any, step: Any) -> tuple[list, dict]:
    return [], {"observation": step.observation} if step.observation.size else {}


def _actions(session: Any, info: Any, step: Any) -> tuple[list, dict]:
    decision = step.decision
    both = zip(info.action_names, decision.scores, decision.probabilities)
    rows = [{"action": name, decision.scores_kind: _number(score), "probability": _number(share),
             "chosen": place == decision.action} for place, (name, score, share) in enumerate(both)]  # fmt: skip
    value = {} if decision.value is None else {"value": np.array(decision.value)}
    return rows, {"scores": decision.scores, "probabilities": decision.probabilities, **value}


def _activations(session: Any, info: Any, step: Any) -> tuple[list, dict]:
    rows = []
    for layer, values in step.decision.activations.items():
        flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
        rows += [{"layer": layer, "unit": unit, "mean": _number(mean), "largest": _number(largest)}
                 for unit, (mean, largest) in enumerate(zip(flat.mean(0), flat.max(0)))]  # fmt: skip
    return rows, dict(step.decision.activations)


def _plots(session: Any, info: Any, step: Any) -> tuple[list, dict]:
    history = session.history(info.lane)
    columns = {name: history.column(name) for name in COLUMNS}
    columns |= {str(pin.unit): history.pinned(pin.unit) for pin in session.pins if pin.lane == info.lane}
    known = {name: values for name, values in columns.items() if not np.isnan(values).all()}
    rows = [dict(zip(known, map(_number, values))) for values in zip(*known.values())]
    return rows, {name.replace(":", "_"): values for name, values in known.items()}


def _unit(session: Any, info: Any, step: Any) -> tuple[list, dict]:
    if session.selected is None or session.selected[0] != info.lane:
        return [], {}
    unit = session.selected[1]
    values = np.asarray(step.decision.activations[unit.layer])[..., unit.index]
    gain, offset = session.edits.get((info.lane, unit), (1.0, 0.0))
    row = {"unit": str(unit), "mean": _number(values.mean()), "largest": _number(values.max()), "gain": gain,
           "offset": offset}  # fmt: skip
    return [row], {f"{unit.layer}_{unit.index}": values}


NUMBERS: Mapping[str, Callable[[Any, Any, Any], tuple[list, dict]]] = {
    "game": _game, "observation": _observation, "actions": _actions, "activations": _activations,
    "layer": _activations, "plots": _plots, "inspector": _unit,
}  # fmt: skip
"""Panel → its rows and arrays of one agent."""
