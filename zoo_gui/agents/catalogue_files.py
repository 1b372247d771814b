"""Cards on disk: from a path to the card that describes it, from folders to rows of the catalogue. No TensorFlow.

Reading a card takes milliseconds and there may be hundreds, so their rows are kept in ``catalogue.json`` in the cache,
each as long as the card's time and size stay what they were.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator

from zoo_gui import __version__, settings
from zoo_gui.agents.card import CARD_FILE, Card, Scores
from zoo_gui.agents.entry import FOLDER, Entry, figure
from zoo_gui.backports import file_digest
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)
THUMBNAIL_FILE = "thumbnail.png"
SIDECAR = ".card.toml"
INDEX_FILE = "catalogue.json"
INDEX_VERSION = f"{__version__}.2"
"""Of what is kept of a card: count it up when that changes."""
MAX_DEPTH = 6
MAX_CARDS = 2_000
MAX_FOLDERS = 20_000
MAX_INDEX_BYTES = 32 << 20
PATHS = ("path", "thumbnail", "weights")
SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def read_entry(path: Path, source: str = FOLDER, name: str = "", weights: Path | None = None) -> Entry:
    """The row of a card: ``name`` is the path that it was asked for by, "" for one of the catalogue; ``weights`` the
    file, where it is not the one that the card names. Raises ZooError."""
    card = Card.read(path)
    thumbnail = path.parent / THUMBNAIL_FILE
    return Entry(
        id=name or card.id, algorithm=card.algorithm, game=card.game, run=card.run, tag=card.tag, path=path,
        title=card.full_title, score=card.scores.mean, random_score=card.scores.random, human_score=card.scores.human,
        description=card.description, algorithm_title=card.algorithm_title, constant_score=card.scores.constant,
        constant_action=card.scores.constant_action, frames=card.frames, remark=remark_on(card.scores),
        thumbnail=thumbnail if thumbnail.is_file() else None, source=source, licence=card.licence,
        weights=weights or path.parent / card.weights.file, format=card.weights.format,
    )  # fmt: skip


def remark_on(scores: Scores) -> str:
    """What must be said of an agent that is no better than a player that sees nothing; "" of one that is better."""
    if scores.better_than_constant is False:
        action = scores.constant_action
        doing = f"pressing {action} all the time" if action else "the best constant action"
        doing = "doing nothing" if action == "NOOP" else doing
        return f"Not better than {doing} ({figure(scores.constant)})."
    if scores.better_than_random is False:
        return f"Not better than random play ({figure(scores.random)})."
    return ""


class Index:
    """Rows of cards that were read before. ``with Index() as index``: what is new is kept at the end.

    It holds nothing that cannot be made again, so a damaged or unwritable file is no error.
    """

    def __init__(self):
        self._path = settings.cache_dir() / INDEX_FILE
        self._rows: dict[str, list] = {}
        self._changed = False

    def __enter__(self) -> Index:
        try:
            if self._path.stat().st_size <= MAX_INDEX_BYTES:
                data = json.loads(self._path.read_text(encoding="utf-8"))
                self._rows = data["rows"] if data["version"] == INDEX_VERSION and isinstance(data["rows"], dict) else {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            log.debug("no index of cards to read at %s", self._path)
        return self

    def __exit__(self, *_exception: Any) -> None:
        if not self._changed:
            return
        scratch = self._path.with_name(f"{INDEX_FILE}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps({"version": INDEX_VERSION, "rows": self._rows}), encoding="utf-8")
            os.replace(scratch, self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                scratch.unlink()
            log.info("the index of cards cannot be kept: %s", error)

    def entry(self, path: Path, source: str) -> Entry | None:
        """The row of a card, read anew only if the file changed; None for a faulty card, with a warning in the log."""
        try:
            status = path.stat()
            thumbnail = path.parent / THUMBNAIL_FILE
            state = [status.st_mtime_ns, status.st_size, source]
            kept = self._rows.get(str(path))
            if kept and kept[0] == state:
                entry = _restored(kept[1], path)
                return replace(entry, thumbnail=thumbnail) if thumbnail.is_file() else entry
            entry = read_entry(path, source)
        except (OSError, ZooError) as error:
            log.warning("%s", error)
            return None
        except (TypeError, ValueError, KeyError, IndexError):
            log.debug("the index of cards is damaged at %s", path)
            entry = read_entry(path, source)
        self._rows[str(path)] = [state, _kept(entry)]
        self._changed = True
        return entry


def _kept(entry: Entry) -> dict[str, Any]:
    """A row as JSON holds it; the weights' name is kept relative to the card."""
    row = {key: value for key, value in entry.row().items() if value not in (None, "", ())}
    row["weights"] = entry.weights.name
    return {key: value for key, value in row.items() if key not in ("path", "thumbnail")}


def _restored(row: dict[str, Any], path: Path) -> Entry:
    fields = {"algorithm": "", "game": "", "run": 0, "tag": "", "title": "", **row, "path": path}
    return Entry(**{**fields, "weights": path.parent / row["weights"], "urls": (), "hashes": ()})


def cards_in(folder: Path) -> list[Path]:
    """The cards in a folder and those below it, in order: ``card.toml`` and ``NAME.card.toml``.

    Links are not followed; at most 6 levels, 20,000 folders and 2,000 cards are looked at.
    """
    found: list[Path] = []
    folders = 0
    for place, names, files in os.walk(folder, onerror=lambda error: log.info("%s", error)):
        depth = len(Path(place).relative_to(folder).parts)
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in SKIPPED)
        if depth >= MAX_DEPTH:
            names.clear()
        found += [Path(place, name) for name in sorted(files) if name == CARD_FILE or name.endswith(SIDECAR)]
        folders += 1
        if len(found) >= MAX_CARDS or folders >= MAX_FOLDERS:
            log.warning("%s holds over %d cards or %d folders: not all are listed.", folder, MAX_CARDS, MAX_FOLDERS)
            break
    return found[:MAX_CARDS]


def card_of(path: Path) -> tuple[Path, Path | None] | None:
    """(card, weights) of a path that exists: a card, a folder with one, or a weights file; None where it has none.

    Of a weights file the card is, in this order, NAME.card.toml beside it (NAME its full name or its stem), the
    card.toml beside it that names it, the person's own, ``cards/<sha256>.toml`` in the settings folder. weights is None
    where it is the file that the card names. Raises ZooError for a card.toml that is faulty.
    """
    if path.suffix == ".toml":
        return path, None
    if path.is_dir() and (path / CARD_FILE).is_file():
        return path / CARD_FILE, None
    path = Path(os.path.abspath(path))
    for name in dict.fromkeys((f"{path.name}{SIDECAR}", f"{path.stem}{SIDECAR}")) if path.name else ():
        if path.with_name(name).is_file():
            return path.with_name(name), path
    if path.is_dir():
        own = sorted(path.glob(f"*{SIDECAR}"))[:2]
        return (own[0], None) if len(own) == 1 else None
    beside = path.parent / CARD_FILE
    if beside.is_file() and Card.read(beside).weights.file == path.name:
        return beside, None
    return next(((card, path) for card in _own_cards(path)), None)


def own_cards_dir() -> Path:
    """Where a person's cards for files of others are kept, each named by the file's SHA-256."""
    return settings.config_path().parent / "cards"


def _own_cards(path: Path) -> Iterator[Path]:
    folder = own_cards_dir()
    try:
        if any(folder.glob("*.toml")):
            with path.open("rb") as file:
                card = folder / f"{file_digest(file, 'sha256').hexdigest()}.toml"
            if card.is_file():
                yield card
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
