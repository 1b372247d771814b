"""The lab: experiments as files, their cells played on one core or on many machines, their results as folders.

    from zoo_gui import lab
    lab.finish(lab.run(lab.Experiment.read("noise.toml"), "noise"))

Each kind of experiment is a file in ``zoo_gui/lab/kinds``.
"""

from __future__ import annotations

from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results, kind_of
from zoo_gui.lab.running import Outcome, finish, run
from zoo_gui.lab.summary import FolderSummary, read_summary

__all__ = ["KINDS", "Cell", "Experiment", "FolderSummary", "Outcome", "Results", "finish", "kind_of", "read_summary",
           "run"]  # fmt: skip
