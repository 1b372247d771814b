"""The replay memory against what the games really gave, and its sampling against naive versions."""

import io

import numpy as np
import pytest
import torch
from training.envs import Answer, AtariEnvs
from training.replay import PrioritisedReplay, Replay, SumTree

from zoo_gui.types import ZooError

GAMMA = 0.9


class StackGames:
    """Games that answer to actions with noise in stacks of planes; they end, and lose lives, at random."""

    def __init__(self, count=3, planes=3, seed=0, size=(4, 5)):
        self.count, self.observation_shape, self.action_names = count, (planes, *size), ("A", "B", "C")
        self._rng = np.random.default_rng(seed)

    def reset(self):
        self._stack = np.zeros((self.count, *self.observation_shape), np.uint8)
        self._stack[:, -1] = self._plane()
        return self._stack.copy()

    def step(self, actions):
        kind = self._rng.random(self.count)
        done = kind < 0.15
        self._stack = np.roll(self._stack, -1, axis=1)
        self._stack[done] = 0
        # what comes depends on the actions too, or playing them again would prove nothing
        self._stack[:, -1] = self._plane() // 2 + np.asarray(actions, np.uint8)[:, None, None] + 1
        reward = self._rng.integers(-3, 4, self.count).astype(np.float32)
        return Answer(self._stack.copy(), reward, done, (kind > 0.9) & ~done)

    def _plane(self):
        return self._rng.integers(256, size=(self.count, *self.observation_shape[1:]), dtype=np.uint8)


class Witness:
    """Plays a game into a memory and keeps everything that happened, by segment."""

    def __init__(self, replay, make_envs, seed=5):
        self.replay, self.make_envs, self.rng = replay, make_envs, np.random.default_rng(seed)
        self.steps = []
        """(segment, observation, action, answer) of every step."""

    def play(self, segment, steps, check=lambda: None):
        envs = self.make_envs(segment)
        observation = envs.reset()
        self.replay.begin(segment)
        for _ in range(steps):
            action = self.rng.integers(len(envs.action_names), size=envs.count)
            answer = envs.step(action)
            self.replay.add(observation, action, answer)
            self.steps.append((segment, observation.copy(), action, answer))
            observation = answer.observation
            check()

    def expected_ready(self):
        """Times t of which all planes are in memory and s_{t+n} is known within the segment."""
        replay, count = self.replay, len(self.steps)
        oldest = max(0, count - replay.rows)
        times = range(oldest, count - replay.n_step)
        whole = [t for t in times if t - (replay.planes - 1) >= count - replay.rows]
        return [t for t in whole if self.steps[t][0] == self.steps[t + replay.n_step][0]]

    def transition(self, time, game):
        """Observation, action, Σ γ^k r, discount and s′, by walking along."""
        _, observation, action, _ = self.steps[time]
        total, discount = 0.0, 1.0
        for _, _, _, answer in self.steps[time : time + self.replay.n_step]:
            total += discount * np.sign(answer.reward[game])
            discount *= GAMMA
            if answer.done[game] or answer.life_lost[game]:
                discount = 0.0
                break
        following = self.steps[time + self.replay.n_step][1][game]
        return observation[game], action[game], total, discount, following

    def compare(self):
        replay, times = self.replay, self.expected_ready()
        assert sorted(np.flatnonzero(replay.ready)) == sorted(t % replay.rows for t in times)
        pairs = [(t, game) for t in times for game in range(replay.games)]
        if not pairs:
            return
        place = np.array([t % replay.rows * replay.games + game for t, game in pairs])
        batch = replay.batch(place, np.ones(len(place), np.float32))
        expected = [self.transition(t, game) for t, game in pairs]
        observation, action, reward, discount, following = (np.array(part) for part in zip(*expected))
        np.testing.assert_array_equal(batch.observation, observation)
        np.testing.assert_array_equal(batch.action, action)
        np.testing.assert_allclose(batch.reward, reward, atol=1e-6)
        np.testing.assert_allclose(batch.discount, discount, atol=1e-6)
        np.testing.assert_array_equal(batch.following, following)


@pytest.mark.parametrize("planes, n_step", [(3, 3), (1, 3), (4, 1)])
def test_every_transition_is_what_was_played_across_ends_segments_and_the_ring(planes, n_step):
    def make_envs(segment):
        return StackGames(planes=planes, seed=segment)

    witness = Witness(Replay(3 * 20, 3, (planes, 4, 5), n_step, GAMMA), make_envs)
    for segment, steps in enumerate((13, 2, 45, 30)):
        witness.play(segment, steps, witness.compare)


def test_n_step_returns_by_hand():
    replay = Replay(40, 2, (1, 1, 1), 3, 0.5)
    replay.begin(0)
    rewards = [(4, 0), (0, 1), (-2, 1), (1, 0), (0, 0)]
    for t, reward in enumerate(rewards):
        ended = np.array([False, t == 1])
        answer = Answer(np.zeros((2, 1, 1, 1), np.uint8), np.array(reward, np.float32), ended & False, ended)
        replay.add(np.full((2, 1, 1, 1), t, np.uint8), np.zeros(2, int), answer)
    total, discount = replay.returns(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]))
    # game 0: 1 + 0/2 − 1/4; 0 − 1/2 + 1/4. Game 1 loses a life at step 1: 0 + 1/2; 1
    np.testing.assert_allclose(total, [0.75, -0.25, 0.5, 1.0])
    np.testing.assert_allclose(discount, [0.125, 0.125, 0, 0])


def test_atari_stacks_are_rebuilt():
    envs = AtariEnvs("breakout", 2, seed=3)
    witness = Witness(Replay(2 * 150, 2, envs.observation_shape, 3, GAMMA), lambda segment: envs)
    witness.play(0, 250)
    assert any(answer.done.any() for _, _, _, answer in witness.steps[100:])
    witness.compare()


def test_uniform_sampling_takes_every_transition_equally_often():
    witness = Witness(Replay(3 * 20, 3, (3, 4, 5), 3, GAMMA), lambda segment: StackGames(seed=segment))
    witness.play(0, 30)
    place = witness.replay.sample(30_000, np.random.default_rng(0)).place
    counts = np.bincount(place, minlength=60)
    ready = np.repeat(witness.replay.ready, 3)
    assert not counts[~ready].any()
    assert np.abs(counts[ready] / 30_000 * ready.sum() - 1).max() < 0.2


def test_sum_tree_against_cumulative_sums():
    rng = np.random.default_rng(1)
    tree, values = SumTree(37), np.zeros(37)
    for _ in range(30):
        index = rng.integers(37, size=8)
        value = rng.random(8) * (rng.random(8) < 0.7)
        tree[index] = value
        for i, v in zip(index, value):
            values[i] = v
        np.testing.assert_array_equal(tree[np.arange(37)], values)
        assert tree.total == pytest.approx(values.sum())
        mass = np.append(rng.random(200), 0) * tree.total
        found = tree.find(mass)
        np.testing.assert_array_equal(found, np.searchsorted(np.cumsum(values), mass, side="right"))
        assert (values[found] > 0).all()


def test_sum_tree_never_finds_a_zero_by_rounding():
    tree = SumTree(8)
    tree[np.arange(3)] = np.array([0.1, 0.2, 0.3])
    assert tree.find(np.array([tree.total, np.nextafter(tree.total, 9)])).tolist() == [2, 2]


def prioritised(make_envs, capacity=60):
    replay = PrioritisedReplay(capacity, 3, (3, 4, 5), 3, GAMMA, alpha=0.5, beta=0.4)
    return Witness(replay, make_envs)


def test_prioritised_sampling_follows_the_priorities():
    witness = prioritised(lambda segment: StackGames(seed=segment))
    witness.play(0, 30)
    witness.play(1, 12)
    witness.compare()
    replay, places = witness.replay, np.arange(60)
    ready = np.repeat(replay.ready, 3)
    np.testing.assert_array_equal(replay.tree[places] > 0, ready)
    priority = np.random.default_rng(2).random(60)
    replay.update(places[ready], torch.from_numpy(priority[ready]))
    share = np.where(ready, np.sqrt(priority), 0)
    share /= share.sum()
    batch = replay.sample(50_000, np.random.default_rng(3), progress=0.5)
    np.testing.assert_allclose(np.bincount(batch.place, minlength=60) / 50_000, share, atol=1e-4)
    weight = (ready.sum() * share[batch.place]) ** -0.7
    np.testing.assert_allclose(batch.weight, weight / weight.max(), rtol=1e-3)


def test_new_transitions_get_the_largest_priority_so_far():
    witness = prioritised(lambda segment: StackGames(seed=segment))
    witness.play(0, 5)
    witness.replay.update(np.array([0, 1]), torch.tensor([9.0, 4.0]))
    witness.play(1, 4)
    tree = witness.replay.tree
    np.testing.assert_allclose(tree[np.array([0, 1, 2, 15, 16, 17])], [3, 2, 1, 3, 3, 3], rtol=1e-5)


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True), len(file.getvalue())


def test_a_checkpoint_holds_no_frames_and_restores_all():
    def make_envs(segment):
        return StackGames(seed=segment, size=(40, 50))

    def memory():
        return PrioritisedReplay(120, 3, (3, 40, 50), 3, GAMMA, alpha=0.5, beta=0.4)

    straight = Witness(memory(), make_envs)
    for segment, steps in enumerate((20, 15, 17, 16)):
        straight.play(segment, steps)
    ready = np.flatnonzero(np.repeat(straight.replay.ready, 3))
    straight.replay.update(ready, torch.from_numpy(np.random.default_rng(4).random(len(ready))))
    state, size = through_a_file(straight.replay.state())
    # of 40 rows in memory, one belongs to segment 1 still; segment 0 is gone
    assert [s["number"] for s in state["segments"]] == [1, 2, 3]
    assert size < straight.replay.frames.nbytes / 10
    restored = memory()
    restored.restore(state, make_envs)
    resumed = Witness(restored, make_envs)
    resumed.rng = np.random.default_rng(6)
    straight.rng = np.random.default_rng(6)
    for witness in (straight, resumed):
        witness.play(4, 10)
    for name in ("frames", "actions", "rewards", "ends", "ages", "ready", "added"):
        np.testing.assert_array_equal(getattr(straight.replay, name), getattr(restored, name), err_msg=name)
    np.testing.assert_array_equal(straight.replay.tree.nodes, restored.tree.nodes)
    places = [memory.sample(50, np.random.default_rng(8), 0.3).place for memory in (straight.replay, restored)]
    np.testing.assert_array_equal(*places)


def test_a_memory_that_is_too_small_says_so():
    with pytest.raises(ZooError, match="20 steps is too small for 3 games: take 21 or more"):
        Replay(20, 3, (3, 4, 5), 3, GAMMA)
