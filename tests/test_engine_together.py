"""Lanes that see one game, in the engine's process: shared input, take-over, replays, the way back, jobs of several."""

import numpy as np
import pytest
from engine_rig import Rig

from zoo_gui.agents.agent import Agent
from zoo_gui.engine.comparing import rollout_settings
from zoo_gui.naming import MEANINGS
from zoo_gui.play.moments import recorded
from zoo_gui.play.rollout import collect
from zoo_gui.play.rollout_files import save
from zoo_gui.play.together import record_together
from zoo_gui.session_compare import Counterparts
from zoo_gui.types import Unit

PPO, GREEDY = "ppo/Breakout/1", "a2c/Breakout/1"


@pytest.fixture(scope="module")
def shared_rig():
    rig = Rig()
    rig.follows = True
    rig.load(PPO)
    rig.load(GREEDY, lane=1)
    yield rig
    rig.close()


@pytest.fixture
def rig(shared_rig):
    """Two agents, paused at the first step of seed 7, each in its own game."""
    rig = shared_rig
    rig.feed.pause()
    rig.until(lambda: not rig.feed._unpaced)
    rig.feed.set_speed(8.0)
    change(rig, "own")
    restart(rig)
    return rig


def restart(rig):
    rig.feed.restart("restart", seed=7)
    rig.until(lambda: rig.feed.tick == 0)
    rig.steps.clear(), rig.summaries.clear()


def change(rig, command, **keywords):
    before = len(rig.seen_kind("swapped"))
    rig.feed.change(command, **keywords)
    rig.until(lambda: len(rig.seen_kind("swapped")) > before and all(step is not None for step in rig.feed.steps))


def advance(rig, ticks):
    wanted = rig.feed.tick + ticks
    rig.feed.play()
    rig.until(lambda: rig.feed.tick >= wanted)
    rig.feed.pause()


def inputs(rig):
    return [info.input for info in rig.feed.infos]


def assert_one_game(rig):
    one, other = rig.feed.steps
    np.testing.assert_array_equal(one.ram, other.ram)
    np.testing.assert_array_equal(one.frame, other.frame)
    assert (one.episode, one.index, one.moment) == (other.episode, other.index, other.moment)


def test_shared_from_the_start_is_what_is_played_without_a_window(rig):
    change(rig, "share", driver=1)
    assert inputs(rig) == ["watches", "drives"]
    restart(rig)
    rig.steps.append(list(rig.feed.steps))
    for tick in range(1, 20):
        rig.feed.step_once()
        rig.until(lambda tick=tick: rig.feed.tick == tick)
    *_, last = record_together([Agent.load(PPO), Agent.load(GREEDY)], steps=20, seed=7, driver=1)
    for row, steps in enumerate(rig.steps):
        for step, moments in zip(steps, last.result):
            np.testing.assert_array_equal(step.ram, moments.column("ram")[row])
            np.testing.assert_array_equal(step.decision.scores, moments.column("scores")[row])
            assert step.decision.action == moments.column("action")[row]


def test_sharing_begins_at_the_moment_on_screen_and_others_have_seen_the_steps_before(rig):
    advance(rig, 40)
    assert rig.feed.steps[0].ram.tobytes() != rig.feed.steps[1].ram.tobytes()
    shown = rig.feed.steps[0]
    change(rig, "share", driver=0)
    again = rig.feed.steps[0]
    np.testing.assert_array_equal(again.frame, shown.frame)
    np.testing.assert_array_equal(again.decision.scores, shown.decision.scores)
    assert_one_game(rig)
    np.testing.assert_array_equal(rig.feed.steps[1].observation, shown.observation)  # of equal preprocessing
    for _ in range(3):
        advance(rig, 15)
        assert_one_game(rig)


def test_taking_over_and_going_own_ways_leave_the_moment_as_it_is(rig):
    change(rig, "share", driver=0)
    advance(rig, 30)
    for driver in (1, 0, 1):
        shown = rig.feed.steps[0]
        change(rig, "share", driver=driver)
        np.testing.assert_array_equal(rig.feed.steps[0].ram, shown.ram)
        np.testing.assert_array_equal(rig.feed.steps[0].frame, shown.frame)
        assert inputs(rig)[driver] == "drives" and inputs(rig)[1 - driver] == "watches"
        advance(rig, 7)
        assert_one_game(rig)
    change(rig, "own")
    assert_one_game(rig)
    advance(rig, 60)
    assert rig.feed.steps[0].ram.tobytes() != rig.feed.steps[1].ram.tobytes()


def test_every_step_says_how_far_apart_the_decisions_are(rig):
    change(rig, "share", driver=0)
    restart(rig)
    advance(rig, 30)
    assert len(rig.summaries) >= 30
    for summary in rig.summaries[2:30]:
        assert 0.0 <= summary.apart_1 <= 1.0 and np.isnan(summary.apart_0) and np.isnan(summary.apart_2)
        assert MEANINGS[summary.choice] in ("NOOP", "FIRE", "RIGHT", "LEFT")
    assert len({summary.apart_1 for summary in rig.summaries}) > 5
    assert [one.moment for one in rig.summaries[1:30]] == [one.moment + 1 for one in rig.summaries[:29]]


def test_going_back_to_a_shared_moment_takes_all_there(rig):
    change(rig, "share", driver=0)
    restart(rig)
    advance(rig, 60)
    first = dict(enumerate(rig.steps))
    for target in (33, 12):
        rig.feed.restart("seek", lane=1, moment=first[target][0].moment)
        rig.until(lambda: rig.feed.tick == 0)
        for now, then in zip(rig.feed.steps, first[target]):
            np.testing.assert_array_equal(now.frame, then.frame)
            np.testing.assert_array_equal(now.decision.flat, then.decision.flat)
    advance(rig, 10)
    assert_one_game(rig)


def test_a_recorded_game_is_seen_by_all_up_to_its_end(rig, tmp_path):
    agent = Agent.load(GREEDY)
    *_, last = collect(agent, steps=40, seed=3)
    path = save(last.result, tmp_path / "game_rollout.npz")
    before = len(rig.seen_kind("lanes"))
    rig.host.send("replay", key="r", lane=0, source="file", settings=str(path))
    rig.until(lambda: len(rig.seen_kind("lanes")) > before and rig.feed.tick == 0)
    assert inputs(rig) == ["replay", "replay"]
    rig.steps.clear()
    rig.feed.play()
    ends = len(rig.seen_kind("recording_ended"))
    rig.until(lambda: len(rig.seen_kind("recording_ended")) > ends and rig.feed.tick == 39)
    rig.feed.pause()
    # by their numbers: at a speed a busy machine leaves some out, and the first may come before they are cleared
    seen = {steps[0].index: steps for steps in rig.steps if steps[0].index}
    assert len(seen) > 20 and 39 in seen
    for row, steps in seen.items():
        np.testing.assert_array_equal(steps[0].ram, last.result.ram[row])
        np.testing.assert_array_equal(steps[1].frame, last.result.frames[row])
    back = min(row for row in seen if row >= 10)
    rig.feed.restart("seek", lane=0, moment=seen[back][0].moment)
    rig.until(lambda: rig.feed.tick == 0)
    rig.feed.step_once()
    rig.until(lambda: rig.feed.tick == 1)
    np.testing.assert_array_equal(rig.feed.steps[0].ram, last.result.ram[back + 1])
    change(rig, "share", driver=1)
    assert_one_game(rig)
    np.testing.assert_array_equal(rig.feed.steps[0].ram, last.result.ram[back + 1])
    advance(rig, 20)
    assert_one_game(rig)


def test_a_recording_at_full_speed_ends_on_its_last_step_and_can_be_left(rig):
    agents = [Agent.load(PPO), Agent.load(GREEDY)]
    rig.host.send("run", key="u", analysis="disagreement", lane=(0, 1), parameters={"moments": (48, 2)})
    rig.until(lambda: any(event[0] == "finished" and event[1] == "u" for event in rig.seen))
    before = len(rig.seen_kind("lanes"))
    rig.host.send("replay", key="v", lane=0, source="rollout", settings=(90, 5))
    rig.until(lambda: len(rig.seen_kind("lanes")) > before and rig.feed.tick == 0)
    ends = len(rig.seen_kind("recording_ended"))
    rig.feed.set_speed(None)
    rig.feed.play()
    rig.until(lambda: len(rig.seen_kind("recording_ended")) > ends and rig.feed.tick == 89)
    rig.feed.pause()
    rig.until(lambda: not rig.feed._unpaced)
    rig.feed.set_speed(8.0)
    ends = len(rig.seen_kind("recording_ended"))
    rig.feed.step_once()
    rig.until(lambda: len(rig.seen_kind("recording_ended")) > ends)
    assert rig.feed.tick == 89
    restart(rig)
    assert rig.feed.steps[0].index == 0 and inputs(rig) == ["replay", "replay"]
    shown = len(rig.seen_kind("swapped"))
    rig.host.send("run", key="u", analysis="disagreement", lane=(0, 1), parameters={"moments": (48, 2)})
    rig.until(lambda: sum(event[0] == "finished" and event[1] == "u" for event in rig.seen) == 2)
    rig.feed.restart("seek", lane=0, moment=30, source="rollout", settings=rollout_settings(agents, 48, 2))
    rig.until(lambda: len(rig.seen_kind("swapped")) > shown and all(step is not None for step in rig.feed.steps))
    assert inputs(rig) == ["drives", "watches"]
    assert_one_game(rig)
    wanted = recorded(agents[0], steps=31, seed=2)
    np.testing.assert_array_equal(rig.feed.steps[0].ram, wanted.column("ram")[30])


def test_a_rollout_of_a_lane_is_seen_by_all(rig):
    before = len(rig.seen_kind("lanes"))
    rig.host.send("replay", key="r2", lane=0, source="rollout", settings=(30, 5))
    rig.until(lambda: len(rig.seen_kind("lanes")) > before and rig.feed.tick == 0)
    moments = recorded(Agent.load(PPO), steps=30, seed=5)
    np.testing.assert_array_equal(rig.feed.steps[1].ram, moments.column("ram")[0])
    rig.host.send("replay", key="r3", lane=0, source="file", settings="nowhere.npz")
    rig.until(lambda: [event for event in rig.seen_kind("failed") if event[1] == "r3"])
    assert "no rollout" in rig.seen_kind("failed")[-1][2]


def test_several_agents_are_analysed_at_the_same_moments(rig):
    change(rig, "share", driver=0)
    restart(rig)
    advance(rig, 40)
    for key, moments in (("s", "session"), ("t", (64, 1))):
        rig.host.send("run", key=key, analysis="similarity", lane=(0, 1), parameters={"moments": moments, "count": 32})
        rig.until(lambda key=key: any(event[0] in ("finished", "failed") and event[1] == key for event in rig.seen))
        assert not [event for event in rig.seen_kind("failed") if event[1] == key], rig.seen_kind("failed")[-1]
    rig.host.send("run", key="m", analysis="matching", lane=(0, 1), parameters={"moments": (64, 1), "layer": "conv2"})
    rig.until(lambda: any(event[0] in ("finished", "failed") and event[1] == "m" for event in rig.seen))
    known = Counterparts()
    known.keep((0, 1), [event[2] for event in rig.seen_kind("progress") if event[1] == "m"][-1].result)
    found = [facing for index in range(32) for facing in known.of(0, Unit("conv2", index))]
    assert found and {(one.lane, one.unit.layer) for one in found} == {(1, "conv2")}
    assert all(-1 <= one.r <= 1 and isinstance(one.significant, bool) for one in found)
    rig.host.send("run", key="d", analysis="disagreement", lane=(0, 1), parameters={"moments": "session"})
    rig.until(lambda: any(event[1] == "d" and event[0] == "finished" for event in rig.seen))
    found = [event[2].result for event in rig.seen_kind("progress") if event[1] == "d"][-1]
    assert {one.game for one in found.agents} == {"Breakout"} and len(found.moments) >= 40
    rig.host.send("run", key="one", analysis="similarity", lane=(0,), parameters={"moments": "session"})
    rig.until(lambda: [event for event in rig.seen_kind("failed") if event[1] == "one"])
    assert "Two agents" in rig.seen_kind("failed")[-1][2]


def test_lanes_of_different_games_keep_their_own():
    rig = Rig()
    rig.follows = True
    try:
        rig.load(PPO)
        rig.load("ppo/Pong/1", lane=1)
        change(rig, "share", driver=0)
        assert inputs(rig) == ["own", "own"]
        assert "Breakout and Pong are different games" in rig.seen_kind("error")[-1][1]
        rig.load(GREEDY, lane=1)
        change(rig, "share", driver=0)
        rig.load("ppo/Pong/1", lane=1)
        assert inputs(rig) == ["own", "own"] and "different games" in rig.seen_kind("notice")[-1][1]
    finally:
        rig.close()
