"""Guesses about a stranger's file, played side by side."""

import dataclasses

import numpy as np
import pytest
import tiny_agents

from zoo_gui.analysis.card_preview import card_preview
from zoo_gui.types import Preview, ZooError


@pytest.fixture
def file(tmp_path):
    made = tiny_agents.write(tmp_path, rule="argmax")
    return tmp_path / made.weights.file, made


def test_each_guess_plays_its_own_way(file):
    path, card = file
    short = dataclasses.replace(card.preprocessing, max_episode_frames=40, noop_max=0, fire_on_reset=False)
    cards = {
        "right": card.replaced(preprocessing=short),
        "other stride": card.replaced(preprocessing=dataclasses.replace(short, size=(30, 30))),
        "again": card.replaced(preprocessing=short),
    }
    progress = list(card_preview(path, cards, steps=25))
    right, wrong, again = progress[-1].result
    assert progress[-1].complete and (right.name, right.steps, right.games) == ("right", 25, 2)
    assert right.frame.shape == (210, 160, 3) and not right.fault
    assert wrong.fault.startswith("The card contradicts") and wrong.frame.size == 0
    assert (again.gained, again.mean) == (right.gained, right.mean) and np.array_equal(again.frame, right.frame)


def test_a_file_that_cannot_be_read_is_one_sentence(file):
    path, card = file
    path.write_bytes(b"rubbish" * 9)
    with pytest.raises(ZooError, match="damaged|no format"):
        list(card_preview(path, {"a": card}))


@pytest.mark.parametrize(
    "mean, games, gained, standing", [(None, 0, 7.0, 7.0), (4.0, 1, 0.0, 4.0), (4.0, 1, 10.0, 7.0)]
)
def test_standing(mean, games, gained, standing):
    assert Preview("a", np.zeros((0, 0, 3)), games=games, mean=mean, gained=gained).standing == standing
