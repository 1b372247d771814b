"""One module per question asked of an agent; each analysis is a generator of Progress records."""

from __future__ import annotations

from zoo_gui.registry import Registry
from zoo_gui.types import Progress

__all__ = ["ANALYSES", "Progress"]

ANALYSES: Registry = Registry("analysis", "zoo_gui.analysis", "zoo_gui.analyses")
