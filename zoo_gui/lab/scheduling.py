"""Who computes the cells: this process, several on this machine, or a cluster; the two latter by Dask distributed.

Cells go out as plain data and results come back, so that nobody but the process that asks needs the folder. A worker
computes one cell at a time, each as this process would: with one thread, and random numbers of the cell's own.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import multiprocessing
import os
import queue
import signal
import tempfile
import time
import uuid
from concurrent.futures import CancelledError
from multiprocessing import resource_tracker
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.lab.experiment import Cell, kind_of
from zoo_gui.types import ZooError

Found = Mapping[str, np.ndarray] | str
"""A cell's arrays, or why it failed in a sentence."""
Event = tuple[Cell, Found] | str
"""A cell that is done, or what is going on meanwhile."""
PAYS = 4
"""Cells that a worker must have to be worth its start, which takes seconds: it imports TensorFlow and loads agents."""
WORKER_BYTES = 1 << 30
"""Memory of a worker: some 0.6 GB for TensorFlow, the rest for agents and a cell."""
AHEAD = 2
"""Cells handed out for each worker: one that it computes and one that waits for it. Never all of a large experiment,
whose results would then gather in memory faster than they are written."""
TICK = 0.25  # seconds in which closing is noticed
CONNECT, SILENCE, GATHER = 10.0, 30.0, 60.0
"""Seconds until a cluster counts as unreachable: when it is called, when it is asked something, and while it sends a
result."""
PATIENCE = 120.0
"""The same for the parts of a cluster of our own, which only a machine with too much to do keeps waiting."""
ASK = 3.0  # seconds between questions for its size
GUARD = "a script must run experiments under “if __name__ == \"__main__\":”, for each worker process reads it first."
DEATHS = 1
"""More deaths of workers than this that a cell may see on this machine, before it is tried by itself."""


def suitable(cells: int) -> int:
    """How many workers pay for so many cells on this machine: a core and memory for each, and cells enough."""
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    room = psutil.virtual_memory().available // WORKER_BYTES
    return max(1, min(cores, room, cells // PAYS))


def computed(cells: Sequence[Cell], workers: int | None = 1, scheduler: str = "") -> Iterator[Event]:
    """Each cell with what it gives, in the order in which they are done; sentences in between say what is waited for.
    Closing the generator ends all workers that were started here. See ``running.run``. Raises ZooError."""
    workers = suitable(len(cells)) if workers is None else workers
    if workers < 1:
        raise ZooError(f"{workers} workers compute nothing: name 1 or more.")
    if not cells:
        return
    if not scheduler and workers == 1:
        for cell in cells:
            yield cell, attempt(cell)
        return
    with _client(min(workers, len(cells)), scheduler) as client:
        yield from _distributed(cells, client, scheduler)


def check_start() -> None:
    """Raise ZooError where a worker that starts, and reads the script that started it, comes to start workers."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ZooError(GUARD)


def attempt(cell: Cell) -> Found:
    """A cell's arrays, or why it failed in a sentence. One thread: with more, sums are rounded in another order."""
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(1):
            found = {name: np.asarray(array) for name, array in kind_of(cell.kind).compute(cell).items()}
        if any(array.dtype.hasobject for array in found.values()):
            return f"“{cell.kind}” gives objects, where numbers and texts can be kept: mend it."
        return found
    except ZooError as error:
        return str(error)
    except MemoryError:
        return "There was not enough memory for this cell: run fewer workers, or a shorter one."
    except Exception as error:  # one cell of a hundred must not take the others with it
        return f"{type(error).__name__}: {error}"


def work(kind: str, name: str, settings: Mapping[str, Any], key: str) -> Found:
    """``attempt`` in a worker, of a cell as plain data. key: the cell's where it was asked for."""
    try:
        cell = Cell(kind, name, settings)
        if cell.key != key:
            return "The worker has another version of zoo_gui, whose numbers differ: install the same one."
    except ZooError as error:
        return str(error)
    return attempt(cell)


# -- Dask distributed -----------------------------------------------------------------------------------------------
@contextlib.contextmanager
def _client(workers: int, scheduler: str) -> Iterator[Any]:
    """A client of the cluster at that address, or of one of so many processes that ends with the block."""
    import dask
    from distributed import Client

    settings = {
        # a worker that waits for memory that never gets free would wait for ever: it is ended, and its cell tried again
        "distributed.worker.memory.pause": False, "distributed.worker.memory.spill": False,
        "distributed.worker.memory.target": False, "distributed.worker.profile.enabled": False,
        "distributed.comm.timeouts.connect": f"{CONNECT if scheduler else PATIENCE:g}s",
        "distributed.scheduler.allowed-failures": DEATHS,
    }  # fmt: skip
    with dask.config.set(settings), _silence(), contextlib.ExitStack() as stack:
        address = scheduler or stack.enter_context(_local(workers))
        try:
            client = Client(address, timeout=CONNECT if scheduler else PATIENCE, set_as_default=False, name="zoo_gui")
        except (OSError, ValueError, ImportError) as error:
            raise ZooError(f"No Dask scheduler answers at {scheduler}: start one (dask scheduler), or leave the "
                           "scheduler out. What was finished before is kept.") from error  # fmt: skip
        stack.callback(_quietly, client.close, 2.0)
        yield client


@contextlib.contextmanager
def _local(workers: int) -> Iterator[Any]:
    """A cluster of processes on this machine, seen by nobody else."""
    from distributed import LocalCluster
    from distributed.system import MEMORY_LIMIT

    folder = tempfile.TemporaryDirectory(prefix="zoo_gui-lab-", ignore_cleanup_errors=True)
    with folder, contextlib.ExitStack() as stack:
        interruptible = stack.enter_context(_uninterrupted())
        try:
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
                silence_logs=logging.CRITICAL, local_directory=folder.name, memory_limit=MEMORY_LIMIT // workers,
                dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},  # None would be port 8787
            )  # fmt: skip
        except (OSError, RuntimeError, TimeoutError) as error:
            text = f"{workers} worker processes could not be started ({error}): ask for fewer; and {GUARD}"
            raise ZooError(text) from error
        try:
            interruptible()
            yield cluster
        finally:
            _quietly(cluster.close, 10.0)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[Callable[[], None]]:
    """Hold Ctrl+C back until the function is called. Threads that begin meanwhile, and the processes that these start,
    never see it: a terminal sends it to all of them, and only we are to answer it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield lambda: None
        return
    resource_tracker.ensure_running()  # which unblocks it, in whichever thread needs it first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Dask's log says in many lines what we say in one sentence."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("distributed", "tornado")]
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before):
            logger.setLevel(level)


def _quietly(close: Callable[..., None], timeout: float) -> None:
    """Close what may be gone already."""
    with contextlib.suppress(Exception):
        close(timeout=timeout)


def _distributed(cells: Sequence[Cell], client: Any, scheduler: str) -> Iterator[Event]:
    """Hand cells out, a few at a time, and take in what comes back.

    A cell whose worker died is tried again by Dask, on another one. One that saw several die may only have stood in
    line behind the one that killed them: it is tried again by itself, and only then it has failed.
    """
    waiting, suspects, flight = list(reversed(cells)), [], _Flight(client)
    asked, threads = -math.inf, 0
    while waiting or suspects or flight.cells:
        if time.monotonic() - asked > ASK:
            threads, asked = _threads(client, scheduler), time.monotonic()
        while waiting and len(flight.cells) < AHEAD * threads:
            flight.submit(waiting.pop())
        alone = not waiting and not flight.cells
        if alone and threads:
            flight.submit(suspects.pop(), alone=True)
        future = flight.landed()
        if future is None:
            lost = flight.lost()
            waiting += lost
            asked = -math.inf if lost else asked
            yield "" if threads else "waiting for workers"
            continue
        cell, was_alone = flight.cells.pop(future.key)
        found = _result(future, was_alone, scheduler)
        if found is None:
            suspects.append(cell)
        else:
            yield cell, found


class _Flight:
    """Cells that the cluster has: {key of the future: (cell, whether nothing else is in flight)}."""

    def __init__(self, client: Any):
        self._client, self._run, self._count = client, uuid.uuid4().hex[:8], itertools.count()
        self._futures: dict[str, Any] = {}
        self._landed: queue.SimpleQueue = queue.SimpleQueue()
        self.cells: dict[str, tuple[Cell, bool]] = {}

    def submit(self, cell: Cell, alone: bool = False) -> None:
        """Hand a cell out."""
        key = f"zoo_gui-{self._run}-{next(self._count)}"
        future = self._client.submit(work, cell.kind, cell.name, dict(cell.settings), cell.key, key=key, pure=False)
        self._futures[key], self.cells[key] = future, (cell, alone)
        future.add_done_callback(self._landed.put)

    def landed(self) -> Any:
        """A future that is done, or None after a while."""
        try:
            future = self._landed.get(timeout=TICK)
        except queue.Empty:
            return None
        return self._futures.pop(future.key, None) if future.status in ("finished", "error") else None

    def lost(self) -> list[Cell]:
        """Cells that went with the connection to the scheduler; they are to be handed out again."""
        keys = [key for key, future in self._futures.items() if future.status in ("cancelled", "lost")]
        for key in keys:
            del self._futures[key]
        return [self.cells.pop(key)[0] for key in keys]


def _result(future: Any, alone: bool, scheduler: str) -> Found | None:
    """What a cell gave; None where its worker died and it is to be tried by itself. Raises ZooError."""
    from distributed import KilledWorker

    try:
        return future.result(timeout=GATHER)
    except KilledWorker:
        if not alone:
            return None
        return "The process that computed this cell died whenever it was tried: it may need more memory than there is."
    except (OSError, CancelledError) as error:  # TimeoutError is one
        raise _gone(scheduler) from error
    except Exception as error:  # not the cell's own, which ``work`` tells as a sentence
        return f"The worker cannot compute this: {type(error).__name__}: {error}"


def _threads(client: Any, scheduler: str) -> int:
    """How many cells the cluster computes at a time now. Raises ZooError where it does not answer."""
    try:
        return sum(client.sync(client.scheduler.ncores, callback_timeout=SILENCE).values())
    except Exception as error:  # OSError, TimeoutError, those of comms, of closed clients …
        raise _gone(scheduler) from error


def _gone(scheduler: str) -> ZooError:
    return ZooError(f"The Dask scheduler {f'at {scheduler} ' if scheduler else ''}does not answer any more. What is "
                    "finished is kept: run the experiment again to go on.")  # fmt: skip
