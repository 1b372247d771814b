"""Whether the lanes play each their own game, see one that a lane drives, or one that was played before; and how far
apart their decisions are then.

A lane that watches has an emulator of its own, which goes bit for bit where the driver's went: all that is done to
lanes (showing, keeping moments, going back) is done to it as to any other, and it can take over at any step.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from zoo_gui.play.agreement import apart
from zoo_gui.play.meaning import Meaning
from zoo_gui.play.moments import Moments, go_back
from zoo_gui.play.played import Played, Recording, same_game
from zoo_gui.types import Step, StepSummary, ZooError

if TYPE_CHECKING:
    from zoo_gui.engine.lane import Lane

#: Steps that who joins a game sees before it decides, so that its stack and memory are of this game.
WARM = 16


class OneGame:
    """mode: ``own``, ``shared`` or ``replay``. driver: the lane that acts in a shared game. at: the step of the
    recording that comes next."""

    def __init__(self):
        self.mode = "own"
        self.driver: Lane | None = None
        self.recording: Recording | None = None
        self.at = 0
        self._positions: dict[int, int] = {}
        self._meanings: dict[int, tuple[Any, Meaning]] = {}

    def role(self, lane: Lane) -> str:
        """As LaneInfo's ``input``: ``own``, ``drives``, ``watches`` or ``replay``."""
        if self.mode != "shared":
            return self.mode
        return "drives" if lane is self.driver else "watches"

    @property
    def frame_skip(self) -> int | None:
        """Emulator frames of a step, of all lanes alike; None where each plays its own game."""
        if self.mode == "own":
            return None
        return self.driver.player.frame_skip if self.mode == "shared" else self.recording.steps[0].skips[1]

    @property
    def ended(self) -> bool:
        """Whether the recording has no further step."""
        return self.mode == "replay" and self.at >= len(self.recording.steps)

    @property
    def ends(self) -> bool:
        """Whether the coming step is the recording's last."""
        return self.mode == "replay" and self.at == len(self.recording.steps) - 1

    # -- stepping -----------------------------------------------------------------------------------------------
    def order(self, lanes: Sequence[Lane]) -> list[int]:
        """The lanes' places in the order in which they step: who drives comes first."""
        return sorted(range(len(lanes)), key=lambda i: lanes[i] is not self.driver)

    def follow(self, lane: Lane) -> Played | None:
        """What a lane's coming step follows, None: its own decision."""
        if self.mode == "own" or lane is self.driver:
            return None
        return self.driver.player.played if self.mode == "shared" else self.recording.steps[self.at]

    def stepped(self, moment: int) -> None:
        """All lanes have made the step of that moment."""
        if self.mode == "replay":
            self._positions[moment] = self.at
            self.at += 1

    def went_back(self, steps: int) -> None:
        """The lanes took back so many steps."""
        self.at = max(0, self.at - steps)

    def measured(
        self, lanes: Sequence[Lane], made: Sequence[tuple[Step, StepSummary]]
    ) -> list[tuple[Step, StepSummary]]:
        """The lanes' steps, whose summaries have the greedy choices and how far apart each two are."""
        if self.mode == "own":
            return list(made)
        scores = [step.decision.scores for step, _ in made]
        meanings = [self._meaning(lane) for lane in lanes]
        far = np.full((len(lanes), 4), np.nan)
        judged = [i for i, one in enumerate(scores) if one.size and np.isfinite(one).all()]
        for i, j in combinations(judged, 2):
            kinds = [lanes[k].player.agent.scores_kind for k in (i, j)]
            far[i, j] = far[j, i] = apart(meanings[i], scores[i], kinds[0], meanings[j], scores[j], kinds[1])
        found = []
        for i, (step, summary) in enumerate(made):
            choice = int(meanings[i].choice(scores[i])) if i in judged else -1
            measures = {f"apart_{j}": float(far[i, j]) for j in range(4)}
            found.append((step, summary._replace(choice=choice, **measures)))
        return found

    def _meaning(self, lane: Lane) -> Meaning:
        kept = self._meanings.get(id(lane))
        if kept is None or kept[0] is not lane:
            player = lane.player
            kept = self._meanings[id(lane)] = lane, Meaning(player.emulator.minimal_actions, player.action_names)
        return kept[1]

    # -- changing -----------------------------------------------------------------------------------------------
    def own(self) -> None:
        """From now on each lane plays its own game, from where it stands."""
        self.mode, self.driver, self.recording = "own", None, None

    def share(self, lanes: Sequence[Lane], driver: Lane) -> None:
        """From now on ``driver`` acts, and all see its game. Lanes that stand elsewhere come to where it stands, having
        seen the steps before. Raises ZooError for lanes of different games."""
        _same(lanes)
        self.own()
        gather(driver, lanes)
        self.mode, self.driver = "shared", driver

    def share_from_beginning(self, lanes: Sequence[Lane], driver: Lane) -> None:
        """The same for lanes that all begin anew with ``driver``'s next step, which begins an episode."""
        _same(lanes)
        self.own()
        self.mode, self.driver = "shared", driver

    def replay(self, lanes: Sequence[Lane], recording: Recording) -> None:
        """From now on all lanes see a game that was played, from its beginning. Raises ZooError for another game."""
        emulators = [lane.player.emulator for lane in lanes]
        titles = [_title(recording.game), *(emulator.title for emulator in emulators)]
        same_game([recording.game, *(emulator.game for emulator in emulators)], titles)
        self.mode, self.driver, self.recording, self.at, self._positions = "replay", None, recording, 0, {}

    def begin(self, next_game: bool = False) -> None:
        """The lanes begin anew: the recording at its first step, or at the game after the one that is on."""
        if self.mode == "replay":
            begins = (i for i in range(self.at, len(self.recording.steps)) if self.recording.steps[i].begins)
            self.at = next(begins, 0) if next_game else 0

    def sought(self, lanes: Sequence[Lane], went: Sequence[Lane], moment: int | None) -> None:
        """Some lanes went to a moment that was kept, None: of a rollout: the others follow, and where the recording has
        no such place, a lane drives from there."""
        if self.mode == "own" or not went:
            return
        if self.mode == "replay" and moment in self._positions:
            self.at = self._positions[moment]
            return gather(went[0], lanes)
        self.share(lanes, self.driver if self.driver in went else went[0])

    def revise(self, lanes: Sequence[Lane]) -> str:
        """The lanes changed: stay as it is where that can be; else a sentence that says why not, "" where it can."""
        self._meanings = {}
        if self.mode == "own":
            return ""
        try:
            _same(lanes)
            if self.mode == "replay":
                self.replay(lanes, self.recording)
            elif self.driver not in lanes:
                self.driver = lanes[0]
        except ZooError as error:
            self.own()
            return f"{error} Each plays its own now."
        return ""


def gather(lane: Lane, lanes: Sequence[Lane]) -> None:
    """Bring the other lanes to where a lane stands, unless they are there. It stands there as before, exactly."""
    player = lane.player
    state = player.emulator.snapshot().to_bytes()
    others = [one for one in lanes if one is not lane and one.player.emulator.snapshot().to_bytes() != state]
    if not others:
        return
    here = player.snapshot()
    start, rows = _before(lane)
    warm = bool(rows) and go_back(player, lane.moments, start)
    for one in others:
        one.player.stand_with(player)
        one.forget(joined=True)
    if warm:
        actions, watched = lane.moments.column("action"), lane.moments.column("watched")
        for row in rows:
            if watched[row]:
                player.step(follow=lane.moments.played(row), coloured=False)
            else:
                player.step(forced=int(actions[row]), coloured=False)
            for one in others:
                one.player.step(follow=player.played, coloured=False)
        player.restore(here)
        if any(one.player.emulator.snapshot().to_bytes() != state for one in others):  # a moment was edited meanwhile
            for one in others:
                one.player.stand_with(player)


def _before(lane: Lane) -> tuple[int, range]:
    """(a moment's id, the rows from it up to where the lane stands): of the episode that it plays, at most WARM; no
    rows where the steps before were not kept."""
    moments: Moments = lane.moments
    row = len(moments) if lane.revisits is None else moments.row_of(lane.revisits)
    if not row:
        return 0, range(0)
    episode, index, ids = moments.column("episode"), moments.column("index"), moments.column("id")
    stands = lane.player.place
    first = row
    while first > 0 and row - first < WARM and (episode[first - 1], index[first - 1]) == (
        stands[0], stands[1] - 1 - (row - first)
    ):  # fmt: skip
        first -= 1
    return (int(ids[first]), range(first, row)) if first < row else (0, range(0))


def _same(lanes: Sequence[Lane]) -> None:
    emulators = [lane.player.emulator for lane in lanes]
    same_game([emulator.game for emulator in emulators], [emulator.title for emulator in emulators])


def _title(game: str) -> str:
    from zoo_gui.play.games import title

    return title(game)
