"""What feature visualization raises besides a plain unit, how its images are made, and what they pay for."""

import numpy as np
import pytest
import tensorflow as tf
from analysis_standin import StandIn

from zoo_gui.analysis import targets, vis_plan, vis_transforms
from zoo_gui.analysis.ascent import POOL
from zoo_gui.analysis.export import write
from zoo_gui.analysis.feature_vis import feature_vis, release
from zoo_gui.types import Unit, ZooError


@pytest.fixture(scope="module")
def agent():
    standin = StandIn()
    standin.action_names, standin.title = ("NOOP", "LEFT", "RIGHT"), "stand-in"
    yield standin
    release()


def results(agent, **asked):
    asked = {"steps": 25, "use_cache": False, "transforms": "jitter"} | asked
    return [progress.result for progress in feature_vis(agent, **asked) if progress.result is not None]


def layers(agent, image, pre=False):
    return {name: value.numpy()[0] for name, value in agent.taps(tf.constant(image[None]), pre).items()}


VECTOR = np.linspace(-1, 1, 12)


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


ASKED = {
    "conv2:5@1,2": lambda before, after: before["conv2"][1, 2, 5],
    "layer:conv2": lambda before, after: (after["conv2"][3, 3] ** 2).mean(),
    "action": lambda before, after: after["logits"].max(),
    "action:LEFT": lambda before, after: after["logits"][1],
    "advantage:RIGHT": lambda before, after: after["logits"][2] - after["logits"].mean(),
    "action:LEFT - action:RIGHT": lambda before, after: after["logits"][1] - after["logits"][2],
    "conv1:1 + 0.5*fc:3": lambda before, after: before["conv1"][4, 4, 1] + 0.5 * before["fc"][3],
    "direction": lambda before, after: after["conv2"][3, 3] @ VECTOR,
    "cosine": lambda before, after: cosine(after["fc"], VECTOR),
}


@pytest.mark.parametrize("text", ASKED)
def test_every_kind_of_target_is_raised_and_is_what_it_says(agent, text):
    """The value is computed again without Lucid; a cosine of a silent layer is no fault."""
    asked = {"direction": targets.along("conv2", VECTOR, agent), "cosine": targets.along("fc", VECTOR, agent, True)}
    target = asked.get(text, text)
    pre = vis_plan.recipe_of(agent, targets.parse(target, agent)).pre_activation
    if text == "layer:conv2":
        expected = lambda before, after: (after["conv2"] ** 2).mean()  # noqa: E731
    else:
        expected = ASKED[text]
    first, *_, final = results(agent, target=target)
    assert final.activation > max(1.2 * first.activation, first.activation + 0.02)
    assert final.activation == pytest.approx(
        expected(layers(agent, final.image, True), layers(agent, final.image)), abs=2e-4
    )
    assert pre == final.pre_activation == ("conv1:1" in text or "conv2:5" in text)


def test_a_target_that_is_a_unit_shares_the_layers_graph(agent):
    release()
    results(agent, target="action:LEFT", steps=1)
    assert len(POOL) == 1
    assert results(agent, target="logits:2", steps=1)[-1].unit == Unit("logits", 2)
    assert len(POOL) == 1


def test_only_the_newest_frame_changes(agent):
    start = np.random.default_rng(0).uniform(0.1, 0.9, agent.observation_shape).astype(np.float32)
    final = results(agent, unit="conv2:1", only_current=True)[-1]
    assert not final.image[..., :3].any() and final.image[..., 3].std() > 0.01
    final = results(agent, unit="conv2:1", only_current=True, start=start)[-1]
    np.testing.assert_array_equal(final.image[..., :3], start[..., :3])
    assert np.abs(final.image[..., 3] - start[..., 3]).max() > 0.05


def test_cppn_climbs_and_repeats_itself(agent):
    asked = dict(unit="fc:3", parameterization="cppn", steps=30, only_current=True)
    first, *_, final = results(agent, **asked)
    assert final.activation > first.activation + 0.02 and not final.image[..., :3].any()
    np.testing.assert_array_equal(results(agent, **asked)[-1].image, final.image)
    assert np.abs(results(agent, seed=1, **asked)[-1].image - final.image).max() > 0.01


MEASURES = {
    "l1": lambda image: np.abs(image).mean(),
    "l2": lambda image: np.sqrt((image**2).mean()),
    "tv": lambda image: np.abs(np.diff(image, axis=0)).mean() + np.abs(np.diff(image, axis=1)).mean(),
    "blur": lambda image: ((image[1:-1, 1:-1] - sum(image[i : i + 18, j : j + 18] for i in range(3)
                                                    for j in range(3)) / 9) ** 2).mean(),
}  # fmt: skip


@pytest.mark.parametrize("kind", MEASURES)
def test_penalties_lower_what_they_penalise(agent, kind):
    free, paid = (results(agent, unit="fc:2", steps=40, **{kind: weight})[-1] for weight in (0, 5))
    assert MEASURES[kind](paid.image) < 0.93 * MEASURES[kind](free.image)


@pytest.mark.parametrize("unit", ["conv2:5", "fc:7"])
def test_diversity_makes_answers_differ(agent, unit):
    """At the layer itself for a map, at the last map before it for a dense unit; each answer still excites the unit."""
    def apart(diversity):
        found = results(agent, unit=unit, count=3, diversity=diversity, steps=80)
        flat = found[-1].images.reshape(3, -1) - 0.5
        pairs = [np.sqrt(((flat[i] - flat[j]) ** 2).mean()) for i, j in ((0, 1), (0, 2), (1, 2))]
        return min(pairs), found[0].activations, found[-1]

    alike, differ = apart(0.0), apart(3.0)
    assert differ[0] > 1.2 * alike[0]
    assert (differ[2].activations > differ[1]).sum() >= 2
    np.testing.assert_array_equal(differ[2].image, differ[2].images[0])


def test_the_first_of_several_answers_is_the_only_one(agent):
    """Up to rounding, which Adam may amplify: hence few steps."""
    one, three = (results(agent, unit="conv1:2", count=count, steps=3)[-1] for count in (1, 3))
    np.testing.assert_allclose(three.images[0], one.image, atol=1e-4)
    assert np.abs(three.images[1] - one.image).max() > 1e-3


@pytest.mark.parametrize("options", [{"parameterization": "pixel"}, {"transforms": "rotate:3", "tv": 0.1}], ids=str)
def test_a_planted_sprite_is_found(options):
    """A first-layer unit whose kernel is a picture in the newest frame, among noise, is drawn as that picture."""
    planted = StandIn(seed=3)
    sprite = np.array([[1, -1, -1, 1], [-1, 1, 1, -1], [1, 1, 1, 1], [-1, 1, 1, -1]], np.float32)
    kernel = planted.weights["conv1/kernel"]
    kernel[..., 2] *= 0.02
    kernel[..., 3, 2] = sprite
    planted.hash = "planted"
    image = results(planted, **{"unit": "conv1:2", "steps": 60, "transforms": "none", **options})[-1].image
    seen = image[8:12, 8:12, 3]  # what the centre of the map, row and column 4, sees with stride 2
    assert np.corrcoef(seen.ravel(), sprite.ravel())[0, 1] > 0.8
    release()


def test_transforms_as_text():
    robust = vis_transforms.canonical("robust")
    assert robust == "pad:4 jitter:4 scale:0.9-1.1 rotate:5 jitter:2" == vis_transforms.canonical(robust)
    assert vis_transforms.parse("none") == ()
    made = []

    class Lucid:
        """Notes what is asked of lucid.optvis.transform."""

        def __getattr__(self, name):
            return lambda *numbers, **_: made.append((name, *numbers))

    vis_transforms.build(Lucid(), robust, (84, 84, 4))
    scales, angles = made[2][1], made[3][1]
    np.testing.assert_allclose(scales, [0.9 + 0.02 * i for i in range(11)])
    np.testing.assert_allclose(angles, range(-5, 6))
    assert [name for name, *_ in made] == [
        "pad", "jitter", "random_scale", "random_rotate", "jitter", "crop_or_pad_to"
    ]  # fmt: skip


def test_results_are_figures_tables_and_arrays(agent, tmp_path):
    final = results(agent, target="action:LEFT", count=2, steps=3)[-1]
    assert write(final, tmp_path / "vis.svg").stat().st_size > 5000
    saved = np.load(write(final, tmp_path / "vis.npz"))
    np.testing.assert_array_equal(saved["images"], final.images)
    assert [row["answer"] for row in final.table()] == [0, 1]
    assert final.table()[1]["activation"] == final.activations[1]


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (dict(unit="conv1:0", target="value"), "either a unit or a target"),
        (dict(), "either a unit or a target"),
        (dict(unit="conv1:0", count=5), "1 to 4 answers"),
        (dict(unit="conv1:0", count=0), "1 to 4 answers"),
        (dict(unit="conv1:0", l1=-1), "weight of l1"),
        (dict(unit="conv1:0", tv=float("nan")), "weight of tv"),
        (dict(unit="conv1:0", transforms="jitter:99"), "jitter goes from 1 to 64"),
        (dict(unit="conv1:0", transforms="jitter:20"), "leaves nothing"),
        (dict(unit="conv1:0", transforms="pad:2.5"), "whole pixels"),
        (dict(unit="conv1:0", transforms="scale:1.1-0.9"), "scale goes from"),
        (dict(unit="conv1:0", transforms="wobble:3"), "no transform"),
        (dict(unit="conv1:0", parameterization="cppn", start=np.zeros((20, 20, 4))), "CPPN cannot begin"),
        (dict(target="action:JUMP"), "no action"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_gets_a_sentence(agent, wrong, sentence):
    with pytest.raises(ZooError, match=sentence) as failure:
        results(agent, **wrong)
    assert "\n" not in str(failure.value)


def test_one_frame_has_no_past():
    with pytest.raises(ZooError, match="one frame"):
        results(StandIn(shape=(17, 19, 1)), unit="conv1:0", only_current=True)


def test_a_layer_without_a_gradient_says_so():
    constant = StandIn()
    constant.hash, taps = "constant", constant.taps
    constant.taps = lambda x, pre=False: {**taps(x, pre), "fc": tf.ones([1, 12])}
    with pytest.raises(ZooError, match="no gradient"):
        results(constant, unit="fc:0")
