"""Our own versions of what pickles of agents call: Python's containers, NumPy's, joblib's and JAX's arrays.

Numbers stay where they are until ``array`` is asked for, so what is not looked at (an optimiser, a replay memory) costs
nothing. Each class says what it was made from in the words of its library.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents.reading.inert import Inert, Machine, Name, Record, Table, constructor
from zoo_gui.agents.reading.limits import Budget, check_shape
from zoo_gui.types import ZooError

BFLOAT16 = "bfloat16"


@dataclass(eq=False, repr=False)
class Unreadable(Inert):
    """An array that cannot be given, and the sentence that says why: it counts only where it is needed."""

    reason: str

    def array(self, budget: Budget, name: str, path: Path) -> np.ndarray:
        """Raises ZooError."""
        raise ZooError(f"{path.name} cannot be shown: {self.reason} ({name[:80]}).")


@dataclass(eq=False, repr=False)
class DType(Inert):
    """NumPy's number type: code as in ``f4``, order < or >."""

    code: str
    order: str = "="
    structured: bool = False

    def build(self, state: Any, machine: Machine) -> None:
        self.order = str(state[1])[:1]
        self.structured = any(part is not None for part in state[2:5])

    @property
    def numpy(self) -> np.dtype | None:
        """The NumPy type, None for objects, texts, records and numbers that NumPy has no portable type for."""
        if self.structured:
            return None
        if self.code == BFLOAT16:
            return np.dtype("<u2")
        code = {"?": "b1"}.get(self.code, self.code)
        if not re.fullmatch(r"b1|[iu][1248]|f[248]", code):
            return None
        return np.dtype(f"{self.order if self.order in '<>' else '<'}{code}")


@dataclass(eq=False, repr=False)
class NumpyArray(Inert):
    """NumPy's array: shape, type, whether the first index runs fastest, and the bytes (a text in Python 2)."""

    shape: tuple = ()
    dtype: DType | None = None
    fortran: bool = False
    raw: bytes | str = b""

    def build(self, state: Any, machine: Machine) -> None:
        """state: (version,) shape, dtype, fortran order, bytes."""
        shape, self.dtype, self.fortran, self.raw = state[-4:]
        self.shape = whole_numbers(shape)

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers that can be read."""
        known = isinstance(self.dtype, DType) and self.dtype.numpy is not None
        return known and isinstance(self.raw, (bytes, str))

    def array(self, budget: Budget, name: str, path: Path) -> np.ndarray:
        """The numbers, read-only. Raises ZooError."""
        dtype = self.dtype.numpy
        budget.take(self.shape, dtype.itemsize, name)
        raw = self.raw.encode("latin-1", "replace") if isinstance(self.raw, str) else self.raw
        if len(raw) != math.prod(self.shape) * dtype.itemsize:
            raise ZooError(f"{path.name} is damaged: its array {name[:80]} has not the bytes that its shape says.")
        array = np.ndarray(self.shape, dtype, raw, order="F" if self.fortran else "C")
        return finished(array, self.dtype.code == BFLOAT16)


def whole_numbers(things: Any) -> tuple[int, ...]:
    """A shape or strides as the file has them. Raises ValueError for anything else than a few whole numbers."""
    if not isinstance(things, (list, tuple)) or len(things) > 64 or any(type(thing) is not int for thing in things):
        raise ValueError("a shape that is none")
    return tuple(things)


def finished(array: np.ndarray, bfloat16: bool) -> np.ndarray:
    """The array in this machine's byte order, bfloat16 as float32, read-only."""
    if bfloat16:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    array.flags.writeable = False
    return array


# Python's own


@constructor("collections.OrderedDict", "builtins.dict", "collections.Counter", "flax.core.frozen_dict.FrozenDict",
             "flax.core.FrozenDict", "types.MappingProxyType")  # fmt: skip
def _table(machine: Machine, args: tuple) -> Any:
    return _filled(machine, Table(), args[0] if args else ())


@constructor("collections.defaultdict")
def _default_table(machine: Machine, args: tuple) -> Any:
    return _filled(machine, Table(), args[1] if len(args) > 1 else ())


def _filled(machine: Machine, table: Table, content: Any) -> Any:
    """The table with the pairs of a dictionary or a list."""
    if not isinstance(content, (dict, list, tuple)):
        return NotImplemented
    machine.spend(len(content))
    for key, value in content.items() if isinstance(content, dict) else content:
        table[machine.key(key)] = value
    return table


@constructor("builtins.list", "builtins.set", "builtins.frozenset", "torch.jit._pickle.build_intlist",
             "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.build_doublelist",
             "torch.jit._pickle.build_boollist")  # fmt: skip
def _list(machine: Machine, args: tuple) -> Any:
    known = not args or isinstance(args[0], (list, tuple))
    return list(_sequence(machine, args[0]) if args else ()) if known else NotImplemented


@constructor("builtins.tuple", "torch.Size")
def _tuple(machine: Machine, args: tuple) -> Any:
    known = not args or isinstance(args[0], (list, tuple))
    return tuple(_sequence(machine, args[0]) if args else ()) if known else NotImplemented


def _sequence(machine: Machine, content: Any) -> list | tuple:
    if not isinstance(content, (list, tuple)):
        raise TypeError("a list of what is none")
    machine.spend(len(content))
    return content


@constructor("collections.deque")
def _deque(machine: Machine, args: tuple) -> Any:
    record = Record("collections", "deque")
    record.items.extend(_sequence(machine, args[0]) if args else ())
    return record


@constructor("builtins.complex")
def _complex(machine: Machine, args: tuple) -> Any:
    return complex(*(float(part) for part in args[:2] if isinstance(part, (int, float))))


@constructor("_codecs.encode", "codecs.encode")
def _encode(machine: Machine, args: tuple) -> Any:
    """Python 3 writes bytes in this way for protocols 0 to 2."""
    text, encoding = args[0], args[1] if len(args) > 1 else "utf-8"
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        return NotImplemented
    machine.copy(len(text))
    return text.encode(encoding)


@constructor("builtins.bytes", "builtins.bytearray")
def _bytes(machine: Machine, args: tuple) -> Any:
    if not args:
        return b""
    if isinstance(args[0], bytes):
        return args[0]
    if isinstance(args[0], str) and len(args) > 1:
        return _encode(machine, args)
    machine.spend(len(_sequence(machine, args[0])))
    return bytes(args[0])


@constructor("copyreg._reconstructor")
def _reconstructor(machine: Machine, args: tuple) -> Any:
    """An object of a class, whose base (dict, list, …) had this content."""
    kind, _, content = args
    if not isinstance(kind, Name):
        return NotImplemented
    record = Record(kind.module, kind.name)
    if isinstance(content, dict):
        machine.spend(len(content))
        record.entries.extend(content.items())
    elif isinstance(content, (list, tuple)):
        record.items.extend(_sequence(machine, content))
    return record


@constructor("copyreg.__newobj__", "copyreg.__newobj_ex__")
def _new_object(machine: Machine, args: tuple) -> Any:
    kind, *rest = args
    machine.spend(len(rest))
    return machine.call(kind, tuple(rest))


@constructor("cloudpickle.cloudpickle._make_skeleton_class", "cloudpickle.cloudpickle_fast._make_skeleton_class",
             "cloudpickle._make_skeleton_class", "dill._dill._create_type")  # fmt: skip
def _class(machine: Machine, args: tuple) -> Any:
    """A class that was pickled with its code, for it was defined in a notebook: (metaclass, name, …)."""
    return Name("__main__", args[1][:200]) if isinstance(args[1], str) else NotImplemented


# NumPy


@constructor("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray")
def _numpy_array(machine: Machine, args: tuple) -> Any:
    return NumpyArray()


@constructor("numpy.dtype")
def _numpy_dtype(machine: Machine, args: tuple) -> Any:
    code = args[0] if isinstance(args[0], str) else ""
    return DType(BFLOAT16 if isinstance(args[0], Name) and args[0].name == BFLOAT16 else code[:20])


@constructor("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
def _numpy_buffer(machine: Machine, args: tuple) -> Any:
    """Protocol 5: (bytes, dtype, shape, order)."""
    raw, dtype, shape, order = args[:4]
    if order not in ("C", "F"):
        return Unreadable("an array lies there in an order of axes of its own; save it with numpy.savez")
    return NumpyArray(whole_numbers(shape), dtype, order == "F", raw)


@constructor("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
def _numpy_scalar(machine: Machine, args: tuple) -> Any:
    dtype, raw = args[0], args[1] if len(args) > 1 else b""
    raw = raw.encode("latin-1") if isinstance(raw, str) and len(raw) <= 8 else raw
    if not isinstance(dtype, DType) or dtype.numpy is None or not isinstance(raw, bytes):
        return Record("numpy", "generic", args)
    return finished(np.frombuffer(raw, dtype.numpy, 1), dtype.code == BFLOAT16)[0].item()


@dataclass(eq=False, repr=False)
class JoblibArray(NumpyArray):
    """joblib's array, whose bytes follow its state in the file."""

    keys: dict = field(default_factory=dict)

    def build(self, state: Any, machine: Machine) -> None:
        shape, order, dtype = state["shape"], state["order"], state["dtype"]
        self.shape, self.fortran, self.dtype = whole_numbers(shape), order == "F", dtype
        if not isinstance(dtype, DType) or dtype.numpy is None:
            raise ValueError("joblib wrote an array of objects")
        check_shape(self.shape, dtype.numpy.itemsize, "of joblib", machine.path)
        if state.get("numpy_array_alignment_bytes") is not None:
            machine.source.read(machine.source.read(1)[0])
        self.raw = machine.source.read(math.prod(self.shape) * dtype.numpy.itemsize)


@constructor("joblib.numpy_pickle.NumpyArrayWrapper")
def _joblib_array(machine: Machine, args: tuple) -> Any:
    return JoblibArray()


@constructor("jax._src.array._reconstruct_array", "jax._src.device_array.reconstruct_device_array",
             "jax.interpreters.xla.reconstruct_device_array", "jax.interpreters.pxla.reconstruct_device_array",
             "jax._src.device_array._reconstruct_device_array")  # fmt: skip
def _jax_array(machine: Machine, args: tuple) -> Any:
    """(NumPy's function, its arguments, the array's state, JAX's own)."""
    array = machine.call(args[0], args[1])
    if not isinstance(array, NumpyArray):
        return NotImplemented
    array.build(args[2], machine)
    return array
