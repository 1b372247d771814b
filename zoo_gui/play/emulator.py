"""The Arcade Learning Environment with exact snapshots and exact resets.

ALE runs with sticky actions off and one frame an ``act``; frame skip, sticky actions and no-ops are the Player's. What
makes replays exact, tried on every game that ALE has (ale-py 0.12):

- ALE's sticky action is not part of its state, hence off.
- ``reset_game`` keeps RAM and the machine's random numbers of the episode before. So the state at power-on is kept and
  restored before every reset: an episode does not depend on those before it, nor on the process.
- Whether a frame is only partly drawn is not in the state (ALE pull request 732). While some games boot (Q*bert,
  Tetris) that is so: a state is restored into an emulator in the same phase of booting.
- Restoring does not bring back the screen, which ALE draws while it plays: a snapshot carries it.

Two of 104 games are left: in Yars' Revenge up to 8 pixels of the first frame after restoring differ (ALE pull request
739), nothing else; in 3-D Tic-Tac-Toe, which stops drawing while it thinks, a restored game may go on differently.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from zoo_gui.play import games
from zoo_gui.types import ZooError, read_only

_MAGIC = b"ZGE1"
_HEADER = struct.Struct("<4sIIIHH?")  # magic; sizes of name, ALE state and packed colours; H, W; game over
SEED = 0
"""ALE's own seed: what RAM holds at power-on. Always the same, so that only the Player's seed makes a difference."""


BOOTING = 4
"""Frames after a reset by which every game draws whole frames: two, and some to spare."""


class Emulator:
    """One running game.

    game: its id. height, width: of the screen, (210, 160) in most games. minimal_actions, all_actions: ALE's action
    names (``UPFIRE``), those that the game uses and all 18; ``code`` gives the number that ``act`` takes.
    """

    def __init__(self, game: str):
        """Boot ``game`` (any spelling). Raises ZooError: no such game, no ROM, or a ROM file that ALE does not know."""
        import ale_py

        self.game = games.find(game)
        self.title = games.title(self.game)
        path = games.rom_path(self.game)
        ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
        if ale_py.ALEInterface.isSupportedROM(path) is None:  # loadROM would end the process
            raise ZooError(f"{path} is not the ROM of {self.title} that ALE knows: replace the file.")
        self._ale = ale_py.ALEInterface()
        self._ale.setFloat("repeat_action_probability", 0.0)
        self._ale.setInt("frame_skip", 1)
        self._ale.setInt("random_seed", SEED)
        self._ale.loadROM(path)
        self.height, self.width = self._ale.getScreenDims()
        self.minimal_actions = tuple(action.name for action in self._ale.getMinimalActionSet())
        self._codes = {action.name: action.value for action in self._ale.getLegalActionSet()}
        self.all_actions = tuple(self._codes)
        self._rgb = np.empty((self.height, self.width, 3), np.uint8)
        self._gray = np.empty((self.height, self.width), np.uint8)
        self._ram = np.empty(self._ale.getRAMSize(), np.uint8)
        self._palette = np.zeros((256, 4), np.uint8)  # (R, G, B, grey) of each colour number seen so far
        self._known = np.zeros(256, bool)
        self._restored: np.ndarray | None = None  # the restored screen's colour numbers, until the next frame
        self._power_on = self._ale.cloneState(include_rng=True)
        self._ale.reset_game()
        self.reset()

    def reset(self) -> None:
        """Start the game anew: bit for bit what a new Emulator is in, whatever was played before."""
        self._load(self._power_on)
        self._ale.reset_game()
        self._restored, self._over = None, False

    def code(self, action: str) -> int:
        """The number for ``act`` of one of ALE's action names. Raises ZooError."""
        if action not in self._codes:
            raise ZooError(f"“{action}” is not an action of the joystick: ALE has {', '.join(self._codes)}.")
        return self._codes[action]

    def codes(self, actions: tuple[str, ...]) -> tuple[int, ...]:
        """The numbers of actions as a card names them: by name, or ``#2``, the third that the game uses; FIRE and what
        follows it only where the game has FIRE. Raises ZooError."""
        if "FIRE" in actions and "FIRE" not in self.minimal_actions:
            actions = actions[: actions.index("FIRE")]
        return tuple(self._numbered(action) if action.startswith("#") else self.code(action) for action in actions)

    def _numbered(self, action: str) -> int:
        known = self.minimal_actions
        if not action[1:].isdecimal() or int(action[1:]) >= len(known):
            raise ZooError(f"“{action}” is not an action of {self.title}: it has #0 to #{len(known) - 1}.")
        return self.code(known[int(action[1:])])

    def act(self, code: int) -> int:
        """Play one frame with the joystick at ``code``; the unclipped reward. Nothing happens once the game is over."""
        if self._over:
            return 0
        self._restored = None
        reward = self._ale.act(code)
        self._over = self._ale.game_over()
        return reward

    @property
    def screen_shape(self) -> tuple[int, int, int]:
        """(H, W, 3) of ``screen_rgb``."""
        return (self.height, self.width, 3)

    @property
    def game_over(self) -> bool:
        """Whether the game has ended."""
        return self._over

    @property
    def lives(self) -> int:
        """Lives left; 0 in games without lives."""
        return self._ale.lives()

    @property
    def frame_number(self) -> int:
        """Frames played since the reset."""
        return self._ale.getEpisodeFrameNumber()

    def screen_rgb(self, out: np.ndarray | None = None) -> np.ndarray:
        """(H, W, 3) uint8 into ``out`` (contiguous), or into a buffer that the next call uses again."""
        out = self._rgb if out is None else out
        if self._restored is None:
            self._ale.getScreenRGB(out)
        else:
            out[...] = self._palette[:, :3][self._restored]
        return out

    def screen_gray(self, out: np.ndarray | None = None) -> np.ndarray:
        """(H, W) uint8 of ALE's grey palette into ``out``, or into a buffer that the next call uses again."""
        out = self._gray if out is None else out
        if self._restored is None:
            self._ale.getScreenGrayscale(out)
        else:
            out[...] = self._palette[:, 3][self._restored]
        return out

    def screen_codes(self) -> np.ndarray:
        """(H, W) uint8, the screen as ALE's colour numbers, read-only; ``palette`` has their colours."""
        if self._restored is not None:
            return self._restored
        screen = self._ale.getScreen()
        self._learn_colours(screen)
        return read_only(screen)

    @property
    def palette(self) -> np.ndarray:
        """(256, 4) uint8: R, G, B and grey of the colour numbers seen so far, 0 of the others. Changes in place."""
        return self._palette

    def ram(self, out: np.ndarray | None = None) -> np.ndarray:
        """(128,) uint8 into ``out``, or into a buffer that the next call uses again."""
        out = self._ram if out is None else out
        self._ale.getRAM(out)
        return out

    def snapshot(self) -> "EmulatorState":
        """Everything that playing on depends on, and the screen."""
        screen = self.screen_codes()
        state = self._ale.cloneState(include_rng=True)
        return EmulatorState(self.game, state, screen, self._palette.copy(), self._over)

    def restore(self, snapshot: "EmulatorState") -> None:
        """Go back to a snapshot, made by this emulator or another. Raises ZooError when it is of another game."""
        if snapshot.game != self.game or snapshot.screen.shape != (self.height, self.width):
            raise ZooError(f"This snapshot is of {games.title(snapshot.game)}: it cannot be restored in {self.title}.")
        if snapshot.state.getEpisodeFrameNumber() == 0:
            return self.reset()
        self._load(snapshot.state)
        self._palette[...] = snapshot.palette
        self._known[:] = False  # only the colours of its own screen are sure
        self._restored, self._over = snapshot.screen, snapshot.over

    def _load(self, state) -> None:
        """Restore one of ALE's states, in the phase of booting in which it was made (see the module)."""
        early = state.getEpisodeFrameNumber()
        if 0 < early < BOOTING:
            self.reset()
            for _ in range(early):
                self._ale.act(0)
        else:
            for _ in range(BOOTING - self.frame_number):
                self._ale.act(0)
        self._ale.restoreState(state)

    def _learn_colours(self, screen: np.ndarray) -> None:
        """Have in ``_palette`` the colours of every colour number on ``screen`` (H, W)."""
        if not cv2.LUT(screen, self._known.view(np.uint8)).all():  # a third of the time that counting takes, every step
            self._palette[screen.ravel(), :3] = self.screen_rgb().reshape(-1, 3)
            self._palette[screen.ravel(), 3] = self.screen_gray().ravel()
            self._known[screen.ravel()] = True


@dataclass(frozen=True)
class EmulatorState:
    """A snapshot of an Emulator; about 50 kB, 17 kB as bytes.

    game: the id. state: ALE's. screen: (H, W) uint8 colour numbers. palette: (256, 4) uint8, R, G, B and grey of the
    numbers on the screen. over: whether the game has ended.
    """

    game: str
    state: Any
    screen: np.ndarray
    palette: np.ndarray
    over: bool

    def to_bytes(self) -> bytes:
        """The same in one piece, without pickle, for a file or another process."""
        name, state = self.game.encode(), self.state.serialize()
        packed = zlib.compress(self.screen.tobytes() + self.palette.tobytes(), 1)
        body = _HEADER.pack(_MAGIC, len(name), len(state), len(packed), *self.screen.shape, self.over)
        body += name + state + packed
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, data: bytes) -> "EmulatorState":
        """Read ``to_bytes``. Raises ZooError when it is damaged.

        The checksum finds accidents, not ill will: ALE reads its state without further checks, so read only what this
        program wrote.
        """
        import ale_py

        body, checksum = data[:-4], data[-4:]
        if len(body) < _HEADER.size or body[:4] != _MAGIC or zlib.crc32(body).to_bytes(4, "little") != checksum:
            raise ZooError("This snapshot is damaged or of another version: make a new one.")
        _, *sizes, height, width, over = _HEADER.unpack_from(body)
        name, state, packed = _split(body[_HEADER.size :], sizes)
        colours = np.frombuffer(zlib.decompress(packed), np.uint8)
        screen, palette = colours[: height * width].reshape(height, width), colours[height * width :].reshape(256, 4)
        return cls(name.decode(), ale_py.ALEState(state), screen, palette, over)


def _split(data: bytes, sizes: list[int]) -> list[bytes]:
    ends = np.cumsum(sizes)
    return [data[end - size : end] for size, end in zip(sizes, ends)]
