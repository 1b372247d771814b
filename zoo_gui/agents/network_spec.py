"""A network as data: its layers, what feeds them, and how the file of its weights orders them. No TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from zoo_gui.agents.tables import rare

WEIGHTED = ("conv", "dense", "batchnorm", "layernorm", "gru", "lstm")
"""Kinds of layer that have arrays in the file."""
RECURRENT = ("gru", "lstm")
AS_FED = ("activation", "batchnorm", "layernorm", "add", "multiply")
"""Kinds whose output has the shape of (the first of) what feeds them."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer, in the order of computation. A map is (H, W, C), a vector (N,).

    source (key ``from``): the layer that feeds it, or a list of them; by default the one written before it, or the
    observation. role: what an output means: ``logits``, ``q`` or ``value``. activation: the non-linearity of ``conv``,
    ``dense``, ``batchnorm``, ``layernorm``, ``add``, ``multiply`` and ``activation``; slope: of ``leaky_relu``.

    kind, with weights:

    ``conv``: filters, kernel and stride as (vertical, horizontal); padding VALID or SAME as TensorFlow pads, or the
    zeros around the map: [vertical, horizontal] or [top, bottom, left, right]; bias = false where there is none.
    ``dense``: units, bias; a map is flattened (``NetworkSpec.flatten``). Of a noisy layer the mean weights are meant
    (Fortunato et al. 2018: without noise outside training).
    ``batchnorm``: (x − mean) / √(variance + epsilon) · scale + offset with the running mean and variance, per channel.
    ``layernorm``: the same with mean and variance of each observation's own units: over = ``units`` (of one position of
    a map) or ``all`` (of the whole map). bias = false: neither norm has scale and offset.
    ``gru``, ``lstm``: units; gates: the order in which the file holds the gates, ``rzn`` (PyTorch) or ``zrn`` (Keras)
    of a GRU, ``ifgo`` (PyTorch, Keras), ``igfo`` (TensorFlow 1, Dopamine's) of an LSTM, g the candidate;
    by default the order of the file's framework. reset_after: whether a GRU's reset gate acts after the matrix product
    (PyTorch, cuDNN, Keras 2) or before it (Cho et al. 2014; Chainer, Keras 1). gate_activation: ``sigmoid`` or
    ``hard_sigmoid``, 0.2 · x + 0.5 cut to 0–1 (Keras 1 and 2). forget_bias: added to an LSTM's forget gate at run time
    (TensorFlow 1: 1.0). The state is zero when an episode begins.

    kind, without weights:

    ``activation``. ``add``, ``multiply``, ``concat`` of the layers in ``from``; multiply and add stretch what is 1
    long, and a vector over a map's positions.
    ``flatten``: a map as a vector in the order of the network's flatten.
    ``maxpool``, ``avgpool``: kernel, stride, padding; padding never counts. ``mean``: of a map's positions: (C,).
    ``dueling``, from = [value, advantage] of Q and A·Q units: A·Q units, value + advantage − the mean of advantage over
    the actions (Wang et al. 2016, eq. 9), for each of the Q numbers that describe an action's return by itself;
    centre: ``mean``, ``max`` (eq. 8) or ``none``.
    ``expectation``, of A·Q units to ``units`` = A: the mean of each action's Q numbers, equally likely quantiles of its
    return (Dabney et al. 2018); with support = [low, high] they are logits of Q returns spaced evenly from low to high
    (C51, Bellemare et al. 2017). Unit a · Q + q is the q-th number of action a; atoms_first: the file's order is
    q · A + a (Stable-Baselines3's QR-DQN).
    ``cosine``: units cosines of each of ``quantiles`` fractions τ = (k + ½) / quantiles, a map (1, quantiles, units):
    cos(π · i · τ) for i from ``first`` on (IQN, Dabney et al. 2018b, eq. 4, with midpoints in place of drawn τ). A conv
    of kernel (1, 1) after it is a dense layer of each fraction.
    ``complement``: of one unit z, two: z and 0. Their softmax is a sigmoid's p and 1 − p.
    ``graph``: a tensor of the file's own graph, node = its name; every layer of such a network is one.
    ``groups``: of no card, but of ``Agent.with_groups``: units directions in the units of the layer in ``from``.
    """

    name: str
    kind: str
    filters: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: str | tuple[int, ...] = "VALID"
    units: int = 0
    activation: str = "linear"
    role: str = ""
    source: str | tuple[str, ...] | None = field(default=None, metadata={"key": "from"})
    support: tuple[float, float] | None = rare(None)
    bias: bool = rare(True)
    slope: float = rare(0.01)
    epsilon: float = rare(1e-5)
    over: str = rare("units")
    gates: str = rare("")
    reset_after: bool = rare(True)
    gate_activation: str = rare("sigmoid")
    forget_bias: float = rare(0.0)
    centre: str = rare("mean")
    atoms_first: bool = rare(False)
    quantiles: int = rare(0)
    first: int = rare(0)
    node: str = rare("")


@dataclass(frozen=True)
class NetworkSpec:
    """Layers as data.

    flatten: the order in which the dense and recurrent layers of the *file* read a map, ``HWC`` or ``CHW`` (PyTorch,
    Chainer); rows of CHW kernels are reordered on loading. input_range: what 0 and 255 of the observation become before
    the first layer. frame_order: the order of frames that the *file's* first layer expects, ``oldest-first`` or
    ``newest-first``; input channels of newest-first kernels are reordered on loading, observations are always oldest
    first. input: the name of the input tensor, of a network that runs as its file's graph. input_layout: that tensor's
    axes, ``NHWC`` or ``NCHW``.
    """

    layers: tuple[LayerSpec, ...]
    flatten: str = "HWC"
    input_range: tuple[float, float] = (0.0, 1.0)
    frame_order: str = rare("oldest-first")
    input: str = rare("")
    input_layout: str = rare("NHWC")

    @property
    def is_graph(self) -> bool:
        """Whether the file's own graph is run, rather than layers that we build."""
        return any(layer.kind == "graph" for layer in self.layers)

    def wired(self) -> Iterator[tuple[LayerSpec, tuple[str, ...]]]:
        """Each layer with the names of those that feed it; () is the observation."""
        previous: tuple[str, ...] = ()
        for layer in self.layers:
            source = layer.source
            yield layer, previous if source is None else (source,) if isinstance(source, str) else source
            previous = (layer.name,)

    def units(self) -> dict[str, int]:
        """{layer: number of its units}, a map's channels; 0 where that follows from the observation or the graph."""
        units: dict[str, int] = {}
        for layer, fed in self.wired():
            before = [units[name] for name in fed]
            if layer.kind == "dueling":
                units[layer.name] = before[1]
            elif layer.kind == "complement":
                units[layer.name] = 2
            elif layer.kind == "concat":
                units[layer.name] = sum(before) if all(before) else 0
            elif layer.kind in (*AS_FED, "maxpool", "avgpool", "mean"):
                units[layer.name] = max(before, default=0)
            else:
                units[layer.name] = layer.filters or layer.units
        return units
