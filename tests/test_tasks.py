"""The engine's jobs about a stranger's file."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from zoo_gui.agents.card import Card
from zoo_gui.engine.tasks import draft_task, preview_task, save_task, text_of, value_of
from zoo_gui.types import ZooError


@pytest.fixture
def stranger(tmp_path):
    """A PyTorch-like state dict of a small Pong agent, whose frames' order nobody knows."""
    rng = np.random.default_rng(0)
    shapes = {"conv.0": (16, 4, 8, 8), "conv.2": (32, 16, 4, 4), "fc.0": (256, 32 * 9 * 9), "fc.2": (6, 256)}
    arrays = {f"{name}.weight": rng.normal(size=shape).astype("f4") * 0.02 for name, shape in shapes.items()}
    arrays |= {f"{name}.bias": np.zeros(shape[0], "f4") for name, shape in shapes.items()}
    path = tmp_path / "pong_dqn.safetensors"
    save_file(arrays, path)
    return path


def last(progress):
    return list(progress)[-1].result


def test_what_is_known_and_what_is_not(stranger):
    report = last(draft_task(str(stranger), {}))
    rows = {row.key: row for row in report.guesses}
    assert (rows["game"].value, rows["algorithm"].value) == ("Pong", "dqn") and report.format == "safetensors"
    assert [row.unsure for row in report.guesses] == sorted((row.unsure for row in report.guesses), reverse=True)
    assert Card.parse(report.card).network.layers[0].filters == 16 and len(report.network) == 4
    changed = last(draft_task(str(stranger), {"network.frame_order": "newest-first"}))
    row = next(row for row in changed.guesses if row.key == "network.frame_order")
    assert row.chosen and row.confidence == 1.0 and Card.parse(changed.card).network.frame_order == "newest-first"
    with pytest.raises(ZooError, match="cannot be said"):
        last(draft_task(str(stranger), {"colour": "blue"}))


def test_guesses_are_played(stranger):
    shown = last(preview_task(str(stranger), {}, "network.frame_order", steps=5))
    assert [one.name for one in shown] == ["oldest-first", "newest-first"]
    assert all(one.steps == 5 and one.frame.shape == (210, 160, 3) and not one.fault for one in shown)
    with pytest.raises(ZooError, match="nothing to try about “weights”"):
        last(preview_task(str(stranger), {}, "weights"))


def test_the_card_is_kept_beside_the_file(stranger, tmp_path, monkeypatch):
    path = Path(last(save_task(str(stranger), {"network.frame_order": "newest-first"})))
    assert path == stranger.with_name("pong_dqn.safetensors.card.toml")
    assert Card.read(path).network.frame_order == "newest-first"
    monkeypatch.setenv("ZOO_GUI_CONFIG", str(tmp_path / "config" / "settings.json"))
    path.unlink()
    path.mkdir()  # where the card should go there is a folder
    own = Path(last(save_task(str(stranger), {})))
    assert own.parent == tmp_path / "config" / "cards" and Card.read(own).weights.file == stranger.name


@pytest.mark.parametrize(
    "text, value",
    [("newest-first", "newest-first"), ("[0.0, 255.0]", (0.0, 255.0)), ("[0, 1]", [0, 1]), ("4", 4), ("0.01", 0.01),
     ("84×84: stride 4", "84×84: stride 4"), ("true", True)],
)  # fmt: skip
def test_values_as_text(text, value):
    known = [(0.0, 255.0)]
    assert value_of(text, known) == value
    assert text_of(value) == text
