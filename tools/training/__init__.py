"""The recipe of the zoo: trainers of game-playing agents, one file per algorithm. ``tools/train`` runs them.

Layers, each importing only what stands before it: ``envs | networks | returns | replay``, ``learner`` (what every
algorithm is), the algorithms (``ppo``, ``a2c``, ``impala``, ``dqn``, ``rainbow``, ``apex``, ``es``, ``ga``,
``distill``), ``run`` (folder, checkpoints, log, resume), ``evaluate``, ``export``, ``queue``, ``cli``.
"""
