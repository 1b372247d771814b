"""From an id or a path to a lane that is ready to step; runs in the engine's loader thread."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Iterator

from zoo_gui.engine.lane import Lane
from zoo_gui.settings import resource_path
from zoo_gui.types import Progress


def load_lane(agent_id: str, options: dict[str, Any], say: Callable[[str], None]) -> Iterator[Lane | Progress]:
    """Yield the one Lane, after Progress of its download. ``options``: seed, game, player, sticky (each may be absent).

    Raises ZooError when the agent, its files or its game cannot be used.
    """
    from zoo_gui.agents import catalogue
    from zoo_gui.analysis.methods import METHODS
    from zoo_gui.engine.why import Wish, explained
    from zoo_gui.play.emulator import Emulator
    from zoo_gui.play.player import Player

    entry = catalogue.find(agent_id)
    for progress in catalogue.fetch(entry):
        if progress.result is None:
            yield progress
        else:
            entry = progress.result
    emulator = Emulator(options.get("game") or entry.game)
    agent = None
    if not entry.id.startswith("random/"):
        say("Loading TensorFlow and " + entry.title)
        from zoo_gui.agents.agent import Agent
        from zoo_gui.agents.card import Card

        # not Agent.load: it would look for the agent, and draft a card that it lacks, once more
        agent = Agent.of_file(entry.card or Card.read(entry.path), entry.weights, entry.id)
    seed = int(options.get("seed") or 0)
    player = Player(emulator, agent, seed=seed, controller=options.get("player"), sticky=options.get("sticky"))
    # The first step traces the network: do it here, where nothing waits, and start again.
    player.step()
    if agent is not None:
        wish = Wish("action", METHODS["gradient"], METHODS["gradient"].defaults)
        player.step(saliency=partial(explained, agent, wish=wish))
    player.restart()
    asked = tuple((name, options[name]) for name in ("game", "sticky") if options.get(name) not in (None, ""))
    own = entry.weights is not None and not entry.weights.is_relative_to(resource_path("agents"))
    yield Lane(entry.id, entry.title, entry.description, player, asked, entry.weights if own else None)
