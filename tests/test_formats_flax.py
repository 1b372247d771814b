"""Flax's and Dopamine's msgpack, and Orbax's folders: written by their documented encodings, read by name."""

import json
import shutil

import ml_dtypes
import msgpack
import numpy as np
import pytest
import tensorstore
from stranger_files import check_fuzzed, garbled

from zoo_gui.agents.reading import zstd
from zoo_gui.agents.formats import flax_msgpack, orbax, read_checkpoint, recognise
from zoo_gui.types import ZooError


def floats(*shape, kind="f4"):
    return np.random.default_rng(len(shape)).normal(0, 1, shape).astype(kind)


def network(units=3):
    """The parameters of a small Flax network."""
    return {"params": {"Conv_0": {"kernel": floats(3, 3, 2, 4), "bias": floats(4)},
                       "Dense_0": {"kernel": floats(36, units), "bias": floats(units)}}}  # fmt: skip


NAMES = ["params/Conv_0/kernel", "params/Conv_0/bias", "params/Dense_0/kernel", "params/Dense_0/bias"]


def flax(tree):
    """``flax.serialization.to_bytes``: arrays are extensions of (shape, name of the type, bytes), lists are maps."""
    def pack(value):
        if isinstance(value, np.generic):
            return msgpack.ExtType(3, msgpack.packb(((), value.dtype.name, value.tobytes())))
        return msgpack.ExtType(1, msgpack.packb((value.shape, value.dtype.name, value.tobytes())))

    def maps(value):
        if isinstance(value, (list, tuple)):
            value = {str(number): inner for number, inner in enumerate(value)}
        return {key: maps(inner) for key, inner in value.items()} if isinstance(value, dict) else value

    return msgpack.packb(maps(tree), default=pack, strict_types=True)


def read(tmp_path, data, name="model.msgpack"):
    path = tmp_path / name
    path.write_bytes(data)
    return read_checkpoint(path)


def test_cleanrls_ppo(tmp_path):
    """[the arguments, [network, actor, critic]] in a file whose name says nothing."""
    arguments = {"env_id": "Breakout-v5", "seed": 1, "learning_rate": 2.5e-4, "torch": True, "wandb": None}
    path = tmp_path / "ppo_atari_envpool_xla_jax_scan.cleanrl_model"
    path.write_bytes(flax([arguments, [network(), network(4), network(1)]]))
    assert recognise(path).name == "flax"
    checkpoint = read_checkpoint(path)
    assert list(checkpoint.arrays) == [f"{part}/{name}" for part in ("network", "actor", "critic") for name in NAMES]
    assert checkpoint.convention == "tensorflow"
    assert checkpoint.facts == {key: value for key, value in arguments.items() if value is not None}
    np.testing.assert_array_equal(checkpoint.arrays["actor/params/Dense_0/kernel"], floats(36, 4))


def test_cleanrls_other_agents(tmp_path):
    arguments = {"env_id": "PongNoFrameskip-v4", "v_min": -10}
    checkpoint = read(tmp_path, flax({"model_weights": network(), "args": arguments}))
    assert list(checkpoint.arrays) == NAMES
    assert checkpoint.facts == arguments


def test_a_training_state(tmp_path):
    state = {"step": 7, "params": network(), "target_params": network(),
             "batch_stats": {"BatchNorm_0": {"mean": floats(4)}}, "opt_state": {"0": {"count": np.int32(3),
             "mu": network()}}}  # fmt: skip
    checkpoint = read(tmp_path, flax(state), "checkpoint_100")
    assert list(checkpoint.arrays) == [*(f"params/{name}" for name in NAMES), "batch_stats/BatchNorm_0/mean"]
    assert checkpoint.facts == {"step": 7}
    assert [word in " ".join(checkpoint.remarks) for word in ("optimiser", "target network")] == [True, True]


def test_kinds_of_numbers(tmp_path):
    kinds = {"half": floats(3, kind="f2"), "brain": floats(3).astype(ml_dtypes.bfloat16),
             "double": floats(2, kind="f8"), "scalar": np.float32(2.5), "key": np.arange(2, dtype="u4"),
             "step": np.int64(5), "tiny": floats(2).astype(ml_dtypes.float8_e5m2)}  # fmt: skip
    checkpoint = read(tmp_path, flax({"params": kinds}))
    kinds = {name.removeprefix("params/"): array.dtype.name for name, array in checkpoint.arrays.items()}
    assert kinds == {"half": "float16", "brain": "float32", "double": "float64", "key": "uint32"}
    assert checkpoint.facts == {"params/scalar": 2.5, "params/step": 5}
    assert "float8" in checkpoint.remarks[0]


def test_arrays_in_parts(tmp_path):
    """Flax cuts arrays over a gigabyte."""
    whole = floats(4, 5)
    parts = {"__msgpack_chunked_array__": True, "shape": {"0": 4, "1": 5},
             "chunks": {str(number): part for number, part in enumerate(np.split(whole.ravel(), 4))}}  # fmt: skip
    checkpoint = read(tmp_path, flax({"params": {"Dense_0": {"kernel": parts}}}))
    np.testing.assert_array_equal(checkpoint.arrays["params/Dense_0/kernel"], whole)


def dopamine(value):
    """Dopamine's ``jax/serialization.py``: an array is a map, its type the ``repr`` of NumPy's."""
    if isinstance(value, dict):
        return {key: dopamine(inner) for key, inner in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    kind = value.dtype.descr if value.dtype.names else value.dtype.str
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    return {"shape": value.shape, "data": value.tobytes(), "dtype": repr(kind), "order": order}


def test_dopamines_checkpoint(tmp_path):
    records = np.zeros(3, [("reward", "f4"), ("done", "?")])
    state = dopamine({"online_params": network(), "target_params": network(),
                      "training_steps": {"integer": str(1 << 40)}, "replay": {"memory": records},
                      "optimizer_state": {"mu": floats(3)}})  # fmt: skip
    checkpoint = read(tmp_path, msgpack.packb(state), "checkpoint.msgpack")
    assert list(checkpoint.arrays) == [f"online_params/{name}" for name in NAMES]
    assert checkpoint.facts["training_steps"] == 1 << 40
    np.testing.assert_array_equal(checkpoint.arrays["online_params/params/Dense_0/kernel"], floats(36, 3))


@pytest.mark.parametrize("shape, name, buffer", [
    ([3], "float32", bytes(8)), ([1 << 40, 1 << 40], "float32", b""), ([-1], "float32", bytes(4)),
    ([2.5], "float32", b""), ([1] * 40, "float32", bytes(4)), ([True], "float32", bytes(4)), ("abc",
    "float32", bytes(12)), ([3], "float32", 3),
])  # fmt: skip
def test_hostile_arrays(tmp_path, shape, name, buffer):
    inner = msgpack.packb((shape, name, buffer))
    with pytest.raises(ZooError, match="hostile"):
        read(tmp_path, msgpack.packb({"params": {"w": msgpack.ExtType(1, inner)}}), "hostile.msgpack")


@pytest.mark.parametrize("data", [
    b"", b"\x81\xa6params", b"\x81\xa1a" * 2000 + b"\xc0", msgpack.packb({"params": {}}), msgpack.packb({"a": "text"}),
    b"\x81\xa1a\xdd\x00\x20\x00\x00" + b"\xc0" * (1 << 21), b"\x81\xa1a\xdc\xff\xff" + b"\x90" * 65535 + b"\x00" * 9,
    msgpack.packb({"params": {"__msgpack_chunked_array__": True, "shape": {"0": 1 << 60}, "chunks": {"0": 3}}}),
    b"\x81\xa1a\xdd\x00\x08\x00\x00" + b"\xdc\x00\x10" + b"\x90" * 40,
], ids=range(9))  # fmt: skip
def test_hostile_files(tmp_path, data):
    (tmp_path / "hostile.msgpack").write_bytes(data)
    with pytest.raises(ZooError, match="hostile.msgpack"):
        read_checkpoint(tmp_path / "hostile.msgpack", "flax" if data else "")


def test_millions_of_small_values_are_refused(tmp_path):
    tree = {"params": [[0] * 1000] * 1100}
    with pytest.raises(ZooError, match="millions"):
        read(tmp_path, msgpack.packb(tree))


def test_other_files_are_not_taken_for_msgpack(tmp_path):
    others = {"a.pkl": b"\x80\x04\x95\x10", "a.h5": b"\x89HDF\r\n\x1a\n", "a.zip": b"PK\3\4",
    "a.json": b'{"params": 1}',
              "a.pb": b"\x0a\x0bparams", "text": b"model_checkpoint_path: 'x'"}  # fmt: skip
    assert not any(flax_msgpack.recognises(tmp_path / name, head) for name, head in others.items())


def test_fuzzed_files(tmp_path):
    ppo = flax([{"env_id": "Breakout-v5"}, [network(), network(4), network(1)]])
    assert check_fuzzed(ppo, tmp_path / "fuzzed.msgpack", "flax", 400) > 20
    packed = msgpack.packb(dopamine({"online_params": network()}))
    assert check_fuzzed(packed, tmp_path / "b.msgpack", "flax", 300) > 20


def write_orbax(folder, tree, packed=True, version=2, metadata=True, **compressor):
    """Orbax's layout: arrays by their keys joined by points, in an OCDBT store or a folder each; JSON of the keys."""
    folder.mkdir(parents=True)
    base = {"driver": "file", "path": f"{folder}/"}
    entries = {}
    for path, array in tree.items():
        name = ".".join(path)
        inside = {"driver": "ocdbt", "base": base, "path": f"{name}/"}
        store = inside if packed else base | {"path": f"{folder}/{name}/"}
        spec = {"driver": "zarr" if version == 2 else "zarr3", "kvstore": store, "metadata": compressor}
        tensorstore.open(spec, create=True, dtype=array.dtype.name, shape=array.shape).result().write(array).result()
        entries[str(path)] = {"key_metadata": [{"key": key, "key_type": 2} for key in path],
                              "value_metadata": {"value_type": "jax.Array", "skip_deserialize": False}}  # fmt: skip
    if metadata:
        (folder / "_METADATA").write_text(json.dumps({"tree_metadata": entries, "use_zarr3": version == 3}))
    return folder


TREE = {
    ("step",): np.asarray(9), ("params", "params", "Conv_0", "kernel"): floats(3, 3, 2, 4),
    ("params", "params", "a.b/c", "bias"): floats(4).astype(ml_dtypes.bfloat16),
    ("opt_state", "0", "mu", "kernel"): floats(3),
}  # fmt: skip


@pytest.mark.parametrize("packed, version", [(True, 2), (True, 3), (False, 2), (False, 3)])
def test_orbax(tmp_path, packed, version):
    tree = {path: array for path, array in TREE.items() if packed or "/" not in "".join(path)}
    folder = write_orbax(tmp_path / "model", tree, packed, version)
    assert recognise(folder).name == "orbax"
    checkpoint = read_checkpoint(folder)
    names = ["params/params/Conv_0/kernel", *(["params/params/a.b/c/bias"] if packed else [])]
    assert sorted(checkpoint.arrays) == sorted(names)
    np.testing.assert_array_equal(checkpoint.arrays[names[0]], floats(3, 3, 2, 4))
    assert checkpoint.facts == {"step": 9} and checkpoint.convention == "tensorflow"
    assert "optimiser" in checkpoint.remarks[0]
    if packed:
        assert checkpoint.arrays[names[1]].dtype == np.float32


def test_orbax_managers_last_step_and_items(tmp_path):
    for step, kernel in ((2, floats(2, 2)), (10, floats(3, 3))):
        write_orbax(tmp_path / "run" / str(step) / "default", {("Dense_0", "kernel"): kernel})
        (tmp_path / "run" / str(step) / "_CHECKPOINT_METADATA").write_text("{}")
    (tmp_path / "run" / "11").mkdir()  # a step that was begun only
    checkpoint = read_checkpoint(tmp_path / "run")
    assert checkpoint.arrays["Dense_0/kernel"].shape == (3, 3)
    assert "10/default" in checkpoint.remarks[0]
    assert read_checkpoint(tmp_path / "run" / "2").arrays["Dense_0/kernel"].shape == (2, 2)
    assert read_checkpoint(tmp_path / "run" / "2" / "default" / "manifest.ocdbt").arrays


def test_orbax_without_its_json_keeps_the_points(tmp_path):
    folder = write_orbax(tmp_path / "model", {("Dense_0", "kernel"): floats(2, 2)}, metadata=False)
    assert list(read_checkpoint(folder).arrays) == ["Dense_0.kernel"]
    (folder / "_METADATA").write_text("[" * 100_000)
    assert list(read_checkpoint(folder).arrays) == ["Dense_0.kernel"]


def test_folders_of_one_msgpack_file(tmp_path):
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy" / "checkpoint").write_bytes(flax({"params": network()}))
    assert list(read_checkpoint(tmp_path / "legacy").arrays) == [f"params/{name}" for name in NAMES]
    (tmp_path / "dopamine" / "7").mkdir(parents=True)
    packed = msgpack.packb(dopamine({"online_params": network()}))
    (tmp_path / "dopamine" / "7" / "checkpoint.msgpack").write_bytes(packed)
    checkpoint = read_checkpoint(tmp_path / "dopamine")
    assert checkpoint.format == "orbax" and len(checkpoint.arrays) == 4
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "checkpoint").write_text('model_checkpoint_path: "tf_ckpt-199"')
    assert not orbax.recognises(tmp_path / "tensorflow", b"")


def test_orbax_without_tensorstore(tmp_path, monkeypatch):
    folder = write_orbax(tmp_path / "model", TREE)
    monkeypatch.setitem(__import__("sys").modules, "tensorstore", None)
    with pytest.raises(ZooError, match=r'pip install "zoo-gui\[orbax\]"'):
        read_checkpoint(folder)


def test_hostile_orbax(tmp_path):
    folder = write_orbax(tmp_path / "shape", {("w",): floats(2, 2)}, packed=False)
    table = json.loads((folder / "w" / ".zarray").read_text())
    for key, value in (("shape", [1 << 30, 1 << 30]), ("chunks", [1 << 20, 1 << 20]), ("dtype", "|O"),
                       ("shape", [-1, 2]), ("filters", [{"id": "evil"}])):  # fmt: skip
        (folder / "w" / ".zarray").write_text(json.dumps(table | {key: value}))
        with pytest.raises(ZooError, match="shape"):
            read_checkpoint(folder)
    ones = np.ones((1 << 13, 1 << 12), "f4")
    bomb = write_orbax(tmp_path / "bomb", {("w",): ones}, compressor={"id": "zstd", "level": 1})
    assert sum(file.stat().st_size for file in bomb.rglob("*") if file.is_file()) < 1 << 20
    with pytest.raises(ZooError, match="200 times"):
        read_checkpoint(bomb)


def test_fuzzed_orbax(tmp_path):
    read, folder = 0, write_orbax(tmp_path / "model", TREE)
    for number, source in enumerate(sorted(file for file in folder.rglob("*") if file.is_file())):
        for data in garbled(source.read_bytes(), 24, number):
            shutil.rmtree(tmp_path / "garbled", ignore_errors=True)
            shutil.copytree(folder, tmp_path / "garbled")
            (tmp_path / "garbled" / source.relative_to(folder)).write_bytes(data)
            try:
                read += bool(read_checkpoint(tmp_path / "garbled", "orbax").arrays)
            except ZooError as error:
                assert "garbled" in str(error) and "\n" not in str(error)
    assert read > 5


def test_bound_of_zstd():
    """By hand: a frame of a raw block, a run, a packed block; then one with its size in front."""
    def block(last, kind, size):
        return (last | kind << 1 | size << 3).to_bytes(3, "little")

    frame = zstd.MAGIC + b"\x00\x58" + block(0, 0, 5) + b"abcde" + block(0, 1, 70_000) + b"x"
    frame += block(1, 2, 9) + bytes(9)
    assert zstd.bound(b"junk" + frame + b"junk") == 5 + 70_000 + zstd.BLOCK
    single = zstd.MAGIC + b"\x20\x09" + block(1, 2, 4) + bytes(4)
    assert zstd.bound(single) == 9
    assert zstd.bound(frame + single) == zstd.bound(frame) + 9
    assert zstd.bound(zstd.MAGIC * 300) >= 0 and zstd.bound(b"") == zstd.bound(frame[:5]) == 0
    assert zstd.bound((zstd.MAGIC + b"\x00\x58" + block(0, 1, 1) + b"x") * 3) >= 0
