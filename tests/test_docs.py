"""The pages: they build without a warning, so that no link or picture in them leads nowhere; and the README's too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import panel_pictures

from zoo_gui.widgets.base import PANELS

ROOT = Path(__file__).resolve().parent.parent


def test_the_pages_build_and_no_link_leads_nowhere(tmp_path):
    done = subprocess.run([sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d",
                           str(tmp_path / "trees"), str(ROOT / "docs"), str(tmp_path / "html")],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "index.html").is_file()
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")}
    assert pages <= {page.stem for page in (tmp_path / "html").glob("*.html")}


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text()
    pages = [page for page in (ROOT / "docs").glob("*.md") if page.stem != "index"]
    missing = [page.name for page in pages if f"]({page.name})" not in index]
    assert not missing, f"docs/index.md names no {', '.join(missing)}"


def test_every_panel_has_its_page_and_picture():
    """Named as it is registered: a panel's help leads there."""
    panels = {name for name, make in PANELS.items() if make.__module__.startswith("zoo_gui.")}
    assert panels == {page.stem for page in (ROOT / "docs" / "panels").glob("*.md")} - {"index"}
    assert panels == {picture.stem for picture in (ROOT / "docs" / "images" / "panels").glob("*.png")}
    for name in panels:
        text = (ROOT / "docs" / "panels" / f"{name}.md").read_text()
        assert text.startswith(f"# {PANELS[name].title}\n") and f"](../images/panels/{name}.png)" in text, name
        assert "\n## What it does not say\n" in text, name
        assert (ROOT / "docs" / "images" / "panels" / f"{name}.png").stat().st_size <= 120_000, name


def test_every_panels_picture_is_made_by_a_script():
    made = [name for scene in panel_pictures.SCENES for name in scene.panels]
    assert sorted(made) == sorted(name for name, make in PANELS.items() if make.__module__.startswith("zoo_gui."))


def test_the_readmes_links_and_pictures_are_there():
    text = (ROOT / "README.md").read_text()
    places = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r"src=\"([^\"]+)\"", text)
    missing = [place for place in places if "://" not in place and not (ROOT / place).exists()]
    assert places and not missing, missing


def test_every_picture_is_used():
    """What no page shows gets old unseen."""
    texts = "".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
    unused = [picture.name for picture in (ROOT / "docs" / "images").iterdir()
              if picture.is_file() and f"images/{picture.name}" not in texts]  # fmt: skip
    assert not unused, f"no page shows {', '.join(unused)}"
