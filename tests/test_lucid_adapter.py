"""Lucid behind the adapter computes what it says, and leaves the process as it was."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from zoo_gui.analysis import lucid_adapter

v1 = tf.compat.v1
FRESH = """
import logging, sys
import zoo_gui.analysis.ascent, zoo_gui.analysis.feature_vis
from zoo_gui.analysis import lucid_adapter
assert not {"tensorflow", "lucid"} & set(sys.modules), "imported too early"
import tensorflow as tf
whole = dict(vars(tf))
lucid_adapter.install(); lucid_adapter.install()
lucid_adapter.optvis()
assert sys.modules["tensorflow"] is tf and tf.executing_eagerly()
assert {"contrib", "random_crop"}.isdisjoint(set(vars(tf)) - set(whole))
assert not logging.getLogger().handlers, "the root logger was configured"
assert sum(type(finder).__name__ == "_LucidFinder" for finder in sys.meta_path) == 1
assert "sklearn" not in sys.modules or "keras" in sys.modules
assert float(tf.function(lambda x: x * 2)(tf.constant(2.0))) == 4
"""


@pytest.fixture(scope="module")
def optvis():
    return lucid_adapter.optvis()


@pytest.fixture
def session():
    with v1.Graph().as_default(), v1.Session() as session:
        yield session


def test_importing_leaves_the_process_as_it_was():
    """Without our set-up of TensorFlow: what a notebook user would have."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_lucid_that_came_first_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if type(f).__name__ != "_LucidFinder"])
    monkeypatch.setitem(sys.modules, "lucid", object())
    with pytest.raises(RuntimeError, match="before"):
        lucid_adapter.install()


def _layers():
    rng = np.random.default_rng(1)
    return {
        "conv": rng.standard_normal((2, 5, 6, 3)).astype(np.float32),
        "dense": rng.standard_normal((2, 7)).astype(np.float32),
        "input": rng.random((2, 9, 9, 4)).astype(np.float32),
    }


def _dot_direction(layers, vector):
    return (layers["conv"] * vector).sum(-1).mean()


VECTOR = np.array([1.0, -2.0, 0.5], np.float32)
OBJECTIVES = {
    "channel of a convolution": (lambda o: o.channel("conv", 1), lambda a: a["conv"][..., 1].mean()),
    "channel of a dense layer": (lambda o: o.channel("dense", 4), lambda a: a["dense"][:, 4].mean()),
    "neuron": (lambda o: o.neuron("conv", 2), lambda a: a["conv"][:, 2, 3, 2].mean()),
    "class logit": (lambda o: o.class_logit("dense", 3), lambda a: a["dense"][:, 3].sum()),
    "direction": (lambda o: o.direction("conv", VECTOR), lambda a: _dot_direction(a, VECTOR)),
    "deepdream": (lambda o: o.deepdream("conv"), lambda a: (a["conv"] ** 2).mean()),
    "L1": (lambda o: o.L1(constant=0.5), lambda a: np.abs(a["input"] - 0.5).sum()),
    "L2": (lambda o: o.L2(epsilon=0), lambda a: np.sqrt((a["input"] ** 2).sum())),
    "total variation": (
        lambda o: o.total_variation(),
        lambda a: sum(np.abs(np.diff(a["input"], axis=axis)).sum((1, 2, 3)) for axis in (1, 2)),
    ),
    "a weighted sum": (
        lambda o: 2 * o.channel("dense", 0) - o.channel("dense", 1),
        lambda a: 2 * a["dense"][:, 0].mean() - a["dense"][:, 1].mean(),
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_give_what_numpy_gives(name, optvis, session):
    objective, expected = OBJECTIVES[name]
    layers = _layers()
    tensors = {layer: tf.constant(value) for layer, value in layers.items()}
    value = session.run(objective(optvis.objectives)(tensors.__getitem__))
    np.testing.assert_allclose(np.mean(value), np.mean(expected(layers)), rtol=1e-5)


def test_a_unit_given_as_a_tensor(optvis, session):
    """What lets one graph serve a whole layer."""
    unit = v1.placeholder(tf.int32, [])
    layers = _layers()
    value = optvis.objectives.channel("conv", unit)(lambda layer: tf.constant(layers[layer]))
    for index in range(3):
        np.testing.assert_allclose(session.run(value, {unit: index}), layers["conv"][..., index].mean(), rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 8, 8, 4), (1, 9, 7, 2)])
def test_fourier_image_is_the_inverse_transform_of_its_variable(shape, optvis, session):
    image = optvis.param.fft_image(list(shape))
    (spectrum,) = v1.trainable_variables()
    session.run(v1.global_variables_initializer())
    real, imaginary = session.run(spectrum)
    _, h, w, _ = shape
    frequency = np.hypot(np.fft.fftfreq(h)[:, None], np.abs(np.fft.fftfreq(w))[np.arange(real.shape[-1]) % w])
    scaled = (real + 1j * imaginary) * np.sqrt(w * h) / np.maximum(frequency, 1 / max(h, w))
    expected = np.moveaxis(np.fft.irfft2(scaled)[:, :h, :w] / 4, 0, -1)
    np.testing.assert_allclose(session.run(image)[0], expected, atol=1e-6)


def test_every_parameterization_builds_frames(optvis, session):
    """The networks of CPPNs need tf.contrib.slim, which the adapter stands in for."""
    images = [
        optvis.param.naive([1, 8, 8, 4]),
        optvis.param.laplacian_pyramid([1, 16, 16, 4]),
        optvis.param.cppn(8, num_output_channels=4, num_hidden_channels=5, num_layers=2, normalize=True),
        optvis.param.image(8),
    ]
    session.run(v1.global_variables_initializer())
    assert [session.run(image).shape for image in images] == [(1, 8, 8, 4), (1, 16, 16, 4), (1, 8, 8, 4), (1, 8, 8, 3)]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_rotation_is_counter_clockwise_about_the_centre(turns, session):
    picture = np.random.default_rng(0).random((1, 7, 7, 4)).astype(np.float32)
    rotated = session.run(lucid_adapter._rotate(tf.constant(picture), turns * np.pi / 2))
    np.testing.assert_allclose(rotated[0], np.rot90(picture[0], turns), atol=1e-6)


def test_rotation_lets_the_gradient_through(session):
    picture = tf.constant(np.ones((1, 7, 7, 1), np.float32))
    weights = np.random.default_rng(0).random((1, 7, 7, 1)).astype(np.float32)
    gradient = v1.gradients(tf.reduce_sum(lucid_adapter._rotate(picture, np.pi / 2) * weights), picture)[0]
    np.testing.assert_allclose(session.run(gradient)[0], np.rot90(weights[0], -1), atol=1e-6)


@pytest.mark.parametrize("angle", [0.07, -0.5])
def test_rotation_is_tensorflows_projection_and_its_gradient(angle, session):
    """ImageProjectiveTransformV3, which tf.contrib.image.rotate called: bit for bit, batch and gradient."""
    rng = np.random.default_rng(0)
    pictures, weights = rng.random((2, 3, 9, 12, 4)).astype(np.float32)
    c, s = np.cos(np.float32(angle)), np.sin(np.float32(angle))
    row = [c, -s, (11 - (c * 11 - s * 8)) / 2, s, c, (8 - (s * 11 + c * 8)) / 2, 0, 0]
    x = tf.constant(pictures)
    expected = tf.raw_ops.ImageProjectiveTransformV3(
        images=x, transforms=[row], output_shape=[9, 12], fill_value=0.0, interpolation="NEAREST"
    )
    results = []
    for turned in (expected, lucid_adapter._rotate(x, angle)):
        slope = v1.gradients(tf.reduce_sum(turned * weights), x)[0]
        results.append(session.run([turned, slope]))
    for theirs, ours in zip(*results):
        np.testing.assert_array_equal(ours, theirs)


def test_random_transforms_follow_seed_and_step(optvis, session):
    """The same seed and step: the same jitter, also in a session that ran before; another of either: another."""
    seed = v1.placeholder(tf.int64, [])
    lucid_adapter.seed_randomness(seed)
    step = v1.train.get_or_create_global_step()
    picture = tf.constant(np.arange(100, dtype=np.float32).reshape(1, 10, 10, 1))
    moved = optvis.transform.compose([optvis.transform.jitter(4), optvis.transform.jitter(4)])(picture)[0, 0, 0, 0]
    session.run(step.initializer)
    corners = {}
    for s in range(4):
        for n in range(12):
            session.run(v1.assign(step, n))
            corners[s, n] = session.run(moved, {seed: s}), session.run(moved, {seed: s})
    assert all(first == second for first, second in corners.values())
    assert len({first for first, _ in corners.values()}) > 20


def test_jitter_reaches_every_offset_equally(optvis, session):
    """100 expected at each of nine offsets, standard deviation 9.4."""
    seed = v1.placeholder(tf.int64, [])
    lucid_adapter.seed_randomness(seed)
    v1.train.get_or_create_global_step()
    session.run(v1.global_variables_initializer())
    picture = tf.constant(np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1))
    draw = session.make_callable(optvis.transform.jitter(2)(picture), [seed])
    drawn = [draw(number) for number in range(900)]
    counts = np.bincount(np.ravel(drawn).astype(int), minlength=9)
    assert counts.sum() == 900 and counts.min() > 60 and counts.max() < 140


def test_lucids_own_renderer_runs(optvis):
    """``render_vis``, which we do not use, with random transforms that were never seeded."""

    class Model:
        labels = None

        def import_graph(self, t_input, scope, forget_xy_shape):
            kernel = np.random.default_rng(0).standard_normal((3, 3, 4, 5)).astype(np.float32)
            tf.identity(tf.nn.relu(tf.nn.conv2d(t_input, kernel, 1, "VALID")), name=f"{scope}/conv")

    def frames():
        return tf.nn.sigmoid(optvis.param.fft_image([1, 12, 12, 4]))

    small, large = optvis.render.render_vis(
        Model(), "conv:2", frames, transforms=[optvis.transform.jitter(2)], thresholds=(0, 30), verbose=False
    )
    assert small.shape == large.shape == (1, 12, 12, 4)
    assert large.std() > 3 * small.std()


def test_a_silent_rectifier_passes_lucids_gradient(optvis, session):
    """The override that gets an ascent started where every unit is off."""
    from lucid.misc.gradient_override import gradient_override_map
    from lucid.misc.redirected_relu_grad import redirected_relu_grad

    v1.train.get_or_create_global_step()
    x = tf.constant([[-1.0, -2.0]])
    with gradient_override_map({"Relu": redirected_relu_grad}):
        redirected = v1.gradients(-tf.reduce_sum(tf.nn.relu(x)), x)[0]
    plain = v1.gradients(-tf.reduce_sum(tf.nn.relu(x)), x)[0]
    session.run(v1.global_variables_initializer())
    np.testing.assert_array_equal(session.run(plain), [[0, 0]])
    np.testing.assert_array_equal(session.run(redirected), [[-1, -1]])
