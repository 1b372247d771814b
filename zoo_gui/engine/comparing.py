"""Commands that compare lanes: whose game they see, and analyses of several agents at the same moments."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Iterator, Sequence

from zoo_gui.engine.disturbing import Disturbing
from zoo_gui.types import LaneInfo, Progress, ZooError

if TYPE_CHECKING:
    from zoo_gui.play.played import Recording


class Comparing(Disturbing):
    """The part of Server for lanes that are compared. Commands run in the main thread, between two ticks."""

    _jobs: Any

    def _later(self, name: str, **keywords: Any) -> None:
        """Obey a command of our own between two ticks."""
        raise NotImplementedError

    # -- whose game ---------------------------------------------------------------------------------------------
    def described(self, share: bool = False) -> list[tuple[LaneInfo, str]]:
        """(LaneInfo, name of the shared memory) of each lane; share: make that memory anew."""
        found, skip = [], self.game.frame_skip
        for i, lane in enumerate(self.lanes):
            info = lane.info(i, self.game.role(lane), skip)
            if share:
                if lane.shared is not None:
                    lane.shared.close(unlink=False)
                lane.share(info)
            found.append((info, lane.shared.name))
        return found

    def do_share(self, epoch: int, to: int | None, driver: int) -> None:
        """From tick ``to`` on, None: from where the lanes are, a lane acts and all see its game."""
        if epoch < self.epoch or driver >= len(self.lanes):
            return
        self._back_to(to, epoch)
        try:
            self.game.share(self.lanes, self.lanes[driver])
        finally:
            self._changed_input()

    def do_own(self, epoch: int, to: int | None) -> None:
        """From tick ``to`` on each lane plays its own game."""
        if epoch < self.epoch:
            return
        self._back_to(to, epoch)
        self.game.own()
        self._changed_input()

    def do_replay(self, key: str, lane: int, source: str, settings: Any = ()) -> None:
        """Have all lanes see a game that was played, once it is read, under a key. source: ``session``, the lane's
        moments so far; ``rollout``, those of its rollout of these settings, which is played first unless it was before;
        ``file``, a rollout's file at that path."""
        one = self.lanes[lane] if lane < len(self.lanes) else None
        if one is None:
            return
        make = partial(_recording, one, source, settings)
        self._jobs.start(key, lambda: _handed(make, lambda found: self._later("place_recording", recording=found)))

    def do_place_recording(self, recording: Recording) -> None:
        """A recording is read: all lanes begin to see it."""
        self.game.replay(self.lanes, recording)
        for one in self.lanes:
            one.player.restart()
            one.number = 0
            one.forget()
        self.epoch = (self.epoch // 1000 + 1) * 1000
        self.tick = self.granted = 0
        self._forget_maps(lanes_too=True)
        self.send("lanes", "replay", self.epoch, self.described(share=True), None)

    def _back_to(self, to: int | None, epoch: int) -> None:
        if to is not None:
            self.do_rewind(to, epoch)

    def _changed_input(self) -> None:
        self._forget_maps(lanes_too=True)
        self.send("swapped", self.epoch, self.tick, self.described(share=True))

    # -- analyses -----------------------------------------------------------------------------------------------
    def job_of_several(
        self, make: Callable, lanes: Sequence[int], parameters: dict[str, Any]
    ) -> Callable[[], Iterator]:
        """What runs an analysis of several lanes' agents: at the moments of the sitting that they saw together, or of a
        rollout of (steps, seed) that the first of them drives; one that takes ``games`` is of what each lane saw, of
        one lane or more, and of rollouts that each plays by itself. Raises ZooError."""
        ones = [self.lanes[lane] for lane in lanes if lane < len(self.lanes)]
        if "games" in inspect.signature(make).parameters and ones:
            return _of_own_games(make, ones, parameters)
        if len(ones) < 2 or any(one.player.agent is None for one in ones):
            raise ZooError("Two agents are needed to compare them: open another one beside this.")
        agents = tuple(one.player.agent for one in ones)
        games = {one.player.emulator.game for one in ones}
        if len(games) == 1 and "game" in inspect.signature(make).parameters:  # maybe another than that of their cards
            parameters.setdefault("game", *games)
        wanted = parameters.pop("moments", None)
        if wanted is None:
            return partial(make, agents, **parameters)
        if wanted == "session":
            return partial(make, agents, moments=tuple(one.moments.freeze() for one in ones), **parameters)
        return partial(_with_rollout, make, ones, tuple(wanted), parameters)


def _of_own_games(make: Callable, lanes: Sequence[Any], parameters: dict[str, Any]) -> Callable[[], Iterator]:
    """What runs an analysis of moments that need not be the same."""
    parameters.setdefault("games", tuple(lane.player.emulator.game for lane in lanes))
    parameters.setdefault("titles", tuple(lane.title for lane in lanes))
    agents = [lane.player.agent for lane in lanes]
    wanted = parameters.pop("moments", "session")
    if wanted == "session":
        return partial(make, agents, moments=tuple(lane.moments.freeze() for lane in lanes), **parameters)
    return partial(_with_own_rollouts, make, lanes, tuple(wanted), parameters)


def _with_own_rollouts(
    make: Callable, lanes: Sequence[Any], wanted: tuple, parameters: dict[str, Any]
) -> Iterator[Progress]:
    """An analysis of rollouts that the lanes' agents play each by itself, as an analysis of one lane has it played."""
    moments = []
    for lane in lanes:
        for progress in lane.with_rollout(_only_moments, wanted, {}):
            if progress.result is None:
                yield progress
        moments.append(progress.result)
    parameters.setdefault("seeds", (wanted[1],) * len(lanes))
    yield from make([lane.player.agent for lane in lanes], moments=tuple(moments), **parameters)


def rollout_settings(agents: Sequence[Any], steps: int, seed: int) -> tuple:
    """Under what lanes keep a rollout that their agents saw together, so that its moments can be gone to."""
    return ("together", *(agent.hash for agent in agents), steps, seed)


def _with_rollout(
    make: Callable, lanes: Sequence[Any], wanted: tuple, parameters: dict[str, Any]
) -> Iterator[Progress]:
    """An analysis at the moments of a rollout that the lanes' agents see together; the first drives."""
    from zoo_gui.play.played import same_game
    from zoo_gui.play.together import record_together

    steps, seed = wanted
    agents = [lane.player.agent for lane in lanes]
    settings = rollout_settings(agents, steps, seed)
    if not all(settings in lane.rollouts for lane in lanes):
        emulators = [lane.player.emulator for lane in lanes]
        same_game([emulator.game for emulator in emulators], [emulator.title for emulator in emulators])
        unedited = [agent.with_weights({}) if agent.edits else agent for agent in agents]
        game, sticky = emulators[0].game, lanes[0].player.sticky
        for progress in record_together(unedited, steps=steps, seed=seed, game=game, sticky=sticky):
            if progress.result is None:
                yield progress
            else:
                for lane, moments in zip(lanes, progress.result):
                    lane.rollouts = {settings: moments}
    moments = tuple(lane.rollouts[settings] for lane in lanes)
    yield from make(tuple(agents), moments=moments, **parameters)


def _handed(make: Callable[[], Iterator[Progress]], ready: Callable[[Any], None]) -> Iterator[Progress]:
    """A job whose result goes to ``ready`` rather than to the front end."""
    for progress in make():
        if progress.result is None:
            yield progress
        else:
            ready(progress.result)
    yield Progress(1, 1, "ready")


def _recording(lane: Any, source: str, settings: Any) -> Iterator[Progress]:
    """The last Progress has the Recording; see ``do_replay``. Raises ZooError."""
    from zoo_gui.play.rollout_files import load_recording
    from zoo_gui.play.together import recording_of

    game = lane.player.emulator.game
    if source == "file":
        found = load_recording(settings)
    elif source == "session":
        found = recording_of(lane.moments.freeze(), game)
    else:
        if lane.player.agent is None:
            raise ZooError("This player has no network whose rollout could be played: open an agent first.")
        for progress in lane.with_rollout(_only_moments, settings, {}):
            if progress.result is None:
                yield progress
        found = recording_of(progress.result, game)
    yield Progress(1, 1, "read", found)


def _only_moments(agent: Any, *, moments: Any) -> Iterator[Progress]:
    yield Progress(1, 1, "played", moments)
