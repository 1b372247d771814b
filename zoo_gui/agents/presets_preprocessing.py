"""Observation pipelines and episode rules by name, as well-known programs have them (``baselines``, ``dopamine``).

Each is a file ``resources/presets/preprocessing/NAME.toml``: the keys of a card's ``[preprocessing]``, and title,
description and url (where it is written down).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from zoo_gui.agents import tables
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec
from zoo_gui.backports import tomllib
from zoo_gui.registry import unknown
from zoo_gui.settings import resource_path

_FOLDER = ("presets", "preprocessing")


@dataclass(frozen=True)
class Preset:
    """A named pipeline. title: whose it is. description: what it does. url: where that is written down."""

    name: str
    title: str
    description: str
    url: str
    spec: PreprocessingSpec


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Every name that there is, in order."""
    return tuple(sorted(path.stem for path in resource_path(*_FOLDER).glob("*.toml")))


@lru_cache(maxsize=64)
def preset(name: str) -> Preset:
    """The preset of a name, with its description. Raises ZooError with near names."""
    if name not in names():
        raise unknown("preprocessing", name, names())
    path = resource_path(*_FOLDER, f"{name}.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    texts = {key: table.pop(key) for key in ("title", "description", "url")}
    return Preset(name, **texts, spec=tables.build(PreprocessingSpec, table, "preprocessing", path.name))


def named(name: str) -> PreprocessingSpec:
    """The pipeline and episode rules of a name. Raises ZooError with near names."""
    return preset(name).spec
