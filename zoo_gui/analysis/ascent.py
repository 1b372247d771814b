"""Gradient ascent on images by Lucid, in a TensorFlow 1 graph and session that are kept and used again.

``lucid.render_vis`` builds a graph and a session for every picture, about half a second each. Here one ``Ascent``
serves every unit of a layer: the units' indices, the seed, the learning rate and the penalties' weights are
placeholders, and ``reset`` puts the images, Adam's moments and the step count back to their start. TensorFlow and Lucid
are imported when the first is built.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from typing import Any, Callable, Iterator, NamedTuple, Sequence

import numpy as np

from zoo_gui.analysis import lucid_adapter, vis_objectives, vis_transforms
from zoo_gui.analysis.ascent_images import PARAMETERIZATIONS, Images
from zoo_gui.analysis.ascent_model import Model
from zoo_gui.analysis.targets import Term
from zoo_gui.types import ZooError

__all__ = ["OBJECTIVES", "PARAMETERIZATIONS", "POOL", "Ascent", "Pool", "Recipe"]
OBJECTIVES = ("channel", "neuron")
KEPT_SESSIONS = 12  # idle ones, 12 MB each: all layers of two agents
FAINT = 1e-3  # the least activation that penalties are measured by


class Recipe(NamedTuple):
    """What fixes the graph of an ascent; everything else is fed.

    layer: name of the layer whose units are raised, of the first one of a target; pre_activation: before its
    non-linearity. objective: ``channel`` (mean over positions) or ``neuron`` (the central position).
    parameterization and transforms: see docs/feature_visualization.md. terms: of a target that is no plain unit, else
    (). count: images in the batch. free: how many of the newest channels are optimised, 0: all. penalties: of
    vis_objectives.PENALTIES; likeness: the layer at which ``diversity`` compares.
    """

    layer: str
    pre_activation: bool = True
    objective: str = "channel"
    parameterization: str = "fft"
    transforms: str = "robust"
    terms: tuple[Term, ...] = ()
    count: int = 1
    free: int = 0
    penalties: tuple[str, ...] = ()
    likeness: str = ""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that the graph reads."""
        read = [term.layer for term in self.terms] or [self.layer]
        return tuple(dict.fromkeys([*read, *([self.likeness] if self.likeness else [])]))


class Ascent:
    """Raises units of one layer, or another target, of one agent. Its methods may be called from any thread, by one at
    a time.

    agent: has ``taps``, ``layers`` and ``observation_shape``, see docs/architecture.md. Raises ZooError where no
    gradient reaches the image.
    """

    def __init__(self, agent: Any, recipe: Recipe):
        import tensorflow as tf

        v1 = tf.compat.v1
        self.shape = tuple(int(n) for n in agent.observation_shape)
        self.recipe = recipe
        graph = v1.Graph()
        self._session = v1.Session(graph=graph, config=_single_thread(v1))
        try:
            with graph.as_default(), self._session.as_default():
                self._build(v1, agent)
        except BaseException:
            self._session.close()
            raise

    def _build(self, v1: Any, agent: Any) -> None:
        """Write the graph; see the class for what is fed and what is kept."""
        recipe, optvis = self.recipe, lucid_adapter.optvis()
        units = v1.placeholder(v1.int32, [recipe.count], "units")
        seed = v1.placeholder(v1.int64, [], "seed")
        rate = v1.placeholder(v1.float32, [], "learning_rate")
        weights = v1.placeholder(v1.float32, [len(recipe.penalties)], "weights")
        lucid_adapter.seed_randomness(seed)
        model = Model(v1, agent, recipe.layers, recipe.pre_activation, recipe.count)
        free = recipe.free or self.shape[2]
        self._images = Images(v1, optvis.param, recipe.parameterization, recipe.count, self.shape, free)
        each: list = []  # the targets' tensors, one for each image
        T = _minimised(
            optvis.render.make_vis_T,
            model,
            optvis.objectives.Objective(lambda T: self._raised(v1, optvis.objectives, T, units, weights, each)),
            param_f=self._images.tensor,
            optimizer=v1.train.AdamOptimizer(rate),
            transforms=vis_transforms.build(optvis.transform, recipe.transforms, self.shape),
            relu_gradient_override=True,
        )
        call = self._session.make_callable
        self._reset = self._resetting(v1, call)
        model.load(self._session)
        self._step = call(T("vis_op"), [units, seed, rate, weights])
        self._image = call(T("input"))
        # The target of the images themselves: fed in behind the transforms.
        self._values = call(v1.stack(each), [model.network_input, units])

    def _raised(self, v1: Any, objectives: Any, T: Callable, units: Any, weights: Any, each: list) -> Any:
        """What Adam raises: the sum of the images' targets, less the penalties, each relative to the mean target."""
        recipe, whole = self.recipe, self.recipe.objective == "channel"
        terms = [recipe.terms or (Term(recipe.layer, units[i]),) for i in range(recipe.count)]
        each += vis_objectives.values(objectives, T, terms, whole)
        total = v1.add_n(each)
        level = v1.stop_gradient(v1.maximum(v1.reduce_mean(v1.abs(v1.stack(each))), FAINT)) * recipe.count
        place = recipe.terms[0].position if recipe.terms else None
        for i, kind in enumerate(recipe.penalties):
            paid = vis_objectives.penalty(objectives, T, kind, recipe.likeness, whole and place is None, place)
            total -= weights[i] * level * paid
        return total

    def _resetting(self, v1: Any, call: Callable) -> Callable:
        """The session's function of the images' parameters, and the frames that stay, that begins anew."""
        images = self._images
        given = [*images.variables, *([] if images.past is None else [images.past])]
        known = {id(variable) for variable in given}
        kept = [variable for variable in v1.global_variables() if id(variable) not in known]
        starts = [v1.placeholder(v1.float32, variable.shape) for variable in given]
        fresh = [variable.initializer for variable in kept]
        fresh += [v1.assign(variable, start).op for variable, start in zip(given, starts)]
        return call(v1.group(*fresh), starts)

    def reset(
        self,
        units: Sequence[int] | int = 0,
        seed: int = 0,
        learning_rate: float = 0.05,
        start: np.ndarray | None = None,
        weights: Sequence[float] = (),
        alike: bool = False,
        black: float = 0.0,
    ) -> None:
        """Begin again: at nearly uniform grey drawn from ``seed``, or at ``start`` (h, w, C) in 0–1.

        units: the index of each image's unit, or one for all; without meaning for a target. weights: of the recipe's
        penalties. alike: the same noise for every image. black: the level of frames that stay as they are, where
        ``start`` has none.
        """
        count = self.recipe.count
        indices = [units] * count if isinstance(units, (int, np.integer)) else list(units)
        values = self._images.start(seed, start, alike)
        if self._images.past is not None:
            still = tuple(self._images.past.shape.as_list())
            values.append(np.full(still, black, np.float32) if start is None else start[None, ..., : still[-1]])
        self._reset(*values)
        self._fed = (np.array(indices, np.int32), seed, learning_rate, np.array(weights, np.float32))

    def step(self) -> None:
        """One step of Adam."""
        self._step(*self._fed)

    def look(self) -> tuple[np.ndarray, np.ndarray]:
        """The images (n, h, w, C) float32 in 0–1, and the target of each without transforms, (n,) float64."""
        batch = self._image()
        return batch, self._values(batch, self._fed[0]).astype(np.float64)

    def close(self) -> None:
        """Free the session; the ascent is useless afterwards."""
        self._session.close()


def _minimised(make_vis_T: Callable, *arguments: Any, **options: Any) -> Callable:
    """Lucid's graph; raises ZooError where it has no gradient."""
    try:
        return make_vis_T(*arguments, **options)
    except (LookupError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        if isinstance(error, ValueError) and "No gradients" not in reason:
            raise
        raise ZooError(
            "Nothing can be optimised here: no gradient leads from this target to the observation "
            f"(TensorFlow says “{reason[:160]}”)."
        ) from error


class Pool:
    """Idle ascents by key, the longest unused closed first. An ascent in use is in nobody's pool."""

    def __init__(self, capacity: int = KEPT_SESSIONS):
        self._capacity, self._lock = capacity, threading.Lock()
        self._idle: OrderedDict[tuple, Ascent] = OrderedDict()

    def take(self, agent: Any, recipe: Recipe, build: Callable[[Any, Recipe], Ascent] = Ascent) -> Ascent:
        """An idle ascent for this agent's weights and recipe, else a new one. Give it back, or close it."""
        with self._lock:
            kept = self._idle.pop((agent.hash, recipe), None)
        return kept or build(agent, recipe)

    def give(self, agent: Any, ascent: Ascent) -> None:
        """Keep the ascent for the next ``take``."""
        key = (agent.hash, ascent.recipe)
        with self._lock:
            surplus = [self._idle.pop(key)] if key in self._idle else []
            self._idle[key] = ascent
            while len(self._idle) > self._capacity:
                surplus.append(self._idle.popitem(last=False)[1])
        for old in surplus:
            old.close()

    @contextlib.contextmanager
    def lent(self, agent: Any, recipe: Recipe) -> Iterator[Ascent]:
        """An ascent for the block, kept afterwards, also where the block is a generator that is closed; one that failed
        is not used again."""
        ascent = self.take(agent, recipe)
        try:
            yield ascent
        except GeneratorExit:
            self.give(agent, ascent)
            raise
        except BaseException:
            ascent.close()
            raise
        self.give(agent, ascent)

    def has(self, agent: Any, recipe: Recipe) -> bool:
        """Whether ``take`` will be quick."""
        return (agent.hash, recipe) in self._idle

    def __len__(self) -> int:
        return len(self._idle)

    def clear(self) -> None:
        """Close all idle ascents."""
        with self._lock:
            idle, self._idle = self._idle, OrderedDict()
        for ascent in idle.values():
            ascent.close()


POOL = Pool()
"""The process's idle ascents."""


def _single_thread(v1: Any) -> Any:
    """All operations in the thread that calls, so that its priority holds for them; one thread is also as fast here.

    The CPU always: beside a game there is little to gain from a GPU at batch 1, and a second session would contend for
    its memory.
    """
    return v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=-1, device_count={"GPU": 0})
