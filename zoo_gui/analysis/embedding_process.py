"""The process that does an embedding's heavy part, from the side that asks: started, listened to, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Generator

from zoo_gui.types import ZooError

PATIENCE = 0.03
"""Seconds for which an answer is waited for between two words of progress."""
ONE_CORE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


class Helper:
    """``with Helper() as helper: found = yield from helper.ask("axes", …)``: ended with the block, whatever it is at.

    It has one core, and the priority of the thread that starts it.
    """

    def __enter__(self) -> "Helper":
        ours, theirs = Pipe()
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        env = os.environ | dict.fromkeys(ONE_CORE, "1") | {"PYTHONPATH": paths}
        command = [sys.executable, "-m", "zoo_gui.analysis.embedding_work", str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(command, env=env, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL)  # fmt: skip
        except OSError as error:
            ours.close()
            raise ZooError(f"The process that lays states out cannot be started: {error.strerror}.") from error
        finally:
            theirs.close()
        self._connection, self._ready, self._sending = ours, False, None
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.wait()
        if self._sending is not None:
            self._sending.join()
        self._connection.close()

    def ask(self, task: str, **asked: Any) -> Generator[tuple[int, int], None, Any]:
        """Yields (done, total), (0, 0) while nothing is known, some 30 times a second; returns the result of one of
        ``embedding_work.TASKS``. Raises ZooError where it fails."""
        if not self._ready:
            yield from self._answer("ready")
            self._ready = True
        # hundreds of megabytes, which would hold back whoever takes turns with us
        self._sending = threading.Thread(target=self._send, args=((task, asked),), daemon=True)
        self._sending.start()
        return (yield from self._answer("done"))

    def _send(self, message: Any) -> None:
        try:
            self._connection.send(message)
        except OSError:
            pass  # it has ended, as the answer says

    def _answer(self, wanted: str) -> Generator[tuple[int, int], None, Any]:
        known = (0, 0)
        while True:
            try:
                if not self._connection.poll(PATIENCE):
                    yield known
                    continue
                kind, payload = self._connection.recv()
            except (EOFError, OSError) as error:
                raise self._ended() from error
            if kind == "failed":
                raise ZooError(f"These states cannot be laid out: {payload}.")
            if kind == wanted:
                return payload
            known = payload

    def _ended(self) -> ZooError:
        code = self._process.wait()
        return ZooError(f"The process that lays states out ended before it was done (code {code}): it may have had too "
                        "little memory; take fewer states.")  # fmt: skip
