"""TensorFlow's protocol buffers (graphs, saved models, checkpoint indices) read without TensorFlow, within limits.

Only the fields that say what is computed are declared; protobuf keeps the others as they are. Field numbers are those
of tensorflow/core/framework/*.proto and tensorflow/core/protobuf/*.proto.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.reading.limits import check_shape
from zoo_gui.types import ZooError

MAX_GRAPH_BYTES = 512 << 20
"""Of a serialised graph, weights included. Of the zoo's networks it is 7 MB."""
MAX_FIELDS = 1_500_000
"""Protocol buffer fields of one file: each costs up to 100 bytes once parsed."""
MAX_NESTING = 60
MAX_FILLED = 1 << 22
"""Elements of an array that the file does not spell out but fills with one number."""
_SCHEMA = """
Dim: size=1:int64 name=2:string
TensorShape: dim=2*Dim unknown_rank=3:bool
Tensor: dtype=1:int32 tensor_shape=2:TensorShape tensor_content=4:bytes half_val=13*int32 float_val=5*float
    double_val=6*double int_val=7*int32 string_val=8*bytes int64_val=10*int64 bool_val=11*bool uint32_val=16*uint32
    uint64_val=17*uint64
List: s=2*bytes i=3*int64 f=4*float b=5*bool type=6*int32 shape=7*TensorShape tensor=8*Tensor func=9*Func
Func: name=1:string attr=2*FuncAttr
FuncAttr: key=1:string value=2:Attr
Attr: s=2:bytes|value i=3:int64|value f=4:float|value b=5:bool|value type=6:int32|value shape=7:TensorShape|value
    tensor=8:Tensor|value list=1:List|value func=10:Func|value placeholder=9:string|value
NodeAttr: key=1:string value=2:Attr
Node: name=1:string op=2:string input=3*string device=4:string attr=5*NodeAttr
Versions: producer=1:int32 min_consumer=2:int32
Arg: name=1:string type=3:int32 type_attr=4:string
Signature: name=1:string input_arg=2*Arg output_arg=3*Arg
Ret: key=1:string value=2:string
Function: signature=1:Signature node_def=3*Node ret=4*Ret
Library: function=1*Function
Graph: node=1*Node library=2:Library versions=4:Versions
TensorInfo: name=1:string dtype=2:int32 tensor_shape=3:TensorShape
InfoEntry: key=1:string value=2:TensorInfo
SignatureDef: inputs=1*InfoEntry outputs=2*InfoEntry method_name=3:string
SignatureEntry: key=1:string value=2:SignatureDef
MetaInfo: tags=4*string tensorflow_version=5:string
SavedVariable: dtype=1:int32 shape=2:TensorShape trainable=3:bool name=6:string
SavedUserObject: identifier=1:string metadata=3:string
ObjectReference: node_id=1:int32 local_name=2:string
SavedFunction: bound_inputs=2*int32
FunctionEntry: key=1:string value=2:SavedFunction
SavedObject: children=1*ObjectReference user_object=4:SavedUserObject variable=7:SavedVariable
ObjectGraph: nodes=1*SavedObject concrete_functions=2*FunctionEntry
MetaGraph: meta_info_def=1:MetaInfo graph_def=2:Graph signature_def=5*SignatureEntry object_graph_def=7:ObjectGraph
SavedModel: saved_model_schema_version=1:int64 meta_graphs=2*MetaGraph
BundleHeader: num_shards=1:int32 endianness=2:int32
Slice: start=1:int64 length=2:int64
BundleEntry: dtype=1:int32 shape=2:TensorShape shard_id=3:int32 offset=4:int64 size=5:int64
    slices=7*Slices
SlotReference: original_variable_node_id=1:int32 slot_name=2:string slot_variable_node_id=3:int32
SerializedTensor: name=1:string full_name=2:string checkpoint_key=3:string
TrackableObject: children=1*ObjectReference attributes=2*SerializedTensor slot_variables=3*SlotReference
TrackableGraph: nodes=1*TrackableObject
SavedSliceMeta: name=1:string shape=2:TensorShape type=3:int32 slice=4*Slices
Slices: extent=1*Slice
SavedSlicesMeta: tensor=1*SavedSliceMeta
SavedSlice: name=1:string slice=2:Slices data=3:Tensor
SavedSlices: meta=1:SavedSlicesMeta data=2:SavedSlice
KerasNode: node_id=2:int32 node_path=3:string identifier=4:string metadata=5:string
KerasMetadata: nodes=1*KerasNode
"""
"""Message: field=number, then ``:`` (one) or ``*`` (many) and its type, ``|`` the oneof that it belongs to."""
_SCALARS = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "fixed32": 7, "bool": 8, "string": 9, "bytes": 12,
    "uint32": 13,
}  # fmt: skip
_MESSAGE = 11
DTYPES = {
    1: "f4", 2: "f8", 3: "i4", 4: "u1", 5: "i2", 6: "i1", 9: "i8", 10: "?", 17: "u2", 19: "f2", 22: "u4", 23: "u8",
}  # fmt: skip
"""TensorFlow's DataType → NumPy's."""
FLOAT, STRING, BFLOAT16, RESOURCE = 1, 7, 14, 20
NAMES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 9: "int64", 10: "bool",
    14: "bfloat16", 17: "uint16", 19: "float16", 20: "resource", 22: "uint32", 23: "uint64",
}  # fmt: skip
_VALUES = {
    1: "float_val", 2: "double_val", 3: "int_val", 4: "int_val", 5: "int_val", 6: "int_val", 9: "int64_val",
    10: "bool_val", 17: "int_val", 22: "uint32_val", 23: "uint64_val",
}  # fmt: skip


def _declared() -> dict[str, list[tuple[str, int, str, bool, str]]]:
    """{message: [(field, number, type, repeated, oneof)]} of the table above."""
    messages: dict[str, list] = {}
    for line in _SCHEMA.strip().splitlines():
        if not line.startswith(" "):
            name, _, line = line.partition(":")
            messages[name] = []
        for text in line.split():
            field, _, rest = text.partition("=")
            mark = "*" if "*" in rest else ":"
            number, _, kind = rest.partition(mark)
            kind, _, oneof = kind.partition("|")
            messages[name].append((field, int(number), kind, mark == "*", oneof))
    return messages


@functools.cache
def _messages() -> dict[str, Any]:
    """{name: message class}, in a pool of our own: TensorFlow's may hold the same names."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="zoo_gui.proto", package="zoo_gui", syntax="proto3")
    for name, fields in _declared().items():
        message = file.message_type.add(name=name)
        for field, number, kind, many, oneof in fields:
            entry = message.field.add(name=field, number=number, label=3 if many else 1)
            entry.type = _SCALARS.get(kind, _MESSAGE)
            if entry.type == _MESSAGE:
                entry.type_name = f".zoo_gui.{kind}"
            if oneof:
                if not message.oneof_decl:
                    message.oneof_decl.add(name=oneof)
                entry.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"zoo_gui.{name}")) for name in _declared()
    }


@functools.cache
def _inner() -> dict[str, dict[int, str]]:
    """{message: {number: the message that this field holds}}: what the count below descends into."""
    return {
        name: {number: kind for _, number, kind, _, _ in fields if kind not in _SCALARS}
        for name, fields in _declared().items()
    }


class Malformed(ValueError):
    """Not the protocol buffer that it was taken for."""


def new(message: str) -> Any:
    """An empty message of the table."""
    return _messages()[message]()


def parse(message: str, data: bytes, source: str) -> Any:
    """The message, after its fields were counted. Raises ZooError; ``source``: the file's name."""
    from google.protobuf.message import DecodeError

    if len(data) > MAX_GRAPH_BYTES:
        raise ZooError(f"{source} is too large: {len(data) >> 20} MiB, where {MAX_GRAPH_BYTES >> 20} MiB is the limit.")
    try:
        if count(message, data) > MAX_FIELDS:
            raise ZooError(
                f"{source} is refused: it holds more than {MAX_FIELDS:,} entries, which no agent's graph does."
            )
        return _messages()[message].FromString(data)
    except (Malformed, DecodeError) as error:
        raise ZooError(f"{source} is damaged or cut short: it is not a valid TensorFlow file; get it again.") from error


def count(message: str, data: bytes, limit: int = MAX_FIELDS, whole: bool = True) -> int:
    """How many fields the message has, those of its messages included; stops beyond ``limit``. Raises Malformed.

    whole: False where ``data`` is only the beginning of a message.
    """
    total, waiting = 0, [(message, 0, len(data), 0)]
    while waiting and total <= limit:
        kind, position, end, depth = waiting.pop()
        if depth > MAX_NESTING:
            raise Malformed("nested too deeply")
        inner = _inner()[kind]
        while position < end and total <= limit:
            number, wire, start, after = _field(data, position, len(data))
            if after > end:
                if whole or end != len(data):
                    raise Malformed("a field runs past its message")
                after = end
            if wire == 2 and number in inner:
                waiting.append((inner[number], start, after, depth + 1))
            position, total = after, total + 1
    return total


def _field(data: bytes, position: int, end: int) -> tuple[int, int, int, int]:
    """(number, wire type, where its content begins, where the field ends; that may lie beyond the data)."""
    tag, position = varint(data, position, end)
    number, wire = tag >> 3, tag & 7
    if number == 0 or number > 1 << 29:
        raise Malformed("field number")
    if wire == 0:
        _, after = varint(data, position, end)
        return number, wire, position, after
    if wire == 2:
        length, position = varint(data, position, end)
        return number, wire, position, position + length
    if wire in (1, 5):
        return number, wire, position, position + (8 if wire == 1 else 4)
    raise Malformed("wire type")


def varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
    raise Malformed("number")


def fields(data: bytes, most: int = 64) -> list[tuple[int, int, bytes]]:
    """(number, wire type, content) of the first fields of a beginning; the last may be cut. Raises Malformed."""
    found, position = [], 0
    while position < len(data) and len(found) < most:
        number, wire, start, after = _field(data, position, len(data))
        found.append((number, wire, data[start:after]))
        position = after
    return found


def shape_of(shape: Any) -> tuple[int, ...] | None:
    """(-1: unknown) lengths of a TensorShape; None where even the rank is unknown."""
    return None if shape.unknown_rank else tuple(int(dim.size) for dim in shape.dim)


def attributes(node: Any) -> dict[str, Any]:
    """{name: Attr} of a node."""
    return {entry.key: entry.value for entry in node.attr}


def array(tensor: Any, name: str, source: str) -> np.ndarray:
    """The numbers of a Tensor, read-only. Raises ZooError where they do not fit its shape, or are no numbers."""
    shape = shape_of(tensor.tensor_shape)
    kind = DTYPES.get(tensor.dtype) or ("u2" if tensor.dtype == BFLOAT16 else None)
    if kind is None or shape is None:
        raise ZooError(
            f"{source} cannot be read: {name[:80]} holds {NAMES.get(tensor.dtype, 'an unknown kind')} values."
        )
    dtype = np.dtype(kind).newbyteorder("<")
    check_shape(shape, dtype.itemsize, name, Path(source))
    size = math.prod(shape)
    if tensor.tensor_content:
        if len(tensor.tensor_content) != size * dtype.itemsize:
            raise ZooError(f"{source} is damaged: the numbers of {name[:80]} do not fit its shape {shape!r:.80}.")
        values = np.frombuffer(tensor.tensor_content, dtype).reshape(shape)
    else:
        values = _listed(tensor, dtype, size, name, source).reshape(shape)
    values = from_bfloat16(values) if tensor.dtype == BFLOAT16 else values.astype(dtype.newbyteorder("="), copy=False)
    values.flags.writeable = False
    return values


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """bfloat16, the upper half of a float32, given as uint16, to float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _listed(tensor: Any, dtype: np.dtype, size: int, name: str, source: str) -> np.ndarray:
    """The values of a Tensor that has them one by one: the last one fills what is left."""
    halves = tensor.dtype in (19, BFLOAT16)
    listed = tensor.half_val if halves else getattr(tensor, _VALUES[tensor.dtype])
    if len(listed) > size or size - len(listed) > MAX_FILLED:
        raise ZooError(f"{source} is damaged: the numbers of {name[:80]} do not fit its shape.")
    wide = np.array(listed, np.int64 if halves or _VALUES[tensor.dtype] == "int_val" else dtype)
    if halves:
        wide = (wide & 0xFFFF).astype(np.uint16).view(dtype)
    values = np.zeros(size, dtype)
    values[: len(wide)] = wide.astype(dtype)
    if len(wide):
        values[len(wide) :] = values[len(wide) - 1]
    return values


def tensor(values: np.ndarray) -> Any:
    """A Tensor message of an array."""
    code = next(code for code, kind in DTYPES.items() if np.dtype(kind) == values.dtype.newbyteorder("="))
    message = new("Tensor")
    message.dtype = code
    message.tensor_shape.SetInParent()
    for length in values.shape:
        message.tensor_shape.dim.add(size=length)
    message.tensor_content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    return message
