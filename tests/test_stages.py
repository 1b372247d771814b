"""Stages of a training: their order, each layer beside its end, scores, partial results, sentences, files."""

import compared
import numpy as np
import pytest

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import Training
from zoo_gui.analysis import export, run
from zoo_gui.analysis.similarity_measures import cka
from zoo_gui.analysis.stages import stage_agents, stages
from zoo_gui.play.moments import recorded
from zoo_gui.types import ZooError


def test_stages_of_a_run_are_in_the_order_of_its_training():
    expected = ("a2c/Breakout/1@initial", "a2c/Breakout/1@1.0M", "a2c/Breakout/1@4.0M", "a2c/Breakout/1")
    assert stage_agents("a2c/Breakout/1") == stage_agents("A2C/breakout/1@1.0M") == expected
    with pytest.raises(ZooError, match="only stage of its training"):
        stage_agents("distill/Qbert/1")
    with pytest.raises(ZooError, match="nothing/Breakout/1"):
        stage_agents("nothing/Breakout/1")


def made(count=3):
    """Stages whose fc changes from one to the next, ever less, while conv1 stays."""
    end = compared.agent()
    rng, found = np.random.default_rng(0), []
    noise = rng.normal(size=end.weights["fc/kernel"].shape) * np.abs(end.weights["fc/kernel"]).mean()
    for stage in range(count - 1, 0, -1):
        agent = compared.agent(tag=f"{count - stage}.0M", training=Training(steps=10 * (count - stage)))
        found.append(agent.with_weights({"fc/kernel": end.weights["fc/kernel"] + stage * noise}))
    return (*found, end)


@pytest.mark.parametrize("method", ["cka", "debiased", "svcca"])
def test_each_layer_is_compared_with_its_end(method):
    agents = made()
    seen = compared.moments(agents[-1])
    records = [p.result for p in stages(agents, moments=seen, method=method) if p.result is not None]
    found = records[-1]
    assert found.tags == ("1.0M", "2.0M", "final") and found.n == 78
    np.testing.assert_allclose(found.values[:, 0], 1, atol=1e-4)
    np.testing.assert_allclose(found.values[-1], 1, atol=1e-6)
    fc = found.layers.index("fc")
    assert found.values[0, fc] < found.values[-1, fc] - 0.01
    if method == "cka":
        rows = [row for row in range(80) if row % 40]
        first, last = (seen.activations(agent, rows, ("fc",))["fc"] for agent in (agents[0], agents[-1]))
        assert found.values[0, fc] == pytest.approx(cka(first, last), abs=1e-5)
        assert found.values[0, fc] < found.values[1, fc]
    assert found.scores.tolist() == [1.5, 1.5, 1.5] and found.frames[0] < found.frames[1] and np.isnan(found.frames[2])
    counts = [int(np.isfinite(record.p_value).sum()) for record in records]
    assert counts == sorted(counts) and counts[0] == 1 and counts[-1] == found.values.size
    for record in records:
        there = np.isfinite(record.values)
        np.testing.assert_array_equal(record.values[there], found.values[there])


def test_layers_that_are_missing_or_never_vary_are_said(tmp_path):
    end = compared.agent()
    first = compared.agent(compared.RECURRENT)
    dead = end.with_weights({"fc/kernel": np.zeros_like(end.weights["fc/kernel"])})
    found = run("stages", (first, dead, end), moments=[compared.moments(agent) for agent in (first, dead, end)])
    assert found.remarks[0] == f"{first.title} has no conv2, fc, value."
    assert "fc, policy, value" in found.remarks[1] and "gave the same at every moment" in found.remarks[1]
    assert np.isnan(found.values[0, [1, 2, 4]]).all() and np.isfinite(found.values[0, [0, 3]]).all()
    assert np.isnan(found.values[1, 2]) and np.isfinite(found.values[2]).all()
    for ending in (".png", ".csv", ".json", ".npz"):
        export.write(found, tmp_path / f"found{ending}")
    assert len(found.table()) == found.values.size
    with np.load(tmp_path / "found.npz") as arrays:
        np.testing.assert_array_equal(arrays["values"], found.values)


def test_the_training_of_an_embedded_run():
    agent = Agent.load("ppo/Pong/1")
    found = run("training", agent, moments=recorded(agent, steps=60, seed=0), count=40, layers=("conv2", "fc"))
    assert found.tags == ("initial", "1.5M", "5.0M", "final") and found.layers == ("conv2", "fc") and found.n == 40
    np.testing.assert_allclose(found.values[-1], 1, atol=1e-6)
    assert (found.values[0] < found.values[2]).all() and (found.values[:3] < 1).all()
    assert found.scores[-1] > found.scores[0] and found.frames[1] == pytest.approx(1.5, abs=0.1)
    assert "initial" in found.sentence


@pytest.mark.parametrize(
    "change, sentence",
    [({"agents": 1}, "give two"), ({"layers": ("conv9",)}, "no layer “conv9”"), ({"method": "pca"}, "pca")],
)
def test_what_cannot_be_compared_gets_one_sentence(change, sentence):
    agents = made()[: change.pop("agents", 3)]
    with pytest.raises(ZooError, match=sentence):
        run("stages", agents, moments=compared.moments(agents[-1]), **change)
