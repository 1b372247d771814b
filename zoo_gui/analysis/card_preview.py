"""Which of several guesses about a stranger's file is right? Each plays the same game; the right one plays well."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Iterator, Mapping

from zoo_gui.agents.card import Card
from zoo_gui.agents.formats import Checkpoint, read_checkpoint
from zoo_gui.analysis import Progress
from zoo_gui.play.previews import after, nothing
from zoo_gui.types import Preview, ZooError

TURN = 0.05
"""Seconds between two reports."""


def card_preview(path: Path, cards: Mapping[str, Card], *, steps: int = 3000, seed: int = 0) -> Iterator[Progress]:
    """Let each card play the file's agent for ``steps`` agent steps in turns; results: a tuple of Preview, in the order
    of ``cards`` ({name: card}). The same seed for all: differences are the cards'.

    Raises ZooError where the file itself cannot be read.
    """
    path = Path(path)
    first = next(iter(cards.values()))
    checkpoint = read_checkpoint(path, first.weights.format)
    shown = {name: Preview(name, nothing()) for name in cards}
    yield Progress(0, steps, "starting", tuple(shown.values()))
    players = {}
    for name, card in cards.items():
        try:
            players[name] = _player(card, checkpoint, path, seed)
        except ZooError as error:
            shown[name] = replace(shown[name], fault=str(error))
        yield Progress(0, steps, "starting", tuple(shown.values()))
    reported = time.perf_counter()
    for done in range(1, steps + 1):
        for name, player in list(players.items()):
            try:
                shown[name] = after(shown[name], player.step())
            except ZooError as error:
                shown[name] = replace(shown[name], fault=str(error))
                del players[name]
        if not players:
            break
        if time.perf_counter() - reported >= TURN or done == steps:
            yield Progress(done, steps, "playing", tuple(shown.values()))
            reported = time.perf_counter()
    yield Progress(steps, steps, "played", tuple(shown.values()))


def _player(card: Card, checkpoint: Checkpoint, path: Path, seed: int):
    from zoo_gui.agents.agent import Agent
    from zoo_gui.play.emulator import Emulator
    from zoo_gui.play.player import Player

    agent = Agent(card, checkpoint.arrays, path.name, str(path), checkpoint.convention, checkpoint.graph)
    return Player(Emulator(card.game), agent, seed=seed)

