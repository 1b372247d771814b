"""Convert our first trained agents (``../shared/zoo``: float16 .npz in PyTorch's layout) to cards and safetensors.

    python tools/import_first_animals.py [--source ../shared/zoo] [--target resources/agents]

Numbers stay the float16 they were.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from training import animals
from zoo_gui.agents import card as cards
from zoo_gui.agents.card import ActionSpec, Card, Measurement, NetworkSpec, PreprocessingSpec, Scores, Training

ROOT = Path(__file__).resolve().parent.parent
GAMES = {"breakout": "Breakout", "pong": "Pong", "qbert": "Qbert", "seaquest": "Seaquest"}
TITLES = {"Qbert": "Q*bert"}
RANDOM = {"Breakout": 1.6, "Pong": -20.4, "Qbert": 200.0, "Seaquest": 102.0}  # the zoo's README, same protocol
HUMAN = {"Breakout": 31.8, "Pong": 9.3, "Qbert": 13455.0, "Seaquest": 20182.0}
HUMAN_SOURCE = "Mnih et al. 2015, “Human-level control through deep reinforcement learning”, Extended Data Table 2"
TEACHER_SCORES = {"Breakout": 356.0, "Pong": 17.6, "Qbert": 5959.0, "Seaquest": 1585.0}  # under their own preprocessing
CONVOLUTIONS = {
    "small": ((16, 8, 4), (32, 4, 2)),
    "nature": ((32, 8, 4), (64, 4, 2), (64, 3, 1)),
}
DENSE = {"small": 256, "nature": 512}
PROTOCOL = "actions sampled, no sticky actions, FIRE and up to 30 no-ops at reset, life loss ends nothing"
RUNS = (
    [("ppo/ppo_breakout", "ppo", "breakout", 1)]  # of Pong, tools/train has made a better one since
    + [(f"distill/distill_{game}_1", "distill", game, 1) for game in GAMES]
    + [(f"distill/distill_{game}_2", "distill", game, 2) for game in ("breakout", "pong")]
)


def network(kind: str, actions: int, value: bool) -> NetworkSpec:
    """The zoo's ``small`` or ``nature`` net as data."""
    heads = {"policy": actions} | ({"value": 1} if value else {})
    layers = animals.body_layers(CONVOLUTIONS[kind], DENSE[kind]) + animals.head_layers(heads, actions)
    return NetworkSpec(tuple(layers))


def names(arrays: dict[str, np.ndarray], spec: NetworkSpec) -> dict[str, str]:
    """{layer: what the file calls it}: the body's layers are numbered, and so are the outputs."""
    body = sorted({int(name.split(".")[1]) for name in arrays if name.startswith("body.")})
    theirs = [f"body.{index}" for index in body] + [f"outs.{i}" for i in range(len(spec.layers) - len(body))]
    return {layer.name: name for layer, name in zip(spec.layers, theirs, strict=True)}


def ppo_facts(facts: dict[str, Any], game: str) -> dict[str, Any]:
    """Scores, training and words of a PPO agent, from its JSON and the zoo's README."""
    sticky = Measurement(
        facts["score_mean_sticky25"], len(facts["scores_sticky25"]), PROTOCOL.replace("no sticky", "0.25 sticky"),
        tuple(facts["scores_sticky25"]),
    )  # fmt: skip
    if facts["scores_sampled"]:
        scores = facts["scores_sampled"]
        protocol = f"{PROTOCOL}; the {len(scores)} of 8 games that ended within two minutes of computing"
        measured = dict(mean=facts["score_mean_sampled"], episodes=len(scores), protocol=protocol, scores=tuple(scores))
        total, words = 2_170_000, "stopped while it was still rising (the run went on from an earlier one)"
    else:
        measured = dict(mean=facts["train_mean_last30"], episodes=30, protocol=f"last 30 training games; {PROTOCOL}")
        total, words = facts["steps"], "barely begun: stopped while rising, it still loses nearly every game"
    description = (
        f"Proximal policy optimisation on {TITLES.get(game, game)}, a small network, two CPU cores, "
        f"{total / 1e6:.2f} million agent steps; {words}."
    )
    settings = {key: value for key, value in facts["hyper"].items() if key in PPO_SETTINGS}
    return dict(
        description=description,
        scores=dict(measured, also=(sticky,)),
        training=Training(
            method="PPO (Schulman et al. 2017); rewards clipped to −1, 0, 1; a lost life ends the return",
            steps=total, seed=facts["hyper"]["seed"],
            settings=settings | {"last_run_steps": facts["steps"], "last_run_minutes": round(facts["wall_min"], 1)},
        ),
        credit=animals.CREDIT,
    )  # fmt: skip


PPO_SETTINGS = {"n", "T", "epochs", "mb", "lr", "ent", "gamma", "lam", "clip"}


def distilled_facts(facts: dict[str, Any], game: str) -> dict[str, Any]:
    """Scores, training and words of a student, from its JSON and the zoo's README; the teacher is named."""
    teacher = facts["teacher"].split(", ")[1].split("/")[0].upper()
    title = TITLES.get(game, game)
    extra = " FIRE was the label after a lost life." if game == "Breakout" else ""
    description = (
        f"A student, not an {teacher} run: it learned on {title} to act as Ilya Kostrikov's {teacher} agent does, by "
        f"policy distillation with DAgger collection, {facts['samples'] / 1e6:.2f} million samples.{extra} Its teacher "
        f"scores {TEACHER_SCORES[game]:g} under its own preprocessing."
    )
    return dict(
        description=description,
        scores=dict(
            mean=facts["mean"], episodes=len(facts["scores"]), scores=tuple(facts["scores"]),
            protocol=f"{PROTOCOL}; at most 27,000 emulator frames a game, which none reached",
        ),
        training=Training(
            method="Policy distillation (Rusu et al. 2015) with DAgger collection (Ross et al. 2011)",
            teacher=facts["teacher"], steps=facts["samples"], minutes=round(facts["wall_minutes"], 1),
            seed=facts["seed"], settings={"iterations": facts["iterations"], "final_kl": round(facts["kl"], 5)},
        ),
        credit="Trained by the zoo_gui project; teacher by Ilya Kostrikov (pytorch-a2c-ppo-acktr-gail, MIT licence).",
    )  # fmt: skip


def animal(source: Path, target: Path, algorithm: str, game: str, run: int) -> Card:
    """Convert one agent into ``target`` and give its card."""
    facts = json.loads(source.with_suffix(".json").read_text())
    with np.load(source.with_suffix(".npz"), allow_pickle=False) as file:
        arrays = dict(file)
    spec = network(facts.get("net", "nature"), len(facts["actions"]), "outs.1.weight" in arrays)
    about = (ppo_facts if algorithm == "ppo" else distilled_facts)(facts, GAMES[game])
    name = GAMES[game]
    scores = Scores(random=RANDOM[name], human=HUMAN[name], human_source=HUMAN_SOURCE, **about.pop("scores"))
    title = f"{cards.ALGORITHM_TITLES[algorithm]} · {TITLES[name]} · run {run}" if name in TITLES else ""
    return animals.write(
        target, animals.convert(arrays, spec, PreprocessingSpec().observation_shape, names(arrays, spec)),
        algorithm=algorithm, game=name, run=run, title=title, licence=animals.LICENCE, network=spec,
        preprocessing=PreprocessingSpec(), scores=scores, actions=ActionSpec(tuple(facts["actions"]), "sample"),
        **about,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=ROOT.parent / "shared" / "zoo")
    parser.add_argument("--target", type=Path, default=ROOT / "resources" / "agents")
    arguments = parser.parse_args()
    for stem, algorithm, game, run in RUNS:
        target = arguments.target / algorithm / GAMES[game] / str(run)
        card = animal(arguments.source / stem, target, algorithm, game, run)
        print(f"{card.id:22} {card.full_title:28} {card.scores.mean:9.1f} over {card.scores.episodes} games")


if __name__ == "__main__":
    main()
