"""From a run to an animal of the zoo: float16 weights, card, log and earlier stages, evaluated, in resources/agents.

Nothing is exported unproven: the animal, loaded as everyone loads it (TensorFlow), must compute what the trained
network computes with the same float16 weights, or no file is left.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np
import torch

import zoo_table
from training import animals, baselines, clips, networks
from training.envs import FRAME_SKIP, LONGEST_GAME, AtariEnvs
from training.evaluate import Evaluation, Policy, evaluate
from training.learner import Learner
from training.run import ROOT, Run, load
from zoo_gui.agents import catalogue
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import CARD_FILE, ActionSpec, Card, Measurement, NetworkSpec, PreprocessingSpec, Scores
from zoo_gui.agents.card import Training
from zoo_gui.agents.catalogue import FINAL
from zoo_gui.agents.logs import CHECKPOINTS_FILE, LOG_FILE
from zoo_gui.types import ZooError

AGENTS, DOCS = ROOT / "resources" / "agents", ROOT / "docs"
STICKY = 0.25
OBSERVATIONS = 64
TOLERANCE = 1e-4
"""Of the largest number that a layer gives: float32 sums in another order differ by a tenth of this."""
FILE_BUDGET, ZOO_BUDGET = 4_000_000, 60_000_000


@dataclass(frozen=True)
class Exported:
    """What an export made. warnings: sentences."""

    card: Card
    tags: tuple[str, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        stages = f", earlier stages {', '.join(self.tags)}" if self.tags else ""
        return " ".join([f"{self.card.id} scores {self.card.scores.mean:.1f}{stages}.", *self.warnings])


def export(
    run: Run,
    *,
    tags: Sequence[str] | None = None,
    episodes: int = 30,
    tag_episodes: int = 10,
    unfinished: bool = False,
    agents: Path = AGENTS,
    docs: Path | None = DOCS,
) -> Exported:
    """Put a finished run into ``agents``, in place of what was there under its id. Raises ZooError.

    tags: the earlier stages to keep, by default all. episodes, tag_episodes: games of each evaluation, of the last
    agent and of an earlier stage. unfinished: also take a run that has not reached its end, and say so. docs: where the
    clip and the table of the zoo go, or None for neither.
    """
    if not run.facts["finished"] and not unfinished:
        raise ZooError(f"{run.folder} is not finished: go on with “{run.facts['command']}”, then export it.")
    if run.busy():
        raise ZooError(f"{run.folder} is being trained: export it when that is done or stopped.")
    baselines.read(run.game)  # said now, where it has none, and not after all games were played
    tagged = {name: load(path) for name, path in run.tags().items()}
    kept = [name for name in tagged if name != FINAL] if tags is None else list(tags)
    for name in kept:
        if name not in tagged or name == FINAL:
            raise ZooError(f"{run.folder} has no earlier stage “{name}”: choose from {', '.join(tagged)}.")
    target = agents / run.algorithm / run.game / str(run.settings.seed)
    with tempfile.TemporaryDirectory(dir=run.folder, prefix="export-") as staging:
        animal = Path(staging) / "animal"
        card = make(run, run.learner(FINAL if FINAL in tagged else None), "", animal, episodes)
        for name in kept:
            make(run, run.learner(name), name, animal / name, tag_episodes, tagged[name])
        write_history(run, tagged, kept, animal)
        if docs is not None:
            clips.illustrate(animal, docs / zoo_table.IMAGES)
        replace(target, animal, Path(staging) / "before")
    if docs is not None:
        zoo_table.write(agents, docs)
    return Exported(card, tuple(kept), tuple(over_budget(target, agents.parent)))


def make(
    run: Run, learner: Learner, tag: str, folder: Path, episodes: int, stage: Mapping[str, Any] | None = None
) -> Card:
    """Write one agent with its card, prove it, evaluate it. stage: steps and seconds of an earlier one."""
    arrays = half(learner.network)
    channels, height, width = learner.observation_shape
    spec = describe(learner)
    card = animals.write(
        folder, animals.convert(arrays, spec, (height, width, channels), module_names(arrays)),
        algorithm=run.algorithm, game=run.game, run=run.settings.seed, tag=tag, credit=credit(run),
        licence=animals.LICENCE, network=spec, training=training(run, learner, stage),
        preprocessing=PreprocessingSpec(size=(height, width), stack=channels, max_episode_frames=LONGEST_GAME),
        actions=ActionSpec(tuple(run.facts["action_names"]), learner.rule, learner.epsilon),
    )  # fmt: skip
    prove(folder, learner, observations(learner.policy, run.game))
    measured = scores(learner, run.game, episodes)
    card = card.replaced(scores=measured, description=description(run, learner, measured, tag, stage))
    (folder / CARD_FILE).write_text(card.to_toml(), encoding="utf-8")
    return Card.read(folder / CARD_FILE)


def half(network: torch.nn.Module) -> dict[str, np.ndarray]:
    """The weights as float16; the network goes on with these, so that what is evaluated is what ships."""
    rounded = {name: tensor.detach().half() for name, tensor in network.state_dict().items()}
    network.load_state_dict({name: tensor.float() for name, tensor in rounded.items()})
    return {name: tensor.cpu().contiguous().numpy() for name, tensor in rounded.items()}


def module_names(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """{layer: what the network calls it}: ``conv1`` is ``body.conv1``, ``policy`` itself."""
    modules = {name.rpartition(".")[0] for name in arrays}
    return {module.rpartition(".")[2]: module for module in modules}


def describe(learner: Learner) -> NetworkSpec:
    """The network as data: its body by name, its heads from the weights that it has."""
    convolutions, width = networks.BODIES[learner.settings.network]
    heads = {name: module.out_features for name, module in learner.network.named_children() if name != "body"}
    layers = animals.body_layers(convolutions, width) + animals.head_layers(heads, learner.actions)
    return NetworkSpec(tuple(layers))


def training(run: Run, learner: Learner, stage: Mapping[str, Any] | None) -> Training:
    """How the agent came to be."""
    settings = dataclasses.asdict(run.settings)
    for key in ("seed", "tags", *(("steps",) if run.facts["finished"] else ())):
        del settings[key]  # steps, as they were planned, stay where the run did not get there
    teacher = settings.pop("teacher", "")
    seconds = (stage or run.facts)["seconds"]
    # an earlier stage does not know its processor time: its share of the run's
    share = seconds / run.facts["seconds"] if run.facts["seconds"] else 0.0
    return Training(
        method=learner.title, teacher=teacher, steps=(stage or run.facts)["steps"], minutes=round(seconds / 60, 1),
        hours=round(share * run.facts["cpu_seconds"] / 3600, 3), seed=run.settings.seed, command=run.facts["command"],
        commit=run.facts["commit"], library=library(run), settings=settings,
    )  # fmt: skip


def library(run: Run) -> str:
    """What computed: "PyTorch 2.13.0", with the GPU where there was one."""
    gpu = run.facts.get("gpu")  # runs of before it was noted had none
    return f"{run.facts['library']} on one {gpu}" if gpu else run.facts["library"]


def credit(run: Run) -> str:
    """Whose the agent is; a student owes its skill to its teacher's people too."""
    teacher = getattr(run.settings, "teacher", "")
    theirs = Card.read(catalogue.find(teacher).path) if teacher else None
    if theirs is None or (theirs.credit, theirs.licence) == (animals.CREDIT, animals.LICENCE):
        return animals.CREDIT
    licence = "" if theirs.licence == animals.LICENCE else f" {theirs.licence}"
    return f"{animals.CREDIT} Its teacher, {teacher}: {theirs.credit}{licence}"


def scores(learner: Learner, game: str, episodes: int) -> Scores:
    """Both protocols, each beside its yardsticks."""
    yardsticks = baselines.read(game)
    epsilon = f"ε-greedy with ε {learner.epsilon:g}"
    acting = {"sample": "actions sampled", "argmax": "greedy actions", "epsilon": epsilon}[learner.rule]

    def measured(sticky: float, beside: baselines.Yardstick) -> dict[str, Any]:
        found: Evaluation = evaluate(learner.policy, game, episodes, sticky)
        return dict(
            mean=found.mean, episodes=episodes, protocol=f"{acting}, {found.protocol}",
            scores=found.scores, random=beside.random, constant=beside.constant, constant_action=beside.action,
        )  # fmt: skip

    sticky = Measurement(**measured(STICKY, yardsticks.sticky))
    human = dict(human=yardsticks.human, human_source=yardsticks.human_source)
    return Scores(**measured(0.0, yardsticks.noop), **human, also=(sticky,))


def description(run: Run, learner: Learner, measured: Scores, tag: str, stage: Mapping[str, Any] | None) -> str:
    """What the agent is, in plain words; that it is no better than a player that sees nothing, where that is so."""
    steps, hours = (stage or run.facts)["steps"], run.facts["cpu_seconds"] / 3600
    method = learner.title.partition(";")[0].partition(" (")[0]
    machine = "processor cores beside a GPU" if run.facts.get("gpu") else "one processor core"
    if tag == "initial":
        words = f"The untrained network that a run of {method} on {run.game} began with."
    elif tag:
        words = (
            f"An earlier stage of a run of {method} on {run.game}: after {steps / 1e6:.2f} of "
            f"{run.facts['steps'] / 1e6:.2f} million agent steps."
        )
    else:
        words = (
            f"{method} on {run.game}: a {learner.settings.network} network, {steps / 1e6:.2f} million agent steps, "
            f"{hours:.1f} hours of {machine}."
        )
        if getattr(run.settings, "teacher", ""):
            words += f" A student: it learned to act as {run.settings.teacher} does, and saw no rewards."
        if not run.facts["finished"]:
            words += f" Stopped before its end at {run.settings.steps / 1e6:.2f} million."
    shortfall = animals.shortfall(measured)
    return f"{words} It is {shortfall}." if shortfall else words


def observations(policy: Policy, game: str, count: int = OBSERVATIONS) -> np.ndarray:
    """What the agent sees as it plays: uint8 (count, C, H, W), every 10th observation of 2 games."""
    envs, rng, seen = AtariEnvs(game, 2, seed=0), np.random.default_rng(0), []
    observation = envs.reset()
    while 2 * len(seen) < count:
        for _ in range(10):
            observation = envs.step(policy(observation, rng)).observation
        seen.append(observation)
    return np.concatenate(seen)


def prove(folder: Path, learner: Learner, seen: np.ndarray) -> None:
    """Raise ZooError unless the agent in ``folder`` computes of ``seen`` (N, C, H, W) what the network does."""
    agent = Agent.load(str(folder))
    found = agent.activations(np.ascontiguousarray(seen.transpose(0, 2, 3, 1)))
    layers = {layer.kind: layer.name for layer in agent.layers} | {"fc": "fc"}
    features, scores, value = reference(learner.network, seen)
    wanted = {"fc": features, agent.scores_kind: scores} | ({} if value is None else {"value": value[:, None]})
    for kind, array in wanted.items():
        error = float(np.abs(found[layers[kind]] - array).max())
        if not error <= TOLERANCE * float(np.abs(array).max()):
            raise ZooError(
                f"The exported agent is not the trained one: its layer {layers[kind]} is up to {error:.3g} off on real "
                "observations, so nothing was exported; the conversion in tools/training/animals.py must be mended."
            )


@torch.no_grad()
def reference(network: torch.nn.Module, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Features (N, F), logits or Q (N, A) and the value (N,), if any, by PyTorch in float32 on the processor.

    A network gives (logits, value), logits or Q alone, or quantiles of Q (N, A, K).
    """
    network = copy.deepcopy(network).cpu()
    x = torch.from_numpy(seen)
    with in_float32():
        features, out = network.body(x), network(x)
    scores, value = out if isinstance(out, tuple) else (out, None)
    scores = scores.mean(2) if scores.ndim == 3 else scores
    return features.numpy(), scores.numpy(), None if value is None else value.numpy()


@contextlib.contextmanager
def in_float32() -> Iterator[None]:
    """The networks' bodies compute in float32, whatever is fast here."""
    fast = networks.has_bfloat16
    networks.has_bfloat16 = lambda: False
    try:
        yield
    finally:
        networks.has_bfloat16 = fast


def write_history(run: Run, tagged: Mapping[str, Mapping[str, Any]], kept: Sequence[str], folder: Path) -> None:
    """``log.json`` and ``checkpoints.json`` in the zoo's shape (see ``zoo_gui.agents.logs``)."""
    files = {name: f"{name}/{animals.WEIGHTS_FILE}" for name in kept}
    entries = [_logged(entry) for entry in run.log()]
    first = {"steps": 0, "frames": 0, "time": 0.0, "score": None, "games": 0}
    entries = [_logged(first) | {"initial": 1, "fname": files.get("initial")}, *entries]
    last = entries[-1]
    last |= {"final": 1, "fname": animals.WEIGHTS_FILE}
    at = {entry["frames"]: entry for entry in entries}
    checkpoints = []
    for name in kept:
        entry = at.get(tagged[name]["steps"] * FRAME_SKIP) if name != "initial" else entries[0]
        if entry is not None:
            entry["fname"] = files[name]
        checkpoints.append({"criteria": name, "best_checkpoint": entry and _checkpoint(entry)})
    checkpoints.append({"criteria": FINAL, "best_checkpoint": _checkpoint(last)})
    for name, rows in ((LOG_FILE, entries), (CHECKPOINTS_FILE, checkpoints)):
        lines = ",\n".join(json.dumps(row) for row in rows)  # one a line: a log that differs in parts
        (folder / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def _logged(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fname": None, "initial": 0, "final": 0, "frames": entry["frames"], "time": entry["time"],
        "score": entry["score"], "policy_entropy": entry.get("entropy"), "games": entry["games"],
    }  # fmt: skip


def _checkpoint(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "games"}


def replace(target: Path, made: Path, before: Path) -> None:
    """Put ``made`` in the place of ``target``; what was there goes to ``before``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.move(target, before)
    shutil.move(made, target)


def over_budget(animal: Path, resources: Path) -> Iterator[str]:
    """Sentences about files that are larger than what the zoo allows itself."""
    for path in sorted(animal.rglob("*")):
        if path.is_file() and path.stat().st_size > FILE_BUDGET:
            yield f"{path} has {path.stat().st_size / 1e6:.1f} MB, more than {FILE_BUDGET / 1e6:.0f}."
    total = sum(path.stat().st_size for path in resources.rglob("*") if path.is_file())
    if total > ZOO_BUDGET:
        yield f"{resources} holds {total / 1e6:.1f} MB, more than {ZOO_BUDGET / 1e6:.0f}: export with fewer tags."
