"""Rollouts: an agent plays while everything that it saw and did is recorded, undisturbed or under noise.

Such et al. 2019, "An Atari Model Zoo for Analyzing, Visualizing, and Comparing Deep Reinforcement Learning Agents"
(section 4.2, S1.2), published one of 2,501 steps for each agent. The rules are theirs; the random numbers are seeded.
``rollout_files`` writes and reads them, ``rollout_cache`` keeps them.
"""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.agents.network_spec import RECURRENT, NetworkSpec
from zoo_gui.play.disturbance import NOISE, done_instead, scale_of, with_noise, with_parameter_noise
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.play.rollout_record import WHOLE, Record
from zoo_gui.types import Decision, LayerInfo, Progress, ZooError

FRAMES = 2500
"""The zoo's: max_frames and min_frames. The loop runs while the count is at most min_frames, hence 2,501 rows."""
REPORT_EVERY = 0.1  # seconds
ZOO_KEYS = (*WHOLE, "score", "ep_rewards")
"""The arrays of the zoo's files."""


@dataclass(frozen=True)
class Recipe:
    """What a rollout depends on besides its agent.

    Playing ends once ``episodes`` are over and the steps are more than ``min_frames``; at ``max_frames`` the episode is
    cut. With both 2500 these are 2,501 steps, the last one a new episode's first. max_frames None: as many as can be
    recorded. All counts are agent steps.

    action_noise: probability that an action is replaced by one drawn uniformly. sticky: probability, after that, that
    the action before is repeated instead (once per agent step; the Player's own sticky actions, once per emulator
    frame, are off). observation_noise: standard deviation of normal noise on the input in 0–1 units, drawn anew at each
    step, not clipped, and recorded. parameter_noise: standard deviation of normal noise on the kernels of the
    convolutions, drawn once. streamline: record scores and rewards only. game: another than the agent's.
    """

    seed: int = 0
    max_frames: int | None = FRAMES
    min_frames: int = FRAMES
    episodes: int = 1
    action_noise: float = 0.0
    parameter_noise: float = 0.0
    observation_noise: float = 0.0
    sticky: float = 0.0
    streamline: bool = False
    game: str = ""

    @classmethod
    def of(
        cls,
        *,
        steps: int | None = None,
        max_frames: int | None = None,
        min_frames: int | None = None,
        episodes: int | None = None,
        **others: Any,
    ) -> "Recipe":
        """What a person asked for, checked. steps: exactly so many. Nothing given: the zoo's 2,501 steps. Only episodes
        given: these, to their ends. Raises ZooError."""
        if steps is not None:
            if (max_frames, min_frames, episodes) != (None, None, None):
                raise ZooError("Give either the number of steps, or frames and episodes: they cannot both hold.")
            if steps < 1:
                raise ZooError(f"{steps} steps cannot be played: give a whole number from 1.")
            max_frames, min_frames = steps, steps - 1
        elif max_frames is None and min_frames is None:
            max_frames, min_frames = (FRAMES, FRAMES) if episodes is None else (None, 0)
        elif min_frames is None:
            min_frames = min(FRAMES, max_frames) if episodes is None else 0
        episodes = 1 if episodes is None else episodes
        recipe = cls(max_frames=max_frames, min_frames=min_frames, episodes=episodes, **others)
        fault = recipe._fault()
        if fault:
            raise ZooError(f"This rollout cannot be played: {fault}.")
        return recipe

    def _fault(self) -> str:
        for name in ("seed", "min_frames", "episodes", *(("max_frames",) if self.max_frames is not None else ())):
            value, least = getattr(self, name), 1 if name in ("max_frames", "episodes") else 0
            if not isinstance(value, (int, np.integer)) or value < least:
                return f"{name} is {value!r}, where a whole number from {least} is needed"
        for name in ("action_noise", "sticky"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                return f"{name} is {getattr(self, name)!r}, a probability is from 0 to 1"
        for name in ("parameter_noise", "observation_noise"):
            if not 0.0 <= getattr(self, name) < math.inf:
                return f"{name} is {getattr(self, name)!r}, a standard deviation is a number from 0"
        if self.max_frames is not None and self.min_frames > self.max_frames:
            return f"min_frames {self.min_frames} is more than max_frames {self.max_frames}"
        return ""

    def asdict(self) -> dict[str, Any]:
        """The settings as plain data, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Rollout:
    """N steps. Row i of every array is about the same moment, before action i; rewards[i] is what that action earned.

    arrays: {name: array}, read when asked for where they lie in a file. agent, agent_hash, recipe: whose, and how it
    was made; "" and None in a file that another program made.

    Of the zoo: observations (N, h, w, C) float32 in 0–1, oldest frame first, with the noise; frames (N, H, W, 3) uint8;
    ram (N, 128) uint8; representation (N, F) float32, the layer before the output; score (N,) float64, the unclipped
    return of the episode before that step's action; ep_rewards (E,) float64. A streamlined rollout has no rows of the
    first four. Ours besides: actions (N,) int64, rewards (N,) float64, values (N,) float32 (nan without a value),
    lives (N,) int64, episode (N,) int64, ends (N,) bool (the episode is over after this step, or was cut), and
    ep_complete (E,) bool (it came to its end); played and three more, what the emulator was told (``Recording``).
    """

    arrays: Mapping[str, np.ndarray] = field(repr=False)
    agent: str = ""
    agent_hash: str = ""
    recipe: Recipe | None = None

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __len__(self) -> int:
        return len(self["score"])

    observations = property(lambda self: self["observations"])
    frames = property(lambda self: self["frames"])
    ram = property(lambda self: self["ram"])
    representation = property(lambda self: self["representation"])
    score = property(lambda self: self["score"])
    ep_rewards = property(lambda self: self["ep_rewards"])
    actions = property(lambda self: self["actions"])
    rewards = property(lambda self: self["rewards"])


def collect(agent: Any, recipe: Recipe | None = None, **settings: Any) -> Iterator[Progress]:
    """Play and record; about ten records a second, how far it is of at least ``total`` steps, the last one with the
    Rollout as its result. Closing the generator stops.

    settings: those of ``Recipe.of``, where no recipe is given. Episode e of seed s is episode e of a Player with that
    seed. Raises ZooError: settings that make no sense, more steps than can be recorded, an unknown game.
    """
    recipe = recipe or Recipe.of(**settings)
    noises = [np.random.default_rng(part) for part in np.random.SeedSequence([recipe.seed, NOISE]).spawn(4)]
    playing = agent
    if recipe.parameter_noise:
        playing = with_parameter_noise(agent, recipe.parameter_noise, noises[3])
    noisy = NoisyAgent(playing, recipe, *noises[:3])
    player = Player(Emulator(recipe.game or agent.card.game), noisy, seed=recipe.seed, sticky=0.0)
    record = Record(noisy, player.emulator, representation_layer(agent.card.network, agent.layers), recipe)
    most, shown = record.capacity(recipe), -math.inf
    while len(record.returns) < recipe.episodes or record.rows <= recipe.min_frames:
        step = player.step(pictures=not recipe.streamline, coloured=False)
        full = record.rows + 1 >= most
        record.add(step, noisy.seen, player.screen_codes, player.played, cut=full and not step.done)
        if full and record.rows > recipe.min_frames:
            break
        if full and not step.done:
            player.next_episode()
        if time.monotonic() - shown > REPORT_EVERY:
            shown = time.monotonic()
            yield Progress(record.rows, max(record.rows + 1, recipe.min_frames + 1), record.label())
    rollout = Rollout(record.arrays(), agent.name, agent.hash, recipe)
    yield Progress(record.rows, record.rows, record.label(), rollout)


class NoisyAgent:
    """Stands for an agent before a Player: what it sees and does is disturbed as a recipe says; the rest is its own.

    seen: the observation that it last decided on, noise included: uint8, or float32 in the same units.
    """

    def __init__(self, agent: Any, recipe: Recipe, *rngs: np.random.Generator):
        self._agent, self._recipe = agent, recipe
        self._observation_rng, self._action_rng, self._sticky_rng = rngs
        self._previous: int | None = None
        self.unit = unit(agent)
        self.seen: np.ndarray | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._agent, name)

    def decide(self, observation: np.ndarray, *arguments: Any, **named: Any) -> Decision:
        """The agent's decision on the disturbed observation, its action disturbed too."""
        if self._recipe.observation_noise:
            observation = with_noise(observation, self._recipe.observation_noise * self.unit, self._observation_rng)
        self.seen = observation
        decision = self._agent.decide(observation, *arguments, **named)
        count = len(self._agent.action_names)
        action = done_instead(self._recipe, decision.action, self._previous, count, self._action_rng, self._sticky_rng)
        self._previous = action
        return decision if action == decision.action else dataclasses.replace(decision, action=action)


def unit(agent: Any) -> float:
    """What 1 of the recorded observations is in those of the agent: 255, and 1 of normalised ones."""
    return scale_of(agent.card.preprocessing).unit


def representation_layer(network: NetworkSpec, layers: Sequence[LayerInfo] = ()) -> str:
    """The hidden layer before the output, as the zoo's ``layers[-2]``: of a dueling network the value's.

    From the head backwards along what feeds each layer first, to the first layer with a non-linearity or a memory. Of a
    file's own graph the last of ``layers`` before the head that has a rectifier, or else the last one.
    """
    fed = {layer.name: sources for layer, sources in network.wired()}
    specs = {layer.name: layer for layer in network.layers}
    names = list(specs)
    head = next((layer.name for layer in network.layers if layer.role in ("logits", "q")), names[-1])
    if network.is_graph:
        rectified = {info.name for info in layers if not info.signed}
        hidden = [name for name in names[: names.index(head)] if not specs[name].role]
        return ([name for name in hidden if name in rectified] or hidden or [head])[-1]
    name = head
    while fed[name]:
        name = fed[name][0]
        if specs[name].activation != "linear" or specs[name].kind in RECURRENT:
            return name
    return fed[head][0] if fed[head] else head
