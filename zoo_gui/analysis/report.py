"""A comparison as one HTML file that needs nothing else: figures, tables and raw numbers are in it.

Jinja2 fills resources/report/comparison.html and escapes everything that comes from a card or a file; the page's own
policy forbids it to load anything. ``report_sections`` says what stands where.
"""

from __future__ import annotations

import datetime
import shlex
from pathlib import Path
from typing import Any

from zoo_gui.analysis import report_sections
from zoo_gui.analysis.comparison_record import Comparison
from zoo_gui.analysis.export import REPORTS, write
from zoo_gui.analysis.report_parts import counted, table
from zoo_gui.settings import resource_path
from zoo_gui.types import ZooError


def write_html(comparison: Comparison, path: str | Path) -> Path:
    """Write the report to ``path``, whole or not at all; a file that was there is replaced. Returns the path.

    Raises ZooError: another ending than .html, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in REPORTS:
        raise ZooError(f"“{path}” must end in {' or '.join(REPORTS)}: that is what a report is.")
    return write(comparison, path)


def page(comparison: Comparison, when: datetime.datetime | None = None) -> str:
    """The report as HTML. when: the date on it, by default now (UTC)."""
    import jinja2

    when = when or datetime.datetime.now(datetime.timezone.utc)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(resource_path("report", "comparison.html").read_text(encoding="utf-8"))
    return template.render(
        title=f"Compare: {' / '.join(one.title for one in comparison.agents)}", lead=_lead(comparison),
        agents=_agents(comparison), sentences=comparison.sentences, versions=comparison.versions,
        remarks=[text for text in (comparison.why, *comparison.remarks) if text],
        sections=report_sections.sections(comparison), date=f"{when:%Y-%m-%d %H:%M} UTC", command=_command(comparison),
    )  # fmt: skip


def _lead(found: Comparison) -> str:
    games = " and ".join(dict.fromkeys(one.game for one in found.agents))
    words = [f"{len(found.agents)} agents of {games}, seed {found.asked['seed']}."]
    if found.disagreement is not None:
        drove = found.disagreement.driver
        whose = f"{found.agents[drove].letter} plays" if drove >= 0 else "One plays at a time"
        words.append(f"{whose}, all see the same game, each through its own preprocessing, and say what they would do.")
    words += [f"{counted(one.edits, 'changed unit')} in {one.letter}." for one in found.agents if one.edits]
    if found.behaviour is not None:
        words.append(f"Then each plays {counted(found.asked['episodes'], 'game')} of its own.")
    return " ".join(words)


def _agents(found: Comparison) -> dict[str, Any]:
    columns = [("agent", "text"), ("title", "text"), ("id", "text"), ("game", "text"), ("gives", "text"),
               ("SHA-256 of weights, network and preprocessing", "hash")]  # fmt: skip
    kinds = {"logits": "a policy", "q": "Q-values", "": "chance"}
    rows = [[one.letter, one.title, one.id, one.game, kinds[one.kind], one.hash or "–"] for one in found.agents]
    return table("The agents", columns, rows)


def _command(found: Comparison) -> str:
    """What gives this report again, where it was made of agents by their ids; "" where it cannot be: of a sitting."""
    asked = found.asked
    if asked["moments"] == "given" or any(one.edits for one in found.agents):
        return ""
    words = ["zoo-gui", "compare", *(one.id for one in found.agents)]
    for name in ("steps", "episodes", "seed", "method", "limit"):
        words += [f"--{name}", str(asked[name])]
    words += ["--driver", found.agents[asked["driver"]].letter]
    if asked["sticky"] is not None:
        words += ["--sticky", str(asked["sticky"])]
    return shlex.join([*words, "--output", "report.html"])
