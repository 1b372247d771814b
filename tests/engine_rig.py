"""An engine's process with its feed, driven as the window drives them."""

import multiprocessing
import os
import queue
import time
import weakref

from zoo_gui.engine.feed import Feed
from zoo_gui.engine.host import EngineHost


class ForkedEngines:
    """Stands for ``multiprocessing`` before EngineHost: processes that are forked off one that has imported what an
    engine needs, with the environment of now, not with that one's."""

    PRELOADED = ["zoo_gui.engine.server", "zoo_gui.agents.agent", "zoo_gui.engine.lane", "engine_rig"]

    def __init__(self):
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(self.PRELOADED)
        self.Pipe = self._context.Pipe

    def Process(self, target, args, **named):
        return self._context.Process(target=with_environment, args=(dict(os.environ), target, args), **named)


def with_environment(environment, target, arguments):
    os.environ.clear()
    os.environ.update(environment)
    target(*arguments)


class Rig:
    """A feed over a running engine; ``until`` plays the part of the window's timer."""

    living = weakref.WeakSet()  # those that are not closed: several tests may share one

    def __init__(self):
        self.living.add(self)
        self.events = queue.Queue()
        self.seen = []
        self.host = EngineHost(self.events.put)
        self.feed = Feed(self.host.send)
        self.steps, self.summaries = [], []
        self._before, self._now = time.perf_counter(), 0.0
        self.follows = False  # whether changed lanes are followed at once
        self.host.start()

    def turn(self):
        while not self.events.empty():
            event = self.events.get()
            self.seen.append(event)
            if event[0] == "lanes":
                self.feed.attach(event[2], event[3])
            elif event[0] == "held":
                self.feed.held(event[1], event[2])
            elif event[0] == "swapped" and self.follows:
                self.feed.follow(*event[1:])
        # a frame at most: what a busy machine is late with comes late, and no step is left out
        before, self._before = self._before, time.perf_counter()
        self._now += min(self._before - before, 1 / (60 * (self.feed.speed or 1.0)))
        shown = self.feed.update(self._now)
        if shown.stepped:
            self.steps.append(list(self.feed.steps))
            self.summaries += [summary for _, summary in shown.summaries[0]]
        time.sleep(0.002)

    def until(self, condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not happen; events: {[event[:2] for event in self.seen[-5:]]}"
            self.turn()

    def seen_kind(self, kind):
        return [event for event in self.seen if event[0] == kind]

    def load(self, agent, lane=0, **options):
        before = len(self.seen_kind("lanes"))
        self.host.send("load", key=agent, lane=lane, agent_id=agent, options={"seed": 7, **options})
        self.until(lambda: len(self.seen_kind("lanes")) > before and self.feed.steps and self.feed.steps[0] is not None)

    @classmethod
    def memory(cls):
        """Names of the shared memory of living rigs: it changes with their lanes."""
        return {part.name.lstrip("/") for rig in cls.living for part in rig.feed._memory}

    def close(self):
        self.living.discard(self)
        self.host.close()
        self.feed.close()


def loaded(agent):
    """For a fixture: a Rig with an agent."""
    rig = Rig()
    rig.load(agent)
    yield rig
    rig.close()


def begin(rig, seed=7):
    """Pause at the first step of a seed, at a speed that a test can wait for."""
    rig.feed.pause()
    rig.until(lambda: not rig.feed._unpaced)
    rig.feed.set_speed(8.0)
    rig.feed.restart("restart", seed=seed)
    rig.until(lambda: rig.feed.tick == 0)


def advance(rig, ticks):
    rig.feed.play()
    rig.until(lambda: rig.feed.tick >= ticks)
    rig.feed.pause()
