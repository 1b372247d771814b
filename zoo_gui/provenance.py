"""Where a figure, table or film comes from: one dictionary of plain data, which goes into every saved file. No Qt.

``provenance`` makes it, ``of_session`` makes it of the window's sitting, ``sentences`` says it in words;
``provenance_files`` puts it into files and reads it back. Files with equal agents (by hash), seeds, steps, edits and
settings show the same thing; ``made_by``, ``commit`` and ``versions`` say what computed it.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable, Mapping

from zoo_gui import __version__
from zoo_gui.marks import marks

PACKAGES = ("ale-py", "tensorflow", "numpy")
"""Those that say what an agent sees and computes."""
AGENT_KEYS = {"id": "agent_id", "hash": "agent_hash", "card": "card_hash"}
"""Key of an agent's row → what the record of a lane (``LaneInfo``) calls it; what an ``Agent`` calls it is in _ROWS."""
DEEPEST = 40
"""Of what is in one another, as far as it is said."""
_UNSAYABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What moves a terminal's cursor or is half a character: it may be a stranger's file that is told of."""
_ROWS = {"id": "name", "hash": "hash", "card": "card_hash"}


def provenance(
    agents: Iterable[Any] = (), *, what: str = "", game: str = "", seed: int | None = None, step: int | None = None,
    moment: int | None = None, edits: Mapping | None = None, disturbance: Mapping | None = None,
    settings: Mapping | None = None, command: str = "", when: datetime.datetime | None = None, **more: Any,
) -> dict[str, Any]:
    """Plain data that says where something comes from; whatever is empty or unknown is left out.

    agents: ids, rows ({"id", "hash", "card", …}), ``LaneInfo`` or ``Agent`` objects. what: the thing in a few words.
    step: agent step of the episode; moment: the id under which a sitting keeps it. edits: {unit: (gain, offset)} or
    {agent's place: that}. settings: what else was chosen. command: what makes it again. more: further plain data.
    """
    when = when or datetime.datetime.now(datetime.timezone.utc)
    told = {
        "made_by": f"zoo_gui {__version__}", "commit": commit(), "versions": versions(),
        "when": when.isoformat(timespec="seconds"), "what": what, "agents": [agent_row(one) for one in agents],
        "game": game, "seed": seed, "step": step, "moment": moment, "edits": edits, "disturbance": disturbance,
        "settings": settings, "command": command or _command, **more,
    }  # fmt: skip
    return {key: value for key, value in plain(told).items() if value not in (None, "", [], {})}


_command = ""


def note_command(text: str) -> None:
    """By what command line this process was started: it is said with everything that it makes."""
    global _command
    _command = text


def simple(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those settings that are plain and short: no arrays, no records."""
    kinds = (bool, int, float, str)
    return {
        name: value for name, value in values.items()
        if isinstance(value, kinds) or (
            isinstance(value, (list, tuple)) and len(value) < 50 and all(isinstance(one, kinds) for one in value))
    }  # fmt: skip


def agent_row(one: Any) -> dict[str, Any]:
    """One agent as plain data: {"id", "title", "hash", "card", …}."""
    if isinstance(one, str):
        return {"id": one}
    if isinstance(one, Mapping):
        return dict(one)
    names = AGENT_KEYS if hasattr(one, "agent_id") else _ROWS
    row = {key: getattr(one, name, "") for key, name in names.items()}
    row |= {key: getattr(one, key) for key in ("title", "game", "seed", "player") if hasattr(one, key)}
    row = {key: value for key, value in row.items() if isinstance(value, (str, int))}
    units = getattr(one, "edits", None)
    if units:
        row["edits"] = {str(unit): change for unit, change in units.items()}
    return {key: value for key, value in row.items() if value not in (None, "")}


def of_session(session: Any, what: str = "", lanes: Iterable[int] | None = None, **more: Any) -> dict[str, Any]:
    """Of a sitting's window as it is now. lanes: whose agents are shown, None: all."""
    wanted = None if lanes is None else set(lanes)
    agents = [_lane_row(session, info) for info in session.lanes if wanted is None or info.lane in wanted]
    chosen = getattr(session, "selected", None)
    explained = getattr(session, "saliency", None)
    settings = {
        "view": {key: value for key, value in session.view.items() if value is not None},
        "selected": None if chosen is None else f"{chosen[1]} of {'ABCD'[chosen[0]]}",
        "explained": None if explained is None else {"target": explained, "method": session.saliency_method},
    }
    settings = {key: value for key, value in settings.items() if value}
    return provenance(agents, what=what, settings=settings, marks=[mark.words for mark in marks(session)], **more)


def _lane_row(session: Any, info: Any) -> dict[str, Any]:
    """One lane's agent and moment; what was changed, covered or disturbed."""
    row, step = agent_row(info), session.last_step(info.lane)
    if step is not None:
        row |= {"episode": step.episode, "step": step.index, "moment": step.moment, "return": step.episode_return}
    edits = {str(unit): change for (lane, unit), change in session.edits.items() if lane == info.lane}
    cover = getattr(session, "covers", {}).get(info.lane)
    levels = getattr(session, "disturbances", {}).get(info.lane)
    row |= {"edits": edits, "covered": None if cover is None else cover._asdict(), "disturbance": levels}
    return {key: value for key, value in row.items() if value not in (None, "", {})}


def sentences(told: Mapping[str, Any]) -> list[str]:
    """What a provenance says, in lines for people."""
    lines = [str(told["what"])] if told.get("what") else []
    made = f"Made by {told.get('made_by', 'an unknown program')}"
    made += f" (commit {str(told['commit'])[:12]})" if told.get("commit") else ""
    lines.append(f"{made}, {told['when']}" if told.get("when") else made)
    if told.get("versions"):
        lines.append(f"With {_words(told['versions'])}")
    skipped, agents = ["what", "made_by", "commit", "when", "versions"], told.get("agents")
    if isinstance(agents, Mapping):  # an experiment's file beside its results has them by name
        agents = [{"id": name, "hash": digest} for name, digest in agents.items()]
    if isinstance(agents, (list, tuple)):  # else it is another program's word for something else
        skipped.append("agents")
        for row in agents:
            lines += _agent_lines(row) if isinstance(row, Mapping) else []
    lines += [f"{_spaced(key)}: {_words(value)}" for key, value in told.items() if key not in skipped]
    return [_UNSAYABLE.sub(lambda found: " " if found[0].isspace() else "\ufffd", line) for line in lines]


def _agent_lines(row: Mapping[str, Any]) -> list[str]:
    name = row.get("title") or row.get("id", "")
    lines = [f"Agent: {name}" + (f" ({row['id']})" if row.get("id") not in (None, name) else "")]
    rest = {key: value for key, value in row.items() if key not in ("id", "title")}
    return lines + [f"  {_spaced(key)}: {_words(value)}" for key, value in rest.items()]


def _spaced(key: str) -> str:
    return key.replace("_", " ")


def _words(value: Any, depth: int = 0) -> str:
    if depth > DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(one, depth + 1)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_words(one, depth + 1) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def text(told: Mapping[str, Any]) -> str:
    """As one line of ASCII JSON: every format of file can hold that."""
    return json.dumps(plain(told), allow_nan=False)


def plain(value: Any) -> Any:
    """Plain data for JSON: tuples become lists, NumPy's numbers Python's, what is no number None, others text."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, without importing it
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_fields"):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """{package: version} of those that results depend on and that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@lru_cache(maxsize=1)
def commit(root: Path | None = None) -> str:
    """The commit that a checkout stands at, "" where the program was installed from a package.

    Read from git's own files: what was changed since is not seen.
    """
    root = root or Path(__file__).resolve().parent.parent
    try:
        git = root / ".git"
        if git.is_file():  # a worktree names its folder
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        for place in (git / name, shared / name):
            if place.is_file():
                return place.read_text(encoding="utf-8").strip()
        packed = (shared / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
    except (OSError, UnicodeDecodeError):
        return ""
