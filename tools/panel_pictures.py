#!/usr/bin/env python3
"""Make the pictures of the panels' pages from the real window: ``python tools/panel_pictures.py [PANEL …]``.

Panels that can be shown in one sitting share it: ``SCENES``. A panel is drawn with its title into
``docs/images/panels/NAME.png``, in 256 colours or fewer, because the pictures travel with the program.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

import acts
from PIL import Image
from sitting import Sitting, application, leave, newcomer

from zoo_gui.types import Unit

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "images" / "panels"
SIZE = (1600, 900)
MOST = 120_000
"""Bytes of a picture."""


def look(sitting: Sitting) -> None:
    """A unit inspected to the end and pinned, and a map of the action over the game."""
    acts.look(sitting, "conv2:17", "action", "gradcam")
    sitting.session.pin(0, Unit.parse("conv2:17"))
    sitting.rest(4.0)
    sitting.session.pause()
    sitting.rest(0.5)


def enlarge(sitting: Sitting) -> None:
    """The layer of the selected unit, large."""
    sitting.show("layer")
    sitting.rest(1.0)


def browse(sitting: Sitting) -> None:
    """The zoo, one of its agents chosen, with what is said about it."""
    panel = sitting.show("zoo")
    sitting.wait(lambda: panel.browser.table.model().rowCount())
    panel.browser.table.selectRow(2)
    sitting.rest(2.0)


def keep_moments(sitting: Sitting) -> None:
    """Two bookmarks with names, and a few words."""
    panel = sitting.show("notes")
    for count, label in enumerate(("the first brick", "a hole at last"), 1):
        sitting.window.commands.call("bookmark")
        sitting.wait(lambda count=count: panel.list.count() == count)
        panel.list.item(count - 1).setText(label)
        sitting.session.play()
        sitting.rest(4.0)
    sitting.session.pause()
    panel.field.setPlainText("# Breakout\n\n- conv2:17 fires before the ball comes back\n- ask why at the second mark")
    panel.list.setCurrentRow(-1)
    sitting.rest(1.0)


def compare_layers(sitting: Sitting) -> None:
    """How alike the two agents' layers are."""
    sitting.show("representations").tabs.setCurrentIndex(0)
    acts.compare_layers(sitting)


class Scene(NamedTuple):
    """agents: side by side. steps: at which the game is paused. panels: what is done, one after the other, until each
    of them can be drawn (None: nothing more)."""

    agents: tuple[str, ...]
    steps: int
    panels: dict[str, Callable[[Sitting], object] | None]


BREAKOUT = "distill/Breakout/1"
SCENES = (
    Scene((BREAKOUT,), 260, {
        "game": look, "observation": None, "actions": None, "activations": None, "inspector": None, "plots": None,
        "layer": enlarge,
        "filters": partial(acts.look_at_filters, unit="conv1:10"),
        "patterns": partial(acts.optimise_all, unit="conv2:17"),
        "why": partial(acts.ask_why, unit="conv2:17", region=(56, 32, 14, 14)),
        "search": partial(acts.search_units, event="a reward comes"),
        "zoo": browse,
        "wall": partial(acts.look_at_wall, best="Breakout", steps=260),
    }),
    Scene((BREAKOUT,), 260, {"groups": partial(acts.find_groups, layer="conv3", group=1, seen=3)}),
    Scene((BREAKOUT,), 120, {"notes": keep_moments}),
    Scene(("ppo/Breakout/1",), 260, {
        "embedding": partial(acts.embed_moments, what="RAM bytes", colour="lives"),
        "lab": partial(acts.reopen_sweep, agents=("ppo/Breakout/1", "a2c/Breakout/1", BREAKOUT),
                       levels=(0.0, 0.02, 0.1)),
    }),
    Scene((BREAKOUT, "a2c/Breakout/1"), 260, {"moment": acts.part_ways, "compare": None}),
    Scene((BREAKOUT, "distill/Breakout/2"), 260, {
        "pair": partial(acts.look_at_both, unit="conv2:17"), "representations": compare_layers,
    }),
    Scene(("ppo/Breakout/1", BREAKOUT), 0, {
        "robustness": partial(acts.make_it_harder, name="observation_noise", levels=(0.02, 0.05, 0.1, 0.2), steps=250),
    }),
)  # fmt: skip


def draw(sitting: Sitting, name: str) -> None:
    """Draw a panel as it is now, in front of its tabs."""
    from zoo_gui import capture

    if not sitting.panels[name].is_seen:
        sitting.show(name)
    for panel in sitting.panels.values():
        panel.settle()  # all of one moment
    path = PICTURES / f"{name}.png"
    capture.picture(sitting.window.docks[name]).save(str(path))
    image = Image.open(path).convert("RGB")
    for colours in (256, 128, 64, 32, 16):
        image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= MOST:
            break
    print(f"{path} {image.width}×{image.height} in {colours} colours {path.stat().st_size // 1000} kB", flush=True)


def play(scene: Scene, wanted: set[str]) -> None:
    """One sitting, for those of its panels that are wanted."""
    with newcomer() as home:
        sitting = Sitting(scene.agents, home, SIZE)
        try:
            if scene.steps:
                sitting.play_to(scene.steps)
            begun = False
            for name, do in scene.panels.items():
                if do and (name in wanted or not begun):
                    do(sitting)
                begun = True
                if name in wanted:
                    draw(sitting, name)
        finally:
            sitting.close()


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:]) or {name for scene in SCENES for name in scene.panels}
    with application():
        for scene in SCENES:
            if wanted & set(scene.panels):
                play(scene, wanted)


if __name__ == "__main__":
    main()
    leave()
