"""Redundancy and probes: planted relations are found, by the numbers that they should have."""

import numpy as np
import planted
import pytest

from zoo_gui.analysis import run
from zoo_gui.analysis.export import write
from zoo_gui.analysis.probes import ALPHAS, Ridge, pooled
from zoo_gui.analysis.redundancy import duplicates, predicted
from zoo_gui.cli import main
from zoo_gui.types import Unit, ZooError


@pytest.fixture(scope="module")
def made():
    """An agent whose fc:0 is dead, fc:1 twice fc:5, fc:2 always on, and its play."""
    agent = planted.agent()
    kernel, bias = (np.array(agent.weights[f"fc/{part}"]) for part in ("kernel", "bias"))
    kernel[:, 0], bias[0] = 0, -1
    kernel[:, 1], bias[1] = 2 * kernel[:, planted.COUNTER], 0
    kernel[:, 2], bias[2] = 0.1 * kernel[:, 3], 50
    agent = agent.with_weights({"fc/kernel": kernel, "fc/bias": bias})
    return agent, planted.play(agent)


def test_play_too_short_for_two_halves_is_a_sentence(made):
    agent, play = made
    short = planted.play(agent, 1, 60, edited=slice(12, 60)).moments
    with pytest.raises(ZooError, match="varies in both halves of these 11 moments"):
        run("probes", agent, moments=short)


def test_dead_duplicate_and_never_off(made, tmp_path):
    agent, play = made
    found = run("redundancy", agent, moments=play.moments)
    assert Unit("fc", 0) in found.dead and Unit("fc", 2) in found.never_off
    assert (Unit("fc", 1), Unit("fc", planted.COUNTER)) in found.duplicates
    assert {Unit("fc", 1), Unit("fc", planted.COUNTER)} <= {row.unit for row in found.redundant}
    assert found.sentence.startswith("Of 28 units in 414 moments")
    for ending in (".png", ".csv", ".json"):
        assert write(found, tmp_path / f"x{ending}").stat().st_size > 100


def test_ridge_regressions_are_sklearns_all_at_once():
    from sklearn.linear_model import Ridge as Reference
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(0)
    values = rng.standard_normal((300, 6)) @ rng.standard_normal((6, 6))
    values[:, 3] = values[:, 0] - 2 * values[:, 1] + 0.01 * rng.standard_normal(300)
    fit, held = np.arange(200), np.arange(200, 300)
    scaled = (values - values[fit].mean(0)) / values[fit].std(0)
    for column, ours in enumerate(predicted(values, fit, held)):
        others = np.delete(scaled, column, 1)
        model = Reference(1e-3 * len(fit), fit_intercept=False).fit(others[fit], scaled[fit, column])
        assert ours == pytest.approx(r2_score(scaled[held, column], model.predict(others[held])), abs=1e-9)
    assert duplicates(np.stack([values[:, 0], -3 * values[:, 0], values[:, 1]], 1)) == [[0, 1]]
    goal = values[:, :2]
    for features in (4, 260):  # of features, and in the dual
        known = rng.standard_normal((200, features))
        asked = rng.standard_normal((30, features))
        for alpha in ALPHAS:
            wanted = Reference(float(alpha) * features).fit(known, goal[:200]).predict(asked)
            np.testing.assert_allclose(Ridge(known, asked).guess(goal[:200], alpha), wanted, atol=1e-4)


def test_maps_are_averaged_over_squares():
    values = np.arange(2 * 30 * 30 * 4, dtype=np.float32).reshape(2, 30, 30, 4)
    flat, words = pooled(values)
    assert flat.shape == (2, 15 * 15 * 4) and "2×2" in words
    assert flat[0, 0] == values[0, :2, :2, 0].mean()
    assert pooled(values[:, 0, 0])[0].shape == (2, 4)


def test_probes_read_what_is_shown_and_nothing_else(made, tmp_path, capsys):
    agent, play = made
    found = run("probes", agent, moments=play.moments, layers=("fc", "policy"), shifts=30)
    assert found.bytes == (planted.BYTE, planted.BYTE + 1) and found.layers == ("observation", "fc", "policy")
    shown, hidden = found.grid()[:, 0], found.grid()[:, 1]
    assert shown[1] > 0.99 and shown[0] > 0.8 and (hidden < 0.2).all()
    p = found.grid("p_value")
    assert (p[:, 0] < 0.1).all() and (p[:, 1] > 0.05).all()
    assert found.grid("chance")[1, 0] < 0.9 and found.features["fc"] == "12 units"
    for ending in (".png", ".csv", ".json", ".npz"):
        assert write(found, tmp_path / f"x{ending}").stat().st_size > 100
    with pytest.raises(ZooError, match="no RAM byte 200"):
        run("probes", agent, moments=play.moments, bytes=(200,))
    with pytest.raises(ZooError, match="varies in both halves"):
        run("probes", agent, moments=play.moments, bytes=(3,))
    arguments = ["probe", "ppo/Breakout/1", "--steps", "150", "--layer", "policy", "--bytes", "72,3", "--shifts", "5"]
    assert main(arguments) == 0
    assert "byte  72" in capsys.readouterr().out
