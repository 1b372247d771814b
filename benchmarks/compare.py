"""What comparing takes, as ``zoo-gui bench compare`` prints it: ``python benchmarks/compare.py``.

Linear CKA and SVCCA between all layers of two Nature networks over 2,000 moments, and their units matched.
"""

import sys

from zoo_gui.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "compare", *sys.argv[1:]]))
