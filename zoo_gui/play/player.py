"""Playing as a generator of Steps: an agent, chance or a person at the joystick of one emulator.

Frame skip, sticky actions, no-ops and FIRE at reset are done here with our own random numbers, so that the same seed
gives the same episode bit for bit in any process, and a snapshot replays exactly.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any, Callable, Iterator

import numpy as np

from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play.cover import Cover, covered
from zoo_gui.play.disturbed import Disturbable, Memory
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.frame_skips import frame_skips
from zoo_gui.play.played import BEGIN, DROP, LOOK, PUSH, RESET, Played
from zoo_gui.play.preprocessing import Pipeline
from zoo_gui.play.snapshots import Restorable, Snapshot
from zoo_gui.play.watching import Watching
from zoo_gui.registry import unknown
from zoo_gui.types import Decision, Step, StepSummary, Unit, ZooError, read_only

__all__ = ["CONTROLLERS", "Player", "Snapshot", "play"]

CONTROLLERS = ("agent", "random", "human")
OPENINGS = ("vector-env", "noops", "envpool")
Explain = Callable[[np.ndarray, np.ndarray, Decision], "np.ndarray | None"]
"""(observation (h, w, C), recurrent state before it (S,), decision) → a map of the observation, read-only, or None."""
EMPTY = read_only(np.zeros((0, 0, 0), np.uint8))
NO_FRAMES = read_only(np.zeros((1, 0, 0, 3), np.uint8))
EMPTY_STATE = read_only(np.zeros(0, np.float32))
"""The recurrent state of a network without memory."""
NOOP = 0


class Player(Watching, Disturbable, Restorable):
    """One player in one game.

    controller: who acts, ``agent``, ``random`` or ``human``; may be set between steps. human_action: the person's
    joystick, an index into ``action_names``. action_names: the agent's, or without one those that the game uses; an
    agent's actions mean the same in every game. inference_ms: how long the network took last, nan before.
    screen_codes, state_before: of the last step, its screen as (H, W) colour numbers and the memory before it.
    played: of the last step, for players that watch. cover: a part of the observation that the agent does not see,
    None: it sees all; may be set between steps, as ``disturbance`` may.
    frame_skip, sticky, seed: as in use; of a frame skip that is drawn for each action, frame_skip is the most.
    """

    def __init__(
        self,
        emulator: Emulator,
        agent=None,
        *,
        preprocessing: PreprocessingSpec | None = None,
        seed: int = 0,
        frame_skip: int | None = None,
        sticky: float | None = None,
        controller: str | None = None,
    ):
        """agent: an Agent, or None for chance or a person. preprocessing: by default the agent's.

        frame_skip, sticky: by default those of the preprocessing; sticky is the probability, at each emulator frame,
        that the previous action is repeated instead (Machado et al. 2018, "Revisiting the Arcade Learning
        Environment"). controller: by default the agent, or random without one. Raises ZooError.
        """
        spec = preprocessing or (agent.card.preprocessing if agent is not None else PreprocessingSpec())
        self.emulator, self.agent, self.preprocessing = emulator, agent, spec
        self.frame_skip, self._skips = frame_skips(spec, frame_skip)
        self.sticky = spec.sticky if sticky is None else sticky
        if self.frame_skip < 1 or not 0.0 <= self.sticky < 1.0:
            raise ZooError(
                f"Frame skip {self.frame_skip} with sticky actions {self.sticky} cannot be played: frame skip must be "
                "1 or more, sticky actions at least 0 and below 1."
            )
        if spec.opening not in OPENINGS:
            raise unknown("opening", spec.opening, OPENINGS)
        self.action_names: tuple[str, ...] = agent.action_names if agent is not None else emulator.minimal_actions
        self._codes = [emulator.code(name) for name in self.action_names]
        self._reset_codes = emulator.codes(spec.reset_actions)
        self._life_codes = None if spec.life_actions is None else emulator.codes(spec.life_actions)
        self._fires = spec.fire_on_reset and "FIRE" in emulator.minimal_actions
        self.pipeline = Pipeline(spec, (emulator.height, emulator.width)) if agent is not None else None
        self._first_state: np.ndarray = getattr(agent, "initial_state", EMPTY_STATE)
        self.controller = controller or ("agent" if agent is not None else "random")
        self.human_action = 0
        self.cover: Cover | None = None
        self.inference_ms = math.nan
        self.played: Played | None = None
        self._init_watching()
        self._init_disturbance()
        self.screen_codes: np.ndarray | None = None
        self.state_before = self._first_state
        self.steps = 0
        self.restart(seed)

    @property
    def place(self) -> tuple[int, int]:
        """(episode, agent steps in it so far)."""
        return self._episode, self._index

    @property
    def controller(self) -> str:
        """``agent``, ``random`` or ``human``. Setting another raises ZooError, also ``agent`` without an agent."""
        return self._controller

    @controller.setter
    def controller(self, name: str) -> None:
        if name not in CONTROLLERS:
            raise ZooError(f"“{name}” cannot play: choose {', '.join(CONTROLLERS)}.")
        if name == "agent" and self.agent is None:
            raise ZooError("There is no agent here to play: choose random or human, or load an agent.")
        self._controller = name

    def restart(self, seed: int | None = None) -> None:
        """Begin episode 0 of ``seed``, by default of the same seed again."""
        self.seed = self.seed if seed is None else _valid_seed(seed)
        self.begin(0)

    def next_episode(self) -> None:
        """Leave this episode and begin the next one."""
        self.begin(self._episode + 1)

    def step(
        self,
        all_frames: bool = False,
        saliency: "Unit | str | Explain | None" = None,
        forced: int | None = None,
        follow: Played | None = None,
        pictures: bool = True,
        coloured: bool = True,
    ) -> Step:
        """Look, decide, act for ``frame_skip`` frames; after a done step, begin the next episode first.

        all_frames: give every emulator frame of the step in ``Step.frames``; where the step is shorter, or the game
        ends within it, its last frame is repeated; what ``life_actions`` play is not among them. saliency: what to
        explain by the gradient, a Unit, ``"action"`` (the one taken) or ``"value"``; or a function that explains.
        forced: the action to take whatever is decided, an index into ``action_names``; all random numbers are drawn as
        without it, so that a recorded stretch replays. follow: watch: decide, but go where that step went, of a player
        in the same game that stood where this one stands (``stand_with``); reward and end are that step's. pictures:
        give the screen; where only the score counts, ``frame`` and ``screen_codes`` can be empty, which costs less.
        coloured: else only ``screen_codes``, of which ``emulator.palette`` has the colours.
        """
        if follow is not None:
            self._watch(follow)
            self._relive_opening(follow)
        else:
            self._see_alone()
            if self._done:
                self.next_episode()
        skip = self.frame_skip if follow is None else follow.skips[1]
        frames, self.screen_codes = NO_FRAMES, None
        if pictures:
            self.screen_codes = self.emulator.screen_codes()
        if pictures and coloured:
            frames = np.empty((skip if all_frames else 1, *self.emulator.screen_shape), np.uint8)
            self.emulator.screen_rgb(frames[0])
        observation = self._disturbed_sight(self._seen())
        before = {"episode": self._episode, "index": self._index, "episode_return": self._return}
        ram, lives = read_only(self.emulator.ram(np.empty(128, np.uint8))), self.emulator.lives
        self.state_before = state = self._state
        decision = self._disturbed_action(self._decide(observation), forced, watches=follow is not None)
        explained = self._explain(observation, saliency, decision, state)
        reward = self._go(self._codes[decision.action], frames, follow)
        read_only(frames)
        return Step(
            player=self.controller, frame=frames[0], frames=frames, observation=observation, ram=ram, decision=decision,
            reward=reward, lives=lives, terminated=self.played.terminated, truncated=self.played.truncated,
            saliency=explained,
            edited=bool(self.disturbed or self.agent is not None and (self.agent.edits or self.cover)), **before,
        )  # fmt: skip

    def _go(self, code: int, frames: np.ndarray, follow: Played | None) -> float:
        """Act for one step, or go where another player's step went; the reward. Sets ``played``, counts the step."""
        opening, self._journal = bytes(self._journal), bytearray()
        if follow is not None:
            self.played = follow
            reward = float(self._relive(follow.advance, frames, self._life_codes is not None))
        else:
            reward, terminated = self._advance(code, frames)
            truncated = not terminated and self.emulator.frame_number >= self.preprocessing.max_episode_frames
            self.played = Played(opening, bytes(self._journal), terminated, truncated, self._episode, self._skips)
        self._journal.clear()
        self._done = self.played.terminated or self.played.truncated
        self._index += 1
        self._return += reward
        self.steps += 1
        return reward

    def summary(self, step: Step, pinned: tuple[Unit, ...] = ()) -> StepSummary:
        """The numbers of the newest step, for plots; ``number`` counts this player's steps from 0."""
        decision = step.decision
        return StepSummary(
            number=self.steps - 1, episode=step.episode, index=step.index, action=decision.action, reward=step.reward,
            episode_return=step.episode_return, value=math.nan if decision.value is None else decision.value,
            best_score=float(decision.scores.max()) if decision.scores.size else math.nan, entropy=decision.entropy,
            lives=step.lives, done=step.done, inference_ms=self.inference_ms,
            pinned=tuple(float(decision.activations[unit.layer][..., unit.index].max()) for unit in pinned),
        )  # fmt: skip

    def begin(self, episode: int) -> None:
        """Reset the game and start episode ``episode`` with its own random numbers."""
        self._episode, self._index, self._return, self._done = episode, 0, 0.0, False
        self._reseed()
        self._journal.clear()
        self._phases = None
        self._previous, self._state = NOOP, self._first_state
        self._start()
        for number, code in enumerate(self._reset_codes, 1):
            self._end_action(DROP)
            _, ended = self._play(code)
            if ended:
                self._start()
            elif number == len(self._reset_codes):
                self._end_action(BEGIN)

    def _reseed(self) -> None:
        """The episode's own random numbers, from their beginning."""
        streams = np.random.SeedSequence([self.seed, self._episode]).spawn(_STREAMS)
        self._rngs = [np.random.default_rng(stream) for stream in streams]
        self.recollect(Memory())

    def _start(self) -> None:
        """A new game, after the frames that come before the agent's first step or the reset actions."""
        self._reset()
        count = self._noops()
        fires_last = self._fires and self.preprocessing.opening == "envpool"
        if self._fires and self.preprocessing.opening == "vector-env":
            self._act(self.emulator.code("FIRE"))
        for _ in range(count):
            self._act(NOOP)
            if self.emulator.game_over:
                self._reset()
        if fires_last:
            self._act(self.emulator.code("FIRE"))
        self._journal.append(LOOK)
        if self.pipeline:
            self.pipeline.reset(self.emulator)

    def _reset(self) -> None:
        self._journal.append(RESET)
        self.emulator.reset()

    def _end_action(self, mark: int) -> None:
        """End an action, for the pipeline and for those who watch."""
        self._journal.append(mark)
        if self.pipeline:
            {PUSH: self.pipeline.push, BEGIN: self.pipeline.begin, DROP: self.pipeline.drop}[mark]()

    def _noops(self) -> int:
        """How many no-op frames this game opens with, distributed as in the original that ``opening`` names."""
        most, opening = self.preprocessing.noop_max, self.preprocessing.opening
        if opening == "noops":
            return int(self._rngs[_NOOPS].integers(1, most + 1)) if most else 0
        count = int(self._rngs[_NOOPS].integers(most)) if most else 0
        if opening == "envpool":
            return count if self._fires or not most else count + 1
        return count - 1 if self._fires else count  # FIRE takes the place of one; range() has none for −1

    def _act(self, code: int) -> int:
        """One emulator frame, in which the previous action may stick."""
        if self.sticky and self._rngs[_STICKY].random() < self.sticky:
            code = self._previous
        self._previous = code
        self._journal.append(code)
        return self.emulator.act(code)

    def _advance(self, code: int, frames: np.ndarray) -> tuple[float, bool]:
        """Act for one step, answer a lost life where the spec says so, and push the new observation.

        frames: see ``_play``. Returns the reward and whether the episode is over; then no observation follows.
        """
        lives = self.emulator.lives
        reward, ended = self._play(code, frames)
        if ended:
            return float(reward), True
        # some games (Q*bert) show no life left for a few frames before they are over: that is no life lost yet
        if self._life_codes is not None and 0 < self.emulator.lives < lives:
            earned, ended = self._revive()
            return float(reward + earned), ended
        self._end_action(PUSH)
        return float(reward), False

    def _revive(self) -> tuple[int, bool]:
        """Press ``life_actions`` and start stack and memory anew; the reward, and whether the game is over."""
        total = 0
        for code in self._life_codes:
            self._end_action(DROP)
            reward, ended = self._play(code)
            total += reward
            if ended:
                return total, True
        self._end_action(BEGIN)
        self._state = self._first_state
        return total, False

    def _play(self, code: int, frames: np.ndarray = EMPTY) -> tuple[int, bool]:
        """Act for the emulator frames of one step, and have the pipeline grab the last of them.

        frames: (S, H, W, 3), of which the first is filled: those in between are filled in, the last repeated where the
        step is shorter. Returns the reward and whether the episode is over.
        """
        emulator, lives, reward, ended = self.emulator, self.emulator.lives, 0, False
        skip = self._skips[0]
        if self._skips[1] > skip:
            skip = int(self._rngs[_SKIP].integers(skip, self._skips[1] + 1))
        grab_from = skip - self.preprocessing.max_last if self.pipeline else skip
        filled, last = 0, min(skip, len(frames)) - 1
        for played in range(1, skip + 1):
            reward += self._act(code)
            if filled < last:
                filled = played
                emulator.screen_rgb(frames[filled])
            if emulator.game_over or (self.preprocessing.terminal_on_life_loss and emulator.lives < lives):
                ended = True
                break
            if played > grab_from:
                self.pipeline.grab(emulator)
        if filled + 1 < len(frames):
            frames[filled + 1 :] = frames[filled]
        return reward, ended

    def _decide(self, observation: np.ndarray) -> Decision:
        decision = Decision(0)
        if self.agent is not None:
            start = time.perf_counter()
            memory = (self._state,) if self._state.size else ()
            decision = self.deciding.decide(observation, self._rngs[_ACTION], *memory)
            self.inference_ms = (time.perf_counter() - start) * 1e3
            if memory:
                self._state = decision.state
        if self._controller == "agent":
            return decision
        chance = int(self._rngs[_RANDOM].integers(len(self.action_names)))
        action = chance if self._controller == "random" else min(max(self.human_action, 0), len(self.action_names) - 1)
        return dataclasses.replace(decision, action=action)

    def _seen(self) -> np.ndarray:
        """What the agent sees of its next observation."""
        if self.pipeline is None:
            return EMPTY
        observation = (self._phases or self.pipeline).observation
        if self.cover is None:
            return observation
        return read_only(covered(observation, self.cover, self.preprocessing.observation_range[0]))

    def _explain(
        self, observation: np.ndarray, target: "Unit | str | Explain | None", decision: Decision, state: np.ndarray
    ) -> np.ndarray | None:
        """What explains this decision, made at an observation and with the recurrent state before it."""
        if target is None or self.agent is None:
            return None
        if callable(target):
            return target(observation, state, decision)
        memory = {"state": state} if state.size else {}
        action = decision.action if target == "action" else None
        return read_only(self.deciding.gradients(observation, target, action=action, **memory))


# Streams of random numbers of an episode: a new one comes last, so that the others stay what they were.
_NOOPS, _STICKY, _ACTION, _RANDOM, _SKIP = range(5)
_STREAMS = 5


def play(
    agent=None,
    game: str | None = None,
    *,
    seed: int = 0,
    episodes: int | None = None,
    steps: int | None = None,
    all_frames: bool = False,
    **settings: Any,
) -> Iterator[Step]:
    """Play without a window; ends after ``episodes`` or ``steps``, whichever is first, else never.

    game: by default the agent's. Episode e is what ``seed + e`` plays first, so each can be played again alone.
    settings: of the Player (sticky, frame_skip, controller, preprocessing). Raises ZooError.
    """
    if agent is None and game is None:
        raise ZooError("Name a game to play, or an agent.")
    player = Player(Emulator(game or agent.card.game), agent, seed=seed, **settings)
    taken = episode = 0
    while (episodes is None or episode < episodes) and (steps is None or taken < steps):
        step = player.step(all_frames)
        taken += 1
        yield dataclasses.replace(step, episode=episode) if episode else step
        if step.done:
            episode += 1
            player.restart(seed + episode)


def _valid_seed(seed: int) -> int:
    if seed < 0:
        raise ZooError(f"The seed is {seed}: give a whole number from 0.")
    return int(seed)
