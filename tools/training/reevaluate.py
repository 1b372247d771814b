"""Evaluate agents that are in the zoo already, loaded as everyone loads them, and write the scores into their cards."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import zoo_table
from training.envs import AtariEnvs
from training.export import scores
from zoo_gui.agents import catalogue, heads
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import CARD_FILE, Card, PreprocessingSpec
from zoo_gui.types import ZooError


class Loaded:
    """An agent of the zoo that picks actions for many games at once, by its card's rule."""

    def __init__(self, agent: Agent):
        self.agent, self.rule, self.epsilon = agent, agent.card.actions.rule, agent.card.actions.epsilon
        self._head = next(layer.name for layer in agent.card.network.layers if layer.role in ("logits", "q"))
        self._columns: np.ndarray | None = None

    def plays_in(self, action_names: tuple[str, ...]) -> None:
        """The order of the games' actions; the agent may know fewer. Raises ZooError."""
        missing = set(self.agent.action_names) - set(action_names)
        if missing:
            raise ZooError(f"{self.agent.name} has actions that the game lacks: {', '.join(sorted(missing))}.")
        self._columns = np.array([action_names.index(name) for name in self.agent.action_names])

    def policy(self, observation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Actions (N,) of the game for uint8 (N, C, H, W)."""
        found = self.agent.activations(np.ascontiguousarray(observation.transpose(0, 2, 3, 1)))[self._head]
        own = np.array([heads.choose(self.rule, row, rng, self.epsilon) for row in found])
        return self._columns[own]


def reevaluate(folder: Path, episodes: int = 30) -> Card:
    """Play both protocols with the agent in ``folder``; its card as written. Raises ZooError: no card, a faulty one, an
    observation that the trainers' games do not give."""
    agent = Agent.load(str(folder))
    card = agent.card
    if card.preprocessing != PreprocessingSpec(max_episode_frames=card.preprocessing.max_episode_frames):
        raise ZooError(f"{card.id} sees the game through another pipeline than the trainers' games: its scores stay.")
    loaded = Loaded(agent)
    loaded.plays_in(AtariEnvs(card.game, 1, seed=0).action_names)
    card = card.replaced(scores=scores(loaded, card.game, episodes))
    (folder / CARD_FILE).write_text(card.to_toml(), encoding="utf-8")
    return Card.read(folder / CARD_FILE)


def main(ids: list[str], episodes: int = 30) -> None:
    """Evaluate the agents and write docs/zoo.md anew."""
    for name in ids:
        card = reevaluate(catalogue.find(name).path.parent, episodes)
        print(f"{card.id:24} {card.scores.mean:9.1f}   sticky {card.scores.also[0].mean:9.1f}", flush=True)
    zoo_table.write()
