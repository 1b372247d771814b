"""Presets: each file is sound and recognises what it should; real agents get the cards that their READMEs ask for."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import test_inference
import torch_nets as nets

from zoo_gui.agents import card_rules, presets, presets_preprocessing, tables
from zoo_gui.agents.card import Card
from zoo_gui.agents.drafts import draft
from zoo_gui.agents.inference import actions
from zoo_gui.agents.inference.observation import resized
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec
from zoo_gui.types import ZooError

ROOT = Path(__file__).resolve().parents[1]
AGENTS = ROOT.parent / "shared" / "agents"
CARDS = Path(__file__).parent / "cards"
TOP = {"algorithm", "game", "credit", "licence", "description", "network", "preprocessing", "actions", "confidence"}
NETWORK = {"size", "stride", "padding", "pool", "flatten", "frame_order", "input_range", "convs", "hidden", "outputs",
           "support", "first", "centre", "atoms_first", "slope"}  # fmt: skip


def drafted(found, name, **more):
    return test_inference.drafted(found, name, **more)


@pytest.mark.parametrize("preset", presets.presets(), ids=lambda preset: preset.name)
def test_each_preset_is_sound(preset):
    assert preset.title and preset.url.startswith("https://") and preset.match and 0.5 <= preset.sure < 0.99
    assert preset.refuse or "preprocessing" in preset.tables
    for tables_of_case in (preset.tables, *({k: v for k, v in case.items() if k != "if"} for case in preset.when)):
        assert set(tables_of_case) <= TOP
        network = tables_of_case.get("network", {})
        assert set(network) <= NETWORK
        assert {network.get("convs", "relu"), network.get("hidden", "relu")} <= set(card_rules.ACTIVATIONS)
        assert network.get("outputs", "q") in ("policy", "q", "dueling", "sigmoid")
        assert tables_of_case.get("actions", {}).get("rule", "sample") in card_rules.RULES
        assert set(tables_of_case.get("actions", {}).get("names", ())) <= set(actions.ALL)
        keys = dict(tables_of_case.get("preprocessing", {}))
        named = presets_preprocessing.named(keys.pop("preset", "baselines"))
        tables.build(PreprocessingSpec, tables.dump(named, full=True) | keys, "preprocessing", preset.name)


def real_cards():
    return sorted(path for path in CARDS.glob("*.toml") if "cartpole" not in path.stem)  # that is no game of ALE


@pytest.mark.skipif(not AGENTS.exists(), reason="other people's agents (../shared/agents) are not here")
@pytest.mark.parametrize("path", real_cards(), ids=lambda path: path.stem)
def test_real_agents_need_no_help(path):
    """All that changes what the agent sees and does is as on the card that was written from its README."""
    wanted = Card.read(path)
    file = next(
        file for file in AGENTS.rglob(wanted.weights.file)
        if hashlib.sha256(file.read_bytes()).hexdigest() == wanted.weights.sha256
    )  # fmt: skip
    found = draft(file)
    assert found.card is not None and found.unknown == (), (found.remarks, found.unknown)
    card = found.card
    assert (card.game, card.algorithm, card.actions) == (wanted.game, wanted.algorithm, wanted.actions)
    keys = ("flatten", "frame_order")
    assert [getattr(card.network, key) for key in keys] == [getattr(wanted.network, key) for key in keys]
    assert tuple(card.network.input_range) == tuple(wanted.network.input_range)
    layers = [
        sorted(repr(dataclasses.replace(layer, name="", source=None)) for layer in each.network.layers)
        for each in (card, wanted)
    ]
    assert layers[0] == layers[1]
    # How long an episode may last and which yardstick's noise is added are no matters of the agent; of an opening
    # with no-ops fire_on_reset says nothing.
    ours, theirs = (
        dataclasses.replace(each.preprocessing, max_episode_frames=1, sticky=0.0, fire_on_reset=True)
        for each in (card, wanted)
    )
    assert ours == theirs
    if "rlcode" not in path.stem:  # that card adds sticky actions to a deterministic game
        assert card.preprocessing.sticky == wanted.preprocessing.sticky


def packt():
    return {
        "Q.layer1.0.weight": np.zeros((32, 4, 8, 8), "f4"), "Q.layer1.0.bias": np.zeros(32, "f4"),
        "Q.layer2.0.weight": np.zeros((64, 32, 3, 3), "f4"), "Q.layer2.0.bias": np.zeros(64, "f4"),
        "Q.layer3.0.weight": np.zeros((64, 64, 3, 3), "f4"), "Q.layer3.0.bias": np.zeros(64, "f4"),
        "Q.out.weight": np.zeros((18, 3136), "f4"), "Q.out.bias": np.zeros(18, "f4"),
    }  # fmt: skip


@pytest.mark.parametrize("game, box, between", [
    ("Riverraid", (34, 0, 160, 160), (80, 84)), ("Seaquest", (30, 0, 160, 160), (80, 84)),
    ("Centipede", (36, 0, 174, 160), (90, 84)),
])  # fmt: skip
def test_packts_crop_depends_on_the_game(game, box, between):
    found = drafted(packt(), f"DQL_{game}NoFrameskip-v4.ptm")
    crop, grey, first, last = found.card.preprocessing.transforms
    assert (crop.box, first.size, last.size, grey.method) == (box, between, (84, 84), "mean")
    assert found.card.actions.names == actions.ALL and found.card.actions.rule == "epsilon"


def test_environment_ids_say_frame_skip_and_sticky_actions():
    net = test_inference.state(nets.Plain())
    plain = drafted(net, "Pong-v4.pt").card.preprocessing
    assert plain.frame_skip_range == (2, 4) and plain.sticky == 0.0 and plain.color == "gray" and plain.stack == 4
    assert drafted(net, "Pong-v0.pt").card.preprocessing.sticky == 0.25
    steady = drafted(net, "PongDeterministic-v4.pt").card.preprocessing
    assert (steady.frame_skip, steady.frame_skip_range, steady.sticky) == (4, None, 0.0)
    assert drafted(net, "ALE/Pong-v5.pt").card.preprocessing.sticky == 0.25
    wrapped = drafted(net, "PongNoFrameskip-v4.pt")
    assert wrapped.guess("preprocessing").value == "baselines" and wrapped.card.preprocessing.sticky == 0.0
    assert drafted(baby_a3c(), "pong-v0/model.80.tar").card.preprocessing.sticky == 0.25


def baby_a3c():
    found = {"conv1.weight": np.zeros((32, 1, 3, 3), "f4"), "conv1.bias": np.zeros(32, "f4")}
    for i in (2, 3, 4):
        found |= {f"conv{i}.weight": np.zeros((32, 32, 3, 3), "f4"), f"conv{i}.bias": np.zeros(32, "f4")}
    cell = {"weight_ih": (768, 800), "weight_hh": (768, 256), "bias_ih": (768,), "bias_hh": (768,)}
    found |= {f"gru.{name}": np.zeros(shape, "f4") for name, shape in cell.items()}
    for name, count in (("critic", 1), ("actor", 6)):
        found |= {f"{name}_linear.weight": np.zeros((count, 256), "f4"), f"{name}_linear.bias": np.zeros(count, "f4")}
    return found


def test_what_cannot_run_says_why():
    shapes = {"conv1": (32, 4, 8, 8), "conv2": (64, 32, 4, 4), "conv3": (64, 64, 3, 3), "fc": (512, 3136),
              "policy": (6, 519), "baseline": (1, 519)}  # fmt: skip
    found = drafted({f"{name}.weight": np.zeros(shape, "f4") for name, shape in shapes.items()}, "Pong/model.tar")
    assert found.card is None and any("last reward" in remark for remark in found.remarks)


def test_a_preset_can_be_chosen_or_ruled_out():
    net = test_inference.state(nets.Distribution(51))
    found = drafted(net, "c51_PongNoFrameskip-v4.pt")
    assert found.guess("preset").value == "cleanrl-q" and found.card.network.layers[-1].support == (-5.0, 5.0)
    none = found.with_choice("preset", "none")
    assert none.guess("preprocessing").value == "baselines" and none.card.actions.rule == "argmax"
    assert found.with_choice("preset", "cleanrl").card.preprocessing == found.card.preprocessing  # a family
    other = found.with_choice("preset", "dopamine-jax")
    assert other.card.preprocessing.sticky == 0.25 and other.guess("preset").chosen
    with pytest.raises(ZooError, match="no preset"):
        found.with_choice("preset", "sb5")


def test_frames_newest_first_of_rlcode():
    kernels = {"conv2d_1": (8, 8, 4, 32), "conv2d_2": (4, 4, 32, 64), "conv2d_3": (3, 3, 64, 64)}
    both = {**kernels, "dense_1": (3136, 512), "dense_3": (3136, 512), "dense_2": (512, 3), "dense_4": (512, 1)}
    found = {}
    for name, shape in both.items():
        found |= {f"{name}/{name}/kernel:0": np.zeros(shape, "f4"), f"{name}/{name}/bias:0": np.zeros(shape[-1], "f4")}
    made = drafted(found, "breakout_dueling_ddqn.h5", format="keras-hdf5", convention="tensorflow")
    assert made.card.network.frame_order == "newest-first" and made.card.network.flatten == "HWC"
    assert made.card.actions.names == ("FIRE", "RIGHT", "LEFT") and made.card.algorithm == "dueling"
    dueling = made.card.network.layers[-1]
    names = {layer.name: made.names.get(f"{layer.name}/kernel") for layer in made.card.network.layers}
    assert [names[name] for name in dueling.source] == ["dense_4/dense_4/kernel:0", "dense_2/dense_2/kernel:0"]
    fed = {layer.name: source for layer, source in made.card.network.wired()}
    assert [names[fed[name][0]] for name in dueling.source] == ["dense_3/dense_3/kernel:0", "dense_1/dense_1/kernel:0"]


def test_resizing_a_named_pipeline():
    spec = resized(presets_preprocessing.named("zoo-tf"), (42, 42))
    assert spec.size == (42, 42) and spec.transforms[-1].size == (42, 42)
