"""The observation pipeline against ale-py's own, and its options."""

import cv2
import numpy as np
import pytest

from zoo_gui.agents.card import PreprocessingSpec, Transform
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.preprocessing import Pipeline
from zoo_gui.types import ZooError


def atari_vector_env(game, actions, **options):
    """(observations (T + 1, h, w, C), rewards) of AtariVectorEnv, until the game ends."""
    from ale_py.vector_env import AtariVectorEnv

    env = AtariVectorEnv(game, 1, num_threads=1, reward_clipping=False, noop_max=0, **options)
    seen, rewards = [env.reset(seed=1)[0][0].copy()], []
    for action in actions:
        observation, reward, terminated, *_ = env.step(np.array([action]))
        if terminated[0]:
            break
        seen.append(observation[0].copy())
        rewards.append(float(reward[0]))
    env.close()
    return np.stack(seen).transpose(0, 2, 3, 1), rewards


def ours(game, actions, spec):
    emulator = Emulator(game)
    pipeline = Pipeline(spec, (emulator.height, emulator.width))
    if spec.fire_on_reset and "FIRE" in emulator.minimal_actions:
        emulator.act(emulator.code("FIRE"))
    pipeline.reset(emulator)
    seen, rewards = [pipeline.observation], []
    for action in actions:
        reward = 0
        for k in range(spec.frame_skip):
            reward += emulator.act(emulator.code(emulator.minimal_actions[action]))
            if k >= spec.frame_skip - spec.max_last:
                pipeline.grab(emulator)
        if emulator.game_over:
            break
        pipeline.push()
        seen.append(pipeline.observation)
        rewards.append(float(reward))
    return np.stack(seen), rewards


@pytest.mark.parametrize("game", ["breakout", "qbert", "seaquest", "pong", "freeway"])
def test_defaults_are_those_of_atari_vector_env_bit_for_bit(game):
    count = len(Emulator(game).minimal_actions)
    actions = np.random.default_rng(0).integers(count, size=250)
    theirs, their_rewards = atari_vector_env(game, actions)
    mine, my_rewards = ours(game, actions, PreprocessingSpec(noop_max=0))
    assert mine.shape == theirs.shape and np.array_equal(mine, theirs) and my_rewards == their_rewards


def test_other_sizes_and_skips_also_agree():
    actions = np.random.default_rng(1).integers(4, size=60)
    options = dict(img_height=64, img_width=96, stack_num=2, frameskip=3, use_fire_reset=False)
    spec = PreprocessingSpec(noop_max=0, size=(64, 96), stack=2, frame_skip=3, fire_on_reset=False)
    theirs, mine = atari_vector_env("breakout", actions, **options)[0], ours("breakout", actions, spec)[0]
    assert np.array_equal(mine, theirs)


def screens(count, shape, seed=0):
    return list(np.random.default_rng(seed).integers(256, size=(count, *shape), dtype=np.uint8))


class Picture:
    """An emulator that shows one picture."""

    def __init__(self, gray=None, rgb=None):
        self.gray, self.rgb = gray, rgb

    def screen_gray(self, out):
        out[...] = self.gray

    def screen_rgb(self, out):
        out[...] = self.rgb


def test_maximum_then_crop_then_area_then_stack():
    spec = PreprocessingSpec(crop=(34, 0, 160, 160), size=(80, 80), stack=2, stack_init="repeat")
    pipeline = Pipeline(spec, (210, 160))
    first, a, b = screens(3, (210, 160))
    pipeline.reset(Picture(gray=first))
    assert np.array_equal(pipeline.observation[..., 0], pipeline.observation[..., 1])
    pipeline.push([a, b])
    newest = np.maximum(a, b)[34:194].reshape(80, 2, 80, 2).astype(float).mean((1, 3))
    assert np.abs(pipeline.observation[..., 1] - newest).max() <= 0.5
    oldest = cv2.resize(first[34:194], (80, 80), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pipeline.observation[..., 0], oldest)
    assert pipeline.frame_box == (34, 0, 160, 160)


def test_colour_frames_take_three_channels_each():
    spec = PreprocessingSpec(color="rgb", stack=2, max_last=1, size=(210, 160))
    pipeline = Pipeline(spec, (210, 160))
    first, second = screens(2, (210, 160, 3))
    pipeline.reset(Picture(rgb=first))
    assert not pipeline.observation[..., :3].any()
    pipeline.push([second])
    assert np.array_equal(pipeline.observation, np.concatenate([first, second], axis=-1))


def test_luma_is_bt601():
    pipeline = Pipeline(PreprocessingSpec(source="luma", stack=1, size=(210, 160)), (210, 160))
    (rgb,) = screens(1, (210, 160, 3))
    pipeline.reset(Picture(rgb=rgb))
    assert pipeline.observation.shape == (210, 160, 1)
    assert np.abs(pipeline.observation[..., 0] - rgb @ np.array([0.299, 0.587, 0.114])).max() < 0.51


def test_observations_are_read_only_and_never_change():
    pipeline = Pipeline(PreprocessingSpec(), (210, 160))
    a, b, c = screens(3, (210, 160))
    pipeline.reset(Picture(gray=a))
    observation = pipeline.observation
    kept = observation.copy()
    pipeline.push([b, c])
    assert np.array_equal(observation, kept) and not observation.flags.writeable


def test_snapshot_brings_the_stack_back():
    pipeline = Pipeline(PreprocessingSpec(), (210, 160))
    a, b, c, d = screens(4, (210, 160))
    pipeline.reset(Picture(gray=a))
    pipeline.push([b, c])
    kept, snapshot = pipeline.observation, pipeline.snapshot()
    pipeline.push([c, d])
    expected = pipeline.observation
    pipeline.restore(snapshot)
    assert np.array_equal(pipeline.observation, kept)
    pipeline.push([c, d])
    assert np.array_equal(pipeline.observation, expected)
    with pytest.raises(ZooError, match="another preprocessing"):
        Pipeline(PreprocessingSpec(stack=3), (210, 160)).restore(snapshot)


@pytest.mark.parametrize(
    ("spec", "match"),
    [(PreprocessingSpec(resize="opencv-aera"), "opencv-area"), (PreprocessingSpec(source="palette"), "source of grey"),
     (PreprocessingSpec(crop=(100, 0, 160, 160)), "210×160")],
)  # fmt: skip
def test_faulty_specs_say_what_is_wrong(spec, match):
    with pytest.raises(ZooError, match=match):
        Pipeline(spec, (210, 160))


def test_over_previous_takes_the_last_screen_of_the_action_before_as_well():
    spec = PreprocessingSpec(max_last=1, over_previous=True, stack=1, size=(210, 160))
    pipeline = Pipeline(spec, (210, 160))
    a, b, c = screens(3, (210, 160))
    pipeline.reset(Picture(gray=a))
    assert np.array_equal(pipeline.observation[..., 0], a)
    pipeline.push([b])
    assert np.array_equal(pipeline.observation[..., 0], np.maximum(a, b))
    snapshot = pipeline.snapshot()
    for _ in range(2):
        pipeline.push([c])
        assert np.array_equal(pipeline.observation[..., 0], np.maximum(b, c))
        pipeline.restore(snapshot)
    pipeline.grab(Picture(gray=c))
    pipeline.drop()
    pipeline.push([a])
    assert np.array_equal(pipeline.observation[..., 0], np.maximum(a, c))


def test_a_difference_is_the_frame_less_the_one_before_and_begins_with_zeros():
    spec = PreprocessingSpec(max_last=1, difference=True, stack=2, size=(210, 160))
    pipeline = Pipeline(spec, (210, 160))
    a, b, c = screens(3, (210, 160))
    pipeline.reset(Picture(gray=a))
    assert pipeline.observation.dtype == np.float32 and not pipeline.observation.any()
    pipeline.push([b])
    snapshot = pipeline.snapshot()
    for _ in range(2):
        pipeline.push([c])
        wanted = np.stack([b.astype(int) - a, c.astype(int) - b], -1)
        assert np.array_equal(pipeline.observation, wanted) and wanted.min() < -200
        pipeline.restore(snapshot)
    pipeline.grab(Picture(gray=c))
    pipeline.begin()
    assert not pipeline.observation.any()


class NormalizedEnv:
    """The observation wrapper of ikostrikov's pytorch-a3c and of dgriff777's rl_a3c_pytorch, from its description."""

    def __init__(self, alpha=0.9999):
        self.mean = self.std = self.steps = 0
        self.alpha = alpha

    def __call__(self, observation):
        self.steps += 1
        self.mean = self.mean * self.alpha + float(observation.mean()) * (1 - self.alpha)
        self.std = self.std * self.alpha + float(observation.std()) * (1 - self.alpha)
        unbiased = 1 - self.alpha**self.steps
        return (observation - self.mean / unbiased) / (self.std / unbiased + 1e-8)


def test_running_normalisation():
    steps = (Transform("resize", "opencv-linear", size=(42, 42)), Transform("grey", "mean", rounding="none"),
             Transform("float"))  # fmt: skip
    spec = PreprocessingSpec(max_last=1, stack=1, size=(42, 42), transforms=steps, running=0.9999)
    pipeline, normalised = Pipeline(spec, (210, 160)), NormalizedEnv()
    pictures = [picture // (1 + i % 3) for i, picture in enumerate(screens(12, (210, 160, 3)))]
    wanted = [normalised(cv2.resize(picture, (42, 42)).mean(2).astype(np.float32)) for picture in pictures]
    for _ in range(2):  # each episode begins anew
        pipeline.reset(Picture(rgb=pictures[0]))
        for number, picture in enumerate(pictures[1:], 1):
            assert np.array_equal(pipeline.observation[..., 0], wanted[number - 1])
            snapshot = pipeline.snapshot()
            pipeline.push([pictures[0]])
            pipeline.restore(snapshot)
            pipeline.push([picture])
    assert pipeline.observation.dtype == np.float32 and abs(wanted[-1].mean()) > 0.1


def test_ale_s_grey_may_begin_a_recipe():
    steps = (Transform("grey", "ale"), Transform("resize", "opencv-area", size=(84, 84)))
    pipeline, plain = (Pipeline(PreprocessingSpec(transforms=each), (210, 160)) for each in (steps, ()))
    a, b, c = screens(3, (210, 160))
    for each in (pipeline, plain):
        each.reset(Picture(gray=a))
        each.push([b, c])
    assert np.array_equal(pipeline.observation, plain.observation)


def test_a_recipe_that_only_looks_never_shows_the_next_screen():
    """Buffers are used again: a frame that no step copied must not be one of them."""
    for steps in ((Transform("stretch"),), (Transform("crop", box=(0, 0, 210, 160)),)):
        spec = PreprocessingSpec(color="rgb", size=(210, 160), stack=2, max_last=1, transforms=steps)
        pipeline = Pipeline(spec, (210, 160))
        a, b = screens(2, (210, 160, 3))
        pipeline.reset(Picture(rgb=a))
        pipeline.push([b])
        assert np.array_equal(pipeline.observation, np.concatenate([a, b], -1))


def test_a_large_stack_is_merged_too():
    spec = PreprocessingSpec(stack=200, size=(8, 8), stack_init="repeat")
    pipeline = Pipeline(spec, (210, 160))
    a, b, c = screens(3, (210, 160))
    pipeline.reset(Picture(gray=a))
    pipeline.push([b, c])
    assert pipeline.observation.shape == (8, 8, 200)
    newest = cv2.resize(np.maximum(b, c), (8, 8), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pipeline.observation[..., -1], newest)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"size": (80, 80)}, "84×84.*80×80"), ({"color": "rgb"}, "84×84.*84×84×3"),
        ({"transforms": (Transform("resize", "opencv-area", size=(84, 84)),)}, "84×84×3.*84×84"),
    ],
)  # fmt: skip
def test_transforms_that_end_elsewhere_than_the_card_says_are_refused(changes, match):
    steps = (Transform("grey", "opencv"), Transform("resize", "opencv-area", size=(84, 84)))
    with pytest.raises(ZooError, match=match):
        Pipeline(PreprocessingSpec(**{"transforms": steps, **changes}), (210, 160))


def test_snapshots_of_another_type_are_refused():
    floats, plain = Pipeline(PreprocessingSpec(resize="tf-area"), (210, 160)), Pipeline(PreprocessingSpec(), (210, 160))
    for each in (floats, plain):
        each.reset(Picture(gray=screens(1, (210, 160))[0]))
    with pytest.raises(ZooError, match="another preprocessing"):
        plain.restore(floats.snapshot())
