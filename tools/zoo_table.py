#!/usr/bin/env python3
"""Write docs/zoo.md and its learning curves from the agents' cards and logs: ``python tools/zoo_table.py``.

The same cards always give the same page, so that a test can tell when it is out of date.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training import animals
from zoo_gui.agents import logs
from zoo_gui.agents.card import CARD_FILE, Card, Measurement, Scores
from zoo_gui.agents.layout import Layout
from zoo_gui.play import games

ROOT = Path(__file__).resolve().parent.parent
AGENTS, DOCS = ROOT / "resources" / "agents", ROOT / "docs"
PAGE, IMAGES = "zoo.md", Path("images/zoo")
HEAD = """\
# The zoo

<!-- Made by tools/zoo_table.py from the agents' cards: change those, then run it again. -->

{count} agents{stages} come with zoo_gui, {size:.1f} MB in all. `zoo-gui ppo/Pong/1` opens one,
`zoo-gui ppo/Pong/1 distill/Pong/1` opens two side by side; each folder in `resources/agents` holds the card with
settings and scores and, of those that `tools/train` made, the exact command, commit and seed, and the training log.

**Scores** are means of whole games ± one standard error, unclipped: of 30 games unless a number of games follows in
brackets. *No-op* is the protocol of Mnih et al. 2015 (up to 30 no-ops at the start), *sticky* that of Machado et al.
2018 (the emulator repeats the previous action with probability 0.25). They stand beside players that see nothing, one
that acts at random and the best of those that always press the same button: an agent whose score is not above theirs
by more than chance explains (one-sided, 5 %) is said to be no better. The person is the professional tester of Mnih et
al. 2015. Clips show the stretch of one game in which most points were won.

**Curves** show the score of the training games, which explore, over millions of emulator frames (4 to an agent step);
the dashed line is random play.
"""
COLUMNS = ("", "agent", "network", "trained", "no-op", "sticky", "remarks", "curve")


@dataclass(frozen=True)
class Animal:
    """A run's last agent with its earlier stages, in the order of training. folder: of its card."""

    card: Card
    folder: Path
    stages: tuple[Card, ...]


def read(agents: Path = AGENTS) -> list[Animal]:
    """The agents by game, algorithm and run. Raises ZooError."""
    found = []
    for path in agents.glob(f"*/*/*/{CARD_FILE}"):
        stages = [Card.read(stage) for stage in path.parent.glob(f"*/{CARD_FILE}")]
        stages.sort(key=lambda card: (card.training.steps or 0, card.tag))
        found.append(Animal(Card.read(path), path.parent, tuple(stages)))
    return sorted(found, key=lambda animal: (animal.card.game, animal.card.algorithm, animal.card.run))


def write(agents: Path = AGENTS, docs: Path = DOCS) -> list[Path]:
    """Write the page and the curves into ``docs``; what was written."""
    written = []
    for name, text in files(agents, docs).items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
        written.append(path)
    return written


def files(agents: Path = AGENTS, docs: Path = DOCS) -> dict[str, str]:
    """{path under ``docs``: text} of the page and the curves."""
    zoo = read(agents)
    made = {}
    for animal in zoo:
        points = curve(animal)
        if len(points) > 1:
            made[str(IMAGES / picture(animal.card, "svg"))] = draw(points, animal.card.scores.random)
    shown = set(made) | {str(path.relative_to(docs)) for path in (docs / IMAGES).glob("*.gif")}
    return made | {PAGE: page(zoo, shown, agents)}


def picture(card: Card, kind: str) -> str:
    """The file name of an agent's clip (gif) or curve (svg)."""
    return f"{card.algorithm}-{card.game}-{card.run}.{kind}"


def page(zoo: Sequence[Animal], shown: set[str], agents: Path) -> str:
    """The page's Markdown. shown: the pictures that there are."""
    count = sum(len(animal.stages) for animal in zoo)
    stages = f" and {count} earlier stages of theirs" if count else ""
    size = sum(path.stat().st_size for path in agents.rglob("*") if path.is_file()) / 1e6
    parts = [HEAD.format(count=len(zoo), stages=stages, size=size)]
    for game in dict.fromkeys(animal.card.game for animal in zoo):
        parts.append("\n".join(section(game, [animal for animal in zoo if animal.card.game == game], shown)) + "\n")
    return "\n".join([*parts, "\n".join(credits(zoo)) + "\n"])


def section(game: str, zoo: Sequence[Animal], shown: set[str]) -> Iterator[str]:
    """A game's heading and table: the agents, then the players that see nothing and the person."""
    yield f"## {games.title(games.find(game))}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    for animal in zoo:
        yield f"| {' | '.join(row(animal, shown))} |"
    for player, noop, sticky in yardsticks(zoo):
        yield f"| | *{player}* | | | {noop} | {sticky} | | |"


def row(animal: Animal, shown: set[str]) -> Iterator[str]:
    """The cells of an agent."""
    card = animal.card
    yield image(card, "gif", 120, shown)
    yield f"`{card.id}`<br>{card.algorithm_title}"
    yield network(animal)
    yield trained(card)
    yield score(card.scores)
    yield score(sticky(card))
    yield "<br>".join(remarks(animal))
    yield image(card, "svg", 220, shown)


def image(card: Card, kind: str, width: int, shown: set[str]) -> str:
    """A picture, where there is one."""
    source = str(IMAGES / picture(card, kind))
    what = "at play" if kind == "gif" else "learning curve"
    return f'<img src="{source}" width="{width}" alt="{card.id} {what}">' if source in shown else ""


def network(animal: Animal) -> str:
    """The body's layers, number of weights and size of the file."""
    card = animal.card
    layers = []
    for layer in card.network.layers:
        if layer.kind == "conv":
            layers.append(f"{layer.filters} {layer.kernel[0]}×{layer.kernel[1]}/{layer.stride[0]}")
        elif layer.activation != "linear":
            layers.append(f"{layer.units}")
    shapes = Layout(card.network, card.preprocessing.observation_shape).shapes.values()
    weights = sum(math.prod(shape) for shape in shapes)
    size = (animal.folder / card.weights.file).stat().st_size
    return f"{', '.join(layers)}<br>{weights / 1e6:.2f} M weights, {size / 1e6:.1f} MB"


def trained(card: Card) -> str:
    """Agent steps and hours; where a run stopped early, of how many steps."""
    training = card.training
    planned = training.settings.get("steps")
    of = f" of {planned / 1e6:.2f}" if planned else ""
    parts = [] if training.steps is None else [f"{training.steps / 1e6:.2f}{of} M steps"]
    hours = training.hours if training.hours is not None else (training.minutes or 0) / 60
    return ", ".join(parts + ([f"{hours:.1f} h"] if hours else []))


def score(measured: Scores | Measurement | None) -> str:
    """Mean ± standard error, and the number of games unless it is 30."""
    if measured is None or measured.mean is None:
        return ""
    error = ""
    if len(measured.scores) > 1:
        error = f" ± {figure(statistics.stdev(measured.scores) / math.sqrt(len(measured.scores)))}"
    return f"{figure(measured.mean)}{error}" + (f" ({measured.episodes})" if measured.episodes != 30 else "")


def sticky(card: Card) -> Measurement | None:
    """What the card says of the protocol with sticky actions."""
    return next((also for also in card.scores.also if "0.25 sticky" in also.protocol), None)


def remarks(animal: Animal) -> Iterator[str]:
    """What must be known besides: where its skill is from, where it is none, its earlier stages."""
    card = animal.card
    if card.training.teacher:
        yield f"distilled from {card.training.teacher}"
    shortfall = animals.shortfall(card.scores)
    if shortfall:
        yield f"**{shortfall}**"
    if animal.stages:
        yield "stages: " + ", ".join(f"`{stage.tag}` {score(stage.scores)}" for stage in animal.stages)


def yardsticks(zoo: Sequence[Animal]) -> Iterator[tuple[str, str, str]]:
    """(player, no-op score, sticky score) of the players that agents of a game are compared with, as far as known."""
    # cards of before the yardsticks were measured anew know less
    best = max(zoo, key=lambda animal: animal.card.scores.constant is not None).card
    other = sticky(best) or Measurement(0.0, 0, "")
    if best.scores.random is not None:
        yield "random play", figure(best.scores.random), figure(other.random)
    if best.scores.constant is not None:
        same = best.scores.constant_action == other.constant_action
        actions = best.scores.constant_action + ("" if same else f", sticky {other.constant_action}")
        yield f"best constant action ({actions})", figure(best.scores.constant), figure(other.constant)
    if best.scores.human is not None:
        yield "a person", figure(best.scores.human), ""


def figure(number: float | None) -> str:
    """Three or more digits: 0.25, 9.3, 21.8, 357, 20,182."""
    if number is None:
        return ""
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 1 else 2
    return f"{number:,.{digits}f}".replace("-", "−")


def credits(zoo: Sequence[Animal]) -> Iterator[str]:
    """Whose the agents are."""
    yield "## Whose they are\n"
    owned: dict[tuple[str, str], list[str]] = {}
    for animal in zoo:
        owned.setdefault((animal.card.credit, animal.card.licence), []).append(f"`{animal.card.id}`")
    for (credit, licence), ids in owned.items():
        yield f"- {credit} {licence} ({', '.join(ids)})"


def curve(animal: Animal) -> list[tuple[float, float]]:
    """(millions of emulator frames, score) of the training log; [] where the agent came without one."""
    if not (animal.folder / logs.LOG_FILE).exists():
        return []
    entries = logs.read_log(animal.folder, animal.card.id)
    return [(entry["frames"] / 1e6, entry["score"]) for entry in entries if entry["score"] is not None]


def draw(points: Sequence[tuple[float, float]], random: float | None) -> str:
    """A learning curve as SVG, legible on light and dark pages; random: where to draw the dashed line."""
    width, height, left, bottom, edge = 260, 150, 44, 18, 8
    scores = [y for _, y in points] + ([] if random is None else [random])
    low, high, last = min(scores), max(scores), points[-1][0]
    span = high - low or 1.0

    def place(x: float, y: float) -> str:
        across, up = x / last, (y - low) / span
        return f"{left + across * (width - left - edge):.1f},{height - bottom - up * (height - bottom - edge):.1f}"

    def label(x: float, y: float, anchor: str, text: str) -> str:
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'

    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="10" fill="#888">',
        f'<path d="M{left},{edge}V{height - bottom}H{width - edge}" fill="none" stroke="#888"/>',
        label(left - 4, edge + 8, "end", figure(high)),
        label(left - 4, height - bottom, "end", figure(low)),
        label(left, height - 5, "start", "0"),
        label(width - edge, height - 5, "end", f"{figure(last)} M frames"),
    ]
    if random is not None:
        ends = f"{place(0, random)} {place(last, random)}"
        lines.append(f'<polyline points="{ends}" fill="none" stroke="#888" stroke-dasharray="4 3"/>')
    path = " ".join(place(x, y) for x, y in points)
    lines.append(f'<polyline points="{path}" fill="none" stroke="#3b82c4" stroke-width="1.5" stroke-linejoin="round"/>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    for path in write():
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
