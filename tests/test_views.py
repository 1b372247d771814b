"""Views as text: what is written is read back; what makes no sense is one sentence."""

import argparse
import math
import random

import pytest

from zoo_gui import cli_open
from zoo_gui.play import cover, disturbance
from zoo_gui.types import Unit, ZooError
from zoo_gui.views import DISTURBANCES, FILLS, Change, Place, View, is_link


def drawn(rng: random.Random) -> View:
    """Any view."""
    def place() -> Place:
        gain, offset = rng.choice([0.0, 0.1, 1e16]), rng.choice([0.0, -1.5, 1e-7, 1e300])
        changes = rng.sample([
            Change("edit", (("conv3", rng.randrange(64)), gain, offset), 7),
            Change("cover", ((1, 2, 3, 4), rng.choice(FILLS)), rng.randrange(3)),
            Change("disturb", (("latency", 2.0), ("parameter_layers", "all"), ("parameter_noise", 0.05))),
        ], rng.randrange(4))  # fmt: skip
        return Place(
            rng.randrange(10**9), rng.randrange(3), rng.choice([None, 0, 420]), rng.choice(["", "Pong", "é &?=+b"]),
            rng.choice([None, 0.0, 0.25]), rng.choice(["", "random"]), tuple(changes),
        )  # fmt: skip

    known = ["ppo/Breakout/1", "/a b/c?d=1&e.zip", "hf:x/y@z", "a+b%2Bc", "https://h/x.pt"]
    agents = tuple(rng.choices(known, k=rng.randint(1, 4)))
    number = rng.randrange(len(agents))
    return View(agents, own={lane: place() for lane in range(len(agents))}, lane=number,
                unit=rng.choice([None, Unit("fc", 3)]),
                saliency=rng.choice(["", "off", "action:LEFT - action:RIGHT"]), speed=rng.choice([None, 0.5, math.inf]),
                text=rng.choice(["", "Nörgel & Co. + 100 %"]), input=rng.choice(["own", "shared"]), driver=number,
                play=rng.random() < 0.5)  # fmt: skip


def test_every_view_comes_back_from_its_link():
    rng = random.Random(0)
    for _ in range(300):
        view = drawn(rng)
        found = View.of_link(view.link())
        assert is_link(view.link()), view.link()
        assert found.link() == view.link() and found.agents == view.agents
        assert [found.place(lane) for lane in range(4)][: len(view.agents)] == [
            view.place(lane) for lane in range(len(view.agents))
        ]
        assert (found.unit, found.saliency, found.speed, found.text, found.input, found.driver, found.play) == (
            view.unit, view.saliency, view.speed, view.text, view.input, view.driver, view.play
        )  # fmt: skip
        assert view.unit is None or found.lane == view.lane


def test_a_link_as_people_write_it():
    view = View.of_link(' zoo-gui open "ppo/Breakout/1?seed=3&step=420&unit=conv3:12" ')
    assert view == View(("ppo/Breakout/1",), seed=3, step=420, unit=Unit("conv3", 12))
    assert view.link() == "ppo/Breakout/1?seed=3&step=420&unit=conv3:12"
    two = View.of_link("ppo/Breakout/1+a2c/Breakout/1?seed=3&b.seed=5&step=9&b.edit=conv3:12*0")
    assert (two.place(0).seed, two.place(1).seed, two.place(1).step) == (3, 5, 9)
    assert two.place(1).changes == (Change("edit", (("conv3", 12), 0.0, 0.0)),) and not two.place(0).changes


@pytest.mark.parametrize("text", [
    "", "?seed=1", "a?sed=3", "a?seed=-1", "a?seed=1e3", "a?seed=" + "9" * 30, "a?step=200000", "a?b.seed=1",
    "a?a.layout=x", "a+b+c+d+e", "a?edit=conv:1", "a?edit=conv:1*nan", "a?cover=1,2,3", "a?cover=1,2,3,4,red",
    "a?disturb=rain:1", "a?speed=0", "a?speed=inf", "a?driver=b", "a?seed", "a?input=mine", "a?play=yes", "a?sticky=1",
    "a?player=cat",
    "a?speed=5000", "a?speed=1e308", "a?unit=conv1:²", "a?unit=conv1:" + "9" * 5000, "a?edit=conv1:²*0",
    "x" * 9000, "a?text=a\nb", "a?step=²",
])  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(text):
    with pytest.raises(ZooError) as caught:
        View.of_link(text)
    assert str(caught.value).endswith(".") or str(caught.value).endswith("?")
    assert "\n" not in str(caught.value)


def test_a_plus_that_belongs_to_a_number():
    (change,) = View.of_link("a?edit=fc:3*1e+16+2E+3").changes
    assert change.value[1:] == (1e16, 2e3) and View.of_link("a?speed=1000").speed == 1000


def test_what_looks_like_a_link():
    assert is_link("ppo/Breakout/1?seed=3") and is_link("a+b?b.unit=fc:1")
    others = "ppo/Breakout/1", "https://x.org/a.zip?seed=3", "/a/b?c=d", "?seed=3", "is it so? yes"
    assert not any(map(is_link, others))


@pytest.mark.parametrize(("text", "named"), [
    ("a/1+b/1", ["a/1", "b/1"]), ("a/1", ["a/1"]), ("a/1+b/1?seed=3", ["a/1+b/1?seed=3"]),
    ("https://h/x.pt?seed=0", ["https%3A//h/x.pt?seed=0"]), ("https://h/x.pt", ["https://h/x.pt"]),
])  # fmt: skip
def test_a_link_on_the_command_line_is_opened_as_one(text, named, monkeypatch):
    import zoo_gui.launch

    given = []
    monkeypatch.setattr(zoo_gui.launch, "run", lambda options: given.append(options.agents) or 0)
    assert cli_open.run(argparse.Namespace(what=text, check=False, anyway=False)) == 0
    assert given == [named] and ("?" not in text or is_link(named[0]))


def test_names_are_those_of_the_player():
    assert FILLS == cover.FILLS and DISTURBANCES == tuple(disturbance.DISTURBANCES)
