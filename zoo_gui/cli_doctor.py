"""``zoo-gui doctor``: says what is missing on this machine, and what to do about it."""

from __future__ import annotations

import argparse
import json

MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none of its own."""


def run(options: argparse.Namespace) -> int:
    """Print every finding as it is made; 0, or 1 where something does not work."""
    from zoo_gui import doctor

    found = []
    for finding in doctor.examine():
        found.append(finding)
        if not options.json:
            print(f"{MARKS[finding.state]:8}{finding.about:15}{finding.words}", flush=True)
            if finding.cure:
                print(f"{'':23}→ {finding.cure}", flush=True)
    problems = sum(finding.state == "problem" for finding in found)
    if options.json:
        print(json.dumps([finding.asdict() for finding in found], ensure_ascii=False, indent=1))
    else:
        print("Everything that zoo_gui needs is here." if not problems else
              f"{problems} thing{'s do' if problems > 1 else ' does'} not work: see above what to do.")  # fmt: skip
    return 1 if problems else 0
