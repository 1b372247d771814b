"""Lets Lucid 0.3.8, written for TensorFlow 1, run on TensorFlow 2.21 and Keras 3 without touching either.

    optvis = lucid_adapter.optvis()      # installs once, imports lucid's optimisation modules
    optvis.objectives.channel("conv2", 17)

How: an import hook gives the modules of the package ``lucid``, and only them, an ``import`` of their own. What they
import as ``tensorflow`` is a view of ``tf.compat.v1`` plus the two pieces of ``tf.contrib`` that they use; what they
import as ``logging`` cannot configure the root logger, and IPython (5 MB, for showing images in notebooks) is imported
when it is used. ``sys.modules["tensorflow"]`` stays what it is, so eager code, ``tf.function`` and Keras go on working
beside Lucid, in other threads too.

Nothing here imports TensorFlow or Lucid until it is called.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import importlib.abc
import importlib.machinery
import logging
import sys
import threading
import types
from typing import Any, Iterator

SEED_COLLECTION = "zoo_gui/lucid_seed"
DRAWS_PER_STEP = 64  # more random draws than any chain of transforms makes; keeps the seeds of two steps apart
_lock = threading.Lock()


def install() -> None:
    """Put the import hook in place; does nothing the second time. Must run before anything imports lucid.

    Raises RuntimeError when lucid was already imported without it: its modules would hold the wrong TensorFlow.
    """
    with _lock:
        if any(isinstance(finder, _LucidFinder) for finder in sys.meta_path):
            return
        if "lucid" in sys.modules:
            raise RuntimeError("lucid was imported before zoo_gui.analysis.lucid_adapter.install()")
        sys.meta_path.insert(0, _LucidFinder())


def optvis() -> types.SimpleNamespace:
    """Lucid's modules ``objectives``, ``param``, ``render`` and ``transform``, imported behind the adapter."""
    install()
    names = ("objectives", "param", "render", "transform")
    return types.SimpleNamespace(**{name: importlib.import_module("lucid.optvis." + name) for name in names})


def seed_randomness(seed: Any) -> None:
    """Make Lucid's transforms, when built into the current default graph, a function of ``seed`` and the global step.

    seed: scalar int64 tensor, usually a placeholder. Why: TensorFlow 1's random operations keep their state in the
    session, so the second run in a kept session would differ from the first whatever its seed.
    """
    import tensorflow as tf

    tf.compat.v1.add_to_collection(SEED_COLLECTION, seed)


class _LucidFinder(importlib.abc.MetaPathFinder):
    """Loads lucid's modules with builtins whose ``__import__`` knows ``views`` (name -> module) first."""

    @functools.cached_property
    def views(self) -> dict[str, types.ModuleType]:
        """What lucid gets; made, and TensorFlow imported, when lucid is."""
        return _views()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != "lucid":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
            execute(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _import(self, name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and name in self.views:
            return self.views[name if fromlist else name.partition(".")[0]]
        if level == 0 and name.partition(".")[0] == "tensorflow":
            raise ImportError(f"lucid asks for {name}, which the adapter does not provide")
        return builtins.__import__(name, globals, locals, fromlist, level)


class _View(types.ModuleType):
    """A module that shows another one (given by name: imported when first used), except for the names given."""

    def __init__(self, name: str, shown: Any, **replaced: Any):
        super().__init__(name)
        self.__dict__.update(replaced, _shown=shown)

    def __getattr__(self, name: str) -> Any:
        if isinstance(self._shown, str):
            self._shown = importlib.import_module(self._shown)
        return getattr(self._shown, name)


def _views() -> dict[str, types.ModuleType]:
    """What lucid gets instead of the modules of these names."""
    import tensorflow as tf

    nothing = types.SimpleNamespace()
    slim = _View("tensorflow.contrib.slim", nothing, arg_scope=_arg_scope, conv2d=_conv2d, instance_norm=_instance_norm)
    image = _View("tensorflow.contrib.image", nothing, rotate=_rotate)
    contrib = _View("tensorflow.contrib", nothing, slim=slim, image=image)
    tensorflow = _View(
        "tensorflow", tf.compat.v1, contrib=contrib, random_uniform=_random_uniform, random_crop=_random_crop
    )
    quiet = _View("logging", logging, basicConfig=lambda **_: None)
    display = _View("IPython.display", "IPython.display")
    ipython = _View("IPython", "IPython", display=display)
    return {
        "tensorflow": tensorflow, "tensorflow.contrib": contrib, "logging": quiet,
        "IPython": ipython, "IPython.display": display,
    }  # fmt: skip


# -- random numbers: lucid.optvis.transform draws them through these two ---------------------------------------------


def _random_uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed: Any = None) -> Any:
    """tf.random_uniform; a function of the graph's seed, the step and the draw's rank after ``seed_randomness``."""
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    seeds = graph.get_collection(SEED_COLLECTION)
    maxval = 1 if maxval is None else maxval
    if not seeds:
        return tf.compat.v1.random_uniform(shape, minval, maxval, dtype, seed)
    drawn = graph.get_collection_ref(SEED_COLLECTION + "/drawn")
    drawn.append(None)
    step = tf.cast(tf.compat.v1.train.get_or_create_global_step(), tf.int64)
    pair = tf.stack([tf.cast(seeds[0], tf.int64), step * DRAWS_PER_STEP + len(drawn)])
    return tf.random.stateless_uniform(shape, pair, minval, maxval, dtype)


def _random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Any:
    """tf.random_crop with its offsets from ``_random_uniform``: every offset equally likely in each dimension."""
    import tensorflow as tf

    room = tf.cast(tf.shape(value) - size + 1, tf.float32)
    fraction = _random_uniform(tf.shape(room), seed=seed)
    offset = tf.cast(tf.floor(fraction * room), tf.int32)
    return tf.slice(value, tf.minimum(offset, tf.cast(room, tf.int32) - 1), size, name=name)


# -- tf.contrib, removed in TensorFlow 2: what lucid.optvis uses of it ------------------------------------------------


def _rotate(images: Any, angles: Any, interpolation: str = "NEAREST", name: str | None = None) -> Any:
    """tf.contrib.image.rotate: images (N, h, w, C) counter-clockwise by the angle (radians, a scalar) about the centre,
    each pixel from the nearest one; outside the image is 0.

    As tf.raw_ops.ImageProjectiveTransformV3 and its gradient, which is the rotation back, in a third of their time: the
    places are computed once for all images and channels.
    """
    import tensorflow as tf

    if interpolation != "NEAREST":
        raise ValueError(f"the adapter rotates by nearest pixels, not {interpolation}")
    shape = tf.shape(images)
    angle = tf.reshape(tf.cast(angles, tf.float32), [])

    @tf.custom_gradient
    def rotated(x: Any) -> tuple:
        return _taken(x, shape, angle), lambda slope: _taken(slope, shape, -angle)

    result = tf.identity(rotated(images), name=name)
    result.set_shape(images.shape)
    return result


def _taken(images: Any, shape: Any, angle: Any) -> Any:
    """Each pixel of (N, h, w, C) from where a rotation by ``angle`` takes it; x right, y down."""
    import tensorflow as tf

    h, w = shape[1], shape[2]
    bottom, right = tf.cast(h, tf.float32) - 1, tf.cast(w, tf.float32) - 1
    c, s = tf.cos(angle), tf.sin(angle)
    x, y = tf.cast(tf.range(w), tf.float32)[None, :], tf.cast(tf.range(h), tf.float32)[:, None]
    column = tf.cast(tf.round(c * x - s * y + (right - (c * right - s * bottom)) / 2), tf.int32)
    row = tf.cast(tf.round(s * x + c * y + (bottom - (s * right + c * bottom)) / 2), tf.int32)
    inside = (column >= 0) & (column < w) & (row >= 0) & (row < h)
    place = tf.reshape(tf.where(inside, row * w + column, h * w), [-1])
    pixels = tf.reshape(images, [shape[0], h * w, shape[3]])
    with_nothing = tf.concat([pixels, tf.zeros_like(pixels[:, :1])], 1)  # what lies outside
    return tf.reshape(tf.gather(with_nothing, place, axis=1), shape)


_arguments: list[dict[str, Any]] = [{}]  # of tf.contrib.slim's nested arg_scopes; only lucid.optvis.param.cppn uses it


@contextlib.contextmanager
def _arg_scope(_functions: Any, **defaults: Any) -> Iterator[None]:
    _arguments.append({**_arguments[-1], **defaults})
    try:
        yield
    finally:
        _arguments.pop()


def _conv2d(x: Any, channels: int, **options: Any) -> Any:
    """slim.conv2d as CPPNs use it: of one pixel, with bias; a matrix product, whose gradients are quicker."""
    import tensorflow as tf

    options = {**_arguments[-1], **options}
    if list(options["kernel_size"]) != [1, 1]:
        raise ValueError("the adapter's slim.conv2d mixes the channels of one pixel only")
    shape = [1, 1, int(x.shape[-1]), channels]
    kernel = tf.compat.v1.Variable(options["weights_initializer"](shape, dtype=tf.float32))
    bias = tf.compat.v1.Variable(options["biases_initializer"]([channels], dtype=tf.float32))
    flat = tf.matmul(tf.reshape(x, [-1, shape[2]]), tf.reshape(kernel, shape[2:])) + bias
    y = tf.reshape(flat, [*x.shape[:-1], channels])
    return options["activation_fn"](y) if options["activation_fn"] else y


def _instance_norm(x: Any) -> Any:
    """slim.instance_norm without scale and offset: each image and channel to mean 0, variance 1."""
    import tensorflow as tf

    if x.shape[0] == 1:  # what a batch normalisation of one image is, which has a kernel of its own
        channels = int(x.shape[-1])
        norm = tf.compat.v1.nn.fused_batch_norm
        return norm(x, tf.ones([channels]), tf.zeros([channels]), epsilon=1e-6, is_training=True)[0]
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + 1e-6)
