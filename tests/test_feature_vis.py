"""Feature visualization: it climbs, it repeats itself, it stops, it remembers, it never breaks."""

import threading
import time
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf
from analysis_standin import StandIn

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES, ascent, vis_cache
from zoo_gui.analysis import feature_vis as module
from zoo_gui.analysis.ascent import Ascent, Recipe
from zoo_gui.analysis.feature_vis import FeatureVis, feature_vis, prepare, release
from zoo_gui.types import ZooError


@pytest.fixture(scope="module")
def agent():
    yield StandIn()
    release()


@pytest.fixture
def every_step(monkeypatch):
    """An image after every step, however fast the machine."""
    monkeypatch.setattr(module, "SHOW_EVERY", 0.0)


def images(generator):
    return [progress.result for progress in generator if progress.result is not None]


def last(generator) -> FeatureVis:
    return images(generator)[-1]


def objective(agent, result: FeatureVis) -> float:
    """The unit's mean, computed without Lucid and without a TensorFlow 1 graph."""
    layer = agent.taps(tf.constant(result.image[None]), pre=result.pre_activation)[result.unit.layer]
    return float(np.mean(layer.numpy()[..., result.unit.index]))


@pytest.mark.parametrize("unit", ["conv1:2", "conv2:5", "fc:7", "logits:1", "value:0"])
def test_ascent_raises_the_unit(agent, unit, every_step):
    results = images(feature_vis(agent, unit=unit, steps=40, objective="channel", use_cache=False))
    first, final = results[0], results[-1]
    assert [result.step for result in results] == list(range(1, 41))
    assert final.activation > first.activation + 0.1
    assert final.activation == pytest.approx(objective(agent, final), abs=1e-4)
    assert final.image.shape == agent.observation_shape and final.image.dtype == np.float32
    assert 0 <= final.image.min() and final.image.max() <= 1
    assert not final.image.flags.writeable and not final.from_cache


@pytest.mark.parametrize(
    "parameters",
    [dict(parameterization="pixel"), dict(parameterization="pyramid"), dict(transforms="jitter"),
     dict(transforms="none"), dict(objective="channel"), dict(pre_activation=False)],
    ids=str,
)  # fmt: skip
def test_every_choice_climbs(agent, parameters, every_step):
    results = images(feature_vis(agent, unit="conv2:1", steps=25, use_cache=False, **parameters))
    assert results[-1].activation > results[0].activation


def test_centre_neuron_is_the_centre_of_the_map(agent):
    result = last(feature_vis(agent, unit="conv2:3", steps=3, use_cache=False))
    layer = agent.taps(tf.constant(result.image[None]), pre=True)["conv2"].numpy()[0, ..., 3]
    assert result.activation == pytest.approx(layer[layer.shape[0] // 2, layer.shape[1] // 2], abs=1e-5)


def test_rectified_layers_are_raised_before_their_rectifier(agent):
    """A dead unit has no gradient behind its rectifier; before it, it climbs all the same."""
    dead = StandIn(seed=1)
    dead.weights["fc/bias"] = dead.weights["fc/bias"] - 3
    dead.hash = "dead"
    results = images(feature_vis(dead, unit="fc:0", steps=8, use_cache=False))
    assert results[0].pre_activation and results[0].activation < 0
    assert results[-1].activation > results[0].activation
    assert not last(feature_vis(agent, unit="logits:0", steps=1, use_cache=False)).pre_activation


def test_same_seed_same_image(agent):
    """Bit for bit: in a session that has run, and in a new one; another seed gives another image."""
    run = lambda seed: last(feature_vis(agent, unit="conv2:4", steps=12, seed=seed, use_cache=False)).image  # noqa: E731
    first = run(3)
    np.testing.assert_array_equal(run(3), first)
    assert np.abs(run(4) - first).max() > 0.01
    release()
    np.testing.assert_array_equal(run(3), first)


@pytest.mark.parametrize("parameterization", ["fft", "pixel", "pyramid"])
@pytest.mark.parametrize("shape", [(20, 20, 4), (17, 19, 1)])
def test_begins_at_the_given_image(parameterization, shape):
    agent = StandIn(shape=shape)
    agent.hash = str(shape)
    start = np.random.default_rng(0).uniform(0.02, 0.98, shape).astype(np.float32)
    climber = Ascent(agent, Recipe("conv1", parameterization=parameterization))
    climber.reset(0, start=start)
    np.testing.assert_allclose(climber.look()[0][0], start, atol=2e-3)
    climber.close()


def test_stops_at_once_and_the_session_serves_again(agent):
    fresh = last(feature_vis(agent, unit="conv1:0", steps=6, use_cache=False)).image
    generator = feature_vis(agent, unit="conv1:1", steps=100_000, use_cache=False)
    assert next(generator).result.step == 1
    generator.close()
    assert list(generator) == []
    np.testing.assert_array_equal(last(feature_vis(agent, unit="conv1:0", steps=6, use_cache=False)).image, fresh)


def test_two_at_once_on_one_layer_do_not_disturb_each_other(agent, every_step):
    ask = dict(steps=6, use_cache=False)
    alone = last(feature_vis(agent, unit="conv1:2", **ask)).image
    one, other = (feature_vis(agent, unit=unit, **ask) for unit in ("conv1:2", "conv1:3"))
    results = []
    for progress, _ in zip(one, other):  # zip stops with the shorter: whatever is left of either comes after it
        results.append(progress.result)
    results += images(one)
    np.testing.assert_array_equal(results[-1].image, alone)


def test_images_come_often_and_the_first_after_one_step(agent, monkeypatch):
    """By the clock, not by steps: with a clock that moves 20 ms a step, every third step is shown."""
    now = iter(np.arange(0, 1000, 0.02))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    steps = [result.step for result in images(feature_vis(agent, unit="conv1:4", steps=30, use_cache=False))]
    assert steps[0] == 1 and steps[-1] == 30
    assert 2 <= max(np.diff(steps)) <= 3


def test_prepared_layers_start_without_building(agent, monkeypatch):
    release()
    prepare(agent, "fc")
    monkeypatch.setattr(Ascent, "_build", lambda *_: pytest.fail("built again"))
    first = next(feature_vis(agent, unit="fc:3", steps=5, use_cache=False))
    assert first.result.step == 1


def test_all_layers_are_prepared_one_at_a_time(agent):
    release()
    progress = list(ANALYSES["prepare_feature_vis"](agent, layers=("conv1", "value"), transforms="none"))
    assert [(p.done, p.total) for p in progress] == [(0, 2), (1, 2), (2, 2)] and len(ascent.POOL) == 2


def test_few_sessions_are_kept(agent):
    pool = ascent.Pool(capacity=2)
    closed = []

    class Fake:
        def __init__(self, agent, recipe):
            self.recipe = recipe

        def close(self):
            closed.append(self.recipe.layer)

    for layer in ("a", "b", "a", "c"):
        pool.give(agent, pool.take(agent, Recipe(layer), Fake))
    assert closed == ["b"] and len(pool) == 2
    twice = [pool.take(agent, Recipe("a"), Fake) for _ in range(2)]
    for one in twice:
        pool.give(agent, one)
    assert closed == ["b", "a"] and pool.take(agent, Recipe("a"), Fake) is twice[1]


def test_results_are_remembered(agent):
    ask = dict(unit="conv2:0", steps=5)
    computed = last(feature_vis(agent, **ask))
    (progress,) = feature_vis(agent, **ask)
    assert progress.complete and progress.result.from_cache
    np.testing.assert_array_equal(progress.result.image, computed.image)
    assert progress.result.activation == computed.activation
    for other in (dict(steps=6), dict(seed=1), dict(unit="conv2:1"), dict(learning_rate=0.1), dict(transforms="jitter"),
                  dict(pre_activation=False), dict(start=np.full(agent.observation_shape, 0.5))):  # fmt: skip
        assert not last(feature_vis(agent, **{**ask, **other})).from_cache, other
    assert not last(feature_vis(StandIn(seed=5), **ask)).from_cache


@pytest.mark.parametrize("damage", [b"", b"not a safetensors file", None], ids=["empty", "rubbish", "cut"])
def test_a_damaged_cache_is_computed_again(agent, damage, caplog):
    computed = last(feature_vis(agent, unit="conv1:5", steps=3))
    (path,) = vis_cache.folder().glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
    again = last(feature_vis(agent, unit="conv1:5", steps=3))
    np.testing.assert_array_equal(again.image, computed.image)
    assert not again.from_cache and "computed again" in caplog.text
    assert last(feature_vis(agent, unit="conv1:5", steps=3)).from_cache


def test_an_unwritable_cache_only_says_so(agent, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_GUI_CACHE", str(tmp_path / "file"))
    progress = list(feature_vis(agent, unit="conv1:0", steps=3))[-1]
    assert progress.complete and progress.result.step == 3
    assert "could not be kept" in progress.label and "\n" not in progress.label


def test_the_cache_forgets_the_least_recently_used(monkeypatch):
    monkeypatch.setattr(vis_cache, "MAX_FILES", 3)
    image = np.zeros((1, 2, 2, 1), np.float32)
    for number in range(5):
        assert vis_cache.store({"number": number}, image, np.ones(1)) == ""
        time.sleep(0.002)
        vis_cache.load({"number": 0}, image.shape)
    kept = [number for number in range(5) if vis_cache.load({"number": number}, image.shape)]
    assert kept == [0, 3, 4] and not list(vis_cache.folder().glob("*.part"))


@pytest.mark.parametrize(
    "wrong",
    [dict(unit="conv9:0"), dict(unit="conv1:99"), dict(unit="conv1"), dict(parameterization="fourier"),
     dict(transforms="robbust"), dict(objective="layer"), dict(pre_activation="maybe"), dict(steps=0), dict(seed=0.5),
     dict(learning_rate=-1), dict(learning_rate=float("nan")), dict(start=np.zeros((3, 3, 1))),
     dict(start=np.full((20, 20, 4), np.nan))],
    ids=str,
)  # fmt: skip
def test_wrong_parameters_are_one_sentence(agent, wrong):
    with pytest.raises(ZooError) as failure:
        next(feature_vis(agent, **{"unit": "conv1:0", **wrong}))
    assert str(failure.value).count("\n") == 0 and str(failure.value).endswith((".", "?"))


def test_computes_in_the_thread_that_asks(agent):
    """So that the thread's low priority holds for the work: nearly all CPU time of the process is this thread's."""
    prepare(agent, "conv2")
    shares = {}

    def work():
        process, thread = time.process_time(), time.thread_time()
        for _ in islice(feature_vis(agent, unit="conv2:0", steps=150, use_cache=False), 1000):
            pass
        shares["thread"] = (time.thread_time() - thread) / (time.process_time() - process)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert shares["thread"] > 0.8


def test_runs_beside_inference_in_another_thread(agent):
    """Eager functions, tapes and a Lucid session in one process: the same numbers as alone."""
    x = tf.constant(np.random.default_rng(0).random((1, *agent.observation_shape), np.float32))
    decide = tf.function(lambda x: agent.taps(x)["logits"], autograph=False)
    expected, stop, wrong, count = decide(x).numpy(), threading.Event(), [], [0]
    alone = last(feature_vis(agent, unit="fc:2", steps=40, use_cache=False)).image

    def play():
        while not stop.is_set():
            count[0] += 1
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = agent.taps(x)["value"]
            wrong.extend([] if np.isfinite(tape.gradient(y, x).numpy()).all() else ["gradient"])
            wrong.extend([] if np.array_equal(decide(x).numpy(), expected) else ["decision"])

    player = threading.Thread(target=play)
    player.start()
    release()  # so that a graph is built beside it too
    beside = last(feature_vis(agent, unit="fc:2", steps=40, use_cache=False)).image
    stop.set()
    player.join()
    assert count[0] > 3 and not wrong
    np.testing.assert_array_equal(beside, alone)


def test_is_registered():
    assert ANALYSES["feature_vis"] is feature_vis


@pytest.mark.parametrize(
    ("agent_id", "units"),
    [("distill/Breakout/1", ("conv2:17", "fc:100", "policy:3")), ("ppo/Breakout/1", ("value:0",))],
)
def test_real_agents(agent_id, units):
    real = Agent.load(agent_id)
    for unit in units:
        results = images(feature_vis(real, unit=unit, steps=30, objective="channel", use_cache=False))
        assert results[-1].activation > results[0].activation + 0.1, unit
        assert results[-1].activation == pytest.approx(objective(real, results[-1]), rel=1e-4)
    release()
