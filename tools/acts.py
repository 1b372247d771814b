"""What a person does in a sitting, with the mouse and patience: for the scripts that make pictures."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from sitting import Sitting

from zoo_gui.types import Unit

STRANGER = "distill/Breakout/2"
SEEN_AFTER = 900
"""Agent steps that each guess has played in the wizard's picture."""


def make_room(sitting: Sitting) -> None:
    """Close what stands below the centre."""
    for name in ("plots", "compare", "embedding"):
        sitting.window.docks[name].hide()


def look(sitting: Sitting, unit: str, saliency: str = "", method: str | None = None) -> None:
    """Inspect a unit until its picture is finished, with a map over the game."""
    sitting.session.select(0, Unit.parse(unit))
    if saliency:
        sitting.session.set_saliency(saliency, method)
    tab = sitting.panels["inspector"].vis
    sitting.wait(lambda: tab._result is not None and tab._result.step == tab._result.total)
    sitting.session.play()
    sitting.rest(4.0)  # the status bar tells rates of the last seconds


def in_light(sitting: Sitting, unit: str) -> None:
    """The same in the light theme."""
    sitting.window.theme.apply("light")
    look(sitting, unit, "action", "gradcam")


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
    sitting.wait(lambda: len(panel.found) == len(panel.jobs) and not any(job.running for job in panel.jobs.values()))
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


def find_words(sitting: Sitting, typed: str) -> None:
    """The command palette, with this typed."""
    palette = sitting.window.finding.palette
    palette.open(typed)
    sitting.wait(lambda: palette.model.rows)
    sitting.rest(1.0)


def name_parts(sitting: Sitting, unit: str) -> None:
    """What am I looking at? with a unit selected."""
    sitting.session.select(0, Unit.parse(unit))
    tab = sitting.panels["inspector"].vis
    sitting.wait(lambda: tab._result is not None and tab._result.step == tab._result.total)
    sitting.window.finding.labels.open()
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
