"""docs/analysis.md: its code runs as it stands there."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "analysis.md"


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"block {number} of docs/analysis.md", "exec"), names)
    assert names["vis"].image.shape == (84, 84, 4) and abs(names["why"].error) < 0.05
    assert {path.name for path in tmp_path.iterdir()} == {"patches.png", "patches.csv", "why.npz"}
