"""The yardsticks of a game, on a game whose scores are known; and the file that keeps them."""

from __future__ import annotations


import numpy as np
import pytest
from training import baselines
from training.baselines import Baselines, Yardstick
from training.envs import Answer

from zoo_gui.backports import tomllib
from zoo_gui.settings import resource_path
from zoo_gui.play import games
from zoo_gui.types import ZooError


class Buttons:
    """Games of two steps; each button is worth its number, and FLAKY's reward is drawn from 0 and 10."""

    action_names = ("NOOP", "ONE", "THREE", "FLAKY", "TWO")
    observation_shape = (1, 1, 1)

    def __init__(self, count: int = 4):
        self.count, self._rng = count, np.random.default_rng(0)
        self.actions: list[np.ndarray] = []

    def reset(self):
        self._steps = 0
        return np.zeros((self.count, 1, 1, 1), np.uint8)

    def step(self, actions):
        self._steps += 1
        self.actions.append(np.array(actions))
        flaky = 10 * self._rng.integers(2, size=self.count)
        reward = np.choose(actions, [0, 1, 3, flaky, 2]).astype(np.float32)
        done = np.full(self.count, self._steps % 2 == 0)
        return Answer(np.zeros((self.count, 1, 1, 1), np.uint8), reward, done, np.zeros(self.count, bool))


class Fair(Buttons):
    """FLAKY is worth nothing: THREE, twice a game, is the best button."""

    def step(self, actions):
        return super().step(np.where(np.array(actions) == 3, 0, actions))


def test_the_best_constant_action_by_hand():
    found = baselines.yardstick(Fair(), 30, "words")
    assert (found.action, found.constant, found.constant_error) == ("THREE", 6.0, 0.0)
    assert (found.episodes, found.protocol) == (30, "words")
    # 2 · (0 + 1 + 3 + 0 + 2) / 5, in 30 games
    assert found.random == pytest.approx(2.4, abs=4 * found.random_error)
    # a game's variance is 2 · (14/5 − 1.2²) = 2.72
    assert found.random_error == pytest.approx((2.72 / 30) ** 0.5, rel=0.5)


def test_means_and_their_standard_errors():
    found = baselines.means(Buttons(), {1: 5, 3: 40}, lambda: None)
    assert found[1] == (2.0, 0.0)
    # two draws of 0 or 10: mean 10, variance 50
    assert found[3][0] == pytest.approx(10, abs=4 * found[3][1])
    assert found[3][1] == pytest.approx((50 / 40) ** 0.5, rel=0.4)


def test_every_action_is_tried_and_random_play_uses_all(monkeypatch):
    envs = Buttons()
    baselines.means(envs, {baselines.RANDOM: 20}, lambda: None)
    assert set(np.concatenate(envs.actions)) == set(range(5))


def test_measured_under_both_protocols_and_counted():
    sticky, games = [], []
    found = baselines.measure("Breakout", 10, lambda p: sticky.append(p) or Fair(), lambda: games.append(1))
    assert sticky == [0.0, 0.25]
    each = 5 * baselines.SCREENED + 2 * 10  # the best action is clear at once, random play has its own games
    assert len(games) == 2 * each
    assert found.noop.constant == found.sticky.constant == 6.0
    assert "no sticky" in found.noop.protocol and "0.25 sticky" in found.sticky.protocol
    assert "27,000" in found.noop.protocol
    assert (found.human, "Mnih" in found.human_source) == (31.8, True)


def test_finalists_are_those_that_chance_may_have_put_behind():
    assert baselines.finalists({0: (0.0, 0.0), 1: (5.0, 1.0), 2: (2.0, 1.0), 3: (1.0, 0.1)}) == [1, 2]
    assert baselines.finalists({0: (0.0, 0.0), 1: (5.0, 1.0), 2: (0.5, 1.0)}) == [1]


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "baselines.toml"
    stick = Yardstick(1.25, 0.5, 3.0, 0.0, "FIRE", 30, "how")
    known, unknown = Baselines(stick, stick, 31.8, "who"), Baselines(stick, stick)
    baselines.update(path, "space_invaders", known)
    baselines.update(path, "Phoenix", unknown)
    baselines.update(path, "SpaceInvaders", known)
    assert baselines.read("Space Invaders", path) == known
    assert baselines.read("phoenix", path) == unknown
    assert path.read_text().count("[SpaceInvaders]") == 1
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_a_game_that_was_not_measured_says_how(tmp_path):
    path = tmp_path / "baselines.toml"
    path.write_text("")
    with pytest.raises(ZooError, match="tools/train baselines Zaxxon"):
        baselines.read("zaxxon", path)


@pytest.mark.parametrize("text", ["[Breakout", "[Breakout]\nnoop = 3\n", "[Breakout]\nworth = 3\n"])
def test_a_damaged_file_is_told_in_one_sentence(tmp_path, text):
    path = tmp_path / "baselines.toml"
    path.write_text(text)
    with pytest.raises(ZooError, match="cannot be read"):
        baselines.read("Breakout", path)


def test_ids_are_those_of_the_agents():
    spellings = ("space_invaders", "ms_pacman", "qbert", "Up 'n Down", "ALE/Pong-v5")
    assert [games.identity(game) for game in spellings] == ["SpaceInvaders", "MsPacman", "Qbert", "UpNDown", "Pong"]


def test_people_are_known_by_the_ids_of_the_games():
    assert all(games.identity(name) == name for name in baselines.HUMAN)


def test_the_shipped_yardsticks():
    """Every game in the file can be read, with a protocol, an action and errors for its means."""
    table = tomllib.loads(resource_path(baselines.FILE).read_text(encoding="utf-8"))
    assert "SpaceInvaders" in table
    for game in table:
        found = baselines.read(game)
        for stick in (found.noop, found.sticky):
            assert stick.episodes == 30
            assert stick.random_error >= 0 and stick.constant_error >= 0
            assert stick.action and stick.protocol
