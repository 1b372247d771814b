"""Gradient ascent on an image by Lucid, in a TensorFlow 1 graph and session that are kept and used again.

``lucid.render_vis`` builds a graph and a session for every picture, about half a second each. Here one ``Ascent``
serves every unit of a layer: the unit's index, the seed and the learning rate are placeholders, and ``reset`` puts the
image, Adam's moments and the step count back to their start. TensorFlow and Lucid are imported when the first is built.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Callable, NamedTuple

import numpy as np

from zoo_gui.analysis import lucid_adapter

PARAMETERIZATIONS = ("fft", "pixel", "pyramid")
OBJECTIVES = ("channel", "neuron")
TRANSFORMS = ("robust", "jitter", "none")
START_SD = 0.01  # Lucid's: standard deviation of the first parameters, hence a nearly uniform grey image
PADDING = 0.5  # grey level outside the image, as in Lucid's standard transforms
FFT_GAIN = 4.0  # fft_image divides the image by 4
LARGE_CONSTANT = 16_384  # bytes, of a constant in the graph
KEPT_SESSIONS = 12  # idle ones, 12 MB each: all layers of two agents


class Recipe(NamedTuple):
    """What fixes the graph of an ascent; everything else is fed.

    layer: name of the layer; pre_activation: before its non-linearity. objective: ``channel`` (mean over positions) or
    ``neuron`` (the central position). parameterization and transforms: see docs/feature_visualization.md.
    """

    layer: str
    pre_activation: bool = True
    objective: str = "channel"
    parameterization: str = "fft"
    transforms: str = "robust"


class Ascent:
    """Raises the units of one layer of one agent. Its methods may be called from any thread, by one at a time.

    agent: has ``taps`` and ``observation_shape``, see docs/architecture.md.
    """

    def __init__(self, agent: Any, recipe: Recipe):
        import tensorflow as tf

        v1 = tf.compat.v1
        self.shape = tuple(int(n) for n in agent.observation_shape)
        self.recipe = recipe
        graph = v1.Graph()
        self._session = v1.Session(graph=graph, config=_single_thread(v1))
        with graph.as_default(), self._session.as_default():
            self._build(v1, agent)

    def _build(self, v1: Any, agent: Any) -> None:
        """Write the graph; see the class for what is fed and what is kept."""
        optvis = lucid_adapter.optvis()
        unit = v1.placeholder(v1.int32, [], "unit")
        seed = v1.placeholder(v1.int64, [], "seed")
        rate = v1.placeholder(v1.float32, [], "learning_rate")
        lucid_adapter.seed_randomness(seed)
        model = _Model(v1, agent, self.recipe)
        T = optvis.render.make_vis_T(
            model,
            getattr(optvis.objectives, self.recipe.objective)(self.recipe.layer, unit),
            param_f=lambda: _image(optvis.param, self.recipe.parameterization, self.shape),
            optimizer=v1.train.AdamOptimizer(rate),
            transforms=_transforms(optvis.transform, self.recipe.transforms, self.shape),
            relu_gradient_override=True,
        )
        parameters = v1.trainable_variables()
        self._shapes = [tuple(variable.shape.as_list()) for variable in parameters]
        starts = [v1.placeholder(v1.float32, shape) for shape in self._shapes]
        known = {id(variable) for variable in parameters}
        kept = [variable for variable in v1.global_variables() if id(variable) not in known]
        fresh = [variable.initializer for variable in kept]
        fresh += [v1.assign(variable, start).op for variable, start in zip(parameters, starts)]
        call = self._session.make_callable
        model.load(self._session)
        self._reset = call(v1.group(*fresh), starts)
        self._step = call(T("vis_op"), [unit, seed, rate])
        self._image = call(T("input"))
        # The objective of the image itself: fed in behind the transforms.
        self._objective = call(v1.reduce_mean(T("loss")), [model.network_input, unit])

    def reset(self, unit: int, seed: int = 0, learning_rate: float = 0.05, start: np.ndarray | None = None) -> None:
        """Begin again: at nearly uniform grey drawn from ``seed``, or at ``start`` (h, w, C) in 0–1."""
        rng = np.random.default_rng(seed)
        values = [START_SD * rng.standard_normal(shape).astype(np.float32) for shape in self._shapes]
        if start is not None:
            values = _encode(start, self.recipe.parameterization, self._shapes)
        self._reset(*values)
        self._fed = (unit, seed, learning_rate)

    def step(self) -> None:
        """One step of Adam."""
        self._step(*self._fed)

    def look(self) -> tuple[np.ndarray, float]:
        """The image (h, w, C) float32 in 0–1, and the objective of it without transforms."""
        batch = self._image()
        return batch[0], float(self._objective(batch, self._fed[0]))

    def close(self) -> None:
        """Free the session; the ascent is useless afterwards."""
        self._session.close()


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


class _Model:
    """An agent as ``lucid.render`` wants its models: something that writes its layers into the default graph.

    Large constants become variables (``load`` fills them). Why: TensorFlow keeps a constant about eight times (node
    definitions and kernels of every callable), 55 MB for each dense layer's session instead of 7.
    """

    labels = None

    def __init__(self, v1: Any, agent: Any, recipe: Recipe):
        self._v1, self._agent, self._layer, self._pre = v1, agent, recipe.layer, recipe.pre_activation
        self._weights: list[tuple[Any, np.ndarray]] = []  # (placeholder, value) to assign
        self._assign: list[Any] = []

    def import_graph(self, t_input: Any, scope: str = "import", forget_xy_shape: bool = True) -> None:
        """Write the network under ``scope``; the shapes stay known, because dense layers need them."""
        v1 = self._v1
        shape = (1, *self._agent.observation_shape)
        self.network_input = v1.placeholder_with_default(t_input, shape, "network_input")
        definition = _ending_in(self._layer, self._definition(shape))
        inputs = {"x": self.network_input}
        for node in definition.node:
            if node.op == "Const" and node.ByteSize() > LARGE_CONSTANT:
                inputs[node.name] = self._variable(node)
        v1.import_graph_def(definition, inputs, name=scope)

    def _definition(self, shape: tuple[int, ...]) -> Any:
        """The network from a placeholder ``x`` to one operation named after each layer, as a GraphDef."""
        v1 = self._v1
        with v1.Graph().as_default() as graph:
            x = v1.placeholder(v1.float32, shape, "x")
            with v1.name_scope("network"):
                layers = self._agent.taps(x, pre=self._pre)
            for name, tensor in layers.items():
                v1.identity(tensor, name=name)
        return graph.as_graph_def()

    def _variable(self, constant: Any) -> Any:
        """A variable for the Const node, whose value leaves the graph."""
        v1 = self._v1
        value = v1.make_ndarray(constant.attr["value"].tensor)
        variable = v1.Variable(v1.zeros(value.shape, value.dtype), trainable=False, collections=[])
        placeholder = v1.placeholder(value.dtype, value.shape)
        self._assign.append(v1.assign(variable, placeholder).op)
        self._weights.append((placeholder, value))
        constant.op = "Placeholder"
        del constant.attr["value"]
        return variable.read_value()

    def load(self, session: Any) -> None:
        """Give the variables their values, once."""
        session.run(self._assign, dict(self._weights))
        self._weights.clear()


def _ending_in(layer: str, definition: Any) -> Any:
    """The GraphDef with only the nodes that ``layer`` and the input ``x`` need."""
    nodes = {node.name: node for node in definition.node}
    wanted, waiting = {"x"}, [layer]
    while waiting:
        name = waiting.pop().removeprefix("^").partition(":")[0]
        if name not in wanted:
            wanted.add(name)
            waiting.extend(nodes[name].input)
    kept = type(definition)(versions=definition.versions, library=definition.library)
    kept.node.extend(node for node in definition.node if node.name in wanted)
    return kept


def _single_thread(v1: Any) -> Any:
    """All operations in the thread that calls, so that its priority holds for them; one thread is also as fast here.

    The CPU always: beside a game there is little to gain from a GPU at batch 1, and a second session would contend for
    its memory.
    """
    return v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=-1, device_count={"GPU": 0})


def _image(param: Any, parameterization: str, shape: tuple[int, ...]) -> Any:
    """(1, h, w, C) in 0–1. No colour decorrelation: the channels are frames in time, not RGB."""
    batch = [1, *shape]
    make = {"fft": param.fft_image, "pixel": param.naive, "pyramid": param.laplacian_pyramid}[parameterization]
    return param.to_valid_rgb(make(batch), decorrelate=False, sigmoid=True)


def _transforms(transform: Any, name: str, shape: tuple[int, ...]) -> list:
    """Lucid's transforms for frames of about 84 pixels; all end at the input's size, which dense layers need."""
    pad = lambda width: transform.pad(width, mode="constant", constant_value=PADDING)  # noqa: E731
    steps = {
        "none": [],
        "jitter": [pad(1), transform.jitter(2)],
        "robust": [
            pad(4),
            transform.jitter(4),
            transform.random_scale([0.9 + 0.02 * i for i in range(11)]),
            transform.random_rotate(range(-5, 6)),
            transform.jitter(2),
        ],
    }[name]
    return [*steps, transform.crop_or_pad_to(*shape[:2])]


def _encode(image: np.ndarray, parameterization: str, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Parameters whose image is ``image`` (h, w, C) in 0–1, up to clipping at 1 % from black and white."""
    clipped = np.clip(np.asarray(image, np.float64), 0.01, 0.99)
    logits = np.log(clipped / (1 - clipped))
    if parameterization != "fft":  # the first level of a pyramid has full size; the others add nothing
        return [logits[None].astype(np.float32), *(np.zeros(shape, np.float32) for shape in shapes[1:])]
    h, w, _ = logits.shape
    bins = shapes[0][-1]  # an odd width has one more, and fft_image cuts the surplus column off
    wide = np.pad(logits, ((0, 0), (0, 2 * (bins - 1) - w), (0, 0)), mode="edge")
    frequency = np.hypot(np.fft.fftfreq(h)[:, None], np.fft.fftfreq(w)[np.arange(bins) % w])
    scale = np.sqrt(w * h) / np.maximum(frequency, 1 / max(h, w))
    spectrum = np.fft.rfft2(np.moveaxis(wide, 2, 0)) * FFT_GAIN / scale
    return [np.stack([spectrum.real, spectrum.imag]).astype(np.float32)]
