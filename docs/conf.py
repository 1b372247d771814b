"""Sphinx's settings for these pages: ``make docs`` builds them, and fails at a link that leads nowhere."""

project = "zoo_gui"
author = "the zoo_gui authors"
copyright = author
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build"]
myst_heading_anchors = 4
# blocks that list an interface are Python with a word of prose in it
suppress_warnings = ["misc.highlighting_failure"]
html_theme = "furo"
html_title = "zoo_gui"
html_logo = "../resources/icons/zoo_gui.svg"
html_favicon = html_logo
