"""The explorer's figures, as ``zoo-gui bench explorer`` prints them: ``python benchmarks/explorer.py [--seconds S]``.

Maps, feature visualization, patterns, patches and search of one Nature agent: by themselves, beside the originals' own
code (Greydanus' loop over masks, Lucid's ``render_vis`` for each unit), and in the window beside the running game.
"""

import sys

from zoo_gui.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "explorer", *sys.argv[1:]]))
