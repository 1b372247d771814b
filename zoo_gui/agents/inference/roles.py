"""What the last layers mean: policy or Q-values, value, dueling streams, distributions of returns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from zoo_gui.agents.inference.wiring import Node

POLICY_METHODS = frozenset({
    "a2c", "a3c", "acktr", "ppo", "trpo", "impala", "reinforce", "pg", "vpg", "acer", "es", "ga", "openai-es", "sac",
    "distill", "awr", "bc", "gail", "ppg", "phasic",
})  # fmt: skip
Q_METHODS = frozenset({
    "dqn", "ddqn", "rainbow", "apex", "c51", "qrdqn", "iqn", "fqf", "r2d2", "drqn", "pqn", "mdqn", "qdagger", "dueling",
    "double-dqn", "nsq", "sarsa", "ngu", "agent57", "spr", "der", "bbf",
})  # fmt: skip
MOST_ACTIONS = 18
ATOMS = (51, 200, 21, 101, 32, 64, 11)
"""Numbers for each action that distributional agents are known to have, the usual ones first."""


@dataclass(frozen=True)
class Heads:
    """kind: ``policy``, ``q``, ``dueling`` or ``sigmoid`` (one unit: the probability of the first of two actions).

    action, value: paths of the layers; value "" where there is none. actions: how many; atoms: numbers for each action,
    1 for a plain head; categorical: they are logits of returns (C51), else quantiles. confidence: of the kind, 0–1.
    """

    kind: str
    action: str
    value: str
    actions: int
    atoms: int
    categorical: bool
    confidence: float
    reason: str


def decide(
    sinks: Sequence[Node], *, algorithm: str = "", known_actions: Collection[int] = (), text: str = "", kind: str = ""
) -> Heads | None:
    """The outputs among the last layers. None where nothing could be an action.

    algorithm: if known. known_actions: numbers of actions that the game may have, likeliest first. text: names in which
    words may tell (classes, path). kind: given by a person or a preset.
    """
    if not sinks:
        return None
    value = _value(sinks)
    others = [node for node in sinks if node is not value] or list(sinks)
    value = value if value is not others[0] or len(sinks) > 1 else None
    action = max(others, key=lambda node: _plausible(node, known_actions))
    if action.module.outputs == 1:
        reason = "a single output is the probability of one of two actions"
        return Heads("sigmoid", action.path, "", 2, 1, False, 0.8, reason)
    width = value.module.outputs if value else 1
    actions, atoms, sure = _split(action.module.outputs, width, known_actions)
    found, confidence, reason = _kind(action, value, algorithm, text, atoms)
    if kind:
        found, confidence, reason = kind, 1.0, "given"
    if found != "dueling" and atoms > 1 and width > 1:
        found, confidence = "dueling", 0.95
        reason = "value and advantages each have the same numbers for an action's return"
    categorical = atoms in (51, 21, 101, 11) if atoms > 1 else False
    path = value.path if value else ""
    return Heads(found, action.path, path, actions, atoms, categorical, min(confidence, sure), reason)


def _value(sinks: Sequence[Node]) -> Node | None:
    """The last layer that is a value: named so, or the only one of a single unit beside others."""
    named = [node for node in sinks if node.stream == "value"]
    single = [node for node in sinks if node.module.outputs == 1]
    if named and len(sinks) > 1:
        return min(named, key=lambda node: node.module.outputs)
    return single[0] if single and len(sinks) > 1 else None


def _plausible(node: Node, known: Collection[int]) -> tuple:
    """Sorts last layers by how likely they choose the action."""
    outputs = node.module.outputs
    named = {"policy": 3, "advantage": 3, "q": 3, "": 1, "value": 0}[node.stream]
    fits = outputs in known or any(outputs == count * atoms for count in known for atoms in ATOMS)
    small = outputs <= MOST_ACTIONS or any(outputs % atoms == 0 for atoms in ATOMS[:2])
    return named, fits, small, -outputs


def _split(outputs: int, width: int, known: Collection[int]) -> tuple[int, int, float]:
    """(actions, numbers for each, how sure) of a layer of so many units, beside a value of ``width`` units."""
    if width > 1 and outputs % width == 0:
        return outputs // width, width, 0.97
    if outputs <= MOST_ACTIONS:
        return outputs, 1, 0.99
    for atoms in ATOMS:
        counts = [count for count in known if count * atoms == outputs]
        if counts:
            return counts[0], atoms, 0.97
    for count in known:
        if outputs % count == 0:
            return count, outputs // count, 0.7
    for atoms in ATOMS:
        if outputs % atoms == 0 and 2 <= outputs // atoms <= MOST_ACTIONS:
            return outputs // atoms, atoms, 0.8
    return outputs, 1, 0.2


def _kind(action: Node, value: Node | None, algorithm: str, text: str, atoms: int) -> tuple[str, float, str]:
    """(policy, q or dueling; how sure; why)."""
    q_like = algorithm in Q_METHODS
    if value is not None and value.module.outputs in (1, atoms):
        if action.stream == "advantage":
            return "dueling", 0.97, "a value and advantages by their names"
        if q_like or (action.stream == "q" and value.stream != "value"):
            return "dueling", 0.85, f"{algorithm or 'Q-learning'} with two streams of outputs"
        if "dueling" in text.lower():
            return "dueling", 0.9, "its names speak of dueling"
        sure = 0.9 if action.stream == "policy" or algorithm else 0.75
        return "policy", sure, "a layer of one unit beside it is the value"
    if atoms > 1:
        return "q", 0.95, f"{atoms} numbers for each action describe its return"
    if algorithm in POLICY_METHODS:
        return "policy", 0.95, f"{algorithm} learns a policy"
    if q_like:
        return "q", 0.97, f"{algorithm} learns Q-values"
    if "target" in text.lower():
        return "q", 0.8, "a target network beside it is a mark of Q-learning"
    if action.stream in ("policy", "q"):
        return action.stream, 0.85, f"the name {action.path}"
    return by_word(text) or ("q", 0.55, "one head and no value: as of a DQN")


def by_word(text: str) -> tuple[str, float, str] | None:
    """(policy or q; how sure; why) by a word in the names of file or classes, None without one."""
    for word, kind in (("dqn", "q"), ("qnet", "q"), ("q_", "q"), ("actor", "policy"), ("policy", "policy")):
        if word in text.lower():
            return kind, 0.75, f"“{word.strip('_')}” in its names"
    return None
