"""From a checkpoint, its path and a person's choices to everything that a card says: the steps of the inference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo_gui.agents import presets
from zoo_gui.agents.formats import Checkpoint
from zoo_gui.agents.inference import actions, arrays, copies, naming, observation, overrides, roles, structure, told
from zoo_gui.agents.inference.board import Board
from zoo_gui.agents.inference.builder import Choices
from zoo_gui.agents.inference.geometry import Fit, Move, Pool
from zoo_gui.agents.inference.naming import Clue, Clues
from zoo_gui.agents.inference.wiring import Wiring, wire
from zoo_gui.agents.network_spec import LayerSpec, NetworkSpec
from zoo_gui.agents.preprocessing_spec import PreprocessingSpec
from zoo_gui.types import ZooError

NO_PRESET = "none"
"""The choice of ``preset`` that says that none fits."""
TORCH_LIKE = ("pytorch", "theano")
"""Conventions of frameworks that pad by numbers of zeros and flatten maps as C, H, W."""


@dataclass
class Deduced:
    """What was found out. network, preprocessing: None where they could not be. names: {our array: the file's}."""

    board: Board
    clues: Clues
    game: str = ""
    algorithm: str = ""
    run: int = 1
    network: NetworkSpec | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    convention: str = ""
    input: observation.Input | None = None
    preprocessing: PreprocessingSpec | None = None
    action_names: tuple[str, ...] = ()
    rule: str = ""
    epsilon: float = 0.0
    unused: Mapping[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    refused: str = ""


def deduce(path: Path, checkpoint: Checkpoint, choices: Mapping[str, Any]) -> Deduced:
    """All that can be said of a file. Never raises for what the file holds, only for a choice that makes no sense."""
    clues = naming.clues(path, checkpoint.facts)
    board, preset = _board(path, checkpoint, choices)
    result = Deduced(board, clues, remarks=list(checkpoint.remarks))
    environment = "-v".join(map(str, clues.environments[0].value)) if clues.environments else ""
    games = [clue.value for clue in clues.games]
    early = choices.get("game") or (preset.tables.get("game") if preset else None) or (games[0] if games else "")
    if preset:
        known = {"game": _identity(early), "environment": environment}
        board.settled = preset.settled(checkpoint, path, **known)
        result.refused = preset.refuse
        result.remarks += [preset.remark] if preset.remark else []
    _name(result)
    found = _network(result, path, checkpoint)
    _algorithm(result)
    if preset and found:
        board.settled = preset.settled(checkpoint, path, **known, outputs=found)
    _actions(result, checkpoint, found)
    _observation(result, checkpoint)
    return result


def _identity(game: Any) -> str:
    if not game:
        return ""
    try:
        return naming.game_identity(str(game))
    except ZooError:
        return ""


def _board(path: Path, checkpoint: Checkpoint, choices: Mapping[str, Any]) -> tuple[Board, presets.Preset | None]:
    """The board, with the best preset that recognises the file or the one that was chosen."""
    found = presets.matches(checkpoint, path)
    board = Board(choices)
    chosen = choices.get("preset")
    if chosen is not None and chosen != NO_PRESET:
        found = presets.chosen(str(chosen), found)
    preset, sure = found[0] if found and chosen != NO_PRESET else (None, 0.0)
    why = "its format, names and shapes are those of {}"
    clues = [Clue(each.name, figure, why.format(each.title)) for each, figure in found]
    if clues or chosen is not None:
        board.decide("preset", clues)
    board.preset, board.sure = (preset.name, sure) if preset else ("", 0.0)
    return board, preset


def _name(result: Deduced) -> None:
    """Game, algorithm and run."""
    board, clues = result.board, result.clues
    games = list(clues.games)
    given = board.settled.get("game")
    if given and games and "game" not in board.choices:  # a path that names a game knows better than a preset
        board.settled = {key: value for key, value in board.settled.items() if key != "game"}
        games.append(Clue(given, board.confidence("game") * 0.5, f"preset {board.preset}"))
    game = board.decide("game", games, needed=True)
    if game is not None:
        result.game = naming.game_identity(str(game))
        board.guesses["game"] = replace(board.guesses["game"], value=result.game)
    result.algorithm = str(board.decide("algorithm", clues.algorithms) or "")
    result.run = int(board.decide("run", [*clues.runs, Clue(1, 0.5, "nothing says which run it is")]) or 0)


def _algorithm(result: Deduced) -> None:
    """Where nothing names the algorithm: the plainest that has such outputs."""
    if result.algorithm or result.network is None:
        return
    layers = result.network.layers
    kinds = {layer.kind for layer in layers}
    spread = next((layer for layer in layers if layer.kind == "expectation"), None)
    if any(layer.role == "q" for layer in layers):
        name = "dueling" if "dueling" in kinds else "dqn"
        if spread or "cosine" in kinds:
            name = "iqn" if "cosine" in kinds else "c51" if spread.support else "qrdqn"
    else:
        name = "a2c" if any(layer.role == "value" for layer in layers) else "reinforce"
    why = "the plainest algorithm with such outputs; it only names the agent"
    result.algorithm = str(result.board.decide("algorithm", [Clue(name, 0.5, why)]))


def _network(result: Deduced, path: Path, checkpoint: Checkpoint) -> int:
    """The network and its arrays; returns the number of actions, 0 where there is no network."""
    result.convention = checkpoint.convention
    if checkpoint.network is not None:
        return _told(result, path, checkpoint)
    found = arrays.find(checkpoint.arrays, checkpoint.convention)
    kept, doubles = copies.choose(found.modules, checkpoint.arrays)
    result.convention = str(result.board.choices.get("weights.convention", found.convention))
    result.unused = {**found.left_out, **doubles}
    if not kept:
        result.remarks.append("No array in it looks like a layer's weights.")
        return 0
    wiring = wire(kept)
    heads = _heads(result, wiring, path, checkpoint)
    fit = _fit(result, wiring, checkpoint)
    faults = list(wiring.faults)
    if heads is None or (wiring.towers and fit is None):
        result.remarks += faults + ([] if heads else ["No layer in it could choose an action."])
        return heads.actions if heads else 0
    framework = _framework(checkpoint, result.convention)
    shapes = {name: array.shape for name, array in checkpoint.arrays.items()}
    layers, names = structure.build(wiring, heads, fit, _choices(result, heads, framework, checkpoint), shapes)
    used = {name for each in names.values() for name in ((each,) if isinstance(each, str) else each)}
    rest = {name: "no layer of the agent reads it" for m in kept for name in m.arrays if name not in used}
    result.unused = {**result.unused, **rest}
    if faults:
        result.remarks += [f"{fault}." for fault in faults]
        if any(fault.split(" reads ")[0] in (heads.action, heads.value) for fault in faults):
            return heads.actions
    _spec(result, layers, names, wiring, fit)
    return heads.actions


def _heads(result: Deduced, wiring: Wiring, path: Path, checkpoint: Checkpoint) -> roles.Heads | None:
    """What the last layers mean; the guess is called ``outputs``."""
    board = result.board
    targets = (name for name in result.unused if "target" in name.lower())
    text = " ".join([*map(str, checkpoint.facts.get("classes", ())), *targets, path.name])
    keys = {"algorithm": result.algorithm, "known_actions": actions.counts(result.game), "text": text}
    guess = roles.decide(wiring.sinks, **keys)
    if guess is None:
        return None
    kinds = {"policy": ("q",), "q": ("policy",), "dueling": ("policy",), "sigmoid": ()}[guess.kind]
    if guess.value and guess.kind == "policy":
        kinds += ("dueling",)
    clues = [Clue(guess.kind, guess.confidence, guess.reason)]
    clues += [Clue(kind, (1.0 - guess.confidence) / len(kinds), "the other possibility") for kind in kinds]
    kind = board.decide("outputs", clues)
    if kind not in ("policy", "q", "dueling", "sigmoid"):
        raise ZooError(f"There is no kind of outputs “{kind}”: it is policy, q, dueling or sigmoid.")
    return guess if kind == guess.kind else roles.decide(wiring.sinks, **keys, kind=kind)


def _fit(result: Deduced, wiring: Wiring, checkpoint: Checkpoint) -> Fit | None:
    """How the convolutions move; the guess is called ``geometry``."""
    if not wiring.towers:
        return None
    board = result.board
    torch = _framework(checkpoint, result.convention) == "pytorch"
    size = board.choices.get("preprocessing.size") or board.given("network.size")
    sizes = {tuple(int(side) for side in size): 1.0} if size else None
    modules = checkpoint.facts.get("modules", {})
    known = _given_moves(board, len(wiring.towers[structure.trunk(wiring)]), torch)
    fits = structure.movements(wiring, modules, torch, sizes, known)
    fits = fits or structure.movements(wiring, modules, torch, sizes)
    if not fits:
        size_text = f" of {size[0]}×{size[1]}" if size else ""
        result.remarks.append(f"No usual strides and paddings fit its layers to each other and to an input{size_text}.")
        return None
    total = sum(fit.prior for fit in fits)
    sure = 0.98 if _told_all(fits[0], checkpoint) else 0.97
    clues = [Clue(str(fit), sure * fit.prior / total, "its arrays' shapes fit") for fit in fits[:24]]
    if known or board.given("network.size"):
        sure = max(clues[0].confidence, 0.95 * board.sure)
        clues[0] = replace(clues[0], confidence=sure, reason=f"preset {board.preset}")
    chosen = board.decide("geometry", clues, needed=True)
    fit = next((fit for fit in fits if str(fit) == chosen), None)
    if fit is None:
        known = "; ".join(str(fit) for fit in fits[:6])
        raise ZooError(f"“{chosen}” does not fit the file's layers; these do: {known}.")
    return fit


def _told_all(fit: Fit, checkpoint: Checkpoint) -> bool:
    return bool(checkpoint.facts.get("modules"))


def _given_moves(board: Board, count: int, torch: bool) -> list[Move]:
    """How the preset says that the convolutions move: stride, a list; padding, one for all or a list; pool, the size of
    a max pooling behind each, or a list. Empty where it does not say it, or of another number of convolutions."""
    stride, padding, pool = (board.given(f"network.{key}") for key in ("stride", "padding", "pool"))
    if stride is None or padding is None or len(stride) != count:
        return []
    paddings = padding if isinstance(padding, list) else [padding] * count
    sizes = pool if isinstance(pool, list) else [pool or 0] * count
    pools = [Pool(size, size, 0 if torch else "VALID") if size else None for size in sizes]
    return [Move(*move) for move in zip(stride, paddings, pools)] if len(paddings) == len(sizes) == count else []


def _framework(checkpoint: Checkpoint, convention: str) -> str:
    if observation.is_flax(checkpoint):
        return "flax"
    return "pytorch" if convention in TORCH_LIKE else "tensorflow"


def _choices(result: Deduced, heads: roles.Heads, framework: str, checkpoint: Checkpoint) -> Choices:
    """Non-linearities and what else no array says."""
    board = result.board
    classes = " ".join(str(entry.get("class", "")) for entry in checkpoint.facts.get("modules", {}).values()
                       if isinstance(entry, Mapping))  # fmt: skip
    named = {"ELU": "elu", "LeakyReLU": "leaky_relu", "Tanh": "tanh", "SELU": "selu", "GELU": "gelu", "SiLU": "silu"}
    found = [theirs for theirs in named if theirs in classes.split()]
    usual = [Clue(named[theirs], 0.9, f"its modules include {theirs}") for theirs in found]
    usual.append(Clue("relu", 0.97 if "ReLU" in classes.split() else 0.85, "rectified units are usual"))
    convs = board.decide("network.convs", usual)
    hidden = board.decide("network.hidden", [Clue(convs, 0.85, "as after the convolutions")])
    support = (-10.0, 10.0)
    if heads.categorical:
        low, high = (next((float(v) for k, v in _values(checkpoint) if k.lower().replace("_", "") == name), None)
                     for name in ("vmin", "vmax"))  # fmt: skip
        told = _support(checkpoint, heads.atoms)
        if None not in (low, high) and low < high:
            told = Clue((low, high), 0.97, "the file says v_min and v_max")
        spread = [Clue((-10.0, 10.0), 0.8, "returns from −10 to 10 are usual")]
        support = tuple(float(end) for end in board.decide("network.support", spread, told=told))
    keys = {key: board.given(f"network.{key}") for key in ("first", "centre", "atoms_first", "slope")}
    alpha = [array for name, array in checkpoint.arrays.items() if re.search(r"prelu.*alpha", name) and array.size == 1]
    if hidden == "leaky_relu" and alpha:  # tensorpack's PReLU learns one slope for a whole layer
        keys["slope"] = float(alpha[0].reshape(-1)[0])
    keys = {key: value for key, value in keys.items() if value is not None}
    return Choices(convs, hidden, support, framework, **keys)


def _support(checkpoint: Checkpoint, atoms: int) -> Clue | None:
    """The returns that a buffer of the network lists: evenly spaced, as many as atoms."""
    for name, array in checkpoint.arrays.items():
        marks = {"support", "supports", "atoms", "z"} & set(arrays.words(name))
        if marks and array.size == atoms > 1:
            low, high = float(array.reshape(-1)[0]), float(array.reshape(-1)[-1])
            if low < high and np.allclose(array.reshape(-1), np.linspace(low, high, atoms), atol=1e-4 * (high - low)):
                return Clue((low, high), 0.97, f"its array {name} lists the returns")
    return None


def _values(checkpoint: Checkpoint) -> list[tuple[str, float]]:
    """Numbers that the file holds beside arrays."""
    tables = [checkpoint.facts, checkpoint.facts.get("values", {})]
    return [(str(key), value) for table in tables if isinstance(table, Mapping) for key, value in table.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)]  # fmt: skip


def _spec(
    result: Deduced, layers: tuple[LayerSpec, ...], names: Mapping[str, str], wiring: Wiring, fit: Fit | None
) -> None:
    """Enter the network with what holds for all its layers, and the size that fits it."""
    torch = result.convention in TORCH_LIKE
    board = result.board
    order = "CHW" if torch else "HWC"
    why = "PyTorch and Chainer keep channels first" if torch else "TensorFlow, Keras and Flax keep channels last"
    flatten = board.decide("network.flatten", [Clue(order, 0.93, why), Clue("HWC" if torch else "CHW", 0.05, "rare")])
    frames = [Clue("oldest-first", 0.85 if torch else 0.75, "most stack the newest frame last")]
    tower = wiring.towers.get(structure.trunk(wiring))
    channels = tower[0].module.inputs if tower else 0
    frame_order = "oldest-first"
    if channels not in (0, 1, 3):  # of one frame there is no order
        frame_order = board.decide("network.frame_order", [*frames, Clue("newest-first", 0.15, "some put it first")])
    scales = [Clue((0.0, 1.0), 0.85, "most divide by 255"), Clue((0.0, 255.0), 0.1, "some feed bytes as they are")]
    scales += [Clue((-1.0, 1.0), 0.03, "some centre them"), Clue((-0.5, 0.5), 0.02, "some centre them")]
    low, high = board.decide("network.input_range", scales)
    result.network = NetworkSpec(layers, flatten, (float(low), float(high)), frame_order)
    result.names = overrides.names(names, board.choices)
    result.network = replace(result.network, layers=overrides.layers(layers, board.choices))
    vector = 0 if tower else wiring.vectors[0].module.inputs
    result.input = observation.Input(fit.size if fit else None, channels, vector)


def _told(result: Deduced, path: Path, checkpoint: Checkpoint) -> int:
    """A network that the file itself describes; only what it does not say is guessed."""
    result.network, result.input, count = told.complete(
        result.board, checkpoint, result.algorithm, path.name
    )
    result.names = overrides.names(checkpoint.names, result.board.choices)
    return count


def _epsilons(checkpoint: Checkpoint) -> list[Clue]:
    told = checkpoint.facts.get("epsilon")
    said = [Clue(float(told), 0.9, "the file says how exploration ended")] if isinstance(told, float) else []
    return [*said, Clue(0.01, 0.6, "a usual value in evaluation")]


def _actions(result: Deduced, checkpoint: Checkpoint, count: int) -> None:
    """Names of the outputs, and how an action is picked."""
    board, network = result.board, result.network
    if not result.game and count:
        board.guesses["game"] = replace(board.guesses["game"], alternatives=actions.games_with(count))
    found = actions.candidates(result.game, count) if count else []
    names = board.decide("actions.names", found, needed=True)
    result.action_names = tuple(names) if isinstance(names, (list, tuple)) else tuple(str(names or "").split())
    is_q = network is not None and any(layer.role == "q" for layer in network.layers)
    if is_q:
        rules = [Clue("argmax", 0.7, "Q-values: the best action"), Clue("epsilon", 0.3, "or now and then a random one")]
    else:
        rules = [Clue("sample", 0.7, "a policy is usually sampled from"), Clue("argmax", 0.3, "or its likeliest taken")]
    told = checkpoint.facts.get("rule")
    if told in ("sample", "argmax", "epsilon"):
        rules = [Clue(told, 0.95, "as its family is played"), *(clue for clue in rules if clue.value != told)]
    result.rule = str(board.decide("actions.rule", rules))
    if result.rule == "epsilon":
        result.epsilon = float(board.decide("actions.epsilon", _epsilons(checkpoint)))


def _observation(result: Deduced, checkpoint: Checkpoint) -> None:
    """The observation pipeline."""
    if result.input is None:
        return
    if result.input.is_small:
        result.remarks.append(
            f"It reads {result.input.vector} numbers, which are no screen: only agents that see an Atari game can play."
        )
    result.preprocessing = observation.pipeline(result.board, result.input, result.clues, checkpoint)
    told = {"network.input_range"} & set(result.board.choices) or result.board.given("network.input_range")
    if result.preprocessing and result.preprocessing.running is not None and not told:
        why = "what is normalised is not scaled again"
        result.board.decide("network.input_range", [Clue((0.0, 255.0), 0.9, why)])
        result.network = replace(result.network, input_range=(0.0, 255.0))
