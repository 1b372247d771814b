"""Files that mean harm, or that are broken, for the readers of pickles. Python itself never unpickles any of them.

Each program, if it were run, would make the file ``marker``.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from base64 import b64encode

import numpy as np

LEGACY_HEAD = (
    pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    + pickle.dumps(1001, 2)
    + pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)
)
"""The three pickles that a legacy PyTorch file begins with."""


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def name(module: str, attribute: str) -> bytes:
    """GLOBAL: a class or function."""
    return f"c{module}\n{attribute}\n".encode()


def body(thing) -> bytes:
    """The opcodes that push plain data."""
    return pickle.dumps(thing, 2)[2:-1]


def call(module: str, attribute: str, *args: bytes) -> bytes:
    """REDUCE: function(*args), each argument as opcodes."""
    return name(module, attribute) + b"(" + b"".join(args) + b"tR"


def whole(code: bytes, protocol: int = 2) -> bytes:
    """A pickle of these opcodes."""
    return b"\x80" + bytes([protocol]) + code + b"."


def record(module: str, attribute: str, state: bytes) -> bytes:
    """An object of a class, with its state."""
    return name(module, attribute) + b")\x81" + state + b"b"


def programs(marker: str) -> dict[str, bytes]:
    """{what it does: opcodes} that make the file ``marker`` if they are run."""
    shell = text(f"touch {marker}")
    python = text(f"open({marker!r}, 'w').close()")
    return {
        "os.system": call("os", "system", shell),
        "posix.system": call("posix", "system", shell),
        "subprocess": call("subprocess", "check_call", body(["touch", marker])),
        "eval": call("builtins", "eval", python),
        "Python 2's eval": call("__builtin__", "eval", python),
        "exec": call("builtins", "exec", python),
        "open": call("builtins", "open", text(marker), text("w")),
        "getattr": call("builtins", "getattr", call("builtins", "__import__", text("os")), text("system"))
        + b"(" + shell + b"tR",
        "attributes of a record": call("operator", "methodcaller", text("system"), shell) + name("os", "") + b"\x85R",
        "partial": call("functools", "partial", name("os", "system"), shell) + b")R",
        "map": call("builtins", "list", call("builtins", "map", name("os", "system"), b"]" + shell + b"a")),
        "inst": b"(" + shell + b"ios\nsystem\n",
        "obj": b"(" + name("os", "system") + shell + b"o",
        "newobj": name("os", "system") + b"(" + shell + b"t\x81",
        "newobj_ex": name("subprocess", "check_call") + b")" + body({"args": ["touch", marker]}) + b"\x92",
        "stack_global": text("os") + text("system") + b"\x93(" + shell + b"tR",
        "copyreg": call("copyreg", "__newobj__", name("os", "system"), shell),
        "reconstructor": call("copyreg", "_reconstructor", name("os", "system"), name("builtins", "object"), shell),
        "setstate": record("a", "B", b"}" + text("__setstate__") + name("os", "system") + b"s") + shell + b"b",
        "build on a function": name("os", "system") + b"N}" + text("__call__") + name("os", "system") + b"s\x86b",
        "torch.load": call("torch", "load", text(marker)),
        "nested pickle": call("pickle", "loads", body(whole(call("os", "system", shell)))),
        "runpy": call("runpy", "_run_code", python, b"}"),
        "numpy's runner": call("numpy.testing._private.utils", "runstring", python, b"}"),
        "joblib": call("joblib._store_backends", "concurrency_safe_write", shell, text(marker), name("os", "system")),
        "dtype of a class": call("numpy", "dtype", call("os", "system", shell)),
        "hooks of a tensor": call("torch._utils", "_rebuild_parameter", call("os", "system", shell), b"\x88", b"}"),
        "type of a tensor": call("torch._tensor", "_rebuild_from_type_v2", name("os", "system"), b"N",
                                 b"(" + shell + b"t", b"}"),
        "jax": call("jax._src.array", "_reconstruct_array", name("os", "system"), b"(" + shell + b"t", b"N", b"}"),
        "keys": b"}" + call("os", "system", shell) + b"NsK\x01Ns",
    }  # fmt: skip


def bombs() -> dict[str, bytes]:
    """{what it does: pickle} that take time or memory without end, or crash an interpreter, if they are believed."""
    laugh = b"(NNt" + b"".join(b"q%c0(h%ch%ct" % (n, n, n) for n in range(200))
    lists = b"](NNe" + b"".join(b"q%c0](h%ch%ce" % (n, n, n) for n in range(200))
    many = 2 << 20
    return {
        "a key of 2 to the 200 items": whole(b"}" + laugh + b"Ns"),
        "a key nested deeply": whole(b"}" + b"N" + b"\x85" * 400_000 + b"Ns"),
        "a set of 2 to the 200 items": whole(b"\x8f(" + laugh + b"\x90", 4),
        "a list of 2 to the 200 items": whole(lists),
        "a shape of 2 to the 200 items": whole(array(lists, b"C" + b"\x04aaaa")),
        "a type of 2 to the 200 items": whole(call("numpy", "dtype", lists)),
        "a class of 2 to the 200 arguments": whole(call("builtins", "list", lists)),
        "lists nested deeply": whole(b"]" * 400_000 + b"a" * 399_999),
        "records nested deeply": whole((name("a", "B") + b")\x81") * 30_000 + b"b" * 29_999),
        "calls nested deeply": whole(call("copyreg", "__newobj__", name("copyreg", "__newobj__") * 50_000)),
        "a list in itself": whole(b"]q\x00h\x00a"),
        "a dictionary in itself": whole(b"}q\x00K\x01h\x00s"),
        "a module in itself": whole(
            name("m", "Net") + b")\x81q\x00}(" + text("_parameters") + b"}" + text("_modules") + b"}" + text("me")
            + b"h\x00sub"
        ),
        "keys of one hash": whole(b"}(" + b"".join(b"\x8a\x0a" + (n * (2**61 - 1)).to_bytes(10, "little") + b"N"
                                                 for n in range(9, 60_000)) + b"u"),
        "copies of a set": whole(b"](" + b"N" * 100_000 + b"eq\x000"
                                 + (name("builtins", "set") + b"h\x00\x85R0") * 20_000 + b"N"),
        "copies of a text": whole(text("a" * (8 << 20)) + b"q\x000"
                                  + (name("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R") * 500),
        "the memo's end": whole(b"Nr\xff\xff\xff\x7f"),
        "bytes without end": whole(b"\x8e" + struct.pack("<Q", 1 << 60) + b"a", 4),
        "a bytearray without end": whole(b"\x96" + struct.pack("<Q", 1 << 50) + b"a", 5),
        "a text without end": whole(b"\x8d" + struct.pack("<Q", 1 << 60) + b"a", 4),
        "a number without end": whole(b"\x8b\xff\xff\xff\x7f" + b"a"),
        "digits without end": b"I" + b"9" * 100_000 + b"\n.",
        "a frame without end": whole(b"\x95" + struct.pack("<Q", 1 << 62) + b"N", 4),
        "opcodes without end": whole(b"N0" * many + b"N"),
        "marks without end": whole(b"(" * many + b"N"),
        "an extension": whole(b"\x82\x01"),
        "a buffer": whole(b"\x97", 5),
        "nothing": whole(b""),
        "an empty stack": whole(b"0000"),
        "a lost mark": whole(b"t"),
        "a lost memo": whole(b"h\x07"),
        "an odd number of items": whole(b"}(NNNu"),
        "items of a number": whole(b"K\x01Na"),
    }  # fmt: skip


def array(shape: bytes, raw: bytes, dtype: str = "f4", state: bytes | None = None) -> bytes:
    """NumPy's array, its parts as opcodes."""
    kind = call("numpy", "dtype", body(dtype), b"K\x00", b"K\x01") + (
        body((3, "<", None, None, None, -1, -1, 0)) if state is None else state) + b"b"  # fmt: skip
    made = call("numpy.core.multiarray", "_reconstruct", name("numpy", "ndarray"), body((0,)), body(b"b"))
    return made + b"(K\x01" + shape + kind + b"\x89" + raw + b"tb"


def bad_arrays() -> dict[str, bytes]:
    """{what is wrong: pickle of {"w": array}}."""
    four = body(b"aaaabbbbccccdddd")
    arrays = {
        "too few bytes": array(body((1000, 1000)), four),
        "too many bytes": array(body((1,)), four),
        "absurdly many numbers": array(body((1 << 40, 1 << 40)), four),
        "a negative length": array(body((-4,)), four),
        "a length that is a text": array(body(("4",)), four),
        "a shape that is a number": array(body(4), four),
        "too many axes": array(body((1,) * 40), four),
        "objects": array(body((2,)), body(["a", "b"]), "O8"),
        "texts": array(body((1,)), four, "S16"),
        "a type of many parts": array(body((1,)), four, "V16", body((3, "|", None, ("a",), {"a": 1}, 16, 1, 0))),
        "a type that is none": array(body((4,)), four, "f4, (9999999,9999999)f8"),
        "long doubles": array(body((1,)), four, "f16"),
        "no state": call("numpy.core.multiarray", "_reconstruct", name("numpy", "ndarray"), body((0,)), body(b"b")),
        "numbers elsewhere": array(body((4,)), b"N"),
    }
    return {key: whole(b"}" + text("w") + code + b"s") for key, code in arrays.items()}


def storage(key: str = "0", count: int = 4, kind: str = "FloatStorage", view: bytes = b"") -> bytes:
    """A reference to PyTorch's numbers."""
    legacy = view or b""
    return b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + body(count) + legacy + b"tQ"


def tensor(where: bytes, offset: int, shape: tuple, strides: tuple) -> bytes:
    """A view of them."""
    return call("torch._utils", "_rebuild_tensor_v2", where, body(offset), body(shape), body(strides), b"\x89", b"}")


def bad_tensors() -> dict[str, bytes]:
    """{what is wrong: opcodes of {"w": tensor}}; storage 0 is four float32."""
    tensors = {
        "an offset beyond": tensor(storage(), 4, (1,), (1,)),
        "an offset that overflows": tensor(storage(), 2**62, (4,), (1,)),
        "a negative offset": tensor(storage(), -1, (4,), (1,)),
        "a negative stride": tensor(storage(), 3, (4,), (-1,)),
        "a stride beyond": tensor(storage(), 0, (2, 2), (3, 1)),
        "a stride that overflows": tensor(storage(), 0, (2, 2), (2**63, 1)),
        "a stride that is missing": tensor(storage(), 0, (2, 2), (2,)),
        "numbers repeated without end": tensor(storage(), 0, (1 << 40,), (0,)),
        "numbers repeated often": tensor(storage(), 0, (1 << 27,), (0,)),
        "an absurd shape": tensor(storage(), 0, (1 << 62, 1 << 62), (1, 1)),
        "a negative shape": tensor(storage(), 0, (-4,), (1,)),
        "too many axes": tensor(storage(), 0, (1,) * 30, (1,) * 30),
        "a storage that is missing": tensor(storage("7"), 0, (4,), (1,)),
        "a storage elsewhere": tensor(storage("../../../etc/passwd"), 0, (4,), (1,)),
        "a storage of absurd size": tensor(storage(count=1 << 60), 0, (4,), (1,)),
        "a storage of negative size": tensor(storage(count=-4), 0, (4,), (1,)),
        "a storage larger than its file": tensor(storage(count=4000), 0, (4,), (1,)),
        "quantised numbers": tensor(storage(kind="QInt32Storage"), 0, (4,), (1,)),
        "complex numbers": tensor(storage(kind="ComplexFloatStorage", count=2), 0, (2,), (1,)),
        "a storage of no class": b"(" + text("storage") + name("os", "system") + body("0") + body("cpu") + b"K\x04tQ",
        "a reference to nothing": body(("nothing",)) + b"Q",
        "a number for a storage": tensor(b"K\x05", 0, (4,), (1,)),
        "a number for a shape": call("torch._utils", "_rebuild_tensor_v2", storage(), b"K\x00", b"K\x04", b"K\x01"),
        "quantised by torch": call("torch._utils", "_rebuild_qtensor", storage(), b"K\x00", body((4,)), body((1,))),
        "sparse": call("torch._utils", "_rebuild_sparse_tensor", b"N", b"N"),
        "a file within without end": call("torch.storage", "_load_from_bytes", body(b"PK\3\4" + b"a" * 40)),
    }
    return {key: b"}" + text("w") + code + b"s" for key, code in tensors.items()}


FOUR = np.arange(4, dtype="<f4").tobytes()


def torch_zip(code: bytes, members: dict[str, bytes] | None = None) -> bytes:
    """A PyTorch zip whose object these opcodes make; storage 0 is four float32."""
    parts = {"archive/data.pkl": whole(code), "archive/version": b"3\n", "archive/data/0": FOUR} | (members or {})
    return zip_of(parts)


def torch_legacy(code: bytes, keys: tuple = ("0",), storages: bytes = struct.pack("<q", 4) + FOUR) -> bytes:
    """A legacy PyTorch file; its references have a sixth part, the view."""
    return LEGACY_HEAD + whole(code.replace(b"tQ", b"NtQ")) + pickle.dumps(list(keys), 2) + storages


def zip_of(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for member, data in parts.items():
            archive.writestr(member, data)
    return file.getvalue()


def serialised(code: bytes) -> dict[str, str]:
    """An entry of Stable-Baselines3's data."""
    return {":type:": "<class 'x'>", ":serialized:": b64encode(whole(code, 4)).decode()}


def sb3_zip(policy: bytes, data: dict | None = None, **members: bytes) -> bytes:
    """A Stable-Baselines3 zip: data as JSON, policy.pth."""
    parts = {"data": json.dumps(data or {}).encode(), "policy.pth": policy, "_stable_baselines3_version": b"2.3.2"}
    return zip_of(parts | {key.replace("__", "."): value for key, value in members.items()})


def archives() -> dict[str, bytes]:
    """{what is wrong: zip} of archives that are bombs, point outside themselves, or lie."""
    good = torch_zip(b"}" + text("w") + tensor(storage(), 0, (4,), (1,)) + b"s")
    zeros = {"archive/data.pkl": b"\0" * (40 << 20)}
    end = good.rindex(b"PK\5\6")
    entries = good.index(b"PK\1\2")
    return {
        "a bomb": zip_of(zeros, zipfile.ZIP_DEFLATED),
        "a storage that is a bomb": zip_of(
            {"archive/data.pkl": whole(b"}"), "archive/data/0": b"\0" * (40 << 20)}, zipfile.ZIP_DEFLATED
        ),
        "a member outside": torch_zip(b"}", {"../../marker": b"x"}),
        "a member at the root": torch_zip(b"}", {"/etc/marker": b"x"}),
        "too many members": zip_of({"data.pkl": whole(b"}")} | {f"data/{n}": b"" for n in range(20_500)}),
        "no pickle": zip_of({"archive/data/0": FOUR}),
        "an old script": zip_of({"net/model.json": b"{}", "net/tensors/0": FOUR}),
        "a pickle that is cut": zip_of({"archive/data.pkl": whole(b"}")[:-1]}),
        "a member longer than it says": good.replace(struct.pack("<I", 16), struct.pack("<I", 8)),
        "a member shorter than it says": good.replace(struct.pack("<I", 16), struct.pack("<I", 1 << 30)),
        "a member encrypted": good[: entries + 8] + b"\1\0" + good[entries + 10 :],
        "a way of packing that is unknown": good[: entries + 10] + b"\x63\0" + good[entries + 12 :],
        "a table of contents without end": good[: end + 12] + struct.pack("<I", (1 << 32) - 2) + good[end + 16 :],
        "a table of contents elsewhere": good[: end + 16] + struct.pack("<I", (1 << 32) - 2) + good[end + 20 :],
        "half of it": good[: len(good) // 2],
        "its head": good[:40],
    }  # fmt: skip
