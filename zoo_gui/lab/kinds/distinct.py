"""Which algorithm played this state? The question of Such et al. 2019 (S1.3), as they asked it and as it should be.

Rollouts are cells, and so is each training of a classifier. A training needs the rollouts' frames: a process that has
not played them plays them, so that what a cell gives depends on its settings alone.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from zoo_gui.analysis import classifier
from zoo_gui.analysis.classifier import Training
from zoo_gui.analysis.contestants import algorithm_title
from zoo_gui.analysis.distinct_record import FAIR, PAPER, TITLES, Distinct, Trial
from zoo_gui.lab.experiment import KINDS, Cell, Experiment, Results
from zoo_gui.lab.players import named, player_of
from zoo_gui.naming import listed
from zoo_gui.play import games
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.player import Player
from zoo_gui.registry import unknown
from zoo_gui.types import Progress, ZooError

PROTOCOLS = (PAPER, FAIR, "both")
CLASSES = ("algorithm", "agent")
KEPT = 128
"""Rollouts in memory: 2,500 frames of 42×42, twice, are 9 MB."""
PLAY, TRAIN, PREPROCESSING = "play", "train", "preprocessing"
LARGEST = 210


@dataclass(frozen=True)
class DistinctSettings:
    """protocol: ``paper``, ``fair`` or ``both``. steps: agent steps of each rollout. every: which frames count, 1: all.
    size: pixels a side, to which frames are shrunk by areas; 84 is the paper's, whose hidden layer then has 26 million
    weights. epochs, batch: of the training. held_out: the share of frames that the paper's protocol holds out. classes:
    ``algorithm`` (agents of one algorithm are its runs) or ``agent``. controls: whether to train on shuffled labels and
    on random play as well. sticky, game: as of the agents where nothing is said."""

    protocol: str = "both"
    steps: int = 2500
    every: int = 1
    size: int = 42
    epochs: int = 1
    batch: int = classifier.BATCH
    held_out: float = 0.2
    classes: str = "algorithm"
    controls: bool = True
    sticky: float | None = None
    game: str = ""

    def __post_init__(self):
        for name, known in (("protocol", PROTOCOLS), ("classes", CLASSES)):
            if getattr(self, name) not in known:
                raise unknown(name, getattr(self, name), known)
        if min(self.steps, self.every, self.epochs, self.batch) < 1 or not 0.0 < self.held_out < 1.0:
            raise ZooError("steps, every, epochs and batch must be 1 or more, and held_out a share between 0 and 1.")
        if not classifier.SMALLEST <= self.size <= LARGEST or not 0.0 <= (self.sticky or 0.0) < 1.0:
            raise ZooError(f"size must be {classifier.SMALLEST} to {LARGEST} pixels, and sticky a probability from 0 "
                           "to below 1.")  # fmt: skip

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols that are asked for."""
        return (PAPER, FAIR) if self.protocol == "both" else (self.protocol,)


@KINDS.register("distinct")
class DistinctKind:
    """``zoo-gui distinct``: agents × seeds rollouts, then a training for each protocol, fold and control."""

    settings = DistinctSettings
    version = 1

    def cells(self, experiment: Experiment) -> list[Cell]:
        asked = experiment.settings
        players = _players(experiment)
        folds = max(len(experiment.seeds), 1 + max(player["run"] for player in players))
        if FAIR in asked.protocols and len(experiment.seeds) < 2:
            raise ZooError("The fair protocol holds whole games out: give two seeds or more, or --protocol paper.")
        told = {key: value for key, value in asdict(asked).items() if key not in ("protocol", "classes", "controls")}
        played = {key: told[key] for key in ("steps", "every", "size", "sticky")}
        plays = [Cell("distinct", f"{player['agent']} · seed {seed}",
                      {"part": PLAY, **_who(player), **played, "seed": seed})
                 for player in players for seed in experiment.seeds]  # fmt: skip
        trials = [(name, fold) for name in asked.protocols for fold in range(folds if name == FAIR else 1)]
        if asked.controls:
            trials += [(f"{name}, shuffled", 0) for name in asked.protocols]
            trials += [(PREPROCESSING, 0)] if FAIR in asked.protocols else []
        told |= {"part": TRAIN, "players": players, "seeds": list(experiment.seeds)}
        return plays + [Cell("distinct", f"{name} · fold {fold}" if name == FAIR else name,
                             {**told, "trial": name, "fold": fold}) for name, fold in trials]  # fmt: skip

    def compute(self, cell: Cell) -> dict[str, np.ndarray]:
        """Of a rollout: own and shared (N, h, w) uint8, its frames by the agent's own preprocessing and by the one for
        all; episode (N,) int64; scores (E,) float64 of complete games. Of a training: truth, guess (M,) int64, player
        and seed (M,) of each frame held out; trained (), copies ()."""
        asked = cell.settings
        if asked["part"] == PLAY:
            return dict(_frames(asked, asked["seed"], asked))
        return _trained(asked)

    def result(self, experiment: Experiment, cells: Sequence[Cell], results: Results) -> Iterator[Progress]:
        asked = experiment.settings
        players = _players(experiment)
        classes = tuple(dict.fromkeys(player["class"] for player in players))
        trials = []
        for name in TITLES:
            folds = [results[cell] for cell in cells if cell.settings.get("trial") == name and cell in results]
            if folds:
                trials.append(_joined(name, folds, len(classes), len(experiment.seeds)))
        if not trials:
            raise ZooError("No training of this experiment is finished: run it again.")
        told = {**asdict(asked), "agents": len(players), "seeds": len(experiment.seeds)}
        record = Distinct(games.title(games.find(players[0]["game"])), classes, tuple(trials), told)
        yield Progress(len(cells), len(cells), "classifiers", record)


def _players(experiment: Experiment) -> list[dict[str, Any]]:
    """Each agent with what ``named`` says, and: class (its name), label (0, 1, …), run (which of the class's agents).
    Raises ZooError: of different games, or of one class."""
    from zoo_gui.agents import catalogue

    asked = experiment.settings
    found: list[dict[str, Any]] = []
    for agent in experiment.agents:
        entry = catalogue.find(agent)
        who = named(agent)
        name = agent
        if asked.classes == "algorithm":
            name = algorithm_title(f"{entry.algorithm}@{entry.tag}" if entry.tag else entry.algorithm)
        found.append({**who, "game": games.identity(asked.game or who["game"]), "class": name})
    if len(played := dict.fromkeys(player["game"] for player in found)) > 1:
        raise ZooError(f"{listed(played)} are different games, which any frame tells apart: name agents of one "
                       "game.")  # fmt: skip
    names = list(dict.fromkeys(player["class"] for player in found))
    if len(names) < 2:
        raise ZooError(f"All of these are {names[0]}: name agents of two algorithms or more, or tell agents apart (the "
                       "setting classes = \"agent\").")  # fmt: skip
    counts = dict.fromkeys(names, 0)
    for player in found:
        player |= {"label": names.index(player["class"]), "run": counts[player["class"]]}
        counts[player["class"]] += 1
    return found


def _who(player: Mapping[str, Any]) -> dict[str, Any]:
    return {key: player[key] for key in ("agent", "agent_hash", "game")}


def _joined(name: str, folds: Sequence[Mapping[str, np.ndarray]], classes: int, seeds: int) -> Trial:
    columns = {key: np.concatenate([fold[key] for fold in folds]) for key in ("truth", "guess", "player", "seed")}
    game = columns["player"] * seeds + columns["seed"]
    return Trial(name, columns["truth"], columns["guess"], game, tuple(int(fold["trained"]) for fold in folds),
                 float(np.mean([fold["copies"] for fold in folds])), classes)  # fmt: skip


# -- frames -----------------------------------------------------------------------------------------------------------
def _frames(
    who: Mapping[str, Any], seed: int, how: Mapping[str, Any], chance: bool = False
) -> Mapping[str, np.ndarray]:
    """A rollout's frames, from memory where this process has played it. chance: random play, seen by the agent."""
    return _play(who["agent"], who["agent_hash"], who["game"], seed, how["steps"], how["every"], how["size"],
                 how["sticky"], chance)  # fmt: skip


@functools.lru_cache(KEPT)
def _play(agent: str, agent_hash: str, game: str, seed: int, steps: int, every: int, size: int, sticky: float | None,
          chance: bool) -> Mapping[str, np.ndarray]:  # fmt: skip
    network = player_of({"agent": agent, "agent_hash": agent_hash})
    player = Player(Emulator(game), network, seed=seed, sticky=sticky, controller="random" if chance else None)
    own, shared, episodes, scores = [], [], [], []
    for index in range(steps):
        step = player.step(pictures=index % every == 0)
        if index % every == 0:
            shared.append(on_screen(step.frame, size))
            own.append(shared[-1] if network is None else newest(step.observation, network.card.preprocessing, size))
            episodes.append(step.episode)
        if step.done:
            scores.append(step.episode_return + step.reward)
    return {"own": np.stack(own), "shared": np.stack(shared), "episode": np.array(episodes),
            "scores": np.array(scores, float)}  # fmt: skip


def on_screen(frame: np.ndarray, size: int) -> np.ndarray:
    """(size, size) uint8: a screen (H, W, 3) in grey, shrunk by areas: the one preprocessing for all."""
    import cv2

    return cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (size, size), interpolation=cv2.INTER_AREA)


def newest(observation: np.ndarray, spec: Any, size: int) -> np.ndarray:
    """(size, size) uint8: the newest frame of an observation (h, w, C), oldest first, its colours averaged, its range
    brought to 0–255, shrunk by areas. The paper's own program took the first channel, which is the oldest frame."""
    import cv2

    channels = observation.shape[-1]
    depth = channels // spec.stack if channels % spec.stack == 0 else channels
    frame = observation[..., channels - depth :].astype(np.float32).mean(-1)
    low, high = spec.observation_range
    if (low, high) != (0.0, 255.0):
        frame = (frame - low) * (255.0 / (high - low))
    frame = cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


# -- trainings --------------------------------------------------------------------------------------------------------
def _trained(asked: Mapping[str, Any]) -> dict[str, np.ndarray]:
    name, fold, players = asked["trial"], asked["fold"], asked["players"]
    protocol, _, control = name.partition(", ")
    kind = "shared" if protocol == FAIR else "own"
    parts, facts = [], []
    for place, player in enumerate(players):
        for number, seed in enumerate(asked["seeds"]):
            found = _frames(player, seed, asked, chance=name == PREPROCESSING)[kind]
            parts.append(found)
            facts.append(np.tile([player["label"], player["run"], place, number], (len(found), 1)))
    frames, (labels, runs, place, seeds) = np.concatenate(parts), np.concatenate(facts).T
    rng = np.random.default_rng([fold, *TITLES[name].encode()])
    if protocol == PAPER:
        chosen = classifier.evened(labels, rng)
        train, test = (chosen[part] for part in classifier.at_random(len(chosen), asked["held_out"], rng))
    else:
        train, test = classifier.by_game(labels, runs, seeds, fold)
        train, test = (part[classifier.evened(labels[part], rng)] for part in (train, test))
    told = rng.permutation(labels[train]) if control else labels[train]
    how = Training(asked["epochs"], asked["batch"], fold)
    guess = classifier.classified(frames[train], told, frames[test], int(labels.max()) + 1, how)
    return {"truth": labels[test], "guess": guess, "player": place[test], "seed": seeds[test],
            "trained": np.int64(len(train)), "copies": np.float64(classifier.copies(frames[train], frames[test]))}
