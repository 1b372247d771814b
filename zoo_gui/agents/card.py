"""The agent card: a TOML file that says of an agent what its weights cannot say themselves. No TensorFlow.

A card names the network as data, the observation pipeline as data, the meaning of each action, the rule that picks
one, how the agent was trained, what it scored under which protocol, whose it is, and the weights file with its SHA-256.
"""

from __future__ import annotations

import dataclasses
import math
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo_gui.agents import card_rules, presets_preprocessing, tables
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec, Transform
from zoo_gui.backports import tomllib
from zoo_gui.types import ZooError

__all__ = [
    "ActionSpec", "Card", "GoldenSpec", "LayerSpec", "Measurement", "NetworkSpec", "PreprocessingSpec", "Scores",
    "Training", "Transform", "WeightsSpec",
]  # fmt: skip
CARD_FILE = "card.toml"
MAX_CARD_BYTES = 1 << 20
ALGORITHM_TITLES = {
    "ppo": "PPO", "a2c": "A2C", "acktr": "ACKTR", "impala": "IMPALA", "dqn": "DQN", "rainbow": "Rainbow",
    "apex": "Ape-X", "es": "ES", "ga": "GA", "distill": "Distilled", "random": "Random", "a3c": "A3C", "trpo": "TRPO",
    "c51": "C51", "qrdqn": "QR-DQN", "quantile": "QR-DQN", "iqn": "IQN", "implicit_quantile": "IQN",
    "reinforce": "REINFORCE",
}  # fmt: skip


@dataclass(frozen=True)
class ActionSpec:
    """names: ALE's meaning of each output, "UPRIGHT". rule: ``sample`` the softmax, ``argmax``, ``epsilon``-greedy."""

    names: tuple[str, ...]
    rule: str
    epsilon: float = 0.0


@dataclass(frozen=True)
class WeightsSpec:
    """file: beside the card. sha256: of it, hex; "": not checked. format: a name in FORMATS, by default found out.

    names: {our name: the file's name of that array}; without any the file's are ours. Ours are ``layer/part``: kernel
    and bias of a conv or dense layer; mean, variance, scale and offset of a norm; kernel, bias, recurrent_kernel and
    recurrent_bias of a GRU or LSTM (one bias where the file has one). convention: how the file orders the axes of its
    kernels, ``pytorch`` (OIHW and (out, in)), ``tensorflow`` (HWIO and (in, out)); by default what its format says.
    """

    file: str
    sha256: str = ""
    format: str = ""
    convention: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GoldenSpec:
    """Outputs that were published, to compare with: an ``.npz`` file beside the card.

    Its arrays: ``observation`` (N, h, w, C) as the network gets it, ``scores`` (N, A), and of a recurrent network
    ``state`` (N, S) before each. tolerance: the largest difference, relative to the largest score.
    """

    file: str
    tolerance: float = 1e-4


class _Compared:
    """What a measured mean is worth beside yardsticks. Expects ``mean``, ``scores``, ``random`` and ``constant``."""

    def better_than(self, yardstick: float | None) -> bool | None:
        """Whether the agent's mean is above a yardstick beyond chance; None where either is unknown.

        One-sided test at 5 %: the mean less 1.64 standard errors of the games' scores must be above it. Where the
        games' scores are not on the card, the mean itself must.
        """
        if self.mean is None or yardstick is None:
            return None
        error = 0.0
        if len(self.scores) > 1:
            error = statistics.stdev(self.scores) / math.sqrt(len(self.scores))
        return self.mean - 1.64 * error > yardstick

    @property
    def better_than_random(self) -> bool | None:
        """Whether the agent is better than random play; None where that is unknown."""
        return self.better_than(self.random)

    @property
    def better_than_constant(self) -> bool | None:
        """Whether the agent is better than the best constant action; None where that is unknown."""
        return self.better_than(self.constant)


@dataclass(frozen=True)
class Measurement(_Compared):
    """A mean score over whole games, unclipped: how many, under what protocol, and each game's.

    random, constant: what random play and the best constant action (``constant_action``, ALE's name) score under the
    same protocol.
    """

    mean: float
    episodes: int
    protocol: str
    scores: tuple[float, ...] = ()
    random: float | None = None
    constant: float | None = None
    constant_action: str = ""


@dataclass(frozen=True)
class Scores(_Compared):
    """The agent's score beside the game's yardsticks, and what it scored under other protocols (``also``)."""

    mean: float | None = None
    episodes: int = 0
    protocol: str = ""
    scores: tuple[float, ...] = ()
    random: float | None = None
    constant: float | None = None
    constant_action: str = ""
    human: float | None = None
    human_source: str = ""
    also: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class Training:
    """How the agent came to be.

    steps: agent steps (not emulator frames). minutes: by the clock. hours: machine hours, of one core. command, commit:
    what was run, and the commit of this project that ran it. library: what computed, "PyTorch 2.13.0". settings:
    hyperparameters as they were.
    """

    method: str = ""
    teacher: str = ""
    steps: int | None = None
    minutes: float | None = None
    hours: float | None = None
    seed: int | None = None
    command: str = ""
    commit: str = ""
    library: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """An agent's card, checked: see the module and the parts' docstrings for the keys."""

    format: int
    algorithm: str
    game: str
    run: int
    network: NetworkSpec
    preprocessing: PreprocessingSpec
    actions: ActionSpec
    weights: WeightsSpec
    tag: str = ""
    title: str = ""
    description: str = ""
    credit: str = ""
    licence: str = ""
    url: str = ""
    training: Training = field(default_factory=Training)
    scores: Scores = field(default_factory=Scores)
    golden: GoldenSpec | None = None

    @property
    def id(self) -> str:
        """``algorithm/Game/run`` and ``@tag`` where there is one."""
        return f"{self.algorithm}/{self.game}/{self.run}" + (f"@{self.tag}" if self.tag else "")

    @property
    def algorithm_title(self) -> str:
        """The algorithm as people write it: "Ape-X" for ``apex``."""
        return ALGORITHM_TITLES.get(self.algorithm, self.algorithm)

    @property
    def frames(self) -> int | None:
        """Emulator frames that the agent was trained on, None where the card does not say."""
        steps = self.training.steps
        return None if steps is None else steps * self.preprocessing.frame_skip

    @property
    def full_title(self) -> str:
        """The title, or one made of the parts: "PPO · Space Invaders · run 1", "PPO initial · …" of an earlier stage:
        what tells agents apart comes first, for panels cut titles off where they are narrow."""
        return self.title or " · ".join((*self._kind, f"run {self.run}"))

    def titled(self, name: str) -> str:
        """A title for a file of which nobody knows which run it is: "mine · PPO · Space Invaders"."""
        name = " ".join("".join(letter for letter in name if letter.isprintable()).split())[:40]
        return " · ".join((name, *self._kind))

    @property
    def _kind(self) -> tuple[str, str]:
        game = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.game)
        return f"{self.algorithm_title} {self.tag}".strip(), game

    @classmethod
    def read(cls, path: Path) -> "Card":
        """Read and check a card. Raises ZooError."""
        try:
            if path.stat().st_size > MAX_CARD_BYTES:
                raise ZooError(f"{path} is not a valid card: it is larger than {MAX_CARD_BYTES >> 20} MiB.")
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ZooError(f"The card {path} cannot be read: {reason}.") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, source: str = "The card") -> "Card":
        """Check a card's text; ``source`` names it in errors. Raises ZooError."""
        try:
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise ZooError(f"{source} is not a valid card: {str(error) or 'too deeply nested'}.") from error
        card = tables.build(cls, _with_preset(table, source), "", source)
        fault = card_rules.fault(card)
        if fault:
            raise ZooError(f"{source} is not a valid card: {fault}.")
        return card

    def to_toml(self) -> str:
        """The card's text: ``parse`` of it gives an equal card."""
        preprocessing = tables.dump(self.preprocessing, full=True)  # spelt out: readers must not guess defaults
        return tables.toml(tables.dump(self) | {"preprocessing": preprocessing})

    def replaced(self, **changes: Any) -> "Card":
        """A copy with other values; not checked again."""
        return dataclasses.replace(self, **changes)


def _with_preset(table: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    """The card's table with ``preprocessing.preset``, a named pipeline, spelt out; keys beside it change it."""
    own = table.get("preprocessing")
    if not isinstance(own, Mapping) or "preset" not in own:
        return table
    try:
        named = presets_preprocessing.named(str(own["preset"]))
    except ZooError as error:
        raise ZooError(f"{source} is not a valid card: {error}") from error
    spelt = tables.dump(named) | {key: value for key, value in own.items() if key != "preset"}
    return {**table, "preprocessing": spelt}
