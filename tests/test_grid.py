"""Video grids: who stands where, what is in which tile, and films that end early."""

import json
import resource
import tracemalloc

import numpy as np
import pytest
import tiny_agents
from PIL import Image
from test_agent_dialog import entry, remote
from test_video import pictures

from zoo_gui import cli, cli_films
from zoo_gui.agents import catalogue
from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play import film as films
from zoo_gui.play import grid, lettering
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.grid_plan import Plan, Tile, Wanted, plan
from zoo_gui.play.player import Player, play
from zoo_gui.play.screens import scaled, steady
from zoo_gui.types import ZooError

KNOWN = [
    entry("a2c/Breakout/1@initial", "initial"),
    entry("a2c/Breakout/1@4.0M", "4.0M", frames=4_000_000),
    entry("a2c/Breakout/1@1.0M", "1.0M", frames=1_000_000),
    entry("a2c/Breakout/1"),
    entry("ppo/Breakout/1"),
    entry("ppo/Breakout/2"),
    entry("ppo/Pong/1"),
    remote("a2c/Breakout/2"),
    remote("ga/Breakout/1"),
]


@pytest.fixture
def known(monkeypatch):
    """A catalogue of these agents."""
    monkeypatch.setattr(catalogue, "entries", lambda *only: list(KNOWN))

    def find(id):
        found = next((one for one in KNOWN if one.id == id), None)
        if found is None:
            raise ZooError(f"There is no agent “{id}”.")
        return found

    monkeypatch.setattr(catalogue, "find", find)


def ids(made: Plan) -> list[list[str]]:
    rows, columns = made.shape
    return [[made.tiles[row, column].agent for column in range(columns)] for row in range(rows)]


# -- who stands where -------------------------------------------------------------------------------------------------
def test_columns_are_algorithms_and_rows_runs(known):
    made = plan(Wanted(("*/Breakout/*",)))
    assert ids(made) == [["a2c/Breakout/1", "ppo/Breakout/1"], ["", "ppo/Breakout/2"]]
    assert (made.rows, made.columns, made.common) == (("run 1", "run 2"), ("A2C", "PPO"), "Breakout")
    assert made.tiles[1, 0].why == "not downloaded: zoo-gui fetch a2c/Breakout/2"


def test_stages_are_in_the_order_of_the_training(known):
    made = plan(Wanted(("a2c/Breakout/1",), rows="tags"))
    assert made.rows == ("initial", "1.0M", "4.0M", "final") and made.shape == (4, 1)
    assert ids(made)[3] == ["a2c/Breakout/1"]
    assert [len(row) for row in ids(plan(Wanted(("a2c/Breakout/1@*.0M",))))] == [1, 1]


def test_a_product_keeps_the_order_of_its_lists_and_labels_what_is_missing(known):
    made = plan(Wanted(algorithms=("ppo", "a2c"), games=("Pong", "breakout"), runs=(1,)))
    assert ids(made) == [["ppo/Pong/1", ""], ["ppo/Breakout/1", "a2c/Breakout/1"]]
    assert made.rows == ("Pong", "Breakout") and made.tiles[0, 1].why == "no such agent"
    runs = plan(Wanted(algorithms=("ppo", "ga"), games=("Breakout",), runs=(2, 1)))
    assert ids(runs) == [["ppo/Breakout/2", ""], ["ppo/Breakout/1", ""]] and runs.columns == ("PPO", "GA")


def test_agents_without_an_order_stand_in_turn(known):
    assert ids(plan(Wanted(("a2c/Breakout/1", "ppo/Pong/1"), rows="none"))) == [["a2c/Breakout/1", "ppo/Pong/1"]]
    assert plan(Wanted(("*/*/*",), rows="none", columns=1)).shape == (4, 1)


@pytest.mark.parametrize(
    "wanted, sentence",
    [
        (Wanted(("zz/*",)), "called “zz/\\*”; see zoo-gui list"),
        (Wanted(("ga/*",)), "1 could be downloaded; add --fetch"),
        (Wanted(("ppo/Pong/9",)), "no agent “ppo/Pong/9”"),
        (Wanted(algorithms=("ppq",)), "no algorithm “ppq”. Did you mean ppo"),
        (Wanted(games=("Pong",), algorithms=("a2c",)), "No agent at hand is all of this"),
        (Wanted(("*/*/*",), rows="columns"), "no kind of rows “columns”"),
    ],
)
def test_what_nobody_is_called_is_one_sentence(known, wanted, sentence):
    with pytest.raises(ZooError, match=sentence):
        plan(wanted)


def test_downloads_are_only_for_those_who_ask(known):
    assert ids(plan(Wanted(("ga/*",), fetch=True))) == [["ga/Breakout/1"]]


# -- one tile ---------------------------------------------------------------------------------------------------------
def test_a_tile_shows_every_frame_of_its_game_in_order():
    game = grid.Game(Player(Emulator("Pong"), seed=3))
    expected = np.concatenate([step.frames for step in play(None, "Pong", seed=3, steps=5, all_frames=True)])
    for frame in expected:
        game.advance(1)
        assert np.array_equal(game.frame, frame)
    halved = grid.Game(Player(Emulator("Pong"), seed=3))
    halved.advance(2)
    assert np.array_equal(halved.frame, np.maximum(expected[0], expected[1])), "no sprite of every second frame is lost"


@pytest.mark.parametrize("ending", grid.ENDINGS)
def test_a_game_that_ends_says_so_and_the_next_begins_or_not(ending):
    spec = PreprocessingSpec(max_episode_frames=40, noop_max=0, fire_on_reset=False)
    player = Player(Emulator("Breakout"), seed=1, preprocessing=spec)
    returns = list(play(None, "Breakout", seed=1, episodes=1, preprocessing=spec))
    game = grid.Game(player, ending)
    game.advance(len(returns) * player.frame_skip)
    assert not game.is_over and not game.ended
    game.advance(1)
    assert game.is_over and game.ended == [returns[-1].episode_return + returns[-1].reward]
    game.advance(grid.OVER_FRAMES + 1)
    assert game.is_over is game.is_held is (ending == grid.HOLD)


def test_a_player_that_fails_keeps_its_tile_and_the_others_go_on():
    class Failing(Player):
        def step(self, **options):
            raise ZooError("This agent is out of order.")

    two = Plan({(0, 0): Tile("a", "A", "one"), (0, 1): Tile("b", "B", "two")}, (1, 2))
    made = grid.Grid(two, {(0, 0): Failing(Emulator("Pong")), (0, 1): Player(Emulator("Pong"))}, {}, tile=96)
    assert len(list(made.pictures(5, 30))) == 5
    assert [row["fault"] for row in made.results()] == ["This agent is out of order.", ""]
    assert made.games[0, 1].frame.any()


def test_an_agent_that_cannot_be_loaded_is_a_tile_with_the_reason(tmp_path):
    tiny_agents.write(tmp_path / "broken")
    (tmp_path / "broken" / "weights.safetensors").write_bytes(b"rubbish" * 9)
    broken = str(tmp_path / "broken")
    two = plan(Wanted((broken, "random/Pong"), rows="none"))
    players, faults = grid.players_of(two)
    made = grid.Grid(two, players, faults, tile=160)
    list(made.pictures(2))
    first, second = made.results()
    assert first["agent"] == broken and first["fault"] and not second["fault"] and list(players) == [(0, 1)]
    x, y = made.look.place(0, 0)
    picture = made._canvas[y : y + made.look.picture[1], x : x + 160, :3]
    assert (np.abs(picture.astype(int) - grid.FAULT).max(-1) < 60).any(), "the sentence is in the tile"
    with pytest.raises(ZooError):
        grid.players_of(plan(Wanted((broken,))))


# -- the picture ------------------------------------------------------------------------------------------------------
def make(*games, tile=160, **options):
    tiles = {(0, column): Tile(f"random/{game}", "Random", game) for column, game in enumerate(games)}
    tiles[1, 0] = Tile("", "GA", "Breakout · run 7", why="no such agent")
    made = Plan(tiles, (2, len(games)), ("run 1", "run 7"), tuple(games), "random")
    players = {(0, column): Player(Emulator(game), seed=0) for column, game in enumerate(games)}
    return grid.Grid(made, players, {}, tile=tile, **options)


def test_each_game_is_in_its_place_and_missing_ones_are_labelled():
    made = make("Pong", "Breakout")
    *_, picture = made.pictures(30, 60)
    look, (width, height) = made.look, made.look.picture
    assert picture.shape == (made.size[1], made.size[0], 4) and width == 160 and height == round(160 * 630 / 800)
    for column in (0, 1):
        x, y = look.place(0, column)
        shown = picture[y : y + height, x : x + width, 2::-1]
        assert np.array_equal(shown, scaled(made.games[0, column].frame, (width, height)))
    x, y = look.place(0, 0)
    assert tuple(picture[y + height // 2, x + width // 4, 2::-1]) == (144, 72, 17), "the table of Pong"
    x, y = look.place(1, 0)
    empty = picture[y : y + height, x : x + width, :3]
    ground = (empty == grid.EMPTY).all(-1)
    assert 0.8 < ground.mean() < 1.0, "words on the empty tile's ground"


def test_the_score_in_the_picture_changes_with_the_game():
    made = make("Pong")
    look = made.look
    x, y = look.place(0, 0)
    y += look.picture[1]
    caption = (slice(y, y + look.caption), slice(x + look.tile // 2, x + look.tile))
    first = next(made.pictures(1))[caption].copy()
    made.games[0, 0].score, made.games[0, 0].ended = 12.0, [-21.0]
    assert not np.array_equal(next(made.pictures(1))[caption], first)
    assert [row["ended"] for row in made.results()] == [[-21.0], []]


def test_a_long_film_takes_no_more_memory_than_a_short_one():
    made = make("Pong", tile=96)
    for _ in made.pictures(40):
        pass
    tracemalloc.start()
    seen = set()
    for picture in made.pictures(50):
        seen.add(id(picture))
    short = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    for picture in made.pictures(500):
        seen.add(id(picture))
    long = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(seen) == 1 and long < short + 500_000, (short, long)


def test_slow_motion_and_a_slower_rate_keep_time():
    quick, slow = make("Pong", tile=96), make("Pong", tile=96)
    list(quick.pictures(20, 30))
    list(slow.pictures(80, 60, speed=0.5))
    assert np.array_equal(slow.games[0, 0].frame, next(iter(_frames(40))))
    assert np.array_equal(quick.games[0, 0].frame, np.maximum(*_frames(40, 39)))


def _frames(*numbers):
    frames = np.concatenate([step.frames for step in play(None, "Pong", steps=10, all_frames=True)])
    return [frames[number - 1] for number in numbers]


# -- films ------------------------------------------------------------------------------------------------------------
def test_the_command_writes_an_mp4_of_the_length_asked_for(tmp_path, capsys):
    path = tmp_path / "grid.mp4"
    arguments = ["random/Pong", "random/Breakout", "--seconds", "0.5", "--fps", "30", "--tile", "96", "--json"]
    assert cli.main(["grid", *arguments, "--output", str(path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"] == 0.5 and [row["agent"] for row in told["tiles"]] == ["random/Pong", "random/Breakout"]
    found = pictures(path)
    assert len(found) == 15 and list(found[0].shape[1::-1]) == told["size"]


def test_the_command_says_what_is_wrong_in_a_sentence(tmp_path, capsys):
    for arguments, sentence in (
        (["random/Pong", "--output", str(tmp_path / "a.avi")], "must end in .mp4 or .gif"),
        (["--output", str(tmp_path / "a.mp4")], "Name the agents"),
        (["random/Pong", "--tile", "20", "--output", str(tmp_path / "a.mp4")], "96 to 800"),
        (["random/Pong", "--fps", "7", "--output", str(tmp_path / "a.mp4")], "choose one of 60, 30"),
        (["random/Pang", "--output", str(tmp_path / "a.mp4")], "Pang"),
    ):
        assert cli.main(["grid", *arguments]) == 2
        told = capsys.readouterr().err
        assert sentence in told and told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_gif_keeps_its_time_and_its_flat_colours(tmp_path):
    path = tmp_path / "a.gif"
    made = make("Pong")
    shot = films.Film(path, made.size, 20)
    *_, last = films.shot(shot, made.pictures(12, 20), 12)
    assert last.result == path and [one.name for one in tmp_path.iterdir()] == ["a.gif"]
    with Image.open(path) as image:
        assert image.size == made.size and image.n_frames <= 12
        durations = 0
        for number in range(image.n_frames):
            image.seek(number)
            durations += image.info["duration"]
        x, y = made.look.place(0, 0)
        pixel = image.convert("RGB").getpixel((x + 40, y + made.look.picture[1] // 2))
    assert durations == 600 and np.abs(np.subtract(pixel, (144, 72, 17))).max() <= 4


def test_ctrl_c_ends_the_film_there(tmp_path, capsys):
    def stopped():
        for value in range(20):
            yield np.full((64, 64, 4), 10 * value, np.uint8)
        raise KeyboardInterrupt

    for name, fps in (("a.mp4", 30), ("a.gif", 20)):
        path = tmp_path / name
        assert cli_films.shoot(films.Film(path, (64, 64), fps), stopped(), 1000) == 130
        assert capsys.readouterr().err == "Stopped: the film ends here.\n"
        assert len(pictures(path)) == 20
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("limit, remains", [(400_000, True), (500, False)])
def test_a_full_disk_leaves_a_film_that_plays_or_none(tmp_path, limit, remains):
    path = tmp_path / "a.mp4"
    shot = films.Film(path, (320, 240), 30)
    resource.prlimit(shot._writer.pid, resource.RLIMIT_FSIZE, (limit, limit))
    rng = np.random.default_rng(0)
    noise = (rng.integers(256, size=(240, 320, 4), dtype=np.uint8) for _ in range(400))
    with pytest.raises(ZooError, match="what was made until then" if remains else "nothing of it is left") as caught:
        for _ in films.shot(shot, noise, 400):
            pass
    assert "largest size" in str(caught.value) and path.exists() is remains
    assert not remains or pictures(path)


def test_an_existing_film_survives_a_refused_command(tmp_path, capsys):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"dear")
    assert cli.main(["grid", "random/Pang", "--output", str(path)]) == 2
    assert path.read_bytes() == b"dear"


# -- words and screens ------------------------------------------------------------------------------------------------
def test_words_stay_in_their_place():
    canvas = np.zeros((40, 100, 4), np.uint8)
    lettering.write(canvas, "score", 98, 4, 16, (255, 255, 255), align="right")
    inked = np.flatnonzero(canvas[..., 0].any(0))
    assert 50 < inked.min() and inked.max() < 99
    lettering.write(canvas, "far outside", 500, 400, 16, (255, 255, 255))
    short = lettering.shortened("A very long title of an agent", 90, 16)
    assert short.endswith("…") and lettering.width(short, 16) <= 90
    lines = lettering.wrapped("This agent cannot be read at all", 90, 12, 2)
    assert len(lines) == 2 and all(lettering.width(line, 12) <= 90 for line in lines)


def test_scaling_keeps_colours_and_edges():
    frame = np.zeros((210, 160, 3), np.uint8)
    frame[:, 80:] = (200, 40, 10)
    large = scaled(frame, (480, 378))
    assert large.shape == (378, 480, 3) and (large[:, :238] == 0).all() and (large[:, 242:] == (200, 40, 10)).all()
    assert np.array_equal(scaled(frame, (160, 210)), frame)
    assert np.array_equal(steady(np.stack([frame, frame * 0])), frame)
    assert scaled(frame, (48, 30)).shape == (30, 48, 3)
