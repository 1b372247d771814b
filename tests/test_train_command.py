"""``tools/train`` and its queue as a person uses them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
from tiny_games import CatchEnvs
from training import algorithms, cli, queue
from training import run as runs

from zoo_gui.types import ZooError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def catch(monkeypatch):
    """Every game is Catch: what is tested here is the command, not the emulator."""
    monkeypatch.setattr(runs, "AtariEnvs", lambda game, count, seed, **options: CatchEnvs(count, seed))


def queue_file(folder: Path, *rows: str) -> Path:
    path = folder / "queue.toml"
    path.write_text("".join(f"[[run]]\n{row}\n" for row in rows))
    return path


def job(algorithm: str = "a2c", game: str = "Pong", more: str = "") -> str:
    return f'algorithm = "{algorithm}"\ngame = "{game}"\nsteps = 1_000\nsegment = 500\nnetwork = "tiny"\n{more}'


def facts(folder: Path, name: str) -> dict:
    return json.loads((folder / name / "run.json").read_text())


def test_training_leaves_a_finished_run_and_says_what_is_next(tmp_path, catch, capsys):
    folder = tmp_path / "run"
    arguments = ["a2c", "pong", "--steps", "1e3", "--network", "tiny", "--seed", "7", "--folder", str(folder)]
    assert cli.main(arguments) == 0
    assert "tools/train export" in capsys.readouterr().err
    assert facts(tmp_path, "run")["finished"]
    assert facts(tmp_path, "run")["command"] == "tools/train a2c Pong --steps 1000 --seed 7 --network tiny"


def test_the_same_command_again_has_nothing_to_do(tmp_path, catch):
    arguments = ["a2c", "pong", "--steps", "1000", "--network", "tiny", "--folder", str(tmp_path / "run")]
    assert cli.main(arguments) == 0
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    assert cli.main(arguments) == 0
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a2c", "Pongg"], "Pong"),
        (["a2c", "Pong", "--steps", "many"], "“many” is not a whole number"),
        (["a2c", "Pong", "--threads", "0"], "“0” is less than 1"),
        (["a2c", "Pong", "--learning-rate", "fast"], "invalid float value"),
        (["dqn", "Pong", "--double", "perhaps"], "neither true nor false"),
        (["a3c", "Pong"], "invalid choice: 'a3c'"),
        (["queue", "no/such/file.toml"], "cannot be read"),
        (["export", "no/such/run"], "is no run"),
        ([], "--help"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(arguments, words, capsys, monkeypatch):
    monkeypatch.setattr(cli, "yield_to_others", lambda: None)
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and error.startswith("tools/train: ") and "Traceback" not in error


def test_every_algorithm_lists_its_settings(capsys):
    for name in algorithms.NAMES:
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        assert "--steps" in capsys.readouterr().out


def test_ctrl_c_keeps_the_checkpoint(tmp_path, catch, capsys, monkeypatch):
    def interrupted(run):
        for report in run.train():
            if report.steps > 600:
                raise KeyboardInterrupt

    monkeypatch.setattr(cli, "follow", interrupted)
    arguments = ["a2c", "pong", "--steps", "1000", "--segment", "500", "--network", "tiny", "--folder",
                 str(tmp_path / "run")]  # fmt: skip
    assert cli.main(arguments) == 130
    assert "goes on from the last checkpoint" in capsys.readouterr().err
    assert 500 <= facts(tmp_path, "run")["steps"] < 1000


def test_the_queue_works_through_its_list(tmp_path, catch):
    path = queue_file(tmp_path, job(), job("ppo", "Breakout", "seed = 3\n"))
    assert queue.work(path, tmp_path, export=False) == 0
    assert facts(tmp_path, "a2c/Pong/1")["finished"] and facts(tmp_path, "ppo/Breakout/3")["finished"]
    lines = list(queue.status(tmp_path))
    assert len(lines) == 2 and all("finished" in line for line in lines)


def test_the_queue_exports_what_is_done_once(tmp_path, catch, monkeypatch):
    exported = []
    module = types.ModuleType("training.export")
    module.export = lambda run, tags: exported.append((run.algorithm, tags)) or "in the zoo"
    monkeypatch.setitem(sys.modules, "training.export", module)
    path = queue_file(tmp_path, job(), job("ppo", more='keep = ["initial"]\n'))
    assert queue.work(path, tmp_path) == 0
    assert queue.work(path, tmp_path) == 0
    assert exported == [("a2c", None), ("ppo", ("initial",))]


def test_the_queue_goes_on_after_a_run_that_fails(tmp_path, catch, capsys):
    path = queue_file(tmp_path, job(), job("ppo"))
    assert queue.work(path, tmp_path, export=False) == 0
    (tmp_path / "a2c/Pong/1/run.json").write_text("{")
    shutil.rmtree(tmp_path / "ppo")
    assert queue.work(path, tmp_path, export=False) == 1
    assert "is damaged" in capsys.readouterr().err
    assert facts(tmp_path, "ppo/Pong/1")["finished"]


def test_the_queue_passes_over_a_run_that_another_process_trains(tmp_path, catch):
    path = queue_file(tmp_path, job(), job("ppo"))
    mine = queue.read(path)[0]
    training = runs.Run.create(mine.folder(tmp_path), mine.algorithm, mine.game, mine.settings).train()
    next(training)
    assert queue.work(path, tmp_path, export=False) == 0
    assert not facts(tmp_path, "a2c/Pong/1")["finished"] and facts(tmp_path, "ppo/Pong/1")["finished"]
    training.close()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('algorithm = "ppp"\ngame = "Pong"', "ppo"),
        ('algorithm = "ppo"\ngame = "Ponk"', "Pong"),
        ('algorithm = "ppo"\ngame = "Pong"\nstepz = 3', "did you mean steps"),
        ('algorithm = "ppo"\ngame = "Pong"\nsteps = "many"', "must be of type int"),
        ('algorithm = "ppo"\ngame = "Pong"\nsteps = true', "must be of type int"),
        ('algorithm = "ppo"\ngame = "Pong"\nkeep = "initial"', "must be a list of stages"),
        ("algorithm = ", "is not valid TOML"),
    ],
)
def test_a_faulty_list_is_said_with_its_place(tmp_path, row, words):
    with pytest.raises(ZooError, match=words):
        queue.read(queue_file(tmp_path, job(), row))


def test_the_projects_own_list_is_sound():
    jobs = queue.read(ROOT / "tools" / "queue.toml")
    folders = [job.folder(Path()) for job in jobs]
    assert len(set(folders)) == len(folders)
    assert {job.algorithm for job in jobs} >= set(algorithms.NAMES) - {"distill"}


def test_the_file_itself_runs():
    result = subprocess.run([sys.executable, ROOT / "tools" / "train", "--help"], capture_output=True, text=True,
                            env={**os.environ, "ZOO_GUI_TRAIN_PYTHON": "1"})  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "queue" in result.stdout
