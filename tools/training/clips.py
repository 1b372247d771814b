"""What an animal looks like at play: a thumbnail beside its card and a short clip for the documentation.

    python -m training.clips [ID …]      (with tools/ on the path; by default all that have no thumbnail or no clip)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import zoo_table
from zoo_gui.agents import catalogue
from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import Card
from zoo_gui.play.player import play
from zoo_gui.types import ZooError

CLIPS = zoo_table.DOCS / zoo_table.IMAGES
THUMBNAIL_WIDTH = 96
STEPS = 1200
"""Agent steps of play to choose from: 80 seconds of the game."""
LENGTH, STEP_MS = 75, 70
"""Steps in a clip, and how long each is shown: 1/15 s as in the game, in the hundredths of a second that GIF has."""
MAX_BYTES = 250_000


def illustrate(folder: Path, clips: Path = CLIPS) -> tuple[Path, Path]:
    """Make the thumbnail and the clip of the agent in ``folder``; where they are. Raises ZooError."""
    agent = Agent.load(str(folder))
    frames, rewards = record(agent)
    start = telling(rewards)
    shown = frames[start : start + LENGTH]
    thumbnail, clip = folder / catalogue.THUMBNAIL_FILE, clips / zoo_table.picture(agent.card, "gif")
    write_thumbnail(thumbnail, shown[len(shown) // 2])
    clip.parent.mkdir(parents=True, exist_ok=True)
    write_clip(clip, shown)
    return thumbnail, clip


def record(agent: Agent, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    """One game from its start, at most ``steps`` long: uint8 (T, H, W, 3), and the rewards (T,).

    Each picture is the brighter of two emulator frames in a row, as the agent's own are: many games draw what moves
    only in every other frame.
    """
    frames, rewards = [], []
    for step in play(agent, seed=0, episodes=1, steps=steps, all_frames=True):
        frames.append(step.frames[:2].max(0))
        rewards.append(step.reward)
    return np.stack(frames), np.array(rewards)


def telling(rewards: np.ndarray, length: int = LENGTH) -> int:
    """Where the most rewarded stretch of ``length`` steps begins; of equal ones, that nearest to the middle.

    Rewards count by their sign, losses not at all: a clip should show what the agent can do.
    """
    starts = max(1, len(rewards) - length + 1)
    sums = np.array([(rewards[start : start + length] > 0).sum() for start in range(starts)])
    best = np.flatnonzero(sums == sums.max())
    return int(best[np.abs(best - starts // 2).argmin()])


def write_thumbnail(path: Path, frame: np.ndarray) -> None:
    """A PNG of THUMBNAIL_WIDTH pixels from uint8 (H, W, 3)."""
    height, width = frame.shape[:2]
    size = (THUMBNAIL_WIDTH, round(height * THUMBNAIL_WIDTH / width))
    small = Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)
    small.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def write_clip(path: Path, frames: np.ndarray) -> None:
    """An endless GIF from uint8 (T, H, W, 3), shortened where it would be larger than MAX_BYTES. Raises ZooError."""
    palette = Image.fromarray(frames.reshape(-1, *frames.shape[2:])).quantize(256, dither=Image.Dither.NONE)
    while len(frames) > 1:
        pictures = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=STEP_MS, loop=0, optimize=False)
        if path.stat().st_size <= MAX_BYTES:
            return
        frames = frames[: len(frames) * 3 // 4]
    path.unlink()
    raise ZooError(f"{path} cannot be made small enough: one picture alone is larger than {MAX_BYTES // 1000} kB.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.clips", description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*", metavar="ID")
    ids = parser.parse_args().ids
    for entry in catalogue.entries([catalogue.EMBEDDED]) if not ids else map(catalogue.find, ids):
        clip = CLIPS / zoo_table.picture(Card.read(entry.path), "gif")
        if entry.tag or (not ids and entry.thumbnail and clip.exists()):
            continue
        thumbnail, clip = illustrate(entry.path.parent)
        print(f"{entry.id:24} {thumbnail.stat().st_size / 1e3:6.1f} kB  {clip.stat().st_size / 1e3:6.1f} kB")


if __name__ == "__main__":
    try:
        main()
    except ZooError as error:
        raise SystemExit(str(error)) from None
