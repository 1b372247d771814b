"""Figures of attributions and of their tests. Matplotlib fills the Figure that it is given; nothing imports it here."""

from __future__ import annotations

from typing import Any

import numpy as np

SIGNED, MAGNITUDE = "PuOr", "magma"
COLUMNS = 4
POLICY, VALUE = (0.1, 0.45, 0.95), (0.95, 0.45, 0.0)
"""Light that maps add to a grey frame: both together are white, and people of all colour visions tell them apart."""


def draw_attribution(figure: Any, record: Any) -> None:
    """Each channel of the observation, oldest first, under its map; one map for all lies over the newest."""
    channels = record.map.shape[-1]
    planes = range(channels) if channels > 1 else [record.observation.shape[-1] - 1]
    figure.set_size_inches(2.6 * len(planes) + 0.8, 3.2)
    axes = figure.subplots(1, len(planes), squeeze=False)[0]
    for place, (axis, plane) in enumerate(zip(axes, planes)):
        shown = record.map[..., place if channels > 1 else 0]
        image = _over(axis, record.observation[..., plane], shown, record.signed, record.scale)
        if channels > 1:
            axis.set_title(f"channel {plane + 1} of {channels}", fontsize=8)
    figure.colorbar(image, ax=list(axes), shrink=0.8)
    parts = [f"{record.title} of {record.target}"]
    parts += [f"at {record.layer}"] if record.layer else []
    parts += [f"sum off by {record.error:+.1%}"] if record.error is not None else []
    figure.suptitle(" · ".join(parts), fontsize=9)


def draw_pair(figure: Any, policy: Any, value: Any) -> None:
    """The newest frame with the policy's map as blue light and the value's as orange, then each by itself."""
    figure.set_size_inches(8.6, 3.3)
    both, *single = figure.subplots(1, 3)
    frame = np.asarray(policy.observation[..., -1], np.float64)
    light = np.repeat((0.6 * (frame - frame.min()) / (np.ptp(frame) or 1.0))[..., None], 3, -1)
    for record, colour in ((policy, POLICY), (value, VALUE)):
        strength = record.map[..., 0] / (record.scale or 1.0)
        light += strength[..., None] * np.array(colour)
    both.imshow(np.clip(light, 0.0, 1.0), interpolation="nearest")
    both.set_title("policy blue, value orange", fontsize=8)
    both.set_axis_off()
    for axis, record, name in zip(single, (policy, value), ("policy", "value")):
        image = _over(axis, record.observation[..., -1], record.map[..., 0], False, record.scale)
        axis.set_title(name, fontsize=8)
        figure.colorbar(image, ax=axis, shrink=0.7)
    figure.suptitle(f"{policy.title} of policy and value", fontsize=9)


def draw_sanity(figure: Any, record: Any) -> None:
    """The map as trained and after each layer, each with the two numbers."""
    maps = [record.original, *record.maps]
    words = ["as trained"]
    words += [f"{layer} random\nrank {rank:.2f}, SSIM {same:.2f}"
              for layer, rank, same in zip(record.layers, record.correlations, record.similarities)]  # fmt: skip
    down = -(-len(maps) // COLUMNS)
    figure.set_size_inches(2.4 * min(COLUMNS, len(maps)) + 0.4, 2.9 * down + 0.5)
    axes = figure.subplots(down, min(COLUMNS, len(maps)), squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, plane, word in zip(axes, maps, words):
        _over(axis, record.observation[..., -1], plane, record.signed, float(np.abs(plane).max()))
        axis.set_title(word, fontsize=8)
    figure.suptitle(record.sentence or f"{record.title} of {record.target}", fontsize=8, wrap=True)


def draw_faithfulness(figure: Any, record: Any) -> None:
    """Deletion and insertion, of the score above, of the action's probability below; random orders dashed."""
    figure.set_size_inches(7.0, 5.0)
    axes = figure.subplots(2, 2, sharex=True)
    for row, (ending, name) in enumerate((("", record.target), ("_probability", "probability of the action"))):
        for axis, way in zip(axes[row], ("deletion", "insertion")):
            axis.plot(record.fractions, getattr(record, way + ending), label=record.title)
            chance = getattr(record, f"random_{way}{ending}")
            axis.plot(record.fractions, chance, "--", color="grey", label="random order")
            area, chance = record.areas[way + ending], record.areas[f"random_{way}{ending}"]
            axis.set_title(f"{way}: area {area:.3g}, random {chance:.3g}", fontsize=8)
            axis.set_ylabel(name if way == "deletion" else "", fontsize=8)
    for axis in axes[1]:
        axis.set_xlabel("part of the pixels", fontsize=8)
    axes[0, 0].legend(fontsize=7)
    figure.suptitle(record.sentence, fontsize=9)


def draw_cover(figure: Any, record: Any) -> None:
    """What the agent saw, covered; each action before and after; how much other places change it."""
    from matplotlib.patches import Rectangle

    figure.set_size_inches(9.0, 3.4)
    seen, bars, chance = figure.subplots(1, 3)
    seen.imshow(record.covered[..., -1], cmap="gray")
    seen.set_axis_off()
    for top, left, height, width in record.boxes:
        seen.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, fill=False, edgecolor="orange"))
    places = np.arange(len(record.action_names))
    bars.barh(places - 0.2, record.before, 0.4, label="before")
    bars.barh(places + 0.2, record.after, 0.4, label="covered")
    bars.set_yticks(places, record.action_names, fontsize=7)
    bars.invert_yaxis()
    bars.set_xlabel("Q" if record.scores_kind == "q" else "probability", fontsize=8)
    bars.legend(fontsize=7)
    chance.hist(record.control_changes, bins=24, color="grey")
    chance.axvline(record.change, color="orange")
    chance.set_xlabel("change by other places; the line: by this one", fontsize=8)
    figure.suptitle(record.sentence, fontsize=8, wrap=True)


def _over(axis: Any, picture: np.ndarray, plane: np.ndarray, signed: bool, scale: float) -> Any:
    """A map over a grey picture; returns the map's image, for a colour bar."""
    axis.imshow(picture, cmap="gray")
    axis.set_axis_off()
    high = scale or 1.0
    strength = np.clip(np.abs(plane) / high, 0, 1) ** 0.5
    colours = SIGNED if signed else MAGNITUDE
    return axis.imshow(plane, cmap=colours, vmin=-high if signed else 0.0, vmax=high, alpha=strength)
