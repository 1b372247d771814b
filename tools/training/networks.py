"""The networks, with the layer names that the agents' cards use: conv1 …, fc, and the heads of each algorithm.

The body runs in bfloat16 where the processor has instructions for it (1.5–1.75 times faster than float32 there), the
heads always in float32.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# one run per core beats several threads in one run, and sums are then always taken in the same order
torch.set_num_threads(1)

BODIES = {
    # (filters, kernel, stride) of each convolution, units of the dense layer
    "nature": (((32, 8, 4), (64, 4, 2), (64, 3, 1)), 512),
    "small": (((16, 8, 4), (32, 4, 2)), 256),
    # few enough weights for evolution, which learns little from each game
    "slim": (((16, 8, 4), (16, 4, 2)), 64),
    "tiny": ((), 64),
}


@functools.cache
def device() -> torch.device:
    """The GPU where there is one, else the processor."""
    with warnings.catch_warnings():
        # PyTorch's build with CUDA warns where there is no driver: then there is no GPU, and that is all
        warnings.filterwarnings("ignore", message=".*CUDA", category=UserWarning)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def gpu() -> str:
    """The name of the GPU that networks are on; "" where they are on the processor."""
    return torch.cuda.get_device_name(device()) if device().type == "cuda" else ""


@functools.cache
def has_bfloat16() -> bool:
    """Whether bfloat16 is fast here."""
    if device().type == "cuda":
        return torch.cuda.is_bf16_supported()
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "avx512_bf16" in cpuinfo.read_text()


class Body(nn.Module):
    """Convolutions and one dense layer, ReLU everywhere; uint8 (N, C, H, W) → float32 (N, width)."""

    def __init__(self, kind: str, observation_shape: tuple[int, int, int]):
        super().__init__()
        convolutions, self.width = BODIES[kind]
        channels, height, width = observation_shape
        self.convs = []
        for number, (filters, kernel, stride) in enumerate(convolutions, start=1):
            self.add_module(f"conv{number}", nn.Conv2d(channels, filters, kernel, stride))
            self.convs.append(f"conv{number}")
            channels, height, width = filters, (height - kernel) // stride + 1, (width - kernel) // stride + 1
        self.fc = nn.Linear(channels * height * width, self.width)

    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        low = has_bfloat16()
        with torch.autocast(observation.device.type, torch.bfloat16, enabled=low):
            if low:  # in two passes: a third faster than in one, for bytes to bfloat16 only
                x = observation.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
            else:
                x = observation.to(torch.float32, memory_format=torch.channels_last)
            x = x * (1 / 255) if not self.convs else x
            for i, name in enumerate(self.convs):
                conv = getattr(self, name)
                # 0–255 is exact in bfloat16; its scale to 0–1 goes into the first weights, which are fewer
                weight = conv.weight * (1 / 255) if i == 0 else conv.weight
                x = F.relu(F.conv2d(x, weight, conv.bias, conv.stride))
            x = F.relu(self.fc(x.flatten(1)))
        return x.float()


class ActorCritic(nn.Module):
    """A policy and a value on one body: uint8 (N, C, H, W) → logits (N, A), value (N,)."""

    def __init__(self, kind: str, observation_shape: tuple[int, int, int], actions: int):
        super().__init__()
        self.body = Body(kind, observation_shape)
        self.policy = nn.Linear(self.body.width, actions)
        self.value = nn.Linear(self.body.width, 1)
        orthogonal(self.body, 2**0.5)
        orthogonal(self.policy, 0.01)
        orthogonal(self.value, 1.0)
        self.to(device(), memory_format=torch.channels_last)

    def forward(self, observation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.body(observation)
        return self.policy(features), self.value(features)[:, 0]


def orthogonal(module: nn.Module, gain: float) -> None:
    """Orthogonal weights, zero biases."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.orthogonal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)


def observe(observation) -> torch.Tensor:
    """NumPy observations on the device."""
    return torch.from_numpy(observation).to(device())
