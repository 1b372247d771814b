"""docs/representations.md: its code runs as it stands there."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "representations.md"


def test_the_page_runs():
    names: dict = {}
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    exec(compile(block, "the code of docs/representations.md", "exec"), names)
    alike, matched, unit = names["alike"], names["matched"], names["Unit"]("conv2", 3)
    assert alike.complete and alike.values[0, 0] > alike.chance_95[0, 0]
    there = matched.counterpart(unit)
    assert there.unit.layer == "conv2" and -1 <= there.r <= 1 and 0 < there.p_value <= 1
