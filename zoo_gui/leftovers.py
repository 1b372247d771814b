"""What a sitting has not saved: kept in the cache, under its process, until it is saved or a later sitting takes it. No
Qt."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import psutil

from zoo_gui import settings
from zoo_gui.types import ZooError

_TOKEN = secrets.token_hex(4)  # the numbers of processes come again, in a container at each start


def own(folder: str, suffix: str, number: int = 0) -> Path:
    """Where this process keeps its own. number: of one that is put aside, from 1."""
    more = f"-{number}" if number else ""
    return settings.cache_dir() / folder / f"{os.getpid()}-{_TOKEN}{more}{suffix}"


def left(folder: str, suffix: str) -> list[Path]:
    """What processes left that are no more, the newest first."""
    found = []
    for path in (settings.cache_dir() / folder).glob(f"*{suffix}"):
        try:
            if _is_left(path.name.removesuffix(suffix)):
                found.append((path.stat().st_mtime, path))
        except OSError:  # another sitting took it meanwhile
            continue
    return [path for _, path in sorted(found, reverse=True)]


def _is_left(name: str) -> bool:
    number, _, token = name.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return False
    if int(number) == os.getpid():
        return not token.startswith(_TOKEN)
    return not psutil.pid_exists(int(number))


def write(path: Path, text: str) -> None:
    """Wholly or not at all. Raises ZooError where that is impossible."""
    settings.writable_dir(path.parent, "folder for what is not saved")
    scratch = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with scratch.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError as error:
        raise ZooError(f"What is not saved cannot be kept in {path.parent} ({error.strerror}): save it.") from error
    finally:
        scratch.unlink(missing_ok=True)
