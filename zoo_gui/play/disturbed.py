"""A player that is disturbed: what it sees and does differs from what there is to see and what it chose."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from zoo_gui.play.disturbance import (
    MOST_LATENCY,
    Disturbance,
    Disturbed,
    drops,
    parameter_rng,
    scale_of,
    with_parameter_noise,
)
from zoo_gui.types import Decision

REST = Disturbance()


class Memory(NamedTuple):
    """What the next steps' disturbance depends on, of this episode. wanted: the last actions chosen, the newest last.
    previous: the last one done. shown: the last observation, undisturbed, and its step; kept while frames drop."""

    wanted: tuple[int, ...] = ()
    previous: int | None = None
    shown: tuple[np.ndarray, int] | None = None

    def after(self, action: int, disturbed: Disturbed | None, observation: np.ndarray | None) -> "Memory":
        """The memory after a step that did ``action`` upon an observation, as it was before it was disturbed."""
        wanted = action if disturbed is None else disturbed.wanted
        kept = disturbed is not None and disturbed.disturbance.frame_drop > 0
        return Memory((*self.wanted, wanted)[-MOST_LATENCY:], action, (observation, disturbed.index) if kept else None)


def remembered(memory: Memory, moments: Any, rows: range) -> Memory:
    """The memory after these rows of Moments, from that before them."""
    actions, index = moments.column("action"), moments.column("index")
    for row in rows:
        disturbed = moments.disturbed(row)
        seen = moments.undisturbed(row) if disturbed is not None and disturbed.disturbance.frame_drop else None
        memory = (memory if index[row] else Memory()).after(int(actions[row]), disturbed, seen)
    return memory


class Disturbable:
    """The part of Player that disturbs it. disturbed: what was done to the last step, None: nothing. undisturbed: what
    its observation was before that. wanted: the action that was decided, whatever was done."""

    agent: Any
    action_names: tuple[str, ...]
    seed: int
    _episode: int
    _index: int

    def _init_disturbance(self) -> None:
        self._disturbance, self._memory = REST, Memory()
        self.wanted = 0
        self._scale = scale_of(self.preprocessing)
        self._idle = self.action_names.index("NOOP") if "NOOP" in self.action_names else 0
        self._noisy: tuple[Any, tuple, Any] | None = None
        self.disturbed: Disturbed | None = None
        self.undisturbed: np.ndarray | None = None

    @property
    def disturbance(self) -> Disturbance:
        """What disturbs the player from the next step on. Setting it raises ZooError where it cannot be."""
        return self._disturbance

    @disturbance.setter
    def disturbance(self, wanted: Disturbance) -> None:
        before, self._disturbance = self._disturbance, wanted if wanted.on else REST
        try:
            self.deciding  # noqa: B018 — the noisy network is made now, not in the step
        except Exception:
            self._disturbance = before
            raise

    def lacks(self, wanted: Disturbance) -> bool:
        """Whether another network would have to be made first."""
        return bool(wanted.parameter_noise) and self.agent is not None and self._noise_key(wanted) != self._made_key

    def decider(self, wanted: Disturbance) -> Any:
        """The agent that would decide then, where nothing has to be made first."""
        return self._noisy[2] if wanted.parameter_noise and self.agent is not None else self.agent

    def noisy(self, wanted: Disturbance) -> tuple[Any, tuple, Any]:
        """That network, for ``lend``; may be made beside the game, in another thread. Raises ZooError."""
        agent, key = self.agent, self._noise_key(wanted)
        made = with_parameter_noise(agent, wanted.parameter_noise, parameter_rng(key[0]), wanted.parameter_layers)
        return agent, key, made

    def lend(self, noisy: tuple[Any, tuple, Any]) -> None:
        """Use a network that was made beside the game, where it is asked for."""
        self._noisy = noisy

    def _noise_key(self, wanted: Disturbance) -> tuple:
        return self.seed, wanted.parameter_noise, wanted.parameter_layers

    @property
    def _made_key(self) -> tuple | None:
        """What the noisy network at hand was made for."""
        return self._noisy[1] if self._noisy is not None and self._noisy[0] is self.agent else None

    @property
    def deciding(self) -> Any:
        """The agent that decides: ``agent``, or with noise on its parameters a copy of it, with the same edits."""
        agent, asked = self.agent, self._disturbance
        if not asked.parameter_noise or agent is None:
            return agent
        if self.lacks(asked):
            self._noisy = self.noisy(asked)
        noisy = self._noisy[2]
        if noisy.edits != agent.edits:
            noisy.clear_edits()
            for unit, edit in agent.edits.items():
                noisy.edit(unit, *edit)
        return noisy

    @property
    def memory(self) -> Memory:
        """What the next steps' disturbance depends on."""
        return self._memory

    def recollect(self, memory: Memory) -> None:
        """Go on with this memory of what was seen and done."""
        self._memory = memory

    def _disturbed_sight(self, observation: np.ndarray) -> np.ndarray:
        """What the agent sees of an observation; sets ``disturbed`` and ``undisturbed``."""
        self.disturbed, self.undisturbed = None, observation
        asked, index = self._disturbance, self._index
        if asked is REST:
            return observation
        shown = self._memory.shown
        if shown is not None and drops(asked, self.seed, self._episode, index):
            self.undisturbed, index = shown
        self.disturbed = Disturbed(asked, self.seed, self._episode, index, self._scale)
        return self.disturbed.seen(self.undisturbed) if observation.size else observation

    def _disturbed_action(self, decision: Decision, forced: int | None, watches: bool) -> Decision:
        """The decision with the action that is done. forced: done whatever was decided. watches: nothing is done."""
        self.wanted = wanted = action = decision.action
        if self.disturbed is not None:
            self.disturbed = self.disturbed._replace(wanted=wanted)
            if not watches:
                action = self._what_is_done(wanted)
        action = action if forced is None else forced
        self._memory = self._memory.after(action, self.disturbed, self.undisturbed)
        return decision if action == wanted else dataclasses.replace(decision, action=action)

    def _what_is_done(self, wanted: int) -> int:
        asked, memory = self._disturbance, self._memory
        late = (*memory.wanted, wanted)[-1 - asked.latency :]
        arrives = late[0] if len(late) > asked.latency else self._idle
        # drawn for this step, also where a frame drop shows an earlier one
        here = self.disturbed._replace(index=self._index)
        return here.done(len(self.action_names), memory.previous, arrives)
