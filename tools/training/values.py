"""Networks and losses of the algorithms that learn action values."""

from __future__ import annotations

import torch
from torch import nn

from training.networks import Body, device, orthogonal


class QNetwork(nn.Module):
    """Action values (Mnih et al. 2015): uint8 (N, C, H, W) → float32 (N, A)."""

    def __init__(self, kind: str, observation_shape: tuple[int, int, int], actions: int):
        super().__init__()
        self.body = Body(kind, observation_shape)
        self.q = nn.Linear(self.body.width, actions)
        orthogonal(self.body, 2**0.5)
        orthogonal(self.q, 0.01)
        self.to(device(), memory_format=torch.channels_last)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return self.q(self.body(observation))


class DuelingQuantiles(nn.Module):
    """Quantiles of the return (Dabney et al. 2018) with dueling heads (Wang et al. 2016) on one dense layer.

    uint8 (N, C, H, W) → float32 (N, A, K). ``value`` has K outputs, ``advantage`` A · K (all quantiles of the first
    action, then of the second …).
    """

    def __init__(self, kind: str, observation_shape: tuple[int, int, int], actions: int, quantiles: int):
        super().__init__()
        self.actions, self.quantiles = actions, quantiles
        self.body = Body(kind, observation_shape)
        self.value = nn.Linear(self.body.width, quantiles)
        self.advantage = nn.Linear(self.body.width, actions * quantiles)
        orthogonal(self.body, 2**0.5)
        orthogonal(self.value, 0.01)
        orthogonal(self.advantage, 0.01)
        self.to(device(), memory_format=torch.channels_last)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        features = self.body(observation)
        advantage = self.advantage(features).view(-1, self.actions, self.quantiles)
        return self.value(features)[:, None] + advantage - advantage.mean(1, keepdim=True)


class DuelingQNetwork(DuelingQuantiles):
    """Action values with dueling heads (Wang et al. 2016, eq. 9): uint8 (N, C, H, W) → float32 (N, A)."""

    def __init__(self, kind: str, observation_shape: tuple[int, int, int], actions: int):
        super().__init__(kind, observation_shape, actions, quantiles=1)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return super().forward(observation)[..., 0]


def quantile_huber(quantiles: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Quantile Huber loss with κ = 1 (Dabney et al. 2018, eqs. 9–10): (B, K) predicted, (B, J) targets → (B,).

    ρ_τ(u) = |τ − 1{u < 0}| L(u) with u = target − quantile and τ_i = (i + ½)/K; sum over i, mean over j.
    """
    count = quantiles.shape[1]
    tau = (torch.arange(count, device=quantiles.device) + 0.5)[:, None] / count
    error = targets[:, None, :] - quantiles[:, :, None]
    with torch.no_grad():
        near = error.clamp(-1, 1)
        slope = torch.where(error < 0, 1 - tau, tau) * near
    # L(u) = c (u − c/2) with c = u cut to ±1; held fixed, c leaves the derivative what it is: c
    return (slope * (error - 0.5 * near)).sum(1).mean(1)
