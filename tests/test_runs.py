"""A run's folder: taken up again it gives what no interruption would have; whatever breaks, one sentence says it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_games import CatchEnvs
from training import a2c, es, impala, networks, ppo
from training import run as runs
from training.envs import LONGEST_GAME, AtariEnvs
from training.run import Run

from zoo_gui.types import ZooError

MODULES = {"ppo": ppo, "a2c": a2c, "impala": impala}


def settings_of(algorithm: str, **changes):
    return MODULES[algorithm].SETTINGS(
        **{"network": "tiny", "steps": 3000, "segment": 1000, "envs": 8, "rollout": 5, **changes}
    )


def new_run(folder: Path, algorithm: str = "a2c", **changes) -> Run:
    return Run.create(folder, algorithm, "Catch", settings_of(algorithm, **changes), make_envs=CatchEnvs)


def finish(run: Run) -> Run:
    for _ in run.train():
        pass
    return run


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.learner().network.state_dict()


def without_times(run: Run) -> list[dict]:
    return [{key: value for key, value in entry.items() if key != "time"} for entry in run.log()]


@pytest.mark.parametrize("algorithm", MODULES)
def test_taking_a_run_up_again_gives_what_no_interruption_would_have(tmp_path, algorithm):
    straight = finish(new_run(tmp_path / "straight", algorithm))
    for report in new_run(tmp_path / "broken", algorithm).train():
        if report.steps > 2500:  # in the third segment, which is begun again
            break
    broken = finish(new_run(tmp_path / "broken", algorithm))
    for name, tensor in weights(straight).items():
        assert torch.equal(tensor, weights(broken)[name]), name
    assert without_times(straight) == without_times(broken)
    assert straight.tags().keys() == broken.tags().keys()


def test_another_seed_gives_other_weights(tmp_path):
    first, second = finish(new_run(tmp_path / "1")), finish(new_run(tmp_path / "2", seed=2))
    assert not torch.equal(weights(first)["policy.weight"], weights(second)["policy.weight"])


def test_tags_hold_the_weights_of_their_time(tmp_path):
    run = finish(new_run(tmp_path / "run", steps=300_000, segment=100_000, envs=100, rollout=100, tags="0.1,0.5"))
    assert list(run.tags()) == ["initial", "0.4M", "0.8M", "final"]
    torch.manual_seed(run.settings.seed)
    fresh = a2c.A2C(run.settings, CatchEnvs.observation_shape, 3)
    assert torch.equal(run.learner("initial").network.policy.weight, fresh.network.policy.weight)
    assert torch.equal(run.learner("final").network.policy.weight, run.learner().network.policy.weight)


def test_the_log_tells_how_it_went(tmp_path):
    run = finish(new_run(tmp_path / "run", steps=6000, segment=2000))
    log = run.log()
    assert [entry["steps"] for entry in log] == sorted({entry["steps"] for entry in log})
    assert log[-1]["steps"] == run.facts["steps"] >= 6000
    assert all(entry["frames"] == 4 * entry["steps"] for entry in log)
    assert sum(entry["games"] for entry in log) == pytest.approx(6000 / (CatchEnvs.HEIGHT - 1), abs=3 * 8)
    assert all(-1 <= entry["score"] <= 1 and 0 <= entry["entropy"] <= 1.0987 for entry in log)
    times = [entry["time"] for entry in log]
    assert times == sorted(times)


def test_a_finished_run_is_not_trained_again(tmp_path):
    finish(new_run(tmp_path / "run"))
    assert list(new_run(tmp_path / "run").train()) == []


def test_another_run_in_the_same_folder_is_refused(tmp_path):
    new_run(tmp_path / "run")
    with pytest.raises(ZooError, match=r"learning_rate 0\.0007: choose another --seed"):
        new_run(tmp_path / "run", learning_rate=0.1)
    with pytest.raises(ZooError, match="a run of a2c on Catch"):
        new_run(tmp_path / "run", "ppo")


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    first = new_run(tmp_path / "run").train()
    next(first)
    other = new_run(tmp_path / "run")
    assert other.busy()
    with pytest.raises(ZooError, match="Another process is training"):
        next(other.train())
    first.close()
    assert not other.busy()
    finish(other)


def test_no_run_and_a_damaged_one_are_said(tmp_path):
    with pytest.raises(ZooError, match=r"is no run"):
        Run.open(tmp_path)
    for text in ("{", "[]", '{"algorithm": "a2c"}', '{"algorithm": "a2c", "game": "Catch", "settings": {"stepz": 1}}'):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(ZooError, match="is damaged"):
            Run.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04" + b"\0" * 100])
def test_a_damaged_checkpoint_is_said(tmp_path, content):
    run = new_run(tmp_path / "run")
    (tmp_path / "run" / "checkpoint.pt").write_bytes(content)
    with pytest.raises(ZooError, match=r"checkpoint\.pt cannot be read"):
        next(run.train())


def test_a_checkpoint_runs_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path(tmp_path / "ran").touch, ())

    torch.save({"learner": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(ZooError):
        runs.load(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    reports = (run := new_run(tmp_path / "run")).train()
    for report in reports:
        if report.steps > 1000:
            break
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()

    def full(state, path):
        path.write_bytes(b"part of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ZooError, match="cannot be written: No space left on device; what was saved before is whole"):
        for _ in reports:
            pass
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before
    assert not list((tmp_path / "run").glob("**/*.part"))
    monkeypatch.undo()
    assert finish(run).facts["finished"]


def test_a_cut_off_last_line_of_the_log_is_left_out(tmp_path):
    run = finish(new_run(tmp_path / "run"))
    entries = run.log()
    with open(run.folder / "log.jsonl", "a") as file:
        file.write('{"steps": 12')
    assert run.log() == entries


def test_run_json_says_what_it_takes_to_repeat_it(tmp_path):
    run = Run.create(tmp_path / "run", "a2c", "Catch", settings_of("a2c"), "tools/train a2c Catch", make_envs=CatchEnvs)
    facts = json.loads((finish(run).folder / "run.json").read_text())
    assert facts["command"] == "tools/train a2c Catch"
    assert facts["settings"] == dataclasses.asdict(settings_of("a2c"))
    assert facts["library"] == f"PyTorch {torch.__version__}" and facts["gpu"] == networks.gpu()
    assert facts["action_names"] == list(CatchEnvs.action_names)
    assert facts["steps"] >= 3000 and facts["seconds"] > 0 and facts["cpu_seconds"] > 0


def test_threads_change_nothing():
    one, three = (AtariEnvs("Pong", 4, seed=3, threads=threads) for threads in (1, 3))
    np.testing.assert_array_equal(one.reset(), three.reset())
    for action in np.random.default_rng(0).integers(6, size=(100, 4)):
        for part, same in zip(vars(one.step(action)).values(), vars(three.step(action)).values()):
            np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize(("longest", "frames"), [(450, 1_800), (6_750, LONGEST_GAME), (9_000, LONGEST_GAME)])
def test_games_that_evolution_leaves_end_there(tmp_path, monkeypatch, longest, frames):
    made = []
    monkeypatch.setattr(runs, "AtariEnvs", lambda *args, **options: made.append(options) or CatchEnvs(*args[1:]))
    Run.create(tmp_path, "es", "Pong", es.SETTINGS(network="tiny", longest=longest), threads=2).learner()
    assert made == [{"longest": frames, "threads": 2}]
