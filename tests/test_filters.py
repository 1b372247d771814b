"""Filters as pictures and the temporal bias: hand-made kernels, the original's definition, files, the command."""

import types

import numpy as np
import pytest
import tiny_agents
from zoo_gui import cli
from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import export
from zoo_gui.analysis.filters import filters_of, frame_name, temporal_bias_of
from zoo_gui.types import LayerInfo, ZooError


def agent_of(kernel, layer="conv1", network=None, stack=None):
    """What the analysis asks of an agent whose first layer has this kernel."""
    spec = types.SimpleNamespace(stack=stack or kernel.shape[-2])
    card = types.SimpleNamespace(preprocessing=spec, network=network or types.SimpleNamespace(is_graph=False))
    shape = (6, 6, kernel.shape[2]) if kernel.ndim == 4 else (2, 2, 3)
    return types.SimpleNamespace(
        weights={f"{layer}/kernel": kernel}, sources={layer: ()}, observation_shape=shape, card=card, title="hand-made",
        layers=(LayerInfo(layer, (4, 4, kernel.shape[-1]) if kernel.ndim == 4 else (kernel.shape[-1],), "conv"),),
    )  # fmt: skip


def test_the_bias_is_the_mean_square_of_each_frame_over_the_newest():
    kernel = np.zeros((2, 2, 3, 5), np.float32)
    kernel[:, :, 0], kernel[:, :, 1], kernel[:, :, 2] = 0.5, -1.0, 2.0
    kernel[0, 0, 2] = -2.0
    found = temporal_bias_of(agent_of(kernel))
    np.testing.assert_allclose(found.frames, [0.25 / 4, 1 / 4, 1])
    np.testing.assert_allclose(found.squares, [0.25, 1, 4])
    assert found.names == ("t−2", "t−1", "t")
    turned = types.SimpleNamespace(is_graph=True, frame_order="newest-first")  # as a file's graph may have it
    np.testing.assert_allclose(temporal_bias_of(agent_of(kernel[:, :, ::-1], network=turned)).frames, found.frames)


def test_colours_of_a_frame_count_together_and_dense_layers_read_frames_too():
    kernel = np.concatenate([np.full((2, 2, 3, 4), 1.0), np.full((2, 2, 3, 4), 2.0)], 2).astype(np.float32)
    agent = agent_of(kernel, stack=2)
    np.testing.assert_allclose(temporal_bias_of(agent).frames, [0.25, 1])
    assert filters_of(agent).input_name(1) == "t−1 green" and filters_of(agent).input_name(3) == "t red"
    rows = np.tile(np.array([1.0, 2.0, 4.0], np.float32)[:, None], (4, 7))  # H, W, C in turn
    np.testing.assert_allclose(temporal_bias_of(agent_of(rows, "fc", stack=3)).frames, [1 / 16, 1 / 4, 1])


def test_the_original_zoos_figures_are_met():
    """Mean of w² over everything but the frames, over Now: as the zoo's notebook has it, of an agent of the zoo."""
    agent = Agent.load("a2c/Breakout/1")
    kernel = agent.weights["conv1/kernel"]
    wanted = np.mean(kernel**2, axis=(0, 1, 3))
    found = temporal_bias_of(agent)
    np.testing.assert_allclose(found.frames, wanted / wanted[-1], rtol=1e-5)
    assert found.frames == pytest.approx([0.44, 0.48, 0.58, 1.0], abs=0.03)  # A2C in the paper


def test_filters_are_the_weights_and_show_the_strongest_inputs(tmp_path):
    agent = Agent(tiny_agents.card(), tiny_agents.weights())
    first, second, dense = (filters_of(agent, name) for name in ("", "conv2", "fc"))
    np.testing.assert_array_equal(first.kernel, agent.weights["conv1/kernel"])
    assert first.source is None and first.frames == 2 and second.source == "conv1" and not second.frames
    np.testing.assert_allclose(second.norms, np.sqrt((second.kernel**2).sum((0, 1))), rtol=1e-6)
    order = second.strongest(1, 2)
    assert second.norms[order[0], 1] == second.norms[:, 1].max() and second.input_name(2) == "conv1:2"
    shape = next(info.shape for info in agent.layers if info.name == "conv2")
    np.testing.assert_array_equal(dense.kernel, agent.weights["fc/kernel"].reshape(*shape, -1))
    for result, ending in ((first, "png"), (second, "csv"), (second, "npz"), (temporal_bias_of(agent), "svg")):
        assert export.write(result, tmp_path / f"f.{ending}").stat().st_size > 100


def test_what_has_no_pictures_or_no_past_is_a_sentence():
    agent = Agent(tiny_agents.card(), tiny_agents.weights())
    for name, words in (("policy", "no positions.*choose conv1"), ("conv7", "no layer “conv7”")):
        with pytest.raises(ZooError, match=words):
            filters_of(agent, name)
    dueling = Agent(tiny_agents.card(tiny_agents.DUELING, "argmax"), tiny_agents.weights(tiny_agents.DUELING))
    with pytest.raises(ZooError, match="no weights of its own"):
        filters_of(dueling, "q")
    with pytest.raises(ZooError, match="single frame"):
        temporal_bias_of(agent_of(np.ones((2, 2, 1, 3), np.float32)))
    with pytest.raises(ZooError, match="newest frame at all"):
        temporal_bias_of(agent_of(np.stack([np.ones((2, 2, 3)), np.zeros((2, 2, 3))], 2).astype(np.float32)))
    assert frame_name(0, 4) == "t−3" and frame_name(3, 4) == "t"


def test_the_command_prints_and_writes(tmp_path, capsys):
    assert cli.main(["filters", "ppo/Breakout/1", "--temporal-bias", "--output", str(tmp_path / "bias.csv")]) == 0
    assert "t−3 0.66" in capsys.readouterr().out and (tmp_path / "bias.csv").exists()
    assert cli.main(["filters", "ppo/Breakout/1", "--layer", "conv2"]) == 0
    assert "32 filters of 4×4 over 16 inputs" in capsys.readouterr().out
    assert cli.main(["filters", "ppo/Breakout/1", "--layer", "conv1", "--temporal-bias"]) == 2
