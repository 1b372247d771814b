"""Files that mean harm: nothing in them runs, and each gives a checkpoint or one sentence, within limits."""

from __future__ import annotations

import functools
import gzip
import io
import json
import pickle
import subprocess
import sys
from pathlib import Path

import hostile_pickles as hostile
import numpy as np
import pytest
import torch
from test_formats_baselines import ActorCritic, pickled_space
from test_formats_pickle import WEIGHTS, ancient_tar, dopamine, python2_array
from torch import nn

from zoo_gui.agents.formats import Checkpoint, pickles, pytorch, recognise, stable_baselines2, stable_baselines3
from zoo_gui.agents.reading.inert import load
from zoo_gui.types import ZooError

MEMORY = 1 << 30
"""Bytes of address space that a reader gets, the interpreter, NumPy and its threads included."""
GOOD = b"}" + hostile.text("fc.weight") + hostile.tensor(hostile.storage(), 0, (2, 2), (2, 1)) + b"s"


def outcome(reader, path: Path) -> Checkpoint | str:
    """The checkpoint, or the sentence; any other exception fails the test."""
    try:
        checkpoint = reader.read(path)
    except ZooError as error:
        sentence = str(error)
        assert path.name in sentence and sentence.endswith((".", ")")) and "\n" not in sentence, sentence
        assert len(sentence) < 500
        return sentence
    assert all(isinstance(array, np.ndarray) and array.dtype.kind in "fiub" for array in checkpoint.arrays.values())
    json.dumps(dict(checkpoint.facts))  # plain data
    return checkpoint


@pytest.mark.parametrize("name", hostile.programs(""))
def test_nothing_runs(tmp_path, name):
    marker = tmp_path / "marker"
    code = hostile.programs(str(marker))[name]
    beside = GOOD + hostile.text("harm") + code + b"s"
    array = b"}" + hostile.text("w") + hostile.body(WEIGHTS["W1"]) + b"s" + hostile.text("harm") + code + b"s"
    files = {
        "a.pkl": (pickles, hostile.whole(code)),
        "b.pkl": (pickles, hostile.whole(array)),
        "c.pt": (pytorch, hostile.torch_zip(code)),
        "d.pt": (pytorch, hostile.torch_legacy(code, (), b"")),
        "e.pt": (pytorch, hostile.torch_zip(beside)),
        "f.zip": (stable_baselines3, hostile.sb3_zip(hostile.torch_zip(GOOD), dict.fromkeys(
            ("policy_class", "policy_kwargs", "observation_space", "action_space"), hostile.serialised(code)))),
        "g.zip": (stable_baselines3, hostile.sb3_zip(hostile.torch_zip(code))),
    }  # fmt: skip
    for file, (reader, data) in files.items():
        (tmp_path / file).write_bytes(data)
        outcome(reader, tmp_path / file)
        assert recognise(tmp_path / file).read is reader.read
        if file[0] in "bef":
            assert outcome(reader, tmp_path / file).arrays
    assert not marker.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("name", hostile.bad_arrays())
def test_numpys_arrays_that_cannot_be(tmp_path, name):
    (tmp_path / "a.pkl").write_bytes(hostile.bad_arrays()[name])
    assert isinstance(outcome(pickles, tmp_path / "a.pkl"), str)


@pytest.mark.parametrize("name", hostile.bad_tensors())
def test_tensors_that_cannot_be(tmp_path, name):
    code = hostile.bad_tensors()[name]
    for file, data in {"a.pt": hostile.torch_zip(code), "b.pt": hostile.torch_legacy(code)}.items():
        (tmp_path / file).write_bytes(data)
        assert isinstance(outcome(pytorch, tmp_path / file), str)


def test_the_good_ones_are_good(tmp_path):
    """Else the tests above would refuse for another reason."""
    for file, data in {"a.pt": hostile.torch_zip(GOOD), "b.pt": hostile.torch_legacy(GOOD)}.items():
        (tmp_path / file).write_bytes(data)
        np.testing.assert_array_equal(pytorch.read(tmp_path / file).arrays["fc.weight"], [[0, 1], [2, 3]])
    (tmp_path / "c.pkl").write_bytes(
        hostile.whole(b"}" + hostile.text("w") + hostile.array(hostile.body((4,)), hostile.body(hostile.FOUR)) + b"s")
    )
    np.testing.assert_array_equal(pickles.read(tmp_path / "c.pkl").arrays["w"], [0, 1, 2, 3])


def test_storages_of_a_legacy_file_that_do_not_fit(tmp_path):
    length = (4).to_bytes(8, "little")
    wrong = {
        "cut": hostile.torch_legacy(GOOD, storages=length + hostile.FOUR[:-1]),
        "without end": hostile.torch_legacy(GOOD, storages=(1 << 40).to_bytes(8, "little") + hostile.FOUR),
        "negative": hostile.torch_legacy(GOOD, storages=(-4).to_bytes(8, "little", signed=True) + hostile.FOUR),
        "of another name": hostile.torch_legacy(GOOD, keys=("1",)),
        "twice": hostile.torch_legacy(GOOD, keys=("0", "0"), storages=2 * (length + hostile.FOUR)),
        "none": hostile.torch_legacy(GOOD, keys=(), storages=b""),
        "another number": hostile.torch_legacy(GOOD).replace(b"\x8a\x0al", b"\x8a\x0am", 1),
    }
    for name, data in wrong.items():
        (tmp_path / "a.pt").write_bytes(data)
        assert isinstance(outcome(pytorch, tmp_path / "a.pt"), str), name


def test_bombs_and_lying_archives_stay_within_memory_and_end(tmp_path):
    """All in one process that may not have more than a gigabyte, which no signal or lack of memory may end."""
    tests = Path(__file__).parent
    script = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
sys.path[:0] = [{str(tests)!r}, {str(tests.parent)!r}]
import gzip
from pathlib import Path
import hostile_pickles as hostile
from zoo_gui.agents.formats import pickles, pytorch, stable_baselines3
from zoo_gui.types import ZooError
files = [(pickles, ".pkl", name, data) for name, data in hostile.bombs().items()]
archives = hostile.archives()
files += [(pytorch, ".pt", name, data) for name, data in archives.items()]
files += [(stable_baselines3, ".zip", name, hostile.sb3_zip(data)) for name, data in archives.items()]
files.append((pickles, ".pkl.gz", "packed zeros", gzip.compress(bytes(100 << 20), 1)))
for reader, suffix, name, data in files:
    path = Path({str(tmp_path)!r}) / f"x{{suffix}}"
    path.write_bytes(data)
    try:
        reader.recognises(path, data[:4096])
        print("read", name, list(reader.read(path).arrays))
    except ZooError as error:
        assert len(str(error)) < 500 and path.name in str(error), error
print("all", len(files) > 60, "refused")
"""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={"OPENBLAS_NUM_THREADS": "1"}
    )
    assert (result.returncode, result.stdout) == (0, "all True refused\n"), result.stderr[-2000:]
    assert not list(tmp_path.parent.rglob("marker"))


KINDS = (
    "zip", "legacy", "module", "legacy module", "tar", "SB3", "SB2", "protocol 0", "Python 2", "protocol 5", "tensors",
    "Dopamine", "packed",
)  # fmt: skip


@functools.cache
def seeds() -> dict[str, tuple[object, bytes]]:
    """{kind: (reader, a good small file)} of each of KINDS."""

    def saved(thing, **options) -> bytes:
        file = io.BytesIO()
        torch.save(thing, file, **options)
        return file.getvalue()

    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    old = {"_use_new_zipfile_serialization": False}
    parameters = io.BytesIO()
    np.savez(parameters, **{"model/pi/w:0": WEIGHTS["W1"]})
    text = b"(dp0\n" + b"".join(b"S'%s'\n" % k.encode() + python2_array(v) + b"s" for k, v in WEIGHTS.items()) + b"."
    data = json.dumps(pickled_space((4, 3, 3))).encode()
    return {
        "zip": (pytorch, saved(net.state_dict())),
        "legacy": (pytorch, saved({"model": net.state_dict(), "epoch": 3}, **old)),
        "module": (pytorch, saved([net, None])),
        "legacy module": (pytorch, saved(net, **old)),
        "tar": (pytorch, ancient_tar({"fc.weight": np.ones((2, 3), np.float32)})),
        "SB3": (stable_baselines3, hostile.zip_of({"data": data, "policy.pth": saved(ActorCritic().state_dict())})),
        "SB2": (stable_baselines2, hostile.zip_of({"data": data, "parameters": parameters.getvalue()})),
        "protocol 0": (pickles, pickle.dumps(WEIGHTS, 0)),
        "Python 2": (pickles, text),
        "protocol 5": (pickles, pickle.dumps({"a": WEIGHTS, "b": [1, 2.0, "c"]}, 5)),
        "tensors": (pickles, pickle.dumps(net.state_dict())),
        "Dopamine": (pickles, dopamine(True)[0]),
        "packed": (pickles, gzip.compress(pickle.dumps(WEIGHTS))),
    }


def damaged(data: bytes, generator: np.random.Generator) -> bytes:
    """The file cut, with bytes changed, a part taken out, or a part twice; mostly where its structure is."""
    array = bytearray(data)
    kind = generator.integers(4)
    place = int(generator.integers(len(array)))
    if kind == 0:
        return bytes(array[:place])
    if kind == 1:
        for at in generator.integers(0, len(array), generator.integers(1, 9)):
            array[at] = generator.integers(256)
    elif kind == 2:
        del array[place : place + int(generator.integers(1, 40))]
    else:
        array[place:place] = array[place : place + int(generator.integers(1, 200))]
    return bytes(array)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_give_a_sentence_or_what_is_left(tmp_path, kind):
    torch.manual_seed(0)
    reader, data = seeds()[kind]
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    assert isinstance(outcome(reader, path), Checkpoint)
    generator = np.random.default_rng(len(kind))
    for _ in range(30):
        path.write_bytes(damaged(data, generator) or b"\x80")
        outcome(reader, path)


@pytest.mark.parametrize("kind", ["legacy", "tar", "Python 2", "Dopamine"])
def test_files_cut_anywhere_give_a_sentence(tmp_path, kind):
    """Formats that end with what they begin: any cut is one too many."""
    reader, data = seeds()[kind]
    path = tmp_path / "file.pkl"
    end = len(data) if kind != "tar" else data.rindex(b"\0\0\0\0\x80?") + 6  # then come zeros
    for length in range(1, end, max(1, end // 60)):
        path.write_bytes(data[:length])
        assert isinstance(outcome(reader, path), str), length


def test_shared_parts_are_not_walked_again_and_again(tmp_path):
    """A tied layer is there twice, a cycle once."""
    layers = [WEIGHTS["W1"], WEIGHTS["W2"]]
    thing = {"a": layers, "b": layers}
    thing["self"] = thing
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(thing))
    assert list(pickles.read(tmp_path / "a.pkl").arrays) == ["a.0", "a.1", "b.0", "b.1"]


def test_keys_of_any_kind_are_kept_apart():
    function = hostile.name("os", "system")
    keys = hostile.body((1, "a")), b"N", b"K\x01", hostile.body("1"), function, b"]", b"]", hostile.body(b"1")
    table = load(io.BytesIO(hostile.whole(b"}(" + b"".join(key + b"N" for key in keys) + b"u")), Path("a.pkl"))
    assert list(table) == ["(1, 'a')", None, 1, "1", "os.system", "<list 1>", "<list 2>", b"1"]
