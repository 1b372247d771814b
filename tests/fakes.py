"""Stand-ins for panel tests: a session that records calls, and lanes and steps with the shapes of real agents.

The data are random but shaped and scaled as real networks give them; they are test inputs and nothing else.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np
from pyqtgraph.Qt import QtCore

from zoo_gui.analysis.methods import METHODS, Method, why_not
from zoo_gui.history import History
from zoo_gui.play.cover import Cover
from zoo_gui.session_compare import Counterparts
from zoo_gui.types import Decision, LaneInfo, LayerInfo, ReceptiveField, Step, StepSummary, Unit

Pin = namedtuple("Pin", "lane unit")

VIEW = {
    "colormap": "viridis", "signed_colormap": "CET-D1", "gamma": 1.0, "contrast": "layer", "scale": "running",
    "labels": True, "saliency_opacity": 0.6, "saliency_frames": "sum", "saliency_signs": True, "boost": 0.0,
    "enlarged": None,
}

BREAKOUT = ("NOOP", "FIRE", "RIGHT", "LEFT")
NATURE = (
    LayerInfo("conv1", (20, 20, 32), "conv", False, ReceptiveField((8, 8), (4, 4), (0, 0))),
    LayerInfo("conv2", (9, 9, 64), "conv", False, ReceptiveField((20, 20), (8, 8), (0, 0))),
    LayerInfo("conv3", (7, 7, 64), "conv", False, ReceptiveField((36, 36), (8, 8), (0, 0))),
    LayerInfo("fc", (512,), "dense"),
    LayerInfo("logits", (4,), "logits", True),
    LayerInfo("value", (1,), "value", True),
)
SMALL = (
    LayerInfo("conv1", (21, 21, 16), "conv", False, ReceptiveField((8, 8), (4, 4), (-2, -2))),
    LayerInfo("conv2", (10, 10, 16), "conv", False, ReceptiveField((20, 20), (8, 8), (-6, -6))),
    LayerInfo("fc", (128,), "dense"),
    LayerInfo("q", (4,), "q", True),
)
NETWORKS = {"nature": NATURE, "small": SMALL, None: ()}


class FakeSession(QtCore.QObject):
    """The session's signals, methods and attributes; every method call is kept in ``calls`` as (name, args)."""

    lanes_changed = QtCore.Signal(object)
    stepped = QtCore.Signal(int, object, object)
    frame_shown = QtCore.Signal(int, object)
    unit_selected = QtCore.Signal(int, object)
    progressed = QtCore.Signal(str, object)
    finished = QtCore.Signal(str)
    failed = QtCore.Signal(str, str)
    message = QtCore.Signal(str, str)
    status_changed = QtCore.Signal(object)
    pins_changed = QtCore.Signal(object)
    running_changed = QtCore.Signal(bool)
    stale_changed = QtCore.Signal(bool)
    view_changed = QtCore.Signal(object)
    hovered = QtCore.Signal(str)
    attributed = QtCore.Signal(int, object)
    rewound = QtCore.Signal()
    saliency_changed = QtCore.Signal(object)
    saliency_method_changed = QtCore.Signal(str)
    cover_changed = QtCore.Signal(int, object)
    region_changed = QtCore.Signal(object)
    counterparts_changed = QtCore.Signal()
    loading_changed = QtCore.Signal(object)

    def __init__(self, lanes: tuple[LaneInfo, ...] = ()):
        super().__init__()
        self.lanes = tuple(lanes)
        self.selected: tuple[int, Unit] | None = None
        self.running, self.speed, self.saliency, self.saliency_method = False, 1.0, None, "gradient"
        self.covers: dict[int, Cover] = {}
        self.edits, self.disturbances, self.status = {}, {}, {}
        self.region: tuple[int, tuple[int, int, int, int]] | None = None
        self.pins: list[Pin] = []
        self.view = dict(VIEW)
        self.calls: list[tuple[str, tuple]] = []
        self.loading: dict[str, str] = {}
        self.input, self.driver = "own", None
        self._counterparts = Counterparts()
        self._last: dict[int, Step] = {}
        self._history: dict[int, History] = {}

    # -- what tests drive ---------------------------------------------------------------------------------------
    def set_lanes(self, *lanes: LaneInfo) -> None:
        self.lanes = tuple(lanes)
        self._last.clear()
        self._history.clear()
        self.lanes_changed.emit(self.lanes)

    def give_step(self, lane: int, step: Step, count: int = 1) -> None:
        """A step arrives: history, ``stepped`` with ``count`` summaries, then its frame."""
        history = self.history(lane)
        pins = tuple(pin.unit for pin in self.pins if pin.lane == lane)
        start = len(history)
        summaries = [fake_summary(step, start + i, pins) for i in range(count)]
        history.append(summaries, pins)
        self._last[lane] = step
        self.stepped.emit(lane, step, summaries)
        self.frame_shown.emit(lane, step.frame)

    def called(self, name: str) -> list[tuple]:
        """The arguments of every call of one method."""
        return [args for method, args in self.calls if method == name]

    # -- the session's interface ----------------------------------------------------------------------------------
    def last_step(self, lane: int) -> Step | None:
        return self._last.get(lane)

    def history(self, lane: int) -> History:
        return self._history.setdefault(lane, History(2000))

    def select(self, lane: int, unit: Unit | None) -> None:
        self.calls.append(("select", (lane, unit)))
        self.selected = None if unit is None else (lane, unit)
        self.unit_selected.emit(lane, unit)

    def load_ahead(self, wanted) -> None:
        self.calls.append(("load_ahead", (wanted,)))

    def set_view(self, **changes) -> None:
        self.calls.append(("set_view", (changes,)))
        self.view.update(changes)
        self.view_changed.emit(dict(self.view))

    def set_saliency(self, target, method=None, **options) -> None:
        self.calls.append(("set_saliency", (target, method) if method else (target,)))
        self.saliency, self.saliency_method = target, method or self.saliency_method
        self.saliency_method_changed.emit(self.saliency_method)
        self.saliency_changed.emit(target)

    def saliency_methods(self) -> tuple[Method, ...]:
        return tuple(METHODS.values())

    def saliency_fault(self, lane: int, target: str, method: str) -> str:
        unit = str(self.selected[1]) if self.selected is not None else "action"
        return why_not(method, unit if target == "unit" else target, self.lanes[lane])

    def set_cover(self, lane: int, box, fill: str = "mean") -> None:
        self.calls.append(("set_cover", (lane, box, fill)))
        self.covers.pop(lane, None)
        if box is not None:
            self.covers[lane] = Cover(tuple(box), fill)
        self.cover_changed.emit(lane, self.covers.get(lane))

    def choose_region(self, lane: int, box) -> None:
        self.calls.append(("choose_region", (lane, box)))
        self.region = None if box is None else (lane, tuple(box))
        self.region_changed.emit(self.region)

    def hover(self, text: str) -> None:
        self.calls.append(("hover", (text,)))
        self.hovered.emit(text)

    def pin(self, lane: int, unit: Unit) -> None:
        self.calls.append(("pin", (lane, unit)))
        self.pins.append(Pin(lane, unit))
        self.pins_changed.emit(list(self.pins))

    def unpin(self, lane: int, unit: Unit) -> None:
        self.calls.append(("unpin", (lane, unit)))
        self.pins = [pin for pin in self.pins if pin != Pin(lane, unit)]
        self.pins_changed.emit(list(self.pins))

    def run(self, key: str, analysis: str, lane: int, **params) -> None:
        self.calls.append(("run", (key, analysis, lane, params)))

    def replay(self, lane: int, source="session") -> str:
        self.calls.append(("replay", (lane, source)))
        return "replay 1"

    def run_together(self, key: str, analysis: str, lanes: tuple[int, ...], **params) -> None:
        self.calls.append(("run_together", (key, analysis, lanes, params)))

    def set_counterparts(self, lanes, matching, one_to_one=False) -> None:
        self._counterparts.keep(lanes, matching, one_to_one)
        self.counterparts_changed.emit()

    def counterparts_of(self, lane: int, unit: Unit):
        return self._counterparts.of(lane, unit)

    def add_groups(self, lane: int, groups, name: str = "", unit_names=()) -> str:
        self.calls.append(("add_groups", (lane, groups, name, tuple(unit_names))))
        return "regroup 1"

    def remove_groups(self, lane: int, layer: str) -> str:
        self.calls.append(("remove_groups", (lane, layer)))
        return "regroup 2"

    def name_units(self, lane: int, layer: str, names) -> None:
        self.calls.append(("name_units", (lane, layer, tuple(names))))

    def _record(name):
        def method(self, *args, **keywords):
            self.calls.append((name, args + ((keywords,) if keywords else ())))
        method.__name__ = name
        return method

    for _name in ("load", "add_agent", "remove_lane", "play", "pause", "toggle", "step_once", "restart", "next_episode",
                  "seek", "share", "own_games", "set_speed", "set_player", "set_human_action", "cancel", "edit",
                  "close"):
        locals()[_name] = _record(_name)
    del _name, _record


def fake_lane(lane: int = 0, network: str | None = "nature", *, game: str = "Breakout", screen=(210, 160),
              observation=(84, 84, 4), layers: tuple[LayerInfo, ...] | None = None) -> LaneInfo:
    """A lane with the Nature network, the small SAME-padded one with Q-values, or none (``network=None``)."""
    layers = NETWORKS[network] if layers is None else layers
    return LaneInfo(
        lane=lane, agent_id=f"{network or 'random'}/{game}/1",
        title=f"{(network or 'random').title()} · {game} · run 1", game=game, layers=layers,
        action_names=BREAKOUT, screen=screen,
        observation_shape=observation if layers else (0, 0, 0), frame_skip=4, seed=7,
        meanings=BREAKOUT, player="agent" if layers else "random", scores_kind="q" if network == "small" else "logits",
        has_value=any(info.kind == "value" for info in layers), description="An agent of the tests.",
    )


def fake_decision(info: LaneInfo, rng: np.random.Generator) -> Decision:
    """Random activations of the lane's shapes: about half of the rectified ones are zero, as in trained networks."""
    activations = {}
    for layer in info.layers:
        values = rng.normal(0.0, 1.0, layer.shape).astype(np.float32)
        activations[layer.name] = values if layer.signed else np.maximum(values, 0)
    if not info.layers:
        return Decision(action=int(rng.integers(len(info.action_names))))
    scores = activations.get("q", activations.get("logits", np.zeros(0, np.float32)))
    value = float(activations["value"][0]) if "value" in activations else (float(scores.max()) if scores.size else None)
    flat = np.concatenate([array.ravel() for array in activations.values()])
    action = int(scores.argmax()) if scores.size else 0
    return Decision(action, scores, info.scores_kind, value, activations, flat)


def fake_step(info: LaneInfo, seed: int = 0, *, index: int = 0, saliency: bool = False, **changes) -> Step:
    """A step of the lane; ``changes`` replace fields of the record (reward, lives, decision …)."""
    rng = np.random.default_rng([seed, info.lane])
    height, width = info.screen
    frame = rng.integers(0, 256, (height, width, 3), np.uint8)
    observation = rng.integers(0, 256, info.observation_shape, np.uint8)
    fields = dict(
        player=info.player, episode=0, index=index, frame=frame, frames=frame[None], observation=observation,
        ram=rng.integers(0, 256, 128, np.uint8), decision=fake_decision(info, rng),
        reward=1.0 if index % 7 == 0 else 0.0, episode_return=float(index // 7), lives=5,
        terminated=False, truncated=False,
        saliency=rng.normal(0, 1, info.observation_shape).astype(np.float32) if saliency and info.layers else None,
    )
    return Step(**{**fields, **changes})


def fake_summary(step: Step, number: int = 0, pins: tuple[Unit, ...] = ()) -> StepSummary:
    """The numbers of a step as the engine would send them."""
    decision = step.decision
    pinned = tuple(float(decision.activations[unit.layer][..., unit.index].max()) for unit in pins)
    return StepSummary(
        number, step.episode, step.index + number, decision.action, step.reward, step.episode_return,
        float("nan") if decision.value is None else decision.value,
        float(decision.scores.max()) if decision.scores.size else float("nan"),
        decision.entropy, step.lives, step.done, 0.9, moment=step.moment, pinned=pinned,
    )


def put_up(qtbot, panel, size):
    """Show a panel in that size, (width, height)."""
    qtbot.addWidget(panel)  # holds it weakly: a panel without a parent lives as long as its last reference
    panel.session.__dict__.setdefault("panels", []).append(panel)
    panel.resize(*size)
    panel.show()
    qtbot.waitExposed(panel)
