"""Returns, advantages and their targets: the mathematics that the algorithms share, on (T, N) arrays."""

from __future__ import annotations

from dataclasses import dataclass

import torch


def gae(reward, value, last_value, done, gamma: float, lam: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16) and the value targets it implies.

    reward, value, done: (T, N), done after the step's action; last_value: (N,) of the observation after the last step.
    δ_t = r_t + γ V_{t+1} (1 − d_t) − V_t ;  A_t = δ_t + γ λ (1 − d_t) A_{t+1}. Returns (A, A + V), each (T, N).
    """
    following = torch.cat([value[1:], last_value[None]])
    going_on = 1.0 - done.to(reward.dtype)
    delta = reward + gamma * following * going_on - value
    advantage, carried = torch.empty_like(delta), torch.zeros_like(last_value)
    for t in range(len(delta) - 1, -1, -1):
        carried = delta[t] + gamma * lam * going_on[t] * carried
        advantage[t] = carried
    return advantage, advantage + value


@dataclass(frozen=True)
class VTrace:
    """value: the targets v_s, (T, N). advantage: ρ_s (r_s + γ v_{s+1} − V_s), (T, N)."""

    value: torch.Tensor
    advantage: torch.Tensor


def vtrace(log_ratio, reward, value, last_value, done, gamma: float, rho_bar=1.0, c_bar=1.0, lam=1.0) -> VTrace:
    """V-trace (Espeholt et al. 2018, eq. 1 and section 4.2): returns corrected for a policy that played another way.

    log_ratio: log π(a|s) − log μ(a|s), (T, N), of the learner's policy π and the one that played, μ; the rest as in
    ``gae``. With ρ = min(ρ̄, π/μ) and c = λ min(c̄, π/μ):
    v_s = V_s + Σ_t γ^(t−s) (Π_{i<t} c_i) ρ_t (r_t + γ V_{t+1} − V_t).
    """
    ratio = log_ratio.exp()
    rho, c = ratio.clamp(max=rho_bar), lam * ratio.clamp(max=c_bar)
    discount = gamma * (1.0 - done.to(reward.dtype))
    delta = rho * (reward + discount * torch.cat([value[1:], last_value[None]]) - value)
    correction, carried = torch.empty_like(delta), torch.zeros_like(last_value)
    for t in range(len(delta) - 1, -1, -1):
        carried = delta[t] + discount[t] * c[t] * carried
        correction[t] = carried
    target = value + correction
    following = torch.cat([target[1:], last_value[None]])
    return VTrace(target, rho * (reward + discount * following - value))
