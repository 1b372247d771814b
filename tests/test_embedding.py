"""Maps of states: the mathematics of the axes, what stays apart, what is the same twice, where new states lie."""

import dataclasses
import json
from types import SimpleNamespace

import compared
import numpy as np
import pytest
import tiny_agents
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from zoo_gui import cli
from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import embedding_layout, export, finish
from zoo_gui.analysis.embedding import embedding
from zoo_gui.analysis.embedding_layout import Plan, States, lay_out
from zoo_gui.analysis.embedding_process import Helper
from zoo_gui.analysis.embedding_record import BITS, Space, features_of, flattened, made
from zoo_gui.analysis.embedding_work import TASKS, axes, tsne
from zoo_gui.engine.comparing import Comparing
from zoo_gui.engine.lane import Lane
from zoo_gui.lab import Experiment
from zoo_gui.naming import MEANINGS
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.moments import recorded
from zoo_gui.play.player import Player
from zoo_gui.types import ZooError

RNG = np.random.default_rng


def silent(done, total):
    pass


class Here:
    """What Helper does, in this process: starting one takes a second."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, task, **asked):
        yield 0, 0
        return TASKS[task](silent, **asked)


@pytest.fixture
def own_process(monkeypatch):
    """As it is outside of tests."""
    monkeypatch.setattr(embedding_layout, "Helper", Helper)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """On one core, as there: threads that wait for each other take longer than one."""
    monkeypatch.setattr(embedding_layout, "Helper", Here)
    with threadpool_limits(1):
        yield


def states(features, lane=0, space="one", start=0):
    """States that have these features, five at a time."""
    count = len(features)
    columns = {name: np.zeros(count) for name in embedding_layout.COLUMNS}

    def read(places):
        for begin in range(0, len(places), 5):
            yield np.asarray(features[places[begin : begin + 5]], np.float32)

    return States(lane, space, features.shape[1], np.arange(start, start + count), columns, read)


def clusters(count=40, width=9, apart=30.0, seed=0):
    """Two clouds of ``count`` points each, the second far from the first."""
    found = RNG(seed).normal(size=(2 * count, width))
    found[count:, 0] += apart
    return found.astype(np.float32)


def laid(*parts, agents=("a",), what="ram", **plan):
    return finish(lay_out(parts, agents, what, Plan(**plan)))


# -- principal components ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("count", "width"), [(60, 9), (30, 50), (80, 1500)])
def test_axes_are_those_of_the_singular_values(count, width):
    """Also of more features than states, and of so many that they are found at random."""
    rng = RNG(1)
    rank = 6
    x = rng.normal(size=(count, rank)) * (5.0 ** -np.arange(rank)) @ rng.normal(size=(rank, width)) + 7
    x = x.astype(np.float32)
    found = axes(silent, x, 4, 0)
    _, s, vt = np.linalg.svd(x - x.mean(0, dtype=float), full_matrices=False)
    np.testing.assert_allclose(found["mean"], x.mean(0, dtype=float), rtol=1e-5)
    np.testing.assert_allclose(found["explained"], (s**2 / (s**2).sum())[:4], rtol=1e-3)
    np.testing.assert_allclose(np.abs(found["components"] @ vt[:4].T), np.eye(4), atol=2e-3)


def test_pca_alone_is_the_projection_and_constant_columns_do_not_matter():
    x = clusters()
    wide = np.concatenate([np.full((len(x), 3), 200.0), x], 1)
    found, other = laid(states(x), method="pca"), laid(states(wide), method="pca")
    centred = x - x.mean(0, dtype=float)
    _, _, vt = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found.points), np.abs(centred @ vt[:2].T), atol=1e-3)
    np.testing.assert_allclose(found.points, other.points, atol=1e-3)
    assert found.parts[0].explained.sum() == pytest.approx(1) and not found.preliminary


def test_wide_features_are_projected_on_axes_of_as_many_as_can_be_held(monkeypatch):
    """The axes of every second state are nearly those of all, and every state is projected on them."""
    x = clusters(60)
    monkeypatch.setattr(embedding_layout, "MOST_NUMBERS", 60 * x.shape[1])
    monkeypatch.setattr(embedding_layout, "PIECE", 50)
    found = laid(states(x[:40]), states(x[40:], lane=1, start=40), agents=("a", "b"), method="pca")
    part = found.parts[0]
    chosen = x[np.unique(np.linspace(0, 119, 60).astype(int))]
    np.testing.assert_allclose(part.mean, chosen.mean(0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(part.scores, (x - part.mean) @ part.components.T, atol=1e-4)
    assert len(found.points) == 120


# -- methods ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["pca", "tsne", "pacmap"])
def test_two_clusters_stay_two_and_the_same_seed_gives_the_same(method, request):
    if method == "pacmap":  # and its numba, which warns of what is none of ours
        request.getfixturevalue("own_process")
    x = clusters()
    found = laid(states(x), method=method, perplexity=10, iterations=300)
    again = laid(states(x), method=method, perplexity=10, iterations=300)
    np.testing.assert_array_equal(found.points, again.points)
    assert np.isfinite(found.points).all() and found.points.dtype == np.float32
    apart = np.linalg.norm(found.points[:, None] - found.points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(1)
    assert ((nearest < 40) == (np.arange(80) < 40)).all()


def test_tsne_is_that_of_the_library():
    x, told = clusters(), []
    found = tsne(lambda *done: told.append(done), x, 3, perplexity=12, iterations=250)
    np.testing.assert_allclose(found, TSNE(perplexity=12, max_iter=250, random_state=3).fit_transform(x), rtol=1e-4)
    assert told == [(done, 250) for done in range(50, 251, 50)]


# -- what is together -------------------------------------------------------------------------------------------------
def test_states_of_one_space_are_laid_out_together_and_of_others_apart():
    x = clusters()
    parts = [states(x[:50], 0, "one"), states(x[10:], 1, "other", 10), states(x[50:], 2, "one", 50)]
    found = laid(*parts, agents=("a", "b", "c"), method="pca")
    assert not found.joint and found.spaces == (0, 1, 0) and "One map for each" in found.caption
    assert [np.unique(found.lanes[part.rows]).tolist() for part in found.parts] == [[0, 2], [1]]
    np.testing.assert_array_equal(found.moments[found.parts[0].rows], np.arange(80))
    np.testing.assert_array_equal(found.moments[found.lanes == 1], np.arange(10, 80))
    together = laid(states(x), method="pca")
    np.testing.assert_allclose(found.points[found.parts[0].rows], together.points, atol=1e-4)


# -- new states -------------------------------------------------------------------------------------------------------
def test_known_states_lie_where_they_lie_and_new_ones_between_their_neighbours():
    x = clusters()
    found = laid(states(x), method="tsne", perplexity=10, iterations=250)
    np.testing.assert_allclose(found.place(x), found.points, atol=1e-3)
    points, far = found.locate(x + 0.05)
    assert np.linalg.norm(points - found.points, axis=1).max() < 0.2 * np.ptp(found.points, 0).max()
    assert (found.locate(x)[1] < 1e-3).all() and (far < 0.5).all() and found.locate(x + 900)[1].min() > 50
    hole = x[:2].copy()
    hole[0, 3] = np.nan
    assert np.isnan(found.place(hole)[0]).all() and np.isfinite(found.place(hole)[1]).all()
    with pytest.raises(ZooError, match="9 numbers"):
        found.place(x[:, :4])


def test_places_are_means_by_the_inverse_square_of_distances():
    known = np.array([[0.0], [3.0], [10.0]], np.float32)
    space = Space(np.zeros(1, "f4"), np.ones((1, 1), "f4"), np.ones(1), known, np.arange(3))
    points = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    weights = 1 / np.array([1.0, 4.0, 81.0])
    placed, far = space.locate(np.array([[1.0]], np.float32), points)
    np.testing.assert_allclose(placed[0], weights @ points / weights.sum(), rtol=1e-5)
    assert space.usual == 3.0 and far[0] == pytest.approx(1 / 3)
    doubled = Space(space.mean, space.components, space.explained, known[[0, 0, 1]], np.arange(3))
    np.testing.assert_allclose(doubled.locate(known[:1], points)[0][0], (points[0] + points[1]) / 2)


def test_bits_and_a_steps_features():
    ram = np.zeros((1, 128), np.uint8)
    ram[0, [0, 127]] = 0b10000001, 3
    bits = flattened(BITS, ram)
    assert bits.shape == (1, 1024) and np.flatnonzero(bits).tolist() == [0, 7, 1022, 1023]
    np.testing.assert_array_equal(features_of(BITS, ram=ram[0]), bits)
    np.testing.assert_array_equal(features_of("fc", activations={"fc": np.arange(3.0)}), [[0, 1, 2]])
    with pytest.raises(ZooError, match="layer “fc”"):
        features_of("fc", activations={})


# -- what is odd ------------------------------------------------------------------------------------------------------
def test_what_cannot_be_laid_out_says_so():
    x = clusters()
    for bad, said in ((x[:1], "1 states are too few"), (np.ones((30, 4)), "all these states are the same"),
                      (np.full((30, 4), np.nan), "all numbers")):  # fmt: skip
        with pytest.raises(ZooError, match=f"(?i){said}"):
            laid(states(bad), method="pca")
    for plan, said in (({"method": "tsen"}, "Did you mean tsne"), ({"perplexity": 0}, "perplexity"),
                       ({"iterations": 3}, "250"), ({"components": 1}, "components"),
                       ({"neighbours": 1}, "neighbours"), ({"random_state": -1}, "random state")):  # fmt: skip
        with pytest.raises(ZooError, match=said):
            Plan(**plan)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(embedding_layout.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match="PaCMAP is not installed"):
        Plan("pacmap")


def test_states_without_numbers_are_left_out_and_doubles_are_kept():
    x = np.repeat(clusters(15), 2, 0)
    x[4, 2] = np.inf
    found = laid(states(x), method="tsne", iterations=250, perplexity=5)
    assert len(found.points) == 59 and 4 not in found.moments and "1 states were left out" in found.remarks[0]
    assert np.isfinite(found.points).all()


def test_few_states_have_a_smaller_perplexity():
    found = laid(states(clusters(12)), method="tsne", iterations=250)
    assert found.settings["perplexity"] == pytest.approx(23 / 3) and "too few for a perplexity" in found.remarks[0]
    assert Plan("umap").fitted(20)[0].neighbours == 6 and Plan("umap").fitted(200)[0].neighbours == 15


def test_one_direction_makes_a_line():
    found = laid(states(np.arange(40.0)[:, None] * np.ones((1, 3))), method="pca")
    assert found.parts[0].components.shape == (1, 3) and not found.points[:, 1].any()


# -- agents -----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def tiny():
    agents = [compared.agent(seed=seed) for seed in (0, 1)]
    return agents, [compared.moments(agent, 90, seed, edited=(50,)) for seed, agent in enumerate(agents)]


def test_agents_of_one_game_share_a_map_of_ram_but_not_of_a_layer(tiny):
    agents, moments = tiny
    ram = finish(embedding(agents, moments=moments, method="pca", seeds=(4, 4)))
    assert ram.joint and len(ram.points) == 2 * 87 and ram.agents == tuple(agent.title for agent in agents)
    assert 50 not in ram.moments and set(ram.moments) == set(range(1, 90)) - {45, 50}
    own = ram.moments[ram.lanes == 1]
    np.testing.assert_allclose(ram.place(moments[1].column("ram")[own].astype("f4"), 1), ram.points[ram.lanes == 1],
                               atol=0.05)  # fmt: skip
    assert set(ram.columns["seed"]) == {4} and "seed 4" in ram.caption
    assert {MEANINGS[int(action)] for action in ram.columns["action"]} == {"NOOP"}
    layer = finish(embedding(agents, moments=moments, what="fc", method="pca", count=30))
    assert not layer.joint and layer.spaces == (0, 1) and len(layer.points) == 60
    row = moments[1].row_of(int(layer.moments[40]))
    seen = agents[1].activations(moments[1].observation(row))["fc"]
    np.testing.assert_allclose(layer.place(features_of("fc", activations={"fc": seen}), 1)[0], layer.points[40],
                               atol=1e-3)  # fmt: skip
    seen = finish(embedding(agents, moments=moments, what="observations", method="pca"))
    assert seen.joint and seen.parts[0].mean.shape == (20 * 18 * 2,)
    same = finish(embedding([agents[0]] * 2, moments=moments[:1] * 2, what="fc", method="pca"))
    assert same.joint


def test_what_was_only_watched_counts_once(tiny):
    agents, moments = tiny
    watched = moments[0].freeze()
    watched._blocks = [block | {"watched": np.ones_like(block["watched"])} for block in watched._blocks]
    found = finish(embedding(agents, moments=[watched, moments[0]], method="pca"))
    assert set(found.lanes) == {1} and len(found.points) == 87 and "only watched" in found.remarks[0]


def test_agents_that_have_not_what_is_asked(tiny):
    agents, moments = tiny
    for what, players, said in (("fcc", agents, "layer of .*: conv1, conv2, fc"), ("fc", [None], "only the RAM")):
        with pytest.raises(ZooError, match=said):
            finish(embedding(players, moments=moments[: len(players)], what=what, games=["Breakout"] * 2))
    with pytest.raises(ZooError, match="1 were given"):
        finish(embedding(agents, moments=moments[:1]))
    random = finish(embedding([None], moments=moments[:1], method="pca", games=["Breakout"]))
    assert random.agents == ("Random · Breakout",)


def test_lanes_play_each_their_own_game():
    """What the engine does for the session's run_together, also of one lane and of a player without a network."""
    agent = compared.agent()
    lanes = [Lane("tiny", "Tiny", "", Player(Emulator("Breakout"), agent, seed=3)),
             Lane("random", "Random", "", Player(Emulator("Breakout"), seed=5))]  # fmt: skip
    server = SimpleNamespace(lanes=lanes)
    for which, wanted in (((0, 1), (40, 2)), ((1,), (40, 2))):
        make = Comparing.job_of_several(server, embedding, which, {"moments": wanted, "method": "pca"})
        found = finish(make())
        assert found.agents == tuple(lanes[place].title for place in which) and set(found.columns["seed"]) == {2}
        for lane, place in enumerate(which):
            kept = lanes[place].rollouts[wanted]
            rows = [kept.row_of(int(number)) for number in found.moments[found.lanes == lane]]
            np.testing.assert_allclose(found.place(kept.column("ram")[rows].astype("f4"), lane),
                                       found.points[found.lanes == lane], atol=0.5)  # fmt: skip
    for number in range(30):
        lanes[1].step(number, False, None)
    found = finish(Comparing.job_of_several(server, embedding, (1,), {"moments": "session", "method": "pca"})())
    assert len(found.points) == 30 and set(found.columns["seed"]) == {-1}


# -- the process ------------------------------------------------------------------------------------------------------
def test_a_map_that_is_no_longer_wanted_is_ended_at_once(own_process):
    steps = lay_out([states(clusters(400))], ("a",), "ram", Plan(iterations=100_000))
    for progress in steps:
        if "iteration 50" in progress.label:
            break
    process = steps.gi_frame.f_locals["helper"]._process
    assert process.poll() is None
    steps.close()
    assert process.returncode is not None


def test_a_process_that_ends_or_fails_is_a_sentence():
    with Helper() as helper, pytest.raises(ZooError, match="ended before it was done"):
        helper._process.kill()
        finish_work(helper.ask("axes"))
    with Helper() as helper, pytest.raises(ZooError, match="cannot be laid out: KeyError"):
        finish_work(helper.ask("nothing"))


def finish_work(work):
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


# -- as files ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("joint", [True, False])
def test_figures_tables_and_numbers(joint, tmp_path, tiny):
    agents, moments = tiny
    found = finish(embedding(agents, moments=moments, what="ram" if joint else "fc", method="pca"))
    columns = dict(found.columns) | {"action": np.arange(len(found.points)) % 12, "lives": found.columns["lives"] / 2}
    columns["value"] = np.where(found.lanes == 0, found.columns["time"], np.nan)
    found = dataclasses.replace(found, columns=columns)
    for colours in ((), ("agent", "value", "action"))[: 1 + joint]:
        export.write(found.coloured(*colours), tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000
    rows = found.table()
    assert rows[0]["agent"] == agents[0].title and rows[3]["action"] == "RIGHT" and len(rows) == len(found.points)
    export.write(found, tmp_path / "map.npz")
    with np.load(tmp_path / "map.npz") as file:
        np.testing.assert_array_equal(file["points"], found.points)
        np.testing.assert_array_equal(file["components_0"], found.parts[0].components)
    with pytest.raises(ZooError, match="coloured by"):
        found.coloured("colour")


def test_arrays_cannot_be_changed():
    found = made(np.zeros((2, 2)), lanes=[0, 0], agents=("a",), moments=[1, 2], columns={}, what="ram", method="pca",
                 settings={}, parts=(), spaces=(0,))  # fmt: skip
    with pytest.raises(ValueError):
        found.points[0] = 1


# -- as an experiment -----------------------------------------------------------------------------------------------
def test_the_command_makes_one_map_of_all_rollouts(tmp_path, capsys):
    """Two agents, two seeds: cells hold each rollout's RAM, and the map is made of all of them."""
    tiny_agents.write(tmp_path / "tiny")
    ids, folder = [str(tmp_path / "tiny"), "random/Breakout"], tmp_path / "map"
    wanted = ["--steps", "30", "--seeds", "0,3", "--method", "pca", "--workers", "1", "--colour", "seed"]
    assert cli.main(["embed", *ids, *wanted, "--folder", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["finished"] == 4 and told["joint"] and "seeds 0, 3" in told["caption"]
    with np.load(folder / "result.npz") as file:
        found = dict(file)
    assert len(found["points"]) == told["states"] == 2 * 29 + 2 * 30 and set(found["seed"]) == {0, 3}
    played = recorded(Agent.load(ids[0]), steps=30, seed=3)
    rows = (found["lanes"] == 0) & (found["seed"] == 3)
    ram = played.column("ram")[[played.row_of(int(number)) for number in found["moments"][rows]]].astype("f4")
    scores = (ram - found["mean_0"]) @ found["components_0"].T
    np.testing.assert_allclose(scores[:, :2], found["points"][rows], atol=0.01)
    assert (folder / "result.png").stat().st_size > 5000


def test_experiments_that_make_no_sense_say_so(tmp_path):
    tiny_agents.write(tmp_path / "tiny")
    for settings, said in (({"colours": ["colour"]}, "Did you mean"), ({"steps": 0}, "steps must be"),
                           ({"method": "tsen"}, "tsne")):  # fmt: skip
        with pytest.raises(ZooError, match=said):
            Experiment("embed", (str(tmp_path / "tiny"),), settings=settings)
    for what, agent, said in (("fc9", str(tmp_path / "tiny"), "no “fc9”"), ("fc", "random/Breakout", "only the RAM")):
        with pytest.raises(ZooError, match=said):
            _ = Experiment("embed", (agent,), settings={"what": what}).cells
    cells = Experiment("embed", (str(tmp_path / "tiny"),), (0, 1), settings={"what": "bits"}).cells
    assert [cell.settings["what"] for cell in cells] == ["ram bits"] * 2
