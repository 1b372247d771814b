"""Commands that save the sitting and open a saved one; the heavy part runs among the jobs, beside the game."""

from __future__ import annotations

import gc
import hashlib
import re
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

from zoo_gui.engine.travelling import Travelling
from zoo_gui.types import Progress, ZooError
from zoo_gui.workers import Streams

if TYPE_CHECKING:
    from zoo_gui.engine.lane import Lane
    from zoo_gui.engine.sittings import Report
    from zoo_gui.play.bundles import Bundle, LaneRecord


@dataclass(frozen=True)
class Differs:
    """A session that would not be what it was: the person is asked. sentences: why, with a full stop each."""

    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """A session that is on screen. window: what the window kept. changes: of each lane at the step on screen, as a
    ``views.Place`` has them. exact: whether all came again bit for bit. sentences: what did not, and remarks."""

    window: Mapping[str, Any]
    changes: tuple[tuple, ...]
    exact: bool
    steps: int
    sentences: tuple[str, ...]


class Saving(Travelling):
    """The part of Server for it."""

    def __init__(self):
        super().__init__()
        self._sessions: Streams | None = None

    def _deliver(self, key: str, kind: str, payload: Any) -> None:
        """Tell the front end what a job came to."""
        raise NotImplementedError

    def _run(self, key: str, make: Callable[[], Iterator]) -> None:
        """Not among the jobs, which have the lowest priority: somebody waits for it."""
        if self._sessions is None:
            self._sessions = Streams(self._deliver, name="zoo_gui sessions")
        self._sessions.start(key, make)

    def stop_travelling(self, key: str) -> None:
        """End a journey, or the saving or opening of a session; nothing is changed by it then."""
        super().stop_travelling(key)
        if self._sessions is not None:
            self._sessions.cancel(key)

    def do_save_session(
        self, key: str, path: str, shown: Sequence[int], told: Mapping[str, Any], window: Mapping[str, Any],
        weights: bool = False,
    ) -> None:
        """Save what the lanes have played, under a key; the last Progress has the path. shown: the moments on screen.
        told, window: as a Bundle has them. weights: with those of agents that do not come with the program; notices
        say of which they could not be had."""
        from zoo_gui.engine.sittings import kept

        lanes = [kept(lane, moment, weights) for lane, moment in zip(self.lanes, shown)]
        driver = self.lanes.index(self.game.driver) if self.game.driver in self.lanes else 0
        mode, say = self.game.mode, partial(self.send, "notice")
        self._run(key, lambda: _saved(lanes, mode, driver, told, window, Path(path), say))

    def do_open_session(self, key: str, path: str, anyway: bool = False) -> None:
        """Read a session, play it anew and put its lanes in place of those there are, under a key. The Progress with a
        result has Differs, and then nothing is changed, or Opened. anyway: also where it will not be what it was."""

        def ready(**found: Any) -> None:
            self._later("place_session", key=key, **found)

        self._run(key, lambda: _opened(Path(path), anyway, ready))

    def do_place_session(
        self, key: str, lanes: list[Lane], bundle: Bundle, report: Report, exact: bool, remarks: list[str]
    ) -> None:
        """A session was played anew: its lanes are those that are on screen now. exact: whether all is as it was."""
        from zoo_gui.engine.one_game import OneGame

        self._drop_memory()
        self.lanes, self.game = lanes, OneGame()
        self.moment = 1 + max((number for record in bundle.lanes for number in record.taken), default=0)
        if bundle.mode != "own" and len(lanes) > 1:
            self.game.share_from_beginning(lanes, lanes[bundle.driver])
        self.epoch = (self.epoch // 1000 + 1) * 1000
        self.tick = self.granted = 0
        self._forget_maps(lanes_too=True)
        self.send("lanes", key, self.epoch, self.described(share=True), self._device())
        for lane, summaries in zip(lanes, report.summaries):
            for summary in summaries:
                lane.shared.write_summary(self.epoch, 0, summary)
        changes = tuple(_changes(lane) for lane in lanes)
        sentences = (*report.sentences, *remarks)
        told = Opened(bundle.window, changes, exact, sum(one.steps for one in report.lanes), sentences)
        self.send("progress", key, Progress(1, 1, "opened", told))
        gc.collect()
        gc.freeze()
        self._warm()


def _changes(lane: Lane) -> tuple:
    from zoo_gui.play.paths import changes_of, under

    return changes_of([under(lane.player)])


def _saved(
    lanes: Sequence[Any], mode: str, driver: int, told: Mapping[str, Any], window: Mapping[str, Any], path: Path,
    say: Callable[[str], None],
) -> Iterator[Progress]:
    from zoo_gui.engine.sittings import recorded
    from zoo_gui.play.bundles import Bundle, write

    records = []
    for one in lanes:
        for progress in recorded(one):
            if progress.result is None:
                yield progress
        records.append(progress.result)
    yield from write(path, Bundle(tuple(records), mode, driver, told, window))
    for one in lanes:
        if one.left_out:
            say(one.left_out)


def _opened(path: Path, anyway: bool, ready: Callable[..., None]) -> Iterator[Progress]:
    """Read, load, compare and play a session; ``ready`` gets what is to be placed."""
    from zoo_gui.engine.sittings import differences, grave, played_anew
    from zoo_gui.play.bundles import read

    yield Progress(0, 0, "reading")
    bundle = read(path)
    lanes: list[Lane] = []
    for record in bundle.lanes:
        yield Progress(0, 0, f"loading {record.facts['title']}")
        lanes.append(agent_of(record))
    found = differences(lanes, bundle)
    changed = grave(found)
    if changed and not anyway:
        yield Progress(1, 1, "differs", Differs(tuple(found)))
        return
    for progress in played_anew(bundle, lanes):
        if progress.result is None:
            yield progress
    report, remarks = progress.result, changed
    if not report.exact:
        remarks = list(found)
    if bundle.mode == "replay":
        remarks.append("The game was a recording: from here on the agents play on themselves.")
    ready(lanes=lanes, bundle=bundle, report=report, exact=report.exact and not changed, remarks=remarks)


def agent_of(record: LaneRecord) -> Lane:
    """A fresh lane with the agent that a session names, by its id or with the weights in the file; where there is none,
    without a network, in the same game. Raises ZooError where there is no such game."""
    from zoo_gui.agents import catalogue

    facts, wanted = record.facts, record.facts["hash"]
    options = {"game": facts["game"], **{name: value for name, value in facts["asked"].items() if name == "sticky"}}
    if not wanted:
        return _loaded(facts["id"], options) if facts["id"].startswith("random/") else _blind(facts, options)
    found = None
    try:
        # else it would be downloaded, or looked for at a stranger's computer, which nobody asked for
        if not _ELSEWHERE.match(facts["id"]) and catalogue.find(facts["id"]).is_here:
            found = _loaded(facts["id"], options)
    except (ZooError, OSError, ValueError, RuntimeError):  # the id may be any text: paths and homes that there are not
        found = None
    if found is not None and found.player.agent is not None and found.player.agent.hash == wanted:
        found.asked = tuple(facts["asked"].items())
        return found
    if record.weights:
        other = _from_file(record, options)
        if other is not None:
            other.asked = tuple(facts["asked"].items())
            return other
    return found if found is not None and found.player.agent is not None else _blind(facts, options)


def _loaded(agent_id: str, options: Mapping[str, Any]) -> Lane:
    from zoo_gui.engine.loading import load_lane

    *_, lane = load_lane(agent_id, dict(options), lambda text: None)
    return lane


def _blind(facts: Mapping[str, Any], options: Mapping[str, Any]) -> Lane:
    lane = _loaded(f"random/{facts['game']}", options)
    lane.title = f"{facts['title']} (not here)"
    return lane


_ELSEWHERE = re.compile(r"\s*([/\\]{2}|file:.*([/\\]{4}|%))", re.IGNORECASE | re.DOTALL)
"""Ids that are paths on another computer: Windows would log in there with the person's name."""
_PLAIN_NAME = re.compile(r"(?!\.|card\.toml$)[^\x00-\x1f/\\:*?\"<>|]{1,200}", re.IGNORECASE)
"""What a file may be called that is written at a stranger's word."""


def _from_file(record: LaneRecord, options: Mapping[str, Any]) -> Lane | None:
    """The agent whose card and weights are in the session, kept in the cache; None where they are of another one."""
    from zoo_gui.agents.card import Card
    from zoo_gui.settings import cache_dir, writable_dir

    text, folder, lane = record.facts["card"], None, None
    try:
        name = Card.parse(text, "The card in the session").weights.file
        if not _PLAIN_NAME.fullmatch(name):
            return None
        # named by what it holds, never by what the file says: that could lead anywhere
        digest = hashlib.sha256(record.weights)
        digest.update(text.encode())
        place = cache_dir() / "sessions" / digest.hexdigest()[:32]
        folder = None if place.exists() else place
        writable_dir(place, "cache folder")
        (place / name).write_bytes(record.weights)
        (place / "card.toml").write_text(text, encoding="utf-8")
        lane = _loaded(str(place), options)
    except (ZooError, OSError, ValueError):  # the last of text that cannot be written
        lane = None
    if lane is not None and lane.player.agent is not None and lane.player.agent.hash == record.facts["hash"]:
        return lane
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return None
