"""Groups of units: found in what was planted, a layer that behaves as units do, sentences, files."""

import functools
import importlib

import numpy as np
import pytest
import tiny_agents
import zoo_graphs
from zoo_gui import cli, factors
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, Card, PreprocessingSpec, WeightsSpec
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.agents.groups import groupings_of, kernel_of
from zoo_gui.analysis import export
from zoo_gui.analysis.groups import _factors, groups
from zoo_gui.analysis.patches import patches
from zoo_gui.play.moments import Moments
from zoo_gui.types import LayerInfo, ReceptiveField, Step, Unit, ZooError


@functools.cache
def tiny(network=tiny_agents.POLICY):
    return Agent(tiny_agents.card(network), tiny_agents.weights(network))


def moments_of(agent, count=60):
    """Moments with random observations, as a sitting would have kept them."""
    found = Moments(agent.layers, agent.action_names, (20, 18), agent.observation_shape)
    palette, rng = np.full((256, 3), 90, np.uint8), np.random.default_rng(0)
    for number in range(count):
        seen = tiny_agents.observation(number)
        step = Step(
            player="agent", episode=number // 30, index=number % 30, frame=np.zeros((20, 18, 3), np.uint8),
            frames=np.zeros((1, 20, 18, 3), np.uint8), observation=seen, ram=np.zeros(128, np.uint8),
            decision=agent.decide(seen, rng), reward=0.0, episode_return=0.0, lives=3, terminated=False,
            truncated=False,
        )  # fmt: skip
        found.add(step, number, np.zeros((20, 18), np.uint8), palette)
    return found


def last(steps):
    *_, progress = steps
    return progress.result


def test_planted_factors_are_found_and_the_same_seed_finds_the_same():
    rng = np.random.default_rng(1)
    planted = np.zeros((3, 12), np.float32)
    for group in range(3):
        planted[group, 4 * group : 4 * group + 5] = rng.random(len(planted[group, 4 * group : 4 * group + 5])) + 0.2
    strengths = rng.random((2000, 3)) * (rng.random((2000, 3)) < 0.4)
    rows = np.float32(7.0) * (strengths @ planted + 0.01 * rng.random((2000, 12))).astype(np.float32)

    def run():
        found = _factors(rows, 3, seed=5)
        while True:
            try:
                next(found)
            except StopIteration as end:
                return end.value

    found, directions, _ = run()
    unit = planted / np.linalg.norm(planted, axis=1, keepdims=True)
    match = (directions @ unit.T).argmax(0)
    assert sorted(match) == [0, 1, 2]
    for group, other in enumerate(match):
        assert np.corrcoef(directions[other], unit[group])[0, 1] > 0.95
        assert np.corrcoef(found[:, other], strengths[:, group])[0, 1] > 0.95
    np.testing.assert_array_equal(run()[1], directions)


@functools.cache
def graph_agent(folder):
    zoo_graphs.write("apex", folder / "graph.pb")  # channels first
    network = read_checkpoint(folder / "graph.pb").network
    actions = ActionSpec(("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN"), "argmax")
    card = Card(1, "apex", "Breakout", 1, network, PreprocessingSpec(), actions, WeightsSpec("graph.pb"))
    (folder / "card.toml").write_text(card.to_toml(), encoding="utf-8")
    return Agent.load(str(folder))


@pytest.fixture(params=["data", "graph"], scope="module")
def agent(request, tmp_path_factory):
    """An agent whose layers are data, and one that runs as its file's graph."""
    return tiny() if request.param == "data" else graph_agent(tmp_path_factory.mktemp("graph"))


@pytest.mark.parametrize("dense", [False, True])
def test_a_group_of_one_unit_is_that_unit_everywhere_and_decisions_stay_bit_for_bit(agent, dense):
    layer = next(info for info in agent.layers[1:] if (len(info.shape) == 1) == dense)
    grouped = agent.with_groups(layer.name, np.eye(layer.units)[[2, 1]], unit_names=("two", ""))
    name, seen = grouped.layers[-1].name, np.random.default_rng(3).integers(0, 256, agent.observation_shape, np.uint8)
    plain, with_groups = (one.decide(seen, np.random.default_rng(0)) for one in (agent, grouped))
    assert plain.action == with_groups.action and plain.scores.tobytes() == with_groups.scores.tobytes()
    np.testing.assert_array_equal(plain.flat, with_groups.flat[: plain.flat.size])
    np.testing.assert_array_equal(with_groups.activations[name], with_groups.activations[layer.name][..., [2, 1]])
    np.testing.assert_array_equal(grouped.gradients(seen, Unit(name, 0)), agent.gradients(seen, Unit(layer.name, 2)))
    x = (seen[None] / 255).astype(np.float32)
    np.testing.assert_array_equal(
        grouped.taps(x, pre=True)[name], np.asarray(grouped.taps(x)[layer.name])[..., [2, 1]]
    )
    assert grouped.layers[-1] == LayerInfo(name, (*layer.shape[:-1], 2), layer.kind, False, layer.receptive_field,
                                           ("two", ""), layer.name)  # fmt: skip
    assert grouped.hash != agent.hash and grouped.without_groups(name).hash == agent.hash
    # a change of the group is a change of the unit
    for unit, one in ((Unit(layer.name, 2), agent), (Unit(name, 0), grouped)):
        one.edit(unit, gain=0.0, offset=0.7)
    plain, with_groups = (one.decide(seen, np.random.default_rng(0)) for one in (agent, grouped))
    np.testing.assert_allclose(with_groups.scores, plain.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(with_groups.activations[name][..., 0], 0.7, rtol=1e-6)
    agent.clear_edits()
    assert not np.array_equal(agent.decide(seen, np.random.default_rng(0)).scores, plain.scores)


def test_taking_a_group_out_takes_its_part_out_of_the_layer():
    agent, seen = tiny(), tiny_agents.observation(4)
    directions = np.array([[1, 1, 0, 0], [0, 1, 2, 0]], float) + 0.0
    grouped = agent.with_groups("conv2", directions)
    before = grouped.activations(seen)
    grouped.edit(Unit("conv2_groups", 0), gain=0.0)
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    wanted = before["conv2"] - before["conv2_groups"][..., :1] * unit[0]
    np.testing.assert_allclose(grouped.activations(seen)["conv2"], np.maximum(wanted, 0), rtol=1e-5, atol=1e-6)
    projected = np.maximum(before["conv2"].reshape(-1, 4) @ np.linalg.pinv(unit), 0)
    np.testing.assert_allclose(before["conv2_groups"].reshape(-1, 2), projected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(kernel_of(unit), np.linalg.pinv(unit), rtol=1e-6)


def test_patches_of_a_group_of_one_unit_are_the_units_and_the_moments_learn_new_units():
    agent = tiny()
    moments = moments_of(agent)
    live = int(moments.peaks("conv2").max(0).argmax())
    grouped = agent.with_groups("conv2", np.eye(4)[[live]])
    asked = (f"conv2:{live}", "conv2_groups:0")
    one, other = (last(patches(grouped, unit=unit, moments=moments, k=4)) for unit in asked)
    assert [p.moment for p in one.found] == [p.moment for p in other.found] and one.found
    assert [p.box for p in one.found] == [p.box for p in other.found]
    known = last(moments.for_agent(grouped))
    np.testing.assert_allclose(known.peaks("conv2_groups")[:, 0], moments.peaks("conv2")[:, live], rtol=1e-5)
    np.testing.assert_array_equal(known.places("conv2_groups")[:, 0], moments.places("conv2")[:, live])
    again = last(moments.for_agent(grouped, known))  # taken over, not computed
    np.testing.assert_array_equal(again.peaks("conv2_groups"), known.peaks("conv2_groups"))
    back = last(known.for_agent(agent))
    np.testing.assert_array_equal(back.peaks("fc"), moments.peaks("fc"))
    with pytest.raises(ZooError, match="conv2_groups"):
        back.peaks("conv2_groups")


@pytest.mark.parametrize("of", ["activations", "value", "action", "conv1:1"])
def test_groups_say_what_they_explain(of, tmp_path):
    agent = tiny()
    moments = moments_of(agent)
    layer = "conv1" if of == "activations" else "conv2"
    if of == "conv1:1":
        with pytest.raises(ZooError, match="does not depend on conv2"):
            last(groups(agent, moments=moments, layer=layer, count=2, of=of))
        return
    found = last(groups(agent, moments=moments, layer=layer, count=2, of=of))
    assert (found.directions >= 0).all() and found.directions.shape == (2, {"conv1": 3, "conv2": 4}[layer])
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1, rtol=1e-5)
    assert found.shares[0] >= found.shares[1] > 0
    assert found.shares.sum() + found.error == pytest.approx(1, abs=0.02)
    assert (found.agreement > 0.8).all()
    ids = [one.moment for one in found.top[0]]
    assert ids and min(abs(a - b) for a in ids for b in ids if a != b) >= 30 if len(ids) > 1 else ids
    for ending in ("png", "csv", "npz"):
        assert export.write(found, tmp_path / f"g.{ending}").stat().st_size > 100
    np.testing.assert_array_equal(
        last(groups(agent, moments=moments, layer=layer, count=2, of=of)).directions, found.directions
    )


def test_attributions_to_a_layer_sum_to_the_difference_that_it_makes(monkeypatch):
    module = importlib.import_module("zoo_gui.analysis.groups")
    monkeypatch.setattr(module, "STEPS", 200)
    agent = tiny()
    moments, rows = moments_of(agent, 40), np.arange(20)
    info = agent.layers[1]
    found = _ended(module._activations(agent, moments, rows, info, "value"))
    parts = _ended(module._attributions(agent, moments, rows, info, found, "value"))
    silent = agent.with_weights({})
    for unit in range(info.units):
        silent.edit(Unit("conv2", unit), gain=0.0)
    wanted = [agent.activations(moments.observation(int(r)))["value"][0]
              - silent.activations(moments.observation(int(r)))["value"][0] for r in rows]  # fmt: skip
    np.testing.assert_allclose(parts.reshape(20, -1).sum(1), wanted, rtol=0.02, atol=0.002)


def _ended(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_what_cannot_be_grouped_is_a_sentence():
    agent, moments = tiny(), moments_of(tiny())
    ask = lambda **changes: last(groups(agent, **{"moments": moments, "layer": "conv2", "count": 2, **changes}))  # noqa: E731
    for changes, words in (
        ({"layer": "policy"}, "group its attributions"), ({"layer": "conv9"}, "no layer “conv9”"),
        ({"count": 1}, "2 to 16 groups, not 1"), ({"count": 17}, "2 to 16 groups, not 17"),
        ({"count": 5}, "fewer groups"), ({"moments": moments_of(agent, 12)}, "too few"),
        ({"of": "nonsense"}, "not a unit"), ({"layer": "value", "of": "value"}, "one unit"),
    ):  # fmt: skip
        with pytest.raises(ZooError, match=words):
            ask(**changes)
    for directions, words in (
        (np.ones((2, 4)), "same mixture"), (np.zeros((1, 4)), "nothing but zeros"), (np.ones((2, 3)), "4 numbers"),
        (np.full((1, 4), np.nan), "not finite"),
    ):  # fmt: skip
        with pytest.raises(ZooError, match=words):
            agent.with_groups("conv2", directions)
    with pytest.raises(ZooError, match="made of groups"):
        agent.with_groups("conv2", np.eye(4)[:1]).with_groups("conv2_groups", np.ones((1, 1)))
    with pytest.raises(ZooError, match="no layer of groups"):
        agent.without_groups("conv2")


def test_a_layer_with_memory_is_grouped_from_the_states_that_it_had():
    from zoo_gui.agents.card import LayerSpec, NetworkSpec

    network = NetworkSpec((
        LayerSpec("conv1", "conv", filters=4, kernel=(4, 4), stride=(2, 2), activation="relu"),
        LayerSpec("gru", "gru", units=5), LayerSpec("policy", "dense", units=3, role="logits"),
    ))  # fmt: skip
    agent = tiny(network)
    seen, state = tiny_agents.observation(1), np.full(5, 0.5, np.float32)
    grouped = agent.with_groups("gru", np.eye(5)[[4]])
    values = agent.activations(seen, state)["gru"]
    assert grouped.activations(seen, state)["gru_groups"][0] == max(values[4], 0)
    plain, changed = (one.decide(seen, np.random.default_rng(0), state) for one in (agent, grouped))
    assert plain.scores.tobytes() == changed.scores.tobytes() and plain.state.tobytes() == changed.state.tobytes()


def test_cells_lie_on_what_they_see_and_colours_mix():
    layer = LayerInfo("conv", (2, 2, 1), "conv", False, ReceptiveField((8, 8), (4, 4), (0, 0)))
    assert factors.map_box(layer, (84, 84)) == (2.0, 2.0, 8.0, 8.0)  # the first cell's centre: 4, that of rows 0–7
    picture = np.zeros((20, 20, 3), np.uint8)
    both = np.ones((2, 2, 2), np.float32)
    shown = factors.overlay(picture, both, np.array([[200, 0, 0], [0, 100, 0]]), (0, 0, 10, 10), opacity=0.5)
    np.testing.assert_array_equal(shown[5, 5], [50, 25, 0])
    assert not shown[12:].any()
    outside = factors.overlay(picture, both, np.array([[200, 0, 0], [0, 100, 0]]), (-6, 15, 10, 10), opacity=0.5)
    assert outside[3, 16].any() and not outside[5:].any()
    assert len({tuple(colour) for colour in factors.colours(16).tolist()}) == 16


def test_the_command_prints_a_row_for_each_group(tmp_path, capsys):
    line = ["groups", "ppo/Breakout/1", "--layer", "conv2", "--count", "3", "--steps", "40", "--json",
            "--output", str(tmp_path / "g.csv")]  # fmt: skip
    assert cli.main(line) == 0
    assert '"group": "C"' in capsys.readouterr().out and (tmp_path / "g.csv").read_text().count("\n") == 1 + 5
    assert cli.main(["groups", "ppo/Breakout/1", "--layer", "policy", "--steps", "40"]) == 2
    assert "group its attributions" in capsys.readouterr().err


def test_names_of_units_are_on_one_line_and_no_more_than_there_are():
    grouped = tiny().with_groups("conv2", np.eye(4)[:2])
    grouped.name_units("conv2_groups", ["a\n paddle "])
    assert grouped.layers[-1].label(0) == "conv2_groups:0 “a paddle”"
    assert grouped.layers[-1].label(1) == "conv2_groups:1"
    with pytest.raises(ZooError, match="3 names for 2"):
        grouped.name_units("conv2_groups", "abc")


def test_another_agent_gets_the_very_same_layer():
    agent = tiny()
    (one,) = groupings_of(agent.with_groups("conv2", np.float32([[3, 1, 0.1, 0], [0, 0.3, 1, 1]]))).values()
    again = agent.with_groups(one.layer, one.directions, one.name, one.unit_names, one.kernel)
    (other,) = groupings_of(again).values()
    np.testing.assert_array_equal(other.directions, one.directions)
    np.testing.assert_array_equal(other.kernel, one.kernel)
    with pytest.raises(ZooError, match="kernel of x is not one of 2 groups"):
        agent.with_groups(one.layer, one.directions, "x", (), one.kernel[:, :1])
