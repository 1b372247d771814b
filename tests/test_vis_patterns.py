"""A whole layer as optimised images: each unit's own, in the order asked for, kept one by one, ended at any time."""

import dataclasses
import json
import time
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf
import tiny_agents
from analysis_standin import StandIn
from matplotlib.figure import Figure

from zoo_gui import analysis
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec, PreprocessingSpec
from zoo_gui.agents.layout import Layout
from zoo_gui.analysis import export, vis_cache
from zoo_gui.analysis import patterns as module
from zoo_gui.analysis.ascent import POOL, Ascent
from zoo_gui.analysis.feature_vis import feature_vis, release
from zoo_gui.analysis.patterns import Patterns, patterns
from zoo_gui.analysis.vis_figures import SHOWN
from zoo_gui.cli import main
from zoo_gui.types import ZooError


@pytest.fixture(scope="module")
def agent():
    yield StandIn()
    release()


@pytest.fixture
def batches_of_four(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 4)


ASK = {"layer": "conv2", "steps": 20, "transforms": "jitter"}


def records(agent, **asked):
    return list(patterns(agent, **{**ASK, "use_cache": False, **asked}))


def whole(progress) -> Patterns:
    result = None
    for one in progress:
        result = analysis.latest(result, one)
    return result


def test_each_image_excites_its_own_unit(agent, batches_of_four):
    """More than noise does, more than the other units' images do, and as ``feature_vis`` of that unit does."""
    order = (7, 0, 3, 11, 5, 2)
    found = records(agent, units=order)
    given = [one.result for one in found if one.result is not None]
    assert [result.units for result in given] == [(7, 0, 3, 11), (5, 2)]
    assert given[-1].done == order and given[-1].images.shape == (2, 20, 20, 4)
    assert found[-1].label == "conv2: finished" and found[-1].complete
    all_of_it = whole(found)
    values = agent.taps(tf.constant(all_of_it.images), pre=True)["conv2"].numpy()[:, 3, 3][:, list(order)]
    np.testing.assert_allclose(np.diag(values), all_of_it.activations, atol=1e-4)
    assert (values.argmax(0) == range(6)).all()
    alone = whole(feature_vis(agent, unit="conv2:3", steps=20, transforms="jitter", use_cache=False))
    assert all_of_it.activations[2] == pytest.approx(alone.activation, rel=0.05)


def test_a_units_image_does_not_depend_on_the_others(agent, batches_of_four):
    one, other = (whole(records(agent, units=units, steps=4)) for units in ((1, 2, 3, 4), (9, 4)))
    np.testing.assert_allclose(one.images[3], other.images[1], atol=1e-4)


def test_finished_units_are_kept_one_by_one(agent, batches_of_four, monkeypatch):
    computed = whole(records(agent, units=range(4), use_cache=True))
    mixed = [one.result for one in records(agent, units=(9, 2, 1), use_cache=True) if one.result is not None]
    assert [result.units for result in mixed] == [(2, 1), (9,)] and mixed[-1].done == (2, 1, 9)
    np.testing.assert_array_equal(mixed[0].images, computed.images[[2, 1]])
    np.testing.assert_array_equal(mixed[0].activations, computed.activations[[2, 1]])
    monkeypatch.setattr(Ascent, "__init__", lambda *_: pytest.fail("computed again"))
    (last,) = records(agent, units=(1, 9), use_cache=True)
    assert last.complete and last.label.endswith("finished") and last.result.done == (1, 9)
    release()
    for other in (dict(steps=21), dict(seed=1), dict(tv=0.5), dict(only_current=True)):
        with pytest.raises(pytest.fail.Exception, match="computed again"):
            records(agent, units=(1,), use_cache=True, **other)


def test_feature_vis_and_patterns_keep_their_images_apart(agent):
    records(agent, units=(0,), use_cache=True, steps=3)
    final = list(feature_vis(agent, unit="conv2:0", steps=3, transforms="jitter"))[-1].result
    assert not final.from_cache and len(list(vis_cache.folder().glob("*.safetensors"))) == 2


def test_it_yields_often_and_ends_at_once(agent, batches_of_four, monkeypatch):
    """By a clock that moves 15 ms a look: a record at least every second step. Closed, the session serves again."""
    now = iter(np.arange(0, 1000, 0.015))
    with monkeypatch.context() as patch:
        patch.setattr(module.time, "monotonic", lambda: next(now))
        found = records(agent, units=range(4))
    assert [one.result is None for one in found] == [True] * (len(found) - 1) + [False]
    assert len(found) >= 8 and (np.diff([one.done for one in found]) >= 0).all()
    release()
    generator = patterns(agent, **ASK | {"steps": 10_000}, use_cache=False)
    for _ in islice(generator, 3):
        pass
    began = time.monotonic()
    generator.close()
    assert time.monotonic() - began < 0.5 and len(POOL) == 1
    again = whole(records(agent, units=range(4)))
    np.testing.assert_array_equal(again.images, whole(found).images)


def test_large_networks_get_small_batches():
    large = StandIn(shape=(84, 84, 4), channels=32)
    assert [module._batch(large, info, "fft") for info in large.layers[:2]] == [5, 2]
    small = StandIn()
    assert [module._batch(small, small.layers[i], "fft") for i in (0, 1, 4)] == [6, 8, 1]
    assert module._batch(small, small.layers[1], "cppn") == 2


def test_a_contact_sheet_and_its_numbers(agent, tmp_path):
    """Written from records that each hold a part: the whole layer is in the file; and drawn in every way."""
    list(export.written(lambda: patterns(agent, layer="fc", units=range(9, -1, -1), steps=2), tmp_path / "sheet.npz"))
    saved = np.load(tmp_path / "sheet.npz")
    assert saved["units"].tolist() == list(range(9, -1, -1)) and saved["images"].shape == (10, 20, 20, 4)
    result = analysis.run("patterns", agent, layer="fc", units=range(9, -1, -1), steps=2)
    np.testing.assert_array_equal(result.images, saved["images"])
    assert [row["unit"] for row in result.table()] == [f"fc:{unit}" for unit in range(10)]
    for show in SHOWN:
        figure = Figure()
        dataclasses.replace(result, show=show).draw(figure)
        (drawn,) = figure.axes[0].images
        frames = list(result.images[9].transpose(2, 0, 1))  # of unit 0, which was computed last
        first = {"newest": frames[3], "frames": np.hstack(frames), "difference": frames[3] - frames[0]}[show]
        height, width = first.shape
        assert [text.get_text() for text in figure.axes[0].texts] == [str(unit) for unit in range(10)]
        np.testing.assert_allclose(drawn.get_array()[3 : 3 + height, :width], first, atol=1e-6)


@pytest.mark.parametrize(
    "wrong, sentence",
    [(dict(layer="conv9"), "no layer “conv9”"), (dict(units=(3, 12)), "units 0 to 11, not 12"),
     (dict(show="films"), "newest, frames or difference"), (dict(steps=0), "1 to 100000 steps")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_gets_a_sentence(agent, wrong, sentence):
    with pytest.raises(ZooError, match=sentence):
        records(agent, **wrong)


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["vis", "ppo/Breakout/1", "--layer", "policy", "--units", "0-1,3", "--steps", "1"]) == 0
    assert (tmp_path / "ppo-Breakout-1_policy.png").stat().st_size > 3000
    capsys.readouterr()
    asked = ["--json", "--steps", "1", "--count", "2", "--output", "vis.csv", "--start", "3"]
    assert main(["vis", "ppo/Breakout/1", "--target", "action:LEFT - action:RIGHT", *asked]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert len(rows) == 2 and (tmp_path / "vis.csv").read_text().count("\n") == 1 + 3
    release()


@pytest.mark.parametrize(
    "words, sentence",
    [("--layer conv9", "no layer “conv9”"), ("--unit conv1:99", "units 0 to 15"), ("--units x", "no number of a unit"),
     ("--output sheet.gif", "must end in"), ("--output none/sheet.png", "no such folder"), ("--count 2", "of one unit"),
     ("--unit conv1:1 --units 3", "name the layer"), ("--layer conv1 --unit conv1:1", "not allowed with"),
     ("--tv -1", "weight of tv")],
)  # fmt: skip
def test_the_command_says_what_is_wrong_in_one_sentence(words, sentence, capsys):
    assert main(["vis", "ppo/Breakout/1", *words.split()]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_colours_and_recurrent_layers():
    """Frames of three channels: the newest is the last three. A GRU is asked as an episode begins."""
    size, rng = (20, 18), np.random.default_rng(0)
    network = NetworkSpec((*tiny_agents.POLICY.layers[:2], LayerSpec("gru", "gru", units=5),
                           LayerSpec("policy", "dense", units=3, role="logits")))  # fmt: skip
    shapes = Layout(network, (*size, 6), 2).shapes
    weights = {name: rng.normal(size=shape).astype(np.float32) / 3 for name, shape in shapes.items()}
    card = tiny_agents.card(network, preprocessing=PreprocessingSpec(size=size, stack=2, color="rgb"))
    asked = dict(unit="gru:2", steps=15, only_current=True, use_cache=False)
    first, *_, final = [progress.result for progress in feature_vis(Agent(card, weights), **asked) if progress.result]
    assert final.activation > first.activation and final.frame_channels == 3
    assert not final.image[..., :3].any() and (final.image[..., 3:].std((0, 1)) > 0.001).all()
    final.draw(Figure())
    release()
