"""Streams: the one place that runs long jobs, which are plain generators, in a thread.

No Qt: results are handed to a callback, which the owner turns into a message or a signal.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any, Callable, Iterator, NamedTuple

from zoo_gui.types import ZooError

log = logging.getLogger(__name__)

#: deliver(key, kind, payload): kind is ``progress`` (payload: what the generator yielded), ``finished`` (None) or
#: ``failed`` (a sentence). Called from the stream's thread.
Deliver = Callable[[str, str, Any], None]


class Later(NamedTuple):
    """What a generator yields where it has no news and nothing to do for so many seconds. It is not delivered."""

    seconds: float


class _Job:
    """One generator that has not ended; ``make`` is called in the stream's thread. due: when its next turn may be, in
    seconds of time.monotonic."""

    def __init__(self, key: str, make: Callable[[], Iterator], background: bool):
        self.key, self.make, self.background = key, make, background
        self.generator: Iterator | None = None
        self.due = 0.0

    def advance(self) -> Any:
        if self.generator is None:
            self.generator = iter(self.make())
        return next(self.generator)

    def end(self) -> None:
        close = getattr(self.generator, "close", None)
        if close is not None:
            close()


class Streams:
    """Runs generators in one thread, taking a turn with each, so a long job never holds back a short one.

    A job that is started under a running job's key supersedes it; what a superseded or cancelled job still yields is
    dropped. Generators are closed in the same thread that ran them. They must yield at least every 50 ms or so; one
    that keeps a pace yields ``Later`` instead of sleeping, so that others have their turns.
    niceness: added to the thread's own (Linux), so that jobs never slow the game.
    """

    def __init__(self, deliver: Deliver, name: str = "zoo_gui jobs", niceness: int = 0):
        self._deliver, self._niceness = deliver, niceness
        self._jobs: dict[str, _Job] = {}
        self._ended: list[_Job] = []
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def start(self, key: str, make: Callable[[], Iterator], background: bool = False) -> None:
        """Run the generator that ``make()`` returns; a job of the same key ends first.

        background: advance it only while there is no other job.
        """
        with self._changed:
            self._retire(key)
            self._jobs[key] = _Job(key, make, background)
            self._changed.notify()

    def cancel(self, key: str) -> None:
        """End the job of that key, if it runs; nothing more of it is delivered."""
        with self._changed:
            self._retire(key)
            self._changed.notify()

    def close(self, timeout: float = 5.0) -> None:
        """Cancel all jobs and end the thread."""
        with self._changed:
            self._closing = True
            for key in list(self._jobs):
                self._retire(key)
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _retire(self, key: str) -> None:
        job = self._jobs.pop(key, None)
        if job is not None:
            self._ended.append(job)

    def _run(self) -> None:
        lower_priority(self._niceness)
        while True:
            with self._changed:
                while not (self._turn() or self._ended or self._closing):
                    self._changed.wait(self._pause())
                ended, self._ended = self._ended, []
                turn = self._turn()
                if self._closing and not ended:
                    return
            for job in ended:
                self._end(job)
            for job in turn:
                self._advance(job)

    def _turn(self) -> list[_Job]:
        """Whose turn it is: all that are due, of those in the background one where there are no others."""
        now = time.monotonic()
        due = [job for job in self._jobs.values() if job.due <= now]
        return [job for job in due if not job.background] or due[:1]

    def _pause(self) -> float | None:
        """Seconds until the next job is due; None without one."""
        first = min((job.due for job in self._jobs.values()), default=None)
        return None if first is None else max(0.0, first - time.monotonic())

    def _advance(self, job: _Job) -> None:
        if not self._is_current(job):
            return
        try:
            kind, payload = "progress", job.advance()
        except StopIteration:
            kind, payload = "finished", None
        except ZooError as error:
            kind, payload = "failed", str(error)
        except Exception as error:
            log.exception("job %s failed", job.key)
            kind, payload = "failed", f"This could not be computed ({type(error).__name__}: {error})."
        if isinstance(payload, Later):
            job.due = time.monotonic() + payload.seconds
            return
        with self._changed:
            current = self._jobs.get(job.key) is job
            if current and kind != "progress":
                del self._jobs[job.key]
        if current:
            self._deliver(job.key, kind, payload)

    def _is_current(self, job: _Job) -> bool:
        with self._changed:
            return self._jobs.get(job.key) is job

    @staticmethod
    def _end(job: _Job) -> None:
        try:
            job.end()
        except Exception:
            log.exception("job %s failed while it was being cancelled", job.key)


def lower_priority(niceness: int) -> None:
    """Add to the calling thread's niceness where the system has one per thread (Linux); else do nothing."""
    if niceness and hasattr(os, "setpriority"):
        thread = threading.get_native_id()
        try:
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
        except OSError:
            log.debug("the priority of thread %d could not be lowered", thread)
