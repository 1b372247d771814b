"""How long it takes to list the catalogue and to filter it: ``python benchmarks/catalogue.py [--agents 500]``.

Prints milliseconds, medians of several rounds: of the first listing ever (nothing is in the cache), of the following
ones in a new process and in the same one, of one look-up, and of filtering and painting in the zoo's table. The goals
are 50 ms for a listing of 500 agents and no delay that is felt (30 ms) for a filter. Uses folders of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 7


def milliseconds(call, rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - begun))
    return round(statistics.median(times), 1)


def prepare(folder: Path, agents: int) -> None:
    """``agents`` copies of a shipped card, each its own run, and settings that name their folder."""
    from zoo_gui.agents import catalogue
    from zoo_gui.settings import Settings

    text = catalogue.find("ppo/Breakout/1").path.read_text(encoding="utf-8")
    for run in range(agents):
        place = folder / "agents" / str(run)
        place.mkdir(parents=True)
        (place / "card.toml").write_text(text.replace("\nrun = 1\n", f"\nrun = {1000 + run}\n"), encoding="utf-8")
    kept = Settings()
    kept.set("zoo/folders", [str(folder / "agents")])
    kept.save()


def listing() -> dict[str, float]:
    """Of the listing."""
    from zoo_gui.agents import catalogue
    from zoo_gui.agents.entry import EMBEDDED, FOLDER

    first = milliseconds(catalogue.entries, 1)
    rows = catalogue.entries()
    return {
        "rows": len(rows), "rows_on_disk": sum(row.is_here for row in rows), "first_in_process_ms": first,
        "again_ms": milliseconds(catalogue.entries),
        "again_on_disk_ms": milliseconds(lambda: catalogue.entries((EMBEDDED, FOLDER))),
        "find_ms": milliseconds(lambda: catalogue.find("ppo/Breakout/1000")),
    }  # fmt: skip


def filtering() -> dict[str, float]:
    """Of the table, off screen."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from pyqtgraph.Qt import QtCore, QtWidgets

    from zoo_gui.agents import catalogue
    from zoo_gui.widgets.zoo_browser import ZooBrowser

    application = QtWidgets.QApplication([])
    browser = ZooBrowser()
    browser.resize(700, 600)
    browser.show()
    rows = catalogue.entries()
    texts = iter("p po pon pong pon po p b br bre brea".split() * ROUNDS)

    def type_a_letter() -> None:
        browser.search.setText(next(texts))
        application.processEvents()

    def sort() -> None:
        browser.table.sortByColumn(1, QtCore.Qt.DescendingOrder)
        browser.table.sortByColumn(-1, QtCore.Qt.AscendingOrder)

    figures = {"fill_ms": milliseconds(lambda: browser.set_entries(rows)), "letter_ms": milliseconds(type_a_letter)}
    return {**figures, "sort_ms": milliseconds(sort)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=500, help="agents in the person's folder (500)")
    parser.add_argument("--part", choices=("listing", "filtering"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(globals()[options.part]()))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ZOO_GUI_CONFIG": f"{folder}/settings.json", "ZOO_GUI_CACHE": f"{folder}/cache"}
        prepare(Path(folder), options.agents)
        figures = {}
        for name, part in (("cold", "listing"), ("warm", "listing"), ("table", "filtering")):
            command = [sys.executable, __file__, "--part", part]
            figures[name] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
