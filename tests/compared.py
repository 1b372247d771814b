"""Tiny agents and moments for tests of what compares agents: what they saw is random, what is alike is made so."""

from __future__ import annotations

import numpy as np
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.play.moments import Moments
from zoo_gui.types import Decision, Step

RECURRENT = NetworkSpec(
    (
        LayerSpec("conv1", "conv", filters=3, kernel=(5, 4), stride=(2, 3), activation="tanh"),
        LayerSpec("cell", "gru", units=5),
        LayerSpec("policy", "dense", units=3, role="logits", source="cell"),
    )
)


def agent(network=tiny_agents.POLICY, seed=0, **changes) -> Agent:
    return Agent(tiny_agents.card(network, **changes), tiny_agents.weights(network, seed))


def moments(agent, count=80, seed=0, edited=()) -> Moments:
    """``count`` moments, two games: what the agent saw is random by ``seed``, and so is the console's memory."""
    found = Moments(agent.layers, agent.action_names, (20, 18), agent.observation_shape,
                    state_size=len(agent.initial_state))  # fmt: skip
    found.agent = agent
    rng, memory = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    for number in range(count):
        seen = rng.integers(0, 256, agent.observation_shape, np.uint8)
        step = Step(
            player="agent", episode=number // (count // 2), index=number % (count // 2),
            frame=np.zeros((20, 18, 3), np.uint8), frames=np.zeros((1, 20, 18, 3), np.uint8), observation=seen,
            ram=memory.integers(0, 256, 128, np.uint8), decision=Decision(0, np.zeros(len(agent.action_names), "f4")),
            reward=0.0, episode_return=0.0, lives=3, terminated=False, truncated=False, edited=number in edited,
        )  # fmt: skip
        state = rng.normal(size=len(agent.initial_state)).astype("f4")
        found.add(step, number, np.zeros((20, 18), np.uint8), np.full((256, 3), 90, np.uint8), state)
    return found


def permuted(agent, layer="conv1", after="conv2", seed=3) -> tuple[Agent, np.ndarray]:
    """(a copy that is the same but for the order of a convolution's channels, which of the agent's each of them is)."""
    weights = agent.weights
    order = np.random.default_rng(seed).permutation(weights[f"{layer}/bias"].size)
    while (order == np.arange(order.size)).all():
        order = np.roll(order, 1)
    changed = {
        f"{layer}/kernel": weights[f"{layer}/kernel"][..., order], f"{layer}/bias": weights[f"{layer}/bias"][order],
        f"{after}/kernel": weights[f"{after}/kernel"][:, :, order],
    }  # fmt: skip
    return agent.with_weights(changed), order
