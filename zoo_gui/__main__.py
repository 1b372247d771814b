"""``python -m zoo_gui`` is the same as the console command ``zoo-gui``."""

from zoo_gui.cli import entry

if __name__ == "__main__":
    entry()
