"""Where agents part: planted choices give the matrices and events that they should, and real agents agree with
themselves."""

import math
import types

import numpy as np
import pytest
import tiny_agents
from test_behaviour import agent_of

from zoo_gui import analysis
from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES, export
from zoo_gui.analysis.disagreement import kappa
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import MEANINGS
from zoo_gui.play.together import record_together
from zoo_gui.types import ZooError

ACTIONS = ("NOOP", "LEFT", "RIGHT")
SURE = 40.0
"""A logit that leaves nothing to the other actions."""


def stub(kind="logits", names=ACTIONS, game="Breakout"):
    """What the analysis asks of an agent."""
    card = types.SimpleNamespace(algorithm="tiny", game=game, tag="")
    return types.SimpleNamespace(card=card, name="stub", title="Stub", hash="0", scores_kind=kind, edits={},
                                 action_names=names)  # fmt: skip


class Seen:
    """Moments of two episodes with the scores that are given, (n, A)."""

    observation_shape, frame_channels = (4, 4, 2), 1

    def __init__(self, scores, watched=False, second=None):
        count = len(scores)
        start = count if second is None else second
        self._columns = {
            "id": np.arange(count) + 100, "scores": np.array(scores, np.float32), "ram": np.zeros((count, 128)),
            "episode": (np.arange(count) >= start).astype(int), "edited": np.zeros(count, bool),
            "index": np.where(np.arange(count) < start, np.arange(count), np.arange(count) - start),
            "watched": np.full(count, watched),
        }  # fmt: skip

    def column(self, name):
        return self._columns[name]


def sure(*choices, actions=3):
    """(n, A) scores that leave no doubt."""
    return SURE * np.eye(actions)[list(choices)]


def test_planted_choices_by_hand():
    one, other = sure(0, 0, 1, 1, 2, 2, 0, 0), sure(0, 0, 1, 1, 2, 0, 0, 1)
    found = analysis.run("disagreement", [stub(), stub()], moments=[Seen(one), Seen(other, watched=True)])
    assert found.pairs == ((0, 1),) and found.name(0) == "A–B" and found.driver == 0 and found.letters == "AB"
    np.testing.assert_array_equal(found.differs[0], [0, 0, 0, 0, 0, 1, 0, 1])
    np.testing.assert_allclose(found.measures[0], found.differs[0], atol=1e-9)  # sure of different things: 1 bit
    assert found.agreement[0, 1] == found.agreement[1, 0] == 6 / 8 and found.distance[0, 1] == pytest.approx(2 / 8)
    # chance: ½·½ + ¼·⅜ + ¼·⅛ = ⅜
    assert found.kappa[0, 1] == pytest.approx((6 / 8 - 3 / 8) / (1 - 3 / 8))
    assert [MEANINGS[place] for place in found.choices[:, 5]] == ["RIGHT", "NOOP"]
    assert found.words(5) == ("right", "no-op")
    assert found.kind(0) == "JS divergence, bits"


def test_the_next_disagreement_begins_or_is_another_one():
    one = sure(0, 0, 0, 0, 0, 0, 0, 0)
    other = sure(0, 1, 1, 2, 0, 1, 1, 1)
    found = analysis.run("disagreement", [stub(), stub()], moments=[Seen(one, second=7), Seen(other, second=7)])
    onsets, moment = [], -1
    while (moment := found.next_after(moment)) is not None:
        onsets.append(moment - 100)
    assert onsets == [1, 3, 5, 7]  # 3: right where it was left; 7: another game
    assert found.last_before(103) == 101 and found.last_before(101) is None
    third = analysis.run("disagreement", [stub()] * 3, moments=[Seen(one), Seen(one), Seen(other)])
    assert third.next_after(-1, pair=0) is None and third.next_after(-1, pair=1) == 101 and third.driver == -1


def test_events_are_the_strongest_of_their_surroundings():
    one = sure(*[0] * 60)
    other = sure(*[0] * 60)
    other[10:20, 1] = SURE + 1  # sure of LEFT, a little
    other[14] = sure(1)[0]  # altogether
    other[0] = other[14]  # no example: the stack is not full
    other[50, 1] = SURE + 2
    seen = [Seen(one), Seen(other)]
    found = analysis.run("disagreement", [stub(), stub()], moments=seen)
    assert [event.index for event in found.events] == [14, 50] and found.differs[0, 0]
    assert found.events[0].measure > found.events[1].measure and found.events[0].moment == 114
    rows = found.table()
    assert rows[0]["choice A"] == "NOOP" and rows[0]["choice B"] == "LEFT" and rows[1]["moment"] == 150
    assert len(analysis.run("disagreement", [stub(), stub()], moments=seen, events=1).events) == 1


def test_value_learners_are_apart_by_what_they_would_lose():
    one, other = np.array([[4.0, 2.0, 0.0]] * 3), np.array([[0.0, 1.0, 0.5], [1.0, 0, 0], [0, 0, 4.0]])
    found = analysis.run("disagreement", [stub("q"), stub("q")], moments=[Seen(one), Seen(other)])
    # first: A would lose (4 − 2) / 4 by LEFT, B (1 − 0) / 1 by NOOP; third: 1 and 1
    np.testing.assert_allclose(found.measures[0], [0.75, 0, 1])
    assert found.kind(0) == "Q-gap, both ways"
    mixed = analysis.run("disagreement", [stub("q"), stub()], moments=[Seen(one), Seen(sure(1, 0, 0))])
    np.testing.assert_allclose(mixed.measures[0], [0.75, 0, 0], atol=1e-9)
    assert mixed.kind(0).startswith("gap of Q")


def test_kappa_of_those_who_never_choose_otherwise_is_no_number():
    assert math.isnan(kappa(np.zeros(5, int), np.zeros(5, int)))
    assert kappa(np.array([0, 1]), np.array([1, 0])) == pytest.approx(-1)


@pytest.fixture(scope="module")
def together():
    """Agents of 3 actions, of 18, and one that learnt values, at one game."""
    q = Agent(tiny_agents.card(tiny_agents.Q, "argmax", run=3), tiny_agents.weights(tiny_agents.Q))
    agents = [agent_of(), agent_of(tuple(Emulator("Breakout").all_actions), 1, run=2), q]
    return agents, analysis.finish(record_together(agents, steps=60, seed=1))


def test_agents_of_3_and_of_18_actions_are_compared_by_meaning(together):
    agents, moments = together
    found = analysis.run("disagreement", agents, moments=moments)
    assert found.measures.shape == (3, 60) and ((found.measures >= 0) & (found.measures <= 1)).all()
    can = {MEANINGS[place] for place in found.choices[0]}
    assert can <= set(ACTIONS)
    upright = agents[1].action_names.index("UPRIGHT")
    scores = moments[1].column("scores")
    where = np.flatnonzero(scores.argmax(1) == upright)
    assert all(MEANINGS[place] == "RIGHT" for place in found.choices[1][where])  # Breakout reads no UP
    np.testing.assert_allclose(found.agreement, found.agreement.T)
    mixed = "gap of Q and of probability, both ways"
    assert found.driver == 0 and [found.kind(pair) for pair in range(3)] == ["JS divergence, bits", mixed, mixed]


@pytest.mark.parametrize("place", range(3))
def test_an_agent_agrees_with_itself_always(together, place):
    agents, moments = together
    found = analysis.run("disagreement", [agents[place]] * 2, moments=[moments[place]] * 2)
    assert found.agreement.min() == 1 and found.measures.max() == 0 and not found.differs.any()
    assert found.events == () and found.next_after(-1) is None and found.table() == []


def test_the_record_is_written(together, tmp_path):
    agents, moments = together
    steps = list(ANALYSES["disagreement"](agents, moments=moments))
    assert [p.done for p in steps] == [0, 1, 2, 3] and steps[-1].complete
    found = steps[-1].result
    for ending in ("png", "csv", "json", "npz"):
        assert export.write(found, tmp_path / f"d.{ending}").exists()
    with np.load(tmp_path / "d.npz") as arrays:
        np.testing.assert_array_equal(arrays["choices"], found.choices)
    rows = found.pair_table()
    assert [row["pair"] for row in rows] == ["A–B", "A–C", "B–C"] and rows[0]["moments"] == 60


def test_refusals_are_sentences(together):
    agents, moments = together
    cases = [
        ([stub()], [Seen(sure(0))], "two or more"), ([stub(), None], [Seen(sure(0))] * 2, "B is a player without"),
        ([stub(), stub(game="Pong")], [Seen(sure(0))] * 2, "different games"),
        ([stub(), stub()], [Seen(sure(0))], "1 were given"),
    ]  # fmt: skip
    for who, seen, words in cases:
        with pytest.raises(ZooError, match=words):
            next(ANALYSES["disagreement"](who, moments=seen))
    alone = Seen(sure(0, 0))
    alone._columns["ram"] = alone._columns["ram"] + 1
    with pytest.raises(ZooError, match="not seen the same game"):
        next(ANALYSES["disagreement"]([stub(), stub()], moments=[Seen(sure(0, 0)), alone]))
