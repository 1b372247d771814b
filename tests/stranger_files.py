"""For tests of the readers: a checkpoint's network run on an observation, and files garbled in seeded ways."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np

from zoo_gui.agents import card_rules
from zoo_gui.agents.assemble import assemble
from zoo_gui.agents.formats import Checkpoint, read_checkpoint
from zoo_gui.agents.layout import Layout
from zoo_gui.types import ZooError


def forward(checkpoint: Checkpoint, observation: np.ndarray) -> dict[str, np.ndarray]:
    """{layer: its output} of the network that a checkpoint describes, for one uint8 observation (h, w, C)."""
    from zoo_gui.agents.network import Network

    assert checkpoint.network is not None, checkpoint.remarks
    fault = card_rules._check_layers(type("Card", (), {"network": checkpoint.network}))
    assert fault is None
    layout = Layout(checkpoint.network, observation.shape)
    arrays = assemble(layout, checkpoint.arrays, checkpoint.names, checkpoint.convention, "the file")
    network = Network(layout, layout.canonical(arrays))
    flat = network.run(observation, np.zeros(layout.state_size, np.float32))
    return {info.name: flat[layout.activations[info.name]].reshape(info.shape) for info in layout.layers}


def role(checkpoint: Checkpoint, name: str) -> str:
    """The layer of that role."""
    (found,) = (layer.name for layer in checkpoint.network.layers if layer.role == name)
    return found


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def observation(shape=(20, 18, 4), seed: int = 0) -> np.ndarray:
    """uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def garbled(data: bytes, count: int, seed: int = 0):
    """``data`` cut short, with bytes changed, with runs of zeros or ones, with pieces moved: ``count`` times."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        changed = bytearray(data)
        kind = number % 4
        where = int(rng.integers(len(data)))
        if kind == 0:
            changed = changed[:where]
        elif kind == 1:
            for _ in range(int(rng.integers(1, 9))):
                changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
        elif kind == 2:
            # most of a header's numbers are near the beginning
            where = int(rng.integers(min(len(data), 2000)))
            changed[where : where + int(rng.integers(1, 9))] = (b"\0", b"\xff", b"\x7f")[number // 4 % 3] * 4
        else:
            length = int(rng.integers(1, 200))
            piece = changed[where : where + length]
            at = int(rng.integers(len(changed)))
            changed[at:at] = piece
        yield bytes(changed)


def check_fuzzed(data: bytes, path: Path, format: str, count: int, seed: int = 0) -> int:
    """Read garbled copies: each gives arrays or one ZooError that names the file. The number of those with arrays."""
    read = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for changed in garbled(data, count, seed):
        path.write_bytes(changed)
        try:
            checkpoint = read_checkpoint(path, format)
        except ZooError as error:
            assert path.name in str(error) or path.parent.name in str(error), str(error)
            assert "\n" not in str(error)
        else:
            assert all(isinstance(array, np.ndarray) for array in checkpoint.arrays.values())
            read += 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 << 10  # KiB
    return read
