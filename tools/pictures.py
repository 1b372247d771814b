#!/usr/bin/env python3
"""Make the pictures of README.md and docs/ from the real window: ``python tools/pictures.py [NAME …]``.

Each picture has a sitting of its own: a newcomer's window on the present screen or a virtual one (Xvfb), the agents of
``PICTURES``, a game played to a fixed step of a fixed seed, and a function that does what a person would do with the
mouse. The window is then drawn into ``docs/images/NAME.png``. For the card wizard the weights of an embedded agent are
opened as a stranger's file, without their card. Films are made by their commands.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

from PIL import Image

from zoo_gui.bench import screen
from zoo_gui.types import Unit

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = (1600, 900)
SEED = 3
LONGEST = 240.0
"""Seconds after which what is waited for counts as never coming."""


class Sitting:
    """A window with agents in it, and a person's patience. ``window``, ``session``, ``panels``."""

    def __init__(self, agents: tuple[str, ...], home: Path, size: tuple[int, int] = SIZE):
        from pyqtgraph.Qt import QtGui

        from zoo_gui.app import MainWindow
        from zoo_gui.session import Session
        from zoo_gui.settings import Settings

        self.session = Session()
        self.session.message.connect(self._on_message)
        self.session.start_engine()
        self.window = MainWindow(self.session, Settings(home / "settings.json"))
        self.window.resize(*size)
        self.panels = self.window.panels
        self.window.show()
        QtGui.QCursor.setPos(SIZE[0] - 1, SIZE[1] - 1)  # what is under the mouse would be shown otherwise
        for lane, agent in enumerate(agents):
            self.session.load(agent, lane, seed=SEED)
        if agents:
            self.wait(lambda: len(self.session.lanes) == len(agents))

    @staticmethod
    def _on_message(level: str, sentence: str) -> None:
        if level == "error":
            raise SystemExit(sentence)

    def wait(self, holds: Callable[[], object]) -> None:
        """Let the window live until this holds. Raises TimeoutError."""
        end = time.monotonic() + LONGEST
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError("a picture's sitting does not come to its end")
            self.rest(0.01)

    def rest(self, seconds: float) -> None:
        """Let the window live for so long."""
        from pyqtgraph.Qt import QtWidgets

        end = time.monotonic() + seconds
        while True:
            QtWidgets.QApplication.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.005)

    def show(self, panel: str):
        """Bring a panel to the front. Returns it."""
        self.window.show_panel(panel)
        self.rest(0.3)
        return self.panels[panel]

    @property
    def step(self) -> int:
        """Of the first agent's game, counted from 1; 0 before it."""
        numbers = self.session.history(0).column("number", 1)
        return int(numbers[0]) + 1 if len(numbers) else 0

    def play_to(self, step: int) -> None:
        """Play to this step of the first game, and pause there: first fast, then so that every step is shown."""
        for speed, until in ((4.0, step - 160), (2.0, step - 20)):
            self.session.set_speed(speed)
            self.session.play()
            self.wait(lambda until=until: self.step >= until)
        self.session.pause()
        self.rest(0.5)
        while self.step < step:
            before = self.step
            self.session.step_once()
            self.wait(lambda before=before: self.step > before)
        self.session.set_speed(1.0)

    def close(self) -> None:
        self.window.close()
        self.session.close()
        self.window.deleteLater()
        self.rest(0.1)


def make_room(sitting: Sitting) -> None:
    """Close what stands below the centre."""
    for name in ("plots", "compare", "embedding"):
        sitting.window.docks[name].hide()


# -- what the person does ---------------------------------------------------------------------------------------------
def look(sitting: Sitting, unit: str, saliency: str = "", method: str | None = None) -> None:
    """Inspect a unit until its picture is finished, with a map over the game."""
    sitting.session.select(0, Unit.parse(unit))
    if saliency:
        sitting.session.set_saliency(saliency, method)
    tab = sitting.panels["inspector"].vis
    sitting.wait(lambda: tab._result is not None and tab._result.step == tab._result.total)
    sitting.session.play()
    sitting.rest(4.0)  # the status bar tells rates of the last seconds


def ask_why(sitting: Sitting, unit: str, region: tuple[int, int, int, int]) -> None:
    """Explain the moment, and test whether what is in the region mattered; the plots make room."""
    sitting.session.select(0, Unit.parse(unit))
    make_room(sitting)
    panel = sitting.show("why")
    sitting.wait(lambda: panel.asked is not None and not panel.job.running)
    sitting.session.choose_region(0, region)
    sitting.wait(lambda: not panel.cover.job.running and panel.cover.result is not None)
    sitting.wait(lambda: not sitting.panels["inspector"].vis.job.running)
    sitting.rest(1.0)


def optimise_all(sitting: Sitting, unit: str) -> None:
    """Pattern mode for the layer of this unit."""
    sitting.session.select(0, Unit.parse(unit))
    panel = sitting.show("patterns")
    panel.start()
    sitting.wait(lambda: not panel.job.running)
    sitting.rest(1.0)


def visit_patches(sitting: Sitting, unit: str) -> None:
    """Where the unit fired in a rollout, on the whole screen."""
    sitting.session.select(0, Unit.parse(unit))
    inspector = sitting.panels["inspector"]
    tab = inspector.patches
    inspector.tabs.setCurrentIndex(inspector._all_tabs.index(tab))
    tab.moments.setCurrentIndex(1)
    tab.restart()
    tab.context.click()
    sitting.wait(lambda: tab._result is not None and not tab.job.running)
    sitting.rest(1.0)


def search_units(sitting: Sitting, event: str, best: int = 0) -> None:
    """Search for an event's units, and select one of the best."""
    panel = sitting.show("search")
    tab = panel.search
    tab.event.choose(event)
    tab.start()
    sitting.wait(lambda: tab.result is not None and not tab.job.running)
    sitting.session.select(0, tab.result.found[best].unit)
    sitting.wait(lambda: not sitting.panels["inspector"].vis.job.running)
    sitting.rest(2.0)


def find_groups(sitting: Sitting, layer: str, group: int, seen: int) -> None:
    """Six groups of a layer over a rollout, followed live until so many are seen; one is selected as a unit."""
    make_room(sitting)
    panel = sitting.show("groups")
    panel.layer.setCurrentText(layer)
    panel.source.setCurrentIndex(1)
    panel._start()
    sitting.wait(lambda: panel.result is not None)
    panel._choose(group)
    sitting.wait(lambda: panel.layer_name and sitting.session.selected is not None)
    tab = sitting.panels["inspector"].vis
    sitting.wait(lambda: tab._result is not None and not tab.job.running)
    sitting.session.play()
    sitting.wait(lambda: sum(letter.isVisible() for letter in panel.live._letters) >= seen)
    sitting.session.pause()
    sitting.rest(1.0)


def look_at_filters(sitting: Sitting, unit: str) -> None:
    """The first layer's weights, and how much each agent looks at the past."""
    sitting.session.select(0, Unit.parse(unit))
    panel = sitting.show("filters")
    sitting.wait(lambda: panel.result is not None and len(panel._bias) == len(sitting.session.lanes))
    sitting.wait(lambda: not sitting.panels["inspector"].vis.job.running)
    sitting.rest(1.0)


def see_one_game(sitting: Sitting, steps: int) -> None:
    """All see the first agent's game for so many steps."""
    sitting.session.share(0)
    sitting.wait(lambda: sitting.session.driver == 0)
    begun = sitting.step
    sitting.session.set_speed(4.0)
    sitting.session.play()
    sitting.wait(lambda: sitting.step >= begun + steps)
    sitting.session.pause()
    sitting.session.set_speed(1.0)
    sitting.rest(0.5)


def part_ways(sitting: Sitting) -> None:
    """The last moment at which two agents are far apart, and why each does what it would do there."""
    see_one_game(sitting, 200)
    moment, panel = sitting.show("moment"), sitting.show("compare")
    panel.kind.setCurrentIndex(1)
    panel.jump(-1)
    sitting.wait(lambda: len(moment.records) == 2 and not any(job.running for job in moment.jobs.values()))
    sitting.rest(1.0)


def compare_layers(sitting: Sitting) -> None:
    """How alike all layers of two agents are at the moments of a rollout."""
    make_room(sitting)
    tab = sitting.show("representations").layers
    tab.start()
    sitting.wait(lambda: tab.result is not None and not tab.job.running)
    sitting.rest(1.0)


def embed_moments(sitting: Sitting, what: str, colour: str) -> None:
    """A map of the moments of a rollout; those of one kind are chosen, one of them is pointed at, and the game goes on
    in it."""
    sitting.window.commands.call("embedding")
    sitting.rest(0.5)
    panel = sitting.panels["embedding"]
    panel.bar.what.setCurrentText(what)
    panel.bar.steps.setValue(1200)
    panel._start()
    sitting.wait(lambda: panel.result is not None and not panel.job.running)
    panel.colour.setCurrentText(colour)
    panel._recolour()
    panel._choose(panel.legend.colouring.kinds[-1].rows)
    sitting.wait(lambda: all(section.result is not None for section in panel.side.sections.values()))
    sitting.session.play()
    sitting.rest(2.0)
    sitting.session.pause()
    panel.hover.point(int(panel.scatter.selected.argmax()))
    sitting.wait(lambda: panel.hover.card.picture is not None)
    sitting.rest(0.5)


def look_at_both(sitting: Sitting, unit: str) -> None:
    """A unit beside its counterpart."""
    see_one_game(sitting, 200)
    units = sitting.show("representations").units
    units.start()
    sitting.wait(lambda: units.result is not None and not units.job.running)
    sitting.session.select(0, Unit.parse(unit))
    sitting.session.set_saliency("action", "gradcam")
    panel = sitting.show("pair")
    sitting.wait(lambda: not sitting.panels["inspector"].vis.job.running)
    sitting.wait(lambda: not any(job.running for job in panel.jobs.values()))
    sitting.rest(1.0)


def look_at_wall(sitting: Sitting, best: str, steps: int) -> None:
    """All agents of a game at once, until each has played so many steps."""
    panel = sitting.show("wall")
    sitting.wait(lambda: panel.choice.findText(best) >= 0)
    panel.chance.setChecked(True)
    panel.stages.setChecked(True)
    panel.restart()
    sitting.session.pause()
    sitting.wait(lambda: all(tile.preview and tile.preview.steps >= steps for tile in panel.grid.tiles))


def make_it_harder(sitting: Sitting, name: str, levels: tuple[float, ...], steps: int) -> None:
    """Both agents at full speed under one level after the other, so many steps each, and undisturbed before."""
    panel, session = sitting.show("robustness"), sitting.session
    panel.measure.setCurrentIndex(1)
    row = panel.rows.rows[name]
    session.set_speed(None)
    session.play()
    for level in (row.about.rest, *levels):
        row.slider.setValue(row._position(level))
        key = None if level == row.about.rest else level
        sitting.wait(lambda key=key: all(session.scores.pace(session.who(lane), name).get(key, (0, 0))[1] >= steps
                                         for lane in range(len(session.lanes))))  # fmt: skip
    session.set_speed(1.0)
    sitting.rest(4.0)


def reopen_sweep(sitting: Sitting, agents: tuple[str, ...], levels: tuple[float, ...]) -> None:
    """A sweep's folder in the Lab panel, one of whose rows is chosen; the plots make room."""
    folder = sitting.window.settings.path.parent / "noise"
    words = ["sweep", *agents, "--levels", *map(str, levels), "--episodes", "3", "--limit", "1000", "--workers", "1",
             "--title", "Noise on what agents see, Breakout", "--folder", str(folder)]  # fmt: skip
    subprocess.run([sys.executable, "-m", "zoo_gui", *words], check=True, stdout=subprocess.DEVNULL)
    make_room(sitting)
    sitting.window.results.open(str(folder))
    panel = sitting.panels["lab"]
    sitting.wait(lambda: panel.shelved is not None)
    panel.numbers.selectRow(len(levels))
    panel.numbers.pointed.emit(panel.numbers.row)
    sitting.rest(0.5)


def guess_card(sitting: Sitting, home: Path) -> object:
    """The wizard, in which the two orders of frames play Breakout. Returns it."""
    from zoo_gui.agents import catalogue

    path = home / "model.safetensors"
    shutil.copyfile(catalogue.find(STRANGER).weights, path)
    sitting.window.wizards.open(str(path))
    wizard = sitting.window.wizards.wizard
    sitting.wait(wizard.table.rowCount)
    wizard.choose("game", "Breakout")
    sitting.wait(wizard.save.isEnabled)
    keys = [wizard.table.item(row, 0).toolTip() for row in range(wizard.table.rowCount())]
    wizard.table.selectRow(keys.index("network.frame_order"))
    sitting.wait(lambda: len(wizard.previews.tiles) > 1 and wizard.previews.steps >= SEEN_AFTER)
    return wizard


class Picture(NamedTuple):
    """agents: side by side. steps: at which the game is paused. do: what is done then."""

    agents: tuple[str, ...]
    steps: int
    do: Callable[[Sitting], object]


PICTURES = {
    "window": Picture(("distill/Breakout/1",), 260,
                      partial(look, unit="conv2:17", saliency="action", method="gradcam")),
    "side_by_side": Picture(("distill/Breakout/1", "ppo/Breakout/1"), 260, partial(look, unit="conv1:3")),
    "seaquest": Picture(("distill/Seaquest/1",), 300, partial(look, unit="fc:42", saliency="action")),
    "why": Picture(("distill/Breakout/1",), 260, partial(ask_why, unit="conv2:17", region=(56, 32, 14, 14))),
    "patterns": Picture(("distill/Breakout/1",), 260, partial(optimise_all, unit="conv2:17")),
    "fired_at": Picture(("distill/Breakout/1",), 260, partial(visit_patches, unit="conv2:36")),
    "search": Picture(("distill/Breakout/1",), 260, partial(search_units, event="a reward comes")),
    "groups": Picture(("distill/Breakout/1",), 260, partial(find_groups, layer="conv3", group=1, seen=3)),
    "wall": Picture(("distill/Breakout/1",), 260, partial(look_at_wall, best="Breakout", steps=260)),
    "compare": Picture(("distill/Breakout/1", "a2c/Breakout/1"), 260, part_ways),
    "representations": Picture(("distill/Breakout/1", "distill/Breakout/2"), 60, compare_layers),
    "embedding_panel": Picture(("ppo/Breakout/1",), 260,
                               partial(embed_moments, what="RAM bytes", colour="lives")),
    "robustness_panel": Picture(("ppo/Breakout/1", "distill/Breakout/1"), 0,
                                partial(make_it_harder, name="observation_noise", levels=(0.02, 0.05, 0.1, 0.2),
                                        steps=250)),
    "lab_panel": Picture(("ppo/Breakout/1",), 60,
                         partial(reopen_sweep, agents=("ppo/Breakout/1", "a2c/Breakout/1", "distill/Breakout/1"),
                                 levels=(0.0, 0.02, 0.1))),
    "pair": Picture(("distill/Breakout/1", "distill/Breakout/2"), 260, partial(look_at_both, unit="conv2:17")),
    "filters": Picture(("distill/Breakout/1", "ppo/Breakout/1"), 260, partial(look_at_filters, unit="conv1:10")),
}
FILMS = {
    "grid": ("grid --games Breakout --algorithms a2c,ppo,distill --runs 1,2 --seconds 10 --speed 4 --fps 10 --tile 192 "
             "--output {}.gif"),
    "movie": "movie ppo/Breakout/1 --steps 230 --seed 3 --output {}.mp4",
    "movie_original": "movie a2c/Breakout/1 --steps 230 --seed 3 --layout original --output {}.mp4",
}
"""What makes the films, {} their names: a .gif is shown as it is, of an .mp4 the last picture."""
WIZARD = "wizard"
STRANGER = "distill/Breakout/2"
SEEN_AFTER = 900
"""Agent steps that each guess has played in the wizard's picture."""


# -- pictures ---------------------------------------------------------------------------------------------------------
def make(name: str, size: tuple[int, int] = SIZE, folder: Path = IMAGES) -> None:
    """Make one picture; settings and cache are a newcomer's."""
    from zoo_gui import capture

    with tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_GUI_CONFIG=f"{home}/settings.json", ZOO_GUI_CACHE=f"{home}/cache")
        picture = PICTURES.get(name, Picture((), 0, partial(guess_card, home=Path(home))))
        sitting = Sitting(picture.agents, Path(home), size)
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

    with tempfile.TemporaryDirectory() as home:
        os.environ.update(ZOO_GUI_CONFIG=f"{home}/settings.json", ZOO_GUI_CACHE=f"{home}/cache")
        if cli.main(FILMS[name].format(f"{home}/{name}").split()):
            raise SystemExit(f"the film {name} could not be made")
        made = next(path for path in Path(home).iterdir() if path.stem == name)
        if made.suffix == ".gif":
            shutil.copyfile(made, folder / made.name)
            return
        capture, picture = cv2.VideoCapture(str(made)), None
        while (read := capture.read())[0]:
            picture = read[1]
    cv2.imwrite(str(folder / f"{name}.png"), picture)
    shrink(folder / f"{name}.png")


def shrink(path: Path) -> None:
    """Write a picture again as small as PNG gets. Not in fewer colours: those are what the pictures show."""
    Image.open(path).convert("RGB").save(path, optimize=True)


def main() -> None:
    from pyqtgraph.Qt import QtWidgets

    from zoo_gui import theme

    IMAGES.mkdir(parents=True, exist_ok=True)
    names = sys.argv[1:] or (*PICTURES, WIZARD, *FILMS)
    for name in filter(FILMS.__contains__, names):
        film(name)
    with screen():
        application = QtWidgets.QApplication(sys.argv[:1])
        theme.apply(application)
        for name in names:
            if name not in FILMS:
                make(name)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Qt and TensorFlow have been seen to crash while their libraries are unloaded
