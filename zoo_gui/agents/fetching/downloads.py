"""Files of published agents, fetched once and kept. No TensorFlow.

Built on ``requests``, which TensorFlow brings along and which knows proxies (HTTPS_PROXY, NO_PROXY), certificates and
redirects. Pooch neither resumes nor can be cancelled, and huggingface_hub knows its own hub only: that one is asked
what a repository holds, and for the person's token.

A file lies under ``downloads/<host>/<path>``. Beside it ``.origin.json`` says where it came from and its SHA-256;
``.part`` is a transfer that was cut or cancelled, with ``.part.json``, so that the next one resumes it (HTTP ranges,
guarded by the server's ETag); ``.lock`` lets one process fetch it at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import unquote, urlsplit

from zoo_gui import settings
from zoo_gui.agents.fetching.transfer import Transfer, Unreachable
from zoo_gui.types import Progress, ZooError

__all__ = ["MAX_BYTES", "Unreachable", "fetch", "fetch_all", "fetched_urls", "folder", "mirrored", "place", "present"]
log = logging.getLogger(__name__)
MAX_BYTES = 2 << 30
ROOM = 64 << 20
"""Bytes of the disk that a download leaves free."""
TICK = 0.05
ORIGIN, PART, LOCK = ".origin.json", ".part", ".lock"
LONGEST = 100


def folder() -> Path:
    """Where downloads are kept; not created here."""
    return settings.cache_dir() / "downloads"


def place(url: str) -> Path:
    """Where the file of an address is, or would be, kept. Nothing in an address leads out of the folder: each part of
    its path becomes one plain name, and what had to be changed or has a query is told apart by a digest."""
    parts = urlsplit(url)
    host = re.sub(r"[^a-z0-9.-]", "_", (parts.hostname or "local").lower()).lstrip(".")
    host += f"_{parts.port}" if parts.port else ""
    given = [part for part in parts.path.split("/") if part]
    names = [re.sub(r"[^A-Za-z0-9._@+=-]", "_", unquote(part)).lstrip(".")[-LONGEST:] or "_" for part in given]
    names = names or ["file"]
    if parts.query or names != given or names[-1].endswith((ORIGIN, PART, LOCK)):
        stem, dot, suffix = names[-1].partition(".")
        names[-1] = f"{stem}-{hashlib.sha256(url.encode()).hexdigest()[:10]}{dot}{suffix}"
        names[-1] += "_" if names[-1].endswith((ORIGIN, PART, LOCK)) else ""
    return folder().joinpath(host or "_", *names)


def present(urls: tuple[str, ...]) -> Path | None:
    """The first of an agent's files if all of them are on disk."""
    places = [place(url) for url in urls]
    return places[0] if places and all(path.is_file() for path in places) else None


def fetched_urls() -> set[str]:
    """The addresses whose files are on disk, by one look at the folder: ``present`` for thousands would take long."""
    found = set()
    for origin in folder().rglob(f"*{ORIGIN}") if folder().is_dir() else ():
        if origin.with_name(origin.name.removesuffix(ORIGIN)).is_file():
            found.add(str(_json(origin).get("url")))
    return found


def mirrored(url: str) -> str:
    """The address in the mirror: environment ZOO_GUI_MIRROR, else the setting zoo/mirror, an URL prefix that stands for
    the hosts. ``{host}`` in it is the host that it replaces."""
    prefix = os.environ.get("ZOO_GUI_MIRROR", "").strip() or settings.Settings().get("zoo/mirror").strip()
    if not prefix:
        return url
    if urlsplit(prefix).scheme not in ("http", "https"):
        raise ZooError(f"The mirror “{prefix}” is no address: set ZOO_GUI_MIRROR to https://host/path, or to nothing.")
    parts = urlsplit(url)
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    return prefix.replace("{host}", parts.netloc).rstrip("/") + rest


def fetch_all(urls: tuple[str, ...], hashes: tuple[str, ...] = (), *, use_mirror: bool = True) -> Iterator[Progress]:
    """Fetch an agent's files; the last Progress has the first one's path as its result. See ``fetch``."""
    known = hashes + ("",) * len(urls)
    for url, sha256 in zip(urls, known):
        for progress in fetch(url, sha256, use_mirror=use_mirror):
            if progress.result is None:
                yield progress
    size = place(urls[0]).stat().st_size
    yield Progress(size, size, place(urls[0]).name, place(urls[0]))


def fetch(url: str, sha256: str = "", *, use_mirror: bool = False) -> Iterator[Progress]:
    """Fetch one file, unless it is there; the last Progress has its path as its result.

    Progress counts bytes; total is 0 while it is unknown. Something comes at least every 0.1 s, so that closing the
    generator ends the transfer at once; its part is kept. Raises ZooError (Unreachable where the network or the server
    is the reason): no answer, refused, too large, disk full, or not the file that ``sha256`` names.
    """
    path = place(url)
    settings.writable_dir(path.parent, "downloads folder")
    with contextlib.ExitStack() as stack:
        yield from _locked(path, stack)
        if not path.is_file():
            yield from _transferred(url, sha256, path, mirrored(url) if use_mirror else url)
    size = path.stat().st_size
    yield Progress(size, size, path.name, path)


def _locked(path: Path, stack: contextlib.ExitStack) -> Iterator[Progress]:
    """Wait until no other process or thread fetches this file."""
    import filelock

    lock = filelock.FileLock(f"{path}{LOCK}", thread_local=False)
    while True:
        try:
            stack.enter_context(lock.acquire(timeout=0))
            return
        except filelock.Timeout:
            yield Progress(0, 0, f"{path.name}: another zoo_gui is fetching it")
            time.sleep(TICK)
        except OSError as error:
            raise ZooError(f"{path.parent} cannot be written ({error.strerror}): set ZOO_GUI_CACHE.") from error


def _transferred(url: str, sha256: str, path: Path, source: str) -> Iterator[Progress]:
    """Fetch into the part, check it, and put it in its place."""
    part = path.with_name(path.name + PART)
    recorded = _json(path.with_name(path.name + ORIGIN))
    transfer = Transfer(source, part, MAX_BYTES, _room)
    try:
        transfer.start()
        while transfer.running:
            yield Progress(transfer.done, transfer.total, path.name)
            transfer.wait(TICK)
    finally:
        transfer.close()
    if transfer.failure is not None:
        raise transfer.failure
    _check(transfer, sha256.lower(), recorded, url, part)
    origin = {"url": url, "from": source, "sha256": transfer.sha256, "bytes": transfer.done, "etag": transfer.etag,
              "fetched": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}  # fmt: skip
    _write_json(path.with_name(path.name + ORIGIN), origin)
    os.replace(part, path)
    transfer.forget()


def _check(transfer: Transfer, wanted: str, recorded: dict[str, Any], url: str, part: Path) -> None:
    """Raise ZooError, and drop the part, unless it is the file that the catalogue, or the first download, knows."""
    first = str(recorded.get("sha256") or "") if recorded.get("url") == url else ""
    if transfer.sha256 in (wanted or first or transfer.sha256,):
        return
    transfer.forget()
    part.unlink(missing_ok=True)
    if wanted:
        raise ZooError(
            f"{url} is not the file that the catalogue knows (its SHA-256 differs): it was changed, or damaged on the "
            "way, and is not kept."
        )
    raise ZooError(
        f"{url} has changed since it was first fetched, on {recorded.get('fetched')}: it is not kept; to accept the "
        f"new file delete {place(url)}{ORIGIN}."
    )


def _room(path: Path, wanted: int) -> None:
    """Raise ZooError where the disk has no room for so many more bytes."""
    free = shutil.disk_usage(path.parent).free
    if wanted + ROOM > free:
        raise ZooError(f"The disk is too full for {path.name.removesuffix(PART)}: {wanted / 1e6:.0f} MB are needed and "
                       f"{free / 1e6:.0f} MB free; make room, or set ZOO_GUI_CACHE to another disk.")  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    """What a small JSON file of ours holds; {} where it is missing or damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size < 1 << 16 else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _write_json(path: Path, data: dict[str, Any]) -> None:
    try:
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.write_text(json.dumps(data, indent=1), encoding="utf-8")
        os.replace(scratch, path)
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror}.") from error
