"""zoo_gui: load, play, analyse and compare game-playing agents; see docs/architecture.md for the layout.

Importing this package pulls in neither Qt nor TensorFlow. ``MakeAtariModel`` and its like are those of
``zoo_gui.atari_zoo``, imported when first asked for.
"""

import importlib

__version__ = "0.1.0"
_ATARI_ZOO = ("MakeAtariModel", "GetFilePathsForModel", "GetAvailableTaggedCheckpoints")


def __getattr__(name: str):
    if name in _ATARI_ZOO:
        return getattr(importlib.import_module("zoo_gui.atari_zoo"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ATARI_ZOO})
