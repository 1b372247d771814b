"""What a session keeps when its lanes change: edits, covers, pins and the selection go with their lane or are gone."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import fake_lane

from zoo_gui.analysis.matching_record import Counterpart
from zoo_gui.engine.shared import SharedLane
from zoo_gui.session import Session
from zoo_gui.types import Unit, ZooError
from zoo_gui.views import Change, Place

UNIT = Unit("conv2", 3)


class Rig:
    """A session without an engine: ``sent`` are its commands, ``lanes`` is what the engine would say."""

    def __init__(self):
        self.session, self.sent, self._memory, self._epoch = Session(), [], [], 0
        self.session.feed._send = self.session._send = lambda name, **keywords: self.sent.append((name, keywords))

    def lanes(self, key, *agents):
        infos = [fake_lane(lane, agent) for lane, agent in enumerate(agents)]
        shared = [SharedLane(info) for info in infos]
        self._memory += shared
        self._epoch += 1000
        self.sent.clear()
        self.session._on_lanes(key, self._epoch, [(info, one.name) for info, one in zip(infos, shared)], "CPU")

    def load(self, lane, *agents):
        self.session.load("x", lane)
        self.lanes(list(self.session.loading)[-1], *agents)

    def commands(self, name):
        return [keywords for command, keywords in self.sent if command == name]

    def close(self):
        self.session.close()
        for one in self._memory:
            one.close(unlink=False)


@pytest.fixture
def rig(qapp):
    rig = Rig()
    rig.load(0, "nature")
    rig.load(None, "nature", "small")
    rig.session.edit(1, UNIT, gain=0.0)
    rig.session.set_cover(1, (1, 2, 30, 40))
    rig.session.pin(1, UNIT)
    rig.session.select(1, UNIT)
    yield rig
    rig.close()


def test_what_is_changed_goes_with_its_lane(rig):
    session = rig.session
    rig.load(None, "nature", "small", "nature")  # one more: the others stay as they are
    assert list(session.edits) == [(1, UNIT)] and list(session.covers) == [1] and session.selected == (1, UNIT)
    rig.lanes("remove 0", "small", "nature")
    assert list(session.edits) == [(0, UNIT)] and list(session.covers) == [0]
    assert session.pins == [(0, UNIT)] and session.selected == (0, UNIT)
    assert rig.commands("cover") == [] and session.status["intervention"]  # the engine has both where they are
    session.set_saliency("unit")
    rig.lanes("remove 0", "nature")
    assert session.saliency is None and rig.commands("saliency")[-1]["target"] is None  # that unit's map goes too
    assert not session.edits and not session.covers and not session.pins and session.selected is None


def test_a_lanes_edits_end_with_its_agent_and_others_stay(rig):
    session = rig.session
    session.edit(0, UNIT, gain=2.0)
    rig.load(1, "nature", "nature")  # has the same layers
    assert list(session.edits) == [(0, UNIT)] and not session.covers and session.pins == [(1, UNIT)]
    assert rig.commands("clear_edits") == [{"lane": 1}]
    session.set_cover(0, (1, 2, 30, 40))
    rig.load(0, "nature", "nature")  # the same agent, anew
    assert not session.edits and list(session.covers) == [0]
    assert [command["lane"] for command in rig.commands("cover")] == [0]


def test_closing_while_a_frame_is_shown(rig):
    session = rig.session
    session.frame_shown.connect(lambda *_: session.close())
    session.feed.steps = [type("Step", (), {"frames": np.zeros((1, 2, 2, 3), np.uint8)})()] * 2
    session.feed.update = lambda now: type("Shown", (), {"frame_changed": True, "stepped": True, "summaries": []})()
    session._on_tick()
    assert session.feed.frame(0) is None


class Matched:
    """A matching in which every unit goes with the one after it."""

    def counterpart(self, unit, side=0, one_to_one=False):
        return Counterpart(Unit(unit.layer, unit.index + (1 if side == 0 else -1)), 0.5, 0.01, True)


def test_counterparts_go_with_their_lanes_and_end_with_either_agent(rig):
    session, changed = rig.session, []
    rig.load(None, "nature", "small", "nature")
    session.counterparts_changed.connect(lambda: changed.append(1))
    session.set_counterparts((1, 2), Matched())
    assert session.counterparts_of(1, UNIT) == ((2, Unit("conv2", 4), 0.5, True),)
    assert session.counterparts_of(2, UNIT)[0][:2] == (1, Unit("conv2", 2)) and session.counterparts_of(0, UNIT) == ()
    rig.lanes("remove 0", "small", "nature")
    assert session.counterparts_of(0, UNIT)[0].lane == 1 and session.counterparts_of(2, UNIT) == ()
    before = len(changed)
    rig.load(1, "small", "small")
    assert session.counterparts_of(0, UNIT) == () and len(changed) == before + 1
    session.set_counterparts((0, 1), Matched())
    rig.load(0, "small", "small")  # the same agent loaded anew: its files may be others
    assert session.counterparts_of(1, UNIT) == ()


# -- disturbances ---------------------------------------------------------------------------------------------------
def disturbed(rig):
    return [(command["lane"], command["disturbance"], command["number"]) for command in rig.commands("disturb")]


def test_a_disturbance_goes_with_its_lane_and_ends_with_its_agent(rig):
    session, sticky = rig.session, {"sticky": 0.25}
    session.set_disturbance(1, {**sticky, "contrast": 1.0})  # at rest it is none
    assert disturbed(rig)[-1] == (1, sticky, 1) and session.levels_of(1) == (("sticky", 0.25),)
    session.set_disturbance(1, sticky)
    assert len(disturbed(rig)) == 1  # nothing new
    rig.lanes("remove 0", "small")
    assert session.disturbances == {0: sticky} and disturbed(rig) == []  # the engine has it where it is
    rig.load(0, "small")
    assert session.disturbances == {0: sticky} and disturbed(rig) == [(0, sticky, 1)]  # a player of its own
    rig.load(0, "nature")
    assert session.disturbances == {} and disturbed(rig) == [] and not session.status["intervention"]


def test_all_can_be_disturbed_and_undone_with_the_edits(rig):
    session, seen = rig.session, []
    session.disturbance_changed.connect(lambda lane, levels: seen.append((lane, dict(levels))))
    session.set_disturbance(None, {"parameter_noise": 0.1})
    noise = {"parameter_noise": 0.1, "parameter_layers": "convolutions"}
    assert seen == [(0, noise), (1, noise)] and session.status["intervention"]
    session.clear_edits()
    assert session.disturbances == {} and seen[2:] == [(0, {}), (1, {})] and disturbed(rig)[-1] == (1, {}, 0)
    assert not session.status["intervention"]


def test_an_agent_is_opened_with_its_disturbance_and_after_a_crash_it_has_it_again(rig, monkeypatch):
    session = rig.session
    session.load("small", 0, disturbance={"latency": 3}, seed=2)
    assert "disturbance" not in rig.commands("load")[-1]["options"]
    rig.lanes(list(session.loading)[-1], "small", "small")
    assert session.disturbances == {0: {"latency": 3}} and disturbed(rig) == [(0, {"latency": 3}, 1)]
    monkeypatch.setattr(session, "start_engine", lambda: None)
    session._on_died(70)
    session.restart_engine()
    keys = list(session.loading)
    rig.lanes(keys[0], "small")
    assert disturbed(rig) == [(0, {"latency": 3}, 1)]
    rig.lanes(keys[1], "small", "small")
    assert session.disturbances == {0: {"latency": 3}}


def test_after_a_crash_all_play_the_same_games_again(rig, monkeypatch):
    session, forgotten = rig.session, []
    session.moments_forgotten.connect(lambda: forgotten.append(1))
    session.lanes = tuple(replace(info, asked=(("game", "Pong"), ("sticky", 0.25)), input=role)
                          for info, role in zip(session.lanes, ("watches", "drives")))  # fmt: skip
    monkeypatch.setattr(session, "start_engine", lambda: None)
    session._on_died(70)
    assert forgotten, "a new engine counts its moments from 0 again"
    session.restart_engine()
    asked = [command["options"] for command in rig.commands("load")[-2:]]
    assert all(options["game"] == "Pong" and options["sticky"] == 0.25 and options["seed"] == 7 for options in asked)
    for key, agents in zip(list(session.loading), (["nature"], ["nature", "small"])):
        assert not rig.commands("share")
        rig.lanes(key, *agents)
    assert [command["driver"] for command in rig.commands("share")] == [1]
    rig.load(None, "nature", "small", "nature")
    assert not rig.commands("share")


def test_moments_are_forgotten_where_an_agent_is_loaded_anew(rig):
    session, forgotten = rig.session, []
    session.moments_forgotten.connect(lambda: forgotten.append(1))
    rig.load(None, "nature", "small", "nature")
    assert not forgotten and session.placed[f"load {session._loads} x"] == session.lanes[2].agent_id
    rig.load(0, "nature", "small", "nature")  # the same agent
    assert len(forgotten) == 1
    rig.lanes("remove 0", "small", "nature")
    assert len(forgotten) == 2


@pytest.mark.parametrize("change", [
    Change("edit", (("nolayer", 3), 0.0, 0.0)), Change("edit", (("fc", 9999), 0.0, 0.0)),
    Change("cover", ((80, 80, 80, 80), "mean")), Change("disturb", (("brightness", 5.0),)),
])  # fmt: skip
def test_what_a_link_cannot_change_is_not_said_to_be_changed(rig, change):
    session = rig.session
    session.clear_edits()
    rig.sent.clear()
    with pytest.raises(ZooError):
        session.go_to([Place(step=9), Place(step=9, changes=(change,))])
    assert not (session.edits or session.covers or session.disturbances) and not rig.commands("go_to")


def test_no_speed_is_beyond_what_a_clock_can_count(rig):
    for asked, found in ((1e308, 1000.0), (0.0, 0.01), (None, None), (2.0, 2.0)):
        rig.session.set_speed(asked)
        assert rig.session.speed == found


def test_a_network_that_is_ready_too_late_serves_on_the_way_but_not_after_a_reset(rig):
    session = rig.session
    for level in (0.01, 0.02):
        session.set_disturbance(0, {"parameter_noise": level})
    rig.sent.clear()
    session._on_disturbance_ready(0, 1)
    assert [row[2] for row in disturbed(rig)] == [1, 2]  # what the slider has passed, and what it asks for
    session.set_disturbance(0, {})
    rig.sent.clear()
    session._on_disturbance_ready(0, 2)
    assert [row[1] for row in disturbed(rig)] == [{}]


def test_what_cannot_be_is_said_and_taken_back(rig, qtbot):
    session = rig.session
    with qtbot.waitSignal(session.message) as said:
        session.set_disturbance(0, {"sticky": 7})
    assert "Sticky actions cannot be 7" in said.args[1] and session.disturbances == {}
    session.set_disturbance(0, {"parameter_noise": 0.1})
    with qtbot.waitSignal(session.message) as said:
        session._on_disturbance_refused(0, 1, "It has no convolutions.")
    assert said.args == ["warning", "It has no convolutions."] and session.disturbances == {}


def test_there_are_never_more_than_four_lanes_whatever_is_on_its_way(rig, qtbot):
    session = rig.session
    assert session.load("small", None) and session.load("small", None)  # two are there, two are coming
    with qtbot.waitSignal(session.message) as said:
        assert session.load("small", None) == ""
    assert said.args == ["warning", "4 agents are the most; remove one first."]
    assert session.load("small", 1) and session.load("small", 4) == ""
    session.cancel(next(iter(session.loading)))
    assert session.load("small", 2) and session.load("small", 2) and session.load("small", None) == ""
