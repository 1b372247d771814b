"""Cells in several real processes: the same numbers, whoever computes them and whoever dies meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading

import numpy as np
import psutil
import pytest

from lab_trials import trial, trials  # noqa: F401 (a fixture)
from zoo_gui import lab
from zoo_gui.lab import scheduling
from zoo_gui.types import ZooError

pytestmark = pytest.mark.usefixtures("trials")


def workers() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [child for child in found if "spawn_main" in " ".join(child.cmdline())]


def test_a_worker_killed_midway_costs_nothing(tmp_path):
    """Four processes, one of them killed when the first cells are there: the numbers are those of one process."""
    asked = {"count": 16, "fail": (5,), "seconds": 0.1}
    killed = None
    for progress in lab.run(trial(**asked), tmp_path / "many", workers=4):
        if progress.done >= 3 and killed is None:
            assert len(workers()) == 4
            killed = workers()[0]
            os.kill(killed.pid, signal.SIGKILL)
    many, alone = progress.result, lab.finish(lab.run(trial(**asked), tmp_path / "alone"))
    assert killed is not None and not workers()
    assert [cell.name for cell in many.failures] == ["cell 5"] == [cell.name for cell in alone.failures]
    assert many.finished == 15 and np.array_equal(many.record.sums, alone.record.sums)


def test_a_cell_that_kills_its_worker_fails_by_itself(tmp_path, monkeypatch):
    """What stands in line behind it is computed."""
    monkeypatch.setattr(scheduling, "DEATHS", 0)
    outcome = lab.finish(lab.run(trial(count=6, die=(0,)), tmp_path, workers=2))
    assert [cell.name for cell in outcome.failures] == ["cell 0"] and outcome.finished == 5
    assert "died whenever" in next(iter(outcome.failures.values()))


def test_leaving_ends_the_workers(tmp_path):
    steps = lab.run(trial(count=40, seconds=0.2), tmp_path, workers=2)
    for progress in steps:
        if progress.done == 2:
            break
    assert len(workers()) == 2
    steps.close()
    assert not workers()
    assert 2 <= len(lab.read_summary(tmp_path).finished) < 40


def test_no_scheduler_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(scheduling, "CONNECT", 1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ZooError, match=f"No Dask scheduler answers at {address}"):
        lab.finish(lab.run(trial(), tmp_path, scheduler=address))


def test_a_scheduler_that_ends_midway_keeps_what_is_finished(tmp_path, monkeypatch):
    """A cluster of somebody else's, whose worker is a thread here; then this process goes on alone."""
    from distributed import LocalCluster

    monkeypatch.setattr(scheduling, "CONNECT", 1.0)
    asked = trial(count=30, seconds=0.1)
    there = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "protocol": "tcp://", "host": "127.0.0.1"}
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(LocalCluster(**there, dashboard_address="127.0.0.1:0", silence_logs=60))
        with pytest.raises(ZooError, match="does not answer any more"):
            for progress in lab.run(asked, tmp_path, scheduler=cluster.scheduler_address):
                if progress.done == 2:
                    stack.close()
    kept = len(lab.read_summary(tmp_path).finished)
    assert 2 <= kept < 30
    assert lab.finish(lab.run(asked, tmp_path)).finished == 30


def test_a_worker_with_another_version_is_found_out():
    cell = trial().cells[0]
    assert "another version" in scheduling.work(cell.kind, cell.name, cell.settings, "other")
    assert set(scheduling.work(cell.kind, cell.name, cell.settings, cell.key)) == {"x"}


def test_workers_are_as_many_as_pay(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    memory = psutil.virtual_memory()._replace(available=5 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert [scheduling.suitable(cells) for cells in (0, 3, 8, 100)] == [1, 1, 2, 5]
    with pytest.raises(ZooError, match="1 or more"):
        list(scheduling.computed(trial().cells, 0))


def test_a_script_without_its_guard_starts_no_workers_of_workers(tmp_path, monkeypatch):
    import multiprocessing

    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(ZooError, match="__main__"):
        lab.finish(lab.run(trial(), tmp_path, workers=2))
    assert not any(thread.name == "IO loop" and not thread.daemon for thread in threading.enumerate())
