"""Returns, advantages and their targets: the mathematics that the algorithms share, on (T, N) arrays."""

from __future__ import annotations

import torch


def gae(reward, value, last_value, done, gamma: float, lam: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16) and the value targets it implies.

    reward, value, done: (T, N), done after the step's action; last_value: (N,) of the observation after the last step.
    δ_t = r_t + γ V_{t+1} (1 − d_t) − V_t ;  A_t = δ_t + γ λ (1 − d_t) A_{t+1}. Returns (A, A + V), each (T, N).
    """
    following = torch.cat([value[1:], last_value[None]])
    going_on = 1.0 - done.float()
    delta = reward + gamma * following * going_on - value
    advantage, carried = torch.empty_like(delta), torch.zeros_like(last_value)
    for t in range(len(delta) - 1, -1, -1):
        carried = delta[t] + gamma * lam * going_on[t] * carried
        advantage[t] = carried
    return advantage, advantage + value
