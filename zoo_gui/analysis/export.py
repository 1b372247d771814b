"""Results as files: a figure (PNG, SVG, PDF), a table (CSV, JSON) or the numbers themselves (NPZ), by the ending.

What a file says of where it comes from (``provenance``) lies in each: in the properties of figures and pages, in the
first line of a CSV, which begins with ``#``, under the key ``provenance`` of JSON and NPZ.

A result that can be written has ``draw(figure)``, ``table()`` or ``arrays()``, or several of them. Matplotlib draws, is
imported when a figure is wanted, and needs no display.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import tempfile
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Mapping

import numpy as np

from zoo_gui.analysis import latest
from zoo_gui.provenance import plain, provenance, text
from zoo_gui.provenance_files import csv_line, stamped
from zoo_gui.types import Progress, ZooError

DPI = 150
#: ending → what a result needs for it
KINDS = {".png": "draw", ".svg": "draw", ".pdf": "draw", ".csv": "table", ".json": "table", ".npz": "arrays"}

REPORTS = {".html": "html", ".htm": "html"}
"""The same, of what few results are: a page with everything in it. Only they are asked for it."""


def write(result: Any, path: str | Path, about: Mapping[str, Any] | None = None) -> Path:
    """Write a result to ``path``, whole or not at all; a file that was there is replaced. Returns the path.

    about: what the file says of itself, None: which program made it. result: with ``draw(figure)``, which fills an
    empty matplotlib Figure and may set its size; ``table()``, a list of rows, each {column: text or number};
    ``arrays()``, {name: array}; or ``html()``, a page. Raises ZooError: an ending that means nothing, one that this
    result has nothing for, or a file that cannot be written.
    """
    path = Path(path)
    check(path, result)
    ending = path.suffix.lower()
    writer = {"draw": _figure, "table": _csv if ending == ".csv" else _json, "arrays": _npz, "html": _html}
    about = provenance(what=what_of(result)) if about is None else about
    with whole(path) as file:
        writer[(KINDS | REPORTS)[ending]](result, file, ending, about)
    return path


@contextlib.contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write bytes into, which takes the place of ``path`` at the end; where that is not reached, ``path`` is
    what it was. Raises ZooError where it cannot be written."""
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(2, "there is no such folder")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}", suffix=path.suffix.lower())
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def writable(path: str | Path) -> None:
    """Raise ZooError where a file cannot be written at ``path``: before long work begins."""
    path = Path(path)
    if path.is_dir():
        raise ZooError(f"{path} is a folder: name the file to write.")
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(2, "there is no such folder")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror}.") from error


def check(path: str | Path, result: Any = None) -> None:
    """Raise ZooError where a path's ending means nothing, ``result`` has nothing for it, or no file can be written:
    before long work begins."""
    ending = Path(path).suffix.lower()
    kinds = KINDS | (REPORTS if hasattr(result, "html") else {})
    if ending not in kinds:
        *most, last = kinds
        raise ZooError(f"“{path}” must end in {', '.join(most)} or {last}: that says what to write.")
    if result is not None and not hasattr(result, kinds[ending]):
        fitting = [known for known, need in kinds.items() if hasattr(result, need)]
        raise ZooError(f"This result cannot be written as {ending}: choose {', '.join(fitting)}.")
    writable(path)


def what_of(result: Any) -> str:
    """What a result is, in a few words."""
    return str(getattr(result, "caption", "") or getattr(result, "sentence", "") or type(result).__name__)[:500]


def written(
    make: Callable[[], Iterator[Progress]], path: str | Path, about: Mapping[str, Any] | None = None
) -> Iterator[Progress]:
    """An analysis whose last result is also written to ``path``. Raises ZooError, before it begins for a bad path."""
    if Path(path).suffix.lower() in REPORTS:  # whether the result is one shows at its end
        writable(path)
    else:
        check(path)
    result = progress = None
    for progress in make():
        result = latest(result, progress)
        yield progress
    if result is not None:
        write(result, path, about)
        yield Progress(progress.total, progress.total, f"saved {path}", result)


def drawn(draw: Callable[[Any], None], file: IO[bytes], ending: str, **options: Any) -> tuple[float, float]:
    """Have a figure drawn and saved; its size in inches. draw: fills an empty matplotlib Figure. ending: ``png``,
    ``svg``, ``pdf``. options: ``figsize``, and of ``savefig``.

    Dollar signs are dollar signs: titles are anybody's texts, and what is no mathematics cannot be read as such.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    with matplotlib.rc_context({"text.parse_math": False}):
        figure = Figure(figsize=options.pop("figsize", None), layout="constrained")
        draw(figure)
        for text in figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_wrap()):
            text.set_parse_math(True)  # where lines are broken Matplotlib asks for mathematics in any case
            text.set_text(text.get_text().replace("$", r"\$"))
        figure.savefig(file, format=ending, **options)
    return tuple(figure.get_size_inches())


def _figure(result: Any, file: IO[bytes], ending: str, about: Mapping[str, Any]) -> None:
    content = io.BytesIO()
    options = {"metadata": {"Subject": text(about)}} if ending == ".pdf" else {}
    drawn(result.draw, content, ending[1:], dpi=DPI, **options)
    file.write(stamped(content.getvalue(), ending, about))


def _html(result: Any, file: IO[bytes], ending: str, about: Mapping[str, Any]) -> None:
    file.write(stamped(result.html().encode(), ending, about))


def _csv(result: Any, file: IO[bytes], ending: str, about: Mapping[str, Any]) -> None:
    file.write(table_csv(result.table(), about).encode())


def table_csv(rows: list[dict[str, Any]], about: Mapping[str, Any]) -> str:
    """Rows as CSV. The first line says where they come from; ``pandas.read_csv(path, comment="#")`` reads past it."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    # A sign that begins comments is safe in quotes only.
    marked = any("#" in str(value) for row in rows for value in row.values())
    content = io.StringIO(newline="")
    content.write(csv_line(about))
    writer = csv.DictWriter(content, columns, quoting=csv.QUOTE_NONNUMERIC if marked else csv.QUOTE_MINIMAL)
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()


def _json(result: Any, file: IO[bytes], ending: str, about: Mapping[str, Any]) -> None:
    # JSON has no number that is none: readers other than Python's refuse NaN
    rows = [{name: _there(value) for name, value in row.items()} for row in result.table()]
    told = {"provenance": plain(about), "rows": rows}
    file.write(json.dumps(told, ensure_ascii=False, indent=1, default=_plain).encode())


def _there(value: Any) -> Any:
    return None if isinstance(value, (float, np.floating)) and np.isnan(value) else value


def _plain(value: Any) -> Any:
    """NumPy's numbers as JSON has them."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _npz(result: Any, file: IO[bytes], ending: str, about: Mapping[str, Any]) -> None:
    np.savez_compressed(file, provenance=np.array(text(about)), **result.arrays())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
