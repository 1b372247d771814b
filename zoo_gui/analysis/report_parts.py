"""What a report is put together from: figures and files as data URIs, tables of formatted numbers."""

from __future__ import annotations

import base64
import csv
import io
import math
import warnings
from typing import Any, Callable, Iterable, Mapping, Sequence

import numpy as np

from zoo_gui.analysis import export

MOST_ROWS = 5000
"""Of a CSV file in a report: more would make a page that no browser likes."""
DOTS_PER_INCH = 96


def figure(
    draw: Callable[[Any], None], alt: str, caption: str, size: tuple[float, float] | None = None, pixels: bool = False
) -> dict:
    """A drawing in a data URI, SVG, or PNG where it is mostly ``pixels``. draw: fills a matplotlib Figure. alt: what it
    shows, for those who cannot see it. size: inches, where ``draw`` does not set it."""
    import matplotlib

    file = io.BytesIO()
    # the same comparison gives the same bytes
    with matplotlib.rc_context({"svg.hashsalt": "zoo_gui", "svg.fonttype": "path"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a box in its place will do
        options = {"dpi": 2 * DOTS_PER_INCH} if pixels else {"metadata": {"Date": None}}
        inches = export.drawn(draw, file, "png" if pixels else "svg", figsize=size, **options)
    width, height = (round(DOTS_PER_INCH * length) for length in inches)
    return {"kind": "figure", "source": _uri("image/png" if pixels else "image/svg+xml", file.getvalue()), "alt": alt,
            "caption": caption, "width": width, "height": height}  # fmt: skip


def table(
    caption: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]], folded: bool = False
) -> dict:
    """A table; its numbers are formatted, its texts are left. columns: (name, kind), kind ``text``, ``hash``, ``%`` or
    "" for a number. folded: shown on a click."""
    kinds = [kind for _, kind in columns]
    return {
        "kind": "table", "caption": caption, "folded": folded,
        "columns": [{"name": name, "text": kind in ("text", "hash"), "hash": kind == "hash"} for name, kind in columns],
        "rows": [[cell(value, kind) for value, kind in zip(row, kinds)] for row in rows],
    }  # fmt: skip


def heading(text: str) -> dict:
    """A heading within a section."""
    return {"kind": "heading", "text": text}


def group(parts: Sequence[dict]) -> dict:
    """Parts that belong together; groups stand side by side where there is room."""
    return {"kind": "group", "parts": list(parts)}


def counted(count: int, name: str) -> str:
    """``1 game``, ``2 games``."""
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def section(key: str, title: str, parts: Sequence[dict], **more: Any) -> dict:
    """A section. more: texts, remarks, files; cell: the least width of a group, in CSS."""
    found = {"key": key, "title": title, "parts": list(parts), "texts": [], "remarks": [], "files": [], "cell": "28rem"}
    return found | more


def cell(value: Any, kind: str = "") -> str:
    """A number as people read it: ``1,234``, ``0.0312``, ``–`` for none."""
    if value is None or (isinstance(value, (float, np.floating)) and math.isnan(value)):
        return "–"
    if isinstance(value, str):
        return value
    if kind == "%":
        return f"{value:.1%}".replace("-", "−")
    if isinstance(value, (int, np.integer)):
        return f"{value:,}".replace("-", "−")
    size = abs(value)
    text = f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3g}"
    return text.replace("-", "−")


def file(name: str, rows: Sequence[Mapping[str, Any]]) -> list[dict]:
    """[a CSV file of these rows as a data URI], [] without rows or with more than a page can hold."""
    if not rows or len(rows) > MOST_ROWS:
        return []
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(column for row in rows for column in row)))
    writer.writeheader()
    writer.writerows({key: _unspreadsheeted(value) for key, value in row.items()} for row in rows)
    return [{"name": name, "source": _uri("text/csv", text.getvalue().encode())}]


def _unspreadsheeted(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, as text: titles and ids are anybody's."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
