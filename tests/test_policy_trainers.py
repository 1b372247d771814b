"""PPO, A2C and IMPALA: their returns by hand and by definition, and each plays a tiny game perfectly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_games import CatchEnvs
from torch.nn import functional as F
from training import a2c, impala, ppo
from training.envs import AtariEnvs, Recorded
from training.learner import softmax_sample
from training.networks import BODIES, ActorCritic
from training.returns import gae, vtrace
from training.rollouts import log_prob_and_entropy

STEPS, GAMES = 7, 3


def example(seed: int = 0) -> dict[str, torch.Tensor]:
    """Rewards, values, ends and log-ratios of a rollout, with games that end within it."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return {
        "reward": normal(STEPS, GAMES), "value": normal(STEPS, GAMES), "last_value": normal(GAMES),
        "done": torch.rand(STEPS, GAMES, generator=generator) < 0.2, "log_ratio": 0.7 * normal(STEPS, GAMES),
    }  # fmt: skip


def test_gae_by_hand():
    """Two steps of one game, γ = ½, λ = ½: δ₀ = 1 + ½·4 − 2 = 1, δ₁ = 2 + ½·6 − 4 = 1, A₀ = 1 + ¼ = 1.25."""
    column = torch.tensor([[1.0], [2.0]])
    advantage, target = gae(column, torch.tensor([[2.0], [4.0]]), torch.tensor([6.0]), torch.zeros(2, 1), 0.5, 0.5)
    assert advantage[:, 0].tolist() == [1.25, 1.0]
    assert target[:, 0].tolist() == [3.25, 5.0]


def test_gae_ends_with_the_game():
    column = torch.tensor([[1.0], [2.0]])
    ends = torch.tensor([[True], [False]])
    advantage, _ = gae(column, torch.tensor([[2.0], [4.0]]), torch.tensor([6.0]), ends, 0.5, 0.5)
    assert advantage[:, 0].tolist() == [-1.0, 1.0]


def test_gae_with_lambda_1_is_the_return_less_the_value():
    x = example()
    advantage, target = gae(x["reward"], x["value"], x["last_value"], x["done"], 0.9, 1.0)
    following = x["last_value"]
    for t in reversed(range(STEPS)):
        following = x["reward"][t] + 0.9 * following * ~x["done"][t]
        torch.testing.assert_close(target[t], following)
    torch.testing.assert_close(advantage, target - x["value"])


def naive_vtrace(x, gamma: float, rho_bar: float, c_bar: float) -> np.ndarray:
    """Equation 1 of the paper, sum by sum, product by product."""
    ratio, done = x["log_ratio"].exp().numpy(), x["done"].numpy()
    reward, value = x["reward"].numpy(), np.vstack([x["value"], x["last_value"]])
    rho, c = np.minimum(rho_bar, ratio), np.minimum(c_bar, ratio)
    target = np.empty((STEPS, GAMES))
    for n in range(GAMES):
        for s in range(STEPS):
            total, weight = value[s, n], 1.0
            for t in range(s, STEPS):
                alive = gamma * (not done[t, n])
                total += weight * rho[t, n] * (reward[t, n] + alive * value[t + 1, n] - value[t, n])
                weight *= alive * c[t, n]
            target[s, n] = total
    return target


@pytest.mark.parametrize(("rho_bar", "c_bar"), [(1.0, 1.0), (2.0, 0.5), (1e9, 1e9)])
def test_vtrace_is_the_papers_sum(rho_bar, c_bar):
    x = example(1)
    trace = vtrace(**x, gamma=0.9, rho_bar=rho_bar, c_bar=c_bar)
    expected = naive_vtrace(x, 0.9, rho_bar, c_bar)
    np.testing.assert_allclose(trace.value.numpy(), expected, rtol=1e-10)
    following = np.vstack([expected[1:], x["last_value"]])
    rho = np.minimum(rho_bar, x["log_ratio"].exp().numpy())
    alive = 0.9 * ~x["done"].numpy()
    advantage = rho * (x["reward"].numpy() + alive * following - x["value"].numpy())
    np.testing.assert_allclose(trace.advantage.numpy(), advantage, rtol=1e-10)


def test_vtrace_on_policy_is_the_n_step_return():
    x = example(2) | {"log_ratio": torch.zeros(STEPS, GAMES, dtype=torch.float64)}
    _, target = gae(x["reward"], x["value"], x["last_value"], x["done"], 0.9, 1.0)
    torch.testing.assert_close(vtrace(**x, gamma=0.9).value, target)


def test_log_prob_and_entropy_are_those_of_torch():
    logits, action = torch.randn(4, 5, 6), torch.randint(0, 6, (4, 5))
    expected = torch.distributions.Categorical(logits=logits)
    log_prob, entropy = log_prob_and_entropy(logits, action)
    torch.testing.assert_close(log_prob, expected.log_prob(action))
    torch.testing.assert_close(entropy, expected.entropy().mean())


def test_the_clipped_surrogate_by_hand():
    """Ratios 2 and ½ at clip 0.2: a good action counts up to 1.2, a bad one at least 0.8, the rest in full."""
    log_ratio = torch.tensor([2.0, 2.0, 0.5, 0.5]).log()
    advantage = torch.tensor([1.0, -1.0, 1.0, -1.0])
    by_hand = -(1.2 - 2.0 + 0.5 - 0.8) / 4
    assert ppo.clipped_surrogate(log_ratio, advantage, 0.2).item() == pytest.approx(by_hand)


def test_ppo_gives_no_gradient_beyond_the_clip():
    log_ratio = torch.tensor([0.5, -0.5], requires_grad=True)
    ppo.clipped_surrogate(log_ratio, torch.tensor([1.0, -1.0]), 0.2).backward()
    assert log_ratio.grad.tolist() == [0.0, 0.0]


def test_actions_are_drawn_from_the_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0]).repeat(20_000, 1)
    actions = softmax_sample(logits, np.random.default_rng(0))
    frequency = np.bincount(actions, minlength=3) / len(actions)
    np.testing.assert_allclose(frequency, F.softmax(logits[0], 0).numpy(), atol=0.01)


@pytest.mark.parametrize("kind", BODIES)
def test_networks_scale_their_input(kind):
    """The scale to 0–1 sits in the first weights; the result must be that of the plain computation."""
    shape = (1, 6, 5) if kind == "tiny" else (4, 84, 84)
    torch.manual_seed(0)
    network = ActorCritic(kind, shape, 4)
    observation = torch.randint(0, 256, (2, *shape), dtype=torch.uint8)
    x = observation / 255.0
    for name in network.body.convs:
        conv = getattr(network.body, name)
        x = F.relu(F.conv2d(x, conv.weight, conv.bias, conv.stride))
    expected = network.value(F.relu(network.body.fc(x.flatten(1))))[:, 0]
    torch.testing.assert_close(network(observation)[1], expected, rtol=0.03, atol=0.03)  # bfloat16 has 8 bits


@pytest.mark.parametrize(
    ("module", "changes"),
    [(ppo, {"rollout": 16}), (a2c, {}), (impala, {"rollout": 5}), (impala, {"rollout": 5, "fetch": 16})],
)
def test_learns_to_catch(module, changes):
    settings = module.SETTINGS(network="tiny", steps=48_000, learning_rate=4e-3, entropy_bonus=0.005, **changes)
    torch.manual_seed(1)
    envs = Recorded(CatchEnvs(settings.envs, seed=1))
    learner = module.LEARNER(settings, envs.observation_shape, len(envs.action_names))
    learner.begin(envs, np.random.default_rng(1))
    while learner.steps < settings.steps:
        learner.iterate()
    assert np.mean([score for score, _ in envs.finished[:200]]) < 0
    assert np.mean([score for score, _ in envs.finished[-300:]]) > 0.9


def test_impalas_actors_lag_behind():
    settings = impala.SETTINGS(network="tiny", envs=4, rollout=5, fetch=3)
    learner = impala.Impala(settings, CatchEnvs.observation_shape, 3)
    learner.begin(CatchEnvs(4), np.random.default_rng(0))
    same = []
    for _ in range(6):
        learner.iterate()
        same.append(torch.equal(learner.actor.policy.weight, learner.network.policy.weight))
    assert not any(same)
    learner.iterate()
    before = learner.actor.policy.weight.clone()
    learner.iterate()
    assert torch.equal(before, learner.actor.policy.weight)


def test_atari_games_repeat_and_report_lost_lives():
    def play(seed):
        envs = Recorded(AtariEnvs("breakout", 2, seed))
        rng, answers = np.random.default_rng(0), []
        first = envs.reset()
        for _ in range(150):
            answers.append(envs.step(rng.integers(len(envs.action_names), size=2)))
        envs.envs.close()
        return first, answers, envs.finished

    first, answers, _ = play(3)
    again, repeated, _ = play(3)
    assert first.shape == (2, 4, 84, 84) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert all(np.array_equal(a.observation, b.observation) for a, b in zip(answers, repeated))
    assert sum(answer.life_lost.sum() for answer in answers) >= 2
    assert not any((answer.life_lost & answer.done).any() for answer in answers)


def test_finished_games_are_recorded():
    envs = Recorded(CatchEnvs(3, seed=0))
    answers = [envs.step(np.ones(3, int)) for _ in range(2 * (CatchEnvs.HEIGHT - 1))]
    scores = [score for answer in answers for score in answer.reward[answer.done].tolist()]
    assert envs.finished == [(score, CatchEnvs.HEIGHT - 1) for score in scores]
    assert len(scores) == 6
