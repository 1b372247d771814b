"""Several agents at one and the same game: one drives, the others see what it sees and say what they would do."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np

from zoo_gui.play.emulator import Emulator
from zoo_gui.play.moments import CAPACITY, KEY_EVERY, Moments, keep, of_player
from zoo_gui.play.played import Recording, same_game
from zoo_gui.play.player import Player
from zoo_gui.types import Progress, Step, ZooError


class Together:
    """Agents under one clock in one game, each with its own preprocessing. ``driver`` is the index of who acts."""

    def __init__(
        self,
        agents: Sequence[Any],
        *,
        game: str = "",
        seed: int = 0,
        driver: int = 0,
        recording: Recording | None = None,
        **settings: Any,
    ):
        """game: by default the agents' own. recording: a game that was played, which drives in place of an agent until
        one takes over. settings: of the Players (sticky, frame_skip). Raises ZooError, also for different games."""
        if not agents:
            raise ZooError("Name the agents that are to see the game.")
        titles = [game or recording.game] if game or recording else [agent.card.game for agent in agents]
        self.players = [
            Player(Emulator(title), agent, seed=seed, **settings)
            for agent, title in zip(agents, titles * len(agents) if len(titles) == 1 else titles)
        ]
        emulators = [player.emulator for player in self.players]
        same_game([emulator.game for emulator in emulators], [emulator.title for emulator in emulators])
        self._recording, self._at = recording, 0
        self.driver: int | None = None if recording else self._known(driver)

    def step(self, all_frames: bool = False) -> tuple[Step, ...]:
        """Each agent's Step, in order; the action is what it would do. Raises ZooError at the recording's end."""
        if self.driver is None:
            if self._at >= len(self._recording.steps):
                raise ZooError("The recording ends here: let one of the agents take over.")
            played = self._recording.steps[self._at]
            self._at += 1
            return tuple(player.step(all_frames, follow=played) for player in self.players)
        drives = self.players[self.driver]
        first = drives.step(all_frames)
        return tuple(
            first if player is drives else player.step(all_frames, follow=drives.played) for player in self.players
        )

    def take_over(self, index: int) -> None:
        """Hand the wheel to another agent, from the next step on; the game stays as it is, bit for bit."""
        self.driver = self._known(index)

    def _known(self, index: int) -> int:
        if not 0 <= index < len(self.players):
            raise ZooError(f"There is no agent {index}: there are {len(self.players)}, from 0.")
        return index


def record_together(
    agents: Sequence[Any],
    *,
    steps: int = 2000,
    seed: int = 0,
    driver: int = 0,
    game: str = "",
    recording: Recording | None = None,
    sticky: float | None = None,
) -> Iterator[Progress]:
    """Let one agent play ``steps`` agent steps while the others watch; the last Progress has a tuple of Moments, one
    for each agent, of equal ids: row for row the same moments.

    Episodes are those of a Player of ``seed``. recording: played in place of an agent's game, to its end at most.
    Raises ZooError.
    """
    if not 1 <= steps <= CAPACITY:
        raise ZooError(f"{steps} steps cannot be recorded: give a whole number from 1 to {CAPACITY:,}.")
    together = Together(agents, game=game, seed=seed, driver=driver, recording=recording, sticky=sticky)
    steps = min(steps, len(recording.steps)) if recording else steps
    found = tuple(of_player(player, capacity=steps) for player in together.players)
    for done in range(steps):
        keys = [player.snapshot() if done % KEY_EVERY == 0 else None for player in together.players]
        for index, step in enumerate(together.step()):
            keep(found[index], together.players[index], step, done, keys[index], watched=index != together.driver)
        if done % 8 == 0:
            yield Progress(done, steps, f"playing together: {done:,} of {steps:,} steps")
    yield Progress(steps, steps, f"{steps:,} steps", found)


def aligned(moments: Sequence[Moments]) -> tuple[np.ndarray, ...]:
    """(n,) int64 each: the rows that are the same moment of the same game in all of them, in order, none of which was
    taken under an intervention. Raises ZooError where there are none.

    Moments are the same where id and RAM are: agents that play each their own game have ids in common too.
    """
    if not moments:
        raise ZooError("Name the agents whose moments are to be compared.")
    common = moments[0].column("id")
    for other in moments[1:]:
        common = np.intersect1d(common, other.column("id"), assume_unique=True)
    rows = [np.searchsorted(one.column("id"), common) for one in moments]
    same = np.ones(len(common), bool)
    first = moments[0].column("ram")[rows[0]]
    for one, places in zip(moments, rows):
        same &= (one.column("ram")[places] == first).all(1) & ~one.column("edited")[places]
    if not same.any():
        raise ZooError(
            "These agents have not seen the same game yet: give them one input and let them play, or choose a rollout."
        )
    return tuple(places[same] for places in rows)


def recording_of(moments: Moments, game: str) -> Recording:
    """The game that Moments hold, from the first beginning of an episode that they have. Raises ZooError."""
    steps = [moments.played(row) for row in range(len(moments))]
    first = next((row for row, step in enumerate(steps) if step is not None and step.begins), None)
    if first is None:
        raise ZooError("These moments hold no game from its beginning: restart it and let it play for a while.")
    episode, index = moments.column("episode"), moments.column("index")
    last = first + 1
    while last < len(steps) and steps[last] is not None and (
        steps[last].begins or (episode[last] == episode[last - 1] and index[last] == index[last - 1] + 1)
    ):
        last += 1
    return Recording(game, tuple(steps[first:last]))
