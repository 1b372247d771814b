"""Sittings as files, ``.zoo``: a zip of a manifest (JSON) and plain arrays, which says how each moment was come to, so
that all is played again from the games' beginnings, bit for bit, and by which sums that is checked.

It may come from anyone: nothing in it is executed or unpickled, every size is bounded, names of members are known
beforehand. States of the emulator are not among it: ALE reads them without checks, so a foreign one is not safe.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
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
from zoo_gui.play.played import Recording, played_of_arrays
from zoo_gui.types import Progress, ZooError

FORMAT = 1
SUFFIX = ".zoo"
MOST_LANES, MOST_STEPS, MOST_UNDERS, MOST_GROUPINGS = 4, 250_000, 100_000, 32
LARGEST_MANIFEST, LARGEST_ARRAY, LARGEST_WEIGHTS, LARGEST_FILE = 32 << 20, 64 << 20, 512 << 20, 2 << 30
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

    @property
    def steps(self) -> int:
        """Of all lanes."""
        return sum(len(lane.taken) for lane in self.lanes)


def sum_of(data: bytes) -> int:
    """A number that tells bytes apart, never 0."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") or 1


# -- writing --------------------------------------------------------------------------------------------------------
def write(path: Path, bundle: Bundle) -> Iterator[Progress]:
    """Write it, wholly or not at all; the last Progress has the path. Raises ZooError."""
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            scratch = file.name
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
            Path(scratch).unlink(missing_ok=True)
    yield Progress(1, 1, "saved", path)


def _members(archive: zipfile.ZipFile, bundle: Bundle) -> Iterator[Progress]:
    facts = []
    for i, lane in enumerate(bundle.lanes):
        unders, arrays = _arrays(lane)
        shapes = {}
        for name, array in arrays.items():
            array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
            archive.writestr(f"lanes/{i}/{name}", array.tobytes())
            shapes[name] = list(array.shape)
            yield Progress(i, len(bundle.lanes), f"saving {lane.facts['title']}")
        if lane.weights:
            archive.writestr(f"lanes/{i}/weights", lane.weights, zipfile.ZIP_STORED)
            yield Progress(i, len(bundle.lanes), f"saving the weights of {lane.facts['title']}")
        groups = [_plain_group(group) for group in lane.groups]
        for j, group in enumerate(lane.groups):
            archive.writestr(f"lanes/{i}/groups/{j}/directions", group.directions.astype("<f4").tobytes())
            archive.writestr(f"lanes/{i}/groups/{j}/kernel", group.kernel.astype("<f4").tobytes())
        unders = [_plain_under(under) for under in unders]
        facts.append({**lane.facts, "unders": unders, "shapes": shapes, "groups": groups})
    manifest = {"format": FORMAT, "mode": bundle.mode, "driver": bundle.driver, "lanes": facts,
                "told": bundle.told, "window": bundle.window}  # fmt: skip
    archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, allow_nan=False))


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
    return Bundle(tuple(_lane(archive, i, facts) for i, facts in enumerate(lanes)), mode, driver, told, window)


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    info = archive.getinfo(name)
    if info.file_size > largest:
        raise _Damaged(f"{name} in it is larger than {largest >> 20} MiB")
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
    taken: dict[int, Taken] = {}
    columns = [arrays[name].tolist() for name in COLUMNS]
    for place, (number, after, under, episode, index, action, watched, _, _) in enumerate(zip(*columns)):
        known = BEGINS >= after >= ELSEWHERE or after in taken
        if number in taken or not known or not 0 <= action < len(facts["actions"]) or min(episode, index, under) < 0:
            raise _Damaged("its steps do not follow each other")
        taken[number] = Taken(after, unders[under], episode, index, action, bool(watched), played[place])
    numbers = list(taken)
    scores = {number: row for number, row in zip(numbers, arrays["scores"]) if not np.isnan(row).any() and len(row)}
    sums = dict(zip(numbers, zip(arrays["ram"].tolist(), arrays["screen"].tolist())))
    if facts["at"] is not None and facts["at"] not in taken:
        raise _Damaged("the step on screen is not among its steps")
    name = f"lanes/{i}/weights"
    weights = _member(archive, name, LARGEST_WEIGHTS) if name in archive.namelist() else b""
    kept = {key: value for key, value in facts.items() if key not in ("shapes", "unders", "groups")}
    return LaneRecord(kept, taken, sums, scores, weights, _groups(archive, i, facts.get("groups", [])))


def _groups(archive: zipfile.ZipFile, i: int, told: Any) -> tuple[Grouping, ...]:
    """The layers of groups of a lane; files of older programs have none."""
    if not isinstance(told, list) or len(told) > MOST_GROUPINGS:
        raise _Damaged("its groups make no sense")
    found = []
    for j, one in enumerate(told):
        name, layer, names, shape = one["name"], one["layer"], one["unit_names"], one["shape"]
        texts = [name, layer, *names] if isinstance(names, list) else [None]
        if not (all(isinstance(text, str) and len(text) < 200 for text in texts) and len(shape) == 2
                and 1 <= shape[0] <= MOST and len(names) <= shape[0]):  # fmt: skip
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
    if not (texts and named and isinstance(sticky, (int, float)) and 0.0 <= sticky < 1.0
            and (at is None or isinstance(at, int)) and facts["player"] in PLAYERS):  # fmt: skip
        raise _Damaged("what it says of an agent makes no sense")


def _under(told: Sequence) -> Under:
    seed, controller, edits, cover, levels = told
    if not (isinstance(seed, int) and seed >= 0 and controller in PLAYERS and len(edits) < 10_000):
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


def name_for(path: Path) -> Path:
    """The path with the suffix of sessions."""
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
