"""Where agents of other people are published: catalogue files and addresses. No network, no TensorFlow.

A catalogue file is TOML: ``[[agents]]`` tables, see Rows, whose lists are expanded (one table gives the 1,200 rows of a
publication by rule), ``[yardsticks.Game]`` with random and human scores, and defaults for all tables at the top.
"""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

from zoo_gui.agents import tables
from zoo_gui.agents.card import ALGORITHM_TITLES
from zoo_gui.agents.entry import HUGGINGFACE, REMOTE, SOURCES, URL, Entry, spaced
from zoo_gui.backports import tomllib
from zoo_gui.types import ZooError

log = logging.getLogger(__name__)
FORMAT = 1
MAX_BYTES = 1 << 20
MAX_ROWS = 20_000
HUB = "https://huggingface.co"
HUB_SCHEME = "hf"
_ID = re.compile(r"([a-z0-9][a-z0-9_-]*:)?[A-Za-z0-9][\w.+-]*(/[A-Za-z0-9][\w.+-]*)+")
_SHA256 = re.compile(r"([0-9a-f]{64})?")
_ENVIRONMENT = re.compile(r"([A-Z][A-Za-z0-9]*?)(?:NoFrameskip|Deterministic)?-v\d+")


@dataclass(frozen=True)
class Rows:
    """An ``[[agents]]`` table. Each list among algorithm, game, run and tag multiplies the rows; ``{algorithm}``,
    ``{game}``, ``{run}`` and ``{tag}`` in id, urls and preset are replaced. The other keys are those of Entry.

    other_tags: tags that can be asked for and are not listed. scores: {"algorithm/Game": score}. unreachable: why the
    files cannot be had any more, a few words.
    """

    id: str
    algorithm: str | tuple[str, ...]
    game: str | tuple[str, ...]
    urls: str | tuple[str, ...]
    run: int | tuple[int, ...] = 1
    tag: str | tuple[str, ...] = ""
    other_tags: tuple[str, ...] = ()
    source: str = URL
    title: str = ""
    description: str = ""
    licence: str = ""
    format: str = ""
    preset: str = ""
    sha256: str | tuple[str, ...] = ""
    size: int | None = None
    frames: int | None = None
    score: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    unreachable: str = ""


@dataclass(frozen=True)
class CatalogueFile:
    """What a file holds. yardsticks: {game: {"random", "human"}}; listed, unlisted: rows."""

    yardsticks: Mapping[str, Mapping[str, float]]
    listed: tuple[Entry, ...]
    unlisted: tuple[Rows, ...] = ()


_read: dict[tuple, CatalogueFile] = {}


def read(paths: Iterable[Path]) -> list[Entry]:
    """The rows of catalogue files, in their order; a faulty file is left out with a warning in the log.

    A file is read again only when it changed.
    """
    found = []
    yardsticks: dict[str, Mapping[str, float]] = {}
    for path in paths:
        try:
            file = _cached(path, yardsticks)
        except ZooError as error:
            log.warning("%s", error)
            continue
        yardsticks.update(file.yardsticks)
        found.extend(file.listed)
    return found


def unlisted(paths: Iterable[Path]) -> list[Entry]:
    """The rows that can be asked for and are not listed: earlier stages of the zoo's runs. Reads what ``read`` did."""
    wanted = set(map(str, paths))
    rows = [rows for key, file in _read.items() if key[0] in wanted for rows in file.unlisted]
    return [entry for table in rows for entry in _expanded(table, {}, table.other_tags)]


def _cached(path: Path, yardsticks: Mapping[str, Mapping[str, float]]) -> CatalogueFile:
    try:
        status = path.stat()
    except OSError as error:
        raise ZooError(f"The catalogue {path} cannot be read: {error.strerror}.") from error
    key = (str(path), status.st_mtime_ns, status.st_size, len(yardsticks))
    if key not in _read:
        for old in [old for old in _read if old[0] == key[0]]:
            del _read[old]
        _read[key] = parse(path, yardsticks)
    return _read[key]


def parse(path: Path, yardsticks: Mapping[str, Mapping[str, float]] = {}) -> CatalogueFile:
    """Read and check one catalogue file. Raises ZooError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ZooError(f"The catalogue {path} is larger than {MAX_BYTES >> 20} MiB: split it.")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ZooError(f"The catalogue {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if table.pop("format", None) != FORMAT:
        raise ZooError(f"The catalogue {path} must say format = {FORMAT}, which is what this program reads.")
    own, listed = _yardsticks(table.pop("yardsticks", {}), path), table.pop("agents", [])
    if not isinstance(listed, list):
        raise ZooError(f"The catalogue {path} is not valid: “agents” must be a list of tables, [[agents]].")
    known = {**yardsticks, **own}
    rows = [_checked(table, item, path) for item in listed]
    found = tuple(itertools.chain.from_iterable(_expanded(item, known, _listed(item.tag)) for item in rows))
    if len(found) > MAX_ROWS:
        raise ZooError(f"The catalogue {path} has {len(found)} rows, where {MAX_ROWS} is the limit.")
    return CatalogueFile(own, found, tuple(item for item in rows if item.other_tags))


def _yardsticks(table: Any, path: Path) -> dict[str, Mapping[str, float]]:
    def sound(scores: Any) -> bool:
        return isinstance(scores, Mapping) and all(
            key in ("random", "human") and isinstance(value, (int, float)) for key, value in scores.items()
        )

    if not isinstance(table, Mapping) or not all(map(sound, table.values())):
        raise ZooError(f"The catalogue {path} is not valid: [yardsticks.Game] holds numbers, random and human.")
    return dict(table)


def _checked(defaults: Mapping[str, Any], item: Any, path: Path) -> Rows:
    """One table of a file, whatever its lists. Raises ZooError."""
    try:
        rows = tables.build(Rows, {**defaults, **item} if isinstance(item, Mapping) else item, "agents", f"“{path}”")
    except ZooError as error:
        raise ZooError(str(error).replace("is not a valid card", "is not a valid catalogue", 1)) from error
    count = 1
    for values in (rows.algorithm, rows.game, rows.run, (*_listed(rows.tag), *rows.other_tags)):
        count *= len(_listed(values))
    faults = {
        f"it describes {count} agents at once, where {MAX_ROWS} is the limit": count > MAX_ROWS,
        f"source “{rows.source}” is none of {', '.join(SOURCES)}": rows.source not in SOURCES,
        "it names no urls": not rows.urls,
        "sha256 must be 64 hexadecimal digits": not all(map(_SHA256.fullmatch, _listed(rows.sha256))),
    }
    fault = next((text for text, wrong in faults.items() if wrong), None)
    if fault is None:
        fault = next(filter(None, (_id_fault(rows), *map(_url_fault, _listed(rows.urls)))), None)
    if fault:
        raise ZooError(f"“{path}” is not a valid catalogue: agents “{rows.id}”: {fault}.")
    return rows


def _id_fault(rows: Rows) -> str | None:
    for values in itertools.product(*(_listed(v)[:1] for v in (rows.algorithm, rows.game, rows.run, rows.tag))):
        id = _filled(rows.id, *values)
        if not _ID.fullmatch(id):
            return f"the id “{id}” is not algorithm/Game/run"
    return None


def _url_fault(url: str) -> str | None:
    parts = urlsplit(url)
    return None if parts.scheme in ("https", "http") and parts.hostname else f"“{url}” is not an https address"


def _listed(value: Any) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _filled(template: str, algorithm: str, game: str, run: int, tag: str) -> str:
    """The template for one agent; a ``/{tag}`` without a tag goes away. Not str.format, which looks into objects."""
    for name, value in (("algorithm", algorithm), ("game", game), ("run", str(run)), ("tag", tag)):
        template = template.replace(f"{{{name}}}", value)
    return template.rstrip("/")


def _expanded(rows: Rows, yardsticks: Mapping[str, Mapping[str, float]], tags: Iterable[str]) -> list[Entry]:
    """The rows of a table, for these tags."""
    urls, found = _listed(rows.urls), []
    common = dict(path=None, source=rows.source, licence=rows.licence, format=rows.format, size=rows.size,
                  frames=rows.frames, description=rows.description, hashes=_listed(rows.sha256),
                  status=rows.unreachable or REMOTE)  # fmt: skip
    for algorithm, game, tag in itertools.product(_listed(rows.algorithm), _listed(rows.game), tags):
        title, name = ALGORITHM_TITLES.get(algorithm, algorithm.upper()), spaced(game)
        score, known = rows.scores.get(f"{algorithm}/{game}", rows.score), yardsticks.get(game, {})
        stage = f"{title} {tag}".strip()
        for run in _listed(rows.run):
            found.append(Entry(
                id=_filled(rows.id, algorithm, game, run, tag), algorithm=algorithm, game=game, run=run, tag=tag,
                title=rows.title or f"{stage} · {name} · run {run}", algorithm_title=title, score=score,
                random_score=known.get("random"), human_score=known.get("human"),
                preset=_filled(rows.preset, algorithm, game, run, tag),
                urls=tuple(_filled(url, algorithm, game, run, tag or "final") for url in urls), **common,
            ))  # fmt: skip
    return found


def is_address(text: str) -> bool:
    """Whether a text names a file by address: http(s), gs, or hf (``hf:owner/repository`` or with a file)."""
    return re.match(r"(https?|gs)://|hf:[^/]", text) is not None


def entry_of(address: str) -> Entry:
    """The row of an address that no catalogue holds. Raises ZooError for one that names no file.

    Pages of GitHub, of Hugging Face and of Google's storage are understood as the files that they show.
    """
    text = address.strip()
    if text.startswith(f"{HUB_SCHEME}:"):
        return _of_hub(text.removeprefix(f"{HUB_SCHEME}:"))
    parts = urlsplit(text)
    path = [unquote(part) for part in parts.path.split("/") if part]
    if parts.hostname in ("huggingface.co", "hf.co") and len(path) >= 2 and path[0] not in ("datasets", "spaces"):
        if len(path) == 2 or path[2] == "tree":
            return _of_hub("/".join(path[:2]))
        if path[2] in ("blob", "raw", "resolve"):
            return _of_address(f"{HUB}/{'/'.join(map(quote, (*path[:2], 'resolve', *path[3:])))}", HUGGINGFACE)
    return _of_address(direct(text), URL)


def direct(address: str) -> str:
    """The address of the file itself. Raises ZooError for what is no address of a file."""
    parts = urlsplit(address)
    if parts.scheme == "gs":
        return f"https://storage.googleapis.com/{parts.netloc}{parts.path}"
    if parts.hostname == "storage.cloud.google.com":
        return f"https://storage.googleapis.com{parts.path}"
    path = parts.path.strip("/").split("/")
    if parts.hostname == "github.com" and len(path) > 4 and path[2] in ("blob", "raw"):
        return f"https://raw.githubusercontent.com/{'/'.join((*path[:2], *path[3:]))}"
    if not parts.hostname or not path[-1]:
        raise ZooError(f"“{address[:200]}” names no file: give the address of a weights file, https://…/agent.zip.")
    if parts.username or parts.password:
        raise ZooError("An address with a password in it is refused: it would be kept in the list of recent agents.")
    return address


def hub_file(repository: str) -> str:
    """The weights' name in a repository of the two well-known organisations, "" elsewhere: there it must be looked up.

    sb3/ALGORITHM-ENVIRONMENT holds ALGORITHM-ENVIRONMENT.zip, cleanrl/ENVIRONMENT-NAME-seedN holds NAME.cleanrl_model.
    """
    owner, _, name = repository.partition("/")
    if owner == "sb3":
        return f"{name}.zip"
    found = re.fullmatch(r"[A-Za-z0-9]+-v\d+-(\w+)-seed\d+", name)
    return f"{found[1]}.cleanrl_model" if owner == "cleanrl" and found else ""


def _of_hub(name: str) -> Entry:
    """The row of ``owner/repository`` or ``owner/repository/file``."""
    parts = name.strip("/").split("/")
    if len(parts) < 2 or not all(re.fullmatch(r"[\w.-]+", part) and part not in (".", "..") for part in parts[:2]):
        raise ZooError(f"“hf:{name[:200]}” is no repository: write hf:owner/name, as in hf:sb3/ppo-PongNoFrameskip-v4.")
    repository, file = "/".join(parts[:2]), "/".join(parts[2:]) or hub_file("/".join(parts[:2]))
    url = f"{HUB}/{repository}/resolve/main/{quote(file)}" if file else f"{HUB_SCHEME}:{repository}"
    return _of_address(url, HUGGINGFACE, f"{HUB_SCHEME}:{name.strip('/')}", parts[1])


def _of_address(url: str, source: str, id: str = "", name: str = "") -> Entry:
    name = name or unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    game = _ENVIRONMENT.search(name)
    return Entry(
        id=id or url, algorithm="", game=game[1] if game else "", run=0, tag="", path=None, title=name[:120],
        source=source, status=REMOTE, urls=(url,), hashes=("",),
    )  # fmt: skip
