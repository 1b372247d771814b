"""Training logs: files of the zoo, and tables of runs side by side. Tables are pandas' (``pip install pandas``)."""

from __future__ import annotations

import json
import reprlib
from pathlib import Path
from typing import Any, Iterable, Sequence

from zoo_gui.types import ZooError

MAX_BYTES = 64 << 20
RESTART = 3 * 3600
"""Seconds between two entries above which the run must have been restarted."""


def read(path: str | Path) -> list[dict[str, Any]]:
    """The list of objects in a log or list of checkpoints on disk. Raises ZooError; addresses are not read."""
    if str(path).startswith(("http:", "https:")):
        raise ZooError(f"There is no log here: the zoo's server, which had it at {path}, answers no more since 2020.")
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise ZooError(f"{path} is larger than {MAX_BYTES >> 20} MiB: no log is.")
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ZooError(f"There is no file {path}: this model has no log beside it.") from error
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ZooError(f"{path} is damaged, get the file again: it is not JSON ({str(error)[:80]}).") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ZooError(f"{path} is damaged, get the file again: it is not a list of entries.")
    return entries


def load_checkpoint_info(path: str | Path) -> list[dict[str, Any]]:
    """The list of checkpoints whose path begins with ``path`` (a model's ``log_path``). Raises ZooError."""
    return read(f"{path}.json")


def parse_checkpoint_info(json_data: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """[{criteria, best_checkpoint}] as {criteria: best_checkpoint}. Raises ZooError."""
    try:
        return {entry["criteria"]: entry["best_checkpoint"] for entry in json_data}
    except (KeyError, TypeError) as error:
        raise ZooError(f"This is no list of checkpoints: an entry has no {reprlib.repr(error.args[0])}.") from error


def get_dataframe_from_training_log(_data: Any = None, _file: Any = None, algo: str = "default", run: int = 1) -> Any:
    """A log (or a file of one) as a pandas DataFrame, sorted by time, with the columns algo and run besides.

    Rows of untrained networks are left out, and times after a gap of over three hours, which a restart left, are moved
    up to what came before. Raises ZooError: an empty log, or pandas is missing.
    """
    entries = json.load(_file) if _data is None else _data
    if not entries:
        raise ZooError("This training log is empty: choose another run.")
    table = _pandas().DataFrame([{key: entry.get(key) for key in entries[0]} for entry in entries])
    table = table.assign(algo=algo, run=run)
    if "initial" in table:
        table = table[table["initial"] == 0]
    table = table.sort_values("time", kind="stable").reset_index(drop=True)
    gaps = table["time"].diff()
    return table.assign(time=table["time"] - gaps.where(gaps > RESTART, 0.0).cumsum())


def gather_logs_across_runs(algo: str, game: str, runs: Iterable[int], local: Any = False) -> Any:
    """The logs of these runs in one DataFrame. Raises ZooError for a run without a log."""
    from zoo_gui.atari_zoo.model_maker import MakeAtariModel

    models = [(run, MakeAtariModel(algo, game, run, local=local)()) for run in runs]
    return _pandas().concat([get_dataframe_from_training_log(model.get_log(), algo=algo, run=run)
                             for run, model in models])  # fmt: skip


def gather_logs_across_algos(algos: Sequence[str], game: str, local: Any = False, runs: Any = None) -> Any:
    """The logs of these algorithms in one DataFrame. runs: which, by default those that have a log, at least one."""
    return _pandas().concat([gather_logs_across_runs(algo, game, runs or _runs(algo, game, local), local)
                             for algo in algos])  # fmt: skip


def _runs(algo: str, game: str, local: Any) -> list[int]:
    """The runs that have a log; the first one where none has, whose error then says so."""
    from zoo_gui.atari_zoo import run_cnt
    from zoo_gui.atari_zoo.model_maker import MakeAtariModel

    found = []
    for run in range(1, run_cnt.get(algo, 1) + 1):
        try:
            MakeAtariModel(algo, game, run, local=local)().get_log()
            found.append(run)
        except (ZooError, NotImplementedError):
            continue
    return found or [1]


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ZooError("Tables of training logs need pandas: pip install \"zoo-gui[notebook]\".") from error
    return pandas
