"""PyTorch's tensors as pickles have them: views of storages whose bytes lie elsewhere. Without PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import numpy as np

from zoo_gui.agents.reading.inert import FAULTS, Inert, Machine, Name, constructor
from zoo_gui.agents.reading.inert_values import BFLOAT16, Unreadable, finished, whole_numbers
from zoo_gui.agents.reading.limits import Budget, check_shape
from zoo_gui.types import ZooError

STRETCHED = 64 << 20
"""Bytes that an array may have beyond those of its storage: strides of 0 repeat numbers for nothing."""


@dataclass(eq=False, repr=False)
class Storage(Inert):
    """PyTorch's row of numbers. kind: their type (``float32``), "" for bytes. count: how many, or bytes.

    load: gives the bytes, called only when a tensor of it is wanted.
    """

    kind: str
    count: int
    load: Callable[[], bytes] | None = None
    order: str = "<"
    _bytes: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * (TORCH_TYPES[self.kind][0].itemsize if self.kind in TORCH_TYPES else 1)

    def bytes(self) -> bytes:
        """The bytes, read once."""
        if self._bytes is None:
            if self.load is None:
                raise ValueError("a tensor without numbers")
            self._bytes = self.load()
        return self._bytes


TORCH_TYPES = {
    "float64": (np.dtype("f8"), "Double"), "float32": (np.dtype("f4"), "Float"), "float16": (np.dtype("f2"), "Half"),
    BFLOAT16: (np.dtype("u2"), "BFloat16"), "int64": (np.dtype("i8"), "Long"), "int32": (np.dtype("i4"), "Int"),
    "int16": (np.dtype("i2"), "Short"), "int8": (np.dtype("i1"), "Char"), "uint8": (np.dtype("u1"), "Byte"),
    "bool": (np.dtype("?"), "Bool"), "uint16": (np.dtype("u2"), "UInt16"), "uint32": (np.dtype("u4"), "UInt32"),
    "uint64": (np.dtype("u8"), "UInt64"),
}  # fmt: skip
"""PyTorch's type → NumPy's, and how the storage's class begins."""
STORAGES = {f"{prefix}Storage": kind for kind, (_, prefix) in TORCH_TYPES.items()}


def storage_kind(name: Any) -> str:
    """The number type of a storage's class, "" for bytes without a type or an unknown one."""
    if not isinstance(name, Name) or name.module.split(".")[0] != "torch":
        raise ValueError("a storage of an unknown class")
    return STORAGES.get(name.name, "" if "ntyped" in name.name else name.name)


@dataclass(eq=False, repr=False)
class Tensor(Inert):
    """PyTorch's tensor: a view of a storage; offset, strides in numbers. kind: its type, by default the storage's."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple
    kind: str = ""

    def array(self, budget: Budget, name: str, path: Path) -> np.ndarray:
        """The numbers, read-only. Raises ZooError for a type without a NumPy one or a view outside its storage."""
        kind = self.kind or self.storage.kind
        if kind not in TORCH_TYPES:
            what = "quantised numbers" if kind.startswith("Q") else f"numbers of the type {kind[:40] or 'none'}"
            raise ZooError(f"{path.name} cannot be shown: it holds {what} in {name[:80]}; save it as float32.")
        dtype = TORCH_TYPES[kind][0]
        self._check(dtype.itemsize, name, path)
        budget.take(self.shape, dtype.itemsize, name)
        raw = self.storage.bytes()
        try:
            strides = tuple(stride * dtype.itemsize for stride in self.strides)
            start = self.offset * dtype.itemsize
            array = np.ndarray(self.shape, dtype.newbyteorder(self.storage.order), raw, start, strides)
        except FAULTS as error:
            raise ZooError(f"{path.name} is damaged: its array {name[:80]} lies outside its numbers.") from error
        return finished(array, kind == BFLOAT16)

    def _check(self, itemsize: int, name: str, path: Path) -> None:
        """Raise ZooError for a view that reaches outside the storage or that makes much of little."""
        numbers = (self.offset, *self.strides)
        if len(self.strides) != len(self.shape) or any(not _whole(number) for number in numbers):
            raise ZooError(f"{path.name} is damaged: its array {name[:80]} has absurd strides.")
        check_shape(self.shape, itemsize, name, path)
        size = math.prod(self.shape)
        last = self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides))
        if size and (last + 1) * itemsize > self.storage.size:
            raise ZooError(f"{path.name} is damaged: its array {name[:80]} lies outside its numbers.")
        if size * itemsize > self.storage.size + STRETCHED:
            raise ZooError(f"{path.name} is refused: its array {name[:80]} repeats few numbers too often.")


def _whole(number: Any) -> bool:
    return isinstance(number, int) and 0 <= number < 2**63


@constructor("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
def _tensor(machine: Machine, args: tuple) -> Any:
    """(storage, offset, shape, strides, …)."""
    storage, offset, shape, strides = args[:4]
    if not isinstance(storage, Storage):
        return Unreadable("a tensor without numbers lies there; save it from the CPU with torch.save")
    return Tensor(storage, offset, whole_numbers(shape), whole_numbers(strides))


@constructor("torch._utils._rebuild_tensor_v3")
def _typed_tensor(machine: Machine, args: tuple) -> Any:
    """(storage, offset, shape, strides, requires_grad, hooks, dtype, …)."""
    tensor, dtype = _tensor(machine, args), args[6]
    if isinstance(tensor, Tensor):
        tensor.kind = dtype.name if isinstance(dtype, Name) else "unknown"
    return tensor


@constructor("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
             "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.autograd.variable.Variable",
             "torch._utils._rebuild_device_tensor_from_numpy", "torch.tensor._rebuild_from_type",
             "torch.jit._pickle.restore_type_tag")  # fmt: skip
def _parameter(machine: Machine, args: tuple) -> Any:
    """What wraps a tensor is that tensor."""
    return args[0] if args else NotImplemented


@constructor("torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type")
def _tensor_of_a_class(machine: Machine, args: tuple) -> Any:
    """(function, class, its arguments, …)."""
    return machine.call(args[0], args[2])


@constructor("torch._utils._rebuild_qtensor", "torch.ops.quantized.conv2d_prepack")
def _quantised(machine: Machine, args: tuple) -> Any:
    return Unreadable("it holds quantised weights; save the model from before it was quantised")


@constructor("torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor",
             "torch._utils._rebuild_nested_tensor", "torch._utils._rebuild_meta_tensor_no_storage",
             "torch._utils._rebuild_wrapper_subclass")  # fmt: skip
def _unusual_tensor(machine: Machine, args: tuple) -> Any:
    return Unreadable("it holds a sparse, nested or empty tensor; save it as a dense one")


@constructor("torch.device")
def _device(machine: Machine, args: tuple) -> Any:
    return ":".join(str(part)[:20] for part in args if isinstance(part, (str, int)))
