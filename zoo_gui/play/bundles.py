"""Sittings as files, ``.zoo``: a zip of a manifest (JSON) and plain arrays, which says how each moment was come to, so
that all is played again from the games' beginnings, bit for bit, and by which sums that is checked.

It may come from anyone: nothing in it is executed or unpickled, every size is bounded, names of members are known
beforehand. States of the emulator are not among it: ALE reads them without checks, so a foreign one is not safe.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import zipfile
import zlib
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.agents.groups import MOST, Grouping
from zoo_gui.play.cover import FILLS, Cover
from zoo_gui.play.disturbance import Disturbance
from zoo_gui.play.paths import BEGINS, ELSEWHERE, Taken, Under
from zoo_gui.play.played import Played, Recording, played_of_arrays
from zoo_gui.types import Progress, ZooError

FORMAT = 1
SUFFIX = ".zoo"
MOST_LANES, MOST_STEPS, MOST_UNDERS, MOST_GROUPINGS = 4, 250_000, 100_000, 32
LARGEST_MANIFEST, LARGEST_ARRAY, LARGEST_WEIGHTS, LARGEST_FILE = 32 << 20, 64 << 20, 512 << 20, 2 << 30
LARGEST_TOTAL = 1 << 30
"""Bytes of all members together, unpacked: many that are small enough each are a bomb too."""
MOST_UNITS = 1 << 16
"""Of a layer that is grouped."""
FARTHEST = 1_000_000
"""Number of a game, and of a step in it: a game of 30 minutes has 108,000 emulator frames."""
MOST_NUMBER = 1 << 53
"""What numbers of steps stay below, on either side of 0."""
SCREEN_EVERY = 16
"""Steps from one screen whose sum is kept to the next; RAM and decisions are checked at each."""
PLAYERS = ("agent", "random", "human")
COLUMNS = {
    "number": np.int64, "after": np.int64, "under": np.int32, "episode": np.int64, "index": np.int64,
    "action": np.int64, "watched": np.uint8, "ram": np.uint64, "screen": np.uint64,
}  # fmt: skip
TOLD = {"played": np.uint8, "played_ends": np.int64, "played_facts": np.int64}


@dataclass(frozen=True)
class LaneRecord:
    """One player's steps. facts: ``id``, ``title``, ``game``, ``rom`` (MD5), ``asked``, ``player``, ``hash``, ``card``
    (TOML, "" without a network), ``actions`` (names), ``at`` (the number of the step on screen, or None). taken:
    {number: Taken}, no step before the one that it follows. sums: {number: (RAM, screen)}, 0 where there is none.
    scores: {number: (A,) float32}, of those that have any. weights: a file's bytes, b"" where they are not
    included. groups: layers of groups that the agent had."""

    facts: Mapping[str, Any]
    taken: Mapping[int, Taken]
    sums: Mapping[int, tuple[int, int]]
    scores: Mapping[int, np.ndarray]
    weights: bytes = b""
    groups: tuple[Grouping, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """A sitting. mode, driver: as OneGame's. told: where it comes from (``provenance``). window: what the window keeps
    of it, plain data: layout, view, selection, notes, bookmarks."""

    lanes: tuple[LaneRecord, ...]
    mode: str = "own"
    driver: int = 0
    told: Mapping[str, Any] = field(default_factory=dict)
    window: Mapping[str, Any] = field(default_factory=dict)


def sum_of(data: bytes) -> int:
    """A number that tells bytes apart, never 0."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1


# -- writing --------------------------------------------------------------------------------------------------------
def write(path: Path, bundle: Bundle) -> Iterator[Progress]:
    """Write it, wholly or not at all; the last Progress has the path. Raises ZooError, also for what ``read`` would
    refuse."""
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        with open(beside, "xb") as file:  # not a temporary file of Python's, which nobody else may read
            scratch = beside
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                yield from _members(archive, bundle)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
        scratch = None
    except OSError as error:
        raise ZooError(
            f"The session cannot be saved as {path} ({error.strerror}): choose another place, or make room there. What "
            "was saved before is as it was."
        ) from error
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
    yield Progress(1, 1, "saved", path)


def _members(archive: zipfile.ZipFile, bundle: Bundle) -> Iterator[Progress]:
    facts, total = [], _Total()
    for i, lane in enumerate(bundle.lanes):
        unders, arrays = _arrays(lane)
        if len(lane.taken) > MOST_STEPS or len(unders) > MOST_UNDERS:
            raise _too_long()
        shapes = {}
        for name, array in arrays.items():
            array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
            if array.nbytes > LARGEST_ARRAY or not total.takes(array.nbytes):
                raise _too_long()
            archive.writestr(f"lanes/{i}/{name}", array.tobytes())
            shapes[name] = list(array.shape)
            yield Progress(i, len(bundle.lanes), f"saving {lane.facts['title']}")
        if lane.weights:
            if len(lane.weights) > LARGEST_WEIGHTS or not total.takes(len(lane.weights)):
                raise ZooError(f"The session cannot be saved with the weights of {lane.facts['title']}, which are too "
                               "large for it: save it without weights.")  # fmt: skip
            archive.writestr(f"lanes/{i}/weights", lane.weights, zipfile.ZIP_STORED)
            yield Progress(i, len(bundle.lanes), f"saving the weights of {lane.facts['title']}")
        groups = [_plain_group(group) for group in lane.groups]
        for j, group in enumerate(lane.groups):
            if not total.takes(4 * (group.directions.size + group.kernel.size)):
                raise _too_long()
            archive.writestr(f"lanes/{i}/groups/{j}/directions", group.directions.astype("<f4").tobytes())
            archive.writestr(f"lanes/{i}/groups/{j}/kernel", group.kernel.astype("<f4").tobytes())
        unders = [_plain_under(under) for under in unders]
        facts.append({**lane.facts, "unders": unders, "shapes": shapes, "groups": groups})
    manifest = {"format": FORMAT, "mode": bundle.mode, "driver": bundle.driver, "lanes": facts,
                "told": bundle.told, "window": bundle.window}  # fmt: skip
    told = json.dumps(manifest, ensure_ascii=False, allow_nan=False).encode()
    if len(told) > LARGEST_MANIFEST or not total.takes(len(told)):
        raise _too_long()
    archive.writestr("manifest.json", told)


class _Total:
    """Adds up what the members take unpacked."""

    def __init__(self):
        self._bytes = 0

    def takes(self, count: int) -> bool:
        """Whether so many bytes more are not too much."""
        self._bytes += count
        return self._bytes <= LARGEST_TOTAL


def _too_long() -> ZooError:
    return ZooError("The session cannot be saved: it holds more than a file of it may, and would not open again.")


def _arrays(lane: LaneRecord) -> tuple[list[Under], dict[str, np.ndarray]]:
    unders = list(dict.fromkeys(made.under for made in lane.taken.values()))
    places = {under: place for place, under in enumerate(unders)}
    rows = [
        (number, made.after, places[made.under], made.episode, made.index, made.action, made.watched,
         *lane.sums.get(number, (0, 0)))
        for number, made in lane.taken.items()
    ]  # fmt: skip
    arrays = {name: np.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(COLUMNS.items())}
    told = Recording("", tuple(made.played for made in lane.taken.values())).arrays()
    arrays |= {name: told[name] for name in TOLD}
    scores = np.full((len(rows), len(lane.facts["actions"])), np.nan, np.float32)
    for row, number in enumerate(lane.taken):
        if number in lane.scores:
            scores[row] = lane.scores[number]
    return unders, arrays | {"scores": scores}


def _plain_group(group: Grouping) -> dict[str, Any]:
    return {"name": group.name, "layer": group.layer, "there": group.there, "unit_names": list(group.unit_names),
            "shape": list(group.directions.shape)}  # fmt: skip


def _plain_under(under: Under) -> list:
    levels = {name: getattr(under.disturbance, name) for name in under.disturbance.on}
    if "parameter_noise" in levels:
        levels["parameter_layers"] = under.disturbance.parameter_layers
    edits = [[*unit, gain, offset] for unit, gain, offset in under.edits]
    cover = None if under.cover is None else [*under.cover.box, under.cover.fill]
    return [under.seed, under.controller, edits, cover, levels]


# -- reading --------------------------------------------------------------------------------------------------------
class _Damaged(Exception):
    """It is not what ``write`` writes."""


def read(path: Path) -> Bundle:
    """Read a file. Raises ZooError: it is not there, no session, damaged, or made to do harm."""
    try:
        file = open(path, "rb")  # closed below: what fails in there is another matter
    except OSError as error:
        raise ZooError(f"The session {path} cannot be read ({error.strerror}): check the path.") from error
    try:
        with file:
            if os.fstat(file.fileno()).st_size > LARGEST_FILE:
                raise _Damaged(f"it is larger than {LARGEST_FILE >> 30} GiB")
            with zipfile.ZipFile(file) as archive:
                return _read(archive)
    except (zipfile.BadZipFile, OSError) as error:
        raise ZooError(f"{path} is no saved session, or it is damaged: it is no whole zip file.") from error
    except _Damaged as error:
        raise ZooError(f"{path} is no saved session that can be opened: {error}.") from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, OverflowError, zlib.error,
            NotImplementedError, RuntimeError, EOFError) as error:  # fmt: skip
        raise ZooError(f"The session {path} is damaged where it says what was played: save it anew.") from error


def _read(archive: zipfile.ZipFile) -> Bundle:
    if "manifest.json" not in archive.namelist():
        raise _Damaged("it has no manifest")
    if sum(info.file_size for info in archive.infolist()) > LARGEST_TOTAL:  # no member gives more than it says
        raise _Damaged(f"it unpacks to more than {LARGEST_TOTAL >> 30} GiB")
    manifest = json.loads(_member(archive, "manifest.json", LARGEST_MANIFEST))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise _Damaged("its manifest is none")
    if manifest["format"] > FORMAT:
        raise _Damaged("it was saved by a newer zoo_gui, so install that")
    lanes, mode, driver = manifest["lanes"], manifest["mode"], manifest["driver"]
    if not 1 <= len(lanes) <= MOST_LANES or mode not in ("own", "shared", "replay") or not 0 <= driver < len(lanes):
        raise _Damaged(f"it has not one to {MOST_LANES} agents")
    told, window = manifest.get("told", {}), manifest.get("window", {})
    if not isinstance(told, dict) or not isinstance(window, dict):
        raise _Damaged("its manifest is none")
    if mode != "own" and len({facts["game"] for facts in lanes}) > 1:
        raise _Damaged("its agents see one game, but it names several")
    return Bundle(tuple(_lane(archive, i, facts) for i, facts in enumerate(lanes)), mode, driver, told, window)


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > largest:
        raise _Damaged(f"{name} in it is larger than {largest >> 20} MiB")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack all at once, however much
        raise _Damaged(f"{name} in it is packed as no session is")
    with archive.open(info) as member:
        data = member.read(largest + 1)
    if len(data) != info.file_size:
        raise _Damaged(f"{name} in it is not as long as it says")
    return data


def _lane(archive: zipfile.ZipFile, i: int, facts: Mapping[str, Any]) -> LaneRecord:
    _check_facts(facts)
    shapes, unders = facts["shapes"], [_under(one) for one in facts["unders"][:MOST_UNDERS]]
    arrays = {name: _array(archive, f"lanes/{i}/{name}", kind, shapes[name])
              for name, kind in {**COLUMNS, **TOLD, "scores": np.float32}.items()}  # fmt: skip
    count = len(arrays["number"])
    if count > MOST_STEPS or any(arrays[name].shape != (count,) for name in COLUMNS):
        raise _Damaged("its columns are not of one length")
    if arrays["scores"].shape != (count, len(facts["actions"])):
        raise _Damaged("its decisions are not as many as its steps")
    played = played_of_arrays(arrays, "The session") if count else []
    if len(played) != count:
        raise _Damaged("it does not say of each step what was played")
    taken = _taken(arrays, unders, played, len(facts["actions"]))
    numbers = list(taken)
    scores = {number: row for number, row in zip(numbers, arrays["scores"]) if not np.isnan(row).any() and len(row)}
    sums = dict(zip(numbers, zip(arrays["ram"].tolist(), arrays["screen"].tolist())))
    if facts["at"] is not None and facts["at"] not in taken:
        raise _Damaged("the step on screen is not among its steps")
    name = f"lanes/{i}/weights"
    weights = _member(archive, name, LARGEST_WEIGHTS) if name in archive.namelist() else b""
    kept = {key: value for key, value in facts.items() if key not in ("shapes", "unders", "groups")}
    return LaneRecord(kept, taken, sums, scores, weights, _groups(archive, i, facts.get("groups", [])))


def _taken(
    arrays: Mapping[str, np.ndarray], unders: Sequence[Under], played: Sequence[Played], actions: int
) -> dict[int, Taken]:
    taken: dict[int, Taken] = {}
    columns = [arrays[name].tolist() for name in COLUMNS]
    for place, (number, after, under, episode, index, action, watched, _, _) in enumerate(zip(*columns)):
        known = BEGINS >= after >= ELSEWHERE or after in taken
        fresh = number not in taken and not BEGINS >= number >= ELSEWHERE and abs(number) < MOST_NUMBER
        if not (known and fresh and 0 <= action < actions and under >= 0):
            raise _Damaged("its steps do not follow each other")
        if not all(0 <= one <= FARTHEST for one in (episode, index, played[place].episode)):
            raise _Damaged("its steps are of games that nobody has played so long")
        taken[number] = Taken(after, unders[under], episode, index, action, bool(watched), played[place])
    return taken


def _groups(archive: zipfile.ZipFile, i: int, told: Any) -> tuple[Grouping, ...]:
    """The layers of groups of a lane; files of older programs have none."""
    if not isinstance(told, list) or len(told) > MOST_GROUPINGS:
        raise _Damaged("its groups make no sense")
    found = []
    for j, one in enumerate(told):
        name, layer, names, shape = one["name"], one["layer"], one["unit_names"], one["shape"]
        texts = [name, layer, *names] if isinstance(names, list) else [None]
        if not (all(isinstance(text, str) and len(text) < 200 for text in texts) and len(shape) == 2
                and 1 <= shape[0] <= MOST and 1 <= shape[1] <= MOST_UNITS and len(names) <= shape[0]):  # fmt: skip
            raise _Damaged("its groups make no sense")
        directions = _array(archive, f"lanes/{i}/groups/{j}/directions", np.float32, shape)
        kernel = _array(archive, f"lanes/{i}/groups/{j}/kernel", np.float32, shape[::-1])
        found.append(Grouping(name, layer, directions, kernel, tuple(names), bool(one["there"])))
    return tuple(found)


def _array(archive: zipfile.ZipFile, name: str, kind: Any, shape: Sequence[int]) -> np.ndarray:
    kind = np.dtype(kind).newbyteorder("<")
    if not all(isinstance(size, int) and size >= 0 for size in shape) or len(shape) > 2:
        raise _Damaged(f"{name} in it has no shape")
    data = _member(archive, name, LARGEST_ARRAY)
    if len(data) != math.prod(shape) * kind.itemsize:
        raise _Damaged(f"{name} in it is not as long as its shape says")
    return np.frombuffer(data, kind).reshape(shape).astype(kind.newbyteorder("="))


_TEXTS = ("id", "title", "game", "rom", "player", "hash", "card")


def _check_facts(facts: Mapping[str, Any]) -> None:
    """Raise _Damaged where what is said of a lane is not of the kind that it must be."""
    texts = all(isinstance(facts[name], str) and len(facts[name]) < (1 << 20) for name in _TEXTS)
    actions, asked, at = facts["actions"], facts["asked"], facts["at"]
    named = 1 <= len(actions) <= 64 and all(isinstance(name, str) for name in actions)
    sound = isinstance(asked, dict) and isinstance(asked.get("game", ""), str) and set(asked) <= {"game", "sticky"}
    sticky = asked.get("sticky", 0.0) if sound else -1
    # these become names of folders and are compared: nothing but what a sum looks like
    sums = texts and all(re.fullmatch("[0-9a-f]{0,128}", facts[name]) for name in ("hash", "rom"))
    if not (texts and sums and named and isinstance(sticky, (int, float)) and 0.0 <= sticky < 1.0
            and (at is None or isinstance(at, int)) and facts["player"] in PLAYERS):  # fmt: skip
        raise _Damaged("what it says of an agent makes no sense")


def _under(told: Sequence) -> Under:
    seed, controller, edits, cover, levels = told
    if not (isinstance(seed, int) and 0 <= seed < 1 << 63 and controller in PLAYERS and len(edits) < 10_000):
        raise _Damaged("what it says of the circumstances makes no sense")
    changed = []
    for layer, index, gain, offset in edits:
        if not (isinstance(layer, str) and isinstance(index, int) and math.isfinite(gain) and math.isfinite(offset)):
            raise _Damaged("its edits make no sense")
        changed.append(((layer, index), float(gain), float(offset)))
    if cover is not None:
        *box, fill = cover
        if len(box) != 4 or not all(isinstance(number, int) for number in box) or fill not in FILLS:
            raise _Damaged("its cover makes no sense")
        cover = Cover(tuple(box), fill)
    return Under(seed, controller, tuple(changed), cover, Disturbance(**levels))
