"""The notebook of the library runs, its page is of it, and it keeps no outputs."""

from __future__ import annotations

import re

import nbformat
import notebook_page


def test_the_notebook_runs_and_its_page_is_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_GUI_CACHE", str(tmp_path / "cache"))
    text, pictures = notebook_page.page(notebook_page.executed(str(tmp_path)))
    assert len(pictures) == 6 and (tmp_path / "patches.csv").is_file()
    written = notebook_page.PAGE.read_text(encoding="utf-8")
    plain = [re.sub(r"```text\n.*?```", "", page, flags=re.DOTALL) for page in (text, written)]  # numbers may differ
    assert plain[0] == plain[1], "run tools/notebook_page.py: docs/library.md is of another notebook"


def test_the_notebook_keeps_no_outputs():
    cells = nbformat.read(notebook_page.NOTEBOOK, as_version=4).cells
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
