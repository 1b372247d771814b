"""``zoo-gui explain``: answers as JSON and as files, and bad requests as one sentence."""

import json

import numpy as np
import pytest
import tiny_agents

from zoo_gui.cli import main


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_agents.write(folder)
    return str(folder)


def said(capsys, *words):
    code = main(["explain", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_map_of_a_step_as_json_and_as_a_file(agent, tmp_path, capsys):
    path = tmp_path / "map.npz"
    code, found = said(capsys, agent, "--target", "value", "--method", "greydanus", "--option", "stride=10",
                       "--step", "5", "--output", str(path))  # fmt: skip
    (row,) = found["results"]
    assert code == 0 and (row["method"], row["target"], row["signed"]) == ("greydanus", "value", False)
    assert np.load(path)["map"].shape == (20, 18, 1) and row["scale"] == pytest.approx(np.load(path)["map"].max())


def test_every_method_and_the_tests_of_claims(agent, capsys, tmp_path):
    code, found = said(capsys, agent, "--all", "--step", "3", "--output", str(tmp_path / "all.npz"))
    assert code == 0 and len(found["results"]) == 11
    methods = {row["method"] for row in found["results"]}
    assert set(np.load(tmp_path / "all.npz")) == {"observation", "provenance", *methods}
    _, found = said(capsys, agent, "--cover", "2,2,6,6", "--fill", "black", "--step", "3")
    assert set(found["results"][0]) >= {"change", "share", "sentence", "before", "after"}
    _, found = said(capsys, agent, "--faithfulness", "--step", "3")
    assert set(found["results"][0]["areas"]) >= {"deletion", "insertion", "random_deletion"}
    _, found = said(capsys, agent, "--sanity", "--step", "3")
    assert found["results"][0]["layers"][-1]["layer"] == "conv1"


@pytest.mark.parametrize("words, sentence", [
    (["--method", "greydanos"], "Did you mean greydanus"), (["--cover", "1,2,3"], "no box"),
    (["--sanity", "--all"], "one at a time"), (["--option", "stride"], "NAME=VALUE"),
    (["--output", "x.doc"], "must end"),
    (["--output", "none/x.png"], "no such folder"), (["--output", "/proc/x.png"], "cannot be written"),
    (["--moment-from", "nowhere.npz"], "names no moment"), (["--target", "value", "--method", "sarfa"], "one action"),
])  # fmt: skip
def test_bad_requests(agent, capsys, words, sentence):
    code, found = said(capsys, agent, *words, "--step", "0")
    assert code == 2 and sentence in found["error"]
