"""Maps made beside the game: which moment is explained, when several are offered and the games go elsewhere."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from zoo_gui.engine import why
from zoo_gui.engine.why import Explainer, Moment


@pytest.fixture
def explained(monkeypatch):
    """(an Explainer whose maps wait for ``gate``, the moments that it told of)."""
    told, gate, begun = [], threading.Event(), threading.Event()

    def slowly(question, method, options):
        begun.set()
        while not gate.is_set():
            yield None
            gate.wait(0.001)
        return SimpleNamespace(map=np.full((2, 2, 1), question, np.float32))

    monkeypatch.setattr(why, "ask", lambda agent, observation, target, method, **words: float(observation))
    monkeypatch.setattr(why, "answer", slowly)
    arrived = threading.Condition()

    def send(kind, lane, record):
        with arrived:
            told.append((lane, record.moment, float(record.map[0, 0, 0])))
            arrived.notify_all()

    explainer = Explainer(send)
    explainer.set("action", "occlusion", None)

    def wait_for(*wanted):
        gate.set()
        with arrived:
            assert arrived.wait_for(lambda: set(wanted) <= set(told), 20), told
        return told

    yield SimpleNamespace(explainer=explainer, begun=begun, wait_for=wait_for)
    gate.set()
    explainer.close()


def moment(number, seen=None):
    return Moment(number, None, np.float32(number if seen is None else seen), None, 0)


def test_steps_ahead_of_the_screen_do_not_push_out_the_moment_that_stays_there(explained):
    explainer = explained.explainer
    explainer.offer(0, moment(4))
    assert explained.begun.wait(20)
    explainer.offer(0, moment(5), urgent=True)  # paused there
    for number in (6, 7, 8):  # the engine was still making these
        explainer.offer(0, moment(number))
    told = explained.wait_for((0, 5, 5.0))
    assert told[0][1] == 5  # the one before was given up


def test_a_moment_that_comes_again_is_explained_as_it_now_is(explained):
    explainer = explained.explainer
    explainer.offer(0, moment(4, seen=1.0))
    assert explained.begun.wait(20)
    explainer.forget()  # something was changed at this moment, while its map was being made
    explainer.offer(0, moment(4, seen=2.0))
    told = explained.wait_for((0, 4, 2.0))
    assert (0, 4, 1.0) not in told
