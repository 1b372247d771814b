"""The steps from a screen to a frame, against the libraries whose arithmetic they promise."""

import cv2
import numpy as np
import pytest
from PIL import Image

from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec, Transform
from zoo_gui.play import resizing
from zoo_gui.play.transforms import compiled
from zoo_gui.types import ZooError

tf = configure_tensorflow()
RNG = np.random.default_rng(0)
SCREEN = RNG.integers(0, 256, (210, 160, 3)).astype(np.uint8)
GREY = RNG.integers(0, 256, (210, 160)).astype(np.uint8)
FLOATS = (RNG.random((210, 160)) * 255).astype(np.float32)
SIZES = [(84, 84), (80, 80), (42, 42), (110, 84), (210, 160), (250, 200)]


def run(screen, *steps):
    """What the steps, as (op, keys), make of a screen."""
    plan = compiled(tuple(Transform(op, **keys) for op, keys in steps), np.zeros_like(screen))
    frame = screen
    for function in plan.functions:
        frame = function(frame)
    assert frame.shape == plan.frame.shape and frame.dtype == plan.frame.dtype
    return frame


def same(mine, theirs):
    return mine.dtype == theirs.dtype and np.array_equal(mine, theirs)


# -- resizing -------------------------------------------------------------------------------------------------------
TENSORFLOW = {
    "tf-bilinear": (tf.raw_ops.ResizeBilinear, {}),
    "tf-bilinear-align-corners": (tf.raw_ops.ResizeBilinear, {"align_corners": True}),
    "tf-bilinear-half": (tf.raw_ops.ResizeBilinear, {"half_pixel_centers": True}),
    "tf-nearest": (tf.raw_ops.ResizeNearestNeighbor, {}),
    "tf-nearest-align-corners": (tf.raw_ops.ResizeNearestNeighbor, {"align_corners": True}),
    "tf-nearest-half": (tf.raw_ops.ResizeNearestNeighbor, {"half_pixel_centers": True}),
    "tf-area": (tf.raw_ops.ResizeArea, {}),
}


@pytest.mark.parametrize("method", TENSORFLOW)
@pytest.mark.parametrize("frame", [GREY, FLOATS, SCREEN, FLOATS[:100, :77]], ids=["bytes", "floats", "colours", "odd"])
def test_tensorflow_s_resizes_bit_for_bit(method, frame):
    op, options = TENSORFLOW[method]
    for size in SIZES:
        theirs = op(images=frame.reshape(1, *frame.shape[:2], -1), size=size, **options).numpy()[0]
        assert same(resizing.find(method)(frame, size), theirs.reshape(*size, *frame.shape[2:])), size


def test_tensorflow_s_methods_by_the_names_of_its_two_apis():
    image = tf.constant(FLOATS[None, ..., None])
    old, new = tf.compat.v1.image.resize_bilinear, tf.image.resize
    assert same(resizing.find("tf-bilinear")(FLOATS, (84, 84)), old(image, (84, 84)).numpy()[0, ..., 0])
    assert same(resizing.find("tf-bilinear-half")(FLOATS, (84, 84)), new(image, (84, 84)).numpy()[0, ..., 0])
    area, nearest = (new(image, (84, 84), method=name).numpy()[0, ..., 0] for name in ("area", "nearest"))
    assert same(resizing.find("tf-area")(FLOATS, (84, 84)), area)
    assert same(resizing.find("tf-nearest-half")(FLOATS, (84, 84)), nearest)


@pytest.mark.parametrize("frame", [GREY, FLOATS, SCREEN, FLOATS.astype(np.float64)], ids=["u8", "f32", "rgb", "f64"])
def test_opencv_s_resizes(frame):
    flags = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA,
             "cubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}  # fmt: skip
    for name, flag in flags.items():
        for height, width in SIZES:
            theirs = cv2.resize(frame, (width, height), interpolation=flag)
            assert same(resizing.find(f"opencv-{name}")(frame, (height, width)), theirs), name


def test_pillow_s_resizes_of_bytes_colours_and_floats():
    for name in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"):
        method, filtered = resizing.find(f"pil-{name}"), Image.Resampling[name.upper()]
        for frame in (GREY, SCREEN, FLOATS):
            theirs = np.asarray(Image.fromarray(frame).resize((84, 110), resample=filtered))
            assert same(method(frame, (110, 84)), theirs), name
        colours = np.stack([FLOATS, FLOATS + 1, FLOATS * 2], -1)
        assert same(method(colours, (84, 84))[..., 2], method(np.ascontiguousarray(colours[..., 2]), (84, 84)))


def test_scikit_image_s_bilinear_takes_the_four_pixels_around_each_centre():
    mine = resizing.find("skimage-bilinear")(GREY, (84, 84))
    rows, columns = (np.arange(84) + 0.5) * 210 / 84 - 0.5, (np.arange(84) + 0.5) * 160 / 84 - 0.5
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, across = (rows - top)[:, None], columns - left
    pixels = GREY.astype(float)
    corners = [pixels[top + i][:, left + j] for i in (0, 1) for j in (0, 1)]
    upper, lower = corners[0] * (1 - across) + corners[1] * across, corners[2] * (1 - across) + corners[3] * across
    assert mine.dtype == np.float64
    np.testing.assert_allclose(mine, upper * (1 - down) + lower * down, rtol=0, atol=1e-9)
    assert resizing.find("skimage-bilinear")(FLOATS, (84, 84)).dtype == np.float32


def test_scikit_image_s_antialiasing_smooths_by_half_of_the_shrinking():
    impulse = np.zeros((210, 210))
    impulse[105, 105] = 1000.0
    smooth = resizing.find("skimage-bilinear-antialias")(impulse, (42, 42))
    # a Gaussian of sigma (5 − 1) / 2 = 2 pixels, sampled every fifth: new pixel 21 lies at 107, 20 at 102
    assert smooth[21, 21] / smooth[20, 21] == pytest.approx(np.exp((9 - 4) / 8), rel=1e-3)
    assert smooth[21, 21] == pytest.approx(1000 / (2 * np.pi * 4) * np.exp(-1.0), rel=0.01)
    flat = np.full((210, 160, 3), 7, np.uint8)
    np.testing.assert_allclose(resizing.find("skimage-bilinear-antialias")(flat, (84, 84)), 7)


@pytest.mark.parametrize("method", resizing.METHODS)
def test_every_resize_keeps_flat_colours_and_its_type_is_what_the_card_says(method):
    for value in (0, 142, 255):
        flat = resizing.find(method)(np.full((210, 160), value, np.uint8), (84, 84))
        np.testing.assert_allclose(flat, value, rtol=1e-5)  # TensorFlow's area is no better
    for size in ((84, 84), (210, 160)):
        spec = PreprocessingSpec(resize=method, size=size)
        assert spec.is_float == (resizing.find(method)(GREY, size).dtype != np.uint8)


# -- grey -----------------------------------------------------------------------------------------------------------
def test_grey_as_people_write_it():
    luma, bt709 = [0.299, 0.587, 0.114], [0.2126, 0.7152, 0.0722]
    red, green, blue = (SCREEN[..., i] for i in range(3))
    zoo = np.dot(SCREEN.astype("float32"), np.array(luma, "float32"))
    assert same(run(SCREEN, ("float", {}), ("grey", dict(method="dot", weights=luma, rounding="none"))), zoo)
    spelled = (0.2126 * red + 0.7152 * green + 0.0722 * blue).astype(np.uint8)
    assert same(run(SCREEN, ("grey", dict(method="weights", weights=bt709, rounding="floor"))), spelled)
    dot = np.dot(SCREEN[..., :3], luma)
    assert same(run(SCREEN, ("grey", dict(method="dot", weights=luma, rounding="none"))), dot)
    assert same(run(SCREEN, ("grey", dict(method="mean", rounding="none"))), SCREEN.mean(2))
    floats = SCREEN.astype(np.float32)
    assert same(run(SCREEN, ("float", {}), ("grey", dict(method="mean", rounding="none"))), floats.mean(2))
    assert same(run(SCREEN, ("grey", dict(method="opencv"))), cv2.cvtColor(SCREEN, cv2.COLOR_RGB2GRAY))
    assert same(run(SCREEN, ("grey", dict(method="pil"))), np.asarray(Image.fromarray(SCREEN).convert("L")))
    rounded = run(SCREEN, ("grey", dict(method="weights", weights=luma, rounding="round")))
    assert same(rounded, np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8))


def test_tensorflow_s_rgb_to_grayscale_can_be_said():
    steps = [("float", {}), ("scale", dict(factor=1 / 255)),
             ("grey", dict(method="dot", weights=[0.2989, 0.587, 0.114], rounding="none")),
             ("scale", dict(factor=255.5)), ("bytes", {})]  # fmt: skip
    theirs = tf.image.rgb_to_grayscale(SCREEN).numpy()[..., 0]
    assert (run(SCREEN, *steps) != theirs).mean() < 1e-3  # the dot product's last place


# -- whole recipes --------------------------------------------------------------------------------------------------
def bytescale(data):
    """scipy.misc's, as SciPy 1.0 documents it: (data − min) · 255 / (max − min), cut, halves up."""
    scale = 255.0 / (data.max() - data.min())
    return (((data - data.min()) * scale).clip(0, 255) + 0.5).astype(np.uint8)


def test_imresize_of_floats_stretches_each_frame():
    """greydanus/baby-a3c: imresize(img[35:195].mean(2), (80, 80))."""
    dark = SCREEN // 3 + 20
    steps = [("crop", dict(box=(35, 0, 160, 160))), ("grey", dict(method="mean", rounding="none")), ("stretch", {})]
    mine = run(dark, *steps, ("resize", dict(method="pil-bilinear", size=(80, 80))))
    stretched = bytescale(dark[35:195].mean(2))
    assert stretched.min() == 0 and stretched.max() == 255
    assert same(mine, np.asarray(Image.fromarray(stretched).resize((80, 80), resample=Image.Resampling.BILINEAR)))
    assert same(run(GREY, ("stretch", {})), GREY)
    assert not run(np.full_like(SCREEN, 9), ("grey", dict(method="mean", rounding="none")), ("stretch", {})).any()


def test_pong_from_pixels():
    """Karpathy's prepro, with 255 for his 1."""
    screen = SCREEN.copy()
    screen[50:80], screen[100:120] = 144, 109
    steps = [("crop", dict(box=(35, 0, 160, 160))), ("subsample", dict(step=(2, 2))), ("channel", dict(index=0)),
             ("replace", dict(values=(144, 109), by=0)), ("threshold", dict(by=0))]  # fmt: skip
    wanted = screen[35:195][::2, ::2, 0].copy()
    wanted[(wanted == 144) | (wanted == 109)] = 0
    wanted[wanted != 0] = 255
    mine = run(screen, *steps)
    assert same(mine, wanted) and 0 < wanted.mean() < 255


def test_two_resizes_in_a_row():
    """ikostrikov/pytorch-a3c: 80×80, then 42×42, in colour, then their mean."""
    steps = [("crop", dict(box=(34, 0, 160, 160))), ("resize", dict(method="opencv-linear", size=(80, 80))),
             ("resize", dict(method="opencv-linear", size=(42, 42))), ("grey", dict(method="mean", rounding="none")),
             ("float", {})]  # fmt: skip
    twice = cv2.resize(cv2.resize(SCREEN[34:194, :160], (80, 80)), (42, 42)).mean(2).astype(np.float32)
    assert same(run(SCREEN, *steps), twice)


def test_pad_scale_and_bytes():
    padded = run(GREY, ("pad", dict(box=(0, 10, 5, 5), by=7)))
    assert padded.shape == (220, 170) and padded.dtype == np.uint8
    assert (padded[210:] == 7).all() and np.array_equal(padded[:210, 5:165], GREY)
    assert same(run(GREY, ("scale", dict(factor=1 / 3))), GREY * (1 / 3))
    assert same(run(GREY, ("scale", dict(factor=2.0)), ("bytes", {})), np.minimum(GREY * 2.0, 255).astype(np.uint8))
    halves = run(GREY, ("scale", dict(factor=0.5)), ("bytes", dict(rounding="round")))
    assert same(halves, np.rint(GREY / 2).astype(np.uint8))


def test_the_screen_is_never_changed():
    kept = SCREEN.copy()
    run(SCREEN, ("replace", dict(values=(1,), by=3)), ("threshold", dict(by=100)), ("stretch", {}))
    assert np.array_equal(SCREEN, kept)


def test_where_on_the_screen_the_frame_lies():
    def box(*steps):
        return compiled(tuple(Transform(op, **keys) for op, keys in steps), SCREEN).box

    resize = ("resize", dict(method="opencv-linear", size=(110, 84)))
    assert box(("crop", dict(box=(34, 8, 160, 144))), resize) == (34, 8, 160, 144)
    top, left, height, width = box(resize, ("crop", dict(box=(18, 0, 84, 84))))  # Mnih et al. 2013
    assert (top, left, height, width) == pytest.approx((18 * 210 / 110, 0, 84 * 210 / 110, 160))
    assert box(("pad", dict(box=(10, 0, 0, 0)))) == (-10, 0, 220, 160)
    assert box(("subsample", dict(step=(2, 4)))) == (0, 0, 210, 160)


# -- faults ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([("gray", {})], "grey"), ([("resize", dict(method="opencv-aera", size=(84, 84)))], "opencv-area"),
        ([("resize", dict(method="tf-area"))], "step 1, resize, is impossible: size"),
        ([("resize", dict(method="tf-area", size=(100000, 84)))], "1024"),
        ([("pad", dict(box=(0, 100000, 0, 0)))], "1024"), ([("pad", dict(box=(-1, 0, 0, 0)))], "box"),
        ([("crop", dict(box=(100, 0, 160, 160)))], "210×160"), ([("crop", {})], "box"),
        ([("channel", dict(index=3))], "no channel 3"), ([("subsample", dict(step=(0, 1)))], "step"),
        ([("grey", dict(method="luma"))], "method of grey"), ([("grey", dict(method="mean"))], "rounding"),
        ([("grey", dict(method="dot", rounding="none"))], "weights"), ([("replace", {})], "values"),
        ([("grey", dict(method="pil")), ("grey", dict(method="pil"))], "step 2, grey, .* no colours"),
        ([("float", {}), ("grey", dict(method="opencv"))], "of bytes"), ([("grey", dict(method="ale"))], "first"),
        ([("replace", dict(values=(1,), by=300))], "0 to 255"), ([("bytes", dict(rounding="up"))], "floor"),
        ([("float", {})] * 65, "64"),
    ],
)  # fmt: skip
def test_impossible_steps_say_what_is_wrong(steps, match):
    with pytest.raises(ZooError, match=match):
        run(SCREEN, *steps)


def test_random_recipes_end_in_the_type_that_the_spec_says():
    choices = [
        ("grey", dict(method="mean", rounding="none")), ("grey", dict(method="mean", rounding="floor")),
        ("grey", dict(method="opencv")), ("stretch", {}), ("stretch", dict(rounding="none")), ("bytes", {}),
        ("scale", dict(factor=0.5)), ("float", {}), ("threshold", dict(by=9)), ("replace", dict(values=(3,), by=4)),
        ("resize", dict(method="tf-area", size=(40, 40))), ("resize", dict(method="tf-nearest", size=(41, 40))),
        ("resize", dict(method="pil-box", size=(42, 40))), ("resize", dict(method="skimage-bilinear", size=(43, 40))),
    ]  # fmt: skip
    rng, tried = np.random.default_rng(3), 0
    for _ in range(150):
        steps = tuple(Transform(op, **keys)
                      for op, keys in (choices[i] for i in rng.integers(len(choices), size=4)))  # fmt: skip
        try:
            plan = compiled(steps, SCREEN[:60, :50])
        except ZooError:
            continue
        tried += 1
        assert PreprocessingSpec(transforms=steps).is_float == (plan.frame.dtype != np.uint8), steps
    assert tried > 60
