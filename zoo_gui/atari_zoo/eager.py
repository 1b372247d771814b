"""Agents run eagerly; notebooks of the zoo ask for observations inside ``with tf.Graph().as_default()`` as well.

TensorFlow's current graph belongs to the thread, so there another thread asks the agent.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator


def call(function: Callable, *arguments: Any) -> Any:
    """The function's result, computed outside any graph."""
    if _is_eager():
        return function(*arguments)
    with ThreadPoolExecutor(1, "zoo_gui eager") as pool:
        return pool.submit(function, *arguments).result()


def run(generator: Iterator) -> Iterator:
    """What a generator yields, each record computed outside any graph; an interruption ends it after that record."""
    if _is_eager():
        yield from generator
        return
    with ThreadPoolExecutor(1, "zoo_gui eager") as pool:
        while (record := pool.submit(next, generator, None).result()) is not None:
            yield record


def _is_eager() -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is None or tensorflow.executing_eagerly()
