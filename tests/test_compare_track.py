"""The numbers behind the disagreement strip: each shared moment once, in counts and places that last."""

import math

import numpy as np
import pytest

from zoo_gui.history import History
from zoo_gui.types import StepSummary
from zoo_gui.widgets.compare_track import Track


def step(number, moment, choice, episode=0, **apart):
    return StepSummary(number, episode, number, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 1, False, 1.0, moment, choice, **apart)


def shared(histories, rows):
    """rows: (moment, choices of the lanes, distances of the pairs 0-1, 0-2, 1-2, episode)"""
    for moment, choices, far, episode in rows:
        number = histories[0].appended
        pairs = {(0, 1): far[0], **({(0, 2): far[1], (1, 2): far[2]} if len(choices) > 2 else {})}
        for lane, history in enumerate(histories):
            apart = {f"apart_{other}": pairs[min(lane, other), max(lane, other)]
                     for other in range(len(choices)) if other != lane}  # fmt: skip
            history.append([step(number, moment, choices[lane], episode, **apart)])


def two(choices, far, capacity=50, episodes=None):
    histories = [History(capacity), History(capacity)]
    rows = [(k, pair, [value], 0 if episodes is None else episodes[k])
            for k, (pair, value) in enumerate(zip(choices, far))]  # fmt: skip
    shared(histories, rows)
    track = Track(capacity)
    track.read(histories)
    return track, histories


def test_moments_are_counted_once_and_only_where_lanes_share_a_game():
    track, histories = two([(3, 3), (3, 4), (4, 4), (3, 4)], [0.0, 0.5, 0.1, 0.9])
    # seen again after going back; each its own game; shared again
    shared(histories, [(1, (3, 4), [0.5], 0), (4, (-1, -1), [math.nan], 0), (5, (3, 3), [0.25], 0)])
    assert track.read(histories) and not track.read(histories)
    assert [track.moment(place) for place in range(track.first, track.end)] == [0, 1, 2, 3, 5]
    assert track.together[0, 1] == track.together[1, 0] == 5 and track.equal[0, 1] == 3
    assert track.far[1, 0] == pytest.approx(1.75)
    assert track.place(3) == 3 and track.place(4) is None and track.before(5) == 3 and track.before(99) == 4
    assert track.apart((0, 1), 3) == pytest.approx(0.9) and track.choice(1, 3) == 4
    assert list(track.begins(0, 5)) == [True, False, False, False, True]
    assert list(track.begins(2, 5)) == [False, False, True]


def test_other_histories_begin_anew():
    track, _ = two([(3, 4)] * 3, [0.5] * 3)
    again = [History(50), History(50)]
    assert not track.read(again) and len(track) == 0 and track.together.sum() == 0
    shared(again, [(0, (3, 3), [0.0], 0)])
    assert track.read(again) and track.equal[0, 1] == 1


def test_partings_are_where_runs_begin_or_the_farthest_of_each():
    same, other = (3, 3), (3, 4)
    choices = [same, other, other, same, other, other, other, same]
    far = [0.0, 0.3, 0.6, 0.1, 0.2, 0.9, 0.7, 0.65]
    track, _ = two(choices, far, episodes=[0, 0, 0, 0, 0, 0, 1, 1])
    assert list(track.partings([(0, 1)])) == [1, 4, 6]  # a new episode begins a run of its own
    assert list(track.partings([(0, 1)], 0.25)) == [2, 5, 6]
    assert list(track.partings([(0, 1)], 0.95)) == []


def test_partings_of_several_pairs_and_of_those_that_cannot_be_judged():
    histories = [History(50) for _ in range(3)]
    shared(histories, [(0, (3, 3, -1), [0.0, math.nan, math.nan], 0), (1, (3, 3, 4), [0.0, 0.5, 0.4], 0),
                       (2, (3, 5, 3), [0.7, 0.0, 0.7], 0)])  # fmt: skip
    track = Track(50)
    track.read(histories)
    assert list(track.partings([(0, 1), (0, 2)])) == [1] and list(track.partings([(0, 1)])) == [2]
    assert track.together[0, 2] == 2 and track.together[0, 1] == 3 and track.equal[0, 2] == 1


def test_columns_keep_every_peak_and_every_difference():
    rng = np.random.default_rng(0)
    far = rng.random(400)
    choices = [(3, 3 if value < 0.99 else 4) for value in far]
    track, _ = two(choices, far, capacity=400)
    edges = np.linspace(0, 400, 38).astype(int)
    largest, mean, differs = track.columns((0, 1), edges)
    for place in range(37):
        part = far[edges[place]:edges[place + 1]]
        assert largest[place] == pytest.approx(part.max()) and mean[place] == pytest.approx(part.mean(), rel=1e-5)
        assert differs[place] == pytest.approx((part >= 0.99).mean())
        peak = track.peak((0, 1), edges[place], edges[place + 1])
        assert far[peak] == part.max()
    wide, *_ = track.columns((0, 1), np.repeat(np.arange(10, 16), 3)[:-2])  # three columns for each of five steps
    np.testing.assert_allclose(wide, np.repeat(far[10:15], 3), rtol=1e-6)


def test_a_long_sitting_keeps_the_newest_and_its_counts():
    rng = np.random.default_rng(1)
    histories, track = [History(64), History(64)], Track(64)
    moment = equal = 0
    for turn in range(40):
        rows = [(moment + k, (3, int(rng.integers(3, 5))), [0.5], turn) for k in range(int(rng.integers(1, 20)))]
        moment += len(rows)
        equal += sum(one == other for _, (one, other), _, _ in rows)
        shared(histories, rows)
        track.read(histories)
        assert len(track) == min(64, moment) and track.end == moment
        assert [track.moment(place) for place in range(track.first, track.end)] == list(range(moment)[-64:])
        assert track.when(track.end - 1) == (moment - 1, turn, moment - 1)
    assert track.together[0, 1] == moment and track.equal[1, 0] == equal
    late = Track(64)
    late.read(histories)  # it was not looked at for long: what the histories still have
    assert len(late) == 64 and late.moment(late.end - 1) == moment - 1
