"""Which agents there are, by id: ``algorithm/Game/run`` and ``@tag``. No TensorFlow.

A run's last agent has no tag; those of earlier stages have: ``initial``, or millions of emulator frames (``1.6M``).
``run/tag`` is understood as well, and the tag ``final`` as none. ``random/<Game>`` is an id as well: a player
without a network. Agents of others have their source in front (``dopamine:dqn/Pong/1``, ``hf:sb3/…``); an address
(``https://…/agent.zip``) is an id too.
"""

from __future__ import annotations

import importlib
import logging
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Collection, Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from zoo_gui import settings
from zoo_gui.agents import catalogue_files, formats
from zoo_gui.agents.fetching import downloads, hub, sources
from zoo_gui.agents.card import ALGORITHM_TITLES, CARD_FILE
from zoo_gui.agents.catalogue_files import THUMBNAIL_FILE
from zoo_gui.agents.entry import EMBEDDED, FOLDER, READY, REMOTE, SOURCES, Entry, figure
from zoo_gui.registry import near_names, unknown
from zoo_gui.settings import resource_path
from zoo_gui.types import Progress, ZooError

__all__ = [
    "EMBEDDED", "FINAL", "FOLDER", "READY", "REMOTE", "THUMBNAIL_FILE", "Entry", "default_id", "draft_entry", "entries",
    "fetch", "fetch_files", "fetched", "figure", "find", "read_thumbnail",
]  # fmt: skip
log = logging.getLogger(__name__)
DEFAULT = "distill/Breakout/2"
RANDOM = "random"
FINAL = "final"
"""What the tag of a run's last agent, "", is called where a name is needed."""
MAX_THUMBNAIL_BYTES = 1 << 18
WEIGHTS_SUFFIXES = (
    ".bin", ".ckpt", ".cleanrl_model", ".gz", ".h5", ".hdf5", ".index", ".keras", ".meta", ".model", ".msgpack", ".npz",
    ".onnx", ".pb", ".pickle", ".pkl", ".pt", ".pth", ".ptm", ".safetensors", ".tar", ".toml", ".zip",
)  # fmt: skip
"""A name that ends so is a path, also where nothing is there."""


def draft_entry(path: Path, known: Mapping[str, Any] | None = None) -> Entry:
    """The row of a weights file (or folder) that has no card, with the card that was drafted for it.

    known: what a row of the catalogue says, {"preset", "format", "game", "algorithm", "run", "tag", "licence"}. Raises
    ZooError. Its readers are imported only now: most agents have a card.
    """
    from zoo_gui.agents import strangers

    return strangers.describe(path, known)


def entries(only: Collection[str] = SOURCES) -> list[Entry]:
    """The agents of these sources: those that ship with the program, sorted by algorithm, game and run, a run's in the
    order of its training; those in the person's folders alike; then those that others publish, by catalogue file.

    ids are unique: an id that is taken gets its source in front, or is the path. A faulty card is left out with a
    warning in the log. No network; what was read once is remembered, here and in the cache.
    """
    found = []
    with catalogue_files.Index() as index:
        if EMBEDDED in only:
            found += _sorted(index.entry(path, EMBEDDED) for path in _embedded_cards())
        if FOLDER in only:
            found += _sorted(index.entry(path, FOLDER) for path in _cards_of_person())
    if not set(only) <= {EMBEDDED, FOLDER}:
        here = downloads.fetched_urls()
        rows = (entry for entry in sources.read(_catalogue_paths()) if entry.source in only)
        found += [entry if here.isdisjoint(entry.urls) else _with_status(entry) for entry in rows]
    return _unique(found)


def _embedded_cards() -> list[Path]:
    root = resource_path("agents")
    return [path for pattern in ("*/*/*", "*/*/*/*") for path in root.glob(f"{pattern}/{CARD_FILE}")]


def _cards_of_person() -> list[Path]:
    """Cards in the folders of the setting zoo/folders."""
    folders = [Path(text).expanduser() for text in settings.Settings().get("zoo/folders")]
    return list(dict.fromkeys(card for folder in folders for card in catalogue_files.cards_in(folder)))


def _catalogue_paths() -> list[Path]:
    """The catalogue files, the program's yardsticks first, the person's own last."""
    ours = sorted(resource_path("catalogue").glob("*.toml"), key=lambda path: (path.stem != "yardsticks", path.name))
    return ours + sorted((settings.config_path().parent / "catalogue").glob("*.toml"))


def _sorted(found: Iterable[Entry | None]) -> list[Entry]:
    key = lambda entry: (entry.algorithm, entry.game, entry.run, *_stage(entry), str(entry.path))  # noqa: E731
    return sorted(filter(None, found), key=key)


def _stage(entry: Entry) -> tuple[int, float, str]:
    """Sorts the agents of one run: the untrained one, the tags by frames, the last one."""
    if entry.tag == "initial" or not entry.tag:
        return (0 if entry.tag else 2), 0.0, ""
    return 1, math.inf if entry.frames is None else entry.frames, entry.tag


def _with_status(entry: Entry) -> Entry:
    """The row as it is now: its weights may have been downloaded."""
    weights = downloads.present(entry.urls)
    return entry if weights is None else replace(entry, weights=weights, status=READY)


def _unique(found: list[Entry]) -> list[Entry]:
    """The same rows under ids of their own."""
    taken: dict[str, Entry] = {}
    for entry in found:
        first = taken.get(entry.id.casefold())
        if first is not None:
            id = str(entry.path) if entry.source == FOLDER else entry.qualified_id
            whose = "an agent of the program" if first.source == EMBEDDED else f"another agent ({first.source})"
            remark = f"{entry.remark} {entry.id} is {whose}: this one is called {id}.".strip()
            entry = replace(entry, id=id, remark=remark)
        taken.setdefault(entry.id.casefold(), entry)
    return list(taken.values())


def default_id() -> str:
    """The agent that a window without arguments opens on: it plays far above people, and Breakout needs no words."""
    return DEFAULT


def find(id_or_path: str) -> Entry:
    """The entry of an id in any letter case, of an address, or of a path: a folder with a card, the card, or a weights
    file, which gets the card that describes it (see ``catalogue_files.card_of``) or what ``draft_entry`` makes of it.

    Also ``run@tag``, and ``run/final`` or ``run@final`` for the run itself. An agent that is published elsewhere has
    its weights once they were fetched (``fetch``). No network.

    Raises ZooError: unknown id (with near names), a path without a card, or a faulty card.
    """
    text = str(id_or_path).strip()
    parts = text.strip("/").split("/")
    if len(parts) == 2 and parts[0].casefold() == RANDOM:
        return _random(parts[1])
    if text.startswith("file:"):
        text = unquote(urlsplit(text).path)
    if re.match(r"(https?|gs)://|hf:[^/]", text):
        return _described(_known_address(text))
    path = Path(text).expanduser()
    if not (text.startswith(("/", ".", "~")) or path.suffix.lower() in WEIGHTS_SUFFIXES):
        known = _known(text)
        if known is not None:
            return known if known.path else _described(known)
        if not text or not path.exists():
            raise unknown("agent", text, _similar(text))
    return _at(path, str(id_or_path))


def _similar(text: str) -> list[str]:
    """Ids that may have been meant: comparing with all of thousands would take seconds."""
    rows = entries()
    games = {game for part in text.split("/") for game in near_names(part, {entry.game for entry in rows}, 1)}
    return [entry.id for entry in rows if entry.is_here or (entry.game in games and entry.run == 1)]


def _known(text: str) -> Entry | None:
    """The row of an id: the program's own are looked at first, for that is quick."""
    id = _plain(text.strip("/"))
    ids = (id, id.removesuffix(f"/{FINAL}"))
    for group in ((EMBEDDED,), SOURCES):
        rows = entries(group)
        names = {_plain(entry.qualified_id): entry for entry in reversed(rows)}
        names |= {_plain(entry.id): entry for entry in rows}
        if found := next((names[name] for name in ids if name in names), None):
            return found if found.is_here else _with_status(found)
    names = {_plain(entry.qualified_id): entry for entry in sources.unlisted(_catalogue_paths())}
    names |= {_plain(entry.id): entry for entry in names.values()}
    return _with_status(names[id]) if id in names else None


def _plain(id: str) -> str:
    """An id in the one spelling in which ids are compared."""
    return id.casefold().replace("@", "/")


def _known_address(text: str) -> Entry:
    """The row of an address: that of the catalogue where one has it."""
    entry = sources.entry_of(text)
    rows = sources.read(_catalogue_paths())
    known = next((row for row in rows if row.id.casefold() == text.casefold() or row.urls == entry.urls), None)
    return _with_status(hub.resolved(known or entry))


def _described(entry: Entry) -> Entry:
    """A published agent's row; once its weights are here, with the card that describes them."""
    if entry.weights is None or entry.path is not None or entry.card is not None:
        return entry
    found = catalogue_files.card_of(entry.weights)
    if found is not None:
        local = catalogue_files.read_entry(found[0], weights=entry.weights)
    else:
        known = {key: getattr(entry, key) for key in ("preset", "format", "game", "algorithm", "run", "tag", "licence")}
        local = draft_entry(entry.weights, {key: value for key, value in known.items() if value})
    # What the catalogue says of score and run is about this agent; what the file says, about any of its kind.
    said = ("algorithm", "game", "algorithm_title", "licence", "description", "frames")
    kept = {key: getattr(entry, key) or getattr(local, key) for key in said}
    for key in ("score", "random_score", "human_score"):
        kept[key] = getattr(local, key) if getattr(entry, key) is None else getattr(entry, key)
    title = local.title if not entry.algorithm else entry.title
    return replace(entry, path=local.path, card=local.card, title=title, format=local.format or entry.format, **kept)


def fetch(entry: Entry) -> Iterator[Progress]:
    """Download an agent's files unless they are here; the last Progress has its Entry, weights and card set, as result.

    Raises ZooError as ``fetch_files`` does, and where the files have no card.
    """
    for progress in fetch_files(entry):
        yield progress if progress.result is None else replace(progress, result=_described(progress.result))


def fetch_files(entry: Entry) -> Iterator[Progress]:
    """Download an agent's files unless they are here; the last Progress has its Entry, with weights, as result.

    See ``downloads.fetch``. Raises ZooError; where the network is the reason, it names what is at hand instead.
    """
    if not entry.is_here:
        try:
            entry = hub.resolve(entry)
            known = entry.id not in entry.urls  # an address that a person typed is not the mirror's business
            for progress in downloads.fetch_all(entry.urls, entry.hashes, use_mirror=known):
                if progress.result is None:
                    yield replace(progress, label=entry.title)
        except downloads.Unreachable as error:
            since = f" It is known to be {entry.status}." if entry.status != REMOTE else ""
            raise downloads.Unreachable(f"{error}{since} {_instead_of(entry)}") from error
        entry = _with_status(entry)
    yield Progress(1, 1, entry.title, entry)


def fetched(id_or_path: str) -> Entry:
    """The entry of an id or path with its files on disk, downloading them if need be; waits. Raises ZooError."""
    entry = find(id_or_path)
    if entry.is_here:
        return entry
    *_, last = fetch(entry)
    return last.result


def _instead_of(entry: Entry) -> str:
    """A sentence about what is at hand instead of an agent that cannot be reached."""
    here = [row for row in entries() if row.is_here and not row.tag and row.id != entry.id]
    same_game = [row for row in here if row.game == entry.game]
    best = next((row for row in same_game if row.algorithm == entry.algorithm), None)
    best = best or max(same_game, key=lambda row: -math.inf if row.score is None else row.score, default=None)
    best = best or next((row for row in here if row.algorithm == entry.algorithm), None)
    name = best.id if best else DEFAULT
    return f"At hand is {name}."


def read_thumbnail(entry: Entry) -> bytes | None:
    """The PNG of an entry's thumbnail, not checked; None without one that can be read, or above 256 KiB."""
    try:
        if entry.thumbnail is None or entry.thumbnail.stat().st_size > MAX_THUMBNAIL_BYTES:
            return None
        return entry.thumbnail.read_bytes()
    except OSError as error:
        log.warning("The thumbnail %s cannot be read: %s.", entry.thumbnail, error.strerror)
        return None


def _at(path: Path, name: str) -> Entry:
    """The row of a path."""
    if not path.exists() and Path(f"{path}.index").is_file():
        path = Path(f"{path}.index")  # TensorFlow names a checkpoint without its suffix
    if not path.exists():
        raise ZooError(f"There is no file or folder {path}: name an agent of the catalogue, or a card's path.")
    if not (path.is_file() or path.is_dir()):
        raise ZooError(f"{path} is neither a file nor a folder.")
    found = catalogue_files.card_of(path)
    if found is not None:
        return catalogue_files.read_entry(found[0], FOLDER, name, found[1])
    if path.is_dir():
        try:
            formats.recognise(path)  # a checkpoint may be a folder
        except ZooError as error:
            raise _no_card(path) from error
    return replace(draft_entry(path), id=name)


def _no_card(path: Path) -> ZooError:
    """Why a folder is no agent."""
    inside = sorted(path.glob(f"*{catalogue_files.SIDECAR}"))
    if len(inside) > 1:
        names = ", ".join(card.name.removesuffix(catalogue_files.SIDECAR) for card in inside[:4])
        return ZooError(f"{path} holds {len(inside)} agents ({names} …): open one of them.")
    return ZooError(f"{path} has no card: put {CARD_FILE}, which describes the agent, beside its weights.")


def _random(game: str) -> Entry:
    """A player that draws its actions. The games are known to the layer above, hence the late look-up by name."""
    games = importlib.import_module("zoo_gui.play.games")
    rom = games.find(game)
    name = games.identity(rom)
    return Entry(
        id=f"{RANDOM}/{name}", algorithm=RANDOM, game=name, run=0, tag="", path=None,
        title=f"Random · {games.title(rom)}", description="Draws every action uniformly, whatever it sees.",
        algorithm_title=ALGORITHM_TITLES[RANDOM],
    )  # fmt: skip
