"""A network of one's own in plain PyTorch, taught, and saved as people do: ``torch.save(model.state_dict(), …)``.

    python own_pytorch.py mine.pth

It learns to do what an agent that comes with zoo_gui does in Breakout (policy distillation, Rusu et al. 2015), because
that takes a minute where reinforcement learning takes hours. docs/bring_your_own.md goes on from the file.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import nn

from zoo_gui.agents.agent import Agent
from zoo_gui.play.player import play


class Player(nn.Module):
    """Two convolutions, a hidden layer, a logit for each action: four frames in, the newest last."""

    def __init__(self, actions: int = 4):
        super().__init__()
        self.eyes = nn.Sequential(nn.Conv2d(4, 16, 8, stride=4), nn.ReLU(), nn.Conv2d(16, 32, 4, stride=2), nn.ReLU())
        self.mind = nn.Sequential(nn.Linear(32 * 9 * 9, 128), nn.ReLU())
        self.actor = nn.Linear(128, actions)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Bytes (n, 4, 84, 84) → logits (n, actions)."""
        return self.actor(self.mind(self.eyes(frames / 255.0).flatten(1)))


def watch(teacher: str, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """What the teacher saw, (n, 4, 84, 84) bytes, and its logits there, (n, actions). Now and then a frame repeats the
    action before (sticky), so that there is also what to do after a mistake."""
    frames, logits = zip(*((step.observation.transpose(2, 0, 1), step.decision.scores)
                           for step in play(Agent.load(teacher), steps=steps, seed=0, sticky=0.25)))  # fmt: skip
    return torch.from_numpy(np.stack(frames)), torch.from_numpy(np.stack(logits))


def learn(player: Player, frames: torch.Tensor, logits: torch.Tensor, epochs: int) -> float:
    """Make the player's policy that of the teacher; returns the last loss, the KL divergence in nats."""
    optimiser, loss = torch.optim.Adam(player.parameters(), 1e-3), torch.zeros(())
    for _ in range(epochs):
        for rows in torch.randperm(len(frames)).split(64):
            mine, wanted = player(frames[rows].float()).log_softmax(1), logits[rows].log_softmax(1)
            loss = nn.functional.kl_div(mine, wanted, reduction="batchmean", log_target=True)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default="mine.pth")
    parser.add_argument("--teacher", default="distill/Breakout/1")
    parser.add_argument("--steps", type=int, default=6000, help="of the teacher's play to learn from (6,000)")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    torch.manual_seed(0)
    player = Player()
    loss = learn(player, *watch(options.teacher, options.steps), options.epochs)
    torch.save(player.state_dict(), options.file)
    print(f"{options.file}: {sum(array.numel() for array in player.parameters()):,} weights, KL {loss:.3f} nats")


if __name__ == "__main__":
    main()
