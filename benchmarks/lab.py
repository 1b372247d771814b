"""What rollouts and experiments take, as ``zoo-gui bench lab`` prints it: ``python benchmarks/lab.py``.

Rollouts against the bare loop of emulator and network; cells a second with 1, 2 and 4 workers against a plain loop.
"""

import sys

from zoo_gui.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "lab", *sys.argv[1:]]))
