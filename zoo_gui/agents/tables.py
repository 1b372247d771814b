"""TOML tables to frozen dataclasses and back: what a card's key may hold is said once, by the dataclass.

Fields may be str, int, float, bool, Mapping, tuples of these, nested dataclasses, and any of them ``| None``; ``str |
tuple[str, ...]`` is a text or a list of texts.
A field's TOML key is its name, or ``field(metadata={"key": …})`` where that is a Python keyword.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from zoo_gui.registry import near_names
from zoo_gui.types import ZooError

T = TypeVar("T")
WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Mapping: "a table"}


def rare(default: Any) -> Any:
    """A field that few cards need: it is written, and counts in ``identity``, only where it is not the default."""
    return dataclasses.field(default=default, metadata={"rare": True})


def build(cls: type[T], table: Any, name: str, source: str, what: str = "card") -> T:
    """The dataclass ``cls`` filled from ``table``, called ``[name]`` of the file ``source``, a ``what``, in errors.

    Raises ZooError for an unknown key (with near names), a missing one, or a value of another type.
    """
    if not isinstance(table, Mapping):
        raise ZooError(f"{source} is not a valid {what}: [{name}] must be a table.")
    fields = {field.metadata.get("key", field.name): field for field in dataclasses.fields(cls)}
    for key in table:
        if key not in fields:
            near = near_names(key, fields, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ZooError(f"{source} is not a valid {what}: unknown key “{key}” in {_place(name)}{hint}.")
    hints = typing.get_type_hints(cls)
    values = {}
    for key, field in fields.items():
        if key in table:
            values[field.name] = _convert(hints[field.name], table[key], f"{name}.{key}".lstrip("."), source, what)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ZooError(f"{source} is not a valid {what}: “{key}” is missing in {_place(name)}.")
    return cls(**values)


def dump(thing: Any, full: bool = False) -> dict[str, Any]:
    """The table of a dataclass without the keys that hold None, or their default unless ``full``; rare ones never."""
    table = {}
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if value is None or (value == _default(field) and not (full and "rare" not in field.metadata)):
            continue
        table[field.metadata.get("key", field.name)] = _plain(value)
    return table


def identity(thing: Any) -> Any:
    """A dataclass as plain data for a digest: every field by name, rare ones only where they differ from the default,
    so that a card keeps its digest when cards get new keys."""
    if dataclasses.is_dataclass(thing):
        values = ((field, getattr(thing, field.name)) for field in dataclasses.fields(thing))
        kept = {f.name: value for f, value in values if "rare" not in f.metadata or value != _default(f)}
        return {name: identity(value) for name, value in kept.items()}
    if isinstance(thing, (tuple, list)):
        return [identity(item) for item in thing]
    return thing


def toml(table: Mapping[str, Any], name: str = "") -> str:
    """The TOML text of a table as ``dump`` gives it: a list stays on its line, a list of tables becomes sections."""
    lines, sections = [], []
    for key, value in table.items():
        path = f"{name}.{_quoted(key)}".lstrip(".")
        if isinstance(value, Mapping):
            body = toml(value, path)
            sections.append(body if body.startswith("\n[") else f"\n[{path}]\n{body}")
        elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            sections.extend(f"\n[[{path}]]\n{toml(item, path)}" for item in value)
        else:
            lines.append(f"{_quoted(key)} = {_literal(value)}\n")
    return "".join(lines + sections)


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_quoted(key)} = {_literal(item)}' for key, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's texts and numbers are TOML's too


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _literal(key)


def _convert(kind: Any, value: Any, key: str, source: str, what: str) -> Any:
    """``value`` as the annotated type, or ZooError that names the key."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        choices = [argument for argument in arguments if argument is not type(None)]
        if len(choices) > 1:  # a text or a list: the last is the list
            choices = choices[-1:] if isinstance(value, (list, tuple)) else choices[:1]
        return _convert(choices[0], value, key, source, what)
    if dataclasses.is_dataclass(kind):
        return build(kind, value, key, source, what)
    if origin is tuple:
        length = None if arguments[-1] is Ellipsis else len(arguments)
        if not isinstance(value, (list, tuple)) or (length is not None and len(value) != length):
            count = f"{length} values" if length else "values"
            raise ZooError(f"{source} is not a valid {what}: “{key}” must be a list of {count}, not {value!r}.")
        return tuple(_convert(arguments[0], item, key, source, what) for item in value)
    kind = origin or kind
    if not _is(kind, value):
        raise ZooError(f"{source} is not a valid {what}: “{key}” must be {WORDS[kind]}, not {value!r}.")
    return float(value) if kind is float else value


def _is(kind: type, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, (int, float)) and math.isfinite(value)
    return isinstance(value, kind)


def _default(field: dataclasses.Field) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return dump(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def _place(name: str) -> str:
    return f"[{name}]" if name else "the top table"
