"""The sections of a comparison's report: which figures and tables stand in each, and what is said of them."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from zoo_gui.analysis import behaviour_drawing as drawing
from zoo_gui.analysis.behaviour_record import Behaviour, used
from zoo_gui.analysis.comparison_record import Comparison
from zoo_gui.analysis.disagreement_record import Disagreement
from zoo_gui.analysis.report_parts import counted, figure, file, group, heading, section, table
from zoo_gui.naming import readable_action
from zoo_gui.play.meaning import MEANINGS

def sections(found: Comparison) -> list[dict]:
    """Those for which there is something."""
    parts = []
    if found.disagreement is not None:
        parts.append(_moments(found.disagreement, found))
    if found.partings:
        parts.append(_partings(found))
    if found.similarities or found.matchings:
        parts.append(_layers(found))
    if found.behaviour is not None:
        parts.append(_games(found.behaviour))
    if found.biases is not None:
        parts.append(_past(found))
    return [*parts, section("how", "How the numbers came about", [_settings(found)])]


# -- the same moments -----------------------------------------------------------------------------------------------
def _moments(found: Disagreement, whole: Comparison) -> dict:
    count, pairs = len(found.moments), len(found.pairs)
    driver = found.letters[found.driver] if found.driver >= 0 else "several in turn"
    games = len(set(found.episode.tolist()))
    said = f"n = {count:,} moments of {counted(games, 'game')}, seed {whole.asked['seed']}, driven by {driver}"
    strips = figure(
        lambda made: (made.set_size_inches(9.0, 0.9 + 0.62 * pairs), found.draw_strips(made)),
        f"Strips along time, one for each of {pairs} pairs: the darker, the further apart their decisions; marks below "
        "where their choices differ. The table below has the means.",
        f"Each step of the game that all saw, from left to right. {said}.",
    )  # fmt: skip
    matrices = figure(
        found.draw_matrices, "Matrices of all pairs: equal choices, the same beyond chance, and mean measure; their "
        "numbers are in the table.", f"Moments that follow each other are alike, so no interval is given. {said}.",
        (9.0, 2.9))  # fmt: skip
    columns = [("pair", "text"), ("moments", ""), ("same choice", "%"), ("κ", ""), ("mean measure", ""),
               ("measure", "text")]  # fmt: skip
    rows = [list(row.values()) for row in found.pair_table()]
    files = file("pairs.csv", found.pair_table()) + file("disagreements.csv", found.table())
    return section("moments", "The same moments", [strips, table("Pairs", columns, rows), matrices],
                   files=files + file("moments.csv", list(_steps(found))))  # fmt: skip


def _steps(found: Disagreement) -> Iterator[dict[str, Any]]:
    for row, moment in enumerate(found.moments.tolist()):
        step = {"moment": moment, "episode": int(found.episode[row]), "step": int(found.index[row])}
        step |= {f"choice {letter}": MEANINGS[place] for letter, place in zip(found.letters, found.choices[:, row])}
        yield step | {f"measure {found.name(pair)}": round(float(values[row]), 5)
                      for pair, values in enumerate(found.measures)}  # fmt: skip


def _partings(found: Comparison) -> dict:
    parts = []
    for number, parting in enumerate(found.partings, 1):
        event = parting.event
        where = f"Moment {event.moment}: game {event.episode + 1}, step {event.index}"
        parts.append(group([
            heading(f"{number}. {parting.words}"),
            figure(parting.draw, f"The screen at {where.lower()}; what each agent saw, under its saliency map; and how "
                   f"it rates its actions. {parting.words}.",
                   f"{where}. Measure of {parting.name}: {event.measure:.3f}. Cyan speaks for the chosen action, "
                   "magenta against it.", pixels=True),
            table("Decisions", [("agent", "text"), ("would", "text"), ("scores", "text")],
                  [[view.agent.letter, view.words, _scores(view)] for view in parting.views], folded=True),
        ]))  # fmt: skip
    why = [f"{view.agent.letter}: {view.why}" for view in found.partings[0].views if view.why]
    events = counted(len(found.disagreement.events), "disagreement")
    cell = "28rem" if len(found.agents) < 3 else "60rem"  # two figures of three agents side by side are too small
    return section("partings", "Where they part most", parts, remarks=why, cell=cell, texts=[
        f"The strongest {len(found.partings)} of {events}, one for each stretch of play."])  # fmt: skip


def _scores(view: Any) -> str:
    order = np.argsort(-view.scores, kind="stable")
    kind = "Q" if view.agent.kind == "q" else "p"
    values = view.scores if view.agent.kind == "q" else view.parts
    return "  ".join(f"{readable_action(view.action_names[place])}: {kind} {values[place]:.3g}" for place in order)


# -- layers and units -----------------------------------------------------------------------------------------------
def _layers(found: Comparison) -> dict:
    parts, files = [], []
    for what, title in (("similarities", "Layers of {}"), ("matchings", "Units of {}")):
        for pair, one in getattr(found, what).items():
            name, rows = found.name(pair), one.table()
            caption = getattr(one, "sentence", "")
            parts += [
                heading(title.format(name)),
                figure(one.draw, f"{title.format(name)} set against each other. {caption} The numbers are in the CSV "
                       "file.", caption),
            ]  # fmt: skip
            files += file(f"{what}-{name.replace('–', '-')}.csv", rows)
            if what == "similarities":
                parts.append(_heat_table(one, name))
    return section("layers", "What their layers say", parts, files=files)


def _heat_table(one: Any, name: str) -> dict:
    columns = [(name, "text"), *((layer, "") for layer in one.layers[1])]
    rows = [[layer, *(float(x) for x in values)] for layer, values in zip(one.layers[0], one.values)]
    return table(f"Similarity of {name}: rows are the first agent's layers", columns, rows, folded=True)


# -- games of their own ---------------------------------------------------------------------------------------------
def _games(found: Behaviour) -> dict:
    seeds = found.games[0].seeds
    limit = found.asked["limit"]
    from_to = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    said = f"n = {counted(len(seeds), 'game')} each, {from_to}, cut after {limit:,} agent steps"
    letters = "".join(one.letter for one in found.agents)
    each = 0.42 * len(found.games)

    def scores(made: Any) -> None:
        axes = made.subplots(1, 2)
        drawing.scores(axes[0], found)
        drawing.lengths(axes[1], found)
        drawing.legend(made, found.agents)

    def acts(made: Any) -> None:
        drawing.actions(made.subplots(), found)
        drawing.legend(made, found.agents)

    def states(made: Any) -> None:
        wide, right = made.subplots(1, 2, width_ratios=[1.5, 1])
        drawing.states(wide, found)
        drawing.matrix(right, found.overlap, letters, "pairs of byte and value met by both / by either")

    actions = len(used([one.histogram for one in found.games]))
    parts = [
        figure(scores, "Scores and lengths of each agent's games, as points and means; the numbers are in the table.",
               f"Points are games, bars means, the lines beside them {found.intervals}. {said}.", (9.0, 1.9 + each)),
        _score_table(found), *_aggregates(found),
        figure(acts, "How often each agent chose each action; the numbers are in the table.",
               f"Actions matched by what they do in the game, part of all steps. {said}.",
               (7.0, 1.4 + actions * (0.25 + 0.1 * len(found.games)))),
        _action_table(found),
        figure(states, "Memory states that each agent has met over its steps, and what any two share; the numbers are "
               "in the table.", f"Pairs of a byte of the console's memory and its value. {said}.", (9.0, 3.0)),
        _coverage_table(found),
    ]  # fmt: skip
    return section("games", "Games of their own", parts, remarks=list(found.remarks),
                   files=file("agents.csv", found.table()) + file("games.csv", list(_each_game(found))))  # fmt: skip


def _score_table(found: Behaviour) -> dict:
    columns = [("agent", "text"), ("games", ""), ("complete", ""), ("mean score (interval)", "text"),
               ("median (interval)", "text"), ("of human", "%"), ("steps (interval)", "text"),
               ("emulator frames", "")]  # fmt: skip
    rows = [[one.agent.letter, len(one.seeds), int(one.complete.sum()), one.mean.text, one.median.text,
             one.normalised(one.mean.value), one.length.text, one.frames_mean] for one in found.games]  # fmt: skip
    return table(f"Scores and lengths of complete games; intervals: {found.intervals}. Of human: 0 % random play, "
                 "100 % a person", columns, rows)  # fmt: skip


def _aggregates(found: Behaviour) -> list[dict]:
    if not found.aggregates:
        return []
    columns = [("algorithm", "text"), ("games", "text"), ("agents", ""), ("interquartile mean (interval)", "text"),
               ("", "text")]  # fmt: skip
    rows = [[one.title, ", ".join(f"{game} × {runs}" for game, runs in one.games.items()), one.iqm.n, one.iqm.text,
             one.why] for one in found.aggregates]  # fmt: skip
    return [table("Human-normalised scores over games and runs, stratified bootstrap", columns, rows)]


def _action_table(found: Behaviour) -> dict:
    places = used([one.histogram for one in found.games])
    columns = [("agent", "text"), *((readable_action(found.meanings[place]), "%") for place in places)]
    columns += [(f"JS to {one.letter}", "") for one in found.agents]
    rows = [[one.agent.letter, *(float(one.histogram[place]) for place in places), *map(float, apart)]
            for one, apart in zip(found.games, found.divergences)]  # fmt: skip
    return table("Actions, and the Jensen–Shannon divergence of their histograms in bits", columns, rows)


def _coverage_table(found: Behaviour) -> dict:
    columns = [("agent", "text"), ("steps", ""), ("distinct states in 1,000 steps", ""), ("values a byte", ""),
               ("steps compared", ""), ("part of all pairs", "%")]  # fmt: skip
    columns += [(f"shared with {one.letter}", "%") for one in found.agents]
    rows = [[one.agent.letter, one.steps, one.coverage.distinct, float(one.coverage.values().mean()),
             int(found.compared[place]), float(found.shares[place]), *map(float, found.overlap[place])]
            for place, one in enumerate(found.games)]  # fmt: skip
    return table("Memory: states met, and of the pairs of byte and value of all agents of a game together each one's "
                 "part, in as many steps of each as the shortest played", columns, rows)  # fmt: skip


def _each_game(found: Behaviour) -> Iterator[dict[str, Any]]:
    for one in found.games:
        for seed, score, steps, frames, complete in zip(one.seeds, one.scores, one.lengths, one.frames, one.complete):
            yield {"agent": one.agent.letter, "id": one.agent.id, "seed": int(seed), "score": float(score),
                   "steps": int(steps), "frames": int(frames), "complete": bool(complete)}  # fmt: skip


# -- weights, settings ----------------------------------------------------------------------------------------------
def _past(found: Comparison) -> dict:
    biases = found.biases
    columns = [("agent", "text"), ("layer", "text"), *((name, "") for name in biases.names), ("", "text")]
    rows = [[one.letter, "" if bias is None else bias.layer, *biases.row(place), biases.why[place]]
            for place, (one, bias) in enumerate(zip(biases.agents, biases.found))]  # fmt: skip
    parts = [table("Mean squared weight of each frame over the newest's", columns, rows)]
    if biases.names:
        parts.insert(0, figure(biases.draw, "How much each agent's first layer weighs each frame of its input, a bar "
                               "each; the numbers are in the table.",
                               "Of the weights alone: no game is played for it."))  # fmt: skip
    return section("past", "How they weigh the past", parts, files=file("biases.csv", biases.table()))


def _settings(found: Comparison) -> dict:
    asked = dict(found.asked) | {"driver": found.agents[found.asked["driver"]].letter}
    rows = [[name, "as each card says" if value is None else str(value)] for name, value in asked.items()]
    return table("Settings", [("setting", "text"), ("value", "text")], rows)
