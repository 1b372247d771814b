"""Where things come from: what is said, and that every kind of file keeps it and gives it back."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from zoo_gui import provenance_files
from zoo_gui.analysis import export
from zoo_gui.provenance import PACKAGES, commit, of_session, plain, provenance, sentences, text
from zoo_gui.types import LaneInfo, Unit, ZooError

TOLD = provenance(
    [{"id": "ppo/Breakout/1", "hash": "ab" * 32}], what="Prüfung (50 %) \\ <b>&\"'", game="Breakout", seed=3, step=420,
    edits={Unit("conv2", 17): (0.0, 1.5)}, settings={"view": {"gamma": np.float32(0.5)}},
)  # fmt: skip


def test_what_is_said_is_plain_and_says_what_made_it():
    assert TOLD["made_by"].startswith("zoo_gui ") and set(TOLD["versions"]) == set(PACKAGES)
    assert TOLD["edits"] == {"conv2:17": [0.0, 1.5]} and TOLD["settings"] == {"view": {"gamma": 0.5}}
    assert "moment" not in TOLD and json.loads(text(TOLD)) == TOLD
    assert plain({"a": float("nan"), "b": (np.int64(3), np.zeros(2))}) == {"a": None, "b": [3, [0.0, 0.0]]}
    lines = sentences(TOLD)
    assert lines[0] == TOLD["what"] and "Agent: ppo/Breakout/1" in lines and "seed: 3" in lines
    assert "edits: conv2:17 0, 1.5" in lines


def test_the_commit_is_the_checkouts(tmp_path):
    def git(*arguments):
        done = subprocess.run(["git", "-C", tmp_path, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first")
    assert commit.__wrapped__(tmp_path) == git("rev-parse", "HEAD")
    git("pack-refs", "--all")
    assert commit.__wrapped__(tmp_path) == git("rev-parse", "HEAD")
    git("checkout", "-q", "--detach")
    assert commit.__wrapped__(tmp_path) == git("rev-parse", "HEAD")
    assert commit.__wrapped__(tmp_path / "elsewhere") == ""


def test_a_sitting_says_its_agents_moments_and_interventions():
    lane = LaneInfo(0, "ppo/Breakout/1", "PPO · Breakout", "Breakout", (), ("NOOP",), (210, 160), (84, 84, 4), 4, 7,
                    "agent", agent_hash="cd" * 32)  # fmt: skip
    step = SimpleNamespace(episode=0, index=12, moment=12, episode_return=3.0, edited=True)
    session = SimpleNamespace(
        lanes=(lane,), view={"gamma": 0.5, "enlarged": None}, selected=(0, Unit("conv2", 17)), saliency=None,
        edits={(0, Unit("conv2", 17)): (0.0, 0.0)}, covers={}, disturbances={0: {"noise": 0.2}},
        last_step=lambda index: step, status={"state": "paused"}, speed=1.0,
    )  # fmt: skip
    told = of_session(session, "The Game panel")
    (row,) = told["agents"]
    assert row["hash"] == "cd" * 32 and (row["seed"], row["step"]) == (7, 12)
    assert row["edits"] == {"conv2:17": [0.0, 0.0]} and row["disturbance"] == {"noise": 0.2} and "covered" not in row
    assert told["marks"] == ["paused", "edited", "disturbed"]
    assert told["settings"] == {"view": {"gamma": 0.5}, "selected": "conv2:17 of A"}


def figure(ending: str) -> bytes:
    drawing, file = Figure((1, 1)), io.BytesIO()
    drawing.savefig(file, format=ending, metadata={"Subject": text(TOLD)} if ending == "pdf" else None)
    return file.getvalue()


GIF = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


@pytest.mark.parametrize(("ending", "content"), [
    (".png", lambda: figure("png")), (".svg", lambda: figure("svg")), (".gif", lambda: GIF),
    (".html", lambda: b"<!doctype html><html><head><title>t</title></head><body></body></html>"),
])  # fmt: skip
def test_a_file_gives_back_what_it_was_told(tmp_path, ending, content):
    path, plain_file = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    plain_file.write_bytes(content())
    path.write_bytes(provenance_files.stamped(content(), ending, TOLD))
    assert provenance_files.read(path) == TOLD and provenance_files.read(plain_file) is None
    if ending in (".png", ".gif"):
        import cv2

        assert ending == ".gif" or cv2.imread(str(path)).shape == cv2.imread(str(plain_file)).shape


def test_files_that_their_writers_stamp_are_read(tmp_path):
    (tmp_path / "a.pdf").write_bytes(figure("pdf"))
    (tmp_path / "a.csv").write_text(provenance_files.csv_line(TOLD) + "a,b\r\n1,2\r\n")
    (tmp_path / "a.json").write_text(json.dumps({"provenance": TOLD, "rows": []}))
    np.savez(tmp_path / "a.npz", provenance=np.array(text(TOLD)), x=np.zeros(3))
    for ending in ("pdf", "csv", "json", "npz"):
        assert provenance_files.read(tmp_path / f"a.{ending}") == TOLD, ending


def test_a_file_beside_speaks_for_those_that_say_nothing(tmp_path):
    (tmp_path / "result.png").write_bytes(figure("png"))
    assert provenance_files.read(tmp_path / "result.png") is None
    (tmp_path / "provenance.json").write_text(json.dumps(TOLD))
    assert provenance_files.read(tmp_path / "result.png") == provenance_files.read(tmp_path) == TOLD


def test_damaged_and_missing_files_are_a_sentence(tmp_path):
    with pytest.raises(ZooError, match="cannot be read"):
        provenance_files.read(tmp_path / "none.png")
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(ZooError, match="damaged"):
        provenance_files.read(tmp_path / "a.npz")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff\xfftEXtzoo_gui\0{")
    assert provenance_files.read(tmp_path / "a.png") is None


def test_a_comment_is_found_among_the_blocks_and_nowhere_else(tmp_path):
    path, stamped = tmp_path / "a.gif", provenance_files.stamped(GIF, ".gif", TOLD)
    comment = stamped[19 : len(stamped) - (len(GIF) - 19)]
    assert comment.startswith(b"\x21\xfe")
    said = b"\x21\xfe\x09" + b"another's" + b"\0"
    start = GIF[:13] + b"\x21\xfe\x03\0\0\0"  # a palette that begins as a comment does
    for content in (start + comment + GIF[19:], GIF[:19] + said + comment + GIF[19:], GIF[:-1] + comment + b";"):
        path.write_bytes(content)
        assert provenance_files.read(path) == TOLD
    for content in (GIF[:-1] + b";" + comment, GIF[:9], start + comment[:40], GIF[:19] + b"no block" + comment):
        path.write_bytes(content)
        assert provenance_files.read(path) is None


def zipped(path, name, data, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(name, data)
    return path


def test_a_session_says_what_its_manifest_was_told(tmp_path):
    from zoo_gui.play.bundles import Bundle, write

    *_, last = write(tmp_path / "a.zoo", Bundle((), told=TOLD))
    assert provenance_files.read(last.result) == TOLD


def npy(count):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (count,)})
    return file.getvalue() + b"{}"


def test_what_strangers_say_is_a_sentence_or_is_said(tmp_path, capsys):
    from zoo_gui.cli import main

    deep = '{"a": ' * 300 + "1" + "}" * 300
    for path in (zipped(tmp_path / "a.npz", "about.npy", npy(10**14)), zipped(tmp_path / "b.npz", "about.npy", b"no"),
                 zipped(tmp_path / "c.zoo", "manifest.json", "[" * 100_000),
                 zipped(tmp_path / "d.zoo", "manifest.json", '{"told": {}}', zipfile.ZIP_BZIP2),
                 zipped(tmp_path / "e.zoo", "manifest.json", f'{{"told": {deep}}}')):  # fmt: skip
        for more in ((), ("--json",)):
            assert main(["about", str(path), *more]) == 2
            said = capsys.readouterr()
            assert "is damaged" in said.out + said.err
    (tmp_path / "provenance.json").write_text(deep)
    assert provenance_files.read(tmp_path) is None
    (tmp_path / "provenance.json").unlink()
    for told in ({"versions": "1.0"}, {"agents": 5}, {"agents": ["x", {"id": 7}]}, {"versions": ["a"], "commit": 3},
                 {"what": "a\x1b[2J\ud800\nb\u202fc"}):  # fmt: skip
        (tmp_path / "a.json").write_text(json.dumps({"provenance": told}))
        assert main(["about", "--json", str(tmp_path / "a.json")]) == 0
        assert json.loads(capsys.readouterr().out)[str(tmp_path / "a.json")] == told
        assert main(["about", str(tmp_path / "a.json")]) == 0
        assert "Made by an unknown program" in (said := capsys.readouterr().out) and "\x1b" not in said
    assert "a\ufffd[2J\ufffd b\u202fc" in said
    nested = []
    for _ in range(100_000):
        nested = [nested]
    assert sentences({"x": nested})[-1] == "x: …"


class Result:
    """Of every kind, with a text that begins a comment."""

    caption = "A result"

    def draw(self, drawing):
        drawing.add_subplot().plot([0, 1])

    def table(self):
        return [{"name": "agent #1", "value": 0.5}, {"name": "agent 2", "value": float("nan")}]

    def arrays(self):
        return {"x": np.arange(3)}

    def html(self):
        return "<html><head></head><body>A result</body></html>"


@pytest.mark.parametrize("ending", ["png", "svg", "pdf", "csv", "json", "npz", "html"])
def test_every_result_is_written_with_where_it_comes_from(tmp_path, ending):
    path = export.write(Result(), tmp_path / f"a.{ending}", TOLD)
    assert provenance_files.read(path) == TOLD
    assert provenance_files.read(export.write(Result(), tmp_path / f"b.{ending}"))["what"] == "A result"


def test_tables_are_read_by_pandas_as_before(tmp_path):
    import pandas

    table = pandas.read_csv(export.write(Result(), tmp_path / "a.csv", TOLD), comment="#")
    assert list(table["name"]) == ["agent #1", "agent 2"] and table["value"][0] == 0.5
    table = pandas.DataFrame(json.loads(export.write(Result(), tmp_path / "a.json", TOLD).read_text())["rows"])
    assert list(table.columns) == ["name", "value"]


def test_the_command_says_it_and_is_silent_of_strangers(tmp_path, capsys):
    from zoo_gui.cli import main

    path = export.write(Result(), tmp_path / "a.png", TOLD)
    assert main(["about", str(path)]) == 0
    assert "Agent: ppo/Breakout/1" in capsys.readouterr().out
    (tmp_path / "b.png").write_bytes(figure("png"))
    assert main(["about", str(tmp_path / "b.png")]) == 2
    assert "does not say where it comes from" in capsys.readouterr().err
