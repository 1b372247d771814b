"""Spellings, titles and ROM look-up of games."""

import pytest

from zoo_gui.play import games
from zoo_gui.types import ZooError


@pytest.mark.parametrize(
    "text",
    ["space_invaders", "SpaceInvaders", "Space Invaders", "space invaders", "ALE/SpaceInvaders-v5",
     "SpaceInvadersNoFrameskip-v4", "SpaceInvadersDeterministic-v0", "SpaceInvaders-ram-v4", " SPACEINVADERS "],
)  # fmt: skip
def test_find_reads_any_spelling(text):
    assert games.find(text) == "space_invaders"


def test_every_title_and_id_finds_its_own_game():
    for game, title in games.TITLES.items():
        assert games.find(title) == games.find(game) == games.find(game.title().replace("_", "")) == game


def test_titles_cover_exactly_what_ale_knows():
    from ale_py import roms

    assert set(games.TITLES) == set(roms.get_all_rom_ids())


@pytest.mark.parametrize(("game", "title"), [("qbert", "Q*bert"), ("ms_pacman", "Ms. Pac-Man"), ("hero", "H.E.R.O.")])
def test_titles_are_those_on_the_box(game, title):
    assert games.title(game) == title
    assert games.find(title) == game


def test_unknown_game_names_near_ones():
    with pytest.raises(ZooError, match="Space Invaders"):
        games.find("Spce Invaders")


def test_names_can_all_be_loaded_by_ale():
    import ale_py

    names = games.names()
    assert "breakout" in names and not games.TWO_PLAYERS & set(names)
    assert all(ale_py.ALEInterface.isSupportedROM(games.rom_path(game)) == game for game in names)


def test_game_without_a_rom_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(games.ROMS_VARIABLE, str(tmp_path))
    assert games.names() == []
    with pytest.raises(ZooError, match=r"Breakout has no ROM .*breakout\.bin.*ale-py.*ALE_ROMS_DIR"):
        games.rom_path("breakout")


def test_game_for_two_players_is_refused():
    with pytest.raises(ZooError, match="two or more"):
        games.rom_path("joust")
