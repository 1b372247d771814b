"""Units matched: copies are found exactly, noise is not, what is correlated, who is left out, sentences, files."""

import compared
import numpy as np
import pytest
import tiny_agents

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.analysis import export, latest, run
from zoo_gui.analysis import matching as module
from zoo_gui.analysis.matching import layer_pairs, matching
from zoo_gui.analysis.matching_record import NOBODY
from zoo_gui.play.together import record_together
from zoo_gui.types import LayerInfo, Unit, ZooError


def of_arrays(x, y, signed=True):
    """The Pairing of two layers' values (n, C)."""
    infos = tuple(LayerInfo("a", (values.shape[1],), "dense", signed) for values in (x, y))
    found = module.Correlated(module.Plan((None, None), 1, 0, "moments"), infos, x.astype("f4"), y.astype("f4"))
    for _ in found.by_chance(module.shifts_of(len(x))):
        pass
    return found.pairing()


@pytest.mark.parametrize("embedded", [False, True])
def test_a_copy_with_permuted_channels_is_matched_exactly_both_ways(embedded):
    agent = Agent.load("ppo/Pong/1") if embedded else compared.agent(seed=5)
    copy, order = compared.permuted(agent)
    if embedded:
        *_, progress = record_together((agent, copy), steps=120, seed=2)
        seen = progress.result
    else:
        seen = (compared.moments(agent),) * 2
    found = run("matching", (agent, copy), moments=seen)
    pairing = found.pairings[0]
    assert pairing.layers == ("conv1", "conv1") and pairing.over == "moments and positions"
    live = [index for index in range(len(order)) if not pairing.sides[1].left_out[index]]
    assert len(live) >= 2
    left = set(np.flatnonzero(pairing.sides[0].left_out))
    assert left == {order[index] for index in range(len(order)) if index not in live}
    for index in live:
        there = Unit("conv1", int(order[index]))
        for one_to_one in (False, True):
            back = found.counterpart(Unit("conv1", index), side=1, one_to_one=one_to_one)
            assert back.unit == there and back.r == pytest.approx(1, abs=1e-4) and back.significant
            assert found.counterpart(there, one_to_one=one_to_one).unit == Unit("conv1", index)
    rest = found.pairings[1].sides[0]
    assert (rest.best == np.where(rest.left_out, NOBODY, np.arange(len(rest.best)))).all()
    assert [pairing.layers[0] for pairing in found.pairings] == [info.name for info in agent.layers]


def test_correlations_are_pearsons_over_moments_and_positions():
    agents = compared.agent(), compared.agent(seed=1)
    seen = [compared.moments(agent) for agent in agents]
    found = run("matching", agents, moments=seen)
    rows = [row for row in range(80) if row % 40]
    values = [own.activations(agent, rows, ("conv2", "fc")) for agent, own in zip(agents, seen)]
    for layer in ("conv2", "fc"):
        pairing = next(pairing for pairing in found.pairings if pairing.layers[0] == layer)
        a, b = (one[layer].reshape(-1, one[layer].shape[-1]).astype(float) for one in values)
        assert pairing.samples == len(a)
        for i in np.flatnonzero(~pairing.sides[0].left_out):
            for j in np.flatnonzero(~pairing.sides[1].left_out):
                assert pairing.correlations[i, j] == pytest.approx(np.corrcoef(a[:, i], b[:, j])[0, 1], abs=1e-5)
            side = pairing.sides[0]
            assert side.best[i] == np.nanargmax(pairing.correlations[i])
            assert side.r[i] == pytest.approx(np.nanmax(pairing.correlations[i]))
            if side.one[i] != NOBODY:
                assert pairing.sides[1].one[side.one[i]] == i


def test_maps_of_other_shapes_are_compared_by_their_largest_activation():
    agents = compared.agent(), compared.agent(tiny_agents.Q, seed=1)
    seen = [compared.moments(agent) for agent in agents]
    found = run("matching", agents, moments=seen, layer="conv2", other_layer="conv1")
    (pairing,) = found.pairings
    rows = [row for row in range(80) if row % 40]
    a, b = (own.activations(agent, rows, (layer,))[layer].max((1, 2)) for agent, own, layer in
            zip(agents, seen, ("conv2", "conv1")))  # fmt: skip
    assert pairing.over == "moments" and pairing.samples == len(rows)
    live = np.flatnonzero(~pairing.sides[0].left_out)
    assert pairing.correlations[live[0], 1] == pytest.approx(np.corrcoef(a[:, live[0]], b[:, 1])[0, 1], abs=1e-5)


@pytest.mark.parametrize("drift", [0.0, 0.95])
def test_independent_noise_has_no_significant_counterparts_also_where_it_drifts(drift):
    """Slow series of nothing in common are highly correlated; moving one in time says so."""
    false, level = [], []
    for seed in range(10):
        x, y = np.random.default_rng(seed).normal(size=(2, 400, 20))
        for row in range(1, 400):
            x[row] += drift * x[row - 1]
            y[row] += drift * y[row - 1]
        found = of_arrays(x, y)
        false += [side.significant.mean() for side in found.sides]
        level += [(side.p_value <= 0.05).mean() for side in found.sides]
        assert abs(found.sides[0].r.mean() - found.sides[0].chance.mean()) < 0.1
        assert abs(np.mean(found.sides[0].one_r) - found.by_chance) < 0.1
    assert np.mean(false) < 0.02 and np.mean(level) < 0.08
    if drift:
        assert found.sides[0].r.mean() > 0.25
    x[:, :10] = y[:, 10:20] + 0.5 * x[:, :10]
    found = of_arrays(x, y)
    assert found.sides[0].significant[:10].all() and (found.sides[0].best[:10] == np.arange(10, 20)).all()
    assert found.sides[0].significant[10:].sum() <= 2


@pytest.mark.parametrize("piece", [1 << 22, 100])
def test_time_is_moved_by_whole_moments_of_maps(monkeypatch, piece):
    monkeypatch.setattr(module, "PIECE", piece)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 31, 4 * 2)).astype("f4")
    plan = module.Plan((None, None), 4, 0, "")
    one = module.Correlated(plan, (LayerInfo("a", (2, 2, 2), "conv", True),) * 2, x.copy(), y.copy())
    moved = np.roll(y, -7, 0).reshape(-1, 2)
    for i in range(2):
        for j in range(2):
            expected = np.corrcoef(x.reshape(-1, 2)[:, i], moved[:, j])[0, 1]
            assert one._shifted(7)[i, j] == pytest.approx(expected, abs=1e-5)
    lags = np.array([3, 7, 20])
    for _ in one.by_chance(lags):
        pass
    for place, lag in enumerate(lags):  # Fourier's way and the plain one
        np.testing.assert_allclose(one._null[0][place], one._shifted(lag).max(1), atol=1e-5)
        np.testing.assert_allclose(one._null[1][place], one._shifted(lag).max(0), atol=1e-5)


def test_units_that_never_vary_or_hardly_fire_are_left_out_and_one_to_one_is_the_largest_sum():
    rng = np.random.default_rng(1)
    y = np.maximum(rng.normal(size=(200, 3)), 0)
    x = np.stack([y[:, 1] + 0.05 * rng.random(200), y[:, 1] + 0.3 * y[:, 2], np.zeros(200), np.full(200, 3.0),
                  np.where(np.arange(200) < 9, 1.0, 0.0)], 1)  # fmt: skip
    found = of_arrays(x, y, signed=False)
    side = found.sides[0]
    assert side.left_out.tolist() == [False, False, True, True, True] and (side.best[2:] == NOBODY).all()
    assert np.isnan(side.r[2:]).all() and np.isnan(found.correlations[2:]).all()
    assert side.best[:2].tolist() == [1, 1] and side.one[:2].tolist() == [1, 2]
    assert found.sides[1].one.tolist() == [NOBODY, 0, 1]
    assert "2 of 5 units" in found.sentence
    nothing = of_arrays(np.zeros((50, 2)), y[:50], signed=False)
    assert "no unit varies" in nothing.sentence and nothing.shifts and (nothing.sides[1].best == NOBODY).all()


def test_partial_results_join_to_the_whole_whatever_is_held_at_once(monkeypatch):
    agents = compared.agent(), compared.agent(seed=1)
    seen = [compared.moments(agent) for agent in agents]
    joined, first = None, None
    for progress in matching(agents, moments=seen):
        joined = latest(joined, progress)
        if progress.result is not None and first is None:
            first = progress.result
    assert len(first.pairings) == 1 and not first.pairings[0].shifts
    early = first.counterpart(Unit(first.pairings[0].layers[0], 0))
    assert early is None or (early.significant is None and np.isnan(early.p_value))
    assert len(joined.pairings) == len(progress.result.pairings) == 5 and all(p.shifts == 77 for p in joined.pairings)
    monkeypatch.setattr(module.observed, "MOST_NUMBERS", 5000)
    again = run("matching", agents, moments=seen)
    for one, other in zip(progress.result.pairings, again.pairings):
        assert one.layers == other.layers
        np.testing.assert_allclose(one.correlations, other.correlations, atol=1e-5)
        np.testing.assert_array_equal(one.sides[1].best, other.sides[1].best)
    monkeypatch.setattr(module, "MOST_SAMPLES", 300)
    few = run("matching", agents, moments=seen, layer="conv1").pairings[0]
    assert few.samples == 78 * 3


def test_layers_that_go_together():
    agent = compared.agent()
    assert layer_pairs(agent, agent) == tuple((info.name, info.name) for info in agent.layers)
    other = compared.agent(NetworkSpec((
        LayerSpec("first", "conv", filters=3, kernel=(5, 4), stride=(2, 3), activation="relu"),
        LayerSpec("fc", "dense", units=6, activation="relu"),
        LayerSpec("more", "dense", units=6, activation="relu"),
        LayerSpec("q", "dense", units=3, role="q"),
    )))  # fmt: skip
    assert layer_pairs(agent, other) == (("conv1", "first"), ("fc", "fc"), ("policy", "q"))
    grouped = agent.with_groups("conv2", np.eye(4)[:2])
    assert layer_pairs(grouped, agent) == layer_pairs(agent, agent)


def test_kinds_of_agents_and_files(tmp_path):
    agents = compared.agent(compared.RECURRENT), compared.agent(tiny_agents.QUANTILES)
    seen = [compared.moments(agent) for agent in agents]
    found = run("matching", agents, moments=seen, pairs=[("cell", "fc"), ("policy", "q")])
    assert [pairing.layers for pairing in found.pairings] == [("cell", "fc"), ("policy", "q")]
    for ending in (".png", ".csv", ".json", ".npz"):
        export.write(found, tmp_path / f"found{ending}")
    assert len(found.table()) == 5 + 5 + 3 + 3
    assert found.counterpart(Unit("conv1", 0)) is None and found.counterpart(Unit("cell", 99)) is None
    with np.load(tmp_path / "found.npz") as arrays:
        np.testing.assert_array_equal(arrays["cell_fc_1_best"], found.pairings[0].sides[1].best)
    assert "beyond chance" in found.sentence


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"layer": "conv9"}, "no layer “conv9”"),
        ({"layer": "conv1", "other_layer": "conv9"}, "no layer “conv9”"),
        ({"other_layer": "value"}, "no layer that goes with value"),
        ({"count": 9000}, "too many"),
        ({"count": 3}, "too few"),
        ({"agents": 1}, "give two"),
    ],
)
def test_what_cannot_be_matched_gets_one_sentence(change, sentence):
    agents = (compared.agent(tiny_agents.Q), compared.agent())[: change.pop("agents", 2)]
    seen = [compared.moments(agent) for agent in agents]
    with pytest.raises(ZooError, match=sentence):
        run("matching", agents, moments=seen, **change)
