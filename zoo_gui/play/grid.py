"""A video grid: many agents at their games, side by side, at one pace, as one film.

The emulators step in lockstep and each picture is handed on as it is drawn: a film of an hour takes no more memory than
one of a second.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

import numpy as np

from zoo_gui.agents.entry import figure
from zoo_gui.imaging import rgb32
from zoo_gui.play import lettering
from zoo_gui.play.grid_plan import Plan, Tile
from zoo_gui.play.screens import PIXEL, scaled, steady
from zoo_gui.types import ZooError

FRAMES_PER_SECOND = 60
"""Of the emulator."""
NEXT, HOLD = ENDINGS = ("next", "hold")
OVER_FRAMES = 60
"""How long a game's last screen stays before the next one begins."""
SCREEN = (210, 160)
GROUND, RAISED, EMPTY, WHITE, DIM, FAULT = (
    (0x21, 0x1D, 0x1B), (0x2D, 0x28, 0x25), (0x18, 0x15, 0x13), (0xF0, 0xF0, 0xF0), (0xB0, 0xA8, 0xA0),
    (0x6E, 0xA0, 0xF2),
)  # fmt: skip
"""BGR; the window's colours."""
SMALLEST, LARGEST = 96, 800
FULL = (1920, 1080)
"""(width, height) that a grid fills where nobody says how large its tiles are."""


class Game:
    """One tile's game, an emulator frame at a time. frame: (H, W, 3) uint8 to show. score: of this game; ended: scores
    of those before. is_over: its last screen is shown; stays so where ``ending`` is HOLD. fault: why it stopped."""

    def __init__(self, player: Any, ending: str = NEXT):
        """player: a ``Player``."""
        self._player, self._ending = player, ending
        self._frames: deque[np.ndarray] = deque(maxlen=2)
        self._left: deque[np.ndarray] = deque()
        self._gained: float = 0.0
        self._rest, self._done = 0, False
        self.score, self.ended, self.is_over, self.fault = 0.0, [], False, ""
        self.frame = np.zeros((*player.emulator.screen_shape[:2], 3), np.uint8)

    @property
    def is_held(self) -> bool:
        """Whether nothing will change any more."""
        return bool(self.fault) or (self.is_over and self._ending == HOLD)

    def advance(self, frames: int) -> None:
        """Go on by emulator frames."""
        try:
            for _ in range(0 if self.is_held else frames):
                self._advance()
        except ZooError as error:
            self.fault = str(error)
        if self._frames:
            self.frame = steady(np.stack(self._frames)) if frames > 1 and len(self._frames) > 1 else self._frames[-1]

    def _advance(self) -> None:
        if self._rest:
            self._rest -= 1
            return
        if not self._left and self._done:
            self._end()
            if self.is_over:
                return
        if not self._left:
            self._step()
        self._frames.append(self._left.popleft())

    def _step(self) -> None:
        step = self._player.step(all_frames=True)
        if step.index == 0 and self.is_over:
            self.is_over = False
            self._frames.clear()
        self._left.extend(step.frames)
        self.score = step.episode_return  # the reward is seen with the step after it
        self._gained, self._done = step.episode_return + step.reward, step.done

    def _end(self) -> None:
        """The game's last screen has been shown; the next step begins another."""
        self.score, self._done, self.is_over = self._gained, False, True
        self.ended.append(self._gained)
        self._rest = OVER_FRAMES if self._ending == NEXT else 0


@dataclass(frozen=True)
class Look:
    """Where everything lies. tile: width of a game in pixels."""

    plan: Plan
    tile: int
    screen: tuple[int, int] = SCREEN
    gap: int = 10
    _font: int = field(default=0, repr=False)

    @property
    def font(self) -> int:
        """Size of letters, in pixels: readable from the last row."""
        return max(11, min(26, round(self.tile / 17)))

    @property
    def picture(self) -> tuple[int, int]:
        """(width, height) of a game."""
        return self.tile, round(self.tile * self.screen[0] * PIXEL[1] / (self.screen[1] * PIXEL[0]))

    @property
    def caption(self) -> int:
        """Height of the words under a game."""
        return lettering.line_height(self.font, True) + lettering.line_height(self._small) + 6

    @property
    def _small(self) -> int:
        return max(10, round(self.font * 0.82))

    @property
    def left(self) -> int:
        """Width of the rows' titles."""
        words = [*self.plan.rows, self.plan.common] if self.plan.rows else []
        return max((lettering.width(text, self.font, True) for text in words), default=0) + (24 if words else self.gap)

    @property
    def top(self) -> int:
        """Height of the columns' titles."""
        return lettering.line_height(self.font, True) + 14 if self.plan.columns else self.gap

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the whole, even numbers."""
        rows, columns = self.plan.shape
        width = self.left + columns * (self.tile + self.gap)
        height = self.top + rows * (self.picture[1] + self.caption + self.gap)
        return width + width % 2, height + height % 2

    def place(self, row: int, column: int) -> tuple[int, int]:
        """(x, y) of a tile."""
        return (self.left + column * (self.tile + self.gap),
                self.top + row * (self.picture[1] + self.caption + self.gap))  # fmt: skip


def fitting(plan: Plan, tile: int = 0, screen: tuple[int, int] = SCREEN) -> Look:
    """The look whose tiles are so wide; 0: as wide as fills a screen, in whole steps of 16. Raises ZooError."""
    if tile and not SMALLEST <= tile <= LARGEST:
        raise ZooError(f"Tiles of {tile} pixels cannot be: {SMALLEST} to {LARGEST} are wide enough to see a game.")
    looks = (Look(plan, width, screen) for width in range(480, SMALLEST, -16))
    fits = (look for look in looks if look.size[0] <= FULL[0] and look.size[1] <= FULL[1])
    return Look(plan, tile, screen) if tile else next(fits, Look(plan, SMALLEST, screen))


class Grid:
    """The games of a plan, and the picture of them. games: {(row, column): Game}; faults: {agent: sentence} of those
    that could not be loaded."""

    def __init__(self, plan: Plan, players: dict[tuple[int, int], Any], faults: dict[str, str], *, tile: int = 0,
                 ending: str = NEXT):  # fmt: skip
        """players: a Player for each tile that plays. Raises ZooError: nobody plays, a tile too small or large."""
        if ending not in ENDINGS:
            raise ZooError(f"“{ending}” is not what can follow a game's end: choose {' or '.join(ENDINGS)}.")
        if not players:
            raise ZooError(next(iter(faults.values()), "Nobody plays in this grid: name agents."))
        self.plan, self.faults = plan, faults
        self.games = {place: Game(player, ending) for place, player in players.items()}
        highest = max(player.emulator.screen_shape[0] for player in players.values())
        self.look = fitting(plan, tile, (highest, SCREEN[1]))
        self._canvas = self._ground()
        self._shown: dict[tuple[int, int], tuple] = {}

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pictures."""
        return self.look.size

    def pictures(self, count: int, fps: int = FRAMES_PER_SECOND, speed: float = 1.0) -> Iterator[np.ndarray]:
        """``count`` pictures at most, uint8 BGRA (H, W, 4), the same array each time; they end where all games do.

        speed: 1 is as fast as people play.
        """
        frames = FRAMES_PER_SECOND * speed / fps
        played = 0
        for number in range(1, count + 1):
            now = math.ceil(number * frames - 1e-9) - played
            played += now
            for place, game in self.games.items():
                game.advance(now)
                self._draw(place, game)
            yield self._canvas
            if all(game.is_held for game in self.games.values()):
                return

    def results(self) -> list[dict[str, Any]]:
        """For each tile: agent, row, column, score now, scores of ended games, and why it did not play."""
        rows = []
        for place in sorted(self.plan.tiles):
            tile, game = self.plan.tiles[place], self.games.get(place)
            fault = game.fault if game else tile.why or self.faults.get(tile.agent, "")
            row = {"agent": tile.agent or None, "title": f"{tile.title} · {tile.words}", "row": place[0],
                   "column": place[1]}  # fmt: skip
            scores = {"score": game.score, "ended": list(game.ended)} if game else {"score": None, "ended": []}
            rows.append({**row, **scores, "fault": fault})
        return rows

    # -- drawing ------------------------------------------------------------------------------------------------
    def _ground(self) -> np.ndarray:
        """What does not change."""
        look, plan = self.look, self.plan
        canvas = np.empty((look.size[1], look.size[0], 4), np.uint8)
        canvas[...] = (*GROUND, 255)
        for column, text in enumerate(plan.columns):
            x, _ = look.place(0, column)
            text = lettering.shortened(text, look.tile, look.font, True)
            lettering.write(canvas, text, x + look.tile / 2, 7, look.font, WHITE, True, "centre")
        if plan.columns:
            lettering.write(canvas, plan.common, 10, 7, look.font, DIM, True)
        for row, text in enumerate(plan.rows):
            _, y = look.place(row, 0)
            middle = y + (look.picture[1] - lettering.line_height(look.font, True)) / 2
            lettering.write(canvas, text, 10, middle, look.font, WHITE, True)
        for (row, column), tile in plan.tiles.items():
            self._draw_frame(canvas, look.place(row, column), tile, (row, column) in self.games)
        return canvas

    def _draw_frame(self, canvas: np.ndarray, at: tuple[int, int], tile: Tile, plays: bool) -> None:
        """A tile's ground and words; in the place of a game that cannot be, why."""
        (x, y), (width, height), look = at, self.look.picture, self.look
        canvas[y : y + height, x : x + width, :3] = EMPTY
        canvas[y + height : y + height + look.caption, x : x + width, :3] = RAISED
        if not plays:
            why = tile.why or self.faults.get(tile.agent, "")
            self._write_middle(canvas, at, why, DIM if tile.why else FAULT)
        room = width - 12 if not plays else round(width * 0.62)
        title = lettering.shortened(tile.title, room, look.font, True)
        lettering.write(canvas, title, x + 6, y + height + 2, look.font, WHITE if plays else DIM, True)
        second = y + height + 3 + lettering.line_height(look.font, True)
        words = lettering.shortened(tile.words, room, look._small)
        lettering.write(canvas, words, x + 6, second, look._small, DIM)

    def _write_middle(self, canvas: np.ndarray, at: tuple[int, int], text: str, colour: tuple[int, int, int]) -> None:
        """A sentence in the middle of a tile."""
        (x, y), (width, height), size = at, self.look.picture, self.look._small
        step = lettering.line_height(size)
        lines = lettering.wrapped(text, width - 16, size, max(1, (height - 8) // step))
        top = y + (height - step * len(lines)) / 2
        for number, line in enumerate(lines):
            lettering.write(canvas, line, x + width / 2, top + number * step, size, colour, align="centre")

    def _draw(self, place: tuple[int, int], game: Game) -> None:
        """A game's screen and scores, where they changed."""
        now = (id(game.frame), game.is_over, game.fault)
        if self._shown.get(place, (None, None))[0] != now:
            self._draw_screen(self.look.place(*place), game)
        told = (game.score, len(game.ended))
        if self._shown.get(place, (None, None))[1] != told:
            self._draw_scores(self.look.place(*place), game)
        self._shown[place] = now, told, game.frame

    def _draw_screen(self, at: tuple[int, int], game: Game) -> None:
        (x, y), width = at, self.look.tile
        high = round(width * game.frame.shape[0] * PIXEL[1] / (game.frame.shape[1] * PIXEL[0]))
        picture = scaled(rgb32(game.frame), (width, high))
        if game.is_over or game.fault:
            picture = picture // 3
        self._canvas[y : y + high, x : x + width] = picture
        if not (game.is_over or game.fault):
            return
        text = game.fault or "over"
        if game.fault:
            self._write_middle(self._canvas, at, text, FAULT)
            return
        big = round(self.look.font * 1.6)
        step = lettering.line_height(big, True)
        for number, line in enumerate((text, _score(game.score))):
            top = y + high / 2 - step + number * step
            lettering.write(self._canvas, line, x + width / 2, top, big, WHITE, True, "centre")

    def _draw_scores(self, at: tuple[int, int], game: Game) -> None:
        """This game's score, and below it those of the games before."""
        (x, y), (width, height), look = at, self.look.picture, self.look
        room = width - round(width * 0.62) - 18
        right = x + width - 6
        self._canvas[y + height : y + height + look.caption, right - room - 4 : right, :3] = RAISED
        lettering.write(self._canvas, _score(game.score), right, y + height + 2, look.font, WHITE, True, "right")
        if game.ended:
            second = y + height + 3 + lettering.line_height(look.font, True)
            said = _before(game.ended, room, look._small)
            lettering.write(self._canvas, said, right, second, look._small, DIM, align="right")


def players_of(plan: Plan, seed: int = 0, told: Callable[[str], None] = lambda agent: None
               ) -> tuple[dict[tuple[int, int], Any], dict[str, str]]:  # fmt: skip
    """A Player for each tile, and {agent: sentence} of those that cannot play. told: called before each is loaded.

    Agents that are still to be downloaded are. Raises ZooError where nobody can play.
    """
    from zoo_gui.play.emulator import Emulator
    from zoo_gui.play.player import Player

    loaded, faults, players = {}, {}, {}
    for id in plan.agents:
        told(id)
        try:
            loaded[id] = _loaded(id)
        except ZooError as error:
            faults[id] = str(error)
    for place, tile in plan.tiles.items():
        if tile.agent in loaded:
            agent, game = loaded[tile.agent]
            try:
                players[place] = Player(Emulator(game), agent, seed=seed)
            except ZooError as error:
                faults[tile.agent] = str(error)
    if not players:
        raise ZooError(next(iter(faults.values())))
    return players, faults


def _loaded(id: str) -> tuple[Any, str]:
    """(the Agent, None without a network; its game)."""
    from zoo_gui.agents import catalogue

    entry = catalogue.fetched(id)
    if entry.card is None and entry.path is None:
        return None, entry.game
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(id)
    return agent, agent.card.game


def _score(score: float) -> str:
    return figure(score) if math.isfinite(score) else "–"


def _before(ended: list[float], room: int, size: int) -> str:
    """The newest scores of ended games, as many as there is room for."""
    for count in range(min(len(ended), 4), 0, -1):
        said = "was " + ", ".join(map(_score, ended[-count:]))
        if lettering.width(said, size) <= room:
            return said
    return lettering.shortened(f"was {_score(ended[-1])}", room, size)
