"""Layers among a file's named arrays: which arrays belong together, what kind of layer they are, how large it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from zoo_gui.agents.inference import cells

_PARTS = (
    ("kernel", r"weights?|kernel|w|weights?_mu|mu_weights?|mu_w|w_mu|kernel_mu|weight_orig|weights?_mean"),
    ("bias", r"_?bias(es)?|b|bias_mu|mu_bias|mu_b|b_mu|bias_mean"),
    ("kernel_ih", r"weight_ih(_l0)?|wx|w_ih"),
    ("kernel_hh", r"weight_hh(_l0)?|wh|w_hh"),
    ("bias_ih", r"bias_ih(_l0)?|b_ih"),
    ("bias_hh", r"bias_hh(_l0)?|b_hh"),
    ("recurrent_kernel", r"recurrent_kernel"),
    ("recurrent_bias", r"recurrent_bias"),
    ("mean", r"running_mean|moving_mean|avg_mean|mean"),
    ("variance", r"running_var|moving_variance|avg_var|var|variance"),
    ("scale", r"gamma|scale"),
    ("offset", r"beta|offset"),
    ("noise", r".*(sigma|epsilon|eps).*|noise.*"),
    ("counter", r"num_batches_tracked|n|step|steps|count|global_step|persistent"),
    ("constant", r"support|supports|atoms|z_atoms|tau_hats?|taus"),
)
_PART = [(part, re.compile(pattern, re.IGNORECASE)) for part, pattern in _PARTS]
_NO_WEIGHTS = {
    "noise": "noise is off outside training", "counter": "it is a counter, not weights",
    "constant": "it is a constant of the distribution of returns",
}  # fmt: skip
_LOOSE = re.compile(r"(?P<head>.*?)_?(?P<part>weights?|kernel|bias|biases|w|b)(?P<tail>_?\d*)", re.IGNORECASE)
_FIRST = re.compile(r"(?P<part>w|b|weights?|bias|biases)_(?P<head>\w+)", re.IGNORECASE)
_SHELLS = frozenset({"params", "batch_stats", "module", "state_dict", "model_state_dict", "trainable_variables"})
"""Components of a path that wrap what they hold and say nothing of it."""
TOP = "top"
"""The path of arrays that lie in no folder: ``weight``, ``bias``."""
LEFT_OUT = frozenset({
    "target", "targets", "tgt", "optimizer", "optimizers", "optimiser", "optim", "opt", "adam", "rmsprop", "adagrad",
    "momentum", "scheduler", "slot", "slots", "exp_avg", "avg_sq", "opt_state", "optimizer_state", "ema",
})  # fmt: skip
"""Words of a path that mean training's own copies and counters, not the network that acts."""


def words(path: str) -> tuple[str, ...]:
    """The lower-case words of a name: ``base.fcValue_2`` → base, fc, value, 2."""
    return tuple(word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", path))


@dataclass(frozen=True)
class Module:
    """A layer that has arrays.

    path: its name in the file. kind: one of network_spec.WEIGHTED. parts: {our part: the file's array, or those that
    are joined}. inputs, outputs: units or channels; a dense layer that reads a map counts all of it. kernel: (vertical,
    horizontal). gates: the order of a recurrent layer's, where it is not the framework's. noisy: its kernel is
    the mean weights of a noisy layer. place: its order in the file. over: of a layernorm.
    """

    path: str
    kind: str
    parts: Mapping[str, str | tuple[str, ...]]
    inputs: int
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    noisy: bool = False
    place: int = 0
    over: str = "units"
    gates: str = ""

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of its arrays."""
        return tuple(n for names in self.parts.values() for n in ((names,) if isinstance(names, str) else names))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words of the path."""
        return words(self.path)

    @property
    def components(self) -> tuple[str, ...]:
        """The path's components, without shells."""
        return tuple(part for part in re.split(r"[./]", self.path) if part and part not in _SHELLS)

    @property
    def is_norm(self) -> bool:
        """Whether it normalises what it reads."""
        return self.kind in ("batchnorm", "layernorm")


@dataclass(frozen=True)
class Found:
    """Layers in the file's order, the convention of their kernels, and what was passed over: {array: why}."""

    modules: tuple[Module, ...]
    convention: str
    left_out: Mapping[str, str] = field(default_factory=dict)


def find(arrays: Mapping[str, np.ndarray], convention: str = "") -> Found:
    """The layers of a file. Never raises: what is no layer is in ``left_out``."""
    left_out: dict[str, str] = {}
    groups = _groups(arrays, left_out)
    convention = convention or _convention(groups, arrays) or "pytorch"
    modules = []
    for path, parts in cells.joined(groups).items():
        groups = _with_cell(groups, path, parts)
    for path, parts in groups.items():
        module = _module(path, parts, arrays, convention, len(modules))
        if module:
            modules.append(module)
        elif set(parts) != {"bias"}:
            left_out |= dict.fromkeys(_flat(parts), "it is no layer that a network could have here")
    modules = _with_split_biases(modules, groups, arrays, left_out)
    return Found(tuple(_ordered(modules)), convention, left_out)


def _with_cell(groups: dict[str, dict], path: str, parts: dict) -> dict[str, dict]:
    """The groups with a cell in the place of the folders that it took up."""
    result, took = {}, set(parts["took"])
    for other, inner in groups.items():
        if other in took:
            result.setdefault(path, {part: names for part, names in parts.items() if part != "took"})
        else:
            result[other] = inner
    return result


def _groups(arrays: Mapping[str, np.ndarray], left_out: dict[str, str]) -> dict[str, dict[str, str]]:
    """{path: {part: array}}; unnamed arrays go with the kernel before them."""
    names = [name for name in arrays if not LEFT_OUT & set(_marks(name))] or list(arrays)
    left_out |= {name: "it belongs to the training (target network, optimizer)" for name in arrays if name not in names}
    groups: dict[str, dict[str, str]] = {}
    last = ""
    for name in names:
        if arrays[name].size < 1 or arrays[name].ndim == 0 or arrays[name].dtype.kind != "f":
            left_out[name] = "it is a counter, not weights"
            continue
        path, part = _split(name, arrays[name].ndim)
        if part in _NO_WEIGHTS:
            left_out[name] = _NO_WEIGHTS[part]
            continue
        if part == "bias?":  # a vector whose name says nothing belongs to the kernel before it, if that lacks one
            if not last or "bias" in groups[last] or arrays[name].size not in arrays[groups[last]["kernel"]].shape:
                left_out[name] = "its name does not say what it is"
                continue
            path, part = last, "bias"
        path = path or TOP
        part = "kernel" if part == "kernel?" else part
        if part in groups.setdefault(path, {}):
            path = f"{path}.{name}"
            groups[path] = {}
        groups[path][part] = name
        last = path if part == "kernel" else last
    return {path: parts for path, parts in groups.items() if parts}


def _flat(parts: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    names = (names for part, names in parts.items() if part != "gates")
    return [name for each in names for name in ((each,) if isinstance(each, str) else each)]


def _marks(name: str) -> list[str]:
    """The components of a name and their words."""
    components = re.split(r"[./]", name)
    return [*words(name), *(component.lower() for component in components)]


def _split(name: str, rank: int) -> tuple[str, str]:
    """(path of the layer, part) of an array's name; where it says nothing, by its rank: ``kernel?``, ``bias?``."""
    bare = re.sub(r"(/\.ATTRIBUTES/VARIABLE_VALUE|:\d+)$", "", name)
    pieces = [piece for piece in re.split(r"([./])", bare) if piece]
    kept = [piece for piece in pieces if piece not in _SHELLS]
    last = kept[-1] if kept else bare
    head = "".join(kept[:-1]).strip("./")
    layer = re.search(r"_l([1-9])$", last)
    if layer:  # further layers of one recurrent module of PyTorch
        head, last = f"{head}.{layer[0][1:]}", last.removesuffix(layer[0])
    for part, pattern in _PART:
        if pattern.fullmatch(last) and (head or part in ("kernel", "bias", "constant")):
            return head, part
    match = _FIRST.fullmatch(last) or _LOOSE.fullmatch(last)
    if match:
        tail = match.groupdict().get("tail") or ""
        part = "bias" if match["part"].lower().startswith("b") else "kernel"
        return f"{head}.{match['head']}{tail}".strip("."), part
    return f"{head}.{last}".strip("."), "kernel?" if rank > 1 else "bias?"


def _convention(groups: Mapping[str, Mapping[str, str]], arrays: Mapping[str, np.ndarray]) -> str:
    """By what fits more layers: a bias as long as the first axis of its kernel (PyTorch) or the last (TensorFlow);
    of convolutions, where the two short axes are."""
    votes = 0
    for parts in groups.values():
        kernel = arrays[parts["kernel"]] if isinstance(parts.get("kernel"), str) else None
        if kernel is None or kernel.ndim not in (2, 4):
            continue
        if "bias" in parts:
            size = arrays[parts["bias"]].size
            votes += (size == kernel.shape[0]) - (size == kernel.shape[-1])
        if kernel.ndim == 4:
            votes += 2 * (max(kernel.shape[2:]) < max(kernel.shape[:2])) - 1
    return "pytorch" if votes > 0 else "tensorflow" if votes < 0 else ""


def _module(
    path: str, parts: Mapping[str, str], arrays: Mapping[str, np.ndarray], convention: str, place: int
) -> Module | None:
    """The layer that these parts make, or None."""
    if "gates" in parts:
        return _joined_cell(path, parts, arrays, place)
    shapes = {part: arrays[name].shape for part, name in parts.items()}
    torch = convention != "tensorflow"
    if {"kernel_ih", "kernel_hh"} <= set(parts) or {"kernel", "recurrent_kernel"} <= set(parts):
        return _recurrent(path, parts, shapes, place)
    if {"mean", "variance"} <= set(parts):
        size = int(np.prod(shapes["mean"]))
        renamed = {{"kernel": "scale", "bias": "offset"}.get(part, part): name for part, name in parts.items()}
        return Module(path, "batchnorm", renamed, size, size, place=place)
    kernel = shapes.get("kernel") or shapes.get("scale")
    if kernel is None:
        return None
    noisy = "mu" in words(parts.get("kernel", ""))
    kept = {part: name for part, name in parts.items() if part in ("kernel", "bias")}
    if len(kernel) == 4:
        spatial, channels = (kernel[2:], kernel[1::-1]) if torch else (kernel[:2], kernel[2:])
        return Module(path, "conv", kept, *map(int, channels), tuple(map(int, spatial)), noisy, place)
    if len(kernel) == 2:
        # Theano's convolutions begin with the outputs, its dense kernels with the inputs, as Keras makes them.
        inputs, outputs = reversed(kernel) if convention == "pytorch" else kernel
        lstm = "lstm" in words(path) and not torch and outputs % 4 == 0 and inputs > outputs // 4
        if lstm:  # TensorFlow 1 joins both kernels: the rows of the input, then those of the state
            both = {"kernel": parts["kernel"], "recurrent_kernel": parts["kernel"]} | kept
            return Module(path, "lstm", both, inputs - outputs // 4, outputs // 4, place=place)
        return Module(path, "dense", kept, inputs, outputs, noisy=noisy, place=place)
    if set(parts) == {"kernel"} and len(kernel) == 1:
        return Module(path, "dense", kept, kernel[0], 1, place=place)
    if len(kernel) in (1, 3) and ({"kernel", "bias"} <= set(parts) or "scale" in parts):
        return _layernorm(path, parts, kernel, torch, place)
    return None


def _joined_cell(path: str, parts: Mapping, arrays: Mapping[str, np.ndarray], place: int) -> Module:
    """A cell of ``cells.joined``."""
    kept = {part: names for part, names in parts.items() if part != "gates"}
    if isinstance(parts["kernel"], tuple):
        inputs, units = arrays[parts["kernel"][0]].shape
    else:
        units = arrays[parts["recurrent_kernel"]].shape[1]
        inputs = arrays[parts["kernel"]].shape[1]
    return Module(path, "lstm", kept, int(inputs), int(units), place=place, gates=parts["gates"])


def _layernorm(path: str, parts: Mapping[str, str], shape: tuple[int, ...], torch: bool, place: int) -> Module:
    renamed = {{"kernel": "scale", "bias": "offset"}.get(part, part): name for part, name in parts.items()}
    size = int(shape[0] if torch else shape[-1])
    return Module(path, "layernorm", renamed, size, size, place=place, over="all" if len(shape) == 3 else "units")


def _recurrent(path: str, parts: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]], place: int) -> Module | None:
    """A cell of PyTorch ((gates · units, in)) or of Keras and TensorFlow ((in, gates · units))."""
    ours = {"kernel_ih": "kernel", "kernel_hh": "recurrent_kernel", "bias_ih": "bias", "bias_hh": "recurrent_bias"}
    shapes = {ours.get(part, part): shape for part, shape in shapes.items()}
    kernel, recurrent = shapes["kernel"], shapes["recurrent_kernel"]
    if len(kernel) != 2 or len(recurrent) != 2:
        return None
    units = min(recurrent)
    inputs = kernel[1] if kernel[0] == max(recurrent) else kernel[0]
    kind = {3: "gru", 4: "lstm"}.get(max(recurrent) // units)
    renamed = {ours.get(part, part): name for part, name in parts.items()}
    kept = ("kernel", "recurrent_kernel", "bias", "recurrent_bias")
    renamed = {part: name for part, name in renamed.items() if part in kept}
    return Module(path, kind, renamed, int(inputs), int(units), place=place) if kind else None


def _with_split_biases(
    modules: list[Module], groups: Mapping[str, Mapping[str, str]], arrays: Mapping[str, np.ndarray],
    left_out: dict[str, str],
) -> list[Module]:  # fmt: skip
    """K-FAC stores biases as modules of their own, ``ab1.bias`` (32, 1): each goes, in order, to the first layer of its
    size that has none."""
    modules = list(modules)
    for path, parts in groups.items():
        if set(parts) != {"bias"}:
            continue
        size = arrays[parts["bias"]].size
        owners = [i for i, module in enumerate(modules) if "bias" not in module.parts and module.outputs == size]
        owners = [i for i in owners if modules[i].kind in ("conv", "dense")]
        near = [i for i in owners if path.startswith(modules[i].path.split(".module")[0] + ".")]
        if not owners:
            left_out[parts["bias"]] = "no layer lacks a bias of its size"
            continue
        owner = (near or owners)[0]
        modules[owner] = replace(modules[owner], parts={**modules[owner].parts, "bias": parts["bias"]})
    return modules


def natural(path: str) -> tuple:
    """Sorts ``conv_10`` after ``conv_2``, and ``conv/kernel`` before ``conv_1/kernel`` as TensorFlow numbers."""
    parts = [re.split(r"_|(?<=[^\d_])(?=\d)", part) for part in re.split(r"[./]", path)]
    return tuple(tuple((1, int(piece), "") if piece.isdecimal() else (0, 0, piece) for piece in part) for part in parts)


def _ordered(modules: list[Module]) -> list[Module]:
    """In the file's order, which is the order of definition unless it is the alphabet's."""
    paths = [module.path for module in modules]
    if paths == sorted(paths):
        modules = sorted(modules, key=lambda module: natural(module.path))
    return [replace(module, place=place) for place, module in enumerate(modules)]
