#!/usr/bin/env python3
"""Make the pictures of README.md and docs/ from the real window: ``python tools/pictures.py [NAME …]``.

Each picture has a sitting of its own: a newcomer's window on the present screen or a virtual one (Xvfb), the agents of
``PICTURES``, a game played to a fixed step of a fixed seed, and a function that does what a person would do with the
mouse. The window is then drawn into ``docs/images/NAME.png``. For the card wizard the weights of an embedded agent are
opened as a stranger's file, without their card. Films are made by their commands.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

import acts
from sitting import SIZE, Sitting, application, leave, newcomer, shrink

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


class Picture(NamedTuple):
    """agents: side by side. steps: at which the game is paused. do: what is done then."""

    agents: tuple[str, ...]
    steps: int
    do: Callable[[Sitting], object]


PICTURES = {
    "window": Picture(("distill/Breakout/1",), 260,
                      partial(acts.look, unit="conv2:17", saliency="action", method="gradcam")),
    "side_by_side": Picture(("distill/Breakout/1", "ppo/Breakout/1"), 260, partial(acts.look, unit="conv1:3")),
    "light": Picture(("distill/Breakout/1", "ppo/Breakout/1"), 260, partial(acts.in_light, unit="conv2:17")),
    "seaquest": Picture(("distill/Seaquest/1",), 300, partial(acts.look, unit="fc:42", saliency="action")),
    "why": Picture(("distill/Breakout/1",), 260, partial(acts.ask_why, unit="conv2:17", region=(56, 32, 14, 14))),
    "patterns": Picture(("distill/Breakout/1",), 260, partial(acts.optimise_all, unit="conv2:17")),
    "fired_at": Picture(("distill/Breakout/1",), 260, partial(acts.visit_patches, unit="conv2:36")),
    "search": Picture(("distill/Breakout/1",), 260, partial(acts.search_units, event="a reward comes")),
    "groups": Picture(("distill/Breakout/1",), 260, partial(acts.find_groups, layer="conv3", group=1, seen=3)),
    "wall": Picture(("distill/Breakout/1",), 260, partial(acts.look_at_wall, best="Breakout", steps=260)),
    "compare": Picture(("distill/Breakout/1", "a2c/Breakout/1"), 260, acts.part_ways),
    "representations": Picture(("distill/Breakout/1", "distill/Breakout/2"), 60, acts.compare_layers),
    "embedding_panel": Picture(("ppo/Breakout/1",), 260,
                               partial(acts.embed_moments, what="RAM bytes", colour="lives")),
    "robustness_panel": Picture(("ppo/Breakout/1", "distill/Breakout/1"), 0,
                                partial(acts.make_it_harder, name="observation_noise", levels=(0.02, 0.05, 0.1, 0.2),
                                        steps=250)),
    "lab_panel": Picture(("ppo/Breakout/1",), 60,
                         partial(acts.reopen_sweep, agents=("ppo/Breakout/1", "a2c/Breakout/1", "distill/Breakout/1"),
                                 levels=(0.0, 0.02, 0.1))),
    "pair": Picture(("distill/Breakout/1", "distill/Breakout/2"), 260, partial(acts.look_at_both, unit="conv2:17")),
    "palette": Picture(("distill/Breakout/1",), 60, partial(acts.find_words, typed="expl")),
    "labels": Picture(("distill/Breakout/1",), 60, partial(acts.name_parts, unit="conv2:17")),
    "filters": Picture(("distill/Breakout/1", "ppo/Breakout/1"), 260, partial(acts.look_at_filters, unit="conv1:10")),
}
FILMS = {
    "grid": ("grid --games Breakout --algorithms a2c,ppo,distill --runs 1,2 --seconds 10 --speed 4 --fps 10 --tile 192 "
             "--output {}.gif"),
    "movie": "movie ppo/Breakout/1 --steps 230 --seed 3 --output {}.mp4",
    "movie_original": "movie a2c/Breakout/1 --steps 230 --seed 3 --layout original --output {}.mp4",
}
"""What makes the films, {} their names: a .gif is shown as it is, of an .mp4 the last picture."""
WIZARD = "wizard"


# -- pictures ---------------------------------------------------------------------------------------------------------
def make(name: str, size: tuple[int, int] = SIZE, folder: Path = IMAGES) -> None:
    """Make one picture; settings and cache are a newcomer's."""
    from zoo_gui import capture

    with newcomer() as home:
        picture = PICTURES.get(name, Picture((), 0, partial(acts.guess_card, home=home)))
        sitting = Sitting(picture.agents, home, size)
        try:
            if picture.steps:
                sitting.play_to(picture.steps)
            widget = picture.do(sitting) or sitting.window
            for panel in sitting.panels.values():
                panel.settle()  # all of one moment
            path = folder / f"{name}.png"
            capture.picture(widget).save(str(path))
        finally:
            sitting.close()
    shrink(path)
    print(f"{path} {path.stat().st_size // 1000} kB", flush=True)


def film(name: str, folder: Path = IMAGES) -> None:
    """Make one of the films with the command."""
    import cv2

    from zoo_gui import cli

    with newcomer() as home:
        if cli.main(FILMS[name].format(f"{home}/{name}").split()):
            raise SystemExit(f"the film {name} could not be made")
        made = next(path for path in home.iterdir() if path.stem == name)
        if made.suffix == ".gif":
            shutil.copyfile(made, folder / made.name)
            return
        capture, picture = cv2.VideoCapture(str(made)), None
        while (read := capture.read())[0]:
            picture = read[1]
    cv2.imwrite(str(folder / f"{name}.png"), picture)
    shrink(folder / f"{name}.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    names = sys.argv[1:] or (*PICTURES, WIZARD, *FILMS)
    for name in filter(FILMS.__contains__, names):
        film(name)
    with application():
        for name in names:
            if name not in FILMS:
                make(name)


if __name__ == "__main__":
    main()
    leave()
