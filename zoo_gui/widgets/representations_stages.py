"""Representations: how a run's layers became what they are, and its earlier stages beside its end."""

from __future__ import annotations

import math
from typing import Any

from pyqtgraph.Qt import QtCore, QtWidgets

from zoo_gui.naming import lane_letter
from zoo_gui.types import LaneInfo
from zoo_gui.widgets.controls import role
from zoo_gui.widgets.inks import lane_ink
from zoo_gui.widgets.representations_layers import MEASURES, MeasureTab
from zoo_gui.widgets.representations_map import Grid

REST = 400  # milliseconds that the slider rests before a stage is loaded: dragging passes over many
FINAL = "final"


def stages_of(entries: list, agent_id: str) -> list:
    """The catalogue's entries of an agent's run that are on this machine, in the order of its training."""
    mine = next((entry for entry in entries if entry.id == agent_id), None)
    if mine is None:
        return []
    run = (mine.source, mine.algorithm, mine.game, mine.run)
    return [entry for entry in entries
            if (entry.source, entry.algorithm, entry.game, entry.run) == run and entry.is_here]  # fmt: skip


def stage_words(entry: Any) -> str:
    """``1.5M · 1,500,000 frames · score −19.9``."""
    frames = "" if entry.frames is None else f" · after {entry.frames:,} frames"
    score = "" if entry.score is None else f" · score {entry.score:,.1f}".replace("-", "−")
    return f"{entry.tag or FINAL}{frames}{score}"


class StagesTab(MeasureTab):
    """Asks about the run of the pair's first agent that has several stages. The slider puts one of them beside it: into
    the lane that has another of them, else into a new one."""

    analysis, title, start_words = "training", "Stages", "Chart"
    start_tip = "Compare every layer at every stage of the training with the same layer at its end."
    hint = "Chart shows how far each layer is from its end at each stage of the training."

    def content(self) -> QtWidgets.QWidget:
        self.entries: list = []
        self.stages: list = []
        self._wished = ""
        self._pair: tuple[LaneInfo, ...] = ()
        self._lanes: tuple[LaneInfo, ...] = ()
        self.second: LaneInfo | None = None
        self.add_measure()
        self._rest = QtCore.QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(lambda: self._guard(self._load))
        self.column.addLayout(self._make_slider())
        found = self.make_map("Similarity of layers across stages", "puts that stage beside")
        found.chosen.connect(lambda row, column: self._guard(self._on_cell, column))
        return found

    def _make_slider(self) -> QtWidgets.QHBoxLayout:
        self.slider = QtWidgets.QSlider(QtCore.Qt.Horizontal)
        self.slider.setTickPosition(QtWidgets.QSlider.TicksBelow)
        self.slider.setPageStep(1)
        self.slider.setFocusPolicy(QtCore.Qt.StrongFocus)
        self.slider.setMinimumWidth(90)
        self.slider.setAccessibleName("Stage of the training")
        self.slider.setToolTip("Puts this stage of the run beside it, in a column of its own: all panels show both.")
        self.slider.valueChanged.connect(lambda _: self._guard(self._on_slider))
        self.stage = QtWidgets.QLabel()
        role(self.stage, "caption")
        self.stage.setWordWrap(True)
        row = QtWidgets.QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.slider, 2)
        row.addWidget(self.stage, 3)
        return row

    # -- which run ------------------------------------------------------------------------------------------------
    def set_entries(self, entries: list) -> None:
        """The catalogue was read."""
        self.entries = [entry for entry in entries if entry.is_here]
        self.set_infos(self._pair, self._lanes)

    def set_infos(self, infos, lanes) -> None:
        self._pair, self._lanes = infos, lanes
        able = [info for info in infos if len(stages_of(self.entries, info.agent_id)) > 1]
        chosen = (able or list(infos))[:1]
        ids = [entry.id for entry in stages_of(self.entries, chosen[0].agent_id)] if chosen else []
        self.second = next((info for info in lanes if info not in chosen and info.agent_id in ids), None)
        super().set_infos(tuple(chosen), lanes)
        self._show_stages()
        self.check_stale()

    def lane_of(self, infos):
        return infos[0].lane

    def fault(self) -> str:
        if not self.infos:
            return "An agent with a network is needed: open one."
        if not self.entries:
            return "Reading the catalogue …"
        if len(self.stages) < 2:
            whose = " and ".join(info.title for info in self._pair)
            return f"{whose}: no other stages of the training are here.{self._elsewhere()}"
        return ""

    def _elsewhere(self) -> str:
        """Which runs have stages."""
        runs = [entry for entry in self.entries if not entry.tag and len(stages_of(self.entries, entry.id)) > 1]
        ids = sorted((entry.id for entry in runs), key=lambda id: f"/{self._game}/" not in id)
        return f" Of {', '.join(ids[:4])} there are: open one." if ids else ""

    @property
    def _game(self) -> str:
        mine = next((entry for entry in self.entries if self.infos and entry.id == self.infos[0].agent_id), None)
        return mine.game if mine is not None else ""

    def _show_stages(self) -> None:
        """The slider has the run's stages, and stands where the second lane is."""
        found = stages_of(self.entries, self.infos[0].agent_id) if self.infos else []
        self.stages = found if len(found) > 1 else []
        for widget in (self.slider, self.stage):
            widget.setVisible(bool(self.stages))
        if not self.stages:
            return
        ids = [entry.id for entry in self.stages]
        beside = self.second.agent_id if self.second is not None else ""
        if beside == self._wished or self._wished not in ids:
            self._wished = ""
            self.slider.blockSignals(True)
            self.slider.setRange(0, len(ids) - 1)
            self.slider.setValue(ids.index(beside) if beside in ids else ids.index(self.infos[0].agent_id))
            self.slider.blockSignals(False)
        self._say_stage()

    def _say_stage(self) -> None:
        entry = self.stages[self.slider.value()]
        letter = lane_letter(self.second.lane) if self.second is not None else ""
        if self._wished:
            state = "loading: "
        else:
            state = f"{letter} is " if self.second is not None and self.second.agent_id == entry.id else ""
        self.stage.setText(f"{state}{stage_words(entry)}")

    # -- going to a stage -----------------------------------------------------------------------------------------
    def _on_slider(self) -> None:
        if self.stages:
            self._wished = self.stages[self.slider.value()].id
            self._say_stage()
            self._rest.start(REST)

    def _on_cell(self, column: int) -> None:
        if not self._gone and column < len(self.stages):
            self.slider.setValue(column)

    def _load(self) -> None:
        """The slider rests: load the stage beside the run, once what is being loaded is there."""
        if not self._wished or not self.infos:
            return
        if self.session.loading:
            self._rest.start(REST)
            return
        if self.second is None:
            self.session.add_agent(self._wished)
        elif self.second.agent_id != self._wished:
            self.session.load(self._wished, self.second.lane, seed=self.infos[0].seed)
        else:
            self._wished = ""
            self._say_stage()

    def load_failed(self) -> None:
        """Nothing is being loaded any more: the slider stands where the lane is."""
        if self._wished and not self._rest.isActive() and not self.session.loading:
            self._wished = ""
            self._show_stages()

    # -- the chart ------------------------------------------------------------------------------------------------
    def show_result(self) -> None:
        found, info = self.result, self.of[0]
        columns = tuple(tag if math.isnan(score) else f"{tag}\n{score:,.1f}".replace("-", "−")
                        for tag, score in zip(found.tags, found.scores))  # fmt: skip
        self.map.show_grid(Grid(
            found.layers, columns, found.values.T, found.chance.T, found.chance_95.T, found.p_value.T,
            f"{lane_letter(info.lane)}  {found.title}", f"stage and its score; each beside {found.tags[-1]}",
            lane_ink(info.lane), "", MEASURES[found.method],
        ))  # fmt: skip
