"""Agents and moments in which it is known what each unit does: for tests of whatever says what units do.

The world is a black observation of 20×20 with two frames; in some moments a sprite stands in the newest frame, in the
others as many pixels in another order, and a corner shows a number as a bar. In the agent of ``agent()``:

    conv1:7     is largest, by far, where the sprite stands: its kernel is the sprite, less what is beside it
    fc:5        counts the bright pixels of the corner, which are those of RAM byte BYTE
    others      have random kernels, and weights that see neither more than anything else
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec, PreprocessingSpec
from zoo_gui.agents.layout import Layout
from zoo_gui.play.moments import Moments
from zoo_gui.types import Decision, Step

SHAPE = (20, 20, 2)
CHANNELS, HIDDEN, UNIT, COUNTER, BYTE = 8, 12, 7, 5, 49
SPRITE = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1]], np.uint8) * 255
BAR = (19, 12)
"""Where the bar begins: up to 8 pixels to the right of it."""
PADDINGS = ("VALID", "SAME", (2, 1, 3, 0))
SCREEN = (40, 40)
"""Twice the observation, which covers all of it."""


def agent(padding="VALID", stride=(1, 1), seed: int = 0) -> Agent:
    """conv1 (3×3, ReLU) → fc (ReLU) → policy, value. padding: as a card has it."""
    network = NetworkSpec(
        (
            LayerSpec("conv1", "conv", filters=CHANNELS, kernel=(3, 3), stride=stride, padding=padding,
                      activation="relu"),
            LayerSpec("conv2", "conv", filters=4, kernel=(3, 3), stride=(2, 2), padding=padding, activation="relu"),
            LayerSpec("fc", "dense", units=HIDDEN, activation="relu", source=()),
            LayerSpec("policy", "dense", units=3, role="logits", source="fc"),
            LayerSpec("value", "dense", units=1, role="value", source="fc"),
        )
    )
    card = tiny_agents.card(network, preprocessing=PreprocessingSpec(size=SHAPE[:2], stack=SHAPE[2]))
    rng = np.random.default_rng(seed)
    shapes = Layout(network, SHAPE).shapes
    arrays = {
        name: (0.3 * rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]) + 1)).astype("f4")
        for name, shape in shapes.items()
    }
    kernel = np.where(SPRITE > 0, 1.0, -1.0)
    arrays["conv1/kernel"][..., UNIT] = 0
    arrays["conv1/kernel"][..., 1, UNIT] = kernel
    arrays["conv1/bias"][UNIT] = -0.5
    rows = np.zeros(SHAPE, np.float32)
    rows[BAR[0], BAR[1] : BAR[1] + 8, 1] = 1
    arrays["fc/kernel"][:, COUNTER] = rows.ravel()
    arrays["fc/bias"][COUNTER] = 0
    return Agent(card, arrays)


class Play(NamedTuple):
    """moments, and for each of them: sprite (n, 2), where its top left corner stands, (−1, −1) without one; number
    (n,), what the bar and RAM byte BYTE show. RAM byte BYTE + 1 is a number that is shown nowhere."""

    moments: Moments
    sprite: np.ndarray
    number: np.ndarray


def play(agent: Agent, episodes: int = 6, length: int = 70, seed: int = 0, edited: slice = slice(0, 0)) -> Play:
    """What the agent sees: in each episode five sprites, three steps each; the second step of a sprite earns a reward.
    The number walks up and down between 0 and 8. edited: moments that are marked as taken under an intervention."""
    rng = np.random.default_rng(seed)
    found = Moments(agent.layers, agent.action_names, SCREEN, SHAPE)
    sprites, numbers = [], []
    palette = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1)
    for episode in range(episodes):
        shown = {}
        for start in rng.choice(np.arange(2, length - 4, 13), 5, replace=False):
            place = tuple(int(n) for n in rng.integers(0, 15, 2))
            shown |= {int(start) + step: (place, step) for step in range(3)}
        frames, hidden = np.zeros((2, *SHAPE[:2]), np.uint8), np.clip(np.cumsum(rng.integers(-1, 2, length)) + 4, 0, 8)
        walk = np.abs((np.cumsum(rng.integers(-1, 2, length)) + 4) % 17 - 8)
        for index in range(length):
            place, step = shown.get(index, ((-1, -1), -1))
            frames = np.stack([frames[1], _picture(place, int(walk[index]), rng)])
            row = len(sprites)
            found.add(_step(agent, frames, episode, index, int(walk[index]), int(hidden[index]), float(step == 1),
                            index == length - 1, range(10**6)[edited].__contains__(row)),
                      row, np.repeat(np.repeat(frames[1], 2, 0), 2, 1), palette)  # fmt: skip
            sprites.append(place)
            numbers.append(int(walk[index]))
    return Play(found, np.array(sprites), np.array(numbers))


def _picture(place: tuple[int, int], number: int, rng: np.random.Generator) -> np.ndarray:
    picture = np.zeros(SHAPE[:2], np.uint8)
    shape = SPRITE
    if place[0] < 0:
        place, shape = rng.integers(0, 15, 2), rng.permutation(SPRITE.ravel()).reshape(3, 3)
        shape = SPRITE[::-1] if np.array_equal(shape, SPRITE) else shape
    picture[place[0] : place[0] + 3, place[1] : place[1] + 3] = shape
    picture[BAR[0], BAR[1] : BAR[1] + number] = 200
    return picture


def _step(agent, frames, episode, index, number, hidden, reward, done, edited) -> Step:
    observation, ram = np.ascontiguousarray(frames.transpose(1, 2, 0)), np.zeros(128, np.uint8)
    ram[BYTE], ram[BYTE + 1] = number, hidden
    activations = agent.activations(observation)
    scores = activations["policy"]
    decision = Decision(index // 4 % 3, scores, value=float(activations["value"][0]), activations=activations)
    screen = np.zeros((*SCREEN, 3), np.uint8)
    return Step("agent", episode, index, screen, screen[None], observation, ram, decision, reward, 0.0, 3, done, False,
                edited=edited)  # fmt: skip
