"""The templates of docs/contributing.md work as they stand."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_agents
from fakes import FakeSession, fake_lane, fake_step

from zoo_gui import lab
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.formats import FORMATS, read_checkpoint
from zoo_gui.analysis import ANALYSES, export, run
from zoo_gui.play.moments import recorded
from zoo_gui.types import ZooError
from zoo_gui.widgets.base import PANELS

TEMPLATES = Path(__file__).resolve().parent.parent / "docs" / "templates"


@pytest.fixture
def template(monkeypatch):
    """The module of a template; what it registers is forgotten afterwards."""

    def load(name):
        for registry in (PANELS, ANALYSES, FORMATS, lab.KINDS):
            registry.discover()
            monkeypatch.setattr(registry, "_things", dict(registry._things))
        spec = importlib.util.spec_from_file_location(f"template_{name}", TEMPLATES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_all_are_tried_here():
    there = {path.stem for path in TEMPLATES.glob("*.py")}
    assert there == {"panel", "analysis", "checkpoint_format", "experiment_kind"}


def test_a_panel(template, qtbot):
    template("panel")
    lanes = (fake_lane(0), fake_lane(1))
    session = FakeSession(lanes)
    panel = PANELS["lives"](session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitExposed(panel)
    session.give_step(1, fake_step(lanes[1], 0, index=40))
    assert panel.lines[1].text().startswith("B: ") and panel.lines[0].text() == "–"
    assert not panel.failed


def test_an_analysis(template, tmp_path):
    template("analysis")
    agent = Agent(tiny_agents.card(), tiny_agents.weights())
    moments = recorded(agent, steps=12)
    found = run("silence", agent, layer="conv1", moments=moments)
    np.testing.assert_allclose(found.share, (moments.peaks("conv1") <= 0).mean(0))
    for ending in ("csv", "npz", "png"):
        assert export.write(found, tmp_path / f"silence.{ending}").stat().st_size


def test_a_checkpoint_format(template, tmp_path):
    template("checkpoint_format")
    (tmp_path / "w.json").write_text(json.dumps({"fc/kernel": [[1, 2], [3, 4.5]]}))
    found = read_checkpoint(tmp_path / "w.json")
    assert found.format == "json" and found.arrays["fc/kernel"].tolist() == [[1, 2], [3, 4.5]]
    for text in ("{", "{}}", '{"a": "text"}', "[" * 9, '{"a": [[1], [1, 2]]}', '{"a": ' + "[" * 5000):
        (tmp_path / "w.json").write_text(text if text[0] == "{" else "{" + text)
        with pytest.raises(ZooError, match="not a JSON object"):
            read_checkpoint(tmp_path / "w.json")


def test_a_kind_of_experiment(template, tmp_path):
    template("experiment_kind")
    experiment = lab.Experiment("lengths", ("random/Pong",), (0, 1), settings={"limit": 30})
    outcome = lab.finish(lab.run(experiment, tmp_path / "lengths"))
    assert outcome.record.steps["random/Pong"].tolist() == [30, 30] and not outcome.failures
    assert (tmp_path / "lengths" / "result.png").is_file()
