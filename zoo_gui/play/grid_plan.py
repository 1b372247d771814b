"""Which agents stand where in a video grid: patterns of ids, products of algorithms, games, runs and tags, and their
places in rows and columns. No TensorFlow."""

from __future__ import annotations

import fnmatch
import itertools
import math
from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

from zoo_gui.agents import catalogue
from zoo_gui.agents.catalogue import FINAL
from zoo_gui.agents.entry import Entry, spaced
from zoo_gui.play import games
from zoo_gui.registry import unknown
from zoo_gui.types import ZooError

AUTO, RUNS, TAGS, GAMES, NONE = ROWS = ("auto", "runs", "tags", "games", "none")
MOST = 144
"""Tiles of a grid: each has an emulator and a network of its own."""
ABSENT = "no such agent"
KINDS = ("algorithm", "game", "run", "tag")
MEMBERS = {RUNS: "run", TAGS: "tag", GAMES: "game"}


@dataclass(frozen=True)
class Tile:
    """What stands in one place. agent: its id, "" where the place stays empty. title: the algorithm, and the stage of
    training; words: the rest of what it is called. why: a place is empty."""

    agent: str
    title: str
    words: str
    game: str = ""
    why: str = ""


@dataclass(frozen=True)
class Plan:
    """tiles: {(row, column): Tile}, a place without one is out of use. rows, columns: their titles, () without.
    shape: (rows, columns). common: what all have in common, "" nothing."""

    tiles: dict[tuple[int, int], Tile]
    shape: tuple[int, int]
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    common: str = ""

    @property
    def agents(self) -> list[str]:
        """The ids, each once, row by row."""
        return list(dict.fromkeys(self.tiles[place].agent for place in sorted(self.tiles) if self.tiles[place].agent))


@dataclass(frozen=True)
class Wanted:
    """What a person asked for. patterns: ids, paths, or ids with ``*``, ``?`` or ``[…]``: without ``@`` they mean a
    run's last agent, with it its stages (``ppo/Pong/1@*``; the last one is ``@final``). algorithms, games, runs, tags:
    the product of these, as far as it exists; of patterns, those that match them. rows: what stands under each other.
    fetch: whether agents that would have to be downloaded count."""

    patterns: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    games: tuple[str, ...] = ()
    runs: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    rows: str = AUTO
    columns: int = 0
    fetch: bool = False

    @property
    def every_stage(self) -> bool:
        """Whether an id means all its stages."""
        return self.rows == TAGS and not self.tags


def plan(wanted: Wanted) -> Plan:
    """Where everything stands. Raises ZooError: an unknown id or row, a pattern or product that nothing is."""
    if wanted.rows not in ROWS:
        raise unknown("kind of rows", wanted.rows, ROWS)
    entries = chosen(wanted)
    if len(entries) > MOST:
        raise ZooError(f"{len(entries)} agents are too many for one film: {MOST} are the most; name fewer.")
    rows = _rows_of(wanted, entries)
    if rows == NONE:
        return _in_turn(entries, wanted.columns)
    made = _arranged(entries, rows, wanted)
    empty = sum(not tile.agent for tile in made.tiles.values())
    listed = any(_listed(wanted, kind) for kind in KINDS)
    if wanted.rows == AUTO and not listed and empty > len(entries):
        return _in_turn(entries, wanted.columns)
    return made


def chosen(wanted: Wanted) -> list[Entry]:
    """The agents that are meant, in the order in which they were named. Raises ZooError."""
    known = catalogue.entries()
    _known_values(wanted, known)
    here = [entry for entry in known if entry.is_here or wanted.fetch]
    found: dict[str, Entry] = {}
    for pattern in wanted.patterns or ("*@*",):
        for entry in _matching(pattern, here, known, wanted):
            if _passes(entry, wanted, bare=not wanted.patterns):
                found.setdefault(entry.id, entry)
    if not found:
        more = "" if wanted.fetch else ", or add --fetch for what can be downloaded"
        raise ZooError(f"No agent at hand is all of this: see zoo-gui list{more}.")
    return _in_order(list(found.values()), wanted)


def _known_values(wanted: Wanted, known: Sequence[Entry]) -> None:
    """Raise ZooError with near names where nothing in the catalogue has what is asked for."""
    for name, kind in (("algorithms", "algorithm"), ("games", "game"), ("tags", "tag")):
        there = {_plain(_value(entry, kind)): _value(entry, kind) for entry in known}
        for value in getattr(wanted, name):
            if _plain(value) not in there:
                raise unknown(kind, value, sorted(filter(None, there.values())))


def _matching(pattern: str, here: Sequence[Entry], known: Sequence[Entry], wanted: Wanted) -> Iterable[Entry]:
    if not any(mark in pattern for mark in "*?["):
        entry = catalogue.find(pattern)
        if not wanted.every_stage or entry.tag:
            return [entry]
        return [one for one in here if _run_of(one) == _run_of(entry)] or [entry]
    plain = pattern.casefold()
    tagged = "@" in plain or wanted.every_stage or bool(wanted.tags)
    if tagged and "@" not in plain:
        plain += "@*"

    def matches(entry: Entry) -> bool:
        if not tagged:
            return not entry.tag and fnmatch.fnmatchcase(entry.id.casefold(), plain)
        return fnmatch.fnmatchcase(f"{_run_of(entry)}@{entry.tag or FINAL}".casefold(), plain)

    found = [entry for entry in here if matches(entry)]
    if not found:
        elsewhere = sum(map(matches, known))
        reason = f": {elsewhere} could be downloaded; add --fetch." if elsewhere else "; see zoo-gui list."
        raise ZooError(f"No agent at hand is called “{pattern}”{reason}")
    return found


def _run_of(entry: Entry) -> str:
    """What an id says without the stage."""
    return entry.id.removesuffix(f"@{entry.tag}") if entry.tag else entry.id


def _passes(entry: Entry, wanted: Wanted, bare: bool) -> bool:
    """Whether an agent is among the algorithms, games, runs and tags; of a bare product without tags only last ones."""
    if bare and not wanted.tags and entry.tag and wanted.rows != TAGS:
        return False
    return all(_plain(_value(entry, kind)) in set(map(_plain, _listed(wanted, kind)))
               for kind in KINDS if _listed(wanted, kind))  # fmt: skip


def _listed(wanted: Wanted, kind: str) -> tuple:
    """What was asked for of one of KINDS."""
    return getattr(wanted, f"{kind}s")


def _value(entry: Entry, kind: str) -> object:
    value = getattr(entry, kind)
    return value or FINAL if kind == "tag" else value


def _plain(value: object) -> str:
    """A name as names are compared."""
    return "".join(mark for mark in str(value).casefold() if mark.isalnum() or mark in ".-")


def _in_order(entries: list[Entry], wanted: Wanted) -> list[Entry]:
    """In the order of what was listed, where something was."""
    for kind in reversed(KINDS):
        if order := [_plain(value) for value in _listed(wanted, kind)]:
            entries = sorted(entries, key=lambda entry: order.index(_plain(_value(entry, kind))))
    return entries


# -- places -----------------------------------------------------------------------------------------------------------
def _rows_of(wanted: Wanted, entries: list[Entry]) -> str:
    """What stands under each other where nobody said it: what there are several of, and not the columns' algorithms."""
    if wanted.rows != AUTO:
        return wanted.rows
    listed = next((rows for rows in (TAGS, RUNS, GAMES) if len(_listed(wanted, MEMBERS[rows])) > 1), None)
    several = (rows for rows in (TAGS, GAMES, RUNS) if len({_value(entry, MEMBERS[rows]) for entry in entries}) > 1)
    return listed or next(several, NONE)


def _arranged(entries: list[Entry], rows: str, wanted: Wanted) -> Plan:
    """Rows of one kind; columns are what differs otherwise. Places that nobody takes are labelled."""
    kind = MEMBERS[rows]
    others = tuple(name for name in KINDS if name != kind)
    row_keys = _row_keys(entries, kind, wanted)
    taken: dict[tuple, dict[object, Entry]] = {}
    for entry in entries:
        key, number = tuple(_value(entry, name) for name in others), 0
        while _value(entry, kind) in taken.setdefault((*key, number), {}):
            number += 1  # another source has an agent of the same algorithm, game, run and stage
        taken[(*key, number)][_value(entry, kind)] = entry
    _add_missing(taken, others, wanted)
    vary = [name for at, name in enumerate(others) if len({key[at] for key in taken}) > 1]
    tiles = {}
    for column, (key, cells) in enumerate(taken.items()):
        for row, value in enumerate(row_keys):
            facts = dict(zip(others, key)) | {kind: value}
            tiles[row, column] = _tile(cells[value]) if value in cells else _empty(facts, _title(facts, entries))
    facts = dict(zip(others, next(iter(taken))))
    common = " · ".join(_text(name, facts[name]) for name in ("game", "run") if name in others and name not in vary)
    titles = tuple(_column_title(dict(zip(others, key)), vary, entries) for key in taken)
    return Plan(tiles, (len(row_keys), len(taken)), tuple(_text(kind, key) for key in row_keys), titles, common)


def _add_missing(taken: dict[tuple, dict], others: Sequence[str], wanted: Wanted) -> None:
    """Columns for what was listed and has no agent at all: that is an answer, too. All in the order of the lists."""
    lists = [[_plain(value) for value in _listed(wanted, name)] for name in others]
    first = next(iter(taken))
    for listed in itertools.product(*(_listed(wanted, name) or (first[at],) for at, name in enumerate(others))):
        if not any(all(not names or _plain(a) == _plain(b) for names, a, b in zip(lists, key, listed))
                   for key in taken):  # fmt: skip
            taken[(*listed, 0)] = {}
    if any(lists):
        keys = sorted(taken, key=lambda key: [names.index(_plain(a)) if names else 0 for names, a in zip(lists, key)])
        for key in keys:
            taken[key] = taken.pop(key)


def _row_keys(entries: list[Entry], kind: str, wanted: Wanted) -> list:
    """The rows' values in their order: as listed, stages as the training went, runs by number."""
    asked = _listed(wanted, kind)
    there = list(dict.fromkeys(_value(entry, kind) for entry in entries))
    if asked:
        spelled = {_plain(value): value for value in there}
        return [spelled.get(_plain(value), value) for value in asked]
    if kind == "run":
        return sorted(there)
    if kind == "tag":
        frames = {_value(entry, kind): _frames(entry) for entry in entries}
        return sorted(there, key=frames.__getitem__)
    return there


def _frames(entry: Entry) -> float:
    """Sorts stages of a training."""
    if not entry.tag or entry.tag == "initial":
        return -1.0 if entry.tag else math.inf
    return 1e300 if entry.frames is None else float(entry.frames)


def _tile(entry: Entry) -> Tile:
    title, _, words = entry.title.partition(" · ")
    return Tile(entry.id, title, words, entry.game)


def _empty(facts: Mapping[str, object], title: str) -> Tile:
    """The tile of a place that nobody takes."""
    tag = facts["tag"]
    id = f"{facts['algorithm']}/{facts['game']}/{facts['run']}" + ("" if tag == FINAL else f"@{tag}")
    try:
        status = catalogue.find(id).status
    except ZooError:
        status = ""
    why = {"": ABSENT, catalogue.READY: ABSENT, catalogue.REMOTE: f"not downloaded: zoo-gui fetch {id}"}
    named = title if tag == FINAL else f"{title} {tag}"
    return Tile("", named, f"{_text('game', facts['game'])} · {_text('run', facts['run'])}",
                why=why.get(status, status))  # fmt: skip


def _title(facts: Mapping[str, object], entries: Iterable[Entry]) -> str:
    """What the algorithm is called."""
    same = (entry for entry in entries if _plain(entry.algorithm) == _plain(facts["algorithm"]))
    entry = next(same, None)
    return entry.algorithm_title or entry.algorithm if entry else str(facts["algorithm"]).upper()


def _column_title(facts: Mapping[str, object], vary: Iterable[str], entries: Iterable[Entry]) -> str:
    """The algorithm and what else tells this column from others."""
    return " · ".join([_title(facts, entries), *(_text(name, facts[name]) for name in vary if name != "algorithm")])


def _text(kind: str, value: object) -> str:
    if kind == "game":
        try:
            return games.title(games.find(str(value)))
        except ZooError:
            return spaced(str(value))
    return f"run {value}" if kind == "run" else str(value)


def _in_turn(entries: list[Entry], columns: int) -> Plan:
    """One after the other, in a picture about as wide as a screen."""
    count = len(entries)
    columns = min(count, columns or math.ceil(math.sqrt(count * 16 / 9 / 1.05)))
    rows = -(-count // columns)
    if not columns * rows:
        raise ZooError("A grid needs an agent.")
    columns = -(-count // rows)
    return Plan({divmod(i, columns): _tile(entry) for i, entry in enumerate(entries)}, (rows, columns))
