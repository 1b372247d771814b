"""Provenance in files: put into what is saved, and read back. No Qt; files are only looked at, never run.

| ending | where it lies |
|---|---|
| .png | a text chunk ``zoo_gui`` |
| .svg | the description in its metadata |
| .pdf | the subject in its properties |
| .csv | a first line ``# zoo_gui: …`` (``pandas.read_csv(…, comment="#")``) |
| .json | the key ``provenance`` |
| .zoo | the key ``told`` of its manifest |
| .npz | the array ``provenance``, one text |
| .html | a ``<meta name="zoo_gui">`` |
| .gif | a comment |
| .mp4 | the comment in its properties |

What is said is JSON in ASCII throughout. A file beside that holds it (``provenance.json``) counts for files without.
"""

from __future__ import annotations

import html
import io
import json
import math
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from zoo_gui.provenance import DEEPEST, text
from zoo_gui.types import ZooError

KEY = "zoo_gui"
CSV_MARK = f"# {KEY}: "
BESIDE = "provenance.json"
MAX_BYTES = 1 << 20  # of what a file says of itself
MAX_HEAD = 64 << 20  # of files that are searched as a whole
MANIFEST, MAX_MANIFEST = "manifest.json", 32 << 20  # of a session, as ``play.bundles`` has them
_PNG = b"\x89PNG\r\n\x1a\n"


def stamped(data: bytes, ending: str, told: Mapping[str, Any] | None) -> bytes:
    """A file's content with the provenance in it; as it is for endings that have no place for it, or without one.

    ending: ``.png``, ``.svg``, ``.pdf`` … of the kinds in this module that are written whole; ``.csv`` and ``.json``
    are stamped by who writes them (``CSV_MARK``; the key ``provenance``), films by ffmpeg (``ffmpeg_options``).
    """
    make = _STAMPS.get(ending.lower())
    return data if make is None or not told else make(data, text(told))


def csv_line(told: Mapping[str, Any]) -> str:
    """The first line of a table, with its end."""
    return f"{CSV_MARK}{text(told)}\r\n"


def ffmpeg_options(told: Mapping[str, Any] | None) -> list[str]:
    """Options for ffmpeg's output that put the provenance into an mp4."""
    return ["-metadata", f"comment={text(told)}"] if told else []


def read(path: str | Path) -> dict[str, Any] | None:
    """What a file says of where it comes from; None where it says nothing. Raises ZooError: it cannot be read."""
    path = Path(path)
    if path.is_dir():
        return _beside(path / BESIDE)
    try:
        with open(path, "rb") as file:
            head = file.read(16)
        found = next((read_kind(path) for test, read_kind in _READERS if test(head, path)), None)
    except OSError as error:
        raise ZooError(f"{path} cannot be read ({error.strerror}): name a file that this program saved.") from error
    except (ValueError, TypeError, KeyError, IndexError, struct.error, zlib.error, zipfile.BadZipFile, RecursionError,
            NotImplementedError, RuntimeError, EOFError, OverflowError, MemoryError) as error:  # fmt: skip
        raise ZooError(f"{path} is damaged: it cannot say where it comes from.") from error
    if found and _is_deep(found):
        raise ZooError(f"{path} is damaged: what it says of itself is nested without end.")
    return found or _beside(path.with_name(BESIDE))


def _beside(path: Path) -> dict[str, Any] | None:
    try:
        found = None if path.stat().st_size > MAX_BYTES else _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return None if found and _is_deep(found) else found


def _is_deep(found: Any) -> bool:
    """Whether lists and dictionaries are in one another deeper than can be said, or written again."""
    level = [found]
    for _ in range(DEEPEST):
        level = [one for thing in level for one in (thing.values() if isinstance(thing, dict) else thing)
                 if isinstance(one, (dict, list))]  # fmt: skip
    return bool(level)


def _parsed(said: str | bytes | None) -> dict[str, Any] | None:
    if not said or len(said) > MAX_BYTES:
        return None
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


# -- writing ----------------------------------------------------------------------------------------------------
def _png(data: bytes, said: str) -> bytes:
    """With a text chunk after the header chunk."""
    body = b"tEXt" + KEY.encode() + b"\0" + said.encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end = len(_PNG) + 25  # the header chunk has 13 bytes, and 12 around them
    return data[:end] + chunk + data[end:] if data.startswith(_PNG) else data


def _svg(data: bytes, said: str) -> bytes:
    """With a metadata element as the root's first child; what other programs put there stays."""
    element = f'<metadata id="{KEY}">{html.escape(said, quote=False)}</metadata>'.encode()
    return re.sub(rb"<svg\b[^>]*>", lambda root: root[0] + b"\n " + element, data, count=1)


def _html(data: bytes, said: str) -> bytes:
    element = f'<meta name="{KEY}" content="{html.escape(said)}">'.encode()
    return re.sub(rb"<head[^>]*>", lambda head: head[0] + b"\n" + element, data, count=1)


def _gif(data: bytes, said: str) -> bytes:
    """With a comment before the first picture."""
    if not data.startswith((b"GIF87a", b"GIF89a")) or len(data) < 13:
        return data
    at = 13 + _palette(data[10])
    content = f"{KEY}: {said}".encode("ascii")
    blocks = b"".join(bytes([len(part)]) + part for part in (content[i : i + 255] for i in range(0, len(content), 255)))
    return data[:at] + b"\x21\xfe" + blocks + b"\0" + data[at:]


_STAMPS: Mapping[str, Callable[[bytes, str], bytes]] = {
    ".png": _png, ".svg": _svg, ".html": _html, ".htm": _html, ".gif": _gif,
}  # fmt: skip


# -- reading ----------------------------------------------------------------------------------------------------
def _read_png(path: Path) -> dict[str, Any] | None:
    with open(path, "rb") as file:
        file.seek(len(_PNG))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"tEXt" and length <= MAX_BYTES:
                name, _, said = file.read(length).partition(b"\0")
                if name == KEY.encode():
                    return _parsed(said)
                file.seek(4, 1)
            else:
                file.seek(length + 4, 1)
    return None


def _searched(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_HEAD)


def _read_svg(path: Path) -> dict[str, Any] | None:
    found = re.search(rf'<metadata id="{KEY}">(.*?)</metadata>'.encode(), _searched(path), re.DOTALL)
    return _parsed(html.unescape(found[1].decode())) if found else None


def _read_html(path: Path) -> dict[str, Any] | None:
    found = re.search(rf'<meta name="{KEY}" content="([^"]*)">'.encode(), _searched(path))
    return _parsed(html.unescape(found[1].decode())) if found else None


def _read_pdf(path: Path) -> dict[str, Any] | None:
    found = re.search(rb"/Subject \(((?:\\.|[^\\)])*)\)", _searched(path), re.DOTALL)
    return _parsed(re.sub(rb"\\(.)", rb"\1", found[1])) if found else None


def _read_csv(path: Path) -> dict[str, Any] | None:
    with open(path, "rb") as file:
        first = file.readline(MAX_BYTES)
    mark = CSV_MARK.encode()
    return _parsed(first[len(mark) :]) if first.startswith(mark) else None


def _read_json(path: Path) -> dict[str, Any] | None:
    if path.stat().st_size > MAX_HEAD:
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    told = found.get("provenance") if isinstance(found, dict) else None
    if path.name == BESIDE and told is None:
        return found if isinstance(found, dict) else None
    return told if isinstance(told, dict) else None


def _read_zip(path: Path) -> dict[str, Any] | None:
    """Of an .npz, its text array; of a session, what its manifest was told."""
    with zipfile.ZipFile(path) as archive:
        there = set(archive.namelist())
        if MANIFEST in there:
            found = json.loads(_member(archive, MANIFEST, MAX_MANIFEST))
            told = found.get("told") if isinstance(found, dict) else None
            return told if isinstance(told, dict) else None
        for name in ("provenance.npy", "about.npy"):  # the second is that of rollouts, as bytes
            if name in there:
                return _parsed(_text_of_array(_member(archive, name, 4 * MAX_BYTES)))
    return None


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """A member's bytes. Raises ValueError for what is larger, or packed so that it would be unpacked all at once."""
    info = archive.getinfo(name)
    if info.file_size > largest or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is too large")
    with archive.open(info) as file:
        return file.read(largest)


def _text_of_array(data: bytes) -> str | bytes:
    """What an .npy file says whose array is a text, or bytes. Raises ValueError: its header is not believed."""
    import numpy as np

    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if header is None:
        raise ValueError("a header of an unknown version")
    shape, _, dtype = header(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError("an array of another size than it says")
    found = np.ndarray(shape, dtype, data[file.tell() :])
    return found.tobytes() if found.ndim else str(found)


def _read_gif(path: Path) -> dict[str, Any] | None:
    """Of its comments ours, block by block: in palettes and pictures there are any bytes."""
    mark = f"{KEY}: ".encode()
    for content in _gif_comments(_searched(path)):
        if content.startswith(mark):
            return _parsed(content[len(mark) :])
    return None


def _gif_comments(data: bytes) -> Iterator[bytes]:
    """As far as the file goes: one that is cut short, or goes on as no GIF does, has no more of them."""
    try:
        at = 13 + _palette(data[10])
        while data[at] in (0x21, 0x2C):  # else it is the end
            picture = data[at] == 0x2C  # with its place and flags, its palette, the length of its codes
            begins = at + 11 + _palette(data[at + 9]) if picture else at + 2
            content, after = _gif_parts(data, begins)
            if not picture and data[at + 1] == 0xFE:
                yield content
            at = after
    except IndexError:
        return


def _palette(flags: int) -> int:
    """Bytes of the palette that follows in a GIF."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_parts(data: bytes, at: int) -> tuple[bytes, int]:
    """(what is in the parts that begin at a place, each with its length before it; where the next block begins)."""
    parts = []
    while data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts), at + 1


def _read_mp4(path: Path) -> dict[str, Any] | None:
    """The comment in the properties, which the format writes as a box ``©cmt`` with a box ``data`` in it."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES)
        file.seek(0, 2)
        file.seek(max(0, file.tell() - (8 << 20)))
        data += file.read()
    at = data.find(b"\xa9cmt")
    if at < 0:
        return None
    length = struct.unpack(">I", data[at + 4 : at + 8])[0]
    return _parsed(data[at + 20 : at + 4 + length]) if data[at + 8 : at + 12] == b"data" else None


def _ends(*endings: str) -> Callable[[bytes, Path], bool]:
    return lambda head, path: path.suffix.lower() in endings


def _starts(*marks: bytes) -> Callable[[bytes, Path], bool]:
    return lambda head, path: head.startswith(marks)


_READERS: tuple[tuple[Callable[[bytes, Path], bool], Callable[[Path], dict[str, Any] | None]], ...] = (
    (_starts(_PNG), _read_png), (_starts(b"GIF8"), _read_gif), (_starts(b"%PDF"), _read_pdf),
    (_starts(b"PK\x03\x04"), _read_zip), (_starts(CSV_MARK.encode()[:16]), _read_csv),
    (lambda head, path: head[4:8] == b"ftyp", _read_mp4), (_ends(".svg"), _read_svg), (_ends(".json"), _read_json),
    (_ends(".html", ".htm"), _read_html),
)  # fmt: skip
