"""zoo_gui: load, play, analyse and compare game-playing agents; see docs/architecture.md for the layout.

Importing this package pulls in neither Qt nor TensorFlow.
"""

__version__ = "0.1.0"
