"""``generate_rollout``, as the zoo had it, over ``zoo_gui.play.rollout``."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo_gui.atari_zoo.model import RL_model, watched
from zoo_gui.play.rollout import ZOO_KEYS, Recipe, collect
from zoo_gui.play.rollout_files import save, with_suffix
from zoo_gui.types import ZooError


def generate_rollout(
    model: RL_model,
    args: Any = None,
    action_noise: float = 0.0,
    parameter_noise: float = 0.0,
    observation_noise: float = 0.0,
    test_eps: int = 1,
    max_frames: int = 2500,
    min_frames: int = 2500,
    output: str = "",
    sticky_action_prob: float = 0.0,
    render: bool = False,
    cpu: bool = False,
    streamline: bool = False,
    verbose: bool = False,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Play a model anew, nothing is kept: {observations, frames, ram, representation, score, ep_rewards}.

    output: write ``{output}_rollout.npz`` as well. args: an object with these names as attributes instead of them.
    render is not provided and cpu means nothing. Ours is seeded, and min_frames is never more than max_frames: the
    zoo's went on in episodes of one step. Raises ZooError.
    """
    given = dict(action_noise=action_noise, parameter_noise=parameter_noise, observation_noise=observation_noise,
                 test_eps=test_eps, max_frames=max_frames, min_frames=min_frames, output=output, render=render,
                 sticky_action_prob=sticky_action_prob, streamline=streamline, verbose=verbose, seed=seed)  # fmt: skip
    if args is not None:
        given |= {name: getattr(args, name) for name in given if getattr(args, name, None) is not None}
    if given["render"]:
        raise ZooError("A rollout is not shown while it is played: watch the agent with “zoo-gui AGENT” instead.")
    most = int(given["max_frames"])
    same = ("seed", "action_noise", "parameter_noise", "observation_noise", "streamline")
    recipe = Recipe.of(
        max_frames=most, min_frames=min(int(given["min_frames"]), most), episodes=given["test_eps"],
        sticky=given["sticky_action_prob"], **{name: given[name] for name in same},
    )  # fmt: skip
    rollout = watched(collect(model.agent, recipe))
    if given["verbose"]:
        print(f"Avg. Episode Reward: {rollout.ep_rewards.mean()}\nrewards: {rollout.ep_rewards.tolist()}\n"
              f"frames: {len(rollout)}")  # fmt: skip
    if given["output"]:
        save(rollout, with_suffix(given["output"]))
    return {name: rollout[name] for name in ZOO_KEYS}
