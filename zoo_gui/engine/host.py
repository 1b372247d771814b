"""The front end's handle of the engine: starts the process, sends commands, hands events on, attaches shared memory.

No Qt. ``on_event(event)`` is called from a reader thread; a window turns it into a signal. Events:

``("loading", text)``, ``("lanes", key, epoch, [(LaneInfo, memory name)], device)``, ``("load_failed", key, sentence)``,
``("prepared", key)``, ``("swapped", epoch, tick, [(LaneInfo, memory name)])``,
``("rewound", epoch, tick)``, ``("held", tick, epoch)``, ``("progress" | "finished" | "failed", key, payload)``,
``("disturbance_ready", lane, number)``, ``("disturbance_refused", lane, number, sentence)``,
``("attributed", lane, LiveMap)``, ``("error" | "notice", sentence)``, ``("stopped", sentence)`` (the lanes cannot
step), ``("died", exit code)``. Every job ends with ``finished`` or ``failed``, also where the process dies before it.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from typing import Any, Callable

from zoo_gui.analysis import ANALYSES
from zoo_gui.engine import server

#: Commands that start a job under their ``key``.
JOBS = ("run", "add_groups", "remove_groups", "replay", "save_session", "open_session")
ENDED = "The process that plays has ended, and with it this job: restart it, and ask again."


class EngineHost:
    """One engine process. ``start`` returns at once; nothing here ever waits except ``close``."""

    def __init__(self, on_event: Callable[[tuple], None]):
        self._on_event = on_event
        self._outbox: queue.SimpleQueue = queue.SimpleQueue()
        self._closing = self._died = False
        self._jobs: set[str] = set()
        self._jobs_lock = threading.Lock()  # commands come from the window's thread, events from the reader's
        self.process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Start the process and the two threads that talk to it."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self.process = context.Process(
            target=server.main, args=(theirs,), name="zoo_gui engine", daemon=True
        )
        self.process.start()
        theirs.close()
        self._connection = ours
        self._threads = [
            threading.Thread(target=self._read, name="zoo_gui engine reader", daemon=True),
            threading.Thread(target=self._write, name="zoo_gui engine writer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def send(self, name: str, **keywords: Any) -> None:
        """Queue a command (see ``server.Server.do_…``); commands are obeyed in order, between two ticks."""
        if name in JOBS:
            with self._jobs_lock:
                self._jobs.add(keywords["key"])
                died = self._died
            if died:
                self._end_jobs()
        elif name == "cancel":
            with self._jobs_lock:
                self._jobs.discard(keywords["key"])
        self._outbox.put((name, keywords))

    def _end_jobs(self) -> None:
        """Nobody is there to do them: say so to whoever waits."""
        with self._jobs_lock:
            self._died, jobs, self._jobs = True, self._jobs, set()
        for key in sorted(jobs):
            self._on_event(("failed", key, ENDED))

    def close(self, timeout: float = 3.0) -> None:
        """End the process: politely, then by force; no event is delivered afterwards."""
        self._closing = True
        if self.process is None:
            return
        self._outbox.put(("close", {}))
        self._outbox.put(None)
        self.process.join(timeout)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(timeout)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout)
        self._connection.close()
        self.process = None

    def _write(self) -> None:
        while (command := self._outbox.get()) is not None:
            try:
                self._connection.send(command)
            except (OSError, ValueError):
                return

    def _read(self) -> None:
        # The records of analyses come pickled: import what they need now, while the engine starts and nothing moves,
        # not with the first result.
        ANALYSES.discover()
        while True:
            try:
                event = self._connection.recv()
            except (EOFError, OSError):
                break
            if event[0] in ("finished", "failed"):
                with self._jobs_lock:
                    self._jobs.discard(event[1])
            if not self._closing:
                self._on_event(event)
        if not self._closing:
            self.process.join(1.0)
            self._end_jobs()
            self._on_event(("died", self.process.exitcode))
