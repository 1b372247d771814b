"""The emulator's exactness: snapshots and resets, in the same emulator, another one, and through bytes."""

import numpy as np
import pytest

from zoo_gui.play.emulator import Emulator, EmulatorState
from zoo_gui.types import ZooError

# Q*bert and Tetris are those that ALE alone restores wrongly, Beam Rider keeps RAM over a reset.
GAMES = ["breakout", "qbert", "seaquest", "tetris", "beam_rider"]


def run(emulator, actions):
    """Everything that can be seen while the actions are played."""
    seen = []
    for action in actions:
        reward = emulator.act(int(action))
        seen.append((reward, emulator.lives, emulator.game_over, emulator.frame_number, emulator.ram().tobytes(),
                     emulator.screen_rgb().tobytes(), emulator.screen_gray().tobytes()))  # fmt: skip
    return seen


def random_actions(seed, count):
    return np.random.default_rng(seed).integers(18, size=count)


@pytest.mark.parametrize("game", GAMES)
def test_restored_state_replays_exactly_here_and_in_a_fresh_emulator(game):
    emulator, future = Emulator(game), random_actions(1, 150)
    run(emulator, random_actions(0, 130))
    snapshot = emulator.snapshot()
    screen, ram = emulator.screen_rgb().copy(), emulator.ram().copy()
    expected = run(emulator, future)
    emulator.restore(snapshot)
    assert np.array_equal(emulator.screen_rgb(), screen) and np.array_equal(emulator.ram(), ram)
    assert run(emulator, future) == expected
    fresh = Emulator(game)
    fresh.restore(EmulatorState.from_bytes(snapshot.to_bytes()))
    assert np.array_equal(fresh.screen_rgb(), screen)
    assert run(fresh, future) == expected


@pytest.mark.parametrize("game", ["qbert", "tetris"])
@pytest.mark.parametrize("frames", [0, 1, 2])
def test_snapshots_while_the_game_boots(game, frames):
    """ALE's state does not say that a frame is only partly drawn."""
    emulator, future = Emulator(game), random_actions(1, 20)
    run(emulator, random_actions(0, frames))
    snapshot = emulator.snapshot()
    expected = run(emulator, future)
    for _ in range(2):
        emulator.restore(snapshot)
        assert run(emulator, future) == expected
    other = Emulator(game)
    run(other, random_actions(2, 9))
    other.restore(snapshot)
    assert run(other, future) == expected


@pytest.mark.parametrize("game", GAMES)
def test_reset_forgets_what_was_played_before(game):
    emulator, actions = Emulator(game), random_actions(2, 120)
    expected = run(emulator, actions)
    run(emulator, random_actions(3, 77))
    emulator.reset()
    assert emulator.frame_number == 0 and not emulator.game_over
    assert run(emulator, actions) == expected


def test_snapshot_of_a_restored_state_is_the_same():
    emulator = Emulator("breakout")
    run(emulator, random_actions(0, 20))
    first = emulator.snapshot()
    emulator.restore(first)
    assert emulator.snapshot().to_bytes() == first.to_bytes()
    assert np.array_equal(emulator.screen_gray(), emulator.screen_gray(np.empty((210, 160), np.uint8)))


def test_restored_screens_have_the_colours_that_the_emulator_drew():
    emulator = Emulator("seaquest")
    run(emulator, random_actions(0, 60))
    rgb, gray = emulator.screen_rgb().copy(), emulator.screen_gray().copy()
    snapshot = emulator.snapshot()
    run(emulator, random_actions(1, 60))
    emulator.restore(snapshot)
    assert np.array_equal(emulator.screen_rgb(), rgb) and np.array_equal(emulator.screen_gray(), gray)


def test_damaged_or_foreign_snapshots_are_refused():
    emulator = Emulator("pong")
    emulator.act(0)
    data = emulator.snapshot().to_bytes()
    for bad in (b"", data[:-1], data[:50] + b"x" + data[51:]):
        with pytest.raises(ZooError, match="damaged"):
            EmulatorState.from_bytes(bad)
    with pytest.raises(ZooError, match="is of Pong.*Breakout"):
        Emulator("breakout").restore(EmulatorState.from_bytes(data))


def test_actions_and_screen_of_a_game():
    emulator = Emulator("ALE/Breakout-v5")
    assert (emulator.game, emulator.title) == ("breakout", "Breakout")
    assert emulator.minimal_actions == ("NOOP", "FIRE", "RIGHT", "LEFT")
    assert len(emulator.all_actions) == 18 and emulator.code("NOOP") == 0
    assert emulator.screen_shape == (210, 160, 3) == emulator.screen_rgb().shape
    assert emulator.screen_gray().shape == (210, 160) and emulator.ram().shape == (128,)
    with pytest.raises(ZooError, match="JUMP"):
        emulator.code("JUMP")


def test_taller_screens():
    assert Emulator("pacman").screen_shape == (250, 160, 3)


def test_nothing_happens_after_the_game_is_over():
    emulator = Emulator("pong")
    while not emulator.game_over:
        emulator.act(0)
    before = emulator.ram().copy()
    assert emulator.act(2) == 0 and np.array_equal(emulator.ram(), before)


@pytest.mark.parametrize(("name", "match"), [("joust", "two or more"), ("nothing like it", "no game")])
def test_games_that_cannot_be_played(name, match):
    with pytest.raises(ZooError, match=match):
        Emulator(name)


def test_a_wrong_rom_file_is_an_error_and_not_the_end(tmp_path, monkeypatch):
    (tmp_path / "pong.bin").write_bytes(b"\0" * 2048)
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    with pytest.raises(ZooError, match="not the ROM of Pong"):
        Emulator("pong")
