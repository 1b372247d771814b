"""One module per question asked of an agent; each analysis is a generator of Progress records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo_gui.registry import Registry

ANALYSES: Registry = Registry("analysis", "zoo_gui.analysis", "zoo_gui.analyses")


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` units of work, and what it has so far (None: nothing to show yet)."""

    done: int
    total: int
    label: str = ""
    result: Any = None

    @property
    def complete(self) -> bool:
        return self.done >= self.total
