"""One module per question asked of an agent; each analysis is a generator of Progress records.

In a notebook, where only the answer counts:

    from zoo_gui import analysis
    analysis.run("patches", agent, unit="conv2:17", moments=moments)
"""

from __future__ import annotations

from typing import Any, Iterable

from zoo_gui.registry import Registry
from zoo_gui.types import Progress, ZooError

__all__ = ["ANALYSES", "Progress", "finish", "latest", "run"]

ANALYSES: Registry = Registry("analysis", "zoo_gui.analysis", "zoo_gui.analyses")


def run(name: str, agent: Any, *, bar: bool = False, **parameters: Any) -> Any:
    """The result of an analysis by its name (``sorted(ANALYSES)`` lists them), with its parameters.

    bar: show a progress bar. Raises ZooError.
    """
    return finish(ANALYSES[name](agent, **parameters), bar)


def finish(records: Iterable[Progress], bar: bool = False) -> Any:
    """The last result among Progress records, as from an analysis or from ``play.moments.record``; bar: show a progress
    bar. Raises ZooError where there was none."""
    result = None
    if not bar:
        for progress in records:
            result = latest(result, progress)
    else:
        from tqdm.auto import tqdm

        with tqdm(leave=False) as shown:
            for progress in records:
                result = latest(result, progress)
                shown.total, shown.n = progress.total or None, progress.done
                shown.set_description(progress.label, refresh=True)
    if result is None:
        raise ZooError("This analysis ended without a result.")
    return result


def latest(known: Any, progress: Progress) -> Any:
    """The result after one more record: its own, with what was ``known`` where it holds only what is new (then it has
    ``after(earlier)``)."""
    newer = progress.result
    if newer is None or known is None:
        return known if newer is None else newer
    return newer.after(known) if hasattr(newer, "after") else newer
