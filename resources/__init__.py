"""Data that ships with the program; a wheel carries this folder as the package ``zoo_gui.resources``."""
