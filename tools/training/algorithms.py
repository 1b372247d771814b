"""The algorithms by name. An algorithm is a module that holds ``SETTINGS`` and ``LEARNER`` (see ``learner``)."""

from __future__ import annotations

import importlib
from types import ModuleType

from zoo_gui.registry import unknown

NAMES = ("ppo", "a2c", "impala", "dqn", "rainbow", "apex", "es", "ga", "distill")


def find(name: str) -> ModuleType:
    """The algorithm's module. Raises ZooError for an unknown name."""
    if name not in NAMES:
        raise unknown("algorithm", name, NAMES)
    return importlib.import_module(f"training.{name}")
