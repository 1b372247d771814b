"""An agent trained with Stable-Baselines3, and saved as its users save them: ``model.save(…)``.

    pip install stable-baselines3
    python own_sb3.py mine.zip --steps 1000000

The environment is the one that SB3 makes for Atari: ``AtariWrapper`` and four frames. docs/bring_your_own.md goes on
from the file.
"""

from __future__ import annotations

import argparse

import ale_py
import gymnasium
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default="mine.zip")
    parser.add_argument("--steps", type=int, default=1_000_000, help="agent steps of training (1,000,000)")
    parser.add_argument("--environments", type=int, default=8)
    options = parser.parse_args()
    gymnasium.register_envs(ale_py)
    games = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", options.environments, seed=0), 4)
    model = PPO("CnnPolicy", games, n_steps=128, n_epochs=4, batch_size=256, learning_rate=2.5e-4,
                clip_range=0.1, ent_coef=0.01, seed=0, verbose=1)  # fmt: skip
    model.learn(options.steps)
    model.save(options.file)
    games.close()


if __name__ == "__main__":
    main()
