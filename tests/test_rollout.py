"""Rollouts: what is recorded beside what, the noises, seeds, the zoo's files, hostile files, the cache, the command."""

import io
import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import tiny_agents

from zoo_gui import cli
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import ActionSpec, LayerSpec, NetworkSpec, PreprocessingSpec
from zoo_gui.play import rollout_cache, rollout_files
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.play.rollout import NoisyAgent, Recipe, collect, representation_layer, with_parameter_noise
from zoo_gui.types import Decision, LayerInfo, ZooError, read_only

ACTIONS = ("NOOP", "FIRE", "RIGHT", "LEFT")
SPEC = PreprocessingSpec(size=(20, 18), stack=2, noop_max=0, fire_on_reset=False)


class Scripted:
    """What a Player asks of an agent, without TensorFlow: actions in turn, and what it saw in its hidden layer."""

    def __init__(self, actions=(0, 1, 2, 3), spec=SPEC, names=ACTIONS):
        self.card = tiny_agents.card(preprocessing=spec, actions=ActionSpec(names, "argmax"))
        self.action_names, self.edits, self.title, self.name = names, {}, "scripted", "scripted"
        self.observation_shape, self.hash = spec.observation_shape, "5c"
        self.layers = (LayerInfo("conv1", (2, 3, 4), "conv"), LayerInfo("fc", (6,), "dense"))
        self.initial_state = np.zeros(0, np.float32)
        self.weights, self.actions, self.count, self.saw = {}, actions, 0, []

    def decide(self, observation, rng, *more):
        action = self.actions[self.count % len(self.actions)]
        self.count += 1
        self.saw.append(observation)
        hidden = read_only(np.full(6, observation.astype(np.float64).mean(), np.float32))
        scores = read_only(np.zeros(len(self.action_names), np.float32))
        return Decision(action, scores, value=self.count / 4, activations={"fc": hidden}, flat=hidden)


def play(agent=None, **settings):
    return rollout_cache.last(collect(agent or Scripted(), **settings))


@pytest.fixture(scope="module")
def played():
    """20 steps: an episode that is cut after 19, and the first of the next."""
    agent = Scripted()
    return agent, play(agent, max_frames=19, min_frames=19, seed=4)


# -- what is recorded ----------------------------------------------------------------------------------------


def test_arrays_have_the_zoos_shapes_and_types(played):
    _, rollout = played
    expected = {
        "observations": ((20, 20, 18, 2), np.float32), "frames": ((20, 210, 160, 3), np.uint8),
        "ram": ((20, 128), np.uint8), "representation": ((20, 6), np.float32), "score": ((20,), np.float64),
        "ep_rewards": ((2,), np.float64), "actions": ((20,), np.int64), "rewards": ((20,), np.float64),
    }  # fmt: skip
    for name, (shape, dtype) in expected.items():
        assert (rollout[name].shape, rollout[name].dtype) == (shape, dtype), name
    assert rollout.observations.min() >= 0 and 0.2 < rollout.observations.max() <= 1
    assert len(rollout) == 20 and rollout.agent == "scripted"


def test_at_the_limit_the_episode_is_cut_and_the_step_after_it_begins_another(played):
    _, rollout = played
    assert rollout["episode"].tolist() == [0] * 19 + [1]
    assert np.flatnonzero(rollout["ends"]).tolist() == [18, 19]
    assert rollout["ep_complete"].tolist() == [False, False]
    assert rollout.score[19] == 0 and rollout.ep_rewards[1] == rollout.rewards[19]


def test_a_row_is_the_moment_before_its_action(played):
    agent, rollout = played
    emulator = Emulator("breakout")
    for row in range(19):
        assert np.array_equal(rollout.frames[row], emulator.screen_rgb())
        assert np.array_equal(rollout.ram[row], emulator.ram())
        code = emulator.code(ACTIONS[rollout.actions[row]])
        assert rollout.rewards[row] == sum(emulator.act(code) for _ in range(4))
    saw = np.stack(agent.saw)
    assert np.allclose(rollout.observations, saw / 255, atol=1e-7)
    assert np.allclose(rollout.representation[:, 0], saw.mean((1, 2, 3)), rtol=1e-5)
    assert rollout.actions.tolist() == [0, 1, 2, 3] * 5
    assert np.array_equal(rollout["values"], np.arange(1, 21) / 4)


def test_the_score_is_the_return_before_the_action():
    agent = Agent.load("a2c/Breakout/1")
    rollout = play(agent, steps=50)
    assert len(rollout) == 50 and rollout.rewards.sum() > 0
    assert np.array_equal(rollout.score, np.concatenate([[0], rollout.rewards.cumsum()[:-1]]))
    assert rollout.ep_rewards.tolist() == [rollout.rewards.sum()]
    activations = agent.activations(np.uint8(np.round(rollout.observations * 255)))
    assert np.allclose(rollout.representation, activations["fc"], rtol=1e-4, atol=1e-4)


def test_whole_episodes_are_those_of_a_player_with_the_seed():
    spec = replace(SPEC, max_episode_frames=40)
    rollout = play(Scripted(spec=spec), episodes=3, seed=2)
    assert rollout["ep_complete"].all() and len(rollout.ep_rewards) == 3
    assert np.array_equal(np.bincount(rollout["episode"]), [10, 10, 10])
    player = Player(Emulator("breakout"), Scripted(spec=spec), seed=2)
    steps = [player.step() for _ in range(30)]
    assert np.array_equal(rollout.ram, [step.ram for step in steps])


def test_more_steps_than_the_least_are_played_to_the_episodes_end():
    rollout = play(Scripted(spec=replace(SPEC, max_episode_frames=40)), max_frames=100, min_frames=12)
    assert len(rollout) == 13 and not rollout["ends"][-1]
    assert len(play(Scripted(spec=replace(SPEC, max_episode_frames=40)), max_frames=30, min_frames=3)) == 10


def test_streamlined_rollouts_keep_scores_and_rewards_only(played):
    rollout = play(Scripted(), max_frames=19, min_frames=19, seed=4, streamline=True)
    assert [len(rollout[name]) for name in ("observations", "frames", "ram", "representation")] == [0] * 4
    for name in ("score", "ep_rewards", "rewards", "actions"):
        assert np.array_equal(rollout[name], played[1][name])


def test_progress_is_told_and_the_last_record_has_the_result():
    records = list(collect(Scripted(), steps=12))
    assert all(record.result is None for record in records[:-1])
    assert records[-1].done == records[-1].total == 12 == len(records[-1].result)


def test_the_zoos_own_length_is_the_default():
    recipe = Recipe.of()
    assert (recipe.max_frames, recipe.min_frames, recipe.episodes) == (2500, 2500, 1)
    assert Recipe.of(max_frames=100) == Recipe(max_frames=100, min_frames=100)
    assert Recipe.of(episodes=2) == Recipe(max_frames=None, min_frames=0, episodes=2)


@pytest.mark.parametrize(("settings", "said"), [
    ({"steps": 0}, "from 1"), ({"steps": 5, "episodes": 2}, "either"), ({"seed": -1}, "seed is -1"),
    ({"action_noise": 1.5}, "action_noise is 1.5"), ({"observation_noise": -1.0}, "observation_noise is -1.0"),
    ({"parameter_noise": float("nan")}, "parameter_noise is nan"), ({"max_frames": 5, "min_frames": 9}, "more than"),
    ({"episodes": 0}, "episodes is 0"), ({"steps": 10**6}, "can be recorded"), ({"game": "Pang", "steps": 3}, "Pong"),
])  # fmt: skip
def test_settings_that_make_no_sense_are_one_sentence(settings, said):
    with pytest.raises(ZooError, match=said):
        play(**settings)


NETWORKS = {"policy": (tiny_agents.POLICY, "fc"), "dueling": (tiny_agents.DUELING, "fc"),
            "quantiles": (tiny_agents.QUANTILES, "fc"), "c51": (tiny_agents.C51, "conv1"),
            "q": (tiny_agents.Q, "conv1")}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_the_representation_is_the_hidden_layer_before_the_output(name):
    network, layer = NETWORKS[name]
    assert representation_layer(network) == layer


def test_the_representation_of_two_streams_is_the_values_and_of_a_memory_its_state():
    conv = LayerSpec("conv1", "conv", filters=2, activation="relu")
    hidden = [LayerSpec(name, "dense", units=4, activation="relu", source="conv1") for name in ("fv", "fa")]
    heads = [LayerSpec("v", "dense", units=1, source="fv"), LayerSpec("a", "dense", units=3, source="fa"),
             LayerSpec("q", "dueling", role="q", source=("v", "a"))]  # fmt: skip
    assert representation_layer(NetworkSpec((conv, *hidden, *heads))) == "fv"
    memory = LayerSpec("memory", "lstm", units=4)
    policy = LayerSpec("pi", "dense", units=3, role="logits")
    assert representation_layer(NetworkSpec((conv, memory, policy))) == "memory"
    graph = [LayerSpec(name, "graph", units=3, node=name) for name in ("relu", "fc")]
    outputs = [LayerSpec("v", "graph", units=1, node="v", role="value"),
               LayerSpec("pi", "graph", units=3, node="pi", role="logits")]  # fmt: skip
    assert representation_layer(NetworkSpec((*graph, *outputs))) == "fc"


# -- seeds and noises ----------------------------------------------------------------------------------------


NOISY = {"action_noise": 0.3, "observation_noise": 0.1, "sticky": 0.2}


def test_the_same_seed_gives_the_same_rollout_and_another_seed_another():
    first, again, other = (play(Scripted(), steps=15, seed=seed, **NOISY) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first.arrays)
    assert not np.array_equal(first.actions, other.actions)
    assert not np.array_equal(first.observations, other.observations)


def noisy(agent, seed=0, **settings):
    return NoisyAgent(agent, Recipe.of(**settings), *map(np.random.default_rng, (seed, seed + 1, seed + 2)))


def actions_of(agent, count):
    black = read_only(np.zeros((20, 18, 2), np.uint8))
    return np.array([agent.decide(black, None).action for _ in range(count)])


def test_action_noise_is_uniform_with_its_probability():
    actions = actions_of(noisy(Scripted(actions=(0,)), action_noise=0.4), 20_000)
    shares = np.bincount(actions, minlength=4) / len(actions)
    assert np.allclose(shares, [0.7, 0.1, 0.1, 0.1], atol=0.012)


def test_sticky_actions_repeat_what_was_done_before_with_their_probability():
    counting = Scripted(actions=range(10**6), names=tuple(map(str, range(1000))))
    actions = actions_of(noisy(counting, sticky=0.25), 20_000)
    assert abs((actions[1:] == actions[:-1]).mean() - 0.25) < 0.012
    runs = np.diff(np.flatnonzero(np.diff(actions, prepend=-1)))
    assert abs(runs.mean() - 1 / 0.75) < 0.03  # repeats of repeats: geometric


def test_the_random_action_comes_before_the_sticky_one():
    actions = actions_of(noisy(Scripted(actions=(0,)), action_noise=1.0, sticky=1.0), 50)
    assert len(set(actions)) == 1
    assert {int(actions_of(noisy(Scripted(actions=(0,)), seed, action_noise=1.0, sticky=1.0), 3)[2])
            for seed in range(30)} == {0, 1, 2, 3}  # fmt: skip


def test_observation_noise_is_normal_fresh_unclipped_and_recorded():
    agent = Scripted()
    rollout, plain = play(agent, steps=30, observation_noise=0.2), play(Scripted(), steps=30)
    noise = rollout.observations - plain.observations  # the actions are the script's: the same game
    assert abs(noise.std() - 0.2) < 0.005 and abs(noise.mean()) < 0.005
    assert abs((np.abs(noise) > 0.4).mean() - 0.0455) < 0.01
    assert rollout.observations.min() < -0.2
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
    assert np.array_equal(rollout.frames, plain.frames)
    assert agent.saw[0].dtype == np.float32 and np.allclose(agent.saw[3] / 255, rollout.observations[3], atol=1e-6)


def test_parameter_noise_is_normal_on_the_kernels_of_convolutions_alone():
    agent = Agent(tiny_agents.card(), tiny_agents.weights())
    changed = with_parameter_noise(agent, 0.05, np.random.default_rng(0))
    differences = []
    for name in agent.weights:
        if name in ("conv1/kernel", "conv2/kernel"):
            differences.append((changed.weights[name] - agent.weights[name]).ravel())
        else:
            assert np.array_equal(changed.weights[name], agent.weights[name])
    noise = np.concatenate(differences)
    assert abs(noise.std() - 0.05) < 4 * 0.05 / np.sqrt(2 * noise.size)
    assert changed.card.id == agent.card.id and changed.hash != agent.hash


def test_a_network_with_parameter_noise_plays_and_keeps_its_name():
    agent = Agent(tiny_agents.card(), tiny_agents.weights())
    rollout, again = (play(agent, steps=4, parameter_noise=0.5, observation_noise=0.1) for _ in range(2))
    assert rollout.agent_hash == agent.hash
    assert np.array_equal(rollout.representation, again.representation)
    plain = agent.activations(np.float32(rollout.observations * 255))["fc"]
    assert not np.allclose(rollout.representation, plain, atol=1e-3)


def test_noise_on_kernels_in_a_files_order_is_that_of_ours():
    network = replace(tiny_agents.POLICY, flatten="CHW", frame_order="newest-first")
    agent = Agent(tiny_agents.card(network), tiny_agents.weights())
    same = with_parameter_noise(agent, 0.0, np.random.default_rng(0))
    assert all(np.array_equal(same.weights[name], agent.weights[name]) for name in agent.weights)


def test_a_network_without_convolutions_has_no_parameter_noise():
    with pytest.raises(ZooError, match="no convolutions"):
        play(Scripted(), steps=2, parameter_noise=0.1)


# -- files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compact", [False, True])
@pytest.mark.parametrize("settings", [{}, {"observation_noise": 0.1}, {"streamline": True}])
def test_what_is_saved_is_loaded(settings, compact, tmp_path):
    rollout = play(Scripted(), steps=6, **settings)
    path = rollout_files.save(rollout, tmp_path / "a_rollout.npz", compact=compact)
    loaded = rollout_files.load(path)
    assert set(loaded.arrays) == set(rollout.arrays)
    for name in rollout.arrays:
        assert loaded[name].dtype == rollout[name].dtype and np.array_equal(loaded[name], rollout[name]), name
    assert (loaded.agent, loaded.agent_hash, loaded.recipe) == ("scripted", "5c", rollout.recipe)
    assert len(loaded) == 6


def test_a_compact_file_has_screens_as_colour_numbers_and_must_have_their_colours(played, tmp_path):
    path = rollout_files.save(played[1], tmp_path / "compact.npz", compact=True)
    with np.load(path, allow_pickle=False) as file:
        members = dict(file)
    assert members["frames_numbers"].shape == (20, 210, 160) and "frames" not in members
    assert np.array_equal(members["frames_palette"][members["frames_numbers"]], played[1].frames)
    for wrong in ({"frames_palette": np.zeros((16, 3), np.uint8)}, {"frames_palette": None}):
        kept = {name: array for name, array in (members | wrong).items() if array is not None}
        np.savez(tmp_path / "wrong.npz", **kept)
        with pytest.raises(ZooError, match="not one of the zoo's rollouts"):
            rollout_files.load(tmp_path / "wrong.npz")


def test_numpy_reads_our_files_and_sees_what_the_zoo_wrote(played, tmp_path):
    for compressed in (True, False):
        path = rollout_files.save(played[1], tmp_path / f"{compressed}.npz", compressed=compressed)
        with np.load(path, allow_pickle=False) as file:
            assert {"observations", "frames", "ram", "representation", "score", "ep_rewards"} <= set(file.files)
            assert file["observations"].dtype == np.float32 and file["observations"].shape == (20, 20, 18, 2)
            assert np.array_equal(file["frames"], played[1].frames)
    assert (tmp_path / "True.npz").stat().st_size < (tmp_path / "False.npz").stat().st_size / 10


def original(rows=5, streamlined=False):
    """What the zoo's own program handed to NumPy: lists, empty ones where it recorded scores only."""
    rng = np.random.default_rng(0)
    kept = 0 if streamlined else rows
    return {
        "observations": [rng.random((84, 84, 4), np.float32) for _ in range(kept)],
        "frames": [rng.integers(0, 255, (210, 160, 3), np.uint8) for _ in range(kept)],
        "ram": [rng.integers(0, 255, 128, np.uint8) for _ in range(kept)],
        "representation": [rng.random(512, np.float32) for _ in range(kept)],
        "score": [0.0, 0.0, 1.0, 1.0, 4.0][:rows],
        "ep_rewards": [4.0, 0.0],
    }


def test_a_file_of_the_zoo_is_read(tmp_path):
    arrays = original()
    np.savez_compressed(tmp_path / "model1_final_rollout", **arrays)
    loaded = rollout_files.load(tmp_path / "model1_final_rollout.npz")
    assert set(loaded.arrays) == set(arrays) and loaded.recipe is None and loaded.agent == ""
    for name in arrays:
        assert np.array_equal(loaded[name], arrays[name])
    assert loaded.score.dtype == np.float64 and "actions" not in loaded
    np.savez(tmp_path / "short", **original(streamlined=True))
    assert rollout_files.load(tmp_path / "short.npz").frames.shape == (0,)


def zipped(path, **members):
    """An .npz with these members as they are: arrays, or bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in ({f"{key}.npy": array for key, array in original(2).items()} | members).items():
            if not isinstance(data, bytes):
                buffer = io.BytesIO()
                np.save(buffer, np.asarray(data))
                data = buffer.getvalue()
            archive.writestr(name, data)
    return path


def npy(descr, shape, data=b"", fortran=False):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": fortran, "shape": shape})
    return buffer.getvalue() + data


HOSTILE = {
    "pickled": npy("|O", (2, 128), b"cos\nsystem\n(S'true'\ntR."),
    "immense": npy("|u1", (1 << 50, 128)),
    "too large": npy("<f8", (1 << 24, 128)),
    "negative": npy("|u1", (-1, 128)),
    "text": npy("<U4", (2, 128), b"\0" * 4096),
    "records": npy([("a", "<f4")], (2, 128)),
    "axes": npy("|u1", (2, 2, 64)),
    "columns": npy("|u1", (2, 128), b"\0" * 256, fortran=True),
    "rows": npy("|u1", (3, 128), b"\0" * 384),
    "no array": b"nothing of that kind",
    "empty": b"",
    "version": b"\x93NUMPY\x09\x00v\x00{}",
    "code": b"\x93NUMPY\x01\x00\x40\x00" + b"__import__('os').abort()".ljust(64),
    "long header": npy("|u1", (2, 128))[:8] + b"\xff\xff" + b" " * 65535,
    "short": npy("|u1", (2, 128), b"\0" * 100),
    "long": npy("|u1", (2, 128), b"\0" * 300),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_arrays_are_one_sentence(kind, tmp_path):
    path = zipped(tmp_path / "bad.npz", **{"ram.npy": HOSTILE[kind]})
    with pytest.raises(ZooError, match="bad.npz") as error:
        rollout_files.load(path)["ram"]
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_hostile_archives_are_one_sentence(tmp_path, played):
    path = rollout_files.save(played[1], tmp_path / "bad.npz")
    whole = path.read_bytes()
    faults = {"cut": whole[: len(whole) // 2], "not a zip": b"zoo" * 1000, "nothing": b"", "tail": whole[1000:]}
    place = len(whole) // 3
    faults["garbled"] = whole[:place] + bytes(byte ^ 255 for byte in whole[place : place + 40]) + whole[place + 40 :]
    for name, data in faults.items():
        path.write_bytes(data)
        with pytest.raises(ZooError, match="bad.npz"):
            loaded = rollout_files.load(path)
            for key in loaded.arrays:
                loaded[key]
            raise AssertionError(name)
    with pytest.raises(ZooError, match="no rollout"):
        rollout_files.load(tmp_path / "missing.npz")
    with pytest.raises(ZooError, match="cannot be read"):
        rollout_files.load(tmp_path)
    with pytest.raises(ZooError, match="has no ram"):
        np.savez(tmp_path / "other", **{key: array for key, array in original(2).items() if key != "ram"})
        rollout_files.load(tmp_path / "other.npz")


@pytest.mark.parametrize("about", [b"{", b"[]", b'{"recipe": 5}', b'{"recipe": {"seed": []}}', b"[" * 9000, b"{}"])
def test_garbled_words_about_a_rollout_are_one_sentence(about, tmp_path):
    path = zipped(tmp_path / "bad.npz", **{"about.npy": np.frombuffer(about, np.uint8)})
    try:
        assert rollout_files.load(path).agent == ""
    except ZooError as error:
        assert "bad.npz" in str(error)


def test_a_rollout_is_written_wholly_or_not_at_all(played, tmp_path, monkeypatch):
    path = tmp_path / "kept.npz"
    path.write_bytes(b"what was there")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rollout_files, "_write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rollout_files.save(played[1], path)
    assert path.read_bytes() == b"what was there" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(ZooError, match="cannot be written"):
        rollout_files.save(played[1], path / "below a file.npz")


# -- the cache -----------------------------------------------------------------------------------------------


@pytest.fixture
def agent():
    return Scripted(actions=(1,))


def fetch(agent, name="ram", **settings):
    return rollout_cache.column(agent, Recipe.of(**{"steps": 5, **settings}), name)


def test_a_rollout_is_played_once(agent):
    first = fetch(agent)
    assert agent.count == 5 and first.flags.writeable
    assert np.array_equal(fetch(agent), first) and fetch(agent, "observations").shape == (5, 20, 18, 2)
    assert agent.count == 5
    fetch(agent, seed=1), fetch(agent, sticky=0.5)
    assert agent.count == 15
    agent.hash = "another"
    fetch(agent)
    assert agent.count == 20
    records = list(rollout_cache.collected(agent, Recipe.of(steps=5)))
    assert agent.count == 20 and records[0].label == "from the cache" and len(records) == 1


def test_agents_with_edits_are_never_kept(agent):
    agent.edits = {"conv1:0": (0.0, 0.0)}
    fetch(agent), fetch(agent)
    assert agent.count == 10 and not rollout_cache.folder().exists()


HARMS = {"cut": lambda data: data[:-200], "garbled": lambda data: data[:90] + b"zz" + data[92:], "empty": lambda _: b""}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_damaged_file_is_made_again(agent, harm, caplog):
    first = fetch(agent, "observations")
    path = next(rollout_cache.folder().iterdir())
    path.write_bytes(harm(path.read_bytes()))
    assert np.array_equal(fetch(agent, "observations"), first)
    assert "played again" in caplog.text
    assert np.array_equal(fetch(agent, "observations"), first)


def test_a_file_of_another_agent_is_not_believed(agent, caplog):
    fetch(agent)
    path = next(rollout_cache.folder().iterdir())
    other = Scripted()
    other.hash = "other"
    fetch(other)
    path.write_bytes(rollout_cache.path_for(other, Recipe.of(steps=5)).read_bytes())
    fetch(agent)
    assert agent.count == 10 and "another agent" in caplog.text


def test_a_rollout_that_was_cancelled_leaves_nothing(agent):
    records = rollout_cache.collected(agent, Recipe.of(steps=50))
    next(records)
    records.close()
    assert not rollout_cache.folder().exists()


def test_the_least_recently_used_go_first(agent, monkeypatch):
    fetch(agent, seed=0), fetch(agent, seed=1)
    size = max(path.stat().st_size for path in rollout_cache.folder().iterdir())
    monkeypatch.setattr(rollout_cache, "MAX_BYTES", int(2.5 * size))
    for age, seed in ((2000, 1), (1000, 0)):
        path = rollout_cache.path_for(agent, Recipe.of(steps=5, seed=seed))
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    fetch(agent, seed=2)
    kept = {seed for seed in range(3) if rollout_cache.path_for(agent, Recipe.of(steps=5, seed=seed)).exists()}
    assert kept == {0, 2}


def test_a_cache_that_cannot_be_written_costs_only_time(agent, own_folders, caplog):
    (own_folders / "cache").write_text("a file where the folder should be")
    assert np.array_equal(fetch(agent), fetch(agent)) and agent.count == 10
    assert "could not be kept" in caplog.text


# -- the command ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, tmp_path):
    tiny_agents.write(tmp_path / "agent")

    def run(*arguments):
        code = cli.main(["rollout", str(tmp_path / "agent"), *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def test_the_command_writes_a_file_and_says_what_it_played(run, tmp_path):
    code, out, _ = run("--steps", 7, "--seed", 3, "--sticky", "0.1", "--output", tmp_path / "foo")
    assert code == 0 and "7 steps" in out and "foo_rollout.npz" in out
    rollout = rollout_files.load(tmp_path / "foo_rollout.npz")
    assert len(rollout) == 7 and rollout.recipe == Recipe.of(steps=7, seed=3, sticky=0.1)
    code, out, _ = run("--steps", 7, "--streamline", "--json")
    summary = json.loads(out)
    assert (summary["steps"], summary["episodes"], summary["complete"], summary["output"]) == (7, 1, 0, None)


@pytest.mark.parametrize(("arguments", "said"), [
    (("--steps", "x"), "whole number from 1"), (("--action-noise", "2"), "from 0 to 1"),
    (("--observation-noise", "-1"), "number from 0"), (("--steps", "3", "--episodes", "2"), "either"),
    (("--max-frames", "3", "--min-frames", "4"), "more than"), (("--game", "Pang"), "Pong"),
])  # fmt: skip
def test_the_commands_errors_are_one_sentence(run, arguments, said):
    code, out, err = run(*arguments)
    assert code == 2 and said in err and out == "" and err.count("\n") == 1


def test_an_interrupted_command_leaves_no_file(run, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Player, "step", interrupted)
    code, out, err = run("--steps", 5, "--output", tmp_path / "foo")
    assert code == 130 and not list(tmp_path.glob("foo*")) and not rollout_cache.folder().exists()
