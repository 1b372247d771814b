"""NumPy's files: Chainer's archives, dumps of other frameworks, flat vectors; pickles are never loaded."""

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from stranger_files import check_fuzzed

from zoo_gui.agents.formats import read_checkpoint, recognise
from zoo_gui.types import ZooError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "agents"


def floats(*shape):
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(np.float32)


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch /tmp/zoo_gui_was_run",)


def chainer(path, **more):
    """An archive as ``chainer.serializers.save_npz`` writes it: paths with slashes, in no order, compressed."""
    arrays = {"l10/b": floats(3), "0/conv2/W": floats(4, 3, 2, 2), "0/conv1/b": floats(3),
              "0/conv1/W": floats(3, 2, 4, 4), "l10/W": floats(3, 64), "l2/W": floats(64, 64),
              "0/bn/avg_mean": floats(4), "0/bn/avg_var": floats(4),
              "0/bn/gamma": floats(4), "0/bn/beta": floats(4), "0/bn/N": np.asarray(7)}  # fmt: skip
    np.savez_compressed(path, **arrays | more)
    return path


def test_chainers_archive_is_sorted_and_pytorchs_convention(tmp_path):
    path = chainer(tmp_path / "model.npz")
    checkpoint = read_checkpoint(path)
    assert recognise(path).name == checkpoint.format == "numpy"
    assert checkpoint.convention == "pytorch"
    assert list(checkpoint.arrays) == ["0/bn/N", "0/bn/avg_mean", "0/bn/avg_var", "0/bn/beta", "0/bn/gamma",
                                       "0/conv1/W", "0/conv1/b", "0/conv2/W", "l2/W", "l10/W", "l10/b"]  # fmt: skip
    np.testing.assert_array_equal(checkpoint.arrays["0/conv2/W"], floats(4, 3, 2, 2))


def test_chainers_optimiser_and_absent_values_are_left_out(tmp_path):
    """Chainer pickles None where a parameter was never initialised."""
    none = np.empty((), object)
    more = {"0/conv1/W/m": floats(3, 2, 4, 4), "0/conv1/W/t": np.asarray(3), "t": np.asarray(3), "late/W": none}
    checkpoint = read_checkpoint(chainer(tmp_path / "model.npz", **more))
    assert len(checkpoint.arrays) == 11
    assert "late/W" in checkpoint.remarks[0] and "3 arrays" in checkpoint.remarks[1]


def test_chainers_snapshot_gives_its_models(tmp_path):
    np.savez(tmp_path / "snapshot_iter_9", **{"updater/model:main/predictor/conv1/W": floats(3, 2, 4, 4),
             "updater/optimizer:main/conv1/W/v": floats(3, 2, 4, 4), "updater/iteration": np.asarray(9)})  # fmt: skip
    checkpoint = read_checkpoint(tmp_path / "snapshot_iter_9.npz")
    assert list(checkpoint.arrays) == ["updater/model:main/predictor/conv1/W"]


def test_an_optimiser_alone_is_no_agent(tmp_path):
    np.savez(tmp_path / "optimizer.npz", **{"l1/W/m": floats(3, 2), "l1/W/v": floats(3, 2), "t": np.asarray(3)})
    with pytest.raises(ZooError, match="optimiser's state"):
        read_checkpoint(tmp_path / "optimizer.npz")


@pytest.mark.parametrize("names, convention", [
    (["model/c1/w:0", "model/c1/b:0", "model/pi/w:0"], "tensorflow"),
    (["params/Conv_0/kernel", "params/Conv_0/bias"], "tensorflow"),
    (["deepq/q_func/convnet/Conv/weights:0", "deepq/q_func/convnet/Conv/biases:0"], "tensorflow"),
    (["network.0.weight", "network.0.bias"], "pytorch"), (["predictor/conv1/W"], "pytorch"),
    (["arr_0", "arr_1"], ""), (["kernel", "W"], ""),
])  # fmt: skip
def test_conventions_by_name(tmp_path, names, convention):
    np.savez(tmp_path / "dump.npz", **{name: floats(3, 2) for name in names})
    checkpoint = read_checkpoint(tmp_path / "dump.npz")
    assert checkpoint.convention == convention
    assert sorted(checkpoint.arrays) == sorted(names)


def test_kinds_of_numbers_and_texts(tmp_path):
    np.savez(tmp_path / "dump.npz", big=floats(3).astype(">f4"), half=floats(3).astype("f2"), fortran=np.asfortranarray(
        floats(3, 4)), scalar=np.float64(2.5), empty=np.zeros((0, 3), np.float32), game=np.asarray("Breakout"),
        complex=np.zeros(3, complex), when=np.zeros(2, "M8[s]"))  # fmt: skip
    checkpoint = read_checkpoint(tmp_path / "dump.npz")
    assert {name: array.dtype.str for name, array in checkpoint.arrays.items()} == {
        "big": "<f4", "half": "<f2", "fortran": "<f4", "scalar": "<f8", "empty": "<f4"}  # fmt: skip
    np.testing.assert_array_equal(checkpoint.arrays["fortran"], floats(3, 4))
    assert checkpoint.facts == {"game": "Breakout"}
    assert len(checkpoint.remarks) == 2


def test_a_flat_vector_is_given_as_it_is(tmp_path):
    np.save(tmp_path / "theta.npy", np.arange(50.0))
    checkpoint = read_checkpoint(tmp_path / "theta.npy")
    assert recognise(tmp_path / "theta.npy").name == "numpy"
    assert list(checkpoint.arrays) == ["theta"] and checkpoint.facts == {"flat": True}


def test_a_rollout_is_no_agent(tmp_path):
    np.savez(tmp_path / "a_rollout.npz", observations=floats(2, 3), frames=floats(2, 3), score=floats(2))
    with pytest.raises(ZooError, match="is a rollout"):
        read_checkpoint(tmp_path / "a_rollout.npz")


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "weights.npy", np.asarray([floats(3), Bomb()], object), allow_pickle=True)
    with pytest.raises(ZooError, match="never run"):
        read_checkpoint(tmp_path / "weights.npy")
    np.savez(tmp_path / "mixed.npz", w=floats(3, 2), bomb=np.asarray([Bomb()], object))
    checkpoint = read_checkpoint(tmp_path / "mixed.npz")
    assert list(checkpoint.arrays) == ["w"] and "bomb" in checkpoint.remarks[0]
    assert not Path("/tmp/zoo_gui_was_run").exists()


def member(header: bytes, data: bytes = b"", version=(1, 0)) -> bytes:
    """An .npy file of a header's text."""
    size = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + size + header + data


def header(shape="(4,)", descr="'<f4'", order="False") -> bytes:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()


HOSTILE = {
    "too large": member(header("(1000000000000,)")),
    "product beyond 64 bits": member(header("(4294967296, 4294967296, 4294967296)")),
    "too many axes": member(header("(" + "1," * 40 + ")")),
    "negative": member(header("(-4,)"), bytes(16)),
    "no whole number": member(header("(4.5,)"), bytes(16)),
    "truth": member(header("(True,)"), bytes(16)),
    "cut short": member(header(), bytes(8)),
    "too long": member(header(), bytes(800)),
    "object": member(header("()", "'|O'"), b"cos\nsystem\n(S'true'\ntR."),
    "long header": member(header() + b" " * 50_000, bytes(16)),
    "nested header": member(b"(" * 5000 + b")" * 5000),
    "call in the header": member(b"__import__('os').system('touch /tmp/zoo_gui_was_run')\n"),
    "no dict": member(b"[1, 2]\n"),
    "records": member(header("(2,)", "[('a', '<f4'), ('b', '|O')]"), bytes(24)),
    "sub-array": member(header("(2,)", "('<f4', (1000000,))"), bytes(24)),
    "version 9": member(header(), bytes(16), (9, 0)),
    "only magic": b"\x93NUMPY",
    "zero width": member(header("(10**9,)".replace("10**9", "1000000000"), "'<U0'")),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("packed", [False, True], ids=["npy", "npz"])
def test_hostile_arrays(tmp_path, name, packed):
    path = tmp_path / ("hostile.npz" if packed else "hostile.npy")
    if packed:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("w.npy", HOSTILE[name])
    else:
        path.write_bytes(HOSTILE[name])
    with pytest.raises(ZooError, match="hostile.np"):
        read_checkpoint(path, "numpy")
    assert not Path("/tmp/zoo_gui_was_run").exists()


def test_hostile_archives(tmp_path):
    def archive(**members):
        path = tmp_path / "hostile.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, data in members.items():
                opened.writestr(name, data)
        return path

    bombs = {f"a{number}.npy": member(header(f"({15 << 18},)"), bytes(15 << 20)) for number in range(6)}
    for members, words in (
        ({"../w.npy": member(header(), bytes(16))}, "outside"),
        ({"w.npy": member(header("(8388608,)"), bytes(1 << 25))}, "200 times"), (bombs, "200 times"),
        ({"readme.txt": "hello"}, "no arrays"),
    ):  # fmt: skip
        with pytest.raises(ZooError, match=words):
            read_checkpoint(archive(**members), "numpy")


def test_a_name_that_stands_twice_is_read_once(tmp_path):
    path = tmp_path / "twice.npz"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(2):
            archive.writestr("w.npy", member(header(), bytes(16)))
    assert list(read_checkpoint(path).arrays) == ["w"]


def test_fuzzed_files(tmp_path):
    assert check_fuzzed(chainer(tmp_path / "a.npz").read_bytes(), tmp_path / "fuzzed.npz", "numpy", 300) > 0
    buffer = io.BytesIO()
    np.save(buffer, floats(6, 5))
    assert check_fuzzed(buffer.getvalue(), tmp_path / "fuzzed.npy", "numpy", 300) > 5


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/agents is not there")
def test_real_file():
    (path,) = SHARED.glob("chainer_*/examples/a3c_breakout/parameters/model.npz")
    checkpoint = read_checkpoint(path)
    assert {name: array.shape for name, array in checkpoint.arrays.items()} == {
        "0/0/W": (16, 4, 8, 8), "0/0/b": (16,), "0/1/W": (32, 16, 4, 4), "0/1/b": (32,), "0/2/W": (256, 2592),
        "0/2/b": (256,), "1/model/output/W": (4, 256), "1/model/output/b": (4,), "2/model/output/W": (1, 256),
        "2/model/output/b": (1,)}  # fmt: skip
    assert list(checkpoint.arrays)[:2] == ["0/0/W", "0/0/b"] and checkpoint.convention == "pytorch"
