"""The recipe of the zoo: trainers of game-playing agents, one file per algorithm. ``tools/train`` runs them.

Layers, each importing only what stands before it: ``envs | networks | returns | replay``, ``learner`` (what every
algorithm is), the algorithms (``ppo``, ``a2c``, ``impala``, ``dqn``, ``rainbow``, ``apex``, ``es``, ``ga``,
``distill``), ``run`` (folder, checkpoints, log, resume), ``evaluate``, ``export``, ``queue``, ``cli``.
"""

import contextlib
import sys

if "tensorflow" not in sys.modules:
    # PyTorch's build with CUDA loads Triton when it first needs it; after TensorFlow, which exported agents run on,
    # Triton's copy of LLVM aborts the process (seen with Triton 3.9 and TensorFlow 2.21), before it all is well
    with contextlib.suppress(ImportError):
        import triton  # noqa: F401
