"""A view as text: which agents play what from which seed, at which step, and what is looked at. No Qt.

``ppo/Breakout/1?seed=3&step=420&unit=conv3:12`` opens the same moment everywhere; docs/sessions.md lists the keys. The
text may come from anyone: it is read into numbers and names, and nothing else.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields, replace
from typing import Any, Callable, Mapping, NamedTuple, Sequence
from urllib.parse import quote, unquote

from zoo_gui.naming import lane_letter
from zoo_gui.registry import unknown
from zoo_gui.types import Unit, ZooError

MOST_AGENTS = 4
LONGEST = 8000
"""Characters of a link."""
FARTHEST = 100_000
"""The last step and episode that a link may name: ALE's own games end after 27,000 steps."""
PLAYERS = ("agent", "random", "human")
INPUTS = ("own", "shared")
SAFE = "/:@~,*"
"""Characters that stay as they are, so that people can read and write links."""


class Change(NamedTuple):
    """A change of what an agent sees or is. kind: ``edit`` ((layer, index), gain, offset), ``cover`` ((top, left,
    height, width), fill) or ``disturb`` ({name: level} as sorted pairs). start: the step of the episode from which on
    it holds."""

    kind: str
    value: tuple
    start: int = 0


@dataclass(frozen=True)
class Place:
    """Where one agent's game is. step: agent steps before the moment, of that episode; None: nobody says, the game's
    beginning. game, sticky, player: "" and None: the agent's own."""

    seed: int = 0
    episode: int = 0
    step: int | None = None
    game: str = ""
    sticky: float | None = None
    player: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class View:
    """What a link restores. Only ``agents`` must be given; what is looked at stays as it is where it is None or "".
    Not so the game: without a seed and an episode it is the first one of seed 0, so that a link means the same for
    everybody; "" and None are the agent's own game and sticky actions, and () takes back what is changed.

    agents: ids or paths. game, seed, episode, step, sticky, player, changes: of all agents; of one alone: ``own``,
    {its number: Place in full}. unit: that is selected, of agent number ``lane``. saliency, method: what is explained
    over the game, ``off``: nothing. layout: a name. speed: 1.0 is real time, math.inf as fast as it goes. panel: in
    front. text: a caption. input: ``own`` or ``shared``; driver: the number of the agent that drives a shared game.
    play: whether the game goes on from there, else it waits.
    """

    agents: tuple[str, ...]
    game: str = ""
    seed: int = 0
    episode: int = 0
    step: int | None = None
    sticky: float | None = None
    player: str = ""
    changes: tuple[Change, ...] = ()
    own: Mapping[int, Place] = field(default_factory=dict)
    unit: Unit | None = None
    lane: int = 0
    saliency: str = ""
    method: str = ""
    layout: str = ""
    speed: float | None = None
    panel: str = ""
    text: str = ""
    input: str = "own"
    driver: int = 0
    play: bool = False

    def place(self, lane: int) -> Place:
        """Where that agent's game is."""
        return self.own.get(lane) or Place(**{one.name: getattr(self, one.name) for one in fields(Place)})

    def pairs(self) -> list[tuple[str, str]]:
        """All but the agents, (key, value), from which ``of_values`` makes an equal view."""
        said = _written_places([self.place(lane) for lane in range(len(self.agents))])
        letter = f"{lane_letter(self.lane).lower()}." if self.lane else ""
        said += [(f"{letter}unit", str(self.unit))] if self.unit else []
        said += [(name, value) for name in ("saliency", "method", "layout") if (value := getattr(self, name))]
        said += [("speed", "max" if math.isinf(self.speed) else _digits(self.speed))] if self.speed is not None else []
        said += [("panel", self.panel)] if self.panel else []
        said += [("input", self.input)] if self.input != "own" else []
        said += [("driver", lane_letter(self.driver).lower())] if self.driver else []
        said += [("play", "1")] if self.play else []
        said += [("text", self.text)] if self.text else []
        return said

    def link(self) -> str:
        """The view as text, from which ``of_link`` makes an equal view. Raises ZooError where no link says it."""
        try:
            text = "+".join(map(_quoted_id, self.agents)) + "?"
            text += "&".join(f"{key}={quote(value, SAFE + '+')}" for key, value in self.pairs())
        except UnicodeEncodeError as error:
            name = error.object.encode("utf-8", "replace").decode()
            raise ZooError(f"“{name}” has letters that no link can carry: rename it.") from error
        if len(text) > LONGEST:
            raise ZooError(f"This view is too long for a link of at most {LONGEST:,} characters: save a session.")
        return text

    @classmethod
    def of_link(cls, text: str) -> "View":
        """Read a link. Raises ZooError: one sentence on the first thing that is wrong."""
        text = text.strip().removeprefix("zoo-gui open").strip().strip("\"'“”")
        if len(text) > LONGEST or any(ord(letter) < 32 for letter in text):
            raise ZooError(f"This is no link: links are one line of at most {LONGEST:,} characters.")
        ids, _, query = text.partition("?")
        agents = tuple(unquote(one).strip() for one in ids.split("+"))
        if not all(agents) or len(agents) > MOST_AGENTS:
            raise ZooError(f"A link begins with 1 to {MOST_AGENTS} agents: ppo/Breakout/1+a2c/Breakout/1?seed=3.")
        return cls.of_values(agents, [_pair(part) for part in query.split("&") if part])

    @classmethod
    def of_values(cls, agents: Sequence[str], pairs: Sequence[tuple[str, str]]) -> "View":
        """From agents and (key, value) as they stand in a link, in any order. Raises ZooError."""
        whole: dict[str, Any] = {}
        alone: dict[int, dict[str, Any]] = {}
        changes: dict[int | None, list[Change]] = {None: []}
        for key, value in pairs:
            lane, name = _split(key, len(agents))
            if name in CHANGES:
                changes.setdefault(lane, []).extend(CHANGES[name](value))
            elif name == "unit":
                whole.update(unit=_unit(value), lane=lane or 0)
            elif lane is None:
                whole[name] = KEYS[name](value)
            else:
                alone.setdefault(lane, {})[name] = KEYS[name](value)
        view = cls(tuple(agents), **whole, changes=tuple(changes.pop(None)))
        for lane, found in changes.items():
            alone.setdefault(lane, {})["changes"] = tuple(found)
        view = replace(view, own={lane: replace(view.place(lane), **said) for lane, said in sorted(alone.items())})
        if view.driver >= len(view.agents):
            raise ZooError(f"There is no agent {lane_letter(view.driver)} that could drive: the link has fewer agents.")
        return view


def _quoted_id(agent: str) -> str:
    """So that an address is not taken for one that has a query."""
    text = quote(agent, SAFE)
    return text.replace(":", "%3A", 1) if text.startswith(("http://", "https://")) else text


def is_link(text: str) -> bool:
    """Whether a text looks like a link with something after the agents, rather than an id, a path or an address."""
    text = text.strip().removeprefix("zoo-gui open").strip().strip("\"'“”")
    before, mark, query = text.partition("?")
    if not mark or "\n" in text or text.startswith(("http://", "https://")):
        return False
    names = {key.partition("=")[0].rpartition(".")[2] for key in query.split("&")}
    return bool(before) and bool(names & {*KEYS, *CHANGES, "unit"})


def is_session(text: str) -> bool:
    """Whether a text is the path of a saved session, by its name."""
    return text.lower().endswith(".zoo") and not text.startswith(("http://", "https://"))


def _pair(part: str) -> tuple[str, str]:
    key, mark, value = part.partition("=")
    if not mark or not value:
        raise ZooError(f"“{part}” says nothing in a link: write key=value, for example seed=3.")
    return unquote(key), unquote(value)


def _split(key: str, agents: int) -> tuple[int | None, str]:
    """(agent number or None: all, key) of ``seed`` or ``b.seed``. Raises ZooError."""
    letter, dot, name = key.rpartition(".")
    if name not in KEYS and name not in CHANGES and name != "unit":
        raise unknown("key of a link", name, [*KEYS, *CHANGES, "unit"])
    if not dot:
        return None, name
    lane = "abcd".find(letter) if len(letter) == 1 else -1
    if not 0 <= lane < agents or name not in OF_ONE:
        raise ZooError(f"“{key}” is not a key of a link: {', '.join(OF_ONE)} can be of one agent, a. to d., as b.seed.")
    return lane, name


# -- values ---------------------------------------------------------------------------------------------------------
def _whole(what: str, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
            raise ZooError(f"The {what} “{text}” of the link is not a whole number from 0 to {most:,}.")
        return int(text)

    return read


def _one_of(what: str, known: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ZooError(f"The {what} “{text}” of the link is none of {', '.join(known)}.")
        return text

    return read


def _unit(text: str) -> Unit:
    """Raises ZooError also for digits of other scripts, and for more of them than a number may have."""
    digits = text.rpartition(":")[2].strip()
    if not digits.isascii() or len(digits) > 9:
        raise ZooError(f"“{text[:60]}” is not a unit: write layer:index, for example conv2:17.")
    return Unit.parse(text)


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ZooError(f"“{text}” is not a number: it stands in the link's {what}.")
    return value


def _chance(text: str) -> float:
    value = _number(text, "sticky")
    if not 0.0 <= value < 1.0:
        raise ZooError(f"Sticky actions of “{text}” cannot be: give a probability from 0 to below 1.")
    return value


def _speed(text: str) -> float:
    value = math.inf if text == "max" else _number(text, "speed")
    if text != "max" and not 0.01 <= value <= 1000.0:
        raise ZooError(f"The speed “{text}” of the link is neither a number from 0.01 to 1000 nor max.")
    return value


def _yes(text: str) -> bool:
    return _one_of("play", ("0", "1"))(text) == "1"


def _letter(text: str) -> int:
    return "abcd".index(_one_of("driver", tuple("abcd"))(text.lower()))


def _words(text: str) -> str:
    return " ".join(text.split())[:500]


KEYS: Mapping[str, Callable[[str], Any]] = {
    "seed": _whole("seed", 2**63 - 1), "episode": _whole("episode", FARTHEST), "step": _whole("step", FARTHEST),
    "game": _words, "sticky": _chance, "player": _one_of("player", PLAYERS),
    "saliency": _words, "method": _words, "layout": _words, "speed": _speed, "panel": _words, "text": _words,
    "input": _one_of("input", INPUTS), "driver": _letter, "play": _yes,
}  # fmt: skip
"""{key of a link: what reads its value}, but for ``unit`` and CHANGES."""


def _started(text: str) -> tuple[str, int]:
    """(what, the step from which on) of ``what@120``."""
    what, mark, start = text.partition("@")
    return what, KEYS["step"](start) if mark else 0


def _edits(text: str) -> list[Change]:
    """``conv3:12*0``, ``conv3:12*2+0.5@120``; several with commas."""
    found = []
    for part in text.split(","):
        what, start = _started(part)
        name, _, rest = what.partition("*")
        gain, offset = (*re.split(r"(?<![eE])\+", rest, maxsplit=1), "0")[:2]  # not at the + of 1e+16
        unit = _unit(name)
        found.append(Change("edit", (tuple(unit), _number(gain, "edit"), _number(offset, "edit")), start))
    return found


def _covers(text: str) -> list[Change]:
    """``10,20,8,8`` (top, left, height, width in observation pixels), with a fill ``10,20,8,8,blur@120``."""
    what, start = _started(text)
    *numbers, fill = what.split(",") if what.count(",") == 4 else [*what.split(","), "mean"]
    box = tuple(_whole("cover", 10_000)(number) for number in numbers)
    if len(box) != 4 or fill not in FILLS:
        raise ZooError(f"A cover is top,left,height,width and maybe one of {', '.join(FILLS)}, not “{text}”.")
    return [Change("cover", (box, fill), start)]


def _disturbances(text: str) -> list[Change]:
    """``observation_noise:0.1,latency:2``; several at the same time with commas, and from a step on as for edits."""
    what, start = _started(text)
    levels = {}
    for part in what.split(","):
        name, _, level = part.partition(":")
        if name not in (*DISTURBANCES, "parameter_layers"):
            raise unknown("disturbance", name, DISTURBANCES)
        levels[name] = level if name == "parameter_layers" else _number(level, "disturb")
    return [Change("disturb", tuple(sorted(levels.items())), start)]


FILLS = ("mean", "black", "blur", "background")
DISTURBANCES = ("observation_noise", "parameter_noise", "action_noise", "sticky", "frame_drop", "brightness",
                "contrast", "occlusion", "latency")  # fmt: skip
"""As in ``play.cover`` and ``play.disturbance``, which need NumPy and OpenCV; a test holds them together."""
CHANGES: Mapping[str, Callable[[str], list[Change]]] = {
    "edit": _edits, "cover": _covers, "disturb": _disturbances,
}  # fmt: skip
OF_ONE = ("seed", "episode", "step", "game", "sticky", "player", "unit", *CHANGES)
"""Keys that may be of one agent alone."""


def _written_places(places: Sequence[Place]) -> list[tuple[str, str]]:
    """(key, value) of all that is not as in the simplest place: what all have in common without a letter."""
    said = []
    for one in fields(Place):
        values = [getattr(place, one.name) for place in places]
        common = all(value == values[0] for value in values)
        for lane, value in enumerate(values[:1] if common else values):
            letter = "" if common else f"{lane_letter(lane).lower()}."
            if one.name == "changes":
                said += [(letter + change.kind, _written(change)) for change in value]
            elif value != one.default or one.name == "seed":
                said.append((letter + one.name, value if isinstance(value, str) else _digits(value)))
    return said


def _digits(value: float) -> str:
    """A number in as few digits as say just it, without a plus, which means more: ``0.5``, ``2``, ``1e16``."""
    return repr(value).removesuffix(".0").replace("e+", "e")


def _written(change: Change) -> str:
    if change.kind == "edit":
        (layer, index), gain, offset = change.value
        text = f"{layer}:{index}*{_digits(gain)}" + (f"+{_digits(offset)}" if offset else "")
    elif change.kind == "cover":
        text = ",".join(map(str, (*change.value[0], change.value[1])))
    else:
        text = ",".join(f"{name}:{level if isinstance(level, str) else _digits(level)}" for name, level in change.value)
    return text + (f"@{change.start}" if change.start else "")
