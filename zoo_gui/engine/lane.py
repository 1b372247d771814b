"""One player inside the engine: an agent in its game, its shared memory, its pins and its recent snapshots."""

from __future__ import annotations

from collections import deque

from zoo_gui.engine.shared import MAX_PINS, SharedLane
from zoo_gui.play.games import title as game_title
from zoo_gui.play.player import Player
from zoo_gui.types import LaneInfo, Step, StepSummary, Unit

#: How many ticks back the engine can go: more than it ever runs ahead of the front end.
HISTORY = 16


class Lane:
    """A Player with what the engine keeps beside it. ``number`` counts the steps since the lane's last (re)start."""

    def __init__(self, agent_id: str, title: str, description: str, player: Player):
        self.agent_id, self.title, self.description, self.player = agent_id, title, description, player
        self.number = 0
        self.pins: tuple[Unit, ...] = ()
        self.shared: SharedLane | None = None
        self._snapshots: deque = deque(maxlen=HISTORY)

    def info(self, lane: int) -> LaneInfo:
        """What the panels need to know, for column ``lane``."""
        player, agent, spec = self.player, self.player.agent, self.player.preprocessing
        return LaneInfo(
            lane=lane, agent_id=self.agent_id, title=self.title, game=game_title(player.emulator.game),
            layers=agent.layers if agent else (), action_names=player.action_names,
            screen=tuple(player.emulator.screen_shape[:2]),
            observation_shape=agent.observation_shape if agent else (0, 0, 0),
            frame_skip=player.frame_skip, seed=player.seed, player=player.controller,
            scores_kind=agent.scores_kind if agent else "logits", has_value=agent.has_value if agent else False,
            description=self.description, observation_range=spec.observation_range,
            observation_dtype="float32" if spec.is_float else "uint8",
            frame_channels=3 if spec.color == "rgb" else 1,
            frame_box=player.pipeline.frame_box if player.pipeline else None,
        )

    def share(self, lane: int) -> SharedLane:
        """Make the shared memory that fits this lane; the front end frees it."""
        self.shared = SharedLane(self.info(lane))
        return self.shared

    def remember(self, tick: int) -> None:
        """Keep the state before the step of ``tick``, so that the engine can go back to it."""
        self._snapshots.append((tick, self.number, self.player.snapshot()))

    def rewind(self, tick: int) -> bool:
        """Restore the state before the step of ``tick``; False when it was not kept."""
        found = next((kept for kept in self._snapshots if kept[0] == tick), None)
        if found is None:
            return False
        self.number = found[1]
        self.player.restore(found[2])
        while self._snapshots and self._snapshots[-1][0] >= tick:
            self._snapshots.pop()
        return True

    def forget(self) -> None:
        """Drop the kept states: what comes next does not follow from them."""
        self._snapshots.clear()

    def step(self, all_frames: bool, saliency) -> tuple[Step, StepSummary]:
        """Advance the player by one agent step."""
        step = self.player.step(all_frames=all_frames, saliency=saliency if self._explains(saliency) else None)
        summary = self.player.summary(step, self.pins[:MAX_PINS])._replace(number=self.number)
        self.number += 1
        return step, summary

    def _explains(self, target: str | tuple | None) -> bool:
        """Whether this lane's network has what the saliency of all lanes asks for."""
        agent = self.player.agent
        if agent is None or target is None or target == "action":
            return agent is not None
        if target == "value":
            return agent.has_value
        layer = next((info for info in agent.layers if info.name == target[0]), None)
        return layer is not None and target[1] < layer.units
