import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from fakes import FakeSession, fake_lane, fake_step

from zoo_gui import imaging
from zoo_gui.imaging import Mosaic, colourise, lut
from zoo_gui.scales import ALIVE, DEAD, SATURATED, PictureBook, Scale, Vitality, extremes, layer_keys, pair_rows
from zoo_gui.types import ReceptiveField, ZooError

rng = np.random.default_rng(0)
CONV = (3, 5, 7)


def luminance(colours):
    channels = np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], -1)
    return channels @ np.array([0.2126, 0.7152, 0.0722])


# -- colour ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["viridis", "cividis", "magma", "grey"])
def test_magnitude_maps_grow_brighter_all_the_way(name):
    assert np.all(np.diff(luminance(lut(name, 64))) > 0)
    assert np.all(lut(name) >> 24 == 255)


@pytest.mark.parametrize("name", ["CET-D1", "CET-CBD1"])
def test_a_signed_map_is_extreme_in_the_middle_and_balanced(name):
    bright = luminance(lut(name, 257, signed=True))
    assert bright.argmax() == pytest.approx(128, abs=4)
    assert bright[0] == pytest.approx(bright[-1], abs=45)


def test_gamma_lifts_the_darks_and_keeps_the_ends():
    plain, lifted = lut("grey", 256), lut("grey", 256, 0.5)
    assert lifted[0] == plain[0] and lifted[-1] == plain[-1]
    assert lifted[64] == pytest.approx(plain[128], abs=0x020202)
    signed = lut("CET-D1", 257, 0.5, signed=True)
    assert signed[128] == lut("CET-D1", 257, 1.0, signed=True)[128]


def test_an_unknown_map_names_its_neighbours():
    with pytest.raises(ZooError, match="viridis"):
        lut("viridi")


def test_tables_need_no_qt():
    code = ("import sys, zoo_gui.imaging as i, zoo_gui.scales; i.lut('CET-D1'); "
            "assert not any('Qt' in m for m in sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_take_their_place_in_the_table():
    table = np.arange(101, dtype=np.uint32)
    np.testing.assert_array_equal(colourise(np.float32([0, 1, 2, 3, -1]), table, 2.0), [0, 50, 100, 100, 0])
    np.testing.assert_array_equal(colourise(np.float32([0, -2, 2, 1, -9]), table, 2.0, True), [50, 0, 100, 75, 0])
    np.testing.assert_array_equal(colourise(np.float32([[1, 1]]), table, np.float32([1, 4])), [[100, 25]])


def test_zero_level_and_broken_numbers_show_as_zero():
    table = np.arange(101, dtype=np.uint32)
    assert not colourise(np.float32([0, 5]), table, 0.0).any()
    np.testing.assert_array_equal(colourise(np.float32([np.nan, np.inf, 1]), table, 1.0), [0, 100, 100])
    np.testing.assert_array_equal(colourise(np.float32([np.nan, -np.inf]), table, 1.0, True), [50, 0])


def test_rgb32_bytes_are_bgra():
    rgb = rng.integers(0, 256, (4, 6, 3), np.uint8)
    picture = imaging.rgb32(rgb)
    np.testing.assert_array_equal(picture[..., 2::-1], rgb)
    assert (picture[..., 3] == 255).all()
    np.testing.assert_array_equal(imaging.bgra(np.uint32([[0xFF112233]])), [[[0x33, 0x22, 0x11, 0xFF]]])


# -- mosaics --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("gutter", [0, 1, 2])
@pytest.mark.parametrize("columns", [1, 2, 3, 7])
def test_every_pixel_of_every_tile_is_found_again(columns, gutter):
    values = rng.integers(1, 1000, CONV).astype(np.uint32)
    mosaic = Mosaic.of(CONV, columns, gutter)
    canvas = mosaic.paste(values, mosaic.canvas(0))
    seen = 0
    for y in range(canvas.shape[0]):
        for x in range(canvas.shape[1]):
            hit = mosaic.hit(x + 0.5, y + 0.5)
            assert canvas[y, x] == (0 if hit is None else values[hit.row, hit.column, hit.unit])
            seen += hit is not None
    assert seen == values.size
    for unit in range(CONV[-1]):
        x, y, width, height = mosaic.rectangle(unit)
        np.testing.assert_array_equal(canvas[y:y + height, x:x + width], values[..., unit])


def test_nothing_is_hit_outside():
    mosaic = Mosaic.of(CONV, 3, 1)
    height, width = mosaic.size
    for place in ((-0.1, 1), (1, -0.1), (width + 0.1, 1), (1, height + 0.1), (width - 1, height - 1)):
        assert mosaic.hit(*place) is None


def test_tile_makes_one_picture_of_a_dense_layer():
    np.testing.assert_array_equal(imaging.tile(np.arange(5), 2, 0, -1), [[0, 1], [2, 3], [4, -1]])


@pytest.mark.parametrize("shape, width, height", [((20, 20, 32), 440, 200), ((7, 7, 64), 900, 40), ((512,), 200, 600),
                                                  ((1,), 30, 20), ((9, 9, 64), 60, 700)])
def test_the_best_number_of_columns_is_chosen(shape, width, height):
    mosaic = Mosaic.fit(shape, width, height)
    every = 8 if len(shape) == 1 and shape[0] > 16 else 1
    best = max(Mosaic.of(shape, columns).scale(width, height) for columns in range(every, shape[-1] + every, every))
    assert mosaic.scale(width, height) == pytest.approx(best)


def test_neighbours():
    mosaic = Mosaic.of(CONV, 3)  # rows 0 1 2 / 3 4 5 / 6
    assert mosaic.neighbour(4, 1, 0) == 5 and mosaic.neighbour(4, 0, -1) == 1
    assert mosaic.neighbour(0, -1, 0) == 0 and mosaic.neighbour(6, 1, 0) == 6
    assert mosaic.neighbour(1, 0, -1) is None and mosaic.neighbour(6, 0, 1) is None
    assert mosaic.neighbour(5, 0, 1) == 6


@pytest.mark.parametrize("width, height", [(880, 660), (440, 660), (210, 660), (900, 150), (60, 60)])
def test_rows_share_the_height_and_all_fit(width, height):
    rows = [[(20, 20, 32)] * 2, [(9, 9, 64), (10, 10, 16)], [(7, 7, 64)], [(512,), (128,)]]
    heights = imaging.share_height(width, height, rows)
    assert sum(heights) <= height * 1.001 and min(heights) > 0
    assert heights[0] > heights[2]
    if height > 300:
        assert sum(heights) > 0.85 * height


# -- scales and vitality --------------------------------------------------------------------------------------------
def test_extremes_of_maps_and_of_rows():
    values = rng.normal(size=CONV).astype(np.float32)
    low, high = extremes(values)
    np.testing.assert_array_equal(low, values.min((0, 1)))
    np.testing.assert_array_equal(high, values.max((0, 1)))
    np.testing.assert_array_equal(extremes(values[0, 0])[1], values[0, 0])
    values[0, 0, 0] = np.nan
    assert np.isfinite(extremes(values)).all()


def test_a_running_scale_holds_the_largest_and_fades_by_half():
    scale = Scale(2, "running", half_life=10)
    scale.update(np.float32([4, 1]))
    for _ in range(10):
        scale.update(np.float32([0, 1]))
    assert scale.level() == pytest.approx(2.0, rel=1e-3)
    np.testing.assert_allclose(scale.level(1.0), [2.0, 1.0], rtol=1e-3)
    assert scale.level(0.5)[1] == pytest.approx(2 ** 0.5, rel=1e-3)


def test_a_frame_scale_is_the_newest_of_all_lanes():
    scale = Scale(1, "frame")
    scale.update(np.float32([9]), "a")
    scale.update(np.float32([2]), "b")
    scale.update(np.float32([1]), "a")
    assert scale.level() == 2


def test_a_locked_scale_stays():
    scale = Scale(1, "running")
    for _ in range(Scale.WARM_UP + 1):
        scale.update(np.float32([3]))
    scale.mode = "locked"
    level = scale.level()
    scale.update(np.float32([50]))
    assert scale.level() == level
    fresh = Scale(1, "locked")
    fresh.update(np.float32([0]))
    fresh.update(np.float32([5]))
    assert fresh.level() == 5


def test_two_lanes_do_not_make_a_scale_fade_twice_as_fast():
    alone, shared = Scale(1, half_life=10), Scale(1, half_life=10)
    for scale, lanes in ((alone, "a"), (shared, "ab")):
        for value in [8.0] + [0.0] * 10:
            for lane in lanes:
                scale.update(np.float32([value]), lane)
    assert alone.level() == pytest.approx(shared.level())


def test_a_weak_channel_is_amplified_no_further_than_a_thousand_times():
    scale = Scale(2)
    scale.update(np.float32([1.0, 1e-9]))
    assert scale.level(1.0)[1] == pytest.approx(1e-3)


def feed(vitality, rows, times):
    for _ in range(times):
        for low, high in rows:
            vitality.update(np.float32(low), np.float32(high))


def test_rectified_units_die_and_saturate():
    vitality = Vitality(3)
    feed(vitality, [([0, 0, 0.5], [0, 0, 2.0])], Vitality.PATIENCE - 1)
    assert not vitality.marks().any()  # too early to say
    vitality.update(np.float32([0, 0, 0.1]), np.float32([0, 1e-6, 3.0]))
    np.testing.assert_array_equal(vitality.marks(), [DEAD, ALIVE, SATURATED])
    vitality.update(np.float32([0, 0, 0]), np.float32([0.2, 0, 3.0]))
    np.testing.assert_array_equal(vitality.marks(), [ALIVE, ALIVE, ALIVE])


def test_units_without_rectifier_die_when_constant_and_saturate_at_one_end():
    vitality = Vitality(3, signed=True)
    feed(vitality, [([-1, 0.995, 0.4], [1, 1.0, 0.4])], Vitality.PATIENCE)
    np.testing.assert_array_equal(vitality.marks(), [ALIVE, SATURATED, DEAD])


def test_layers_are_paired_by_kind_and_place():
    nature, small, none = fake_lane(0), fake_lane(1, "small"), fake_lane(2, None)
    rows = [[layer and layer.name for layer in row] for row in pair_rows((nature, small, none))]
    assert rows == [["conv1", "conv1", None], ["conv2", "conv2", None], ["conv3", None, None], ["fc", "fc", None],
                    ["logits", "q", None], ["value", None, None]]
    assert layer_keys(nature.layers)[1] == ("conv", 1)


def test_lanes_of_a_game_share_scales_where_shapes_agree():
    session = FakeSession()
    book = PictureBook.of(session)
    assert PictureBook.of(session) is book
    lanes = fake_lane(0), fake_lane(1), fake_lane(2, "small"), fake_lane(3, game="Pong")
    book.set_lanes(lanes)
    scales = [book[lane.lane, "conv2"].scale for lane in lanes]
    assert scales[0] is scales[1] and len({id(scale) for scale in scales}) == 3
    book.take(0, fake_step(lanes[0]))
    book.set_lanes(lanes[:2])
    assert book[0, "conv2"].values is not None and book[0, "conv2"].scale is scales[0]
    book.set_lanes((dataclasses.replace(lanes[0], agent_id="another"), lanes[1]))
    assert book[0, "conv2"].values is None


def test_a_step_counts_once_and_an_edited_step_says_nothing_of_dead_units():
    lane = fake_lane()
    book = PictureBook()
    book.set_lanes((lane,))
    step = fake_step(lane, index=10)
    book.take(0, step)
    book.take(0, step)
    assert book[0, "conv1"].vitality.steps == 1
    book.take(0, fake_step(lane, 1, index=11, edited=True))
    assert book[0, "conv1"].vitality.steps == 1


def test_the_filler_of_an_episodes_first_frames_moves_no_scale():
    lane = fake_lane()
    book = PictureBook()
    book.set_lanes((lane,))
    wild = fake_step(lane, index=2)
    wild.decision.activations["fc"][3] = 300.0
    book.take(0, wild)
    assert book[0, "fc"].scale.level() == 300  # nothing better is known yet
    book.take(0, fake_step(lane, index=3))
    assert book[0, "fc"].scale.level() < 10 and book[0, "fc"].vitality.steps == 1
    book.take(0, dataclasses.replace(wild, episode=1, index=0))
    assert book[0, "fc"].scale.level() < 10


# -- pictures of the game -------------------------------------------------------------------------------------------
def test_saliency_takes_the_strongest_frame():
    gradient = np.zeros((2, 2, 3), np.float32)
    gradient[0, 0] = [1, -3, 2]
    gradient[1, 1] = [0.5, 0, -0.1]
    np.testing.assert_allclose(imaging.saliency_map(gradient), [[3, 0], [0, 0.5]])
    np.testing.assert_allclose(imaging.saliency_map(gradient, signed=True), [[-3, 0], [0, 0.5]])
    assert imaging.saliency_map(gradient, blur=1.0).max() < 1


def test_an_overlay_colours_by_sign_and_spares_the_rest():
    picture = imaging.rgb32(np.full((40, 30, 3), 100, np.uint8))
    weights = np.zeros((8, 6), np.float32)
    weights[:3], weights[5:] = 1, -1
    mixed = imaging.blend(picture, imaging.veil(weights, (40, 30), 1.0))
    np.testing.assert_allclose(mixed[2, 2, 2::-1], imaging.POSITIVE, atol=3)
    np.testing.assert_allclose(mixed[-2, 2, 2::-1], imaging.NEGATIVE, atol=3)
    np.testing.assert_array_equal(mixed[20, 15], picture[20, 15])
    half = imaging.blend(picture, imaging.veil(weights, (40, 30), 0.5))
    np.testing.assert_allclose(half[2, 2, 2::-1], (np.array(imaging.POSITIVE) + 100) / 2, atol=3)


def test_difference_does_not_wrap_around():
    np.testing.assert_array_equal(imaging.difference(np.uint8([0, 255]), np.uint8([255, 0])), [-255, 255])


def test_receptive_fields_reach_the_screen():
    field = ReceptiveField((8, 8), (4, 4), (-2, -2))
    assert imaging.observation_to_screen((0, 0, 84, 84), (84, 84), (210, 160)) == (0, 0, 160, 210)
    crop = (34, 0, 160, 160)
    assert imaging.observation_to_screen((0, 0, 80, 80), (80, 80), (210, 160), crop) == (0, 34, 160, 160)
    assert imaging.observation_to_screen((-4, 10, 8, 8), (80, 80), (210, 160), crop) == (20, 26, 16, 16)
    x, y, width, height = imaging.observation_to_screen(field.box(0, 20), (84, 84), (210, 160))
    assert (x, y) == (pytest.approx(78 * 160 / 84), 0)
    assert (width, height) == (pytest.approx(6 * 160 / 84), pytest.approx(6 * 2.5))


def test_q_values_and_logits_share_no_scale():
    """They stand beside each other, four numbers each, but are not the same thing."""
    policy = fake_lane(0)
    q = dataclasses.replace(
        fake_lane(1), layers=tuple(dataclasses.replace(info, kind="q") if info.kind == "logits" else info
                                   for info in policy.layers), scores_kind="q",
    )
    assert [info.kind for info in policy.layers].count("logits") == 1
    name = next(info.name for info in policy.layers if info.kind == "logits")
    book = PictureBook()
    book.set_lanes((policy, q))
    assert book[0, name].scale is not book[1, name].scale
    assert book[0, "conv1"].scale is book[1, "conv1"].scale


def test_brightness_puts_the_range_between_black_and_white():
    bytes_ = np.arange(256, dtype=np.uint8)
    assert imaging.brightness(bytes_, 0, 255) is bytes_
    np.testing.assert_array_equal(imaging.brightness(np.float32([-255, -0.5, 0, 255, 300]), -255, 255),
                                  [0, 127, 128, 255, 255])  # fmt: skip
    np.testing.assert_array_equal(imaging.brightness(np.float32([-9, -4, 4, 9]), -4, 4), [0, 0, 255, 255])


def test_the_difference_of_colours_is_their_mean_change():
    newest, previous = np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 30, np.uint8)
    newest[0, 0] = (255, 30, 30)
    change = imaging.difference(newest, previous)
    assert change.shape == (2, 3) and change[0, 0] == 75 and change[1, 1] == -30


def test_an_overlay_covers_only_what_the_network_sees():
    picture = np.full((40, 30, 4), 100, np.uint8)
    mixed = imaging.blend(picture, imaging.veil(np.ones((8, 8)), (40, 30), 1.0, (10, -5, 20, 20)))
    changed = (mixed[..., :3] != 100).any(-1)
    assert changed[10:30, :15].all() and changed.sum() == 20 * 15
