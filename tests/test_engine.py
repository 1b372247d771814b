"""The engine's process with a real agent in a real game, driven as the window drives it."""

import multiprocessing
import time

import numpy as np
import pytest
from engine_rig import Rig, advance, begin, loaded

from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import run
from zoo_gui.engine import host
from zoo_gui.play.player import play
from zoo_gui.types import Unit

AGENT = "ppo/Breakout/1"


@pytest.fixture(scope="module")
def shared_rig():
    yield from loaded(AGENT)


@pytest.fixture
def rig(shared_rig):
    """The engine, paused at the first step of seed 7, at game speed."""
    shared_rig.host.send("clear_edits", lane=0)
    shared_rig.host.send("saliency", target=None)
    shared_rig.host.send("cover", lane=0, box=None)
    begin(shared_rig)
    shared_rig.steps.clear(), shared_rig.summaries.clear()
    return shared_rig


def test_the_window_shows_the_same_episode_as_a_headless_run(rig):
    rig.steps.append(list(rig.feed.steps))
    for tick in range(1, 25):
        rig.feed.step_once()
        rig.until(lambda tick=tick: rig.feed.tick == tick)
    headless = list(play(Agent.load(AGENT), seed=7, steps=25))
    for (live,), wanted in zip(rig.steps, headless, strict=True):
        np.testing.assert_array_equal(live.frame, wanted.frame)
        np.testing.assert_array_equal(live.observation, wanted.observation)
        np.testing.assert_array_equal(live.decision.flat, wanted.decision.flat)
        assert (live.decision.action, live.reward, live.lives) == (wanted.decision.action, wanted.reward, wanted.lives)


def test_an_edit_while_paused_changes_the_moment_on_screen_and_can_be_undone(rig):
    advance(rig, 20)
    before = rig.feed.steps[0]
    channel = int(before.decision.activations["conv1"].max(axis=(0, 1)).argmax())
    tick = rig.feed.tick
    rig.feed.intervene(("edit", {"lane": 0, "unit": ("conv1", channel), "gain": 0.0, "offset": 0.0}))
    rig.until(lambda: rig.feed.steps[0].edited)
    edited = rig.feed.steps[0]
    assert rig.feed.tick == tick
    np.testing.assert_array_equal(edited.frame, before.frame)
    assert not edited.decision.activations["conv1"][..., channel].any()
    assert not np.array_equal(edited.decision.scores, before.decision.scores)
    rig.feed.intervene(("clear_edits", {"lane": 0}))
    rig.until(lambda: not rig.feed.steps[0].edited)
    np.testing.assert_array_equal(rig.feed.steps[0].decision.flat, before.decision.flat)
    assert rig.feed.steps[0].decision.action == before.decision.action


@pytest.mark.parametrize("target", ["action", "value", ("conv2", 3)])
def test_saliency_appears_on_a_paused_moment(rig, target):
    advance(rig, 12)
    before = rig.feed.steps[0]
    rig.feed.intervene(("saliency", {"target": target}))
    rig.until(lambda: rig.feed.steps[0].saliency is not None)
    step = rig.feed.steps[0]
    assert step.saliency.shape == step.observation.shape
    np.testing.assert_array_equal(step.frame, before.frame)
    agent = Agent.load(AGENT)
    wanted = agent.gradients(step.observation, Unit(*target) if isinstance(target, tuple) else target,
                             action=step.decision.action if target == "action" else None)
    np.testing.assert_allclose(step.saliency, wanted, rtol=1e-5, atol=1e-7)


def test_a_slow_methods_map_of_the_paused_moment_arrives_beside_the_game(rig):
    """Greydanus' map is an event: while the game goes on of newer and newer moments, paused of the one on screen."""
    rig.seen.clear()
    rig.feed.intervene(("saliency", {"target": "action", "method": "greydanus", "options": {"stride": 10}}))
    rig.feed.play()
    rig.until(lambda: len(rig.seen_kind("attributed")) >= 3)
    rig.feed.pause()
    numbers = [event[2].moment for event in rig.seen_kind("attributed")]
    assert numbers == sorted(set(numbers)) and rig.feed.steps[0].saliency is None
    step = rig.feed.steps[0]
    rig.host.send("explain", lane=0, moment=step.moment)
    rig.until(lambda: any(event[2].moment == step.moment for event in rig.seen_kind("attributed")))
    made = next(event[2] for event in rig.seen_kind("attributed") if event[2].moment == step.moment)
    wanted = run("attribution", Agent.load(AGENT), observation=step.observation, method="greydanus", stride=10,
                 action=step.decision.action)  # fmt: skip
    assert (made.method, made.target, made.signed) == ("greydanus", "action", False)
    np.testing.assert_allclose(made.map, wanted.map, rtol=1e-3, atol=1e-6)


def test_a_question_that_the_network_cannot_answer_is_said_once(rig):
    rig.seen.clear()
    rig.feed.intervene(("saliency", {"target": "conv9:0", "method": "guided"}))
    advance(rig, rig.feed.tick + 8)
    assert [event[1] for event in rig.seen_kind("notice")] == [event[1] for event in rig.seen_kind("notice")][:1] != []
    assert "conv9" in rig.seen_kind("notice")[0][1] and rig.feed.steps[0].saliency is None


def test_a_cover_acts_on_the_moment_on_screen_and_comes_off_exactly(rig):
    advance(rig, 20)
    before, tick = rig.feed.steps[0], rig.feed.tick
    rig.feed.intervene(("cover", {"lane": 0, "box": (30, 20, 40, 30), "fill": "black"}))
    rig.until(lambda: rig.feed.steps[0].edited)
    step = rig.feed.steps[0]
    assert rig.feed.tick == tick and not step.observation[30:70, 20:50].any()
    np.testing.assert_array_equal(step.frame, before.frame)
    assert not np.array_equal(step.decision.scores, before.decision.scores)
    rig.feed.intervene(("cover", {"lane": 0, "box": None}))
    rig.until(lambda: not rig.feed.steps[0].edited)
    np.testing.assert_array_equal(rig.feed.steps[0].observation, before.observation)
    np.testing.assert_array_equal(rig.feed.steps[0].decision.flat, before.decision.flat)


def test_every_step_has_its_summary_at_full_speed_and_pause_stops_there(rig):
    rig.feed.set_speed(None)
    rig.feed.play()
    rig.until(lambda: rig.feed.tick > 400)
    rig.feed.pause()
    rig.until(lambda: not rig.feed._unpaced)
    numbers = [summary.number for summary in rig.summaries]
    assert numbers == list(range(1, rig.feed.tick + 1))
    assert rig.feed.steps[0].index == rig.summaries[-1].index
    tick = rig.feed.tick
    end = time.monotonic() + 0.3
    rig.until(lambda: time.monotonic() > end)
    assert rig.feed.tick == tick


def test_pins_report_the_strength_of_units(rig):
    rig.feed.intervene(("pins", {"lane": 0, "units": (("fc", 3), ("conv1", 2))}))
    advance(rig, 5)
    step, summary = rig.feed.steps[0], rig.summaries[-1]
    activations = step.decision.activations
    assert summary.pinned[:2] == pytest.approx((activations["fc"][3], activations["conv1"][..., 2].max()))


def test_a_random_player_and_the_keyboard(rig):
    rig.feed.intervene(("player", {"lane": 0, "kind": "human"}))
    rig.feed.immediate = True
    right = rig.feed.infos[0].action_names.index("RIGHT")
    rig.host.send("human_action", lane=0, index=right)
    advance(rig, 10)
    assert rig.feed.steps[0].player == "human" and rig.feed.steps[0].decision.action == right
    rig.feed.immediate = False
    rig.feed.intervene(("player", {"lane": 0, "kind": "agent"}))
    advance(rig, 14)
    assert rig.feed.steps[0].player == "agent"


def test_jobs_run_beside_the_game_and_can_be_cancelled(rig):
    rig.feed.play()
    rig.host.send("run", key="w", analysis="weights", lane=0, parameters={"unit": Unit("conv1", 0)})
    rig.until(lambda: ("finished", "w", None) in rig.seen)
    assert any(event[:2] == ("progress", "w") for event in rig.seen)
    rig.host.send("run", key="bad", analysis="no such analysis", lane=0, parameters={})
    rig.until(lambda: any("no such analysis" in str(event[2]) for event in rig.seen_kind("failed")))


def test_a_second_agent_joins_and_leaves_and_all_start_together():
    rig = Rig()
    rig.load(AGENT)
    rig.load("distill/Breakout/1", lane=None)
    assert [info.agent_id for info in rig.feed.infos] == [AGENT, "distill/Breakout/1"]
    rig.steps.clear()
    advance(rig, 10)
    assert all(steps[0].index == steps[1].index for steps in rig.steps)
    np.testing.assert_array_equal(rig.steps[0][0].frame, rig.steps[0][1].frame)
    rig.host.send("remove", lane=1)
    rig.until(lambda: len(rig.feed.infos) == 1)
    rig.load("random/MsPacman", lane=None)
    assert rig.feed.infos[1].layers == () and rig.feed.infos[1].game == "Ms. Pac-Man"
    advance(rig, 5)
    assert rig.feed.steps[1].player == "random"
    rig.close()


def test_what_cannot_be_loaded_is_one_sentence_and_the_game_goes_on(rig):
    for wrong in ("ppo/Brakeout/1", "/nowhere/card.toml"):
        rig.host.send("load", key=wrong, lane=0, agent_id=wrong, options={})
        rig.until(lambda wrong=wrong: any(event[1] == wrong for event in rig.seen_kind("load_failed")))
    assert "ppo/Breakout/1" in rig.seen_kind("load_failed")[0][2]
    advance(rig, 5)


def test_a_crash_is_noticed_and_whoever_waits_for_a_job_hears_of_it():
    rig = Rig()
    rig.host.send("crash")
    for key in ("maps 1", "cancelled 1"):
        rig.host.send("run", key=key, analysis="attribution", lane=0, parameters={})
    rig.host.send("cancel", key="cancelled 1")
    rig.until(lambda: rig.seen_kind("died"))
    assert rig.seen_kind("died")[0][1] == 70
    assert [event[1] for event in rig.seen_kind("failed")] == ["maps 1"]
    rig.host.send("run", key="maps 2", analysis="attribution", lane=0, parameters={})
    rig.until(lambda: len(rig.seen_kind("failed")) == 2)
    assert rig.seen_kind("failed")[1][1] == "maps 2" and "has ended" in rig.seen_kind("failed")[1][2]
    rig.close()


def test_a_moment_of_the_sitting_is_shown_again_exactly_and_the_game_goes_on_from_it(rig):
    before = rig.seen_kind("error")
    rig.steps.append(list(rig.feed.steps))
    advance(rig, 60)
    first = {steps[0].moment: steps[0] for steps in rig.steps}
    asked = sorted(first)[33]
    rig.feed.restart("seek", lane=0, moment=asked)
    rig.until(lambda: rig.feed.tick == 0)
    shown = rig.feed.steps[0]
    np.testing.assert_array_equal(shown.frame, first[asked].frame)
    np.testing.assert_array_equal(shown.observation, first[asked].observation)
    np.testing.assert_array_equal(shown.decision.flat, first[asked].decision.flat)
    assert shown.moment == asked
    rig.feed.step_once()
    rig.until(lambda: rig.feed.tick == 1)
    np.testing.assert_array_equal(rig.feed.steps[0].frame, first[asked + 1].frame)
    assert rig.feed.steps[0].moment > max(first)  # what follows now is new
    assert rig.seen_kind("error") == before
    rig.feed.restart("seek", lane=0, moment=10**9)
    rig.until(lambda: rig.feed.tick == 0 and len(rig.seen_kind("error")) == len(before) + 1)
    assert "no longer kept" in rig.seen_kind("error")[-1][1]


def regroup(rig, command, key, **keywords):
    """What the session does: a job in the engine, then the swap at the moment on screen."""
    rig.host.send(command, key=key, lane=0, **keywords)
    rig.until(lambda: ("prepared", key) in rig.seen)
    rig.feed.change("swap", key=key)
    before = len(rig.seen_kind("swapped"))
    rig.until(lambda: len(rig.seen_kind("swapped")) > before)
    _, epoch, tick, described = rig.seen_kind("swapped")[-1]
    rig.feed.follow(epoch, tick, described)
    rig.until(lambda: rig.feed.steps[0] is not None)


def test_groups_become_a_layer_of_the_running_agent_and_the_game_goes_on_as_without():
    rig = Rig()
    try:
        rig.load(AGENT)
        rig.feed.set_speed(8.0)
        go_on_with_groups(rig, paused=True)
        go_on_with_groups(rig, paused=False)
        ask_about_groups(rig)
        assert not rig.seen_kind("error")
    finally:
        rig.close()


def go_on_with_groups(rig, paused):
    rig.feed.restart("restart", seed=7)
    rig.until(lambda: rig.feed.tick == 0)
    rig.steps.clear(), rig.summaries.clear()
    advance(rig, 20)
    shown = rig.feed.steps[0]
    if not paused:
        rig.feed.set_speed(1.0)
        rig.feed.play()
    directions = np.eye(32, dtype=np.float32)[[5, 2, 9]]
    regroup(rig, "add_groups", f"g{paused}", layer="conv2", directions=directions, unit_names=("ball", "", ""))
    after = rig.feed.steps[0]
    assert rig.feed.infos[0].layers[-1].name == "conv2_groups"
    assert rig.feed.infos[0].layers[-1].label(0) == "conv2_groups:0 “ball”"
    np.testing.assert_array_equal(
        after.decision.activations["conv2_groups"], after.decision.activations["conv2"][..., [5, 2, 9]]
    )
    if paused:  # the same moment, again
        assert after.moment == shown.moment
        np.testing.assert_array_equal(after.frame, shown.frame)
        np.testing.assert_array_equal(after.decision.scores, shown.decision.scores)
    rig.feed.set_speed(8.0)
    advance(rig, 40)
    shown = [steps[0] for steps in rig.steps if steps[0] is not None]
    last = max(step.index for step in shown)  # a busy machine goes on for long while the agent is prepared
    wanted = list(play(Agent.load(AGENT), seed=7, steps=last + 1))
    for step in shown:
        np.testing.assert_array_equal(step.frame, wanted[step.index].frame)
        np.testing.assert_array_equal(step.decision.scores, wanted[step.index].decision.scores)
        assert step.decision.action == wanted[step.index].decision.action
    indices = [summary.index for summary in rig.summaries if summary.index > 0]
    assert indices == list(range(1, indices[-1] + 1))  # each step once, none left out
    regroup(rig, "remove_groups", f"r{paused}", layer="conv2_groups")
    assert [info.name for info in rig.feed.infos[0].layers] == [info.name for info in Agent.load(AGENT).layers]


def ask_about_groups(rig):
    """What cannot be is a sentence; the moments of the sitting, old and new, know the new units."""
    rig.host.send("add_groups", key="bad", lane=0, layer="conv7", directions=np.eye(2))
    rig.until(lambda: any(event[1] == "bad" for event in rig.seen_kind("failed")))
    assert "no layer “conv7”" in rig.seen_kind("failed")[-1][2]
    advance(rig, 30)
    regroup(rig, "add_groups", "peaks", layer="fc", directions=np.eye(256, dtype=np.float32)[:2], called="mine")
    advance(rig, 40)
    rig.host.send("run", key="units", analysis="patches", lane=0,
                  parameters={"unit": "mine:1", "moments": "session", "k": 3})
    rig.host.send("run", key="same", analysis="patches", lane=0,
                  parameters={"unit": "fc:1", "moments": "session", "k": 3})
    rig.until(lambda: ("finished", "units", None) in rig.seen and ("finished", "same", None) in rig.seen)
    found = {key: [event[2].result for event in rig.seen_kind("progress") if event[1] == key][-1].found
             for key in ("units", "same")}
    assert [one.moment for one in found["units"]] == [one.moment for one in found["same"]]
    regroup(rig, "remove_groups", "back", layer="mine")


def test_an_engine_starts_afresh_as_the_program_starts_it(monkeypatch):
    """The other tests fork theirs off a process that has imported everything (``conftest``)."""
    monkeypatch.setattr(host, "multiprocessing", multiprocessing)
    rig = Rig()
    try:
        rig.load(AGENT)
        assert rig.host.process._start_method == "spawn"
        rig.feed.step_once()
        rig.until(lambda: rig.feed.tick == 1)
    finally:
        rig.close()
