"""Presets: what the agents of well-known repositories and frameworks have in common, as data (resources/presets).

A preset recognises a file by its format, the names and shapes of its arrays, what it says of itself and its path, and
then settles what arrays cannot say. docs/cards.md describes the files.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo_gui.agents.formats import Checkpoint
from zoo_gui.backports import tomllib
from zoo_gui.registry import unknown
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError

SURE = 0.99
"""Of a preset that a person chose."""
MATCH_KEYS = frozenset({"format", "arrays", "absent", "shapes", "facts", "path", "likely_path"})
WHEN_KEYS = frozenset({"game", "outputs", "environment", "path", "arrays", "absent", "facts", "format"})


@dataclass(frozen=True)
class Preset:
    """One preset.

    name: of its file. match: conditions, all of which must hold; likely_path only makes it surer. sure: how sure it is
    where it matches, 0–1. tables: what it settles: top keys (algorithm, game, credit, licence, url), network,
    preprocessing, actions, confidence {key: 0–1}. when: further tables under further conditions, later ones over
    earlier ones. refuse: why agents of this kind cannot be run, if so. remark: what a card cannot say of them.
    """

    name: str
    title: str
    url: str = ""
    match: Mapping[str, Any] = field(default_factory=dict)
    sure: float = 0.9
    tables: Mapping[str, Any] = field(default_factory=dict)
    when: tuple[Mapping[str, Any], ...] = ()
    refuse: str = ""
    remark: str = ""

    def settled(self, checkpoint: Checkpoint, path: Path, **known: Any) -> dict[str, Any]:
        """The tables for one file. known: game, outputs, environment ("NoFrameskip-v4"), None where not known."""
        tables = {key: dict(value) if isinstance(value, Mapping) else value for key, value in self.tables.items()}
        for case in self.when:
            if _holds(case.get("if", {}), checkpoint, path) and _known_holds(case.get("if", {}), known):
                _merge(tables, {key: value for key, value in case.items() if key != "if"})
        return tables


@functools.lru_cache(maxsize=1)
def presets() -> tuple[Preset, ...]:
    """Every preset that comes with the program, by name. Raises ZooError for a faulty file."""
    return tuple(_read(path) for path in sorted(resource_path("presets").glob("*.toml")))


def chosen(name: str, found: list[tuple[Preset, float]]) -> list[tuple[Preset, float]]:
    """The preset of that name; or of a family (``sb3``, ``cleanrl``) those of ``found``, what ``matches`` gave.

    Raises ZooError with near names.
    """
    exact = [(preset, SURE) for preset in presets() if preset.name == name]
    if exact:
        return exact
    family = [(preset, sure) for preset, sure in found if preset.name.startswith(f"{name}-")]
    if not any(preset.name.startswith(f"{name}-") for preset in presets()):
        raise unknown("preset", name, [preset.name for preset in presets()])
    return family or found


def matches(checkpoint: Checkpoint, path: Path) -> list[tuple[Preset, float]]:
    """The presets that recognise a file, with how sure each is, the surest first."""
    found = []
    for preset in presets():
        if preset.match and _holds(preset.match, checkpoint, path):
            likely = preset.match.get("likely_path", "")
            here = bool(likely) and re.search(likely, _posix(path), re.IGNORECASE) is not None
            found.append((preset, min(SURE, preset.sure + (1.0 - preset.sure) * 0.7) if here else preset.sure))
    return sorted(found, key=lambda pair: -pair[1])


def _read(path: Path) -> Preset:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {"title", "url", "sure", "refuse", "remark", "match", "when"}
        own = {key: table[key] for key in keys & set(table)}
        preset = Preset(path.stem, tables={key: value for key, value in table.items() if key not in keys},
                        **{**own, "when": tuple(own.get("when", ()))})  # fmt: skip
        conditions = {key for case in preset.when for key in case.get("if", {})}
        unknown_keys = set(preset.match) - MATCH_KEYS | conditions - WHEN_KEYS
        if unknown_keys:
            raise TypeError(f"unknown condition {min(unknown_keys)}")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise ZooError(f"The preset {path} cannot be used: {error}.") from error
    return preset


def _merge(tables: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping):
            tables[key] = {**tables.get(key, {}), **value}
        else:
            tables[key] = value


def _posix(path: Path) -> str:
    return "/".join(path.absolute().parts[-6:])


def _holds(match: Mapping[str, Any], checkpoint: Checkpoint, path: Path) -> bool:
    """Whether every condition on the file itself holds."""
    names = list(checkpoint.arrays)
    formats = _list(match.get("format"))
    if formats and checkpoint.format not in formats:
        return False
    if any(not any(re.search(pattern, name) for name in names) for pattern in _list(match.get("arrays"))):
        return False
    if any(re.search(pattern, name) for pattern in _list(match.get("absent")) for name in names):
        return False
    for pattern, shape in match.get("shapes", {}).items():
        if not any(re.search(pattern, name) and _shape(checkpoint.arrays[name].shape, shape) for name in names):
            return False
    for key, pattern in match.get("facts", {}).items():
        if not re.search(pattern, _fact(checkpoint.facts, key)):
            return False
    where = match.get("path", "")
    return not where or re.search(where, _posix(path), re.IGNORECASE) is not None


def _known_holds(conditions: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    games, outputs, environment = (conditions.get(key) for key in ("game", "outputs", "environment"))
    if games is not None and known.get("game") not in _list(games):
        return False
    if outputs is not None and known.get("outputs") not in _list(outputs):
        return False
    return environment is None or re.search(environment, known.get("environment") or "") is not None


def _shape(shape: tuple[int, ...], wanted: list[int]) -> bool:
    """Whether a shape is the one wanted, 0 standing for any number."""
    return len(shape) == len(wanted) and all(want in (0, have) for want, have in zip(wanted, shape))


def _fact(facts: Mapping[str, Any], key: str) -> str:
    """A fact as text, "" where the file has none; ``modules.class`` reads into tables."""
    value: Any = facts
    for part in key.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return str(value)[:4000]


def _list(value: Any) -> list:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]
