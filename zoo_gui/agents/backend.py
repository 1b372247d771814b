"""TensorFlow, imported late and set up once: threads, device, silence.

Set ``ZOO_GUI_DEVICE`` to ``cpu`` or ``gpu``; without it TensorFlow takes a GPU where it finds one.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import logging
import os
import platform
import sys
from pathlib import Path
from types import ModuleType
from typing import Iterator

from zoo_gui.types import ZooError

log = logging.getLogger(__name__)


@functools.cache
def configure_tensorflow() -> ModuleType:
    """The ``tensorflow`` module, imported (2–4 s, about 490 MB resident) and set up on the first call.

    One intra-op thread: at batch 1 a second one only spins (measured on two cores: 1.2 ms with one, 1.4–1.5 ms with p99
    over 10 ms with two). Two inter-op threads: with one, calls from two threads wait for each other, and a step of the
    game for a slice of an analysis. oneDNN stays off: equally fast here, and its rounding varies.
    Raises ZooError when ``ZOO_GUI_DEVICE=gpu`` finds no GPU.
    """
    wanted = os.environ.get("ZOO_GUI_DEVICE", "").strip().lower()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    tf = _import_tensorflow()
    tf.get_logger().setLevel("ERROR")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(2)
        gpus = tf.config.list_physical_devices("GPU")
        if wanted == "cpu":
            tf.config.set_visible_devices([], "GPU")
        else:
            for gpu in gpus:  # else TensorFlow takes the whole card from everyone else
                tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:  # someone used TensorFlow before us: its set-up stands
        log.warning("TensorFlow was in use already and keeps its own set-up: %s", error)
    if wanted == "gpu" and not tf.config.list_physical_devices("GPU"):
        raise ZooError("ZOO_GUI_DEVICE asks for a GPU, but TensorFlow finds none: unset it or set it to cpu.")
    return tf


def _import_tensorflow() -> ModuleType:
    """Import TensorFlow without the Keras that it would load at once, and that loads scikit-learn.

    That third of the time (1.3 s of 3.7 s) and 100 MB buy nothing here. TensorFlow does without Keras where it is not
    installed, which is what it is shown; ``tf.keras`` and ``import tensorflow.keras`` work later, on demand.
    """
    if "tensorflow" in sys.modules or "keras" in sys.modules:
        import tensorflow as tf

        return tf
    keras = importlib.util.find_spec("keras")
    sys.modules["keras"] = None  # what an import statement takes for "not installed"
    try:
        with _quiet():
            import tensorflow as tf
    finally:
        del sys.modules["keras"]
    places = [str(Path(folder) / "_tf_keras") for folder in (keras.submodule_search_locations if keras else ())]
    tf.__path__ = places + [folder for folder in tf.__path__ if folder]
    return tf


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing reaches stderr: the plain wheel's C++ says there that it finds no CUDA, whatever its log level is."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@functools.cache
def device_name() -> str:
    """The device that computes, for people: "CPU (x86_64, 1 thread)" or "GPU (NVIDIA H200)"."""
    tf = configure_tensorflow()
    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return f"GPU ({details.get('device_name', gpus[0].name)})"
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    return f"CPU ({platform.machine()}, {threads or 'all'} thread{'' if threads == 1 else 's'})"
