"""The menu's entry: where it is written, what it starts, and that it goes again."""

import configparser
import json
import shlex
import sys
from pathlib import Path

import pytest

from zoo_gui import cli_desktop
from zoo_gui.cli import main


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_the_entry_starts_this_environments_command_and_goes_again(data, capsys):
    assert main(["desktop"]) == 0 and "in the menu" in capsys.readouterr().out
    entry = configparser.RawConfigParser()
    entry.optionxform = str
    entry.read(data / "applications" / "zoo_gui.desktop")
    told = dict(entry["Desktop Entry"])
    command, *rest = shlex.split(told["Exec"])
    assert Path(command) == Path(sys.executable).parent / "zoo-gui" and rest == ["gui", "%F"]
    assert Path(told["Icon"]).read_text().startswith("<svg")
    assert main(["desktop", "--remove", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["installed"] is False
    assert not list(data.rglob("zoo_gui.*"))
    assert main(["desktop", "--remove"]) == 0 and "was not" in capsys.readouterr().out


@pytest.mark.parametrize("path, quoted", [
    ("/opt/my tools/zoo-gui", '"/opt/my tools/zoo-gui"'),
    ("/opt/100%/zoo-gui", '"/opt/100%%/zoo-gui"'),
    ('/opt/a"b$c', '"/opt/a\\\\"b\\\\$c"'),
])  # fmt: skip
def test_odd_paths_are_quoted_as_the_specification_says(path, quoted):
    assert cli_desktop._quoted(path) == quoted


def test_a_folder_that_cannot_be_written_is_a_sentence(data, capsys):
    (data / "applications").write_text("a file")
    assert main(["desktop"]) == 2
    assert "cannot be written" in capsys.readouterr().err
