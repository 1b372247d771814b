"""Policy distillation: the student comes to act as its teacher does, also after an interruption."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_games import CatchEnvs
from training import distill, run
from training.distill import Distill, DistillSettings, load_teacher
from training.envs import Recorded

from zoo_gui.types import ZooError


def catches(observation: np.ndarray) -> np.ndarray:
    """A teacher that moves under the ball, with much confidence."""
    ball = observation[:, 0, :-1].max(1).argmax(1)
    paddle = np.where(observation[:, 0, :-1].any((1, 2)), observation[:, 0, -1].argmax(1), ball)
    return -8.0 * np.abs(np.arange(3) - 1 - np.sign(ball - paddle)[:, None]).astype(np.float32)


@pytest.fixture
def teacher(monkeypatch):
    monkeypatch.setattr(distill, "load_teacher", lambda name, action_names: catches)


def settings(**changes) -> DistillSettings:
    return DistillSettings(**{"network": "tiny", "steps": 12_000, "segment": 4_000, "capacity": 4_000, **changes})


def test_the_student_learns_what_the_teacher_does(teacher):
    torch.manual_seed(0)
    envs = Recorded(CatchEnvs(16, seed=1))
    quick = settings(teacher_plays=2_000, replay_ratio=24.0, learning_rate=4e-3)
    learner = Distill(quick, CatchEnvs.observation_shape, 3)
    learner.segment = 0
    learner.begin(envs, np.random.default_rng(0))
    divergence = []
    while learner.steps < 12_000:
        divergence.append(learner.iterate()["kl"])
    assert divergence[-1] < 0.3 * divergence[0]
    assert not learner.teacher_drives.any()
    assert np.mean([score for score, _ in envs.finished[-200:]]) > 0.9


def test_an_interrupted_run_gives_the_same_student(teacher, tmp_path):
    def new(folder):
        return run.Run.create(tmp_path / folder, "distill", "Catch", settings(), make_envs=CatchEnvs)

    straight, broken = new("straight"), new("broken")
    for _ in straight.train():
        pass
    for report in broken.train():
        if report.steps > 9_000:
            break
    for _ in new("broken").train():
        pass
    expected = straight.learner().network.state_dict()
    found = new("broken").learner().network.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_after_a_lost_life_the_label_is_fire(teacher):
    class Lives(CatchEnvs):
        action_names = ("NOOP", "FIRE", "RIGHT")

        def step(self, actions):
            answer = super().step(actions)
            answer.life_lost[:] = [True, False]
            return answer

    learner = Distill(settings(envs=2, fire_after_life=1), CatchEnvs.observation_shape, 3)
    learner.segment = 0
    learner.begin(Lives(2), np.random.default_rng(0))
    learner._play()
    learner._play()
    taught = np.exp(learner.labels[1].astype(np.float32))
    assert taught[0] == pytest.approx([0, 1, 0], abs=1e-6)
    best = catches(learner.replay.stacks(np.array([1]), np.array([1])).cpu().numpy())[0].argmax()
    assert taught[1].argmax() == best


def test_an_agent_of_the_zoo_teaches_by_the_meaning_of_actions():
    names = ("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE")
    teacher = load_teacher("distill/Breakout/1", names)
    observation = np.random.default_rng(0).integers(0, 255, (2, 4, 84, 84), dtype=np.uint8)
    logits = teacher(observation)
    assert logits.shape == (2, 6) and (logits[:, 4:] == distill.LEAST_LOGIT).all()
    swapped = load_teacher("distill/Breakout/1", ("LEFT", "RIGHT", "FIRE", "NOOP"))(observation)
    np.testing.assert_allclose(swapped, logits[:, [3, 2, 1, 0]], rtol=1e-5)


def test_an_unfit_teacher_is_refused():
    with pytest.raises(ZooError, match="needs a teacher"):
        load_teacher("", ("NOOP",))
    with pytest.raises(ZooError, match="actions that the game lacks"):
        load_teacher("distill/Seaquest/1", ("NOOP", "FIRE"))
    with pytest.raises(ZooError):
        load_teacher("distill/Nowhere/1", ("NOOP",))
