"""Pickles read without running them: every class becomes an inert record, no function of the file's choosing is called.

Python's own unpickler, even with ``find_class`` replaced, still hashes what a file makes a key of (a tuple nested a
million deep crashes the interpreter, one nested in itself forty times never ends), gives memory that a memo or a
bytearray asks for, and calls what lies on its stack. So the opcodes, which the standard library's ``pickletools``
parses, are carried out here, on plain data and on the records of this module alone.
"""

from __future__ import annotations

import codecs
import pickletools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Callable

from zoo_gui.types import ZooError

MAX_OPCODES = 1_000_000
"""Of one pickle, and of what it costs to copy: a second or two. A whole pickled network has about 5,000."""
MAX_LINE = 1 << 28
MAX_COPIED = 256 << 20
"""Bytes that a pickle may have copied, over and over, while it is read."""
MAX_NESTED = 3
"""Pickles within pickles."""
FAULTS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, AssertionError, MemoryError,
    RecursionError, EOFError, OSError, LookupError, ArithmeticError,
)  # fmt: skip
"""What damaged bytes can raise in the standard library and NumPy; each becomes a ZooError."""
Source = BinaryIO
"""Where opcodes are read from: an ``io.BytesIO`` or an ``mmap``, neither of which gives more than it has."""


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the file names. It is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"[:200]

    @property
    def parts(self) -> str:
        """``module.name`` as one key, with Python 2's names of the modules that were renamed."""
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(self.module, self.module)
        return f"{module}.{self.name}"


class Inert:
    """What stands for an object of the file; ``build`` takes the state that the file gives it."""

    def build(self, state: Any, machine: "Machine") -> None:
        """Take the object's state. By default it is of no interest."""


@dataclass(eq=False, repr=False, slots=True)
class Record(Inert):
    """An object of a class that we do not know: its class, what it was made with, and what was put into it.

    args: of its constructor. state: usually {attribute: value}, or (that, {slot: value}). items: what was appended.
    entries: (key, value) pairs that were set.
    """

    module: str
    name: str
    args: tuple = ()
    state: Any = None
    items: list = field(default_factory=list)
    entries: list = field(default_factory=list)

    def build(self, state: Any, machine: "Machine") -> None:
        self.state = state

    @property
    def class_name(self) -> str:
        """``module.name``, cut to a readable length."""
        return f"{self.module}.{self.name}"[:200]

    @property
    def attributes(self) -> dict:
        """{attribute: value}, slots included; empty where the state is something else."""
        parts = self.state if isinstance(self.state, tuple) and len(self.state) == 2 else (self.state,)
        return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}


class Table(dict, Inert):
    """A dictionary that was more than a plain one: OrderedDict, defaultdict. Its attributes are of no interest."""


CONSTRUCTORS: dict[str, Callable[..., Any]] = {}
"""``module.name`` → our own (machine, args) → value, for what the file may have built. Nothing else is ever called."""


def constructor(*names: str) -> Callable:
    """Decorator: our own version of what the file calls by one of these names, (machine, args) → value.

    It may raise any of FAULTS for arguments of the wrong kind; NotImplemented makes a record of the call.
    """

    def enter(make: Callable) -> Callable:
        CONSTRUCTORS.update(dict.fromkeys(names, make))
        return make

    return enter


def load(source: Source, path: Path, persistent: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """The object of the pickle that begins where ``source`` stands; it then stands after it.

    persistent: (id) → value, for formats that keep arrays outside the pickle. path: for messages. depth: how many
    pickles this one lies in. Raises ZooError, one sentence, for a damaged pickle or one that asks for too much.
    """
    try:
        return Machine(source, path, persistent, depth).run()
    except FAULTS as error:
        reason = str(error)[:120] or type(error).__name__
        raise ZooError(f"{path.name} is damaged: its pickle cannot be read ({reason}). Get the file again.") from error


class Machine:
    """The stack, the memo and the budget of one pickle."""

    def __init__(self, source: Source, path: Path, persistent: Callable | None, depth: int):
        if depth > MAX_NESTED:
            raise ZooError(f"{path.name} is refused: it holds pickles within pickles within pickles.")
        self.source, self.path, self.persistent, self.depth = source, path, persistent, depth
        self.left = MAX_OPCODES
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.copied = self.strange_keys = 0

    def run(self) -> Any:
        """Carry out the opcodes up to STOP."""
        read, source, opcodes = self.source.read, self.source, OPCODES
        while True:
            code = read(1)
            if code == b".":
                return self.stack.pop()
            if not code:
                raise ValueError("it ends too early")
            if code not in opcodes:
                raise ValueError(f"there is no opcode {code!r}")
            self.left -= 1
            if self.left < 0:
                self.spend(1)
            reader, act = opcodes[code]
            act(self, None if reader is None else reader(source))

    def spend(self, count: int) -> None:
        """Take from the budget what work or memory costs that the file asks for. Raises ZooError when it is used up."""
        self.left -= count
        if self.left < 0:
            raise ZooError(
                f"{self.path.name} is refused: reading it takes more than {MAX_OPCODES:,} steps, and no agent's "
                "weights do; save those alone."
            )

    def copy(self, size: int) -> None:
        """Count bytes that the file has copied. Raises ZooError where they are too many."""
        self.copied += size
        if self.copied > MAX_COPIED:
            raise ZooError(f"{self.path.name} is refused: reading it takes too much memory; save its weights alone.")

    def call(self, function: Any, args: Any) -> Any:
        """What the file wants called, as our own constructor or as a record."""
        if not isinstance(args, tuple):
            raise TypeError("a call without a tuple of arguments")
        if not isinstance(function, Name):
            called = getattr(function, "class_name", type(function).__name__)
            return Record("", f"call of {called}", args)
        make = CONSTRUCTORS.get(function.parts)
        value = NotImplemented if make is None else make(self, args)
        return Record(function.module, function.name, args) if value is NotImplemented else value

    def put(self, pairs: list[Any]) -> None:
        """Set keys of what is on top of the stack: k, v, k, v, …"""
        target = self.stack[-1]
        keys, values = pairs[::2], pairs[1::2]
        if len(keys) != len(values):
            raise ValueError("a key without a value")
        if isinstance(target, Record):
            target.entries.extend(zip(keys, values))
            return
        if not isinstance(target, dict):
            raise TypeError("keys are set on what is no dictionary")
        for key, value in zip(keys, values):
            target[self.key(key)] = value

    def key(self, key: Any) -> Any:
        """A key whose hash costs little and cannot be made to collide; others are spelt out."""
        if key is None or isinstance(key, (str, bytes, float, bool)):
            return key
        if isinstance(key, int):
            if not -(2**63) <= key < 2**64:
                raise ValueError("a key is a number of absurd size")
            return key
        return self.spell(key, 0)

    def spell(self, thing: Any, depth: int) -> str:
        """A text for a key that is a tuple or an object."""
        self.spend(1)
        if isinstance(thing, tuple):
            if depth > 4:
                raise ValueError("a key is nested too deeply")
            return f"({', '.join(self.spell(item, depth + 1) for item in thing)})"
        if isinstance(thing, (str, bytes)):
            self.copy(4 * len(thing))
        if thing is None or isinstance(thing, (str, bytes, int, float)):
            return repr(thing)
        if isinstance(thing, Name):
            return str(thing)
        self.strange_keys += 1
        return f"<{getattr(thing, 'class_name', type(thing).__name__)} {self.strange_keys}>"

    def extend(self, items: list[Any]) -> None:
        """Append to what is on top of the stack. Sets are kept as lists: their items need no hash."""
        target = self.stack[-1]
        target = target.items if isinstance(target, Record) else target
        if not isinstance(target, list):
            raise TypeError("items are appended to what is no list")
        target.extend(items)

    def pop_mark(self) -> list[Any]:
        """The items since the last mark."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def build(self, _: None) -> None:
        """Give the top object its state."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], Inert):
            self.stack[-1].build(state, self)

    def make(self, kind: Any, args: Any) -> None:
        """A new object of a class, pushed."""
        self.stack.append(self.call(kind, args))

    def make_with_keys(self, _: None) -> None:
        keywords, args, kind = self.stack.pop(), self.stack.pop(), self.stack.pop()
        if not isinstance(keywords, dict) or not isinstance(args, tuple):
            raise TypeError("a call without arguments")
        self.make(kind, (*args, keywords) if keywords else args)

    def lookup(self, index: int) -> None:
        self.stack.append(self.memo[index])

    def store(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def refer(self, identity: Any) -> None:
        """Push what lies outside the pickle."""
        if self.persistent is None:
            raise ValueError("it refers to objects outside itself")
        self.stack.append(self.persistent(identity))


def _stacked_name(machine: Machine, _: None) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise TypeError("a class without a name")
    machine.stack.append(Name(module[:1000], name[:1000]))


def _mark(machine: Machine, _: None) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _take(machine: Machine, count: int) -> tuple:
    if len(machine.stack) < count:
        raise IndexError("the stack is empty")
    items = tuple(machine.stack[-count:])
    del machine.stack[-count:]
    return items


def _collect(make: Callable[[list], Any]) -> Callable:
    """An opcode that turns the items since the mark into one."""

    def act(machine: Machine, _: None) -> None:
        items = machine.pop_mark()
        machine.stack.append(make(items))

    return act


def _dict(machine: Machine, _: None) -> None:
    items = machine.pop_mark()
    machine.stack.append({})
    machine.put(items)


def _obj(machine: Machine, _: None) -> None:
    kind, *args = machine.pop_mark()
    machine.make(kind, tuple(args))


def _pop(machine: Machine, _: None) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


def _proto(machine: Machine, version: int) -> None:
    if version > 5:
        raise ValueError(f"there is no pickle protocol {version}")


_ODD_ESCAPE = re.compile(rb"\\[^'\"abfnrtvx0-3]")


def _string(source: Source) -> str:
    """A text of Python 2, which may hold any byte: NumPy's arrays lie in such."""
    line = source.readline()
    if len(line) > MAX_LINE or not line.endswith(b"\n") or line[:1] not in (b"'", b'"') or line[-2:-1] != line[:1]:
        raise ValueError("a text without quotes")
    if _ODD_ESCAPE.search(line.replace(b"\\\\", b"")):  # Python would only warn, on a stream that nobody reads
        raise ValueError("a text with an unknown escape")
    return codecs.escape_decode(line[1:-2])[0].decode("latin-1")


def _line(source: Source) -> str:
    line = source.readline()
    if not line.endswith(b"\n"):
        raise ValueError("it ends too early")
    return line[:-1].decode("utf-8")[:1000]


_READERS = {"STRING": _string, "GLOBAL": lambda source: Name(_line(source), _line(source)), "PERSID": _line}
_READERS["INST"] = _READERS["GLOBAL"]
"""In place of those of ``pickletools``, which expect ASCII and take escapes in names."""
_ACTS: dict[str, Callable[[Machine, Any], None]] = {
    "PROTO": _proto,
    "FRAME": lambda m, _: None,
    "MARK": _mark,
    "POP": _pop,
    "POP_MARK": lambda m, _: m.pop_mark() and None,
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_SET": lambda m, _: m.stack.append([]),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "LIST": _collect(list),
    "FROZENSET": _collect(list),
    "TUPLE": _collect(tuple),
    "TUPLE1": lambda m, _: m.stack.append(_take(m, 1)),
    "TUPLE2": lambda m, _: m.stack.append(_take(m, 2)),
    "TUPLE3": lambda m, _: m.stack.append(_take(m, 3)),
    "DICT": _dict,
    "APPEND": lambda m, _: m.extend([m.stack.pop()]),
    "APPENDS": lambda m, _: m.extend(m.pop_mark()),
    "ADDITEMS": lambda m, _: m.extend(m.pop_mark()),
    "SETITEM": lambda m, _: m.put(list(_take(m, 2))),
    "SETITEMS": lambda m, _: m.put(m.pop_mark()),
    "GLOBAL": lambda m, name: m.stack.append(name),
    "STACK_GLOBAL": _stacked_name,
    "INST": lambda m, name: m.make(name, tuple(m.pop_mark())),
    "OBJ": _obj,
    "NEWOBJ": lambda m, _: m.make(*_take(m, 2)),
    "NEWOBJ_EX": Machine.make_with_keys,
    "REDUCE": lambda m, _: m.make(*_take(m, 2)),
    "BUILD": Machine.build,
    "GET": Machine.lookup,
    "BINGET": Machine.lookup,
    "LONG_BINGET": Machine.lookup,
    "PUT": Machine.store,
    "BINPUT": Machine.store,
    "LONG_BINPUT": Machine.store,
    "MEMOIZE": Machine.store,
    "PERSID": Machine.refer,
    "BINPERSID": lambda m, _: m.refer(m.stack.pop()),
}
_REFUSED = ("STOP", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER", "READONLY_BUFFER")
"""Extension codes name objects of the program that wrote them; buffers lie outside the file. STOP ends the loop."""


def _push(machine: Machine, value: Any) -> None:
    machine.stack.append(bytes(value) if isinstance(value, bytearray) else value)


OPCODES = {
    opcode.code.encode("latin-1"): (
        _READERS.get(opcode.name) or opcode.arg and opcode.arg.reader,
        _ACTS.get(opcode.name, _push),
    )
    for opcode in pickletools.opcodes
    if opcode.name not in _REFUSED
}
"""Code → (how its argument is read, what it does); those without an act of their own push their argument."""
