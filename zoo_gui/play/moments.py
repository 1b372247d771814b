"""What happened, moment by moment, kept so that it can be asked about: numbers of every step, every unit's peak, the
screen and what the network saw; and, in a sitting, the way back to any of them.

A *moment* is one agent step: what the agent saw before acting, and what that action earned. The engine keeps those of a
sitting, ``record`` those of a rollout; analyses of many moments (patches, unit search, probes, groups) take either.
"""

from __future__ import annotations

import copy
import math
import zlib
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.play.disturbance import Disturbed
from zoo_gui.play.disturbed import remembered
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.moment_columns import columns, follows, values
from zoo_gui.play.played import Played
from zoo_gui.play.player import Player, Snapshot
from zoo_gui.types import LayerInfo, Progress, Step, Unit, ZooError

CAPACITY = 20_000
"""Moments that are kept at most, the newest: 22 minutes at game speed."""
CAPACITY_BYTES = 256 << 20
"""And no more than fit into this, by an estimate: networks of many units keep fewer."""
BLOCK = 512
LATE_BATCH = 32
KEY_EVERY = 16
"""Moments from one snapshot to the next: on the way back to a moment fewer than so many are played again."""
PACKED_BYTES = 4000
"""A moment's screen and observation, packed: about."""


class Moments:
    """Moments of one agent in one game, oldest first. Rows are numbered from 0 by position, and have an ``id`` that
    stays theirs when older ones are dropped.

    layers: of the network, () without one. action_names, screen (H, W), observation_shape (h, w, C), frame_box: as in
    LaneInfo.
    keys: {id: Snapshot before that moment}, of a sitting.
    """

    def __init__(
        self,
        layers: Sequence[LayerInfo],
        action_names: Sequence[str],
        screen: tuple[int, int],
        observation_shape: tuple[int, int, int] = (0, 0, 0),
        *,
        state_size: int = 0,
        frame_channels: int = 1,
        frame_box: tuple[int, int, int, int] | None = None,
        capacity: int = CAPACITY,
    ):
        self.layers, self.action_names = tuple(layers), tuple(action_names)
        self.screen, self.observation_shape = tuple(screen), tuple(observation_shape)
        self.frame_channels, self.frame_box = frame_channels, frame_box
        self.keys: dict[int, Snapshot] = {}
        self.agent: Any = None
        self._lay_out(state_size)
        row = sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in self._columns.values())
        self.capacity = max(2 * BLOCK, min(capacity, CAPACITY_BYTES // (row + PACKED_BYTES)))
        self._palette = np.zeros((256, 3), np.uint8)
        self._blocks: list[dict[str, np.ndarray]] = []
        self._screens: list[bytes] = []
        self._seen: list[tuple[bool, bytes]] = []
        self._played: list[Played | None] = []
        self._disturbed: list[Disturbed | None] = []
        self._count, self._last_seen = 0, None

    def _lay_out(self, state_size: int) -> None:
        """Where each layer's units lie in the columns."""
        ends = np.cumsum([0, *(info.units for info in self.layers)]).tolist()
        self._units = {info.name: slice(*ends[i : i + 2]) for i, info in enumerate(self.layers)}
        maps = [info for info in self.layers if len(info.shape) == 3]
        ends = np.cumsum([0, *(info.units for info in maps)]).tolist()
        self._maps = {info.name: slice(*ends[i : i + 2]) for i, info in enumerate(maps)}
        self._columns = columns(sum(info.units for info in self.layers), ends[-1], len(self.action_names), state_size)

    def __len__(self) -> int:
        return self._count

    # -- recording ----------------------------------------------------------------------------------------------
    def add(
        self,
        step: Step,
        number: int,
        screen: np.ndarray,
        palette: np.ndarray,
        state: np.ndarray | None = None,
        key: Snapshot | None = None,
        played: Played | None = None,
        watched: bool = False,
        disturbed: Disturbed | None = None,
        undisturbed: np.ndarray | None = None,
    ) -> None:
        """Keep a step as the newest moment, with the id ``number``, greater than all before.

        screen: (H, W) uint8 colour numbers of what ``step.frame`` shows; palette: (256, ≥3) uint8, theirs. state: the
        network's memory before the step. key: the player's snapshot before the step, for the way back. played: what the
        emulator was told; watched: by another player. disturbed, undisturbed: as in Player, of a step that was.
        """
        if self._count % BLOCK == 0 and self._count == BLOCK * len(self._blocks):
            block = {name: np.zeros((BLOCK, *shape), kind) for name, (shape, kind) in self._columns.items()}
            self._blocks.append(block)
        block, row = self._blocks[-1], self._count % BLOCK
        for name, value in values(step, number, watched).items():
            block[name][row] = value
        if state is not None and state.size:
            block["state"][row] = state
        if step.decision.activations:
            self._measure(step.decision.activations, block["peaks"][row], block["places"][row])
        self._palette[palette.any(1)] = palette[palette.any(1), :3]
        self._screens.append(zlib.compress(screen.tobytes(), 1))
        self._see(step.observation if disturbed is None else undisturbed)
        self._played.append(played)
        self._disturbed.append(disturbed)
        self._count += 1
        if key is not None:
            self.keys[number] = key
        if self._count >= self.capacity + BLOCK:
            self._drop_oldest()

    def _measure(self, activations: Mapping[str, np.ndarray], peaks: np.ndarray, places: np.ndarray) -> None:
        """Each unit's largest activation, and where in its map that is, of the layers that are given."""
        for info in self.layers:
            values = activations.get(info.name)
            if values is None:
                continue
            if info.name in self._maps:
                flat = values.reshape(-1, info.units)
                where = flat.argmax(0)
                places[self._maps[info.name]] = where
                values = flat[where, np.arange(info.units)]
            peaks[self._units[info.name]] = values

    def _see(self, observation: np.ndarray) -> None:
        """Keep an observation: where it continues the one before, only its newest frame."""
        new, last = self.frame_channels, self._last_seen
        if last is not None and follows(observation, last, new):
            self._seen.append((False, zlib.compress(observation[..., -new:].tobytes(), 1)))
        else:
            self._seen.append((True, zlib.compress(observation.tobytes(), 1)))
        self._last_seen = observation

    def forget_after(self, number: int) -> None:
        """Drop the moments with ids from ``number`` on: the engine went back and steps them anew."""
        ids = self.column("id")
        kept = int(np.searchsorted(ids, number))
        if kept == self._count:
            return
        self.keys = {key: snapshot for key, snapshot in self.keys.items() if key < number}
        self._count = kept
        del self._blocks[-(-kept // BLOCK) :]
        for rows in (self._screens, self._seen, self._played, self._disturbed):
            del rows[kept:]
        self._last_seen = None

    def _drop_oldest(self) -> None:
        for row in range(BLOCK, BLOCK + 64):  # what follows must not lean on an observation that goes
            if row >= self._count or self._seen[row][0]:
                break
            self._seen[row] = (True, zlib.compress(self.undisturbed(row).tobytes(), 1))
        del self._blocks[0]
        for rows in (self._screens, self._seen, self._played, self._disturbed):
            del rows[:BLOCK]
        self._count -= BLOCK
        first = int(self._blocks[0]["id"][0])
        self.keys = {key: snapshot for key, snapshot in self.keys.items() if key >= first}

    def freeze(self) -> "Moments":
        """These moments as they are now, for another thread: what is added or dropped later does not show in them."""
        other = copy.copy(self)
        for name in ("_blocks", "_screens", "_seen", "_played", "_disturbed"):
            setattr(other, name, list(getattr(self, name)))
        for place in range(max(0, len(other._blocks) - 2), len(other._blocks)):  # what going back may write anew
            other._blocks[place] = {name: array.copy() for name, array in other._blocks[place].items()}
        other._palette, other.keys = self._palette.copy(), dict(self.keys)
        return other

    def for_agent(self, agent: Any, known: "Moments | None" = None) -> Iterator[Progress]:
        """The same moments with the units of ``agent``, which differs from the one that made them in layers of groups.

        The last Progress has them. What is kept of layers that both have stays; peaks of a new layer are taken from
        ``known`` for the moments that it has, and computed for the others (also for those taken under an intervention,
        as if there had been none). They share what both hold with these, which should not be added to any more.
        """
        other = copy.copy(self)
        other.layers, other.agent = tuple(agent.layers), agent
        other._lay_out(self._columns["state"][0][0])
        had = {info.name for info in self.layers}
        wide = {name: other._columns[name] for name in ("peaks", "places")}
        other._blocks = [
            block | {name: np.zeros((BLOCK, *shape), kind) for name, (shape, kind) in wide.items()}
            for block in self._blocks
        ]
        for old, new in zip(self._blocks, other._blocks):
            for name in (info.name for info in other.layers if info.name in had):
                new["peaks"][:, other._units[name]] = old["peaks"][:, self._units[name]]
                if name in other._maps:
                    new["places"][:, other._maps[name]] = old["places"][:, self._maps[name]]
        late = tuple(info for info in other.layers if info.name not in had)
        rows = other._take_from(known, late) if known is not None else np.arange(self._count)
        for start in range(0, len(rows) if late else 0, LATE_BATCH):
            yield Progress(start, len(rows), f"looking at moment {start:,} of {len(rows):,}")
            part = rows[start : start + LATE_BATCH]
            computed = self.activations(agent, part, [info.name for info in late])
            for place, row in enumerate(part):
                block = other._blocks[row // BLOCK]
                values = {info.name: computed[info.name][place] for info in late}
                other._measure(values, block["peaks"][row % BLOCK], block["places"][row % BLOCK])
        yield Progress(1, 1, "done", other)

    def _take_from(self, known: "Moments", late: Sequence[LayerInfo]) -> np.ndarray:
        """Copy the peaks of these layers for every moment that ``known`` has; the rows of the others."""
        ids, others = self.column("id"), known.column("id")
        places = np.minimum(np.searchsorted(others, ids), max(0, len(others) - 1))
        has = others[places] == ids if len(others) else np.zeros(len(ids), bool)
        for info in late:
            peaks, where = known.peaks(info.name), known.places(info.name)
            for row in np.flatnonzero(has):
                block, place = self._blocks[row // BLOCK], row % BLOCK
                block["peaks"][place, self._units[info.name]] = peaks[places[row]]
                if where is not None:
                    block["places"][place, self._maps[info.name]] = where[places[row]]
        return np.flatnonzero(~has)

    # -- asking -------------------------------------------------------------------------------------------------
    def column(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """One number of every moment, (N, …): ``id``, ``episode``, ``index`` (agent steps from 0), ``action``,
        ``reward``, ``episode_return`` (before), ``value`` and ``entropy`` (nan where undefined), ``lives``, ``done``,
        ``edited``, ``watched`` (another drove: the action is what this agent would have done), ``ram`` (N, 128) uint8,
        ``scores`` (N, A), ``state`` (N, S) before."""
        parts = [block[name] for block in self._blocks]
        if not parts:
            shape, dtype = self._columns[name]
            return np.zeros((0, *shape), dtype)
        return np.concatenate(parts)[: self._count][rows]

    def peaks(self, layer: str) -> np.ndarray:
        """(N, units) float32: each unit's activation, of a map its largest, after non-linearity and edits."""
        return self._part("peaks", self._units[self._known(layer)])

    def places(self, layer: str) -> np.ndarray | None:
        """(N, units) int64: where in its map each unit was largest, row · W + column; None for dense layers."""
        part = self._maps.get(self._known(layer))
        return None if part is None else self._part("places", part).astype(np.int64)

    def peak(self, unit: Unit) -> np.ndarray:
        """(N,) float32, one unit's peaks."""
        return self.peaks(unit.layer)[:, unit.index]

    def _part(self, name: str, part: slice) -> np.ndarray:
        parts = [block[name][:, part] for block in self._blocks]
        return np.concatenate(parts)[: self._count] if parts else np.zeros((0, part.stop - part.start), np.float32)

    def _known(self, layer: str) -> str:
        if layer not in self._units:
            names = ", ".join(self._units) or "none: it has no network"
            raise ZooError(f"There is no layer “{layer}” in these moments: this network has {names}.")
        return layer

    def frame(self, row: int) -> np.ndarray:
        """(H, W, 3) uint8: the screen that the agent saw before acting."""
        codes = np.frombuffer(zlib.decompress(self._screens[row]), np.uint8).reshape(self.screen)
        return self._palette[codes]

    def observation(self, row: int) -> np.ndarray:
        """(h, w, C) as the network got it: uint8, or float32 in the same units."""
        disturbed = self._disturbed[row]
        return self.undisturbed(row) if disturbed is None else disturbed.seen(self.undisturbed(row))

    def undisturbed(self, row: int) -> np.ndarray:
        """The observation before a disturbance changed it, which may be that of an earlier step (a frame drop)."""
        parts, needed = [], self.observation_shape[-1]
        while True:
            whole, packed = self._seen[row]
            part = self._unpacked(packed, self.observation_shape[-1] if whole else self.frame_channels)
            parts.insert(0, part)
            needed -= self.frame_channels if not whole else needed
            if needed <= 0:
                return np.ascontiguousarray(np.concatenate(parts, -1)[..., -self.observation_shape[-1] :])
            row -= 1

    def _unpacked(self, packed: bytes, channels: int) -> np.ndarray:
        raw, shape = zlib.decompress(packed), (*self.observation_shape[:2], channels)
        return np.frombuffer(raw, np.uint8 if len(raw) == math.prod(shape) else np.float32).reshape(shape)

    def observations(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """(n, h, w, C) of these rows."""
        found = [self.observation(int(row)) for row in rows]
        return np.stack(found) if found else np.zeros((0, *self.observation_shape), np.uint8)

    def played(self, row: int) -> Played | None:
        """What the emulator was told in that step; None where it was not kept."""
        return self._played[row]

    def disturbed(self, row: int) -> Disturbed | None:
        """What was done to that step; None: nothing."""
        return self._disturbed[row]

    def row_of(self, number: int) -> int | None:
        """The row of the moment with that id, or None where it is no longer kept."""
        ids = self.column("id")
        row = int(np.searchsorted(ids, number))
        return row if row < len(ids) and ids[row] == number else None

    def activations(self, agent: Any, rows: Sequence[int] | np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """{layer: (n, *shape) float32}, computed anew by ``agent`` from what it saw at these rows; its edits as now."""
        states = self.column("state")[np.asarray(rows, int)]
        found: dict[str, list] = {layer: [] for layer in layers}
        for start in range(0, len(rows), 128):
            part = slice(start, start + 128)
            memory = {"state": states[part]} if states.shape[1] else {}
            computed = agent.activations(self.observations(rows[part]), **memory)
            for layer in layers:
                if layer not in computed:
                    raise ZooError(f"There is no layer “{layer}”: this network has {', '.join(computed)}.")
                found[layer].append(np.array(computed[layer]))
        shapes = {info.name: info.shape for info in (*self.layers, *agent.layers)}
        return {
            layer: np.concatenate(parts) if parts else np.zeros((0, *shapes[layer]), np.float32)
            for layer, parts in found.items()
        }


def go_back(player: Player, moments: Moments, number: int) -> bool:
    """Bring a player to where it was before the moment with id ``number``; False where that is no longer kept.

    From the last snapshot before it, by playing the recorded actions again, or what another player did: exact, whoever
    chose them.
    """
    row = moments.row_of(number)
    key = max((key for key in moments.keys if key <= number), default=None)
    start = None if key is None else moments.row_of(key)
    if row is None or start is None:
        return False
    player.restore(moments.keys[key])
    memory, actions, watched = player.memory, moments.column("action"), moments.column("watched")
    for passed in range(start, row):
        if watched[passed]:
            player.step(follow=moments.played(passed), coloured=False)
        else:
            player.step(forced=int(actions[passed]), coloured=False)
    if moments.column("state").shape[1]:  # as it was then, whatever is edited, covered or disturbed now
        player.remember(moments.column("state")[row])
    player.recollect(remembered(memory, moments, range(start, row)))
    return True


def recorded(agent: Any, **settings: Any) -> Moments:
    """``record``, without its progress."""
    *_, last = record(agent, **settings)
    return last.result


def of_player(player: Player, capacity: int = CAPACITY) -> Moments:
    """Empty Moments that fit a player's agent and game."""
    agent, spec = player.agent, player.preprocessing
    found = Moments(
        agent.layers if agent else (), player.action_names, player.emulator.screen_shape[:2],
        agent.observation_shape if agent else (0, 0, 0), state_size=len(player.state_before) if agent else 0,
        frame_channels=3 if spec.color == "rgb" else 1, capacity=capacity,
        frame_box=player.pipeline.frame_box if player.pipeline else None,
    )  # fmt: skip
    found.agent = agent
    return found


def keep(
    moments: Moments, player: Player, step: Step, number: int, key: Snapshot | None = None, watched: bool = False
) -> None:
    """``Moments.add`` of a player's newest step."""
    moments.add(step, number, player.screen_codes, player.emulator.palette, player.state_before, key, player.played,
                watched, player.disturbed, player.undisturbed)  # fmt: skip


def record(
    agent: Any, *, steps: int = 2500, seed: int = 0, game: str = "", sticky: float | None = None
) -> Iterator[Progress]:
    """Play ``steps`` agent steps, as many games as that takes; the last Progress has the Moments, ids from 0.

    Episode e is what a Player of ``seed`` plays as its episode e. game, sticky: by default the agent's. Raises
    ZooError.
    """
    if not 1 <= steps <= CAPACITY:
        raise ZooError(f"{steps} steps cannot be recorded: give a whole number from 1 to {CAPACITY:,}.")
    player = Player(Emulator(game or agent.card.game), agent, seed=seed, sticky=sticky)
    found = of_player(player, capacity=steps)
    for done in range(steps):
        key = player.snapshot() if done % KEY_EVERY == 0 else None
        keep(found, player, player.step(coloured=False), done, key)
        if done % 8 == 0:
            yield Progress(done, steps, f"playing: {done:,} of {steps:,} steps")
    yield Progress(steps, steps, f"{steps:,} steps", found)
