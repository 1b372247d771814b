"""ONNX: weights by name, and the graph of a policy as layers.

Names are the initialisers' as in the file; layouts are brought to PyTorch's: convolutions are OIHW in ONNX anyway,
matrices that multiply from the right, (in, out), are transposed to (out, in). Numbers kept in another file (external
data) are refused: no path of a stranger's file is followed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.formats import MAYBE, NO, SURE, Checkpoint, register
from zoo_gui.agents.reading.graph_builder import Builder, Unreadable, finished
from zoo_gui.agents.reading.limits import NUMBERS, Budget
from zoo_gui.types import ZooError

MAX_NODES = 5000


def recognises(path: Path, head: bytes) -> int:
    """A ModelProto: its version, then the producer's name, the graph or the operators' version."""
    start = re.match(rb"\x08[\x01-\x1f](?:\x12([\x01-\x3f])|\x3a|\x42[\x00-\x3f])", head, re.DOTALL)
    if start is None:
        return MAYBE if path.suffix == ".onnx" else NO
    name = head[4 : 4 + start[1][0]] if start[1] else b"x"
    said = b"onnx" in head or b"torch" in head or path.suffix == ".onnx"
    return SURE if said and re.fullmatch(rb"[A-Za-z0-9_.+ -]+", name) else NO


@register("onnx", title="ONNX", suffixes=(".onnx",), recognises=recognises)
def read(path: Path) -> Checkpoint:
    """Initialisers and, where the graph is one of known operators, the network. Raises ZooError."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise ZooError(f'Reading {path.name} needs the package onnx: pip install "zoo-gui[onnx]".') from error
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, ValueError, OSError, RecursionError, TypeError) as error:
        raise ZooError(f"{path.name} is damaged or no ONNX file: get the file again ({str(error)[:120]}).") from error
    arrays, left_out = _arrays(model, path)
    if not arrays:
        raise ZooError(f"{path.name} holds no weights: export the model with its parameters inside.")
    constants = dict(arrays)
    names = {tensor.name for tensor in model.graph.initializer}
    shown = {name: array for name, array in arrays.items() if name in names and array.dtype.kind == "f"}
    facts = {"producer": f"{model.producer_name} {model.producer_version}".strip()[:80], "ir_version": model.ir_version,
             "opset": {entry.domain or "ai.onnx": entry.version for entry in model.opset_import[:16]}}  # fmt: skip
    facts |= {f"metadata.{entry.key[:80]}": entry.value[:400] for entry in model.metadata_props[:50]}
    network, weights, remarks, said = _network(model.graph, constants)
    shown |= {name: constants[name] for name in weights.values() if name not in shown}
    arrays = {name: _pytorch(array) if name in _right(model.graph) else array for name, array in shown.items()}
    remarks = (*left_out, *remarks)
    return Checkpoint("onnx", arrays, "pytorch", network, weights, facts | said, remarks)


def _pytorch(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.T) if array.ndim == 2 else array


def _right(graph: Any) -> set[str]:
    """Initialisers that multiply from the right as (in, out)."""
    found = set()
    for node in graph.node:
        turned = any(entry.name == "transB" and entry.i for entry in node.attribute)
        if len(node.input) > 1 and (node.op_type == "MatMul" or (node.op_type == "Gemm" and not turned)):
            found.add(node.input[1])
    return found


def _arrays(model: Any, path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """({name: array} of initialisers and constants, remarks)."""
    import onnx

    budget, arrays, remarks = Budget(path), {}, []
    if len(model.graph.node) > MAX_NODES:
        raise ZooError(f"{path.name} is refused: its graph has {len(model.graph.node)} nodes, as no agent's has.")
    for name, tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ZooError(
                f"{path.name} keeps its weights in another file, which is not followed: export it with them inside."
            )
        dtype = _dtype(tensor.data_type)
        if dtype is None:
            remarks.append(f"Its {name[:80]} is no array of numbers and was passed over.")
            continue
        budget.take(tensor.dims, dtype.itemsize, name)
        if tensor.raw_data and len(tensor.raw_data) != math.prod(tensor.dims) * dtype.itemsize:
            raise ZooError(f"{path.name} is damaged: its array {name[:80]} has not the size it says.")
        try:
            array = onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise ZooError(f"{path.name} is damaged: its array {name[:80]} cannot be read ({error}).") from error
        arrays[name] = array if array.dtype.kind in NUMBERS else array.astype(np.float32)
    return arrays, remarks[:8]


def _tensors(graph: Any) -> Iterator[tuple[str, Any]]:
    """Initialisers, and the tensors of constant nodes by the names of their outputs."""
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    for node in graph.node:
        for entry in node.attribute:
            if node.op_type == "Constant" and entry.name == "value" and node.output:
                yield node.output[0], entry.t


def _dtype(code: int) -> np.dtype | None:
    """The NumPy type of an ONNX type of numbers, None for another."""
    import onnx

    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(code))
    except (KeyError, TypeError, ValueError):
        return None
    if code == onnx.TensorProto.BFLOAT16:
        return dtype
    return dtype if dtype.kind in NUMBERS and dtype.itemsize <= 8 else None


def _network(graph: Any, constants: dict[str, np.ndarray]):
    """(network or None, {our name: the initialiser's}, remarks, facts)."""
    from zoo_gui.agents.reading.onnx_graph import outputs

    builder = Builder()
    try:
        network = finished(builder, outputs(builder, graph, constants))
    except Unreadable as error:
        return None, {}, (*builder.remarks, str(error)), dict(builder.facts)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
        return None, {}, (*builder.remarks, "Its graph is not consistent, so only its arrays are given."), {}
    kept = {layer.name for layer in network.layers}
    names = {ours: numbers[0] for ours, (_, numbers) in builder.weights.items() if ours.rpartition("/")[0] in kept}
    return network, names, tuple(builder.remarks), dict(builder.facts)
