"""What chosen moments have in common, against numbers computed another way; and the picture of one moment."""

import compared
import numpy as np
import pytest

from zoo_gui import analysis
from zoo_gui.analysis import export
from zoo_gui.analysis.selection import cohens_d
from zoo_gui.play.moments import Moments
from zoo_gui.types import Decision, Step, ZooError

COUNT, LIVELY = 90, 2


@pytest.fixture(scope="module")
def agent():
    return compared.agent()


@pytest.fixture(scope="module")
def moments(agent):
    """Three games of 30 moments; in every third moment the screen is bright, and unit fc:2 and the action tell it."""
    found = Moments(agent.layers, agent.action_names, (20, 18), agent.observation_shape)
    found.agent = agent
    rng, sizes = np.random.default_rng(0), {info.name: info.shape for info in agent.layers}
    for number in range(COUNT):
        bright = number % 3 == 0
        values = {name: rng.uniform(0, 1, shape).astype("f4") for name, shape in sizes.items()}
        values["fc"][:] = 0.25
        values["fc"][LIVELY] = (5.0 if bright else 1.0) + rng.normal()
        step = Step(
            player="agent", episode=number // 30, index=number % 30, frame=np.zeros((20, 18, 3), np.uint8),
            frames=np.zeros((1, 20, 18, 3), np.uint8),
            observation=np.full(agent.observation_shape, 200 if bright else 100, np.uint8),
            decision=Decision(2 if bright else number % 2, np.zeros(3, "f4"), "logits", 0.5, values),
            ram=np.zeros(128, np.uint8),
            reward=float(bright), episode_return=float(number), lives=3, terminated=False, truncated=False,
        )  # fmt: skip
        codes = np.full((20, 18), number, np.uint8)
        found.add(step, 100 + number, codes, np.tile(np.arange(256, dtype=np.uint8)[:, None], (1, 3)))
    return found


def test_an_effect_is_the_gap_of_means_in_pooled_deviations():
    rng = np.random.default_rng(1)
    inside, outside = rng.normal(1, 2, (40, 5)).astype("f4"), rng.normal(0, 1, (25, 5)).astype("f4")
    variances = [part.astype(float).var(0, ddof=1) for part in (inside, outside)]
    pooled = np.sqrt((39 * variances[0] + 24 * variances[1]) / 63)
    effect, own, other = cohens_d(inside, outside)
    np.testing.assert_allclose(effect, (own - other) / pooled)
    np.testing.assert_allclose(own, inside.mean(0, dtype=float))


def test_what_never_varies_has_no_effect_and_what_varies_only_between_has_an_endless_one():
    inside, outside = np.full((7, 2), 0.1, "f4"), np.full((3, 2), 0.1, "f4")
    outside[:, 1] = 0.3
    effect = cohens_d(inside, outside)[0]
    assert np.isnan(effect[0]) and effect[1] == -np.inf
    assert np.isnan(cohens_d(inside, outside[:0])[0]).all()
    assert np.isnan(cohens_d(inside[:1], outside[:1])[0]).all()


def test_chosen_moments_are_told_from_the_others(agent, moments):
    ids = moments.column("id")
    inside = ids[::3]
    records = list(analysis.ANALYSES["selection_summary"](agent, moments=moments, inside=[*inside, 7], outside=ids))
    found = records[-1].result
    assert len(records) > 3 and all(progress.result is None for progress in records[:-1])
    assert (found.inside, found.outside, found.lost, found.episodes, found.runs) == (30, 60, 1, 3, 30)
    np.testing.assert_allclose(found.mean, 200 / 255, atol=1e-6)
    np.testing.assert_allclose(found.mean_outside, 100 / 255, atol=1e-6)
    assert found.actions.tolist() == [0, 0, 30] and found.actions_outside.tolist() == [30, 30, 0]
    assert found.numbers["reward"] == (1.0, 0.0) and found.numbers["value"] == (0.5, 0.5)
    best = found.strongest(3)
    assert str(best[0].unit) == f"fc:{LIVELY}" and best[0].effect > 3 > abs(best[1].effect)
    assert {str(one.unit) for one in found.strongest(9, "fc")} == {f"fc:{LIVELY}"}  # the rest never varies
    values = moments.peaks("conv1")
    np.testing.assert_allclose(found.means["conv1"], values[::3].mean(0), rtol=1e-5)
    assert "30 of 90 moments, 30 stretches of 3 games. 1 more are no longer kept." == found.sentence
    assert len(found.table()) == sum(info.units for info in agent.layers)


def test_moments_that_are_gone_are_said_to_be(agent, moments):
    with pytest.raises(ZooError, match="None of the chosen moments is kept"):
        analysis.run("selection_summary", agent, moments=moments, inside=[1, 2], outside=[100])
    with pytest.raises(ZooError, match="no longer kept"):
        analysis.run("moment_picture", agent, moments=moments, moment=4)


def test_all_moments_at_once_have_nothing_beside_them(agent, moments, tmp_path):
    found = analysis.run("selection_summary", agent, moments=moments, inside=moments.column("id"), outside=[])
    assert found.outside == 0 and not found.strongest(5) and np.isnan(found.mean_outside).all()
    assert export.write(found, tmp_path / "all.png").stat().st_size > 1000


def test_a_moments_picture_is_its_screen(agent, moments):
    found = analysis.run("moment_picture", agent, moments=moments, moment=142)
    assert found.moment == 142 and found.frame.shape == (20, 18, 3) and (found.frame == 42).all()


@pytest.mark.parametrize("ending", ["png", "csv", "npz"])
def test_it_is_saved(agent, moments, tmp_path, ending):
    ids = moments.column("id")
    found = analysis.run("selection_summary", agent, moments=moments, inside=ids[:20], outside=ids[20:])
    path = export.write(found, tmp_path / f"chosen.{ending}")
    assert path.stat().st_size > 500
    if ending == "npz":
        with np.load(path) as read:
            np.testing.assert_array_equal(read["effect_fc"], found.effects["fc"])
