"""A stranger's arrays become the network that made them: checked against PyTorch's own forward pass."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_nets as nets

from zoo_gui.agents import drafts
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.formats import Checkpoint
from zoo_gui.agents.inference import actions, arrays, geometry, naming, report, roles, wiring
from zoo_gui.types import ZooError

TOLERANCE = 1e-4


def drafted(found, name="dqn_PongNoFrameskip-v4.pt", format="pytorch", convention="pytorch", facts=None, choices=None):
    """A draft of arrays, as if a file of that name held them."""
    checkpoint = Checkpoint(format, found, convention, facts=facts or {})
    return drafts._make(Path("/somewhere") / name, checkpoint, "0" * 64, choices or {})


def state(net):
    return {name: tensor.detach().numpy() for name, tensor in net.state_dict().items()}


def check(draft, net, scale=255.0):
    """The draft's card makes the agent compute what the network computes."""
    assert draft.card is not None, (draft.remarks, draft.unknown)
    height, width, channels = draft.card.preprocessing.observation_shape
    seen = np.random.default_rng(0).integers(0, 256, (height, width, channels)).astype(np.uint8)
    with torch.no_grad():
        expected = net.eval()(torch.from_numpy(seen.transpose(2, 0, 1)[None].copy()).float() / scale).numpy()[0]
    agent = Agent(draft.card, draft.checkpoint.arrays, "x", "x", draft.checkpoint.convention, None)
    head = next(layer.name for layer in draft.card.network.layers if layer.role in ("logits", "q"))
    found = agent.activations(seen)[head].reshape(expected.shape)
    assert np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max()


NETWORKS = {
    "plain": (nets.Plain, "dqn"),
    "colour": (lambda: nets.Plain(12), "dqn"),
    "dueling": (nets.Dueling, "dueling"),
    "noisy": (lambda: nets.Dueling(nets.Noisy, 51), "rainbow"),
    "rainbow": (nets.Rainbow, "rainbow"),
    "c51": (lambda: nets.Distribution(51), "c51"),
    "quantiles": (lambda: nets.Distribution(200), "qrdqn"),
    "implicit": (nets.Implicit, "iqn"),
    "towers": (nets.Towers, "a2c"),
    "lstm": (nets.Memory, "ppo"),
    "deep": (nets.Deep, "impala"),
    "beast": (nets.Beast, "a2c"),
    "normed": (nets.Normed, "dqn"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays_alone_give_the_network(name):
    make, algorithm = NETWORKS[name]
    torch.manual_seed(0)
    net = make()
    draft = drafted(state(net.eval()), f"{algorithm}_PongNoFrameskip-v4.pt")
    assert (draft.card.game, draft.card.algorithm) == ("Pong", algorithm)
    check(draft, net)


def test_max_poolings_that_leave_no_arrays():
    torch.manual_seed(0)
    net = nets.Pooled()
    draft = drafted(state(net), "Pong-v0.dat")
    assert draft.guess("preset").value == "dgriff777-a3c"
    assert draft.card.preprocessing.size == (80, 80) and draft.card.preprocessing.running == 0.9999
    check(draft, net, scale=1.0)  # what is normalised is not scaled again


def test_pickled_modules_say_how_they_move():
    net = nets.Beast()
    modules = {
        name: {"class": type(module).__name__, "stride": module.stride, "padding": module.padding,
               "kernel_size": module.kernel_size}
        for name, module in net.named_modules() if hasattr(module, "stride")
    }  # fmt: skip
    plain = {"": {"class": "Net"}, "conv.0": {"class": "Conv2d", "stride": (3, 3), "padding": (0, 0)}}
    check(drafted(state(net), "Pong.pt", facts={"modules": modules}), net)
    found = drafted(state(nets.Plain()), "Pong.pt", facts={"modules": plain})
    assert found.card.network.layers[0].stride == (3, 3)


@pytest.mark.parametrize("kind, algorithm", [(1, "dqn"), (51, "c51"), (200, "qrdqn"), (0, "iqn")])
def test_dopamine_in_jax(kind, algorithm):
    torch.manual_seed(0)
    net = nets.Dopamine(kind)
    draft = drafted(net.arrays(), f"{algorithm}/Pong/1/ckpt.199", "pickle", "")
    preset = "dopamine-jax-iqn" if kind == 0 else "dopamine-jax"
    assert (draft.guess("preset").value, draft.card.algorithm) == (preset, algorithm)
    assert draft.card.preprocessing.sticky == 0.25 and draft.card.actions.epsilon == 0.001
    check(draft, net)


def test_tensorflow_1_names_and_what_training_leaves_beside():
    net = nets.Dopamine()
    names = dict(zip(("Conv_0", "Conv_1", "Conv_2", "Dense_0", "Dense_1"),
                     ("Conv", "Conv_1", "Conv_2", "fully_connected", "fully_connected_1")))  # fmt: skip
    found = {}
    for name, array in net.arrays("").items():
        layer, part = name.split("/")
        part = {"kernel": "weights", "bias": "biases"}[part]
        for scope, slot in (("Target", ""), ("Online", ""), ("Online", "/RMSProp")):
            found[f"{scope}/{names[layer]}/{part}{slot}"] = array + (scope == "Target" or bool(slot))
    found["global_step"] = np.array(5)
    draft = drafted(dict(sorted(found.items())), "tf_ckpt-199", "tensorflow-checkpoint", "")
    assert draft.card is None and "game" in draft.unknown
    check(draft.with_choice("game", "pong"), net)


def test_copies_and_wrappers():
    net, other = nets.Plain(), nets.Plain()
    both = {f"q_next.{k}": v for k, v in state(other).items()} | {f"q_eval.{k}": v for k, v in state(net).items()}
    check(drafted(both), net)
    wrapped = {f"online_net.module.{k}": v for k, v in state(net).items()}
    wrapped |= {f"target_net.module.{k}": v for k, v in state(other).items()}
    wrapped |= {"optimizer.exp_avg.0": np.zeros((6, 512), np.float32)}
    draft = drafted(wrapped, "Pong.pt")
    check(draft, net)
    assert draft.guess("outputs").value == "q" and "target" in draft.guess("outputs").reason
    assert "training" in draft.unused["target_net.module.fc.2.bias"]


def test_chainers_lstm_and_flaxs():
    """Both against PyTorch's cell, whose gates are split or woven anew."""
    torch.manual_seed(0)
    conv, cell, head = torch.nn.Conv2d(1, 4, 8, 8), torch.nn.LSTMCell(400, 8), torch.nn.Linear(8, nets.ACTIONS)

    def forward(x, flat):
        x = torch.relu(conv(x))
        return head(cell(x.flatten(1) if flat == "CHW" else x.permute(0, 2, 3, 1).flatten(1))[0])

    class Net(torch.nn.Module):
        def __init__(self, flat):
            super().__init__()
            self.flat = flat

        def forward(self, x):
            return forward(x, self.flat)

    ih, hh = cell.weight_ih.detach().numpy(), cell.weight_hh.detach().numpy()
    bias = (cell.bias_ih + cell.bias_hh).detach().numpy()
    woven = {gate: slice(8 * i, 8 * i + 8) for i, gate in enumerate("ifgo")}
    order = np.stack([np.arange(32)[woven[gate]] for gate in "gifo"], 1).ravel()
    weights = {"0/W": conv.weight, "0/b": conv.bias, "2/W": head.weight, "2/b": head.bias}
    found = {name: tensor.detach().numpy() for name, tensor in weights.items()}
    found |= {"1/upward/W": ih[order], "1/upward/b": bias[order], "1/lateral/W": hh[order]}
    choices = {"preprocessing.size": [80, 80], "preset": "none"}
    check(drafted(found, "a3c_Pong.npz", "numpy", choices=choices), Net("CHW"))

    flax = nets.flaxed({"Conv_0": conv, "Dense_0": head})
    for gate in "ifgo":
        flax[f"LSTMCell_0/i{gate}/kernel"] = ih[woven[gate]].T
        flax |= {f"LSTMCell_0/h{gate}/kernel": hh[woven[gate]].T, f"LSTMCell_0/h{gate}/bias": bias[woven[gate]]}
    check(drafted(flax, "ppo_Pong.msgpack", "flax", "tensorflow", choices=choices), Net("HWC"))


def test_one_sigmoid_unit():
    first, second = np.zeros((200, 6400)), np.zeros(200)
    draft = drafted({"W1": first, "W2": second}, "save.p", "pickle", "")
    assert draft.card.game == "Pong" and draft.card.actions.names == ("RIGHT", "LEFT")
    assert [layer.kind for layer in draft.card.network.layers] == ["dense", "dense", "complement"]
    assert draft.card.preprocessing.difference and draft.card.weights.convention == "pytorch"


def test_inputs_that_no_screen_gives():
    found = {"fc1.weight": np.zeros((64, 4), "f4"), "fc1.bias": np.zeros(64, "f4"), "q.weight": np.zeros((2, 64), "f4")}
    draft = drafted(found, "CartPole-v1.pt")
    assert draft.card is None and "no screen" in " ".join(draft.remarks)
    net = {"conv1.weight": np.zeros((16, 4, 8, 8), "f4"), "fc.weight": np.zeros((256, 16 * 400), "f4"),
           "policy.weight": np.zeros((6, 257 + 6), "f4")}  # fmt: skip
    draft = drafted(net, "Pong.pt")
    assert draft.card is None and any("last action or reward" in remark for remark in draft.remarks)


def test_choices():
    draft = drafted(state(nets.Plain()), "model.pt")
    assert draft.card is None and draft.unknown[0] == "game"
    said = draft.with_choice("game", "ALE/Pong-v5").with_choice("preprocessing.sticky", 0.25)
    said = said.with_choice("actions.names", ["NOOP", "FIRE", "UP", "DOWN", "LEFT", "RIGHT"])
    said = said.with_choice("network.layers.conv1.activation", "elu").with_choice("title", "Mine")
    card = said.card
    assert (card.game, card.preprocessing.sticky, card.actions.names[2], card.title) == ("Pong", 0.25, "UP", "Mine")
    assert card.network.layers[0].activation == "elu" and said.guess("game").chosen
    assert said.with_choice("game", None).card is None and said.with_choice("outputs", "policy").card is not None
    second = said.guess("geometry").alternatives[0]
    assert said.with_choice("geometry", second).guess("geometry").value == second
    assert said.with_choice("preprocessing", "dopamine").card.preprocessing.stack_init == "zeros"


@pytest.mark.parametrize("key, value, sentence", [
    ("colour", "red", "cannot be said"),
    ("game", "Chess", "no game"),
    ("outputs", "both", "no kind of outputs"),
    ("geometry", "12×12", "does not fit"),
    ("network.input_range", 5, "two numbers"),
    ("preprocessing", "nonsense", "nonsense"),
    ("preprocessing.frame_skip", "four", "whole number"),
    ("preprocessing.skip", 4, "unknown key"),
    ("preset", "nobody", "preset"),
    ("run", "x", "whole number"),
    ("network.layers.conv9.stride", [1, 1], "names no layer"),
    ("network.layers.conv1.stride", 3, "list"),
])  # fmt: skip
def test_choices_that_make_no_sense_are_sentences(key, value, sentence):
    with pytest.raises(ZooError, match=sentence):
        drafted(state(nets.Plain())).with_choice(key, value)


@pytest.mark.parametrize("name, game, algorithm, environment", [
    ("a2c/BreakoutNoFrameskip-v4.pt", "Breakout", "a2c", ("NoFrameskip", 4)),
    ("DQL_SpaceInvadersNoFrameskip-v4.ptm", "SpaceInvaders", "dqn", ("NoFrameskip", 4)),
    ("pong-v4/model.80.tar", "Pong", None, ("", 4)),
    ("breakout_a3c_5_actor.h5", "Breakout", "a3c", None),
    ("cleanrl/MsPacmanNoFrameskip-v4-c51_atari-seed1/c51_atari.cleanrl_model", "MsPacman", "c51", ("NoFrameskip", 4)),
    ("ALE-UpNDown-v5__ppo_atari__1__1688/agent.pt", "UpNDown", "ppo", ("", 5)),
    ("rainbow/Seaquest/1/graph_def.pb", "Seaquest", "rainbow", None),
    ("qbert_dueling_ddqn.h5", "Qbert", "dueling", None),
    ("implicit_quantile/Asterix/1/ckpt.199", "Asterix", "iqn", None),
    ("river_raid-qrdqn.zip", "Riverraid", "qrdqn", None),
    ("mymontezumarevenge.pt", "MontezumaRevenge", None, None),
    ("model_best.pth", None, None, None),
])  # fmt: skip
def test_what_a_path_says(name, game, algorithm, environment):
    found = naming.clues(Path("/zoo_tests") / name, {})
    best = [clues[0].value if clues else None for clues in (found.games, found.algorithms, found.environments)]
    assert best == [game, algorithm, environment]


def test_what_a_file_says_is_worth_more_than_its_path():
    found = naming.clues(Path("/x/Breakout.pt"), {"values": {"args": {"env_id": "PongNoFrameskip-v4", "seed": 3}}})
    assert found.games[0].value == "Pong" and found.environments[0].value == ("NoFrameskip", 4)


@pytest.mark.parametrize("kernels, positions, torch_like, expected", [
    ([8, 4, 3], 49, True, "84×84: stride 4, stride 2, stride 1"),
    ([8, 4], 81, True, "84×84: stride 4, stride 2"),
    ([8, 4, 3], 121, False, "84×84: stride 4 pad SAME, stride 2 pad SAME, stride 1 pad SAME"),
    ([3, 3, 3, 3], 25, True, "80×80: stride 2 pad 1, stride 2 pad 1, stride 2 pad 1, stride 2 pad 1"),
    ([3, 3, 3, 3], 9, True, "42×42: stride 2 pad 1, stride 2 pad 1, stride 2 pad 1, stride 2 pad 1"),
    ([9, 9], 25, False, "80×80: stride 4, stride 2"),
])  # fmt: skip
def test_geometry(kernels, positions, torch_like, expected):
    found = geometry.fits([(kernel, kernel) for kernel in kernels], positions, torch=torch_like)
    assert str(found[0]) == expected
    for fit in found[:50]:
        size = fit.size
        for kernel, move in zip(kernels, fit.moves):
            size = geometry._after(size, (kernel, kernel), move)
        assert size == fit.map and size[0] * size[1] == positions


@pytest.mark.parametrize("paths, algorithm, kind", [
    ({"actor": 6, "critic": 1}, "", "policy"),
    ({"fc_v": 1, "fc_a": 6}, "", "dueling"),
    ({"dense_4": 1, "dense_3": 6}, "ddqn", "dueling"),
    ({"dense_4": 1, "dense_3": 6}, "a3c", "policy"),
    ({"out": 6}, "", "q"),
    ({"out": 6}, "reinforce", "policy"),
    ({"q_net.0": 6}, "", "q"),
    ({"out": 51 * 6}, "", "q"),
    ({"out": 1}, "", "sigmoid"),
    ({"state_value.1": 1, "action_value.1": 18}, "", "dueling"),
])  # fmt: skip
def test_roles(paths, algorithm, kind):
    modules = [arrays.Module(path, "dense", {}, 64, count) for path, count in paths.items()]
    sinks = [wiring.Node(module, stream=wiring.stream(module)) for module in modules]
    assert roles.decide(sinks, algorithm=algorithm, known_actions=(6, 18)).kind == kind


def test_minimal_actions_are_ales():
    path = Path(__file__).resolve().parent.parent / "tools" / "minimal_actions.py"
    spec = importlib.util.spec_from_file_location("minimal_actions", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    some = tool.table(["breakout", "pong", "space_invaders", "skiing", "alien"])
    assert {game: " ".join(actions.minimal(game)) for game in some} == some
    assert actions.candidates("Breakout", 3)[0].value == ("FIRE", "RIGHT", "LEFT")
    assert actions.candidates("Skiing", 18)[0].value == actions.ALL and actions.minimal("Nowhere") == ()


WORDS = (
    "conv1", "conv2", "fc", "weight", "bias", "W", "b", "kernel", "lstm", "weight_ih", "weight_hh", "value", "", "q",
    "advantage", "running_mean", "running_var", "gamma", "0", "1", "Conv_0", "params", "target", "module", "ii", "if",
    "ig", "io", "hi", "hf", "hg", "ho", "upward", "lateral", "res_block0", "cos_embedding", "actor", "critic", "é",
    "prelu", "alpha", "support", "weight_mu", "mean", "recurrent_kernel",
)  # fmt: skip
SIZES = (1, 2, 3, 4, 6, 8, 16, 18, 32, 51, 64, 84, 256, 306, 512, 1024, 3136)


@pytest.mark.parametrize("seed", range(8))
def test_any_arrays_get_an_answer(seed):
    chance = random.Random(seed)
    for _ in range(12):
        found = {}
        for _ in range(chance.randrange(25)):
            name = chance.choice("./").join(chance.choice(WORDS) for _ in range(chance.randrange(1, 5)))
            shape = tuple(chance.choice(SIZES) for _ in range(chance.choice((0, 1, 1, 2, 2, 4, 4, 3, 5))))
            if np.prod(shape or (1,)) < 1e6:
                found[name] = np.zeros(shape, chance.choice((np.float32, np.float32, np.int64)))
        format, convention = chance.choice(("pytorch", "flax", "numpy")), chance.choice(("", "pytorch", "tensorflow"))
        draft = drafted(found, chance.choice(("Pong.pt", "a2c_Breakout.pt", "x")), format, convention)
        assert report.as_text(draft) and report.as_data(draft)["unknown"] == list(draft.unknown)
        assert draft.card is None or draft.card == type(draft.card).parse(draft.card.to_toml())
