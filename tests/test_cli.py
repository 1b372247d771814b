"""The command line: what it prints, its exit codes, its errors; no toolkit before it is needed."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import tiny_agents

import zoo_gui
from zoo_gui import cli
from zoo_gui.agents import catalogue
from zoo_gui.agents.card import Scores

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(capsys):
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def called(monkeypatch):
    """Stand-ins for the window and the bench, which keep the options they were called with."""
    import zoo_gui.bench
    import zoo_gui.launch

    options = {}
    monkeypatch.setattr(zoo_gui.launch, "run", lambda given: options.update(vars(given)) or print("Saved it") or 0)
    figures = {"ui_fps": {"1": 60.0}, "cores": 2}
    monkeypatch.setattr(zoo_gui.bench, "run", lambda given: options.update(vars(given)) or figures)
    return options


def test_importing_it_loads_no_toolkit():
    heavy = ("PyQt5", "pyqtgraph", "tensorflow", "cv2", "ale_py")
    code = f"import sys, zoo_gui.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"zoo-gui {zoo_gui.__version__}\n"


@pytest.mark.parametrize("command", [(), ("gui",), ("list",), ("fetch",), ("play",), ("bench",)])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([*command, "--help"])
    assert end.value.code == 0 and "--json" in capsys.readouterr().out or not command


def test_list_names_every_agent_that_is_here_and_counts_the_others(run):
    code, out, _ = run("list")
    here = [entry for entry in catalogue.entries() if entry.is_here]
    assert code == 0 and all(entry.id in out and entry.title in out for entry in here)
    assert "1350 more of dopamine can be downloaded" in out and "825 more of zoo are not reachable since 2020" in out
    assert "dopamine:" not in out


@pytest.mark.parametrize("arguments", [("list", "--json"), ("--json", "list")])
def test_list_as_json(run, arguments):
    code, out, err = run(*arguments)
    rows = {row["id"]: row for row in json.loads(out)}
    assert code == 0 and err == "" and list(rows) == [entry.id for entry in catalogue.entries()]
    row = rows[catalogue.default_id()]
    assert {"title", "algorithm", "game", "run", "score", "random_score", "human_score", "description"} <= set(row)
    assert {"algorithm_title", "tag", "frames", "constant_score", "constant_action", "remark", "thumbnail"} <= set(row)
    assert (row["source"], row["status"]) == ("embedded", "ready") and Path(row["path"]).is_file()
    row = rows["dopamine:rainbow/Seaquest/3"]
    assert (row["source"], row["path"], row["score"]) == ("dopamine", None, 9820)


@pytest.mark.parametrize(
    "arguments, ids",
    [
        (("--game", "breakout", "--algorithm", "PPO", "--source", "embedded"), {"ppo/Breakout/1", "ppo/Breakout/2"}),
        (("--source", "embedded", "--tag", "1.0m"), {"a2c/Breakout/1@1.0M", "ga/Frostbite/1@1.0M"}),
        (("--game", "space invaders", "--source", "embedded", "--tag", "final"), {"ga/SpaceInvaders/1"}),
        (("--algorithm", "acktr"), {"ikostrikov:acktr/Pong/1"}),
    ],
)
def test_list_filters(run, arguments, ids):
    assert {row["id"] for row in json.loads(run("list", "--json", *arguments)[1])} == ids
    out = run("list", *arguments)[1].splitlines()
    assert len(out) == len(ids) + 1 and all(any(line.startswith(id) for line in out) for id in ids)


def test_list_says_what_does_not_exist(run):
    code, _, err = run("list", "--game", "Brekout")
    assert code == 2 and "No agent has the game “Brekout”. Did you mean Breakout" in err
    assert "Did you mean dopamine" in run("list", "--source", "dopamin")[2]
    assert "leave out" in run("list", "--game", "Pong", "--algorithm", "es", "--tag", "1.6M")[2]


def test_list_says_which_agents_are_not_better_than_a_constant_action(run, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "resource_path", lambda *parts: tmp_path.joinpath(*parts))
    scores = Scores(mean=21.3, random=0.0, constant=21.3, constant_action="UP", human=29.6)
    folder = tmp_path / "agents" / "ga" / "Freeway" / "1"
    tiny_agents.write(folder, algorithm="ga", game="Freeway", scores=scores)
    (folder / "thumbnail.png").write_bytes(b"png")
    _, out, _ = run("list")
    assert out.splitlines()[0] == (
        "ga/Freeway/1   GA · Freeway · run 1   score 21.3 (random 0, constant 21.3, human 29.6)   "
        "Not better than pressing UP all the time (21.3)."
    )
    (row,) = json.loads(run("list", "--json", "--source", "embedded")[1])
    assert row["remark"] == "Not better than pressing UP all the time (21.3)." and row["algorithm_title"] == "GA"
    assert row["thumbnail"] == str(folder / "thumbnail.png") and row["constant_score"] == 21.3


def test_play_gives_episodes_that_can_be_played_alone(run):
    arguments = ("play", "random/Pong", "--sticky", "0.25", "--json")
    code, out, err = run(*arguments, "--seed", 7, "--episodes", 2)
    result = json.loads(out)
    assert code == 0 and err == "" and result["agent"] == "random/Pong"
    assert [episode["seed"] for episode in result["episodes"]] == [7, 8]
    assert result["mean_return"] == sum(episode["return"] for episode in result["episodes"]) / 2 <= -15
    assert result["steps_per_second"] > 0
    assert json.loads(run(*arguments, "--seed", 8)[1])["episodes"] == result["episodes"][1:]


def test_play_an_agent_of_a_path_on_another_game(run, tmp_path):
    tiny_agents.write(tmp_path / "tiny")
    code, out, _ = run("play", tmp_path / "tiny", "--game", "Space Invaders", "--steps", 30, "--json")
    result = json.loads(out)
    assert code == 0 and result["agent"] == str(tmp_path / "tiny") and result["game"] == "Space Invaders"
    assert result["mean_return"] is None and [row["steps"] for row in result["episodes"]] == [30]
    assert not result["episodes"][0]["complete"]


def test_play_for_people(run):
    code, out, _ = run("play", "random/Freeway", "--steps", 20)
    assert code == 0 and out.startswith("seed 0: 0 in 20 steps, not to its end\n") and "steps a second" in out


def test_play_to_a_video(run, tmp_path):
    path = tmp_path / "videos" / "pong.mp4"
    assert run("play", "random/Pong", "--steps", 30, "--video", path)[0] == 0
    video = cv2.VideoCapture(str(path))
    names = ("FRAME_COUNT", "FPS", "FRAME_WIDTH", "FRAME_HEIGHT")
    assert [video.get(getattr(cv2, f"CAP_PROP_{name}")) for name in names] == [120, 60, 800, 630]


FAULTS = [
    (("play", "ppo/Brekout/1"), "ppo/Breakout/1"),
    (("play", "random/Pongg"), "Pong"),
    (("play", "random/Pong", "--game", "joust"), "two or more"),
    (("play", "random/Pong", "--steps", "0"), "from 1"),
    (("play", "random/Pong", "--seed", "-1"), "--seed"),
    (("play", "random/Pong", "--seed", str(2**63)), "--seed"),
    (("play", "random/Pong", "--sticky", "1"), "below 1"),
    (("play", "random/Pong", "--steps", "3", "--video", "/proc/nowhere/a.mp4"), "cannot be written"),
    (("play",), "AGENT"),
    (("play", "random/Pong", "--polka"), "--polka"),
    (("--speed", "fast"), "max"),
    (("ppo/Brekout/1",), "ppo/Breakout/1"),
]


@pytest.mark.parametrize(("arguments", "words"), FAULTS)
def test_errors_are_one_sentence(run, arguments, words):
    code, out, err = run(*arguments)
    assert code == 2 and out == "" and words in err and err.count("\n") == 1 and err.startswith("zoo-gui: ")
    code, out, err = run(*arguments, "--json")
    assert code == 2 and err == "" and words in json.loads(out)["error"]


def test_the_window_is_the_command_where_none_is_named(run, called):
    assert run("ppo/Breakout/1", "random/Pong", "--seed", 3, "--speed", "max")[0] == 0
    assert called["agents"] == ["ppo/Breakout/1", "random/Pong"] and (called["seed"], called["speed"]) == (3, "max")
    assert run("--seed", 4, "--speed", "0.25")[0] == 0
    assert called["agents"] == [] and (called["seed"], called["speed"]) == (4, 0.25)
    assert run()[0] == 0 and called["seed"] is None


def test_gui_options(run, called):
    code, out, err = run(
        "gui", "a", "--game", "Pong", "--player", "human", "--saliency", "value", "--select", "conv1:3", "--layout",
        "reset", "--screenshot", "a.png", "--after-steps", 9, "--record", "a.mp4", "--json",
    )  # fmt: skip
    expected = dict(agents=["a"], game="Pong", player="human", saliency="value", select="conv1:3", screenshot="a.png",
                    after_steps=9, record="a.mp4", layout="reset")  # fmt: skip
    assert code == 0 and expected.items() <= called.items()
    assert json.loads(out) == {"agents": ["a"], "screenshot": "a.png", "recording": "a.mp4"} and err == "Saved it\n"


def test_bench(run, called):
    code, out, _ = run("bench", "--agents", "1,2", "--seconds", "3", "--json")
    assert code == 0 and json.loads(out) == {"ui_fps": {"1": 60.0}, "cores": 2}
    assert (called["agents"], called["seconds"]) == ("1,2", 3.0)
    code, out, _ = run("bench")
    assert code == 0 and "ui fps" in out and "1: 60.0" in out and called["agents"] == "1,2,4"


def test_ctrl_c_ends_quietly(run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "find", interrupted)
    assert run("play", "random/Pong") == (130, "", "")


def test_in_a_process_of_its_own_stdout_holds_only_json():
    command = [sys.executable, "-m", "zoo_gui", "play", "ppo/Pong/1", "--steps", "5", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["agent"] == "ppo/Pong/1" and result["episodes"][0]["steps"] == 5 and done.stderr == ""


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m zoo_gui list | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
