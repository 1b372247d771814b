"""Groups of units that become a layer of a running agent, and their names: the part of Session for it. QtCore only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

from pyqtgraph.Qt import QtCore

from zoo_gui.session_disturb import Disturbing


class Grouping(Disturbing):
    """See ``engine.regroup`` for what happens to the agent; the game goes on."""

    def __init__(self, parent: QtCore.QObject | None = None):
        super().__init__(parent)
        self._regroups = 0

    def add_groups(self, lane: int, groups: Any, name: str = "", unit_names: Sequence[str] = ()) -> str:
        """Make a result of ``groups`` a layer of a lane's agent, whose units they are from then on; returns the key of
        the job, whose Progress and failure come as of any. groups: with ``layer`` and ``directions``. name: of the new
        layer, by default ``conv3_groups``. unit_names: by default none."""
        key = self._regroup_key()
        self._send("add_groups", key=key, lane=lane, layer=groups.layer, directions=groups.directions, called=name,
                   unit_names=tuple(unit_names))  # fmt: skip
        return key

    def remove_groups(self, lane: int, layer: str) -> str:
        """Take a layer of groups away again; returns the key of the job."""
        key = self._regroup_key()
        self._send("remove_groups", key=key, lane=lane, layer=layer)
        return key

    def name_units(self, lane: int, layer: str, names: Sequence[str]) -> None:
        """Call a layer's units so, "" where a unit has no name."""
        info = self.lanes[lane]
        names = tuple(" ".join(name.split())[:60] for name in names)
        if info.layer(layer) is None or info.layer(layer).unit_names == names:
            return
        self._send("name_units", lane=lane, layer=layer, names=names)
        layers = tuple(replace(one, unit_names=names) if one.name == layer else one for one in info.layers)
        self.lanes = tuple(replace(one, layers=layers) if one is info else one for one in self.lanes)
        self.feed.infos = self.lanes
        self.lanes_changed.emit(self.lanes)

    def _regroup_key(self) -> str:
        self._regroups += 1
        return f"regroup {self._regroups}"

    def _on_prepared(self, key: str) -> None:
        self.feed.change("swap", key=key)

    def _on_swapped(self, epoch: int, tick: int, described: list) -> None:
        self.feed.follow(epoch, tick, described)
        self.lanes = tuple(info for info, _ in described)
        self._carry_over({info.lane: info.lane for info in self.lanes}, set())
        self.lanes_changed.emit(self.lanes)
