"""The original zoo's interface: its names, shapes, paths and errors, its notebooks' code, its graphs from a folder."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zoo_graphs

import zoo_gui.atari_zoo as atari_zoo
from zoo_gui import MakeAtariModel
from zoo_gui.atari_zoo import log, top_patches, utils
from zoo_gui.atari_zoo.clips import Canvas, Clip
from zoo_gui.atari_zoo.model import RL_model
from zoo_gui.atari_zoo.model_maker import UnknownModel
from zoo_gui.atari_zoo.rollout import generate_rollout
from zoo_gui.play import rollout_cache, rollout_files
from zoo_gui.play.rollout import Recipe, with_parameter_noise
from zoo_gui.types import ZooError

ROOT = Path(__file__).resolve().parent.parent
STEPS = 12
FAMILIES = tuple(zoo_graphs.FAMILIES)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Rollouts of a few steps where the zoo's have 2,501."""
    monkeypatch.setattr(RL_model, "recipe", Recipe.of(steps=STEPS))


@pytest.fixture(scope="module")
def breakout():
    return MakeAtariModel("a2c", "BreakoutNoFrameskip-v4", 1, "final")()


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """A folder in the zoo's layout with a small graph of each family."""
    root = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        folder = root / family / "PongNoFrameskip-v4"
        folder.mkdir(parents=True)
        zoo_graphs.write(family, folder / "model1_final.pb", actions=6)
    return root


# -- models ------------------------------------------------------------------------------------------------------------


def test_importing_the_package_or_making_a_class_loads_no_toolkit():
    code = ("import sys, zoo_gui; first = set(sys.modules); m = zoo_gui.MakeAtariModel('a2c', 'Breakout', 1); m.layers;"
            "print([n for n in ('tensorflow', 'PyQt5', 'lucid', 'zoo_gui.atari_zoo') if n in first],"
            "[n for n in ('tensorflow', 'PyQt5', 'lucid') if n in sys.modules])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_a_model_has_the_shapes_of_the_zoo(breakout):
    shapes = {
        "get_observations": ((STEPS, 84, 84, 4), np.float32), "get_frames": ((STEPS, 210, 160, 3), np.uint8),
        "get_ram": ((STEPS, 128), np.uint8), "get_representation": ((STEPS, 256), np.float32),
        "get_scores": ((STEPS,), np.float64), "get_episode_rewards": ((1,), np.float64),
    }  # fmt: skip
    for name, (shape, dtype) in shapes.items():
        array = getattr(breakout, name)()
        assert (array.shape, array.dtype) == (shape, dtype), name
    observations = breakout.get_observations()
    assert observations.min() == 0 and 0 < observations.max() <= 1
    assert np.allclose(breakout.activations(observations)["fc"], breakout.get_representation(), rtol=1e-4, atol=1e-4)
    bits = breakout.ram_state_to_bits(np.array([1, 128, *[0] * 126], np.uint8))
    assert len(bits) == 1024 and bits.startswith("0000000110000000")


def test_a_rollout_is_played_once(breakout, monkeypatch):
    first = breakout.get_ram()
    monkeypatch.setattr(rollout_cache, "collect", None)
    assert np.array_equal(MakeAtariModel("a2c", "Breakout", 1)().get_ram(), first)
    assert Path(breakout.data_path).is_file()


def test_a_damaged_rollout_is_played_again(breakout):
    first = breakout.get_frames()
    path = Path(breakout.data_path)
    data = path.read_bytes()
    path.write_bytes(data[:3000] + b"\0" * 3000 + data[6000:])
    assert np.array_equal(breakout.get_frames(), first)


def test_a_cache_that_cannot_be_written_is_made_up_for_in_memory(own_folders, monkeypatch):
    (own_folders / "cache").mkdir(exist_ok=True)
    (own_folders / "cache" / "rollouts").write_text("a file where the folder should be")
    model = MakeAtariModel("a2c", "Breakout", 1)()
    first = model.get_ram()
    monkeypatch.setattr(rollout_cache, "collect", None)
    assert np.array_equal(model.get_ram(), first)


def test_attributes(breakout):
    assert breakout.layers == [
        {"type": "conv", "name": "conv1", "size": 16}, {"type": "conv", "name": "conv2", "size": 32},
        {"type": "dense", "name": "fc", "size": 256}, {"type": "dense", "name": "policy", "size": 4},
    ]  # fmt: skip
    assert breakout.additional_layers == {"value": {"type": "dense", "name": "value", "size": 1}}
    assert (breakout.environment, breakout.run_id, breakout.algorithm) == ("BreakoutNoFrameskip-v4", 1, "a2c")
    assert breakout.image_shape == [84, 84, 4] and breakout.image_value_range == (0, 1)
    assert type(breakout).__name__ == "Ataria2c_BreakoutNoFrameskip-v4_1_final" == breakout.name
    assert Path(breakout.model_path).name == "weights.safetensors" and breakout.tag == "final"
    assert breakout.get_layer("fc")["size"] == 256
    with pytest.raises(KeyError, match="conv1"):
        breakout.get_layer("lstm")


def test_the_output_of_a_distributional_network_is_the_last_layer():
    names = [layer["name"] for layer in MakeAtariModel("rainbow", "Pong", 1).layers]
    assert names == ["conv1", "conv2", "fc", "q"]


def test_layers_of_one_model_do_not_change_when_another_is_made():
    first = MakeAtariModel("a2c", "SeaquestNoFrameskip-v4", 1)
    before = json.dumps(first.layers)
    second = MakeAtariModel("a2c", "PongNoFrameskip-v4", 1)
    second.layers[0]["size"] = 1
    assert json.dumps(first.layers) == before and first.layers[-1]["size"] == 18 and second.layers[-1]["size"] == 6
    assert MakeAtariModel("a2c", "SeaquestNoFrameskip-v4", 1).layers[0]["size"] == 32


@pytest.mark.parametrize("spelling", ["BreakoutNoFrameskip-v4", "Breakout", "breakout", "ALE/Breakout-v5"])
def test_games_are_known_in_any_spelling(spelling):
    assert MakeAtariModel("A2C", spelling, 1, None).environment == "BreakoutNoFrameskip-v4"


@pytest.mark.parametrize(("arguments", "said"), [
    (("a2c", "Breakout", 7), "out of range: there are 1, 2 and 3"), (("a2c", "Seaquest", 0), "out of range"),
    (("rainbow", "Seaquest", 6), "4 and 5"), (("a3c", "Breakout", 1), "a2c"), (("a2c", "Bananas", 1), "no game"),
    (("ppo", "Zaxxon", 1), "no game of ppo"), (("a2c", "Breakout", 1, "9HR"), "initial, 1.0M, 4.0M, final"),
    (("a2c", "Breakout", "one"), "no number"), (("a2c", "Breakout", 1, "final", True), "Say where"),
])  # fmt: skip
def test_unknown_models_are_one_sentence_and_a_value_error(arguments, said):
    with pytest.raises(ValueError, match=said) as error:
        MakeAtariModel(*arguments)
    assert isinstance(error.value, ZooError) and "\n" not in str(error.value)


def test_earlier_stages_and_their_tags():
    tags = atari_zoo.GetAvailableTaggedCheckpoints("a2c", "BreakoutNoFrameskip-v4", 1)
    assert list(tags) == ["initial", "1.0M", "4.0M", "final"] and tags["initial"]["initial"] == 1
    early = MakeAtariModel("a2c", "Breakout", 1, "1.0M")
    assert early.agent.hash != MakeAtariModel("a2c", "Breakout", 1).agent.hash
    assert Path(early.model_path).parent.name == "1.0M"


def test_paths_of_models_that_others_published():
    model, data, logs = atari_zoo.GetFilePathsForModel("apex", "SeaquestNoFrameskip-v4", 2, "1HR")
    top = "https://dgqeqexrlnkvd.cloudfront.net/zoo/apex"
    assert model == f"{top}/SeaquestNoFrameskip-v4/model2_1HR.pb"
    assert data == f"{top}/SeaquestNoFrameskip-v4/model2_1HR_rollout.npz"
    assert logs == f"{top}/checkpoints/SeaquestNoFrameskip-v4_2"
    assert "graph_def.pb" in MakeAtariModel("rainbow", "Seaquest", 5).model_path
    with pytest.raises(ZooError, match="2020"):
        MakeAtariModel("apex", "Seaquest", 2)().get_log()
    with pytest.raises(NotImplementedError):
        MakeAtariModel("dqn", "Seaquest", 2)().get_log()


def test_logs_of_runs_that_have_them(breakout):
    entries = breakout.get_log()
    assert {"frames", "time", "score", "policy_entropy"} <= set(entries[-1]) and entries[-1]["frames"] > 1e6
    assert {"criteria", "best_checkpoint"} == set(breakout.get_checkpoint_info()[0])
    assert MakeAtariModel("rainbow", "Pong", 1)().get_log()


def test_kernels(breakout):
    for number, name in enumerate(("conv1", "conv2")):
        assert np.array_equal(breakout.get_weights(None, number), breakout.agent.weights[f"{name}/kernel"])
    with pytest.raises(ZooError, match="0 to 1"):
        breakout.get_weights(None, 2)


def test_facts_of_the_zoo():
    assert len(atari_zoo.game_list) == 55 and "YarsRevengeNoFrameskip-v4" in atari_zoo.game_list
    counts = dict(atari_zoo.game_action_counts)
    assert counts["BreakoutNoFrameskip-v4"] == 4 and counts["SeaquestNoFrameskip-v4"] == 18
    assert sorted(set(counts.values())) == [3, 4, 6, 7, 8, 9, 10, 14, 18]
    assert atari_zoo.game_action_meanings["PongNoFrameskip-v4"][2] == "RIGHT"
    assert len(atari_zoo.analysis_subset_games) == 13 and atari_zoo.run_cnt["rainbow"] == 5
    assert atari_zoo.scores.get_human_scores("SeaquestNoFrameskip-v4") == 20182
    assert atari_zoo.scores.get_random_agent_scores("seaquest") == 68.4
    with pytest.raises(KeyError, match="Berzerk"):
        atari_zoo.scores.get_human_scores("BerzerkNoFrameskip-v4")
    assert atari_zoo.translate.translate_game_name("ice_hockey", "apex", "canonical") == "IceHockeyNoFrameskip-v4"
    assert atari_zoo.translate.translate_game_name("IceHockeyNoFrameskip-v4", "a2c", "es") == "ice_hockey"


# -- graphs of the zoo -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_graphs_of_every_family_play_and_answer_under_the_zoos_names(family, graphs):
    from lucid.optvis.render import import_model

    model = MakeAtariModel(family, "PongNoFrameskip-v4", 1, local=graphs)()
    observations = model.get_observations()
    activations = model.activations(observations)
    assert np.allclose(activations[model.layers[-2]["name"]], model.get_representation(), atol=1e-5)
    kernels = [model.get_weights(None, number) for number in range(3)]
    assert [kernel.shape for kernel in kernels] == [(8, 8, 4, 4), (4, 4, 4, 5), (3, 3, 5, 6)]
    model.load_graphdef()
    tf = atari_zoo.tf
    with utils.get_session() as session:
        images = tf.placeholder(tf.float32, [None, *model.image_shape])
        tensor = import_model(model, images, images)
        for layer in model.layers:
            values = np.concatenate([session.run(tensor(layer["name"]), {images: row[None]}) for row in observations])
            if values.ndim == 4:
                assert (values.shape[1] == values.shape[2]) == (model.channel_order == "NHWC")
                values = model.canonical_activation_representation(values)
            assert np.allclose(values, activations[layer["name"]], atol=1e-5), layer
        assert np.array_equal(model.get_weights(session, 1), kernels[1])
        assert 0 <= session.run(model.get_action(tensor), {images: observations[:1]})[0] < 6


def test_graphs_take_parameter_noise(graphs):
    agent = MakeAtariModel("ga", "Pong", 1, local=graphs).agent
    noisy = with_parameter_noise(agent, 0.1, np.random.default_rng(0))
    assert noisy.hash != agent.hash
    observation = np.random.default_rng(0).integers(0, 255, (84, 84, 4), np.uint8)
    assert not np.allclose(noisy.activations(observation)["fc"], agent.activations(observation)["fc"])


def test_rollouts_and_logs_beside_a_model_are_used(graphs, tmp_path, monkeypatch):
    folder = tmp_path / "PongNoFrameskip-v4"
    folder.mkdir()
    monkeypatch.setattr(RL_model, "recipe", Recipe())
    rows = {"observations": np.zeros((3, 84, 84, 4), np.float32), "frames": np.zeros((3, 210, 160, 3), np.uint8),
            "ram": np.full((3, 128), 7, np.uint8), "representation": np.zeros((3, 512), np.float32),
            "score": np.arange(3.0), "ep_rewards": np.array([2.0])}  # fmt: skip
    np.savez_compressed(folder / "model1_1HR_rollout.npz", **rows)
    (tmp_path / "checkpoints").mkdir()
    entry = {"fname": "x", "initial": 0, "final": 0, "frames": 2.4e7, "time": 3524.2, "score": 715.4}
    infos = [{"criteria": "1HR", "best_checkpoint": entry}, {"criteria": "Human", "best_checkpoint": None}]
    (tmp_path / "checkpoints" / "PongNoFrameskip-v4_1.json").write_text(json.dumps(infos))
    model = MakeAtariModel("a2c", "Pong", 1, "1HR", local=tmp_path)()
    assert model.get_ram().tolist() == rows["ram"].tolist() and model.get_scores().tolist() == [0, 1, 2]
    assert model.get_checkpoint_info() == infos
    assert atari_zoo.GetAvailableTaggedCheckpoints("a2c", "Pong", 1, local=tmp_path) == {"1HR": entry, "Human": None}
    with pytest.raises(ZooError, match="_log.json"):
        model.get_log()
    with pytest.raises(ZooError, match="model1_1HR.pb"):
        model.load_graphdef()


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x0a\x05\x0a\x03abc", b"\0" * 2000])
def test_files_that_are_no_graphs_are_one_sentence(content, tmp_path):
    (tmp_path / "model1_final.pb").write_bytes(content)
    with pytest.raises(ZooError) as error:
        MakeAtariModel("a2c", "Pong", 1, local=tmp_path)().get_ram()
    assert "\n" not in str(error.value)


def test_a_tag_never_leaves_the_folder(tmp_path):
    with pytest.raises(UnknownModel, match="no tag"):
        MakeAtariModel("a2c", "Pong", 1, "../../x", local=tmp_path)


# -- Lucid's view of a model -------------------------------------------------------------------------------------------


def test_importing_twice_or_before_loading_is_one_sentence(breakout):
    model = type(breakout)()
    with utils.get_session():
        with pytest.raises(ZooError, match="load_graphdef"):
            model.import_graph()
        model.load_graphdef()
        model.import_graph()
        with pytest.raises(ZooError, match="“import”"):
            model.import_graph()
        model.import_graph(scope="again")


def test_actions_are_drawn_from_the_policy(breakout):
    from lucid.optvis.render import import_model

    breakout.load_graphdef()
    tf = atari_zoo.tf
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, *breakout.image_shape])
        tensor = import_model(breakout, images, images)
        one = np.repeat(breakout.get_observations()[5:6], 2000, 0)
        drawn, scores = session.run([breakout.get_action(tensor), tensor("policy")], {images: one})
    odds = np.exp(scores[0] - scores[0].max())
    assert np.allclose(np.bincount(drawn, minlength=4) / 2000, odds / odds.sum(), atol=0.05)


def test_gradients_that_lucid_overrides_reach_imported_operations(breakout):
    from lucid.misc.gradient_override import gradient_override_map

    breakout.load_graphdef()
    tf = atari_zoo.tf
    slopes = []
    for overrides in ({}, {"Relu": lambda op, slope: slope}):
        with tf.Graph().as_default(), tf.Session() as session:
            images = tf.constant(np.zeros((1, 84, 84, 4), np.float32))
            with gradient_override_map(overrides):
                breakout.import_graph(images)
            unit = tf.get_default_graph().get_tensor_by_name("import/conv2:0")
            slopes.append(session.run(tf.gradients(tf.reduce_sum(unit), images)[0]))
    assert not np.allclose(*slopes)


def test_a_unit_can_be_visualised_and_its_activation_rises(breakout):
    from zoo_gui.atari_zoo import synthetic_inputs

    image = synthetic_inputs.visualize_neuron("a2c", "Breakout", layer_no=1, neuron=3, step_n=12, seed=0)
    again = synthetic_inputs.visualize_neuron("a2c", "Breakout", layer_no=1, neuron=3, step_n=12, seed=0)
    assert image.shape == (1, 84, 84, 4) and image.min() >= 0 and image.max() <= 1
    assert np.allclose(image, again, atol=1e-3)
    grey = np.full_like(image, 0.5)
    assert breakout.activations(image)["conv2"][..., 3].mean() > breakout.activations(grey)["conv2"][..., 3].mean()
    with pytest.raises(ZooError, match="0 to 31"):
        synthetic_inputs.visualize_neuron("a2c", "Breakout", layer_no=1, neuron=32)


def test_the_mathematics_of_objectives():
    from zoo_gui.atari_zoo import synthetic_inputs as s

    rng = np.random.default_rng(0)
    maps, vec = rng.normal(size=(1, 8, 8, 5)).astype(np.float32), rng.normal(size=5)
    cosine = (maps @ vec) / np.linalg.norm(maps, axis=-1) / np.linalg.norm(vec)
    first = np.transpose(maps, (0, 3, 1, 2))
    tensors = {"last": s.tf.constant(maps), "first": s.tf.constant(first), "input": s.tf.constant(maps)}

    def value(objective):
        return np.ravel(objective(lambda name: tensors[name])).item()

    for name, ordering in (("last", "NHWC"), ("first", "NCHW")):
        assert abs(value(s.direction_cossim(name, vec, ordering)) - cosine.mean()) < 1e-5
        assert abs(value(s.direction_neuroncossim(name, vec, ordering)) - cosine[0, 5, 5]) < 1e-5
        assert abs(value(s.channel(name, 2, ordering)) - maps[..., 2].mean()) < 1e-5
    assert abs(value(s.make_regularization(L1=0.5)) + 0.5 * np.abs(maps).sum()) < 1e-2
    assert abs(value(s.L2c(channel=1)) - np.sqrt((maps[..., 1] ** 2).sum())) < 1e-4
    assert abs(value(s.all_activation("last")) - maps.mean()) < 1e-5
    with s.v1.Graph().as_default(), s.v1.Session() as session:
        frames = s.only_current_frame([1, 84, 84, 4])
        painted = s.cppn_default_f()
        session.run(s.v1.global_variables_initializer())
        newest, cppn = session.run([frames, painted])
    assert not newest[..., :3].any() and newest[..., 3].min() > 0.4 and cppn.shape == (1, 84, 84, 4)


# -- patches, pictures, films ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layer", "size", "stride", "start"), [(0, 8, 4, 2), (1, 20, 8, 6), (2, 36, 8, 14)])
def test_patches_of_the_zoos_networks_are_what_the_unit_sees(layer, size, stride, start):
    observations = np.zeros((5, 84, 84, 4), np.float32)
    observations[..., 3] = np.arange(5 * 84 * 84).reshape(5, 84, 84)
    positions = (21, 11, 11)[layer]
    acts = np.zeros((5, positions, positions, 6), np.float32)
    acts[3, 4, 5, 2], acts[1, 0, 0, 2] = 2.0, 1.0
    patches, picks, corners = top_patches.plot_topN_patches(acts, observations, 2, layer, "top", 2, plot=False)
    assert picks.tolist() == [3, 1] and corners == [(4 * stride - start, 5 * stride - start), (-start, -start)]
    top, left = corners[0]
    assert patches.shape == (2, size, size)
    part = observations[3, max(top, 0) : top + size, max(left, 0) : left + size, 3]
    assert np.array_equal(patches[0][-part.shape[0] :, -part.shape[1] :], part)
    assert not patches[1][:start].any() and not patches[1][:, :start].any()


def test_patches_survive_ties_and_choose_the_ends():
    observations, acts = np.ones((4, 84, 84, 4), np.float32), np.zeros((4, 11, 11, 3), np.float32)
    acts[:, :, :, 1] = np.array([3, 1, 2, 4]).reshape(4, 1, 1)
    for which, expected in (("top", [3, 0]), ("bot", [1, 2])):
        assert top_patches.plot_topN_patches(acts, observations, 1, 1, which, 2, False)[1].tolist() == expected
    assert len(top_patches.plot_topN_patches(acts, observations, 1, 1, "rand", 3, False)[1]) == 3
    dense = top_patches.plot_topN_patches(acts[:, 0, 0], observations, 1, 3, "top", 2, False)
    assert dense[0].shape == (2, 84, 84, 4) and dense[2] == [(0, 0), (0, 0)]
    with pytest.raises(ValueError, match="choose top"):
        top_patches.plot_topN_patches(acts, observations, 1, 1, "best", 2, False)


def test_patches_of_other_networks_follow_their_own_fields(breakout):
    observations, acts, frames = top_patches.build_model_get_act("a2c", "Breakout", 1, which_layer=1)
    assert acts.shape == (STEPS, 9, 9, 32) and frames.shape == (STEPS, 210, 160, 3)
    patches, picks, corners = top_patches.plot_topN_patches(acts, observations, 4, 1, "top", 2, False, model=breakout)
    place = np.unravel_index(acts[picks[0], ..., 4].argmax(), (9, 9))
    assert corners[0] == (8 * place[0], 8 * place[1])
    top, left = corners[0]
    assert np.array_equal(patches[0], observations[picks[0], top : top + 20, left : left + 20, 3])


def test_pictures_of_kernels_and_activations(breakout):
    kernel = np.zeros((2, 3, 4, 5), np.float32)
    kernel[1, 2, 3, 4] = 1.0
    canvas = utils.conv_weights_to_canvas(kernel)
    assert canvas.shape == (5 * 3 + 1, 4 * 4 + 1, 3) and canvas.max() == 1 and canvas[14, 15].tolist() == [1, 1, 1]
    acts = breakout.activations(breakout.get_observations())
    maps = utils.conv_activations_to_canvas(breakout, acts["conv1"], idx=3)
    assert maps.shape == (2 * 21 + 1, 8 * 21 + 1, 3) and maps[0].tolist() == [[1, 0, 0]] * 169
    tile = acts["conv1"][3, :, :, 9]
    drawn = maps[22:42, 22:42, 0]
    assert np.allclose(drawn, (tile - acts["conv1"][3].min()) / np.ptp(acts["conv1"][3]), atol=1e-6)
    scaling = utils.get_activation_scaling(breakout, acts["conv1"])
    assert utils.conv_activations_to_canvas(breakout, acts["conv1"], scaling=scaling, scale=2).shape == (86, 338, 3)
    assert utils.fc_activations_to_canvas(breakout, acts["fc"], idx=1).shape == (8 * 9 + 1, 32 * 9 + 1, 3)
    assert utils.fc_activations_to_canvas(breakout, np.ones(4)).shape == (10, 37, 3)


def test_clips():
    pictures = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((6, 4, 6, 3), np.uint8)
    clip = Clip.of(pictures, fps=2)
    assert clip.size == (6, 4) and clip.duration == 3 and clip.resize(2).picture(5).shape == (8, 12, 3)
    part = clip.subclip(1, 2)
    assert part.frames == 2 and part.picture(0)[0, 0, 0] == 2
    canvas = Canvas((10, 8))
    canvas.add(clip, 2, 1)
    canvas.add(clip, 8, 6)
    picture = canvas.clip().picture(3)
    assert picture.shape == (8, 10, 3) and (picture[1:5, 2:8] == 3).all() and (picture[6:, 8:] == 3).all()
    assert (picture[0] == 255).all()
    with pytest.raises(ZooError):
        Clip.of([])


def test_the_film_of_activations_has_the_zoos_size(breakout, tmp_path, capsys, monkeypatch):
    from zoo_gui.atari_zoo import activation_movie

    monkeypatch.chdir(tmp_path)
    assert activation_movie.main(["--algo", "a2c", "--environment", "Breakout", "--output", "x.mp4"]) == 0
    assert (tmp_path / "x.mp4").stat().st_size > 1000
    assert activation_movie.MakeActivationVideo(breakout).size == (550, 1000)
    assert activation_movie.MakeActivationVideoOneLayer(breakout, 2).frames == STEPS
    assert activation_movie.main(["--algo", "a9c"]) == 2 and "a9c" in capsys.readouterr().err


# -- rollouts and logs -------------------------------------------------------------------------------------------------


def test_rollouts_are_generated_as_the_zoo_did(breakout, tmp_path):
    results = generate_rollout(breakout, max_frames=10, output=str(tmp_path / "r"), action_noise=0.2, seed=3)
    assert set(results) == {"observations", "frames", "ram", "representation", "score", "ep_rewards"}
    assert len(results["score"]) == 11 and len(results["ep_rewards"]) == 2
    loaded = rollout_files.load(tmp_path / "r_rollout.npz")
    assert np.array_equal(loaded.frames, results["frames"]) and loaded.recipe.action_noise == 0.2
    with pytest.raises(ZooError, match="zoo-gui AGENT"):
        generate_rollout(breakout, render=True)


def test_tables_of_logs():
    entries = [{"time": 0.0, "score": 1.0, "initial": 1}, {"time": 5.0, "score": 2.0, "initial": 0},
               {"time": 50_005.0, "score": 4.0, "initial": 0}, {"time": 10.0, "score": 3.0, "initial": 0},
               {"time": 50_010.0, "score": 5.0, "initial": 0}]  # fmt: skip
    table = log.get_dataframe_from_training_log(entries, algo="apex", run=2)
    assert table["time"].tolist() == [5, 10, 10, 15] and table["score"].tolist() == [2, 3, 4, 5]
    assert set(table["algo"]) == {"apex"} and set(table["run"]) == {2}
    runs = log.gather_logs_across_algos(["a2c"], "Breakout")
    assert set(runs["run"]) == {1} and runs["time"].is_monotonic_increasing
    with pytest.raises(ZooError, match="empty"):
        log.get_dataframe_from_training_log([])


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', "[" * 5000, "\x00"])
def test_damaged_logs_are_one_sentence(text, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ZooError, match="damaged"):
        log.load_checkpoint_info(tmp_path / "x")
    with pytest.raises(ZooError, match="no list of checkpoints"):
        log.parse_checkpoint_info([{"criteria": "1HR"}])


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_pages_code_runs(tmp_path, monkeypatch):
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "atari_zoo_api.md").read_text(encoding="utf-8")
    names: dict = {}
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page, re.S | re.M), 1):
        exec(compile(block, f"block {number} of docs/atari_zoo_api.md", "exec"), names)
    assert names["out"].shape == (1, 84, 84, 4) and len(names["df"]) > 5 and len(names["patches"]) == 3
    assert (tmp_path / "noisy_rollout.npz").exists() and (tmp_path / "composite.mp4").exists()
    assert rollout_files.load("mine_rollout.npz").recipe == Recipe.of(steps=20, parameter_noise=0.01, seed=3)
    from matplotlib import pyplot

    pyplot.close("all")
