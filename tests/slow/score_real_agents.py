"""Do other people's agents score here what they scored for whoever measured them? Takes about an hour on one core.

Not part of the suite: run ``python -m pytest tests/slow/score_real_agents.py`` (``-k pong`` for some of them).
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_real_agents import AGENTS, CARDS, REAL, pytestmark  # noqa: F401

from zoo_gui.agents.agent import Agent
from zoo_gui.agents.card import Card
from zoo_gui.analysis.verify import verify

GAMES = 8


@pytest.mark.parametrize("name", [name for name in REAL if not name.endswith(("_1", "_4"))])
def test_score(name, record_property):
    """The mean of eight games is within chance of the README's, and far above random play."""
    agent = Agent.of_file(Card.read(CARDS / f"{name}.toml"), AGENTS / REAL[name][0])
    found = list(verify(agent, episodes=GAMES, seed=11))[-1].result
    print(f"\n{name}: {found.mean:.1f} ± {found.error:.1f}; published {found.published}; games {found.returns}")
    record_property("mean", found.mean)
    assert found.score_agrees and found.mean > (found.published + found.random) / 2
