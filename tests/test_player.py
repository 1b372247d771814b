"""The player: what a Step holds, seeds, snapshots, sticky actions, controllers, limits."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player, play
from zoo_gui.types import Decision, Step, Unit, ZooError, read_only

ROOT = Path(__file__).resolve().parent.parent
NO_OPENING = PreprocessingSpec(noop_max=0, fire_on_reset=False)


class LinearAgent:
    """Random logits of the observation's coarse pixels, sampled: what an Agent offers, without TensorFlow."""

    def __init__(self, spec=PreprocessingSpec(), names=("NOOP", "FIRE", "RIGHT", "LEFT")):
        self.card = SimpleNamespace(preprocessing=spec, game="breakout")
        self.action_names, self.edits = names, {}
        self.asked, self.seen, self.chosen = [], [], []
        self.weights = np.random.default_rng(0).normal(size=(len(names), 7 * 7)).astype(np.float32)

    def decide(self, observation, rng):
        self.seen.append(observation)
        pixels = observation[::12, ::12, -1].ravel().astype(np.float32) / 255
        logits = self.weights @ pixels
        odds = np.exp(logits - logits.max())
        self.chosen.append(int(rng.choice(len(logits), p=odds / odds.sum())))
        return Decision(self.chosen[-1], read_only(logits), value=1.5, activations={"fc": logits}, flat=logits)

    def gradients(self, observation, target, action=None):
        self.asked.append((target, action))
        return np.full(observation.shape, 0.5, np.float32)


def digest(steps) -> str:
    """Of everything in the steps that playing decides."""
    sha = hashlib.sha256()
    for step in steps:
        for array in (step.frame, step.frames, step.observation, step.ram, step.decision.scores):
            sha.update(np.ascontiguousarray(array).tobytes())
        sha.update(repr((step.episode, step.index, step.decision.action, step.reward, step.episode_return, step.lives,
                         step.done)).encode())  # fmt: skip
    return sha.hexdigest()


def take(player, count, **options) -> list[Step]:
    return [player.step(**options) for _ in range(count)]


def test_a_step_is_what_was_seen_before_acting_and_what_acting_earned():
    emulator, agent = Emulator("breakout"), LinearAgent()
    player = Player(emulator, agent, seed=3)
    total = 0.0
    for _ in range(120):
        screen, ram = emulator.screen_rgb().copy(), emulator.ram().copy()
        lives, seen = emulator.lives, player.pipeline.observation
        step = player.step()
        assert np.array_equal(step.frame, screen) and np.array_equal(step.ram, ram) and step.lives == lives
        assert step.observation is seen is agent.seen[-1]
        assert step.episode_return == total and step.frames.shape == (1, 210, 160, 3)
        total += step.reward
    assert total > 0 and step.index == 119 and step.player == "agent"


def test_arrays_of_a_step_are_read_only_and_never_change():
    player = Player(Emulator("breakout"), LinearAgent())
    step = player.step(all_frames=True, saliency="action")
    arrays = (step.frame, step.frames, step.observation, step.ram, step.saliency)
    kept = [array.copy() for array in arrays]
    take(player, 5)
    assert all(np.array_equal(array, copy) and not array.flags.writeable for array, copy in zip(arrays, kept))


def test_all_frames_are_the_frame_and_those_until_the_next_step():
    a, b = Player(Emulator("pong"), seed=1), Player(Emulator("pong"), seed=1, frame_skip=1)
    codes = [a.step(all_frames=True) for _ in range(3)]
    b.controller = "human"
    for step in codes:
        b.human_action = step.decision.action
        single = [b.step() for _ in range(4)]
        assert step.frames.shape == (4, 210, 160, 3) and np.array_equal(step.frames[0], step.frame)
        assert np.array_equal(step.frames, np.stack([s.frame for s in single]))
        assert step.reward == sum(s.reward for s in single)


def test_without_all_frames_the_game_is_the_same():
    a, b = (Player(Emulator("breakout"), LinearAgent(), seed=5) for _ in range(2))
    for one, all_of_them in zip(take(a, 60), take(b, 60, all_frames=True)):
        assert np.array_equal(one.frame, all_of_them.frame) and one.reward == all_of_them.reward
        assert np.array_equal(one.observation, all_of_them.observation)


def test_same_seed_same_episode_in_another_process():
    code = (
        "import sys; sys.path[:0] = ['tests', '.']\n"
        "from test_player import *\n"
        "print(digest(take(Player(Emulator('breakout'), LinearAgent(), seed=11, sticky=0.25), 150)))"
    )
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    mine = digest(take(Player(Emulator("breakout"), LinearAgent(), seed=11, sticky=0.25), 150))
    assert other.stdout.strip() == mine
    assert mine != digest(take(Player(Emulator("breakout"), LinearAgent(), seed=12, sticky=0.25), 150))


def test_restart_and_next_episode_do_not_depend_on_what_was_played():
    player = Player(Emulator("beam_rider"), seed=2)
    first = digest(take(player, 50))
    player.next_episode()
    second = digest(take(player, 50))
    take(player, 30)
    player.restart()
    assert digest(take(player, 50)) == first
    player.next_episode()
    assert digest(take(player, 50)) == second != first
    player.restart(9)
    assert player.seed == 9 and digest(take(player, 50)) == digest(take(Player(Emulator("beam_rider"), seed=9), 50))


@pytest.mark.parametrize("game", ["breakout", "qbert"])
@pytest.mark.parametrize("before", [0, 1, 40])
def test_snapshots_replay_exactly(game, before):
    player = Player(Emulator(game), LinearAgent(NO_OPENING), seed=4, sticky=0.25)
    take(player, before)
    snapshot = player.snapshot()
    expected = digest(take(player, 60))
    player.restore(snapshot)
    assert digest(take(player, 60)) == expected
    other = Player(Emulator(game), LinearAgent(NO_OPENING), seed=0, sticky=0.25)
    other.restore(snapshot)
    assert digest(take(other, 60)) == expected


def test_a_snapshot_after_the_last_step_goes_on_with_the_next_episode():
    player = Player(Emulator("pong"), preprocessing=PreprocessingSpec(max_episode_frames=100))
    while not player.step().done:
        pass
    snapshot = player.snapshot()
    expected = take(player, 3)
    player.restore(snapshot)
    assert digest(take(player, 3)) == digest(expected) and expected[0].episode == 1 and expected[0].index == 0


def test_snapshots_of_other_players_are_refused():
    with_agent, without = Player(Emulator("breakout"), LinearAgent()), Player(Emulator("breakout"))
    for player, snapshot in ((with_agent, without.snapshot()), (without, with_agent.snapshot())):
        with pytest.raises(ZooError, match="another agent"):
            player.restore(snapshot)


def test_truncation_counts_emulator_frames():
    spec = PreprocessingSpec(noop_max=0, fire_on_reset=False, max_episode_frames=40)
    player = Player(Emulator("pong"), preprocessing=spec)
    steps = take(player, 10)
    assert [step.truncated for step in steps] == [False] * 9 + [True] and not steps[-1].terminated
    assert player.step().episode == 1


def test_the_game_s_end_terminates_and_the_frames_after_it_repeat():
    player = Player(Emulator("pong"), seed=0, frame_skip=7)
    steps = []
    while not steps or not steps[-1].done:
        steps = [*steps[-1:], player.step(all_frames=True)]
    last = steps[-1]
    assert last.terminated and last.frames.shape[0] == 7 and last.episode_return + last.reward <= -15
    after = player.step()
    assert (after.episode, after.index, after.episode_return) == (1, 0, 0.0)


def test_a_lost_life_may_end_the_episode():
    spec = PreprocessingSpec(terminal_on_life_loss=True)
    player = Player(Emulator("breakout"), preprocessing=spec)
    while not (step := player.step()).done:
        assert step.lives == 5
    assert step.terminated and player.step().lives == 5


def test_no_ops_are_spread_like_those_of_atari_vector_env():
    from ale_py.vector_env import AtariVectorEnv

    for game in ("breakout", "freeway"):
        player = Player(Emulator(game), preprocessing=PreprocessingSpec(noop_max=3))
        mine = set()
        for seed in range(12):
            player.restart(seed)
            mine.add(player.emulator.frame_number)
        env = AtariVectorEnv(game, 1, num_threads=1, noop_max=3)
        env.reset(seed=1)
        theirs = {int(env.reset()[1]["episode_frame_number"][0]) for _ in range(20)}
        env.close()
        assert mine == theirs


def test_fire_at_reset_launches_the_ball():
    """Breakout's ball is only there after FIRE; the first observation is FIRE's own frame."""
    player = Player(Emulator("breakout"), preprocessing=PreprocessingSpec(noop_max=0))
    assert player.emulator.frame_number == 1
    emulator = Emulator("breakout")
    emulator.act(emulator.code("FIRE"))
    assert np.array_equal(player.step().frame, emulator.screen_rgb())


class Joystick(Emulator):
    """An emulator that notes every joystick position."""

    def __init__(self, game):
        self.log = []
        super().__init__(game)

    def act(self, code):
        self.log.append(code)
        return super().act(code)


def test_sticky_actions_repeat_the_action_before_at_each_emulator_frame():
    emulator = Joystick("freeway")
    player = Player(emulator, preprocessing=NO_OPENING, sticky=0.25, controller="human", frame_skip=1)
    emulator.log.clear()
    asked = []
    for i in range(2000):
        player.human_action = i % 2  # every second frame differs from the one before
        asked.append(player._codes[player.human_action])
        if player.step().done:
            break
    # The wish always differs from the one before, so a frame follows it when nothing sticks, or when what sticks is an
    # action that itself did not follow: f = (1 - p) + p (1 - f), hence f = 1 / (1 + p).
    followed = np.mean(np.array(emulator.log) == np.array(asked))
    assert followed == pytest.approx(1 / 1.25, abs=0.04)


def test_random_plays_every_action_alike_and_empty_observations():
    player = Player(Emulator("breakout"), seed=1)
    steps = take(player, 400)
    counts = np.bincount([step.decision.action for step in steps], minlength=4)
    assert player.action_names == ("NOOP", "FIRE", "RIGHT", "LEFT") and counts.min() > 70
    assert steps[0].observation.shape == (0, 0, 0) and steps[0].decision.scores.size == 0
    assert steps[0].player == "random"


def test_a_person_acts_and_the_network_still_runs():
    agent = LinearAgent()
    player = Player(Emulator("breakout"), agent, controller="human")
    player.human_action = 2
    step = player.step()
    assert step.decision.action == 2 and step.player == "human" and step.decision.activations["fc"].size == 4
    assert player.inference_ms > 0
    player.human_action = 99
    assert player.step().decision.action == 3


def test_the_agent_s_choices_do_not_depend_on_who_plays():
    """Its random numbers go on alike, so a person can take over and give back."""
    chosen = []
    for controller in ("agent", "random", "human"):
        agent = LinearAgent()
        agent.weights[:] = 0
        take(Player(Emulator("breakout"), agent, seed=1, controller=controller), 40)
        chosen.append(agent.chosen)
    assert chosen[0] == chosen[1] == chosen[2] and len(set(chosen[0])) == 4


def test_an_agent_s_actions_mean_the_same_in_every_game():
    emulator = Joystick("seaquest")
    player = Player(emulator, LinearAgent(NO_OPENING, names=("NOOP", "LEFT", "UPRIGHTFIRE")), controller="human")
    for index, name in enumerate(player.action_names):
        emulator.log.clear()
        player.human_action = index
        player.step()
        assert emulator.log == [emulator.code(name)] * 4


def test_saliency_asks_for_the_action_that_was_taken():
    agent = LinearAgent()
    player = Player(Emulator("breakout"), agent)
    step = player.step(saliency="action")
    assert agent.asked == [("action", step.decision.action)] and step.saliency.shape == (84, 84, 4)
    player.step(saliency="value")
    player.step(saliency=Unit("fc", 1))
    assert agent.asked[1:] == [("value", None), (Unit("fc", 1), None)]
    assert player.step().saliency is None and Player(Emulator("pong")).step(saliency="action").saliency is None


def test_summary_and_edits():
    agent = LinearAgent()
    player = Player(Emulator("breakout"), agent)
    player.step()
    agent.edits = {Unit("fc", 0): (0.0, 0.0)}
    step = player.step()
    summary = player.summary(step, pinned=(Unit("fc", 2),))
    assert step.edited and (summary.number, summary.index, summary.value) == (1, 1, 1.5)
    assert summary.pinned == (float(step.decision.activations["fc"][2]),)
    assert summary.best_score == step.decision.scores.max() and summary.inference_ms == player.inference_ms
    alone = Player(Emulator("pong"))
    assert np.isnan(alone.summary(alone.step()).value)


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"controller": "agent"}, "no agent"), ({"controller": "cat"}, "cannot play"), ({"seed": -1}, "seed"),
     ({"sticky": 1.0}, "sticky"), ({"frame_skip": 0}, "rame skip")],
)  # fmt: skip
def test_settings_that_cannot_be_played(settings, match):
    with pytest.raises(ZooError, match=match):
        Player(Emulator("pong"), **settings)


def test_play_yields_episodes_that_can_be_played_alone():
    short = PreprocessingSpec(max_episode_frames=120)
    three = list(play(None, "pong", seed=5, episodes=3, preprocessing=short))
    assert [step.episode for step in three if step.done] == [0, 1, 2]
    second = [step for step in three if step.episode == 1]
    alone = list(play(None, "pong", seed=6, episodes=1, preprocessing=short))
    assert [step.decision.action for step in alone] == [step.decision.action for step in second]
    assert all(np.array_equal(a.frame, b.frame) for a, b in zip(alone, second)) and len(alone) == len(second)
    assert len(list(play(None, "pong", steps=7))) == 7
    with pytest.raises(ZooError, match="Name a game"):
        next(play())


class Remembering(LinearAgent):
    """An agent with a recurrent state: how many observations it has seen, and their sum."""

    initial_state = read_only(np.zeros(2, np.float32))

    def decide(self, observation, rng, state):
        self.states = [*getattr(self, "states", []), state]
        after = read_only(state + np.array([1, float(observation.sum() % 1000)], np.float32))
        return dataclasses.replace(super().decide(observation, rng), state=after)

    def gradients(self, observation, target, action=None, state=None):
        self.asked.append((target, state))
        return np.full(observation.shape, 0.5, np.float32)


def test_memory_goes_from_step_to_step_and_begins_anew_with_each_episode():
    agent = Remembering(PreprocessingSpec(max_episode_frames=40))
    player = Player(Emulator("pong"), agent)
    steps = take(player, 12, saliency="action")
    firsts = [number for number, step in enumerate(steps) if step.index == 0]
    assert len(firsts) > 1 and [state[0] for state in agent.states] == [step.index for step in steps]
    assert all(state is agent.initial_state for state in (agent.states[number] for number in firsts))
    assert [state for _, state in agent.asked] == agent.states  # explained where it decided


def test_memory_is_part_of_a_snapshot():
    agent = Remembering()
    player = Player(Emulator("breakout"), agent)
    take(player, 10)
    snapshot = player.snapshot()
    expected = digest(take(player, 20))
    player.restore(snapshot)
    assert digest(take(player, 20)) == expected
    assert np.array_equal(agent.states[10], agent.states[30]) and agent.states[10][0] == 10
    with pytest.raises(ZooError, match="another agent"):
        Player(Emulator("breakout"), LinearAgent()).restore(snapshot)


LIVES = dataclasses.replace(NO_OPENING, opening="noops", life_actions=("NOOP", "FIRE", "#2"))


def until_a_life_is_lost(player):
    while True:
        step = player.step(all_frames=True)
        if 0 < player.emulator.lives < step.lives:
            return step


def test_after_a_lost_life_actions_are_pressed_and_stack_and_memory_begin_anew():
    emulator, agent = Joystick("breakout"), Remembering(LIVES)
    player = Player(emulator, agent, seed=1)
    lost = until_a_life_is_lost(player)
    assert not lost.done and lost.frames.shape[0] == 4
    played = emulator.log[-12:]
    assert played == [0] * 4 + [emulator.code("FIRE")] * 4 + [emulator.code("RIGHT")] * 4
    after = player.step()
    assert not after.observation[..., :3].any() and after.observation[..., 3].any()
    assert agent.states[-1] is agent.initial_state and after.index == lost.index + 1
    assert after.episode_return == lost.episode_return + lost.reward


def test_a_lost_life_may_only_refill_the_stack():
    emulator = Joystick("breakout")
    player = Player(emulator, Remembering(dataclasses.replace(LIVES, life_actions=(), stack_init="repeat")), seed=1)
    lost = until_a_life_is_lost(player)
    assert len(emulator.log) == 4 * (lost.index + 1)
    after = player.step()
    assert all(np.array_equal(after.observation[..., i], after.observation[..., 3]) for i in range(3))
    assert player.agent.states[-1] is player.agent.initial_state


def test_what_the_presses_earn_counts():
    class Generous(Joystick):
        def act(self, code):
            return super().act(code) + 1

    player = Player(Generous("breakout"), LinearAgent(LIVES), seed=1)
    lost = until_a_life_is_lost(player)
    assert lost.reward >= 16


def test_a_game_over_ends_the_episode_without_presses():
    emulator = Joystick("breakout")
    player = Player(emulator, LinearAgent(LIVES), seed=1)
    lives = []
    while not (step := player.step()).done:
        lives.append(step.lives)
    assert step.terminated and sorted(set(lives)) == [1, 2, 3, 4, 5] and emulator.game_over


def test_games_without_fire_leave_it_and_what_follows_out():
    spec = dataclasses.replace(LIVES, reset_actions=("FIRE", "#2"))
    player = Player(Emulator("ms_pacman"), preprocessing=spec)
    assert player.emulator.frame_number == 0
    assert Player(Emulator("breakout"), preprocessing=spec).emulator.frame_number == 8
    lost = until_a_life_is_lost(player)
    assert player.emulator.frame_number == 4 * (lost.index + 2)  # the no-op alone


RANGED = dataclasses.replace(NO_OPENING, frame_skip_range=(2, 4))


def test_a_frame_skip_may_be_drawn_for_each_action():
    emulator = Joystick("breakout")
    player = Player(emulator, LinearAgent(RANGED), seed=3)
    assert player.frame_skip == 4
    lengths, before = [], 0
    for _ in range(300):
        step = player.step(all_frames=True)
        length, before = len(emulator.log) - before, len(emulator.log)
        if step.done:
            break
        lengths.append(length)
        assert step.frames.shape[0] == 4
        for k in range(length, 4):
            assert np.array_equal(step.frames[k], step.frames[length - 1])
    assert set(lengths) == {2, 3, 4}
    counts = np.bincount(lengths)[2:]
    assert counts.min() > len(lengths) / 3 - 3 * np.sqrt(len(lengths) * 2 / 9)
    assert Player(Emulator("pong"), LinearAgent(RANGED), frame_skip=3)._skips == (3, 3)


def test_drawing_the_frame_skip_leaves_the_other_random_numbers_alone():
    chosen = []
    for spec in (NO_OPENING, RANGED):
        agent = LinearAgent(spec)
        agent.weights[:] = 0
        take(Player(Emulator("breakout"), agent, seed=1), 40)
        chosen.append(agent.chosen)
    assert chosen[0] == chosen[1]
    four, five = (np.random.SeedSequence([3, 1]).spawn(count) for count in (4, 5))
    for one, other in zip(four, five):
        assert np.array_equal(one.generate_state(8), other.generate_state(8))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"opening": "noop"}, "noops"), ({"reset_actions": ("#9",)}, "#0 to #3"), ({"life_actions": ("JUMP",)}, "JUMP"),
        ({"frame_skip_range": (2, 5)}, "frame_skip"), ({"frame_skip_range": (0, 4)}, "1 or more"),
        ({"reset_actions": ("#",)}, "not an action"),
    ],
)  # fmt: skip
def test_episode_rules_that_cannot_be_played(changes, match):
    with pytest.raises(ZooError, match=match):
        Player(Emulator("breakout"), LinearAgent(dataclasses.replace(NO_OPENING, **changes)))
