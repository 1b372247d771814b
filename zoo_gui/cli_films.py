"""What the commands that make films share: options, and a film that Ctrl+C ends early."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Iterable

from zoo_gui.cli_moments import count, number, watched

if TYPE_CHECKING:
    import numpy as np

    from zoo_gui.play.film import Film

__all__ = ["count", "factor", "number", "seconds", "shoot"]


def shoot(film: "Film", pictures: Iterable["np.ndarray"], total: int) -> int:
    """Write the film under a bar on a terminal; the exit code. After Ctrl+C the film is as long as it came to be.

    Raises ZooError.
    """
    from zoo_gui.play.film import shot

    try:
        watched(shot(film, pictures, total))
    except KeyboardInterrupt:
        if not film.frames:
            raise
        print("Stopped: the film ends here.", file=sys.stderr)
        return 130
    return 0


def seconds(text: str) -> float:
    """A length in seconds, for argparse."""
    return _real(text, "“{}” is not a number of seconds above 0")


def factor(text: str) -> float:
    """A number above 0, for argparse."""
    return _real(text, "“{}” is not a number above 0")


def _real(text: str, fault: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1e6:
        raise argparse.ArgumentTypeError(fault.format(text))
    return value
