"""Side by side, live: two units' activations and two agents' saliency now, on one scale, and their differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo_gui import overlays
from zoo_gui.imaging import TABLE_SIZE, colourise, lut
from zoo_gui.naming import lane_letter
from zoo_gui.scales import LayerPicture, PictureBook
from zoo_gui.types import LaneInfo, Step, Unit
from zoo_gui.widgets.pair_view import DIFFERENCE, FLAT, LEFT, RIGHT, PairGrid, Picture, signed_number

NO_SALIENCY = "Press b (or Explain, above): a map of what each decision rests on."
OTHER_MOMENTS = "different moments: share the game in Compare"


class LivePair:
    """Two lanes' units, drawn into a PairGrid step by step."""

    def __init__(self, session: Any, grid: PairGrid):
        self._session, self._grid = session, grid
        self.maps = overlays.Live(session)
        self._book = PictureBook.of(session)
        self._sides: tuple[tuple[LaneInfo, Unit], ...] = ()
        self._steps: dict[int, Step] = {}

    def begin(self, sides: tuple[tuple[LaneInfo, Unit], ...]) -> None:
        """These two (lane, unit) from now on; (): none."""
        self._sides = sides
        self._steps = {}
        for info, _ in sides:
            step = self._session.last_step(info.lane)
            if step is not None:
                self._steps[info.lane] = step
                self._book.take(info.lane, step)
        if sides:
            for row in ("now", "saliency"):
                for cell in self._grid.cells[row]:
                    cell.say("")
            self.draw()

    def follow(self, sides: tuple[tuple[LaneInfo, Unit], ...]) -> None:
        """The same two, of which the session says something new."""
        self._sides = sides

    def show_step(self, lane: int, step: Step) -> None:
        """A lane's newest moment; drawn once both lanes have it, where they see one game."""
        if lane not in [info.lane for info, _ in self._sides]:
            return
        self._steps[lane] = step
        if self.same_moment or self._session.input == "own":
            self.draw()

    @property
    def same_moment(self) -> bool:
        """Whether both lanes show one moment of one game."""
        steps = [self._steps.get(info.lane) for info, _ in self._sides]
        return (self._session.input != "own" and len(steps) == 2 and None not in steps
                and steps[0].moment == steps[1].moment)  # fmt: skip

    def draw(self) -> None:
        """Paint what is known now."""
        if len(self._sides) == 2 and all(info.lane in self._steps for info, _ in self._sides):
            self._draw_activations()
            self._draw_saliency()

    def _doubt(self) -> str:
        return "" if self.same_moment else OTHER_MOMENTS

    # -- activations ----------------------------------------------------------------------------------------------
    def _draw_activations(self) -> None:
        pictures, values = [], []
        for info, unit in self._sides:
            picture = self._book[info.lane, unit.layer]
            if picture.values is None:
                return
            pictures.append(picture)
            values.append(picture.values[..., unit.index])
        view, signed = self._session.view, any(picture.info.signed for picture in pictures)
        high = max(_level(picture, unit.index, view) for picture, (_, unit) in zip(pictures, self._sides)) or 1.0
        table = lut(view["signed_colormap"] if signed else view["colormap"], TABLE_SIZE, view.get("gamma", 1.0), signed)
        self._grid.set_scale("now", table, f"−{signed_number(high)}" if signed else "0", signed_number(high))
        for column, plane in enumerate(values):
            words = f"max {signed_number(plane.max())}\nmean {signed_number(plane.mean())}" if plane.ndim else (
                signed_number(float(plane)))  # fmt: skip
            self._grid.cells["now"][column].show([self._painted(plane, table, high, signed)], words, _shape(plane))
        one, other = values
        cell = self._grid.cells["now"][DIFFERENCE]
        if one.shape != other.shape:
            cell.say(f"No difference: maps of {_size(one)} and {_size(other)}.")
            return
        diverging = lut(view["signed_colormap"], TABLE_SIZE, view.get("gamma", 1.0), True)
        change = one - other
        words = [f"±{signed_number(high)}", f"mean {signed_number(change.mean())}", self._doubt()]
        cell.show([self._painted(change, diverging, high, True)], "\n".join(filter(None, words)), _shape(change))

    @staticmethod
    def _painted(plane: np.ndarray, table: np.ndarray, high: float, signed: bool) -> Picture:
        flat = plane if plane.ndim == 2 else np.full((1, 1), plane, np.float32)
        return Picture(colourise(flat, table, high, signed))

    # -- saliency -------------------------------------------------------------------------------------------------
    def _draw_saliency(self) -> None:
        cells, view = self._grid.cells["saliency"], self._session.view
        shown = [self.maps.of(info, self._steps[info.lane]) for info, _ in self._sides]
        if None in shown:
            self._grid.set_scale("saliency", None)
            for column in (LEFT, RIGHT):
                waiting = "waiting for the map …" if self._session.saliency is not None else NO_SALIENCY
                cells[column].say("" if column and self._session.saliency is None else waiting)
            cells[DIFFERENCE].say("")
            return
        frames = view.get("saliency_frames", "sum")
        signed = all(one.signed for one in shown) and view.get("saliency_signs", True)
        planes = [overlays.flat(one, frames) for one in shown]
        planes = [plane if signed else np.abs(plane) for plane in planes]
        high = max(overlays.high_end(plane) for plane in planes) or 1.0
        low = f"−{signed_number(high)}" if signed else "0"
        self._grid.set_scale("saliency", overlays.colours(signed), low, signed_number(high))
        for column, (plane, one, (info, _)) in enumerate(zip(planes, shown, self._sides)):
            picture = self._over(info, plane, high)
            words = one.target if one.age(self._steps[info.lane].moment) in (0, None) else (
                f"{one.target}\n{overlays.age_words(one.age(self._steps[info.lane].moment))}")  # fmt: skip
            cells[column].show([Picture(picture)], words)
        if planes[0].shape != planes[1].shape:
            cells[DIFFERENCE].say(f"No difference: inputs of {_size(planes[0])} and {_size(planes[1])}.")
            return
        picture = self._over(self._sides[LEFT][0], planes[LEFT] - planes[RIGHT], high)
        letters = [lane_letter(info.lane) for info, _ in self._sides]
        words = ["magenta: more in {}, cyan: more in {}".format(*letters), self._doubt()]
        cells[DIFFERENCE].show([Picture(picture)], "\n".join(filter(None, words)))

    def _over(self, info: LaneInfo, plane: np.ndarray, high: float) -> np.ndarray:
        observation = self._steps[info.lane].observation
        return overlays.over(observation, plane, high, -1, info.frame_channels, info.observation_range, 0.8)


def _level(picture: LayerPicture, index: int, view: dict) -> float:
    """What full colour stands for in a unit's layer."""
    level = picture.scale.level(picture.boost(view))
    return float(level if level.ndim == 0 else level[index])


def _shape(plane: np.ndarray) -> tuple[int, int]:
    return plane.shape if plane.ndim == 2 else FLAT


def _size(plane: np.ndarray) -> str:
    return "×".join(map(str, plane.shape)) if plane.ndim else "one number"
