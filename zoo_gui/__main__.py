"""``python -m zoo_gui`` is the same as the console command ``zoo-gui``."""

from zoo_gui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
