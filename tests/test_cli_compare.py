"""The command ``zoo-gui compare``: what it prints and writes, and what it refuses before any work."""

import csv
import io
import json

import pytest
import tiny_agents

from zoo_gui import analysis
from zoo_gui.agents.card import ActionSpec
from zoo_gui.cli import main
from zoo_gui.play.emulator import Emulator

LEAN = ["--steps", "40", "--episodes", "1", "--limit", "20", "--seed", "1"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Folders of three agents: two of Breakout, one of them of values; one of Pong."""
    folder = tmp_path_factory.mktemp("agents")
    tiny_agents.write(folder / "one", title="The <first>")
    tiny_agents.write(folder / "two", tiny_agents.Q, rule="argmax", run=2)
    tiny_agents.write(folder / "pong", game="Pong", actions=ActionSpec(("NOOP", "RIGHT", "LEFT"), "sample"))
    return {name: str(folder / name) for name in ("one", "two", "pong")}


@pytest.fixture
def idle(monkeypatch):
    """Fails a test in which a comparison begins."""
    from zoo_gui.analysis import comparison

    def begun(*_, **__):
        raise AssertionError("the long work has begun")

    monkeypatch.setattr(comparison, "comparison", begun)


def refused(capsys, *arguments):
    """The one sentence that a refused command leaves."""
    assert main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


def test_a_report_and_a_short_table(paths, tmp_path, capsys):
    path = tmp_path / "report.html"
    assert main(["compare", paths["one"], paths["two"], *LEAN, "--driver", "b", "--output", str(path)]) == 0
    out = capsys.readouterr().out
    assert "A  The <first>" in out and "A–B: at 40 moments" in out and "of the choices are the same" in out
    assert "linear CKA" in out and f"written: {path}" in out and "No game of A came to its end" in out
    page = path.read_text(encoding="utf-8")
    assert "The &lt;first&gt;" in page and "driven by B" in page and "<script" not in page


def test_json_says_the_same(paths, capsys):
    assert main(["compare", paths["one"], paths["one"], *LEAN, "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    (pair,) = found["pairs"]
    assert pair["same choice"] == 1 and pair["mean measure"] == 0 and found["disagreements"] == []
    assert found["why"] == "" and found["settings"]["steps"] == 40 and found["versions"]["zoo_gui"]
    assert found["agents"][0]["mean"] is None and found["agents"][0]["JS B"] == 0  # no game was finished
    assert list(found["layers"]) == ["A–B"] == list(found["units"])


def test_agents_of_different_games_and_a_table(paths, tmp_path, capsys):
    path = tmp_path / "table.csv"
    arguments = [paths["one"], paths["pong"], "random/Freeway", *LEAN, "--output", str(path)]
    assert main(["compare", *arguments]) == 0
    out = capsys.readouterr().out
    assert "only behaviour is compared" in out and "C  Random · Freeway  (random/Freeway)" in out
    told, _, table = path.read_text(encoding="utf-8").partition("\n")  # the first line says where it comes from
    assert told.startswith("# zoo_gui: ")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["game"] for row in rows] == ["Breakout", "Pong", "Freeway"]
    up = sum(float(rows[2][name]) for name in ("NOOP", "UP", "DOWN"))
    assert up == pytest.approx(1) and set(Emulator("Freeway").minimal_actions) == {"NOOP", "UP", "DOWN"}


def test_a_quick_look_is_short_but_what_is_given_counts(paths, monkeypatch):
    from zoo_gui.analysis import comparison

    asked = []
    real = comparison.comparison
    monkeypatch.setattr(comparison, "comparison", lambda agents, **more: asked.append(more) or real(
        agents, **more | {"steps": 0, "episodes": 1, "limit": 5}))  # fmt: skip
    assert main(["compare", paths["one"], paths["two"], "--quick", "--steps", "77"]) == 0
    assert main(["compare", paths["one"], paths["two"]]) == 0
    quick, whole = ({name: more[name] for name in ("steps", "episodes", "limit")} for more in asked)
    assert quick == {"steps": 77, "episodes": 1, "limit": 2000}
    assert whole == {"steps": 2000, "episodes": 5, "limit": 20_000}


def test_what_cannot_be_is_refused_in_one_sentence_before_any_work(paths, tmp_path, capsys, idle):
    one, two, pong = paths["one"], paths["two"], paths["pong"]
    (tmp_path / "folder.html").mkdir()
    cases = [
        ([one], "One agent is no comparison"), ([one, "ppo/Breakuot/1"], "ppo/Breakout/1"),
        ([one, pong, "--shared"], "Breakout and Pong are different games"),
        ([one, "random/Breakout", "--shared"], "player without a network"),
        ([one, two, "--output", str(tmp_path / "nowhere" / "r.html")], "no such folder"),
        ([one, two, "--output", str(tmp_path / "folder.html")], "is a folder"),
        ([one, two, "--output", "r.docx"], "must end in .html"), ([one, two, "--driver", "C"], "takes A, B"),
        ([one, two, "--method", "cka2"], "cka"), ([one, two, "--steps", "0", "--episodes", "0"], "nothing to compare"),
        ([one, two, "--steps", "-1"], "not a whole number"), ([one, two, "--sticky", "1.5"], "0 to below 1"),
    ]  # fmt: skip
    for arguments, words in cases:
        assert words in refused(capsys, *arguments), arguments


def test_the_analyses_are_found_by_name():
    analysis.ANALYSES.discover()
    assert {"behaviour", "disagreement", "comparison", "temporal_biases"} <= set(analysis.ANALYSES)
