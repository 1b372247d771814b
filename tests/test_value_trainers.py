"""DQN, Rainbow and Ape-X: their mathematics, that they learn, and that they resume exactly."""

import dataclasses
import io

import numpy as np
import pytest
import torch
from tiny_games import CatchEnvs
from torch.nn import functional as F
from training import apex, dqn, rainbow
from training.replay import Batch
from training.values import DuelingQNetwork, DuelingQuantiles, QNetwork, quantile_huber

torch.set_num_threads(1)

SHAPE = CatchEnvs.observation_shape
TINY = dict(
    network="tiny", steps=100_000, envs=16, capacity=8_000, learning_starts=500, batch=64, replay_ratio=8.0,
    target_period=500, learning_rate=1e-3,
)  # fmt: skip
ALGORITHMS = {
    "dqn": (dqn, dict(exploration=4_000)),
    "rainbow": (rainbow, dict(exploration=3_000, quantiles=8)),
    "apex": (apex, dict(refresh=200, base_epsilon=0.8)),
}
NAMES = pytest.mark.parametrize("name", ALGORITHMS)


def make_envs(segment, count=16):
    return CatchEnvs(count, seed=segment)


def new_learner(name, **changes):
    module, options = ALGORITHMS[name]
    torch.manual_seed(1)
    learner = module.LEARNER(module.SETTINGS(**{**TINY, **options, **changes}), SHAPE, 3)
    learner.make_envs = make_envs
    return learner


def begin(learner, segment=0):
    learner.segment = segment
    learner.begin(make_envs(segment, learner.settings.envs), np.random.default_rng([7, segment]))
    return learner


def greedy_return(learner):
    envs = CatchEnvs(100, seed=99)
    observation, total = envs.reset(), 0.0
    for _ in range(envs.HEIGHT - 1):
        answer = envs.step(learner.q_values(learner.network, observation).argmax(1))
        observation, total = answer.observation, total + answer.reward.sum()
    return total / envs.count


@NAMES
def test_reaches_the_optimum_of_a_tiny_game(name):
    learner = begin(new_learner(name))
    while learner.steps < 15_000 and greedy_return(learner) < 0.95:
        numbers = learner.iterate()
    assert greedy_return(learner) >= 0.95
    assert set(numbers) == {"epsilon", "loss", "q"} and np.isfinite(list(numbers.values())).all()


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def train_segment(learner, segment, steps=1_500):
    begin(learner, segment)
    end = learner.steps + steps
    while learner.steps < end:
        learner.iterate()


def flat(state, name=""):
    """{path: tensor, number or text} of nested dicts and lists."""
    if isinstance(state, (dict, list, tuple)):
        items = state.items() if isinstance(state, dict) else enumerate(state)
        return {key: leaf for k, value in items for key, leaf in flat(value, f"{name}/{k}").items()}
    return {name: state}


@NAMES
def test_a_resumed_run_is_the_same_bit_for_bit(name):
    # the memory is smaller than what is played, so that a segment is there in part only
    options = dict(capacity=3_000, replay_ratio=2.0)
    straight, first, resumed = (new_learner(name, **options) for _ in range(3))
    for segment in range(3):
        train_segment(straight, segment)
        if segment < 2:
            train_segment(first, segment)
    resumed.restore(through_a_file(first.state()))
    train_segment(resumed, 2)
    expected, state = flat(straight.state()), flat(resumed.state())
    assert expected.keys() == state.keys() and straight.updates > 100
    for key, value in expected.items():
        assert torch.equal(value, state[key]) if isinstance(value, torch.Tensor) else value == state[key], key
    memories = [learner.replay for learner in (straight, resumed)]
    for part in ("frames", "actions", "rewards", "ends", "ages", "ready"):
        np.testing.assert_array_equal(*(getattr(memory, part) for memory in memories), err_msg=part)


def test_quantile_huber_against_a_double_loop():
    generator = torch.Generator().manual_seed(0)
    quantiles = (3 * torch.randn(2, 5, generator=generator)).requires_grad_()
    targets = 3 * torch.randn(2, 4, generator=generator)
    expected = torch.zeros(2)
    for b in range(2):
        for i in range(5):
            for j in range(4):
                error = targets[b, j] - quantiles[b, i]
                huber = F.huber_loss(quantiles[b, i], targets[b, j])
                expected[b] = expected[b] + abs((i + 0.5) / 5 - float(error < 0)) * huber / 4
    losses = quantile_huber(quantiles, targets)
    torch.testing.assert_close(losses, expected)
    weight = torch.tensor([1.0, 2.0])
    gradients = [torch.autograd.grad((weight * loss).sum(), quantiles)[0] for loss in (losses, expected)]
    torch.testing.assert_close(*gradients)


def test_quantile_regression_finds_the_quantiles():
    targets = torch.linspace(0, 100, 401)[None]
    quantiles = torch.full((1, 4), 50.0, requires_grad=True)
    optimizer = torch.optim.Adam([quantiles], 1.0)
    for _ in range(300):
        optimizer.zero_grad()
        quantile_huber(quantiles, targets).sum().backward()
        optimizer.step()
    torch.testing.assert_close(quantiles.detach()[0], torch.tensor([12.5, 37.5, 62.5, 87.5]), atol=1.0, rtol=0)


def randomised(network):
    """Heads begin near zero; make their outputs differ."""
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(parameter.numel()))
    return network


@torch.no_grad()
def test_dueling_heads():
    network = randomised(DuelingQuantiles("tiny", SHAPE, 3, 4))
    observation = torch.from_numpy(make_envs(0, 6).reset())
    quantiles, features = network(observation), network.body(observation)
    assert quantiles.shape == (6, 3, 4)
    torch.testing.assert_close(quantiles.mean(1), network.value(features))
    advantage = network.advantage(features).reshape(6, 3, 4)
    torch.testing.assert_close(quantiles[:, 2] - quantiles[:, 0], advantage[:, 2] - advantage[:, 0])
    q = randomised(DuelingQNetwork("tiny", SHAPE, 3))
    torch.testing.assert_close(q(observation).mean(1), q.value(q.body(observation))[:, 0])


def test_layers_have_the_names_and_shapes_of_the_cards():
    network = DuelingQuantiles("small", (4, 84, 84), 6, 51)
    layers = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    assert layers["value.weight"] == (51, 256) and layers["advantage.weight"] == (6 * 51, 256)
    assert {"body.conv1.weight", "body.conv2.bias", "body.fc.weight"} < layers.keys()
    assert QNetwork("small", (4, 84, 84), 6).state_dict()["q.weight"].shape == (6, 256)
    assert DuelingQNetwork("small", (4, 84, 84), 6).state_dict()["value.weight"].shape == (1, 256)


def some_batch():
    rng = np.random.default_rng(3)
    observation, following = (torch.from_numpy(rng.integers(256, size=(5, *SHAPE), dtype=np.uint8)) for _ in range(2))
    action, reward = torch.tensor([0, 2, 1, 1, 2]), torch.tensor([1.0, -1.0, 0.5, 0.0, 2.9])
    discount = torch.tensor([0.97, 0.0, 0.97, 0.97, 0.0])
    return Batch(observation, action, reward, discount, following, torch.ones(5), np.arange(5))


@pytest.mark.parametrize("name, double", [("dqn", False), ("dqn", True), ("apex", True)])
def test_targets_by_hand(name, double):
    learner, batch = new_learner(name, double=double), some_batch()
    randomised(learner.network)
    with torch.no_grad():
        learner.target.load_state_dict({k: -0.5 * v for k, v in learner.network.state_dict().items()})
        q, following, chooser = (
            network(observation) for network, observation in (
                (learner.network, batch.observation), (learner.target, batch.following),
                (learner.network, batch.following),
            )
        )  # fmt: skip
    losses, priorities, taken = learner.losses(batch)
    picks = []
    for b in range(5):
        best = int(chooser[b].argmax()) if double else int(following[b].argmax())
        picks.append(best)
        error = batch.reward[b] + batch.discount[b] * following[b, best] - q[b, batch.action[b]]
        huber = 0.5 * error**2 if abs(error) <= 1 else abs(error) - 0.5
        assert losses[b].item() == pytest.approx(huber.item(), abs=1e-5)
        assert priorities[b].item() == pytest.approx(abs(error.item()), abs=1e-5)
    torch.testing.assert_close(taken, q[torch.arange(5), batch.action])


def test_rainbow_targets_by_hand():
    learner, batch = new_learner("rainbow"), some_batch()
    randomised(learner.network)
    with torch.no_grad():
        learner.target.load_state_dict({k: -0.5 * v for k, v in learner.network.state_dict().items()})
        predicted, following = learner.network(batch.observation), learner.target(batch.following)
        best = learner.network(batch.following).mean(2).argmax(1)
    losses, priorities, q = learner.losses(batch)
    for b in range(5):
        target = batch.reward[b] + batch.discount[b] * following[b, best[b]]
        expected = quantile_huber(predicted[b, batch.action[b]][None], target[None])
        torch.testing.assert_close(losses[b], expected[0])
        assert q[b].item() == pytest.approx(predicted[b, batch.action[b]].mean().item(), abs=1e-5)
    torch.testing.assert_close(priorities, losses.detach())


def test_pace_of_learning_and_of_the_target_network():
    learner = begin(new_learner("dqn", learning_starts=1_000, batch=32, replay_ratio=4.0, target_period=800))
    start = {key: value.clone() for key, value in learner.network.state_dict().items()}
    copies = 0
    while learner.steps < 3_000:
        before = learner.target.state_dict()["q.weight"].clone()
        learner.iterate()
        copies += int(not torch.equal(before, learner.target.state_dict()["q.weight"]))
    assert learner.updates == (learner.steps - 1_000) * 4 // 32
    # 100 gradients between two copies: of 259, two are at the 100th and the 200th
    assert learner.updates == 259 and copies == 2
    assert not torch.equal(start["q.weight"], learner.network.state_dict()["q.weight"])


def test_epsilon_falls_linearly():
    learner = new_learner("dqn", exploration=1_000, final_epsilon=0.1)
    values = []
    for learner.steps in (0, 500, 1_000, 5_000):
        values.append(learner.epsilons())
    assert values == pytest.approx([1.0, 0.55, 0.1, 0.1])


def test_epsilon_greedy_frequencies():
    q = np.tile(np.float32([0, 3, 1]), (20_000, 1))
    epsilon = np.repeat([0.0, 0.6], 10_000)
    action = dqn.epsilon_greedy(q, epsilon, np.random.default_rng(0))
    assert (action[:10_000] == 1).all()
    np.testing.assert_allclose(np.bincount(action[10_000:]) / 10_000, [0.2, 0.6, 0.2], atol=0.02)


def test_the_finished_agent_hardly_ever_acts_at_random():
    learner = new_learner("dqn")
    learner.network = randomised(learner.network)
    observation = np.repeat(make_envs(0, 1).reset(), 5_000, axis=0)
    action = learner.policy(observation, np.random.default_rng(0))
    best = learner.q_values(learner.network, observation[:1]).argmax()
    assert (learner.rule, learner.epsilon) == ("epsilon", 0.01)
    assert (action != best).mean() == pytest.approx(0.01 * 2 / 3, abs=0.004)


def test_apex_games_explore_differently():
    epsilons = new_learner("apex", base_epsilon=0.4, epsilon_power=7.0, envs=8).epsilons()
    np.testing.assert_allclose(epsilons, [0.4 ** (1 + i) for i in range(8)])


def test_apex_actors_play_with_an_older_network_and_set_the_first_priorities():
    learner = begin(new_learner("apex", refresh=160, learning_starts=10**6, n_step=2, alpha=1.0))
    randomised(learner.actor)
    seen, values = [], []
    for _ in range(9):
        seen.append(learner.observation)
        values.append(learner.actor_values())
        learner.play()
    replay, errors = learner.replay, np.zeros((7, 16))
    for t in range(7):
        for game in range(16):
            reward, discount = replay.returns(np.array([t]), np.array([game]))
            target = reward[0] + discount[0] * values[t + 2][game].max()
            errors[t, game] = abs(target - values[t][game, replay.actions[t, game]])
    np.testing.assert_allclose(replay.tree[np.arange(7 * 16)], errors.ravel() + 1e-6, rtol=1e-4, atol=1e-6)
    assert not torch.equal(learner.actor.value.weight, learner.network.value.weight)
    learner.play()  # the 160th agent step
    assert torch.equal(learner.actor.value.weight, learner.network.value.weight)


@NAMES
def test_every_setting_is_explained(name):
    for field in dataclasses.fields(ALGORITHMS[name][0].SETTINGS):
        assert field.metadata["help"]
