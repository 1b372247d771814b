"""ES and the GA: their updates by hand, the networks that play side by side, and both play a tiny game perfectly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_games import CatchEnvs
from training import es, ga
from training.envs import Answer, Recorded
from training.es import centred_ranks, estimate
from training.ga import Brood, best
from training.population import Policy, SideBySide, express, first_vector, noise, observe_random_play, play, rescale
from training.run import Run

SETTINGS = {
    "es": es.SETTINGS(network="tiny", envs=64, pairs=100, episodes=10, sigma=0.3, learning_rate=0.3),
    "ga": ga.SETTINGS(
        network="tiny", envs=64, population=128, parents=16, contenders=4, episodes=10, extra_episodes=20, sigma=0.3
    ),
}
MODULES = {"es": es, "ga": ga}


def learner(algorithm: str, **changes):
    torch.manual_seed(1)
    settings = type(SETTINGS[algorithm])(**{**vars(SETTINGS[algorithm]), **changes})
    return MODULES[algorithm].LEARNER(settings, CatchEnvs.observation_shape, len(CatchEnvs.action_names))


def segment(trained, number: int, generations: int):
    """A segment as a run has it: new games and random numbers that depend on its number alone."""
    torch.manual_seed(number)
    trained.begin(CatchEnvs(trained.settings.envs, number), np.random.default_rng([1, number]))
    return [trained.iterate() for _ in range(generations)]


def mean_score(trained, games: int = 200) -> float:
    envs = Recorded(CatchEnvs(games, seed=99))
    observation = envs.reset()
    while len(envs.finished) < games:
        observation = envs.step(trained.policy(observation, np.random.default_rng(0))).observation
    return float(np.mean([score for score, _ in envs.finished]))


@pytest.mark.parametrize("algorithm", MODULES)
def test_plays_catch_perfectly(algorithm):
    trained = learner(algorithm)
    for number in range(15):
        segment(trained, number, 4)
        if mean_score(trained) >= 0.95:
            break
    assert mean_score(trained) >= 0.9
    assert trained.steps > 0


@pytest.mark.parametrize("algorithm", MODULES)
def test_a_run_that_is_taken_up_again_goes_on_as_it_would_have(algorithm, tmp_path):
    few = dict(pairs=4, episodes=1) if algorithm == "es" else dict(population=8, parents=3, episodes=1)
    straight, first, second = (learner(algorithm, **few) for _ in range(3))
    numbers = [*segment(straight, 0, 2), *segment(straight, 1, 2)]
    again = segment(first, 0, 2)
    torch.save(first.state(), tmp_path / "state.pt")
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    again += segment(second, 1, 2)
    assert numbers == again
    assert straight.steps == second.steps
    for name, tensor in straight.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


@pytest.mark.parametrize("algorithm", MODULES)
def test_restored_it_plays_at_once(algorithm):
    """Before the next segment begins, as an evaluation needs it."""
    trained, restored = learner(algorithm), learner(algorithm)
    segment(trained, 0, 1)
    restored.restore(trained.state())
    observation = CatchEnvs(50, seed=3).reset()
    expected = trained.policy(observation, np.random.default_rng(0))
    assert restored.policy(observation, np.random.default_rng(0)).tolist() == expected.tolist()


def test_a_run_that_has_not_begun_can_be_kept_and_restored():
    for algorithm in MODULES:
        fresh, other = learner(algorithm), learner(algorithm)
        other.restore(fresh.state())
        assert segment(other, 0, 1) == segment(fresh, 0, 1)


def test_centred_ranks_by_hand():
    assert centred_ranks(np.array([30.0, 10.0, 20.0])).tolist() == [0.5, -0.5, 0.0]
    assert centred_ranks(np.array([5.0, -1e9, 7.0, 6.0, 1e9])).tolist() == [-0.25, -0.5, 0.25, 0.0, 0.5]


def test_equal_fitness_gets_equal_ranks():
    # places 0, 1 and 2, 3 of four: means ½ and 2½ of 3
    assert centred_ranks(np.array([1.0, 0.0, 1.0, 0.0])) == pytest.approx([1 / 3, -1 / 3, 1 / 3, -1 / 3])
    assert centred_ranks(np.zeros(5)).tolist() == [0.0] * 5


def test_the_estimate_is_the_gradient_of_a_quadratic():
    """F(θ) = −|θ − a|²/2 has the gradient a − θ, and mirrored pairs cancel all of its even terms: for such an F the
    estimate is Σ_i ((a − θ)·ε_i) ε_i / P, whose mean is the gradient."""
    size, pairs, sigma = 10, 4000, 0.1
    target, centre = noise(1, size), noise(2, size)
    seeds = list(range(10, 10 + pairs))
    fitness = [
        float(-((centre + sign * sigma * noise(seed, size) - target) ** 2).sum() / 2)
        for sign in (1, -1)
        for seed in seeds
    ]
    found, gradient = estimate(np.array(fitness), seeds, sigma, size), target - centre
    assert float((found - gradient).norm() / gradient.norm()) < 0.1


def test_the_estimate_by_hand():
    seeds, sigma = [7, 8], 0.5
    weights = np.array([0.5, -0.25, 0.0, 0.25])
    expected = (0.5 * noise(7, 3) - 0.5 * noise(8, 3)) / (2 * 2 * 0.5)
    torch.testing.assert_close(estimate(weights, seeds, sigma, 3), expected)


def test_a_step_of_es_goes_up_the_estimate():
    trained = learner("es", pairs=32)
    before = trained.vector.clone()
    segment(trained, 0, 0)
    trained.arena.fitness = lambda vector, count, episodes: (np.arange(float(count)), 5)
    trained.rng = np.random.default_rng(5)
    trained.iterate()
    drawn = [int(seed) for seed in np.random.default_rng(5).integers(2**63, size=32)]
    gradient = estimate(centred_ranks(np.arange(64.0)), drawn, trained.settings.sigma, len(before))
    # Adam's first step is the learning rate times the sign of the gradient
    expected = before + trained.settings.learning_rate * torch.sign(gradient)
    rescale(expected, trained.network)
    large = gradient.abs() > 1e-3
    assert large.float().mean() > 0.9
    torch.testing.assert_close(trained.vector[large], expected[large], atol=1e-3, rtol=1e-3)


def test_rescaled_layers_have_mean_square_1_and_the_same_biases():
    policy = Policy("tiny", (1, 6, 5), 3)
    vector = 7 * noise(3, len(first_vector(policy)))
    first, bias = vector[: 30 * 64].clone(), vector[30 * 64 : 30 * 64 + 64].clone()
    rescale(vector, policy)
    torch.testing.assert_close(vector[: 30 * 64], first / first.square().mean().sqrt())
    assert torch.equal(vector[30 * 64 : 30 * 64 + 64], bias)


def test_truncation_selection_by_hand():
    assert best(np.array([3.0, 9.0, 1.0, 9.0, 5.0]), 3) == [1, 3, 4]


def test_mutations_are_made_anew_from_their_seeds():
    parents = [torch.zeros(5), torch.full((5,), 10.0)]
    brood = Brood(parents, np.array([1, 0, 1]), np.array([4, 5, 6]), sigma=0.1)
    assert len(brood) == 3
    torch.testing.assert_close(brood[1], 0.1 * noise(5, 5))
    torch.testing.assert_close(brood[2], 10 + 0.1 * noise(6, 5))
    assert torch.equal(brood[0], brood[0])
    assert not torch.equal(brood[0], brood[2])


def test_the_elite_gives_way_to_a_better_mean_only():
    """The elite's games add up: 10 and 6 are a mean of 8, which 7 does not beat and 9 does."""
    trained = learner("ga", contenders=2)
    segment(trained, 0, 0)
    contenders = [torch.full_like(trained.vector, 1.0), torch.full_like(trained.vector, 2.0)]

    def challenge(*scores: float) -> None:
        trained.arena.fitness = lambda vector, count, episodes: (np.array(scores), 100)
        assert trained._challenge(contenders) == 100

    first = trained.vector
    challenge(0.0, 5.0, 10.0)
    challenge(7.0, 3.0, 6.0)
    assert trained.vector is first and trained.elite_score == 8.0
    challenge(3.0, 9.0, 8.0)
    assert trained.vector is contenders[1] and trained.elite_score == 9.0


def test_parents_of_the_next_generation_are_the_best_children():
    trained = learner("ga", population=6, parents=2, contenders=1)
    segment(trained, 0, 0)
    trained.rng = np.random.default_rng(8)
    seeds = np.random.default_rng(8).integers(2**63, size=6)
    scores = iter([np.array([1.0, 6.0, 2.0, 5.0, 3.0, 4.0]), np.array([0.0, 1.0])])
    trained.arena.fitness = lambda vector, count, episodes: (next(scores), 1)
    trained.iterate()
    size = len(trained.vector)
    for parent, child in zip(trained.parents, (1, 3), strict=True):
        torch.testing.assert_close(parent, noise(int(seeds[child]), size))


def test_an_expressed_network_is_normalised_over_the_reference():
    torch.manual_seed(0)
    policy = Policy("small", (4, 84, 84), 6)
    reference = torch.randint(0, 256, (16, 4, 84, 84), dtype=torch.uint8)
    express(first_vector(policy), policy, reference)
    logits = policy(reference)
    assert logits.mean(0).abs().max() < 0.05
    assert (logits.std(0, correction=0) - 1).abs().max() < 0.05
    # so that no action is the best in every observation
    assert len(logits.argmax(1).unique()) > 2


def test_side_by_side_each_game_has_its_own_network():
    torch.manual_seed(0)
    reference = torch.randint(0, 256, (16, 4, 84, 84), dtype=torch.uint8)
    policies = [Policy("small", (4, 84, 84), 6) for _ in range(3)]
    side_by_side = SideBySide(policies[0], 3)
    for slot, policy in enumerate(policies):
        side_by_side.load(slot, express(first_vector(policy), policy, reference))
    together = side_by_side(reference[:3].numpy())
    for slot, policy in enumerate(policies):
        torch.testing.assert_close(together[slot], policy(reference[slot : slot + 1])[0], atol=0.1, rtol=0.05)
    assert together.shape == (3, 6) and together.dtype == torch.float32


def test_loading_a_slot_leaves_the_vector_alone():
    policy = Policy("tiny", (1, 6, 5), 3)
    vector = first_vector(policy)
    before = vector.clone()
    express(vector, policy, torch.randint(0, 256, (8, 1, 6, 5), dtype=torch.uint8))
    assert torch.equal(vector, before)
    express(vector, policy, None)
    assert torch.equal(vector, before)


class Counting:
    """Games of fixed lengths, the reward 1 a step; the action is noted."""

    count, action_names, observation_shape = 2, ("NOOP",), (1, 1, 1)

    def __init__(self, lengths):
        self._lengths, self._left = iter(lengths), [0, 0]

    def reset(self):
        self._left = [next(self._lengths) for _ in range(self.count)]
        return np.zeros((2, 1, 1, 1), np.uint8)

    def step(self, actions):
        self._left = [left - 1 for left in self._left]
        done = np.array([left == 0 for left in self._left])
        self._left = [next(self._lengths) if left == 0 else left for left in self._left]
        return Answer(np.zeros((2, 1, 1, 1), np.uint8), np.ones(2, np.float32), done, np.zeros(2, bool))


def nothing(observation, games):
    return np.zeros(len(observation), int)


def test_every_game_of_the_list_counts_once():
    entered = []
    played = play(
        Counting([2, 5, 4, 1, 9, 9]),
        4,
        lambda observation, games: np.zeros(2, int),
        lambda *which: entered.append(which),
    )
    # the second env takes up game 3 after five steps, the first has played game 2 by the sixth
    assert played.score.tolist() == [2, 5, 4, 1] == played.steps.tolist()
    assert entered == [(0, 0), (1, 1), (0, 2), (1, 3)]


def test_a_game_that_lasts_too_long_is_left_with_its_score():
    entered = []
    played = play(Counting([2, 5, 4, 9, 9, 9]), 3, nothing, lambda *which: entered.append(which), longest=3)
    assert played.score.tolist() == [2, 3, 3]
    assert entered == [(0, 0), (1, 1), (0, 2)]


def test_the_reference_is_seen_all_over_random_play():
    observations, steps = observe_random_play(CatchEnvs(8, 0), np.random.default_rng(0))
    assert observations.shape == (64, 1, 6, 5) and observations.dtype == torch.uint8
    assert steps == 8 * 256
    assert len(observations.unique(dim=0)) > 20


@pytest.mark.parametrize("algorithm", MODULES)
def test_a_generation_may_be_longer_than_a_segment(algorithm, tmp_path):
    """Then a segment has none, and a run that is taken up there goes on all the same."""
    changes = dict(pairs=10) if algorithm == "es" else dict(population=20, parents=3)
    settings = learner(algorithm, **changes, envs=8, steps=5000, segment=500).settings

    def run(name: str) -> Run:
        return Run.create(tmp_path / name, algorithm, "Catch", settings, make_envs=CatchEnvs)

    for _ in run("straight").train():
        pass
    straight = run("straight")
    assert straight.facts["finished"]
    next(run("broken").train()), next(run("broken").train())
    broken = run("broken")
    for _ in broken.train():
        pass
    weights = broken.learner().network.state_dict()
    for name, tensor in straight.learner("final").network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
