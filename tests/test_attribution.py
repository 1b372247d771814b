"""Attribution: every method against its formula, written out here from the papers, on small networks."""

import tracemalloc

import numpy as np
import pytest
import tiny_agents
from scipy.ndimage import gaussian_filter

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import LayerSpec, NetworkSpec
from zoo_gui.analysis import ANALYSES, attribution_perturbation, export, run, targets
from zoo_gui.analysis.attribution_perturbation import sarfa_scores
from zoo_gui.analysis.methods import METHODS, why_not
from zoo_gui.analysis.question import over_observation
from zoo_gui.types import LayerInfo, ReceptiveField, Unit, ZooError

PLANTED = NetworkSpec((LayerSpec("q", "dense", units=3, role="q"),))
TWO_LAYERS = NetworkSpec(
    (LayerSpec("fc", "dense", units=4, activation="relu"), LayerSpec("q", "dense", units=3, role="q"))
)
LOGITS = NetworkSpec((LayerSpec("policy", "dense", units=3, role="logits"),))
RECURRENT = NetworkSpec(
    (
        LayerSpec("conv1", "conv", filters=3, kernel=(5, 4), stride=(2, 3), activation="tanh"),
        LayerSpec("cell", "gru", units=5),
        LayerSpec("policy", "dense", units=3, role="logits", source="cell"),
        LayerSpec("value", "dense", units=1, role="value", source="cell"),
    )
)
REGION = slice(8, 12), slice(5, 9)


def made(network, **changes):
    return Agent(tiny_agents.card(network), {**tiny_agents.weights(network), **changes})


@pytest.fixture(scope="module")
def policy():
    return made(tiny_agents.POLICY)


@pytest.fixture(scope="module")
def planted():
    """Q of LEFT is the sum of one region over both frames; the other two are constant."""
    kernel = np.zeros((*tiny_agents.OBSERVATION, 3), np.float32)
    kernel[(*REGION, slice(None), 1)] = 1.0
    return made(PLANTED, **{"q/kernel": kernel.reshape(-1, 3), "q/bias": np.zeros(3, np.float32)})


def asked(agent, target="action", method="gradient", **settings):
    return run("attribution", agent, observation=tiny_agents.observation(), target=target, method=method, **settings)


def score(agent, target, observation, at, state=None):
    """The target's number at ``observation``, its best units and positions as they are ``at`` another."""
    memory = {} if state is None else {"state": state}
    now, then = (agent.activations(x, **memory) for x in (observation, at))
    total = 0.0
    for term in targets.parse(target, agent).terms:
        values, base = now[term.layer].astype(float), then[term.layer]
        if term.direction is not None:
            total += term.weight * float(values @ np.array(term.direction))
            continue
        index = int(base.reshape(-1, base.shape[-1]).max(0).argmax()) if term.index == targets.BEST else term.index
        where = int(base[..., index].argmax()) if term.position is None else np.ravel_multi_index(
            term.position, base.shape[:2])  # fmt: skip
        total += term.weight * values[..., index].ravel()[where]
    return total


TARGETS = ["action", "value", "action:LEFT - 2*action:RIGHT", "advantage:LEFT", "conv1:2", "conv1:1@3,2"]


@pytest.mark.parametrize("network", [tiny_agents.Q, RECURRENT], ids=["q", "recurrent"])
def test_gradients_are_finite_differences(network):
    """Central differences along random directions, on smooth networks."""
    agent, rng, x = made(network), np.random.default_rng(0), tiny_agents.observation().astype(np.float32)
    state = rng.normal(size=5).astype("f4") if agent.initial_state.size else None
    for target in [*TARGETS, *(["cell:3"] if state is not None else [])]:
        found = run("attribution", agent, observation=x, target=target, state=state)
        assert found.score == pytest.approx(score(agent, target, x, x, state), abs=1e-5)
        for _ in range(2):
            step = rng.normal(size=x.shape).astype("f4")
            up, down = (score(agent, target, x + h * step, x, state) for h in (1.0, -1.0))
            assert (found.map * step).sum() / 255 == pytest.approx((up - down) / 2, rel=0.03, abs=2e-4), target


def test_a_units_gradient_is_the_agents_own(policy):
    for unit in (Unit("conv2", 1), Unit("fc", 2), Unit("policy", 0)):
        expected = policy.gradients(tiny_agents.observation(), unit)
        np.testing.assert_allclose(asked(policy, unit).map, expected, atol=1e-6)


@pytest.mark.parametrize("target", ["action", "value", "conv2:1"])
def test_integrated_gradients_add_up(policy, target):
    """Completeness, from black, from the mean, from a given picture and to hidden layers."""
    x, black = tiny_agents.observation(), np.zeros(tiny_agents.OBSERVATION, np.float32)
    given = np.full(tiny_agents.OBSERVATION, 90, np.float32)
    mean = black + x.mean((0, 1), dtype=np.float32)
    for baseline, other in (("black", black), ("mean", mean), (given, given)):
        found = asked(policy, target, "integrated", baseline=baseline, steps=256)
        difference = score(policy, target, x, x) - score(policy, target, other, x)
        assert found.map.sum() == pytest.approx(difference, rel=0.02, abs=2e-3)
        larger = max(abs(difference), abs(float(found.map.sum())))
        assert found.error == pytest.approx((found.map.sum() - difference) / larger, abs=1e-2)
    found = asked(policy, target, "integrated_layer", layer="conv1", steps=256)
    weights = {**tiny_agents.weights(tiny_agents.POLICY)}
    silent = Agent(tiny_agents.card(), weights)
    for index in range(3):
        silent.edit(Unit("conv1", index), gain=0.0)
    own, then = (agent.activations(x) for agent in (policy, silent))
    layer = targets.parse(target, policy).terms[0]
    index = layer.index if layer.index != targets.BEST else int(own[layer.layer].argmax())
    where = int(own[layer.layer][..., index].argmax())
    difference = own[layer.layer][..., index].ravel()[where] - then[layer.layer][..., index].ravel()[where]
    assert found.values.shape == own["conv1"].shape and found.map.shape == (20, 18, 1)
    assert found.values.sum() == pytest.approx(difference, rel=0.02, abs=2e-3) and abs(found.error) < 0.03


def test_rules_of_rectifiers_by_hand():
    """x → relu(W x + b) → V: with every combination of an active unit and a wanted one."""
    agent = made(TWO_LAYERS)
    x = tiny_agents.observation().ravel() / 255
    kernel, bias = agent.weights["fc/kernel"], np.zeros(4, np.float32)
    kernel = kernel * np.sign(x @ kernel) * [1, 1, -1, -1]  # two units active, two silent
    out = np.zeros((4, 3), np.float32)
    out[:, 0] = [2, -3, 5, -7]
    agent = made(TWO_LAYERS, **{"fc/kernel": kernel.astype("f4"), "fc/bias": bias, "q/kernel": out})
    passed = {"gradient": [2, -3, 0, 0], "guided": [2, 0, 0, 0], "deconv": [2, 0, 5, 0]}
    for method, upstream in passed.items():
        expected = (kernel @ np.array(upstream)).reshape(tiny_agents.OBSERVATION)
        np.testing.assert_allclose(asked(agent, "action:NOOP", method).map, expected, atol=1e-5, err_msg=method)


def test_a_channel_is_asked_with_its_own_map_or_at_its_maximum(policy):
    x = tiny_agents.observation()
    own = policy.activations(x)["conv2"][..., 1]
    seed = np.zeros((*own.shape, 4), np.float32)
    seed[..., 1] = own
    whole = policy.slopes(x[None], {"conv2": seed}, rule="deconv")[1][0]
    np.testing.assert_allclose(asked(policy, "conv2:1", "deconv").map, whole, atol=1e-6)
    seed = np.zeros_like(seed)
    seed[(*np.unravel_index(own.argmax(), own.shape), 1)] = 1
    peak = policy.slopes(x[None], {"conv2": seed}, rule="deconv")[1][0]
    np.testing.assert_allclose(asked(policy, "conv2:1", "deconv", channel="peak").map, peak, atol=1e-6)


def test_grad_cam_by_its_equations(policy):
    x = tiny_agents.observation()
    own = policy.activations(x)["conv2"]
    seed = np.eye(3, dtype="f4")[1]
    slope = policy.slopes(x[None], {"policy": seed}, layer="conv2")[1][0]
    expected = np.maximum((slope.mean((0, 1)) * own).sum(-1), 0)
    found = asked(policy, "action:LEFT", "gradcam")
    info = next(info for info in policy.layers if info.name == "conv2")
    assert found.layer == "conv2" and not found.signed
    np.testing.assert_allclose(found.map[..., 0], over_observation(expected, info, x.shape), atol=1e-6)


def test_a_layers_map_lies_where_its_positions_look():
    info = LayerInfo("c", (3, 3, 1), "conv", False, ReceptiveField((5, 5), (4, 4), (0, 0)))
    found = over_observation(np.arange(9.0).reshape(3, 3), info, (13, 13, 2))
    assert found[2, 2] == 0 and found[2, 6] == 1 and found[6, 2] == 3 and found[10, 10] == 8
    assert found[2, 4] == pytest.approx(0.5) and found[0, 0] == 0 and found[12, 12] == 8


def test_smoothgrad_is_the_mean_over_noise(planted):
    """Of a linear network it is the gradient, whatever the noise; of another it depends on it, reproducibly."""
    np.testing.assert_allclose(asked(planted, "action:LEFT", "smoothgrad", n=5).map,
                               asked(planted, "action:LEFT").map, atol=1e-5)  # fmt: skip
    agent = made(tiny_agents.Q)
    one, again, other = (asked(agent, method="smoothgrad", noise_seed=seed).map for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_greydanus_as_the_formula_says(policy):
    """The authors' mask and blur with SciPy, one place at a time, at the places themselves."""
    x, stride = tiny_agents.observation().astype(np.float64), 5
    for target, layer in (("action", "policy"), ("value", "value")):
        found = asked(policy, target, "greydanus", stride=stride)
        base, blurred = policy.activations(x.astype("f4"))[layer], gaussian_filter(x, (3, 3, 0))
        for row in range(0, 20, stride):
            for column in range(0, 18, stride):
                rows, columns = np.ogrid[-row : 20 - row, -column : 18 - column]
                mask = gaussian_filter((rows**2 + columns**2 <= 1).astype(float), 5)
                mask = (mask / mask.max())[..., None]
                changed = policy.activations((x * (1 - mask) + blurred * mask).astype("f4"))[layer]
                expected = 0.5 * ((base - changed) ** 2).sum()
                assert found.map[row, column, 0] == pytest.approx(expected, rel=1e-3, abs=1e-7)
    newest = asked(policy, "action", "greydanus", frames="newest").map
    assert not np.allclose(newest, asked(policy, "action", "greydanus").map)


def test_masks_of_a_fine_stride_are_made_as_they_are_needed(policy, monkeypatch):
    """All of them would be 4.5 GB, of a whole screen: a few take little, and give the same map."""
    tracemalloc.start()
    few = attribution_perturbation._masker(210, 160, 1)(np.array([0, 33_599]))
    assert few.shape == (2, 210, 160) and tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()
    kept = asked(policy, "action", "greydanus", stride=2).map
    monkeypatch.setattr(attribution_perturbation, "MOST_KEPT", 0)
    np.testing.assert_array_equal(asked(policy, "action", "greydanus", stride=2).map, kept)


def test_policy_and_value_from_one_set_of_passes(policy, tmp_path):
    """The maps of each by itself, and half of the passes."""
    x, passes = tiny_agents.observation(), []

    class Counting:
        def __getattr__(self, name):
            return getattr(policy, name)

        def activations(self, observations, *arguments, **named):
            passes.append(len(observations) if observations.ndim == 4 else 1)
            return policy.activations(observations, *arguments, **named)

    pair = run("policy_and_value", Counting(), observation=x, stride=3)
    both, passes[:] = sum(passes), []
    for record, target in zip(pair.found, ("action", "value")):
        alone = run("attribution", Counting(), observation=x, target=target, method="greydanus", stride=3)
        np.testing.assert_allclose(record.map, alone.map, rtol=1e-6, atol=1e-9)
        assert record.target == alone.target and record.scale > 0
    assert both == sum(passes) / 2
    for ending in ("png", "csv", "npz"):
        assert export.write(pair, tmp_path / f"both.{ending}").stat().st_size > 100
    assert set(np.load(tmp_path / "both.npz")) >= {"observation", "policy", "value"}
    with pytest.raises(ZooError, match="no value head"):
        run("policy_and_value", made(LOGITS), observation=x)
    with pytest.raises(ZooError, match="no option “size”"):
        run("policy_and_value", policy, observation=x, size=3)


def test_sarfa_by_hand():
    """Three actions, worked out on paper: P = (½, ¼, ¼); after, P = (¼, ½, ¼), the others' shares (⅔, ⅓)."""
    before, after = np.log([0.5, 0.25, 0.25]), np.log([[0.25, 0.5, 0.25], [0.25, 0.375, 0.375], [0.6, 0.2, 0.2]])
    divergence = 2 / 3 * np.log(4 / 3) + 1 / 3 * np.log(2 / 3)
    relevant = 1 / (1 + divergence)
    expected = [2 * relevant * 0.25 / (relevant + 0.25), 2 * 1 * 0.25 / (1 + 0.25), 0.0]  # the third gains
    np.testing.assert_allclose(sarfa_scores(before + 3, after - 2, 0), expected, rtol=1e-9)


def test_occlusion_finds_the_only_region_that_is_read(planted):
    found = asked(planted, "action:LEFT", "occlusion", size=4, stride=1, box="black").map[..., 0]
    inside = np.zeros(found.shape, bool)
    inside[REGION] = True
    reached = np.zeros_like(inside)
    reached[5:15, 2:12] = True  # boxes of four that touch the region
    assert found[~reached].max() == 0 and found[inside].min() > found[~inside].max()
    constant = asked(planted, "action:NOOP", "occlusion")
    assert constant.scale == 0


def test_all_methods_that_can_answer(policy):
    found = [p.result for p in ANALYSES["attributions"](policy, observation=tiny_agents.observation(), target="value")]
    names = [record.method for record in found if record is not None]
    assert names == [name for name in METHODS if not why_not(name, "value", policy)] and "sarfa" not in names
    for record in filter(None, found):
        assert record.map.dtype == np.float32 and not record.map.flags.writeable
        assert record.map.shape == (20, 18, 2 if METHODS[record.method].per_frame else 1)
        assert record.scale == np.abs(record.map).max() and (record.signed or record.map.min() >= 0)


def test_a_slow_method_yields_between_its_slices(policy):
    steps = ANALYSES["attribution"](policy, observation=tiny_agents.observation(), method="greydanus", stride=1)
    first = next(steps)
    assert first.result is None and 0 < first.done < first.total == 360
    steps.close()


def test_results_as_files(policy, tmp_path):
    record = asked(policy, "action", "integrated")
    for ending in ("png", "csv", "npz"):
        assert export.write(record, tmp_path / f"map.{ending}").stat().st_size > 100
    np.testing.assert_array_equal(np.load(tmp_path / "map.npz")["map"], record.map)


def test_bad_questions_are_sentences(policy):
    q = made(PLANTED)
    cases = [
        (lambda: asked(policy, method="gradiant"), "no method “gradiant”"),
        (lambda: asked(policy, method="gradcam", layer="conv9"), "no layer “conv9”"),
        (lambda: asked(policy, "conv1:0", "gradcam"), "No convolution feeds conv1"),
        (lambda: asked(policy, "conv1:0", "integrated_layer", layer="fc"), "fc does not feed conv1"),
        (lambda: asked(policy, method="gradcam", layer="fc"), "fc is no convolution"),
        (lambda: asked(policy, "conv1:77"), "units 0 to"),
        (lambda: asked(policy, "value", "sarfa"), "explains one action"),
        (lambda: asked(policy, method="greydanus", stride=0), "stride is a whole number from 1"),
        (lambda: asked(policy, method="gradient", stride=3), "no option “stride”"),
        (lambda: asked(policy, method="occlusion", size=3, stride=5), "leaves gaps"),
        (lambda: asked(q, method="guided"), "no rectifiers"),
        (lambda: asked(policy, targets.along("fc", np.ones(6), policy, cosine=True)), "cosine"),
        (lambda: asked(made(LOGITS), "value"), "no value head"),
    ]  # fmt: skip
    for call, words in cases:
        with pytest.raises(ZooError, match=words):
            call()
