"""Streams: jobs take turns, a newer job of a key replaces the older, and what comes late is dropped."""

import threading
import time

import pytest

from zoo_gui.types import ZooError
from zoo_gui.workers import Later, Streams


@pytest.fixture
def streams():
    results = []
    stream = Streams(lambda *result: results.append(result))
    stream.results = results
    yield stream
    stream.close()


def wait_until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def count(n, log=None):
    try:
        for i in range(n):
            time.sleep(0.001)
            yield i
    finally:
        if log is not None:
            log.append(threading.current_thread().name)


def test_a_job_delivers_all_it_yields_and_then_its_end(streams):
    streams.start("a", lambda: count(3))
    wait_until(lambda: len(streams.results) == 4)
    assert streams.results == [*(("a", "progress", i) for i in range(3)), ("a", "finished", None)]


def test_a_short_job_is_not_held_back_by_a_long_one(streams):
    streams.start("long", lambda: count(10_000))
    wait_until(lambda: streams.results)
    streams.start("short", lambda: count(2))
    wait_until(lambda: ("short", "finished", None) in streams.results)
    assert ("long", "finished", None) not in streams.results


def test_a_newer_job_of_the_same_key_supersedes(streams):
    closed = []
    streams.start("key", lambda: count(10_000, closed))
    wait_until(lambda: streams.results)
    streams.start("key", lambda: iter(["new"]))
    wait_until(lambda: ("key", "finished", None) in streams.results)
    position = streams.results.index(("key", "progress", "new"))
    assert [result[2] for result in streams.results[position:]] == ["new", None]
    wait_until(lambda: closed)
    assert closed == ["zoo_gui jobs"], "the generator must be closed in the thread that ran it"


def test_nothing_is_delivered_after_cancel(streams):
    release = threading.Event()

    def slow():
        release.wait(5)
        yield "late"

    streams.start("key", slow)
    time.sleep(0.05)
    streams.cancel("key")
    release.set()
    streams.start("other", lambda: iter([1]))
    wait_until(lambda: ("other", "finished", None) in streams.results)
    assert not [result for result in streams.results if result[0] == "key"]


def test_failures_become_sentences_and_the_thread_lives_on(streams, caplog):
    def refuses():
        raise ZooError("Do this instead.")
        yield

    def breaks():
        raise IndexError("7")
        yield

    streams.start("refuses", refuses)
    streams.start("breaks", breaks)
    wait_until(lambda: len(streams.results) == 2)
    assert ("refuses", "failed", "Do this instead.") in streams.results
    assert "IndexError: 7" in {key: text for key, _, text in streams.results}["breaks"]
    streams.start("after", lambda: iter([1]))
    wait_until(lambda: ("after", "finished", None) in streams.results)


def test_close_ends_the_thread_and_closes_generators():
    closed, results = [], []
    stream = Streams(lambda *result: results.append(result), name="closing")
    stream.start("key", lambda: count(10_000, closed))
    wait_until(lambda: results)
    stream.close()
    assert closed == ["closing"]
    assert "closing" not in [thread.name for thread in threading.enumerate()]


def test_a_background_job_waits_while_there_is_another(streams):
    streams.start("front", lambda: count(30))
    streams.start("background", lambda: iter(range(3)), background=True)
    wait_until(lambda: ("background", "finished", None) in streams.results)
    assert [key for key, _, _ in streams.results] == ["front"] * 31 + ["background"] * 4


def test_a_job_that_keeps_a_pace_waits_without_news_and_lets_others_work(streams):
    def paced():
        yield "first"
        yield Later(0.05)
        yield "second"
        yield Later(60.0)

    begun = time.monotonic()
    streams.start("paced", paced)
    streams.start("other", lambda: count(20))
    expected = {("paced", "progress", "second"), ("other", "finished", None)}
    wait_until(lambda: expected <= set(streams.results))
    assert time.monotonic() - begun >= 0.05
    assert [payload for key, _, payload in streams.results if key == "paced"] == ["first", "second"]
    streams.start("after", lambda: count(1))
    wait_until(lambda: ("after", "finished", None) in streams.results)
    streams.cancel("paced")
