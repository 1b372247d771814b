"""Experiments as files and folders: what is finished stays, whatever happens to the rest."""

from __future__ import annotations

import errno
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

import lab_trials
from lab_trials import trial, trials  # noqa: F401 (a fixture)
from zoo_gui import cli, lab
from zoo_gui.backports import tomllib
from zoo_gui.lab import cell_files, summary
from zoo_gui.lab.folder import Folder
from zoo_gui.lab.running import duration
from zoo_gui.types import ZooError

pytestmark = pytest.mark.usefixtures("trials")


def run(path: Path, **settings) -> lab.Outcome:
    return lab.finish(lab.run(trial(**settings), path))


def begin(path: Path, cells: int, **settings) -> None:
    """Run an experiment and leave it after so many cells."""
    steps = lab.run(trial(**settings), path)
    for progress in steps:
        if progress.done == cells:
            break
    steps.close()


def files(path: Path) -> list[Path]:
    return sorted((path / "cells").glob("*.npz"))


# -- the file -------------------------------------------------------------------------------------------------------
def test_an_experiment_is_its_file(tmp_path):
    asked = lab.Experiment("trial", ("a b", "ümlaut"), (0, 7), "“Title”", {"count": 3, "fail": [1]})
    (tmp_path / "e.toml").write_text(asked.toml(), encoding="utf-8")
    assert lab.Experiment.read(tmp_path / "e.toml") == asked
    assert tomllib.loads(asked.toml())["settings"]["count"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "trail"\nagents = ["x"]', "Did you mean trial?"),
        ('kind = "trial"\nagents = []', "no agents"),
        ('kind = "trial"\nagents = ["x"]\nseeds = [1, 1]', "twice"),
        ('kind = "trial"\nagents = ["x"]\n[settings]\ncuont = 2', "did you mean count?"),
        ('kind = "trial"\nagents = ["x"]\n[settings]\ncount = "two"', "count"),
        ("kind = ", "not a valid experiment"),
        ('agents = ["x"]', "kind"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path, text, said):
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(ZooError, match=f"e.toml.*{said.replace('?', '.')}"):
        lab.Experiment.read(tmp_path / "e.toml")


def test_a_cell_is_known_by_what_its_numbers_depend_on():
    one, other = trial(count=1).cells[0], trial(count=1, seconds=0.5).cells[0]
    assert one.key == trial(count=3).cells[0].key != other.key and len({one, trial(count=3).cells[0], other}) == 2


# -- going on -------------------------------------------------------------------------------------------------------
def test_what_was_finished_is_not_computed_again(tmp_path):
    begin(tmp_path / "a", 2)
    assert len(lab_trials.computed) == 2 == len(files(tmp_path / "a"))
    outcome = run(tmp_path / "a")
    assert (outcome.finished, outcome.total, len(lab_trials.computed)) == (6, 6, 6)
    np.testing.assert_array_equal(outcome.record.sums, run(tmp_path / "b").record.sums)
    assert run(tmp_path / "a").finished == 6 and len(lab_trials.computed) == 12
    assert np.load(tmp_path / "a" / "result.npz")["sums"].shape == (6,)


def test_what_a_kill_left_half_written_does_not_count(tmp_path):
    run(tmp_path)
    cut, empty, garbled, *others = files(tmp_path)
    cut.write_bytes(cut.read_bytes()[:-30])
    empty.write_bytes(b"")
    data = bytearray(garbled.read_bytes())
    data[len(data) // 2] ^= 0xFF
    garbled.write_bytes(data)
    (tmp_path / "cells" / ".cell-0-xyz.npz").write_bytes(b"half")
    lab_trials.computed.clear()
    assert run(tmp_path).finished == 6 and len(lab_trials.computed) == 3
    assert not list((tmp_path / "cells").glob(".*")) and len(files(tmp_path)) == 6


def test_failures_are_listed_and_tried_again(tmp_path):
    while_there = tmp_path / "broken"
    while_there.touch()
    told = {"fail": [1, 4], "fail_while": str(while_there)}
    outcome = run(tmp_path / "a", **told)
    assert {cell.name for cell in outcome.failures} == {"cell 1", "cell 4"} and len(outcome.record.sums) == 4
    found = lab.read_summary(tmp_path / "a")
    assert found.failures == (("cell 1", "This cell fails."), ("cell 4", "This cell fails."))
    assert found.state == "4 of 6 cells finished, 2 failed" and not found.missing
    begin(tmp_path / "a", 4, **told)  # left before they are tried again: they are still listed
    assert len(lab.read_summary(tmp_path / "a").failures) == 2
    while_there.unlink()
    assert run(tmp_path / "a", **told).finished == 6
    assert not lab.read_summary(tmp_path / "a").failures


def test_a_cell_that_breaks_in_any_way_is_one_sentence(tmp_path, monkeypatch):
    broken = {"cell 1": lambda: 1 / 0, "cell 2": lambda: {"x": np.array([{}])}, "cell 3": lambda: bytearray(1 << 62)}
    compute = lab_trials.Trial.compute

    def breaks(kind, cell):
        return broken[cell.name]() if cell.name in broken else compute(kind, cell)

    monkeypatch.setattr(lab_trials.Trial, "compute", breaks)
    failures = {cell.name: sentence for cell, sentence in run(tmp_path).failures.items()}
    assert failures.keys() == broken.keys() and "ZeroDivisionError" in failures["cell 1"]
    assert "objects" in failures["cell 2"] and "memory" in failures["cell 3"]


def test_a_full_disk_keeps_what_was_finished(tmp_path, monkeypatch):
    real, count = tempfile.mkstemp, 0

    def full(**place):
        nonlocal count
        count += "cells" in str(place["dir"])
        handle, name = real(**place)
        if count <= 3:
            return handle, name
        os.close(handle)
        return os.open("/dev/full", os.O_WRONLY), name

    with monkeypatch.context() as disk, pytest.raises(ZooError, match=os.strerror(errno.ENOSPC)):
        disk.setattr(tempfile, "mkstemp", full)
        run(tmp_path)
    assert len(files(tmp_path)) == 3 and not list((tmp_path / "cells").glob(".*"))
    lab_trials.computed.clear()
    assert run(tmp_path).finished == 6 and len(lab_trials.computed) == 3


# -- folders that are refused ---------------------------------------------------------------------------------------
def test_one_process_at_a_time(tmp_path):
    with Folder.held(tmp_path, trial()), pytest.raises(ZooError, match="running already"):
        run(tmp_path)
    assert not summary.is_running(tmp_path) and run(tmp_path).finished == 6
    with Folder.held(tmp_path, trial()):
        assert summary.is_running(tmp_path)


def test_another_agent_under_the_same_name_is_refused(tmp_path):
    run(tmp_path)
    lab_trials.hashes["an agent"] = "b"
    with pytest.raises(ZooError, match="“an agent” is another agent now"):
        run(tmp_path)


def test_folders_of_something_else_are_left_alone(tmp_path):
    run(tmp_path / "a")
    with pytest.raises(ZooError, match="another experiment"):
        run(tmp_path / "a", count=7)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    for path in (tmp_path / "mine", tmp_path / "mine" / "letter.txt"):
        with pytest.raises(ZooError, match="something else"):
            run(path)
    with pytest.raises(ZooError, match="cannot be written"):
        run(Path("/proc/nothing"))
    with pytest.raises(ZooError, match="no cells"):
        run(tmp_path / "new", count=0)
    assert not (tmp_path / "new").exists()


# -- folders of strangers -------------------------------------------------------------------------------------------
def npy(header: str) -> bytes:
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


def test_cells_are_read_within_limits_and_without_pickle(tmp_path):
    for name, data, said in (
        ("huge", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,)}"), "larger than"),
        ("object", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"cos\nsystem\n", "damaged"),
        ("text", b"no array", "damaged"),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.npz", "w") as archive:
            archive.writestr("x.npy", data)
        with pytest.raises(ZooError, match=said):
            cell_files.read(tmp_path / f"{name}.npz")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(32 << 20))
    assert not cell_files.is_sound(tmp_path / "bomb.npz") and not cell_files.is_sound(tmp_path / "none.npz")


def test_a_summary_needs_nothing_but_the_experiment(tmp_path):
    run(tmp_path, fail=[2])
    found = lab.read_summary(tmp_path)
    assert found.columns == ("cell", "sum") and found.rows[0]["cell"] == "cell 0" and found.caption == "5 cells"
    assert found.rows[4]["sum"] == pytest.approx(np.load(tmp_path / "result.npz")["sums"][4])
    assert found.figure.startswith(b"\x89PNG") and found.agents == {"an agent": "a"} and found.versions["numpy"]
    files(tmp_path)[0].unlink()
    assert lab.read_summary(tmp_path).missing == ("cell 0",) and "1 to be computed" in lab.read_summary(tmp_path).state
    garbage = {"cells.json": "[" * 100_000, "failures.json": '{"x": 3}', "provenance.json": '{"versions": [1]}',
               "result.csv": "a,b\n1,2,3\n\x00\n", "result.png": "no picture", "result.txt": "\udcff"}  # fmt: skip
    for name, text in garbage.items():
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    found = lab.read_summary(tmp_path)
    assert found.figure is None and not found.names and found.versions == {}
    assert run(tmp_path, fail=[2]).finished == 5  # what only repeats what the experiment says is written anew
    assert len(lab.read_summary(tmp_path).names) == 6


def test_a_picture_too_large_to_show_is_not_read(tmp_path):
    run(tmp_path)
    data = bytearray((tmp_path / "result.png").read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    (tmp_path / "result.png").write_bytes(data)
    assert lab.read_summary(tmp_path).figure is None


def test_no_folder_of_an_experiment(tmp_path):
    with pytest.raises(ZooError, match="no experiment.toml"):
        lab.read_summary(tmp_path)
    with pytest.raises(ZooError, match="no folder"):
        lab.read_summary(tmp_path / "nothing")
    run(tmp_path / "b")
    assert summary.folders_in(tmp_path) == [tmp_path / "b"] and summary.folders_in(tmp_path / "x") == []


def test_times_are_said_for_people():
    assert [duration(seconds) for seconds in (3.2, 200, 7500)] == ["3 s", "3 min", "2 h 05 min"]


# -- the command ----------------------------------------------------------------------------------------------------
@pytest.fixture
def asked(tmp_path):
    """Writes an experiment's file and runs it: (exit code)."""

    def command(*options: str, **settings) -> int:
        (tmp_path / "e.toml").write_text(trial(**settings).toml())
        return cli.main(["lab", "run", str(tmp_path / "e.toml"), "--workers", "1", *options])

    return command


def test_the_command_runs_shows_and_lists_failures(tmp_path, asked, capsys):
    assert asked("--json", "--output", str(tmp_path / "sums.csv"), fail=[2]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["failures"] == {"cell 2": "This cell fails."} and json.loads(told.out)["finished"] == 5
    assert told.err.startswith("cell 2: This cell fails.\n1 of 6 cells failed")
    told_by, *rows = (tmp_path / "sums.csv").read_text().splitlines()
    assert told_by.startswith("# zoo_gui: ") and len(rows) == 6
    assert cli.main(["lab", "show", str(tmp_path / "e"), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["failures"] == {"cell 2": "This cell fails."} and len(shown["table"]) == 5
    assert shown["settings"]["fail"] == [2] and Path(shown["figure"]).is_file()
    assert cli.main(["lab", "show", str(tmp_path / "e")]) == 0
    assert "5 of 6 cells finished, 1 failed" in capsys.readouterr().out


def test_where_every_cell_fails_the_command_does(asked, capsys):
    assert asked(fail=[0, 1], count=2) == 2
    assert "None of the 2 cells could be computed" in capsys.readouterr().err


def test_ctrl_c_says_what_is_kept(tmp_path, asked, capsys):
    assert asked(stop=[3]) == 130
    assert f"kept in {tmp_path / 'e'}" in capsys.readouterr().err and len(files(tmp_path / "e")) == 3


def test_without_a_folder_the_cache_keeps_it(own_folders, capsys):
    from zoo_gui import cli_lab

    options = cli._parser().parse_args(["lab", "run", "x.toml", "--workers", "1"])
    first = cli_lab.run_experiment(trial(), options)
    assert first.folder.is_relative_to(own_folders / "cache" / "experiments")
    assert cli_lab.run_experiment(trial(), options).folder == first.folder and len(lab_trials.computed) == 6
    lab_trials.hashes["an agent"] = "b"  # another agent's cells are others
    assert cli_lab.cached_folder(trial()) != first.folder


def test_tables_are_printed_in_columns(capsys):
    from zoo_gui import cli_lab

    cli_lab.print_table([{"agent": "a", "mean_score": 1 / 3}, {"agent": "long", "mean_score": float("nan"), "n": 12}])
    assert capsys.readouterr().out == "agent  mean score   n\na          0.3333   –\nlong            –  12\n"
