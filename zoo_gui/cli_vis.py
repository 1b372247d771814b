"""``zoo-gui vis``: what units look for, as optimised observations: a layer's contact sheet, or one target's images."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo_gui import cli_moments
from zoo_gui.types import ZooError

if TYPE_CHECKING:
    import numpy as np

    from zoo_gui.agents.agent import Agent


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's options; what they mean is told in docs/feature_visualization.md."""
    parser.add_argument("agent", metavar="AGENT", help="id (ppo/Breakout/1) or path")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--layer", metavar="L", help="every unit of a layer (by default of the last convolution)")
    asked.add_argument("--unit", metavar="U", help="a unit, for example conv2:17")
    asked.add_argument("--target", metavar="T", help="for example “action:LEFT - action:RIGHT”, value, layer:conv3")
    parser.add_argument("--output", metavar="FILE", help="by default AGENT_TARGET.png; .svg .pdf .npz .csv .json too")
    parser.add_argument("--show", default="newest", metavar="S",
                        help="of a layer's units: newest (frame), frames, difference (newest − oldest)")  # fmt: skip
    parser.add_argument("--units", metavar="N,N-N", help="only these of the layer's units, for example 0-15,40")
    parser.add_argument("--steps", type=cli_moments.number, metavar="N", help="of Adam (256; of a layer's units 128)")
    parser.add_argument("--seed", type=cli_moments.number, default=0, metavar="S", help="of noise and transforms (0)")
    parser.add_argument("--parameterization", default="fft", metavar="P", help="fft, pixel, pyramid or cppn (fft)")
    parser.add_argument("--transforms", default="robust", metavar="T",
                        help="robust, jitter, none, or steps: “pad:4 jitter:4 scale:0.9-1.1 rotate:5”")  # fmt: skip
    parser.add_argument("--objective", default="neuron", metavar="O",
                        help="neuron (centre of the map) or channel (mean over it) (neuron)")  # fmt: skip
    parser.add_argument("--after-activation", action="store_true",
                        help="raise what the layer gives, not what comes before its rectifier")  # fmt: skip
    parser.add_argument("--learning-rate", type=float, metavar="R", help="of Adam (0.02; of a CPPN 0.003)")
    parser.add_argument("--only-current", action="store_true", help="change only the newest frame; the past is black")
    for kind, text in (("l1", "brightness (L1)"), ("l2", "brightness (L2)"), ("tv", "variation"), ("blur", "detail")):
        parser.add_argument(f"--{kind}", type=float, default=0.0, metavar="W", help=f"penalty on {text}; try 1")
    parser.add_argument("--count", type=cli_moments.number, default=1, metavar="N", help="answers, 1 to 4 (1)")
    parser.add_argument("--diversity", type=float, default=0.0, metavar="W", help="how much answers must differ; try 1")
    parser.add_argument("--start", type=cli_moments.number, metavar="N",
                        help="begin at what the agent sees at step N of a game, not at noise")  # fmt: skip
    parser.add_argument("--no-cache", action="store_true", help="compute anew, and keep nothing")


def run(options: argparse.Namespace) -> int:
    """Optimise, write the file and say so. Raises ZooError."""
    from zoo_gui.analysis import ANALYSES, export

    if options.output:
        export.check(options.output)
    from zoo_gui.agents.agent import Agent

    agent = Agent.load(options.agent)
    name, what, asked = _question(agent, options)
    path = Path(options.output or f"{_plain(agent.name)}_{_plain(what)}.png")
    export.check(path)  # before a minute's work, not after it
    result = cli_moments.watched(ANALYSES[name](agent, **asked))
    export.write(result, path, cli_moments.about(result, options, [agent]))
    if options.json:
        print(json.dumps({"agent": agent.name, "rows": result.table(), "output": str(path)}, ensure_ascii=False))
        return 0
    if name == "patterns":
        print(f"{agent.title}: {what}, {len(result.units)} units, {result.steps} steps each")
    else:
        values = ", ".join(f"{value:.4g}" for value in result.activations)
        before = " before the non-linearity" if result.pre_activation else ""
        print(f"{agent.title}: {what}, {result.total} steps, activation{before} {values}")
    print(f"written: {path}")
    return 0


def _question(agent: "Agent", options: argparse.Namespace) -> tuple[str, str, dict[str, Any]]:
    """(analysis, what is asked about in words, parameters)."""
    asked: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("seed", "parameterization", "transforms", "objective", "learning_rate", "only_current", "l1", "l2",
                     "tv", "blur")
    }  # fmt: skip
    asked |= {"pre_activation": False if options.after_activation else "auto", "use_cache": not options.no_cache}
    if options.steps is not None:
        asked["steps"] = options.steps
    if options.start is not None:
        asked["start"] = _seen(agent, options.start, options.seed)
    if options.unit or options.target:
        if options.units:
            raise ZooError("--units chooses among a layer's units: name the layer with --layer.")
        words = "unit" if options.unit else "target"
        what = getattr(options, words)
        return "feature_vis", what, {**asked, words: what, "count": options.count, "diversity": options.diversity}
    if options.count != 1 or options.diversity:
        raise ZooError("--count and --diversity are of one unit or target: name it with --unit or --target.")
    maps = [info.name for info in agent.layers if info.kind == "conv"] or [agent.layers[0].name]
    layer = options.layer or maps[-1]
    return "patterns", layer, {**asked, "layer": layer, "units": _units(options.units), "show": options.show}


def _units(text: str | None) -> tuple[int, ...]:
    """``0-3,8`` as numbers; () where nothing is said."""
    numbers: list[int] = []
    for part in (text or "").replace(" ", "").split(",") if text else []:
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not found or int(found[2] or found[1]) - int(found[1]) not in range(100_000):
            raise ZooError(f"“{part}” is no number of a unit and no range: write for example 0-15,40.")
        numbers += range(int(found[1]), int(found[2] or found[1]) + 1)
    return tuple(numbers)


def _seen(agent: "Agent", step: int, seed: int) -> "np.ndarray":
    """What the agent sees at a step of its game, (h, w, C) float32 in 0–1."""
    import numpy as np

    from zoo_gui.play.player import play

    *_, last = play(agent, seed=seed, steps=step + 1)
    low, high = agent.observation_range
    return np.clip((last.observation.astype(np.float32) - low) / (high - low), 0.0, 1.0)


def _plain(text: str) -> str:
    """A file's name has no slashes, colons or blanks."""
    return re.sub(r"[^\w.+-]+", "-", text).strip("-")
