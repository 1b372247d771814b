"""The interface of Such et al. 2019, the Atari Zoo, over our agents: ``import zoo_gui.atari_zoo as atari_zoo``.

docs/atari_zoo_api.md says what is provided and what is not. Modules are imported when first used (``atari_zoo.utils``
works after ``import zoo_gui.atari_zoo``), and TensorFlow only when a network is. Lucid, wherever it is imported from
now on, runs on TensorFlow 2.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any, Iterator

from zoo_gui.agents.inference.actions import minimal
from zoo_gui.analysis import lucid_adapter
from zoo_gui.backports import tomllib
from zoo_gui.play import games
from zoo_gui.settings import resource_path

lucid_adapter.install()

_MODULES = (
    "activation_movie", "clips", "config", "families", "log", "model", "model_maker", "rollout", "scores",
    "synthetic_inputs", "top_patches", "translate", "utils",
)  # fmt: skip
_FUNCTIONS = ("MakeAtariModel", "GetFilePathsForModel", "GetAvailableTaggedCheckpoints")
SUFFIX = "NoFrameskip-v4"
"""What the zoo writes after a game's name."""


@functools.cache
def _zoo_games() -> tuple[str, ...]:
    """The zoo's 55 games as our ids spell them."""
    return tuple(tomllib.loads(resource_path("catalogue", "zoo.toml").read_text(encoding="utf-8"))["game"])


class _OfGames(Mapping):
    """{environment: what a function says of the game}, worked out when asked for; keys in any spelling of the game."""

    def __init__(self, function: Any):
        self._function = function

    def __getitem__(self, environment: str) -> Any:
        return self._function(minimal(games.identity(environment)))

    def __iter__(self) -> Iterator[str]:
        return iter(f"{game}{SUFFIX}" for game in _zoo_games())

    def __len__(self) -> int:
        return len(_zoo_games())


run_cnt = {"apex": 3, "ga": 3, "es": 3, "a2c": 3, "impala": 3, "rainbow": 5, "dqn": 3}
"""How many runs of each algorithm were published for every game."""
analysis_subset_games = [f"{game}{SUFFIX}" for game in (
    "Amidar", "Assault", "Asterix", "Asteroids", "Atlantis", "Enduro", "Frostbite", "Gravitar", "Kangaroo", "Seaquest",
    "Skiing", "Venture", "Zaxxon",
)]  # fmt: skip
"""The 13 games of the paper's analyses."""
game_action_counts: Mapping[str, int] = _OfGames(len)
game_action_meanings: Mapping[str, list[str]] = _OfGames(list)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(f"{__name__}.model_maker"), name)
    if name == "game_list":
        return list(game_action_counts)
    if name == "tf":
        return importlib.import_module(f"{__name__}.graphs").tf
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_FUNCTIONS, "game_list", "tf"})
