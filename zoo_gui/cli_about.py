"""``zoo-gui about FILE``: where a figure, table, film, session or folder says that it comes from."""

from __future__ import annotations

import argparse
import json

from zoo_gui.provenance import sentences
from zoo_gui.provenance_files import read
from zoo_gui.types import ZooError


def add_options(parser: argparse.ArgumentParser) -> None:
    """The files."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a picture, table, film, page, session or folder that "
                        "this program saved")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print what each file says of itself. Raises ZooError."""
    found = {path: read(path) for path in options.files}
    silent = [path for path, told in found.items() if told is None]
    if options.json:
        # half a character, as a stranger's file may have one, as JSON writes it
        print(json.dumps(found, ensure_ascii=False).encode(errors="backslashreplace").decode())
        return 0
    for number, (path, told) in enumerate(found.items()):
        if told is not None:
            if len(found) > 1:
                print(("" if not number else "\n") + f"{path}:")
            print("\n".join(sentences(told)))
    if silent:
        raise ZooError(f"{', '.join(silent)} does not say where it comes from: this program did not save it, or "
                       "another one changed it since.")  # fmt: skip
    return 0
