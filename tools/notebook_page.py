#!/usr/bin/env python3
"""Run docs/examples/library.ipynb and make the page docs/library.md of it, with what comes out: ``python
tools/notebook_page.py``. The notebook itself holds no outputs.
"""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTEBOOK, PAGE, PICTURE = DOCS / "examples" / "library.ipynb", DOCS / "library.md", "library_{}.png"
BEGINNING = """<!-- made by tools/notebook_page.py from examples/library.ipynb -->
"""
PLACE = """
This page is the notebook [examples/library.ipynb](examples/library.ipynb) as it ran; the tests run it again.
"""


def executed(folder: str) -> nbformat.NotebookNode:
    """The notebook after it ran in this folder. Raises nbclient's CellExecutionError."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return notebook


def page(notebook: nbformat.NotebookNode) -> tuple[str, list[bytes]]:
    """The page's text and its pictures (PNG), which are called as the section that they are in."""
    parts, pictures = [BEGINNING], []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            parts.append(cell.source.replace("](../", "](") + "\n" + (PLACE if not number else ""))
            about = cell.source.splitlines()[0].lstrip("# ")
            continue
        parts.append(f"```python\n{cell.source}\n```\n")
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stdout":
                parts.append(f"```text\n{output.text.rstrip()}\n```\n")
            elif "image/png" in output.get("data", {}):
                parts.append(f"![{about}](images/{PICTURE.format(len(pictures))})\n")
                pictures.append(base64.b64decode(output.data["image/png"]))
    return "\n".join(parts), pictures


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        text, pictures = page(executed(folder))
    PAGE.write_text(text, encoding="utf-8")
    for number, data in enumerate(pictures):
        image = Image.open(io.BytesIO(data)).convert("RGB")
        image.quantize(128, dither=Image.Dither.NONE).save(DOCS / "images" / PICTURE.format(number), optimize=True)
    print(f"{PAGE} and {len(pictures)} pictures")


if __name__ == "__main__":
    main()
