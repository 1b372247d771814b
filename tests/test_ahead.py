"""Agents loaded before they are asked for: which are kept, which are given, and with which seed."""

import shutil

import numpy as np
import pytest

from zoo_gui.engine import ahead
from zoo_gui.engine.ahead import Ahead
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

PPO = "ppo/Pong/1"


@pytest.fixture
def loads(monkeypatch):
    """The ids that were loaded, in order."""
    found, load = [], ahead.load_lane

    def counted(agent_id, options, say):
        found.append(agent_id)
        return load(agent_id, options, say)

    monkeypatch.setattr(ahead, "load_lane", counted)
    return found


def fill(ready, *wanted):
    list(ready.fill([(agent_id, options) for agent_id, options in wanted]))


def test_what_was_loaded_ahead_plays_as_if_loaded_now(loads):
    ready = Ahead()
    fill(ready, (PPO, {}))
    lane = ready.take(PPO, {"seed": 7})
    (fresh,) = ahead.load_lane(PPO, {"seed": 7}, lambda _: None)
    assert lane.player.seed == 7
    for _ in range(30):
        one, other = lane.player.step(), fresh.player.step()
        np.testing.assert_array_equal(one.frame, other.frame)
        assert one.decision.action == other.decision.action
    assert ready.take(PPO, {"seed": 7}) is None, "each lane is given once"


def test_only_what_is_wanted_now_is_kept(loads):
    ready = Ahead()
    fill(ready, ("random/Pong", {}), ("random/Pong", {}), ("random/Breakout", {"sticky": 0.25}))
    assert len(loads) == 3
    fill(ready, ("random/Breakout", {"sticky": 0.25}), ("random/Pong", {"game": ""}))
    assert len(loads) == 3, "nothing is loaded twice"
    assert ready.take("random/Breakout", {"seed": 1}) is None, "it was asked with sticky actions"
    assert ready.take("random/Pong", {"seed": 1}) is not None and ready.take("random/Pong", {}) is None
    assert ready.take("random/Breakout", {"sticky": 0.25, "seed": 0}).player.sticky == 0.25
    fill(ready)
    fill(ready, ("ppo/Nowhere/1", {}), ("random/Pong", {}))
    assert ready.take("random/Pong", {}) is not None, "what cannot be loaded keeps nothing else away"


def test_a_file_that_was_changed_meanwhile_is_read_anew(loads, tmp_path):
    mine = shutil.copytree(resource_path("agents") / PPO, tmp_path / "mine")
    ready = Ahead()
    for change in (lambda: (mine / "card.toml").write_text((mine / "card.toml").read_text() + "\n# now\n"),
                   lambda: shutil.rmtree(mine)):
        fill(ready, (str(mine), {}))
        change()
        if mine.exists():
            assert ready.take(str(mine), {}) is None
    with pytest.raises(ZooError):
        ready.take(str(mine), {})
