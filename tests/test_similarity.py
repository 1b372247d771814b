"""CKA and SVCCA: the formulas as published, what they must not change with, chance, partial results, sentences."""

import json

import compared
import numpy as np
import pytest
import tiny_agents
import zoo_graphs

from zoo_gui import bench, cli
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, Card, PreprocessingSpec, WeightsSpec
from zoo_gui.agents.formats import read_checkpoint
from zoo_gui.analysis import export, observed, run
from zoo_gui.analysis import similarity as module
from zoo_gui.analysis.recorded import one_core
from zoo_gui.analysis.similarity import similarity
from zoo_gui.analysis.similarity_measures import (
    Alignment,
    Features,
    _features,
    cka,
    shifts_of,
    subspace,
    svcca,
)
from zoo_gui.bench_compare import timed
from zoo_gui.play.together import record_together
from zoo_gui.types import Unit, ZooError

RNG = np.random.default_rng


def pair(n=70, seed=0, noise=3.0):
    """Two sets of features with something in common, of odd means and scales."""
    rng = RNG(seed)
    x = rng.normal(size=(n, 12)) * rng.random(12) * 5 + rng.normal(size=12) * 20
    y = x @ rng.normal(size=(12, 7)) + noise * rng.normal(size=(n, 7)) - 4
    return x.astype(np.float32), y.astype(np.float32)


def hsic_cka(x, y):
    """Kornblith et al. 2019, equations 2 and 3: HSIC(K, L) = tr(K H L H) / (n − 1)², H = 1 − 11ᵀ / n."""
    n = len(x)
    h = np.eye(n) - 1 / n

    def hsic(k, m):
        return np.trace(k @ h @ m @ h) / (n - 1) ** 2

    k, m = (a.astype(float) @ a.astype(float).T for a in (x, y))
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def song_cka(x, y):
    """Debiased: Song et al. 2012, equation 5, the unbiased estimate of HSIC, in place of HSIC."""
    n, one = len(x), np.ones(len(x))

    def hsic(k, m):
        k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
        sums = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
        return (np.trace(k @ m) + sums) / (n * (n - 3))

    k, m = (a.astype(float) @ a.astype(float).T for a in (x, y))
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def published_svcca(x, y, most):
    """Raghu et al. 2017: each side's leading singular directions, then CCA as its authors define it, by inverse roots
    of covariances."""
    sides = []
    for values in (x, y):
        u, s, _ = np.linalg.svd(values - values.mean(0, dtype=float), full_matrices=False)
        count = min(most, int(np.searchsorted(np.cumsum(s**2) / (s**2).sum(), 0.99)) + 1)
        sides.append(u[:, :count] * s[:count])
    (a, b), roots = sides, []
    for side in sides:
        values, vectors = np.linalg.eigh(side.T @ side)
        roots.append(vectors @ np.diag(values**-0.5) @ vectors.T)
    return np.linalg.svd(roots[0] @ a.T @ b @ roots[1], compute_uv=False).mean()


@pytest.mark.parametrize("n", [70, 71])
def test_the_formulas_as_they_were_published(n):
    x, y = pair(n)
    assert cka(x, y) == pytest.approx(hsic_cka(x, y), abs=1e-5)
    assert 0.1 < cka(x, y) < 0.99
    assert cka(x, y, debiased=True) == pytest.approx(song_cka(x, y), abs=1e-5)
    assert svcca(x, y) == pytest.approx(published_svcca(x, y, n // 10), abs=1e-4)


def test_large_matrices_give_the_leading_directions_too():
    rng = RNG(2)
    x = rng.normal(size=(700, 150)) @ np.diag(0.97 ** np.arange(150)) @ rng.normal(size=(150, 900))
    y = x[:, :400] + rng.normal(size=(700, 400))
    with one_core():
        assert svcca(x, y) == pytest.approx(published_svcca(x, y, 70), abs=0.01)


def test_every_shift_in_time_is_as_if_the_rows_had_been_moved():
    x, y = pair(40)
    for debiased in (False, True):
        a, b = Alignment(_features(x), debiased), Alignment(_features(y), debiased)
        at_once = a.against(b)
        one_by_one = [cka(x, np.roll(y, -shift, 0), debiased) for shift in range(40)]
        np.testing.assert_allclose(at_once, one_by_one, atol=1e-5)
    *_, a = subspace(_features(x))
    *_, b = subspace(_features(y))
    assert a.against(b, 11) == pytest.approx(svcca(x, np.roll(y, -11, 0)), abs=1e-5)
    assert shifts_of(40).tolist() == list(range(1, 40)) and len(shifts_of(40, 9)) == 9


@pytest.mark.parametrize("measure", [cka, svcca, lambda x, y: cka(x, y, debiased=True)])
def test_rotation_permutation_scale_and_offset_change_nothing(measure):
    x, y = pair()
    rotation = np.linalg.qr(RNG(5).normal(size=(12, 12)))[0]
    assert measure(x, x) == pytest.approx(1, abs=1e-6)
    for other in (x @ rotation, x[:, RNG(1).permutation(12)], 250 * x, x + 30):
        assert measure(x, other) == pytest.approx(1, abs=1e-4)
        assert measure(other, y) == pytest.approx(measure(x, y), abs=1e-4)


def test_independent_noise_is_at_its_chance_level():
    """Few moments and many features: CKA is far above 0 without meaning anything, and chance says so."""
    rng = RNG(7)
    x, y = (np.maximum(rng.normal(size=(100, 400)), 0) for _ in range(2))
    values = Alignment(_features(x)).against(Alignment(_features(y)))
    value, mean, high, p = module.summary(float(values[0]), values[shifts_of(100)])
    assert value > 0.5 and abs(value - mean) < 0.05 and p > 0.05
    assert abs(cka(x, y, debiased=True)) < 0.1
    noise = x + 0.3 * rng.normal(size=x.shape)
    values = Alignment(_features(x)).against(Alignment(_features(noise)))
    assert module.summary(float(values[0]), values[shifts_of(100)])[3] < 0.02


def test_features_may_be_taken_in_by_parts(monkeypatch):
    x, y = pair()
    parts = Features(len(x))
    for part in (x[:, :5].copy(), x[:, 5:].copy()):
        for _ in parts.add(part):
            pass
    assert Alignment(parts).against(Alignment(_features(y)))[0] == pytest.approx(cka(x, y), abs=1e-6)


@pytest.mark.parametrize("method", ["cka", "debiased", "svcca"])
def test_an_agent_is_like_itself_and_like_a_copy_with_permuted_channels(method):
    agent = compared.agent()
    copy, _ = compared.permuted(agent)
    seen = compared.moments(agent)
    itself = run("similarity", (agent, agent), moments=seen, method=method, count=60)
    np.testing.assert_allclose(np.diag(itself.values), 1, atol=1e-6)
    assert itself.n == 60 and itself.complete and itself.values.shape == (5, 5)
    other = run("similarity", (agent, copy), moments=(seen, seen), method=method, count=60)
    np.testing.assert_allclose(np.diag(other.values), 1, atol=1e-4)
    np.testing.assert_allclose(other.values, itself.values, atol=1e-3)
    assert other.most_similar("conv1") == ("conv1", pytest.approx(1, abs=1e-4))
    assert (np.diag(other.p_value) <= 0.05).all()
    if method != "svcca":
        assert other.values[0, 2] < 0.999
    else:
        assert other.kept[0][3][0] in (1, 2, 3) and all(0.2 < share <= 1 for _, share in other.kept[1])


def test_partial_results_fill_up_to_the_whole_whatever_is_held_at_once(monkeypatch):
    agents = compared.agent(), compared.agent(tiny_agents.Q, seed=4)
    seen = [compared.moments(agent) for agent in agents]
    records = [progress.result for progress in similarity(agents, moments=seen) if progress.result is not None]
    known = [record.computed for record in records]
    assert known == sorted(known) and known[0] < known[-1] == records[-1].values.size == 10
    for record in records:
        there = np.isfinite(record.values)
        np.testing.assert_array_equal(record.values[there], records[-1].values[there])
    assert np.isfinite(records[0].values[:, 1]).all() and np.isnan(records[0].values[:, 0]).all()  # q is the smaller
    for held in (2000, 40_000):
        monkeypatch.setattr(observed, "MOST_NUMBERS", held)
        again = run("similarity", agents, moments=seen)
        np.testing.assert_allclose(again.values, records[-1].values, atol=1e-5)
        np.testing.assert_allclose(again.chance, records[-1].chance, atol=1e-5)


def test_values_are_those_of_the_activations_at_moments_without_interventions():
    agents = compared.agent(), compared.agent(compared.RECURRENT, seed=2)
    seen = [compared.moments(agent, edited=range(5, 15)) for agent in agents]
    agents[0].edit(Unit("fc", 1), gain=0.0, offset=3.0)
    found = run("similarity", agents, moments=seen, layers=("fc", "conv2"), other_layers=("cell",))
    agents[0].clear_edits()
    rows = [row for row in range(80) if row % 40 >= 1 and not 5 <= row < 15]  # the stack holds two frames
    assert found.n == len(rows) and found.layers == (("fc", "conv2"), ("cell",))
    first, second = (own.activations(agent, rows, names) for agent, own, names in
                     zip(agents, seen, (("fc", "conv2"), ("cell",))))  # fmt: skip
    cell = second["cell"]
    assert found.values[0, 0] == pytest.approx(hsic_cka(first["fc"], cell), abs=1e-4)
    assert found.values[1, 0] == pytest.approx(hsic_cka(first["conv2"].reshape(len(rows), -1), cell), abs=1e-4)


def test_agents_of_other_shapes_and_kinds_of_network(tmp_path):
    zoo_graphs.write("apex", tmp_path / "graph.pb")
    network = read_checkpoint(tmp_path / "graph.pb").network
    actions = ActionSpec(("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN"), "argmax")
    card = Card(1, "apex", "breakout", 1, network, PreprocessingSpec(), actions, WeightsSpec("graph.pb"))
    (tmp_path / "card.toml").write_text(card.to_toml(), encoding="utf-8")
    agents = Agent.load(str(tmp_path)), compared.agent(tiny_agents.C51)
    seen = [compared.moments(agent, 60) for agent in agents]
    found = run("similarity", agents, moments=seen)
    assert found.values.shape == (len(agents[0].layers), len(agents[1].layers)) and found.complete
    assert np.isfinite(found.values).sum() >= found.values.size / 2


def test_a_layer_that_never_varies_has_no_similarity_and_it_is_said():
    agent = compared.agent()
    dead = agent.with_weights({"fc/kernel": np.zeros_like(agent.weights["fc/kernel"])})
    for method in ("cka", "svcca", "debiased"):
        found = run("similarity", (agent, dead), moments=compared.moments(agent), method=method)
        assert np.isnan(found.values[:, 2:]).all() and np.isfinite(found.values[:, :2]).all() and found.complete
        assert found.remarks == (
            f"fc, policy, value of {dead.title} gave the same at every moment, and so cannot be compared.",
        )
        assert found.most_similar("fc", side=1) is None


def test_two_embedded_agents_that_watch_one_game_and_files(tmp_path):
    agents = Agent.load("ppo/Pong/1@initial"), Agent.load("ppo/Pong/1")
    *_, progress = record_together(agents, steps=40, seed=1, driver=1)
    found = run("similarity", agents, moments=progress.result, count=30)
    assert found.n == 30 and found.complete and found.titles == tuple(agent.title for agent in agents)
    for ending in (".png", ".csv", ".json", ".npz"):
        export.write(found, tmp_path / f"found{ending}")
    with np.load(tmp_path / "found.npz") as arrays:
        np.testing.assert_array_equal(arrays["values"], found.values)
    assert len(found.table()) == found.values.size and "linear CKA at 30 moments" in found.sentence


def test_the_bench_says_what_its_child_measured(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(bench, "child", lambda *given: asked.append(given) or {"cka_s": 6.54321, "layer_pairs": 25})
    assert cli.main(["bench", "compare", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["cka_s"], figures["layer_pairs"]) == (6.543, 25) and asked[0][:2] == ("compare", 2)
    agents = compared.agent(), compared.agent(seed=1)
    figures, found = timed("cka", similarity(agents, moments=[compared.moments(agent) for agent in agents]))
    assert found.complete and 0 < figures["cka_first_s"] <= figures["cka_s"]
    assert 0 < figures["cka_longest_ms"] <= 1e3 * figures["cka_s"]


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"agents": 1}, "give two"),
        ({"agents": 3}, "not 3: choose two"),
        ({"layers": ("conv7",)}, "no layer “conv7”"),
        ({"method": "cca"}, "cca"),
        ({"count": 5}, "too few"),
        ({"count": 6000}, "too many"),
        ({"played": 12}, "12 moments|too few"),
        ({"game": "Pong"}, "only agents of one game"),
        ({"moments": "one"}, "1 were given"),
        ({"moments": "other"}, "another pipeline"),
        ({"moments": "memory"}, "memory of its own"),
        ({"moments": "elsewhere"}, "not seen the same game"),
    ],
)
def test_what_cannot_be_compared_gets_one_sentence(change, sentence):
    agent, other = compared.agent(), compared.agent(seed=1, game=change.pop("game", "Breakout"))
    seen = compared.moments(agent, change.pop("played", 60))
    agents = (agent, other, agent)[: change.pop("agents", 2)]
    given = (seen,) * len(agents)
    kind = change.pop("moments", "")
    if kind == "one":
        given = (seen,)
    if kind == "other":
        given = (seen, compared.moments(Agent.load("ppo/Pong/1@initial"), 40))
    if kind == "memory":
        agents = compared.agent(compared.RECURRENT), compared.agent(compared.RECURRENT, seed=1)
        given = (compared.moments(agents[0]),) * 2
    if kind == "elsewhere":
        given = (seen, compared.moments(other, 60, seed=9))
    with pytest.raises(ZooError, match=sentence):
        run("similarity", agents, moments=given, **change)
