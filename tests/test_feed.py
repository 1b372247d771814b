"""The clock of the window over real shared memory, with a scripted engine in place of the process."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from zoo_gui.agents.presets_preprocessing import named
from zoo_gui.engine.feed import LOOKAHEAD, Feed
from zoo_gui.engine.lane import Lane
from zoo_gui.engine.shared import SLOTS, UNLIMITED, SharedLane
from zoo_gui.types import Decision, LaneInfo, LayerInfo, Step, StepSummary

LAYERS = (LayerInfo("conv1", (3, 2, 4), "conv"), LayerInfo("logits", (3,), "logits", signed=True))
INFO = LaneInfo(lane=0, agent_id="tiny/1", title="Tiny", game="Pong", layers=LAYERS,
                action_names=("NOOP", "UP", "DOWN"), screen=(210, 160), observation_shape=(8, 8, 4), frame_skip=4,
                seed=0, player="agent")


def make_step(number, frames=4, info=INFO):
    rng = np.random.default_rng(number)
    flat = rng.normal(size=sum(layer.size for layer in info.layers)).astype(np.float32)
    screen = rng.integers(0, 255, (frames, *info.screen, 3), dtype=np.uint8)
    decision = Decision(action=number % 3, scores=flat[-3:].copy(), value=float(number), flat=flat)
    return Step(player="agent", episode=0, index=number, frame=screen[0], frames=screen,
                observation=rng.integers(0, 255, info.observation_shape, dtype=np.uint8),
                ram=np.full(128, number % 256, np.uint8), decision=decision, reward=1.0, episode_return=float(number),
                lives=3, terminated=False, truncated=False)

def make_summary(number):
    return StepSummary(number, 0, number, number % 3, 1.0, float(number), 0.5, 0.7, 0.1, 3, False, 1.0, pinned=())

class Engine:
    """Obeys the feed's commands as the real engine does, when told to."""

    def __init__(self, lanes=1):
        self.sent, self.lanes = [], [SharedLane(INFO) for _ in range(lanes)]
        self.epoch = self.tick = self.granted = 0

    def send(self, name, **keywords):
        self.sent.append((name, keywords))
        if name == "grant" and keywords["epoch"] == self.epoch:
            self.granted = keywords["upto"]
        elif name == "rewind":
            self.epoch, self.tick = keywords["epoch"], min(self.tick, keywords["to"])
            self.granted = self.tick
        elif name in ("restart", "next_episode"):
            self.epoch, self.tick, self.granted = keywords["epoch"], 0, 0

    def work(self, frames=4):
        """Step as far as credit and slots allow."""
        while (self.granted == UNLIMITED or self.tick < self.granted) and self.lanes[0].free_slots:
            for lane in self.lanes:
                lane.write_summary(self.epoch, self.tick, make_summary(self.tick))
                lane.write_step(self.epoch, self.tick, make_step(self.tick, frames))
            self.tick += 1

@pytest.fixture(params=[1, 2])
def rig(request):
    engine = Engine(request.param)
    feed = Feed(engine.send)
    feed.attach(0, [(INFO, lane.name) for lane in engine.lanes])
    yield engine, feed
    for lane in engine.lanes:
        lane.close(unlink=False)
    feed.close()

def run(engine, feed, ticks, interval=1 / 60, start=0.0):
    """Update at a steady rate; returns what was shown at each update."""
    shown = []
    for i in range(ticks):
        engine.work()
        shown.append(feed.update(start + i * interval))
    return shown

def test_a_step_survives_the_shared_memory_bit_for_bit():
    lane = SharedLane(INFO)
    reader = SharedLane(INFO, lane.name)
    step = make_step(5)
    lane.write_step(3, 5, step)
    assert reader.peek() == (3, 5)
    tick = reader.read_step()
    assert (tick.epoch, tick.tick, reader.waiting) == (3, 5, 0)
    for name in ("frame", "frames", "observation", "ram"):
        np.testing.assert_array_equal(getattr(tick.step, name), getattr(step, name))
    np.testing.assert_array_equal(tick.step.decision.activations["conv1"].ravel(), step.decision.flat[:24])
    np.testing.assert_array_equal(tick.step.decision.scores, step.decision.scores)
    assert tick.step.decision.value == 5.0 and tick.step.saliency is None
    with pytest.raises(ValueError):
        tick.step.frame[0] = 0
    lane.close(unlink=False)
    reader.close(unlink=True)

def test_an_unread_slot_is_never_overwritten():
    lane = SharedLane(INFO)
    for number in range(SLOTS):
        lane.write_step(0, number, make_step(number))
    with pytest.raises(BufferError):
        lane.write_step(0, SLOTS, make_step(SLOTS))
    assert lane.read_step().tick == 0
    lane.close(unlink=True)

def test_the_first_step_is_shown_while_paused(rig):
    engine, feed = rig
    engine.work()
    assert engine.tick == 1
    assert feed.update(0.0).stepped and feed.tick == 0
    assert not feed.update(1.0).frame_changed

def test_at_game_speed_every_emulator_frame_is_shown_in_order(rig):
    engine, feed = rig
    run(engine, feed, 1)
    feed.play()
    seen = []
    for i in range(400):
        engine.work()
        if feed.update(i / 62.5).frame_changed:
            seen.append(feed.frame(0))
    expected = [frame for number in range(1 + len(seen) // 4 + 1) for frame in make_step(number).frames][1:]
    assert len(seen) == pytest.approx(400 / 62.5 * 60, abs=2)
    for frame, wanted in zip(seen, expected):
        np.testing.assert_array_equal(frame, wanted)

@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
def test_the_pace_is_as_asked(rig, speed):
    engine, feed = rig
    feed.set_speed(speed)
    run(engine, feed, 1)
    feed.play()
    run(engine, feed, 241, start=1.0)
    assert feed.tick == pytest.approx(4.0 * 15 * speed, abs=2)

def test_every_step_is_counted_once_at_any_speed(rig):
    engine, feed = rig
    numbers = [summary.number for shown in run(engine, feed, 2) for _, summary in shown.summaries[0]]
    for start, speed in ((1, 1.0), (3, 8.0), (5, None), (7, 0.5)):
        feed.set_speed(speed)
        if start == 1:
            feed.play()
        if speed == 0.5:
            feed.held(engine.tick - 1, feed.epoch)
        for shown in run(engine, feed, 30, start=start):
            numbers += [summary.number for _, summary in shown.summaries[-1]]
    assert numbers == list(range(len(numbers))) and len(numbers) > 60

def test_the_engine_runs_no_further_ahead_than_it_may(rig):
    engine, feed = rig
    feed.play()
    run(engine, feed, 60)
    engine.work()
    assert engine.tick - 1 - feed.tick == LOOKAHEAD

def test_pause_goes_back_to_what_the_agent_saw(rig):
    engine, feed = rig
    run(engine, feed, 1)
    feed.play()
    run(engine, feed, 12, start=1.0)
    tick, moved = feed.tick, feed._sub
    assert feed.pause() == (moved != 0)
    np.testing.assert_array_equal(feed.frame(0), make_step(tick).frame)
    run(engine, feed, 20, start=2.0)
    assert feed.tick == tick

def test_single_steps(rig):
    engine, feed = rig
    run(engine, feed, 1)
    for expected in (1, 2, 3):
        feed.step_once()
        run(engine, feed, 5, start=expected)
        assert feed.tick == expected and not feed.running

def test_a_change_while_paused_redoes_the_shown_step(rig):
    engine, feed = rig
    feed.play()
    run(engine, feed, 40)
    feed.pause()
    tick, epoch = feed.tick, feed.epoch
    feed.intervene(("edit", {"gain": 0}))
    assert ("rewind", {"to": tick, "epoch": epoch + 1}) in engine.sent
    shown = run(engine, feed, 3, start=9.0)
    assert feed.tick == tick and any(update.stepped for update in shown)
    assert not any(update.summaries[0] for update in shown), "the redone step was counted before"

def test_a_change_while_running_takes_back_what_is_ahead(rig):
    engine, feed = rig
    feed.play()
    run(engine, feed, 40)
    engine.work()
    tick = feed.tick
    feed.intervene(("player", {"kind": "random"}))
    assert engine.sent[-3][1]["to"] == tick + 1
    numbers = [s.number for update in run(engine, feed, 60, start=1.0) for _, s in update.summaries[0]]
    assert numbers == list(range(tick + 1, tick + 1 + len(numbers)))

def test_restart_begins_at_tick_zero_and_drops_what_was_ahead(rig):
    engine, feed = rig
    feed.play()
    run(engine, feed, 40)
    feed.pause()
    feed.restart("restart", seed=3)
    run(engine, feed, 2, start=5.0)
    assert feed.tick == 0 and not feed.running

def test_a_person_is_not_kept_waiting_by_steps_made_ahead(rig):
    engine, feed = rig
    feed.immediate = True
    feed.play()
    run(engine, feed, 60)
    engine.work()
    assert engine.tick - 1 - feed.tick <= 1
    assert feed.tick >= 12

def test_unpaced_running_shows_the_newest_and_pauses_where_the_engine_is(rig):
    engine, feed = rig
    feed.set_speed(None)
    feed.play()
    run(engine, feed, 10)
    assert feed.tick == engine.tick - 1
    feed.pause()
    assert engine.sent[-1][0] == "hold"
    engine.granted = engine.tick + 1
    feed.held(engine.tick, feed.epoch)
    run(engine, feed, 5, start=5.0)
    assert feed.tick == engine.tick - 1 and not feed.running
    tick = feed.tick
    run(engine, feed, 5, start=6.0)
    assert feed.tick == tick


@pytest.mark.parametrize(
    ("name", "dtype", "range_", "channels"),
    [("ale-vector", "uint8", (0, 255), 1), ("zoo-tf", "float32", (0, 255), 1), ("gym-v4", "uint8", (0, 255), 3),
     ("karpathy-pong", "float32", (-255, 255), 1), ("pytorch-a3c", "float32", (-4, 4), 1)],
)  # fmt: skip
def test_a_lane_says_what_its_observations_are_and_they_pass_as_they_are(name, dtype, range_, channels):
    spec = named(name)
    agent = SimpleNamespace(layers=LAYERS, observation_shape=spec.observation_shape, scores_kind="q", has_value=True,
                            hash="", card_hash="")  # fmt: skip
    emulator = SimpleNamespace(game="pong", screen_shape=(210, 160, 3), minimal_actions=("NOOP",))
    player = SimpleNamespace(agent=agent, emulator=emulator, preprocessing=spec, frame_skip=4, seed=0,
                             controller="agent", action_names=INFO.action_names,
                             pipeline=SimpleNamespace(frame_box=(34, 0, 160, 160)),
                             state_before=np.zeros(0, np.float32))  # fmt: skip
    info = Lane("tiny/1", "Tiny", "", player).info(0)
    assert (info.observation_dtype, info.observation_range, info.frame_channels) == (dtype, range_, channels)
    assert info.frame_box == (34, 0, 160, 160)
    lane = SharedLane(info)
    try:
        observation = np.random.default_rng(0).normal(100, 50, info.observation_shape).astype(dtype)
        lane.write_step(0, 0, dataclasses.replace(make_step(1, info=info), observation=observation))
        seen = lane.read_step().step.observation
        assert seen.dtype == dtype and np.array_equal(seen, observation)
    finally:
        lane.close(unlink=True)
