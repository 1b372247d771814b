"""What the doctor finds, and says, where something is missing."""

import json
import subprocess
from importlib import metadata
from types import SimpleNamespace

import pytest

from zoo_gui import display, doctor
from zoo_gui.cli import main
from zoo_gui.doctor import Finding


def states(*names):
    """{about: state} of these checks, really made."""
    return {found.about: found.state for found in doctor.examine() if found.about in names}


@pytest.fixture
def only(monkeypatch):
    def choose(*names):
        monkeypatch.setattr(doctor, "CHECKS", {name: doctor.CHECKS[name] for name in names})

    return choose


def test_what_is_here_works(only, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    only("Python", "Qt", "Games", "Video", "Folders")
    found = states("Python", "Qt", "Games", "Video", "Folders")
    assert set(found.values()) == {"ok"} and len(found) == 5


def test_no_display_is_no_problem(only, monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setattr(display, "has_display", lambda: False)
    only("OpenGL")
    assert states("OpenGL") == {"OpenGL": "note"}
    assert doctor._window().state == "note" and doctor._window().cure


def test_packages_that_are_missing_or_other_than_tried(monkeypatch):
    asked = ["numpy >=1", "no-such-package >=1", "pytest >=9999", "also-missing; extra == 'test'"]
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    found = doctor._packages()
    assert found.state == "problem" and "no-such-package is missing" in found.words
    assert "also-missing" not in found.words  # of an extra
    monkeypatch.setattr(metadata, "requires", lambda name: asked[::2])
    found = doctor._packages()
    assert (found.state, found.words) == ("note", f"pytest {metadata.version('pytest')} is not >=9999.")


def test_a_folder_that_cannot_be_written_and_a_full_disk(only, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_GUI_CACHE", str(tmp_path / "file" / "cache"))
    only("Folders")
    found = {one.words.split()[0]: one for one in doctor.examine()}
    assert found["The"].state == "problem" and "ZOO_GUI_CACHE" in found["The"].cure
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    assert [one.state for one in doctor.examine()] == ["note", "problem", "note"]


@pytest.mark.parametrize("code, words", [
    ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "its process was ended by signal 4"),
    ("raise ImportError('libcuda is missing')", "ImportError: libcuda is missing"),
    ("raise SystemExit(3)", "it ended without a word"),
    ("print('a note'); print('[1]')", [1]),
])  # fmt: skip
def test_what_ends_a_process_is_told(code, words):
    assert doctor._tried(code) == words


def test_who_does_not_answer_is_not_waited_for(monkeypatch):
    def late(*arguments, **named):
        raise subprocess.TimeoutExpired("python", 1)

    monkeypatch.setattr(doctor.subprocess, "run", late)
    assert "did not answer" in doctor._tried("1")


def test_one_check_that_breaks_does_not_stop_the_others(monkeypatch):
    def broken():
        raise RuntimeError("odd")

    monkeypatch.setattr(doctor, "CHECKS", {"First": broken, "Python": doctor._python})
    first, second = doctor.examine()
    assert first == Finding("First", "problem", "this could not be tried (RuntimeError: odd).")
    assert second.about == "Python"


def test_the_command(monkeypatch, capsys):
    found = [Finding("Qt", "ok", "draws"), Finding("Games", "problem", "none.", "Install ale-py.")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(found))
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "PROBLEM Games" in told and "→ Install ale-py." in told and "1 thing does not work" in told
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[1]["cure"] == "Install ale-py."
    monkeypatch.setattr(doctor, "examine", lambda: iter(found[:1]))
    assert main(["doctor"]) == 0
