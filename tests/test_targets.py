"""The language of what is asked about."""

from types import SimpleNamespace

import numpy as np
import pytest

from zoo_gui.analysis.targets import BEST, Target, Term, along, parse
from zoo_gui.types import LayerInfo, Unit, ZooError

AGENT = SimpleNamespace(
    title="Tiny",
    action_names=("NOOP", "FIRE", "LEFT"),
    layers=(
        LayerInfo("conv1", (5, 6, 4), "conv"),
        LayerInfo("fc", (8,), "dense"),
        LayerInfo("policy", (3,), "logits", True),
        LayerInfo("value", (1,), "value", True),
    ),
)


@pytest.mark.parametrize(
    "text, terms",
    [
        ("conv1:3", [Term("conv1", 3)]),
        (Unit("fc", 7), [Term("fc", 7)]),
        ("conv1:3@4,5", [Term("conv1", 3, position=(4, 5))]),
        ("action", [Term("policy", BEST)]),
        ("action:left", [Term("policy", 2)]),
        ("action:1", [Term("policy", 1)]),
        ("value", [Term("value", 0)]),
        ("layer:fc", [Term("fc")]),
        ("action:LEFT - action:FIRE", [Term("policy", 2), Term("policy", 1, -1.0)]),
        ("conv1:3 + 0.5*fc:2 − -2*fc:1", [Term("conv1", 3), Term("fc", 2, 0.5), Term("fc", 1, 2.0)]),
    ],
)
def test_what_is_written_is_what_is_meant(text, terms):
    assert list(parse(text, AGENT).terms) == terms


def test_the_advantage_is_the_score_less_the_mean():
    scores = np.array([1.0, 4.0, -2.0])
    first, mean = parse("advantage", AGENT, action=1).terms
    assert scores[first.index] * first.weight + scores @ mean.direction * mean.weight == pytest.approx(4.0 - 1.0)


def test_action_means_the_chosen_one_where_it_is_known():
    assert parse("action", AGENT, action=2).terms == (Term("policy", 2),)
    assert parse("action:NOOP", AGENT, action=2).terms == (Term("policy", 0),)


def test_value_of_a_q_agent_is_its_best_q():
    q = SimpleNamespace(title="Q", action_names=("A", "B"), layers=(LayerInfo("q", (2,), "q", True),))
    assert parse("value", q).terms == (Term("q", BEST),)


def test_the_unit_that_a_target_is():
    assert parse("conv1:3", AGENT).unit == Unit("conv1", 3)
    assert parse("conv1:3@1,1", AGENT).unit is None and parse("action", AGENT).unit is None
    assert parse("conv1:1 + fc:2", AGENT).layers == ("conv1", "fc")


def test_directions():
    target = along("fc", np.arange(8), AGENT, cosine=True)
    assert isinstance(parse(target, AGENT), Target) and target.terms[0].cosine
    with pytest.raises(ZooError, match="8 finite numbers"):
        along("fc", np.zeros(8), AGENT)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("conv9:3", "no layer “conv9”"),
        ("conv1:4", "units 0 to 3"),
        ("layer:conv", "no layer “conv”"),
        ("action:LEFTFIRE", "Did|choose LEFT"),
        ("nonsense", "not a unit"),
        ("fc:1@0,0", "has no positions"),
        ("conv1:1@5,0", "no position 5, 0"),
        ("conv1:1 + ", "not a unit"),
    ],
)
def test_what_cannot_be_meant_gets_a_sentence(text, sentence):
    with pytest.raises(ZooError, match=sentence):
        parse(text, AGENT)


def test_a_policy_without_a_value_says_so():
    policy = SimpleNamespace(title="P", action_names=("A",), layers=(LayerInfo("policy", (1,), "logits", True),))
    with pytest.raises(ZooError, match="no value head"):
        parse("value", policy)
