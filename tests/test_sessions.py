"""Saved sessions and the way to a link's step: what is played anew is what was played, bit for bit, whatever was done;
what differs is said; what is damaged or made to do harm is one sentence."""

import copy
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from zoo_gui.agents import groups
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec
from zoo_gui.engine import saving, sittings
from zoo_gui.engine.lane import Lane
from zoo_gui.engine.one_game import gather
from zoo_gui.engine.regroup import added, install, prepare, removed
from zoo_gui.engine.sittings import differences, kept, played_anew, recorded
from zoo_gui.engine.travelling import Travelling
from zoo_gui.play import bundles
from zoo_gui.play.cover import Cover
from zoo_gui.play.disturbance import Disturbance
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.paths import way
from zoo_gui.play.player import Player
from zoo_gui.play.preprocessing import Pipeline
from zoo_gui.provenance import provenance
from zoo_gui.settings import cache_dir
from zoo_gui.types import Decision, LayerInfo, Unit, ZooError, read_only
from zoo_gui.views import Change, Place


SPEC = PreprocessingSpec(max_episode_frames=400)
SHAPE = Pipeline(SPEC, (210, 160)).observation.shape


class Tiny:
    """Four numbers of what it sees and one that it remembers, as the scores of four actions; chance decides by them."""

    layers = (LayerInfo("fc", (4,), "logits", True),)
    action_names = ("NOOP", "FIRE", "RIGHT", "LEFT")
    scores_kind, has_value = "logits", False
    initial_state = read_only(np.zeros(1, np.float32))

    def __init__(self, seed: int = 0):
        self.observation_shape, self.hash = SHAPE, f"{seed:064d}"
        self.card = SimpleNamespace(game="Breakout", preprocessing=SPEC, to_toml=lambda: "tiny = true\n")
        self.weights = {}
        self._weights = np.random.default_rng(seed).normal(size=(4, 4)).astype(np.float32) * 0.1
        self.edits = {}

    def edit(self, unit, gain=1.0, offset=0.0):
        if unit.layer not in [info.name for info in self.layers]:
            raise ZooError(f"There is no layer {unit.layer}.")
        self.edits = {**self.edits, unit: (gain, offset)}

    def clear_edits(self):
        self.edits = {}

    def with_groups(self, layer, directions, name="", unit_names=(), kernel=None):
        spec, arrays = groups.grouping(self.layers, layer, directions, name, kernel)
        other = copy.copy(self)
        other.weights = {**self.weights, **arrays}
        other.hash = f"{len(other.weights):064d}"
        other.layers += (LayerInfo(spec.name, (spec.units,), "dense", False, None, tuple(unit_names), layer),)
        return other

    def without_groups(self, layer):
        other = copy.copy(self)
        other.layers = tuple(info for info in self.layers if info.name != layer)
        return other

    def decide(self, observation, rng, state=None):
        seen = observation[::7, ::5].reshape(-1, 4).astype(np.float32).std(0) @ self._weights + state
        for (layer, index), (gain, offset) in self.edits.items():
            if layer == "fc":
                seen[index] = gain * seen[index] + offset
                continue
            strength = max(0.0, seen @ self.weights[f"{layer}/kernel"][:, index])
            seen = seen + np.float32((gain - 1) * strength + offset) * self.weights[f"{layer}/directions"][index]
        odds = np.exp(seen - seen.max())
        action = int(rng.choice(4, p=odds / odds.sum()))
        state = read_only(np.float32([0.9 * state[0] + 0.01 * action]))
        told = {info.name: seen if info.name == "fc" else np.zeros(info.shape, np.float32) for info in self.layers}
        return Decision(action, read_only(seen), activations=told, flat=seen, state=state)

    def activations(self, observations, state=None, layers=()):
        return {info.name: np.zeros((len(observations), *info.shape), np.float32) for info in self.layers}


def lane(seed: int = 0, game_seed: int = 3) -> Lane:
    return Lane(f"tiny/{seed}", f"Tiny {seed}", "", Player(Emulator("breakout"), Tiny(seed), seed=game_seed))


class Sitting:
    """Two lanes, to which all is done that can be done in a window."""

    def __init__(self):
        self.lanes = [lane(0), lane(1, game_seed=4)]
        self.moment = 0

    def run(self, steps, driver=None):
        for _ in range(steps):
            order = sorted((0, 1), key=lambda i: i != driver)
            for i in order:
                follow = None if driver in (None, i) else self.lanes[driver].player.played
                self.lanes[i].step(self.moment, False, None, follow)
            self.moment += 1

    def play(self):
        a, b = self.lanes
        self.run(12)
        a.player.agent.edit(Unit("fc", 1), 0.0, 2.0)
        a.player.cover = Cover((1, 2, 9, 9))
        b.player.disturbance = Disturbance(action_noise=0.3, latency=2, frame_drop=0.2)
        self.run(9)
        a.player.agent.clear_edits()
        a.player.cover, b.player.disturbance = None, Disturbance()
        for one in self.lanes:
            assert one.seek(one.moments, 7)  # and on from there otherwise
        a.player.controller = "random"
        self.run(6)
        a.player.controller, a.player.human_action = "human", 2
        self.run(6)
        a.player.controller = "agent"
        for one in self.lanes:
            one.remember(99)
        self.run(2)
        assert all(one.rewind(99) for one in self.lanes)
        self.moment -= 2
        for one in self.lanes:
            one.moments.forget_after(self.moment)
        gather(a, self.lanes)
        self.run(20, driver=0)
        self.run(5, driver=1)
        for one in self.lanes:
            one.player.next_episode()
            one.forget()
        self.run(5, driver=1)
        self.run(5)
        return self


@pytest.fixture(scope="module")
def sitting():
    return Sitting().play()


def result(progress):
    *_, last = progress
    return last.result


@pytest.fixture(scope="module")
def bundle(sitting):
    lanes = [result(recorded(kept(one, sitting.moment - 3, False))) for one in sitting.lanes]
    return bundles.Bundle(tuple(lanes), "own", 0, provenance(), {"notes": "é"})


@pytest.fixture
def saved(bundle, tmp_path):
    return result(bundles.write(tmp_path / "a.zoo", bundle))


def test_what_is_saved_is_played_anew_bit_for_bit(sitting, bundle, saved):
    found = bundles.read(saved)
    assert found.window == {"notes": "é"} and [one.facts for one in found.lanes] == [one.facts for one in bundle.lanes]
    lanes = [lane(0, game_seed=50), lane(1, game_seed=51)]  # seeds are the session's
    assert differences(lanes, found) == []
    report = result(played_anew(found, lanes))
    assert report.exact and report.sentences == []
    for old, new in zip(sitting.lanes, lanes):
        assert len(new.moments) == len(old.moments) >= sitting.moment - 1
        for name in ("id", "episode", "index", "action", "ram", "scores", "state", "edited", "watched", "reward"):
            np.testing.assert_array_equal(new.moments.column(name), old.moments.column(name), name)
        for row in range(0, len(old.moments), 5):
            np.testing.assert_array_equal(new.moments.frame(row), old.moments.frame(row))
            np.testing.assert_array_equal(new.moments.observation(row), old.moments.observation(row))
        assert old.seek(old.moments, sitting.moment - 3)
        for ahead in (0, 1, 2):  # they stand where the other stood, and go on as it would
            one, other = (x.step(900 + ahead, False, None)[0] for x in (old, new))
            np.testing.assert_array_equal(one.ram, other.ram)
            np.testing.assert_array_equal(one.decision.scores, other.decision.scores)
            assert one.decision.action == other.decision.action


def test_it_says_what_differs(bundle):
    """Another agent under the same name; a ROM; a game that was not so."""
    lanes = [lane(7), lane(1)]
    first, second = bundle.lanes
    found = replace(bundle, lanes=(first, replace(second, facts={**second.facts, "rom": "0" * 32})),
                    told={**bundle.told, "versions": {"ale-py": "0.1"}})  # fmt: skip
    said = " ".join(differences(lanes, found))
    assert "Tiny 0 is another agent" in said and "ROM of Breakout" in said and "ale-py 0.1" in said
    report = result(played_anew(found, lanes))
    assert not report.exact
    assert report.lanes[0].world is None and report.lanes[0].far > 0  # the actions were those of then
    assert report.lanes[0].decision is not None and "decides otherwise at step" in report.sentences[0]
    assert report.lanes[1].row()["decision_differs_at"] is None
    number = list(second.sums)[10]
    wrong = replace(second, sums={**second.sums, number: (1, 0)})
    report = result(played_anew(replace(bundle, lanes=(first, wrong)), [lane(0), lane(1)]))
    made = second.taken[number]
    assert report.lanes[1].world == (made.episode, made.index) and report.lanes[0].world is None


def test_without_its_agent_the_game_is_seen(sitting, bundle):
    blind = Lane("random/Breakout", "Random", "", Player(Emulator("breakout"), None))
    report = result(played_anew(bundle, [blind, lane(1)]))
    seen = blind.moments.column("ram")
    np.testing.assert_array_equal(seen, sitting.lanes[0].moments.column("ram")[: len(seen)])
    assert report.lanes[0].world is None and "is not here" in differences([blind, lane(1)], bundle)[0]


def regroup(one, change):
    found = []
    list(prepare(one, one.moments.freeze(), change, found.append))
    install(found[0])


def test_the_way_to_a_step_can_be_stopped(bundle):
    """Also where the file does not say it: then the agent plays, and may do so for long."""
    first = bundle.lanes[0]
    number = list(first.taken)[5]
    for after in (-3, -2):  # elsewhere, joined
        made = first.taken[number]._replace(after=after, index=900_000)
        one = replace(bundle, lanes=(replace(first, taken={number: made}, facts={**first.facts, "at": None}),))
        going = played_anew(one, [lane(0)])
        assert [next(going).done for _ in range(3)] == [0, 0, 0]
        going.close()
    *_, last = played_anew(one, [lane(0)])  # its own decisions end the game before
    assert last.result.lanes[0].world is not None and "is not in the file" in last.result.notes[0]


def test_edits_on_the_way_that_cannot_be_made_are_noted(bundle):
    first = bundle.lanes[0]
    taken = {-10 - i if i < 3 else i: made for i, made in enumerate(list(first.taken.values())[:4])}
    edit = ((("conv9", 1), 0.0, 0.0),)
    taken = {number: made._replace(after=after, under=made.under._replace(edits=edit))
             for (number, made), after in zip(taken.items(), (-1, -10, -11, -12))}  # fmt: skip
    one = replace(first, taken=taken, sums={}, scores={}, facts={**first.facts, "at": 3})
    report = result(played_anew(replace(bundle, lanes=(one,)), [lane(0)]))
    assert report.lanes[0].steps == 1 and report.lanes[0].world is None and "no layer conv9" in report.notes[0]


def test_agents_of_two_games_do_not_join(bundle):
    """No program saves that: an emulator would not survive another game's state."""
    other = Lane("tiny/1", "Tiny 1", "", Player(Emulator("pong"), None))
    first, second = bundle.lanes
    made = list(first.taken.values())[0]
    blind = replace(second, taken={0: made._replace(after=-2)}, sums={}, scores={}, facts={**second.facts, "at": None})
    found = replace(bundle, lanes=(replace(first, taken={0: made}, facts={**first.facts, "at": None}), blind))
    report = result(played_anew(found, [lane(0), other]))
    assert [one.steps for one in report.lanes] == [1, 1] and "is not in the file" in report.notes[0]


def test_groups_and_what_was_done_to_them_come_back(tmp_path, monkeypatch):
    """Also of a layer that was taken away again: its name is not given to another one."""
    old, moment = lane(0), 0
    directions = np.float32([[3, 1, 0, 0], [0, 0, 1, 1]])

    def run(steps):
        nonlocal moment
        for _ in range(steps):
            old.step(moment, False, None)
            moment += 1

    def gone():
        return [name for name, one in old.groups.items() if not one.there]

    run(5)
    regroup(old, added("fc", directions, "", ("a", "")))
    old.player.agent.edit(Unit("fc_groups", 0), 0.0, 4.0)
    run(5)
    regroup(old, removed("fc_groups"))
    assert gone() == ["fc_groups"] and not old.player.agent.edits
    run(3)
    with pytest.raises(ZooError, match="another layer of groups"):
        regroup(old, added("fc", directions, "fc_groups", (), gone()))
    regroup(old, added("fc", directions[::-1], "", ("é", ""), gone()))
    old.player.agent.edit(Unit("fc_groups2", 1), 3.0, 1.0)
    run(5)
    regroup(old, added("fc", directions, "unused", ()))
    regroup(old, removed("unused"))
    record = result(recorded(kept(old, moment - 1, False)))
    assert [(one.name, one.there) for one in record.groups] == [("fc_groups2", True), ("fc_groups", False)]
    assert record.facts["hash"] == Tiny(0).hash
    found = bundles.read(result(bundles.write(tmp_path / "g.zoo", bundles.Bundle((record,), told=provenance()))))
    new = lane(0, game_seed=9)
    assert differences([new], found) == []
    report = result(played_anew(found, [new]))
    assert report.exact, report.sentences
    assert new.player.agent.layers == old.player.agent.layers and new.player.agent.edits == old.player.agent.edits
    assert new.player.agent.layers[-1].label(0) == "fc_groups2:0 “é”" and len(new.groups) == 2
    for name in ("ram", "scores", "action", "edited"):
        np.testing.assert_array_equal(new.moments.column(name), old.moments.column(name), name)
    for name, array in old.player.agent.weights.items():
        if name.startswith("fc_groups2"):
            np.testing.assert_array_equal(new.player.agent.weights[name], array)
    other = replace(found, lanes=(replace(found.lanes[0], groups=(replace(record.groups[0], layer="conv9"),)),))
    said = " ".join(result(played_anew(other, [lane(0)])).sentences)
    assert "cannot have the groups fc_groups2" in said and "no layer fc_groups." in said
    monkeypatch.setattr(bundles, "MOST_UNITS", 3)  # fc has four
    with pytest.raises(ZooError, match="groups make no sense"):
        bundles.read(tmp_path / "g.zoo")


def changed(path, name, change):
    """The same file with one member changed, None: without it."""
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    members[name] = change(members[name])
    with zipfile.ZipFile(path, "w") as archive:
        for one, data in members.items():
            if data is not None:
                archive.writestr(one, data)
    return path


def manifest(change):
    def edit(data):
        told = json.loads(data)
        change(told)
        return json.dumps(told).encode()

    return "manifest.json", edit


HARM = {
    "a newer format": manifest(lambda told: told.update(format=99)),
    "no manifest": ("manifest.json", lambda data: None),
    "a deep manifest": ("manifest.json", lambda data: b"[" * 100_000),
    "no lanes": manifest(lambda told: told.update(lanes=[])),
    "a list as lane": manifest(lambda told: told["lanes"].__setitem__(0, [])),
    "a huge shape": manifest(lambda told: told["lanes"][0]["shapes"].update(number=[1 << 40])),
    "a wrong seed": manifest(lambda told: told["lanes"][0]["unders"][0].__setitem__(0, -1)),
    "a wrong cover": manifest(lambda told: told["lanes"][0]["unders"][0].__setitem__(3, [1, 2, "x", 4, "mean"])),
    "a wrong level": manifest(lambda told: told["lanes"][0]["unders"][0].__setitem__(4, {"rain": 1})),
    "no circumstances": manifest(lambda told: told["lanes"][0].update(unders=[])),
    "another step on screen": manifest(lambda told: told["lanes"][0].update(at=123456)),
    "groups that are none": manifest(lambda told: told["lanes"][0].update(groups=[{"name": "x"}])),
    "groups without numbers": manifest(lambda told: told["lanes"][0].update(groups=[
        {"name": "x", "layer": "fc", "unit_names": [], "shape": [2, 4], "there": True}])),
    "a sum that is a path": manifest(lambda told: told["lanes"][0].update(hash="../../victim/.ssh")),
    "a sum in capitals": manifest(lambda told: told["lanes"][0].update(rom="AB")),
    "one game of two": manifest(lambda told: (told.update(mode="shared"), told["lanes"][0].update(game="pong"))),
    "a step that nobody reached": ("lanes/0/index", lambda data: np.full(len(data) // 8, 10**15, "<i8").tobytes()),
    "a game that nobody reached": ("lanes/0/episode", lambda data: np.full(len(data) // 8, 10**15, "<i8").tobytes()),
    "a step that is called as none": ("lanes/0/number", lambda data: data[:-8] + np.int64(-2).tobytes()),
    "a step of an endless number": ("lanes/0/number", lambda data: data[:-8] + np.int64(1 << 60).tobytes()),
    "a missing array": ("lanes/0/after", lambda data: None),
    "a short array": ("lanes/0/after", lambda data: data[:-8]),
    "steps after later ones": ("lanes/0/after", lambda data: np.full(len(data) // 8, 10**9, "<i8").tobytes()),
    "actions that there are not": ("lanes/0/action", lambda data: np.full(len(data) // 8, 99, "<i8").tobytes()),
    "frames that nobody played": ("lanes/0/played", lambda data: b"\xc8" * len(data)),
}


@pytest.mark.parametrize("harm", HARM)
def test_a_file_that_makes_no_sense_is_one_sentence(saved, harm):
    with pytest.raises(ZooError) as caught:
        bundles.read(changed(saved, *HARM[harm]))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_what_unpacks_without_end_is_one_sentence(saved, monkeypatch):
    """Each array small enough and all together not; members of a kind that is unpacked all at once."""
    with zipfile.ZipFile(saved) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    size = sum(len(data) for data in members.values())
    monkeypatch.setattr(bundles, "LARGEST_TOTAL", size)
    bundles.read(saved)
    monkeypatch.setattr(bundles, "LARGEST_TOTAL", size - 1)
    with pytest.raises(ZooError, match="unpacks to more than"):
        bundles.read(saved)
    monkeypatch.undo()
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(saved, "w", method) as archive:
            for one, data in members.items():
                archive.writestr(one, data)
        with pytest.raises(ZooError, match="packed as no session is"):
            bundles.read(saved)


def test_what_would_not_open_again_is_not_saved(bundle, tmp_path, monkeypatch):
    heavy = replace(bundle, lanes=(replace(bundle.lanes[0], weights=b"x" * 100), bundle.lanes[1]))
    for name, limit in (("LARGEST_WEIGHTS", 99), ("LARGEST_TOTAL", 1000), ("LARGEST_ARRAY", 99),
                        ("LARGEST_MANIFEST", 99), ("MOST_STEPS", 9)):  # fmt: skip
        monkeypatch.setattr(bundles, name, limit)
        with pytest.raises(ZooError, match="cannot be saved"):
            list(bundles.write(tmp_path / "a.zoo", heavy))
        monkeypatch.undo()
    assert not list(tmp_path.iterdir())


def test_others_may_read_it_as_they_may_other_files(saved, tmp_path):
    (tmp_path / "b").write_bytes(b"")
    assert saved.stat().st_mode == (tmp_path / "b").stat().st_mode


# -- agents that come in the file, or do not ------------------------------------------------------------------------
def test_weights_from_a_file_lie_where_we_say_and_only_while_they_are_the_agents(bundle, monkeypatch):
    card = (Path(__file__).parent / "cards" / "ak811_dqn_pong.toml").read_text()
    facts = {**bundle.lanes[0].facts, "card": card, "hash": "ab" * 32}
    record, found = replace(bundle.lanes[0], facts=facts, weights=b"weights"), []

    def loaded(folder, options):
        found.append(Path(folder))
        return SimpleNamespace(player=SimpleNamespace(agent=SimpleNamespace(hash=digests[len(found) - 1])))

    monkeypatch.setattr(saving, "_loaded", loaded)
    sessions, digests = cache_dir() / "sessions", ("cd" * 32, "ab" * 32)
    for stays in (False, True):
        assert (saving._from_file(record, {}) is not None) == stays
        assert found[-1].parent == sessions and found[-1].is_dir() == stays
    (weights,) = (path for path in found[-1].iterdir() if path.name != "card.toml")
    assert weights.read_bytes() == b"weights"
    for name in ("card.toml", "a:b", ".bashrc", "a\\u0000b"):
        other = card.replace(f'"{weights.name}"', f'"{name}"')
        assert other != card and saving._from_file(replace(record, facts={**facts, "card": other}), {}) is None
    assert len(found) == 2


def test_an_agent_is_not_looked_for_at_another_computer(bundle, monkeypatch):
    asked = []
    monkeypatch.setattr("zoo_gui.agents.catalogue.find", lambda id: asked.append(id) or SimpleNamespace(is_here=False))
    monkeypatch.setattr(saving, "_loaded", lambda id, options: SimpleNamespace(player=SimpleNamespace(agent=None)))
    away = (r"\\\\host\\share\\x.pt", "//host/share/x.pt", r" \/host/x", "file:////host/x.pt", "file:///%5C%5Chost/x.pt")
    for id in (*away, "/home/me/x.pt", "file:///home/me/x.pt", "ppo/Breakout/1", r"C:\me\x.pt"):
        saving.agent_of(replace(bundle.lanes[0], facts={**bundle.lanes[0].facts, "id": id}))
    assert asked == ["/home/me/x.pt", "file:///home/me/x.pt", "ppo/Breakout/1", r"C:\me\x.pt"]


def test_weights_that_do_not_fit_into_a_file_are_told_of(tmp_path, monkeypatch):
    one = lane(0)
    one.player.agent.card.weights = SimpleNamespace(format="")
    one.step(0, False, None)
    folder, single, part = tmp_path / "orbax", tmp_path / "a.npz", tmp_path / "model.index"
    folder.mkdir()
    for path in (single, part):
        path.write_bytes(b"12345")

    def saved_with(file):
        told, one.file = [], file
        found = result(saving._saved([kept(one, 0, True)], "own", 0, {}, {}, tmp_path / "a.zoo", told.append))
        return bundles.read(found).lanes[0].weights, " ".join(told)

    def result(progress):
        return next(one.result for one in list(progress)[::-1] if one.result is not None)

    assert saved_with(single) == (b"12345", "") and saved_with(None) == (b"", "")
    for file, why in ((folder, "several files"), (part, "several files"), (tmp_path / "none", "not there any more")):
        weights, told = saved_with(file)
        assert not weights and told.startswith("The session was saved without the weights of Tiny 0") and why in told
    monkeypatch.setattr(sittings, "LARGEST_WEIGHTS", 4)
    assert "is the most" in saved_with(single)[1]


def test_what_is_no_session_is_one_sentence(saved, tmp_path):
    for data in (b"", b"no zip", saved.read_bytes()[:-100], saved.read_bytes()[1000:]):
        (tmp_path / "b.zoo").write_bytes(data)
        with pytest.raises(ZooError, match="is no saved session|is damaged"):
            bundles.read(tmp_path / "b.zoo")
    with pytest.raises(ZooError, match="cannot be read"):
        bundles.read(tmp_path / "none.zoo")


def test_a_full_disk_leaves_what_was_there(bundle, saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles.os, "fsync", full)
    with pytest.raises(ZooError, match="No space left"):
        list(bundles.write(saved, bundle))
    assert saved.read_bytes() == before and [path.name for path in saved.parent.iterdir()] == ["a.zoo"]


# -- the way to a step ----------------------------------------------------------------------------------------------
class Engine(Travelling):
    """Lanes without a process: what would be sent is kept."""

    def __init__(self, *lanes):
        super().__init__()
        self.lanes, self.sent = list(lanes), []
        for one in self.lanes:
            one.shared = SimpleNamespace(write_summary=lambda *_: True)

    def send(self, *event):
        self.sent.append(event)

    def _changed_input(self):
        pass

    def described(self, share=False):
        return []

    def go(self, places, driver=None):
        self.sent.clear()
        self.do_go_to(self.epoch + 1, "key", places, [0] * len(places), driver)
        while self._journey is not None:
            self._guarded_tick()
        notes = [event[2].result for event in self.sent if event[0] == "progress" and event[2].result is not None]
        return notes[0] if notes else [event for event in self.sent if event[0] == "failed"]

    def shown(self):
        """What each lane would show now; this is the moment of the next id."""
        steps, made = {}, self.moment
        for i in self.game.order(self.lanes):
            steps[i] = self.lanes[i].step(made, False, None, self.game.follow(self.lanes[i]))[0]
        self.moment += 1
        return [steps[i] for i in sorted(steps)], made

    def where(self, moment):
        self.do_where("w", [moment] * len(self.lanes))
        return self.sent[-2][2].result


def test_the_same_seed_and_step_are_the_same_moment():
    engine = Engine(lane(0))
    changes = (Change("edit", (("fc", 2), 0.0, 5.0), 10), Change("cover", ((2, 2, 5, 5), "mean"), 12),
               Change("disturb", (("latency", 1.0),), 14))  # fmt: skip
    place = Place(seed=9, episode=1, step=20, changes=changes)
    assert engine.go([place]) == ()
    player = Player(Emulator("breakout"), Tiny(0), seed=9)
    player.begin(1)
    for _ in range(20):
        player.agent.edits = {Unit("fc", 2): (0.0, 5.0)} if player.place[1] >= 10 else {}
        player.cover = Cover((2, 2, 5, 5), "mean") if player.place[1] >= 12 else None
        if player.place[1] >= 14:
            player.disturbance = Disturbance(latency=1)
        player.step()
    step, (shown,), moment = player.step(), *engine.shown()
    assert (shown.episode, shown.index) == (1, 20)
    for name in ("frame", "ram", "observation"):
        np.testing.assert_array_equal(getattr(shown, name), getattr(step, name))
    np.testing.assert_array_equal(shown.decision.scores, step.decision.scores)
    found, notes = engine.where(moment)
    assert notes == () and found[0] == place
    engine.lanes[0].player.agent.clear_edits()
    _, moment = engine.shown()
    assert engine.where(moment)[1]  # what was taken back is no change that stayed


def test_a_step_behind_the_games_end_is_said():
    engine = Engine(lane(0))
    (note,) = engine.go([Place(seed=3, step=90_000)])
    (shown,), _ = engine.shown()
    assert shown.done and f"ends with step {shown.index:,}" in note
    assert engine.go([Place(changes=(Change("edit", (("conv9", 1), 0.0, 0.0)),))])[0][0] == "failed"


def test_a_way_that_cannot_be_gone_or_is_left_is_said_and_changes_are_as_noted():
    engine = Engine(lane(0))
    engine.epoch = 9
    engine.do_go_to(8, "late", [Place(step=3)], [0])
    assert [event[:2] for event in engine.sent] == [("failed", "late")]
    later = Change("cover", ((2, 2, 5, 5), "mean"), 40)
    for leave in (lambda: engine.obeying("seek"), lambda: engine.stop_travelling("key")):
        engine.do_go_to(engine.epoch + 1, "key", [Place(step=50, changes=(later,))], [0])
        engine._guarded_tick()
        assert engine.lanes[0].player.cover is None
        leave()
        assert engine.lanes[0].player.cover == Cover((2, 2, 5, 5), "mean") and engine._journey is None
    engine.lanes[0].path = None  # whatever goes wrong, whoever asks gets an answer
    engine.sent.clear()
    engine.do_where("w", [0])
    assert [event[:2] for event in engine.sent] == [("failed", "w")]


def test_all_whose_games_end_early_are_told_of():
    engine = Engine(lane(0), lane(1))
    notes = engine.go([Place(seed=3, step=90_000), Place(seed=4, step=90_000)])
    assert len(notes) == 2 and "Tiny 0" in "".join(notes) and "Tiny 1" in "".join(notes)
    assert len(engine.go([Place(seed=3, step=90_000), Place(seed=4, step=9)], driver=0)) == 1


def test_all_see_the_drivers_game_and_arrive_together():
    engine = Engine(lane(0), lane(1))
    assert engine.go([Place(seed=5, step=4), Place(seed=6, step=15)], driver=1) == ()
    shown, moment = engine.shown()
    assert [step.index for step in shown] == [15, 15]
    np.testing.assert_array_equal(shown[0].ram, shown[1].ram)
    found, notes = engine.where(moment)
    assert notes == () and [(place.seed, place.step) for place in found] == [(5, 15), (6, 15)]
    assert engine.go([Place(seed=5, step=4), Place(seed=6, step=15)]) == ()  # each its own
    shown, moment = engine.shown()
    assert [step.index for step in shown] == [4, 15]
    engine.game.share(engine.lanes, engine.lanes[0])
    _, moment = engine.shown()
    assert "came to this game later" in " ".join(engine.where(moment)[1])


def test_steps_that_lead_nowhere_are_dropped():
    one = lane(0)
    for number in range(40):
        one.step(number, False, None)
    one.path._keeps = 8
    one.path.trim([20, 25])
    assert sorted(one.path.taken) == list(range(40))  # few enough to be kept
    one.path._keeps = -300
    one.path.at = 25
    one.path.trim([20, 25])
    assert sorted(one.path.taken) == list(range(26)) and list(way(one.path.taken, 3)) == [3, 2, 1, 0]
