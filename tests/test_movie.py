"""Activation movies: what is where in both layouts, for any network, and films from the command line."""

import json

import numpy as np
import pytest
import tiny_agents
from fakes import NATURE
from test_video import pictures

from zoo_gui import cli
from zoo_gui.agents.agent import Agent
from zoo_gui.atari_zoo import activation_movie
from zoo_gui.atari_zoo.clips import Clip
from zoo_gui.imaging import bgra, lut
from zoo_gui.play.movie import Movie
from zoo_gui.play.movie_sheet import ACCENT, VIEW, Box, layer_cells
from zoo_gui.play.player import play
from zoo_gui.play.screens import scaled
from zoo_gui.types import LayerInfo

NETWORKS = {"policy": tiny_agents.POLICY, "dueling": tiny_agents.DUELING, "c51": tiny_agents.C51}
IMPALA = tuple(LayerInfo(f"conv{i}", (84 >> (i // 5), 84 >> (i // 5), 16 + 16 * (i > 5)), "conv") for i in range(15))
IMPALA += (LayerInfo("fc", (256,), "dense"), LayerInfo("lstm", (256,), "dense", True))
MANY = tuple(LayerInfo(f"layer{i}", (7, 7, 8) if i % 2 else (64,), "conv" if i % 2 else "dense") for i in range(60))


def agent(tmp_path, name="policy") -> Agent:
    tiny_agents.write(tmp_path / name, NETWORKS[name], rule="sample" if name == "policy" else "argmax")
    return Agent.load(str(tmp_path / name))


def overlap(one: Box, other: Box) -> bool:
    return (one.x < other.x + other.width and other.x < one.x + one.width
            and one.y < other.y + other.height and other.y < one.y + one.height)  # fmt: skip


# -- our layout: places -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("layers", [NATURE, IMPALA, MANY, NATURE[3:4], NATURE[4:]],
                         ids="nature impala many one outputs".split())  # fmt: skip
def test_every_layer_has_a_place_of_its_own(layers):
    area = Box(452, 172, 812, 532)
    cells = layer_cells(layers, area, 16, 12, 26)
    assert sorted(cell.info.name for cell in cells) == sorted(info.name for info in layers)
    for cell in cells:
        box = cell.box
        assert area.x <= box.x and box.x + box.width <= area.x + area.width
        assert area.y + 16 <= box.y and box.y + box.height <= area.y + area.height
        assert cell.mosaic.count == cell.info.units and cell.scale > 0
    words = [cell.box._replace(y=cell.box.y - 16, height=cell.box.height + 16) for cell in cells]
    assert not any(overlap(one, other) for n, one in enumerate(words) for other in words[:n])


def test_two_columns_show_layers_larger_than_one():
    cells = layer_cells(NATURE, Box(0, 0, 812, 532), 16, 12, 26)
    assert len({cell.box.x for cell in cells if len(cell.info.shape) == 3}) == 2


# -- our layout: content ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", NETWORKS)
def test_the_game_the_input_and_all_layers_are_in_the_picture(tmp_path, name):
    one = agent(tmp_path, name)
    movie = Movie(one, steps=8, seed=2)
    steps = list(play(one, seed=2, steps=8, all_frames=True))
    for number, picture in enumerate(movie.pictures()):
        frame = steps[number // 4].frames[number % 4]
        x, y, width, height = movie.sheet.game
        assert np.array_equal(picture[y : y + height, x : x + width, 2::-1], scaled(frame, (width, height)))
    assert number + 1 == movie.count == 32 and movie.steps_shown == 8
    newest, box = steps[-1].observation[..., -1], movie.sheet.frames[-1]
    shown = picture[box.y : box.y + box.height, box.x : box.x + box.width, 0]
    expected = scaled(np.repeat(newest[..., None], 3, 2), (box.width, box.height))[..., 0]
    assert np.abs(shown.astype(int) - expected).max() < 3
    cells = {cell.info.name: cell for cell in movie.sheet.cells}
    assert set(cells) == {info.name for info in one.layers}
    for info in one.layers:
        _has_its_colours(picture, cells[info.name], steps[-1].decision.activations[info.name], movie)


def _has_its_colours(picture, cell, values, movie):
    """The middle of each unit's largest pixel has the colour that the window gives it."""
    drawn = movie.sheet._pictures[cell.info.name]
    colours = bgra(np.atleast_2d(drawn.colours(VIEW).reshape(-1, cell.info.units)))
    for unit in range(min(3, cell.info.units)):
        left, top, width, height = cell.mosaic.rectangle(unit)
        row, column = height // 2, width // 2
        x = int(cell.box.x + (left + column + 0.5) * cell.scale)
        y = int(cell.box.y + (top + row + 0.5) * cell.scale)
        expected = colours[row * width + column, unit]
        assert np.abs(picture[y, x].astype(int) - expected).max() <= 3, (cell.info.name, unit)
    assert np.array_equal(drawn.values, values)


def test_the_chosen_action_is_marked_and_the_value_has_a_curve(tmp_path):
    movie = Movie(agent(tmp_path), steps=6)
    *_, picture = movie.pictures()
    for box in (movie.sheet.actions, movie.sheet.value):
        part = picture[box.y : box.y + box.height, box.x : box.x + box.width, :3]
        assert (np.abs(part.astype(int) - ACCENT).max(-1) < 8).sum() > 20
    assert not Movie(agent(tmp_path, "dueling"), steps=1).sheet.value.height == 0
    tiny_agents.write(tmp_path / "blind", tiny_agents.POLICY.__class__(tiny_agents.POLICY.layers[:4]))
    assert Movie(Agent.load(str(tmp_path / "blind")), steps=1).sheet.value.height == 0, "no value, no room for it"


def test_a_slower_film_and_a_larger_one(tmp_path):
    movie = Movie(agent(tmp_path), steps=6, fps=30, size=(1920, 1080))
    found = [picture.shape for picture in movie.pictures()]
    assert found == [(1080, 1920, 4)] * movie.count and movie.count == 12


def test_the_colours_are_the_windows_own():
    assert VIEW["colormap"] == "viridis" and lut(VIEW["colormap"], 256)[0] == lut("viridis", 256)[0]


# -- the original's layout --------------------------------------------------------------------------------------------
def test_the_original_sheet_has_the_zoos_numbers(tmp_path):
    one = agent(tmp_path)
    movie = activation_movie.OriginalMovie(one, steps=5, seed=1)
    assert movie.size == (550, 1000) and movie.count == 5
    steps = list(play(one, seed=1, steps=5))
    for step, picture in zip(steps, movie.pictures()):
        assert np.array_equal(picture[580:790, 50:210, 2::-1], step.frame)
    high, wide = one.observation_shape[:2]
    left = 350 - (2 * (wide + 1) + 1) / 2
    red = picture[25 : 25 + high + 2, round(left)]
    assert (red[:, 2::-1] == (255, 0, 0)).all() and (picture[990:, :, :3] == 255).all()


def test_the_original_scales_each_channel_over_the_whole_game(tmp_path):
    one = agent(tmp_path)
    movie = activation_movie.OriginalMovie(one, steps=12)
    list(movie.pictures())
    maps = np.stack([step.decision.activations["conv1"] for step in play(one, steps=12)])
    high, low = movie._ranges["conv1"]
    assert np.array_equal(high, maps.max((0, 1, 2))) and np.array_equal(low, maps.min((0, 1, 2)))


def test_more_layers_than_the_original_had_get_columns_of_their_own():
    clip = Clip((100, 200), 1, lambda _: np.zeros((200, 100, 3), np.uint8))
    canvas = activation_movie.composition([(f"layer{i}", clip) for i in range(9)], clip)
    assert canvas.size == (550 + 2 * 400, 1000)
    places = [(x, y) for _, x, y in canvas.clips[:-1]]
    assert places[:4] == [(300, 25), (300, 275), (300, 525), (300, 775)] and places[4] == (700, 25)
    assert canvas.clips[-1][1:] == (50, 580)


# -- the command ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("layout, size, count", [("ours", [1280, 720], 16), ("original", [550, 1000], 4)])
def test_the_command_writes_the_film(tmp_path, capsys, layout, size, count):
    agent(tmp_path)
    path = tmp_path / "m.mp4"
    arguments = ["movie", str(tmp_path / "policy"), "--steps", "4", "--layout", layout, "--output", str(path), "--json"]
    assert cli.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["size"] == size and told["steps"] == 4 and told["layers"] == 5
    assert len(pictures(path)) == count


def test_what_cannot_be_filmed_is_a_sentence(tmp_path, capsys):
    path = tmp_path / "m.mp4"
    assert cli.main(["movie", "random/Pong", "--output", str(path)]) == 2
    assert "without a network" in capsys.readouterr().err and not path.exists()
    assert cli.main(["movie", "ppo/Pong/1", "--output", str(tmp_path / "m.mov")]) == 2
    assert "must end in .mp4 or .gif" in capsys.readouterr().err
