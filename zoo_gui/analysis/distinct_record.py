"""Which player produced a frame: what classifiers said of frames that were held out, in numbers and as a figure.

Precision, recall, F1 and confusions are scikit-learn's; 0 where a class was never given or never there.
"""

from __future__ import annotations

import functools
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo_gui.analysis import behaviour_drawing, published
from zoo_gui.analysis.behaviour_statistics import Estimate, estimate
from zoo_gui.types import read_only

PAPER, FAIR = "paper", "fair"
TITLES = {
    PAPER: "own preprocessing, frames held out at random",
    FAIR: "one preprocessing, whole games held out",
    "paper, shuffled": "as the paper’s, labels shuffled",
    "fair, shuffled": "as the fair one, labels shuffled",
    "preprocessing": "random play through each one’s preprocessing",
}
"""Trials, in the order in which they are shown."""
LOOKS = {PAPER: ("#56B4E9", ""), FAIR: ("#E69F00", "///")}
CONTROLS = {"paper, shuffled": ":", "fair, shuffled": "-.", "preprocessing": "--"}
SMALL = 8


@dataclass(frozen=True)
class Trial:
    """One way of asking, over all its folds.

    name: a key of TITLES. truth, guess: (M,) int, the class of each frame that was held out, and what was said. game:
    (M,) int, which rollout it is from. trained: frames that each fold was trained on. copies: the share of frames held
    out that were among these pixel for pixel, the mean over folds.
    """

    name: str
    truth: np.ndarray
    guess: np.ndarray
    game: np.ndarray
    trained: tuple[int, ...]
    copies: float
    classes: int

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """(K, K) int: rows who it was, columns who was said."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(self.truth, self.guess, labels=range(self.classes))

    @functools.cached_property
    def parts(self) -> np.ndarray:
        """(4, K): precision, recall, F1 and number of frames of each class."""
        from sklearn.metrics import precision_recall_fscore_support

        found = precision_recall_fscore_support(self.truth, self.guess, labels=range(self.classes), zero_division=0)
        return np.array(found, float)

    @property
    def f1(self) -> np.ndarray:
        """(K,) of each class."""
        return self.parts[2]

    @property
    def accuracy(self) -> float:
        """The share of frames about which the classifier was right."""
        return float(np.mean(self.truth == self.guess))

    @functools.cached_property
    def interval(self) -> Estimate:
        """The mean accuracy of rollouts with its bootstrap interval over rollouts: frames of one game are no
        independent witnesses."""
        right = self.truth == self.guess
        return estimate([right[self.game == one].mean() for one in np.unique(self.game)])


@dataclass(frozen=True)
class Distinct:
    """All trials. classes: names of who is told apart. asked: the experiment's settings and seeds, for the caption."""

    game: str
    classes: tuple[str, ...]
    trials: tuple[Trial, ...]
    asked: dict[str, Any]

    @property
    def chance(self) -> float:
        """What guessing gets: the classes have equally many frames."""
        return 1 / len(self.classes)

    def trial(self, name: str) -> Trial | None:
        """The trial of that name, None where it was not made."""
        return next((trial for trial in self.trials if trial.name == name), None)

    @property
    def caption(self) -> str:
        """n, seeds, classes and epochs."""
        asked = self.asked
        counts = "; ".join(f"{trial.name}: {len(trial.truth):,} frames held out of "
                           f"{len(trial.truth) + sum(trial.trained):,}" if len(trial.trained) == 1 else
                           f"{trial.name}: {len(trial.truth):,} frames held out in {len(trial.trained)} folds"
                           for trial in self.trials if trial.name in LOOKS)  # fmt: skip
        return (f"Which of {len(self.classes)} produced a frame of {self.game}: {asked['agents']} agents × "
                f"{asked['seeds']} seeds × {asked['steps']:,} steps, every {_nth(asked['every'])}frame, "
                f"{asked['size']}×{asked['size']} grey pixels, {asked['epochs']} epoch"
                f"{'' if asked['epochs'] == 1 else 's'} ({counts}). Chance {self.chance:.0%}. Rows: who it was; "
                "per cent of the row.")  # fmt: skip

    @property
    def sentences(self) -> tuple[str, ...]:
        """The findings, for people."""
        found = []
        for trial in self.trials:
            low, high = trial.interval[1:3]
            sure = f" (95 % over rollouts: {low:.0%} to {high:.0%})" if trial.name == FAIR and np.isfinite(low) else ""
            copied = f", copies {trial.copies:.0%}" if np.isfinite(trial.copies) else ""
            found.append(f"{trial.name}: accuracy {trial.accuracy:.1%}{sure}, mean F1 {trial.f1.mean():.2f}{copied} – "
                         f"{TITLES[trial.name]}.")  # fmt: skip
        found.append(f"chance: {self.chance:.1%}.")
        theirs = published.distinctiveness(self.game)
        if theirs is not None:
            found.append(f"{theirs.source}: mean F1 {theirs.value:.2f} on {self.game} ({theirs.where}).")
        return tuple(found)

    def table(self) -> list[dict[str, Any]]:
        """A row for each trial and class, one of all classes before them; the last columns are the confusions."""
        rows = []
        for trial in self.trials:
            parts, known = trial.parts, trial.interval
            rows.append({"trial": trial.name, "class": "all", "precision": parts[0].mean(), "recall": parts[1].mean(),
                         "f1": parts[2].mean(), "frames": len(trial.truth), "accuracy": trial.accuracy,
                         "low": known.low, "high": known.high, "rollouts": known.n, "chance": self.chance,
                         "copies": trial.copies, "trained": " ".join(map(str, trial.trained))})  # fmt: skip
            for place, name in enumerate(self.classes):
                said = {f"said {other}": int(n) for other, n in zip(self.classes, trial.confusion[place])}
                rows.append({"trial": trial.name, "class": name, "precision": parts[0, place],
                             "recall": parts[1, place], "f1": parts[2, place], "frames": int(parts[3, place]),
                             **said})  # fmt: skip
        return rows

    def arrays(self) -> dict[str, np.ndarray]:
        """classes, and of each trial, its name with a bar: truth, guess, game (M,), confusion (K, K)."""
        found = {"classes": np.array(self.classes)}
        for trial in self.trials:
            for name in ("truth", "guess", "game", "confusion"):
                found[f"{trial.name.replace(', ', '_')}/{name}"] = read_only(np.asarray(getattr(trial, name)))
        return found

    def draw(self, figure: Any) -> None:
        """The protocols' confusions side by side, and F1 of each class beside chance and the controls."""
        shown = [trial for trial in self.trials if trial.name in LOOKS]
        figure.set_size_inches(4.2 * len(shown) + 3.6, 4.2 + 0.1 * len(self.classes))
        axes = figure.subplots(1, len(shown) + 1, squeeze=False)[0]
        for axis, trial in zip(axes, shown):
            rows = trial.confusion / np.maximum(trial.confusion.sum(1, keepdims=True), 1)
            title = f"{trial.name}: {TITLES[trial.name]}\naccuracy {trial.accuracy:.1%}, mean F1 {trial.f1.mean():.2f}"
            behaviour_drawing.matrix(axis, rows, list(self.classes), title, percent=True)
            axis.tick_params(axis="x", rotation=35)
            axis.set_xlabel("said", fontsize=SMALL)
            axis.set_ylabel("was", fontsize=SMALL)
        self._draw_f1(axes[-1], shown)
        figure.supxlabel(textwrap.fill(self.caption, 130), fontsize=SMALL - 1)

    def _draw_f1(self, axis: Any, shown: list[Trial]) -> None:
        width = 0.8 / max(1, len(shown))
        places = np.arange(len(self.classes))
        for number, trial in enumerate(shown):
            colour, hatch = LOOKS[trial.name]
            axis.bar(places + (number + 0.5) * width - 0.4, trial.f1, width, color=colour, hatch=hatch,
                     edgecolor="0.25", linewidth=0.6, label=trial.name)  # fmt: skip
        axis.axhline(self.chance, color="black", linewidth=1, label=f"chance {self.chance:.2f}")
        for trial in self.trials:
            if trial.name in CONTROLS:
                axis.axhline(trial.f1.mean(), color="0.3", linewidth=1.2, linestyle=CONTROLS[trial.name],
                             label=f"{trial.name} {trial.f1.mean():.2f}")  # fmt: skip
        axis.set_xticks(places, self.classes, rotation=35)
        axis.set_ylim(0, 1)
        axis.set_title("F1 of each class; lines: mean F1 of controls", fontsize=SMALL)
        axis.tick_params(labelsize=SMALL)
        axis.legend(fontsize=SMALL - 1, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)


def _nth(every: int) -> str:
    return "" if every == 1 else f"{every}th "
