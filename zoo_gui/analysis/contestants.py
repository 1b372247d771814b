"""Who is compared: the agents' names, letters and colours, and what finds them again. No TensorFlow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Sequence

from zoo_gui import factors, naming
from zoo_gui.agents.card import ALGORITHM_TITLES
from zoo_gui.play import games
from zoo_gui.types import ZooError

MOST = 26
"""Agents in one comparison: they are told apart by letters."""
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo", "+++", "---")
STYLES = ("-", "--", ":", "-.")
RANDOM = "random"


@dataclass(frozen=True)
class Contestant:
    """One of the agents that are compared.

    letter: A, B, …, what it is called in figures. id, title, hash: as of ``Agent``; the hash of a player without a
    network is "". game: as ids spell it (``SpaceInvaders``). algorithm: its key in cards, with the tag of an earlier
    stage (``ppo@initial``). kind: ``logits``, ``q``, or "" without a network. edits: units that were changed.
    """

    letter: str
    id: str
    title: str
    hash: str
    game: str
    algorithm: str
    kind: str = ""
    edits: int = 0

    @property
    def number(self) -> int:
        """Its place among the agents, from 0."""
        return ord(self.letter) - ord("A")

    @property
    def colour(self) -> str:
        """``#RRGGBB``: the lanes' colours, then those of groups, all made to stay apart for colour-blind eyes. Letters,
        hatches and line styles say the same."""
        if self.number < len(naming.LANE_COLOURS):
            return naming.lane_colour(self.number)
        return f"#{factors.COLOURS[self.number % len(factors.COLOURS)]}"

    @property
    def hatch(self) -> str:
        """What fills its bars."""
        return HATCHES[self.number % len(HATCHES)]

    @property
    def style(self) -> str:
        """How its lines are drawn."""
        return STYLES[self.number % len(STYLES)]

    @property
    def label(self) -> str:
        """``A  PPO · Breakout · run 1``, for a legend."""
        return f"{self.letter}  {self.title}"

    def row(self) -> dict[str, Any]:
        """Its facts for a table, without the letter."""
        return {key: value for key, value in asdict(self).items() if key != "letter"}


def contestants(agents: Sequence[Any], game: str = "") -> tuple[Contestant, ...]:
    """Who these are. agents: ``Agent``s, or for a player without a network the id (``random/Breakout``) or None.

    game: what a None plays; "" the game of the first agent. Raises ZooError: none or too many, or no game to play.
    """
    if isinstance(agents, str) or not hasattr(agents, "__len__"):
        raise ZooError("Give the agents to compare as a list, also where it is one.")
    if not 1 <= len(agents) <= MOST:
        raise ZooError(f"{len(agents)} agents cannot be compared: give 1 to {MOST}.")
    own = next((agent.card.game for agent in agents if hasattr(agent, "card")), "")
    return tuple(_contestant(chr(ord("A") + place), agent, game, own) for place, agent in enumerate(agents))


def _contestant(letter: str, agent: Any, game: str, own: str) -> Contestant:
    if agent is None or isinstance(agent, str):
        kind, _, named = (agent or "").strip("/").partition("/")
        if agent is not None and (kind.casefold() != RANDOM or not named):
            raise ZooError(f"“{agent}” is not loaded: give the agent itself, Agent.load({agent!r}), or random/GAME.")
        plays = named or game or own
        if not plays:
            raise ZooError("Name the game that the player without a network plays, for example random/Breakout.")
        plays = games.identity(plays)
        return Contestant(letter, f"{RANDOM}/{plays}", f"Random · {games.title(games.find(plays))}", "", plays, RANDOM)
    card = agent.card
    algorithm = f"{card.algorithm}@{card.tag}" if card.tag else card.algorithm
    plays = games.identity(game or card.game)
    facts = (letter, agent.name, agent.title, agent.hash, plays, algorithm, agent.scores_kind)
    return Contestant(*facts, edits=len(agent.edits))


def algorithm_title(algorithm: str) -> str:
    """``ppo@initial`` for people: ``PPO initial``."""
    name, _, tag = algorithm.partition("@")
    return f"{ALGORITHM_TITLES.get(name, name)} {tag}".strip()


def with_network(agents: Sequence[Any], what: str) -> None:
    """Raise ZooError where one of the agents is a player without a network, which ``what`` needs."""
    for place, agent in enumerate(agents):
        if agent is None or isinstance(agent, str):
            letter = chr(ord("A") + place)
            raise ZooError(f"{letter} is a player without a network: {what} needs one; only behaviour can be compared.")
