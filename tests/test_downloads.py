"""Fetching published agents from a server that cuts, refuses, redirects, dawdles and lies."""

import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_agents
from web import Page, Web

from zoo_gui import cli, settings
from zoo_gui.agents import catalogue
from zoo_gui.agents.fetching import downloads, hub, sources, transfer
from zoo_gui.agents.entry import Entry
from zoo_gui.types import Progress, ZooError

DATA = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def web(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "ZOO_GUI_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    web = Web()
    yield web
    web.close()


def get(url, sha256="", **options) -> Path:
    *_, last = downloads.fetch(url, sha256, **options)
    return last.result


def refusal(url, sha256="") -> str:
    with pytest.raises(ZooError) as caught:
        get(url, sha256)
    text = str(caught.value)
    assert "\n" not in text and "object at 0x" not in text
    return text


def part_of(url) -> Path:
    path = downloads.place(url)
    return path.with_name(path.name + downloads.PART)


def test_a_file_is_fetched_once_and_its_origin_kept(web):
    web.pages["/zoo/agent.pt"] = Page(DATA, headers={"Content-Disposition": 'attachment; filename="../../evil"'})
    url = f"{web.url}/zoo/agent.pt"
    steps = list(downloads.fetch(url, SHA256))
    path = steps[-1].result
    assert path.read_bytes() == DATA and path.name == "agent.pt" and path.is_relative_to(downloads.folder())
    assert steps[-1] == Progress(len(DATA), len(DATA), "agent.pt", path) and all(s.result is None for s in steps[:-1])
    origin = json.loads(path.with_name("agent.pt.origin.json").read_text())
    assert (origin["url"], origin["sha256"], origin["bytes"]) == (url, SHA256, len(DATA))
    assert get(url) == path and len(web.requests) == 1
    assert not part_of(url).exists() and not list(path.parent.glob("*.part*"))
    assert web.requests[0][1]["User-Agent"].startswith("zoo_gui/")


def test_a_connection_that_is_cut_is_resumed(web):
    web.pages["/a"] = Page(DATA, cut=[70_000, 100_000])
    assert get(f"{web.url}/a", SHA256).read_bytes() == DATA
    starts = [headers.get("Range") for _, headers in web.requests]
    assert starts == [None, "bytes=70000-", "bytes=170000-"]
    assert all(headers["If-Range"] == '"1"' for _, headers in web.requests[1:])


def test_cutting_without_end_is_an_error_that_keeps_the_part(web):
    web.pages["/a"] = Page(DATA, cut=[70_000] + [0] * 20)
    assert "keeps breaking off at 0.1 MB" in refusal(f"{web.url}/a")
    assert part_of(f"{web.url}/a").stat().st_size == 70_000
    web.pages["/a"].cut.clear()
    assert get(f"{web.url}/a").read_bytes() == DATA
    assert web.requests[-1][1]["Range"] == "bytes=70000-"


@pytest.mark.parametrize("change", [{"etag": '"2"'}, {"ranges": False}])
def test_another_file_or_a_server_without_ranges_starts_anew(web, change):
    other = DATA[::-1]
    web.pages["/a"] = Page(DATA, cut=[70_000] + [0] * 20)
    refusal(f"{web.url}/a")
    web.pages["/a"] = Page(other, **change)
    assert get(f"{web.url}/a").read_bytes() == other


def test_a_part_that_is_whole_already_only_needs_its_check(web):
    web.pages["/a"] = Page(DATA, cut=[70_000] + [0] * 20)
    refusal(f"{web.url}/a")
    part_of(f"{web.url}/a").write_bytes(DATA)
    web.pages["/a"] = Page(DATA)
    assert get(f"{web.url}/a", SHA256).read_bytes() == DATA


def test_a_part_without_an_etag_is_not_trusted(web):
    web.pages["/a"] = Page(DATA, etag="", cut=[70_000] + [0] * 20)
    assert "breaking off" in refusal(f"{web.url}/a")
    web.requests.clear()
    web.pages["/a"] = Page(DATA, etag="")
    assert get(f"{web.url}/a").read_bytes() == DATA and "Range" not in web.requests[0][1]


def test_cancelling_keeps_the_part_and_ends_at_once(web):
    web.pages["/slow"] = Page(DATA, pause=0.01)
    job = downloads.fetch(f"{web.url}/slow")
    while next(job).done == 0:
        pass
    job.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("zoo_gui download")]
    kept = part_of(f"{web.url}/slow").stat().st_size
    assert 0 < kept < len(DATA) and not downloads.place(f"{web.url}/slow").exists()
    web.pages["/slow"].pause = 0.0
    assert get(f"{web.url}/slow").read_bytes() == DATA
    assert web.requests[-1][1]["Range"] == f"bytes={kept}-"


def test_a_server_that_stalls_can_be_cancelled(web):
    web.pages["/stall"] = Page(DATA, pause=30.0)
    job = downloads.fetch(f"{web.url}/stall")
    while next(job).done == 0:
        pass
    job.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("zoo_gui download")]


def test_a_server_that_says_nothing_for_long_is_given_up(web, monkeypatch):
    monkeypatch.setattr(transfer, "READ_SECONDS", 0.1)
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    web.pages["/stall"] = Page(b"", claimed=1000)
    assert "breaking off" in refusal(f"{web.url}/stall")


def test_the_wrong_file_is_not_kept(web):
    web.pages["/a"] = Page(DATA)
    assert "SHA-256 differs" in refusal(f"{web.url}/a", "0" * 64)
    assert not downloads.place(f"{web.url}/a").exists() and not part_of(f"{web.url}/a").exists()
    assert get(f"{web.url}/a", SHA256.upper()).read_bytes() == DATA


def test_a_file_that_changed_since_the_first_time_is_not_taken_in_silence(web):
    web.pages["/a"] = Page(DATA)
    path = get(f"{web.url}/a")
    path.unlink()
    web.pages["/a"] = Page(DATA[::-1])
    assert "has changed since it was first fetched" in refusal(f"{web.url}/a")
    path.with_name("a.origin.json").unlink()
    assert get(f"{web.url}/a").read_bytes() == DATA[::-1]


@pytest.mark.parametrize("status, words", [(403, "HTTP 403"), (404, "no such file"), (410, "taken the file away"),
                                           (429, "try again later"), (500, "HTTP 500"), (401, "signed in")])
def test_refusals_are_sentences(web, status, words):
    web.pages["/a"] = Page(b"<html>", status)
    text = refusal(f"{web.url}/a")
    assert words in text and f"{web.url}/a" in text and not downloads.place(f"{web.url}/a").exists()


def test_redirects_are_followed_and_the_first_address_names_the_file(web):
    web.pages["/a.pt"] = Page(b"", 302, location="/b?x=1")
    web.pages["/b"] = Page(DATA)
    path = get(f"{web.url}/a.pt")
    assert path.name == "a.pt" and path.read_bytes() == DATA


@pytest.mark.parametrize("target, words", [("file:///etc/passwd", "is refused"), ("ftp://example.org/a", "is refused"),
                                           ("/loop", "without an end")])
def test_redirects_elsewhere_are_refused(web, target, words):
    web.pages["/loop"] = Page(b"", 302, location=target)
    assert words in refusal(f"{web.url}/loop")


def test_without_a_length_the_end_is_the_end(web):
    web.pages["/a"] = Page(DATA, length=False)
    steps = list(downloads.fetch(f"{web.url}/a"))
    assert steps[-1].result.read_bytes() == DATA and steps[0].total == 0


def test_nothing_is_no_file(web):
    web.pages["/a"] = Page(b"")
    assert "is empty" in refusal(f"{web.url}/a")


@pytest.mark.parametrize("length", [True, False])
def test_what_is_too_large_is_refused(web, monkeypatch, length):
    monkeypatch.setattr(downloads, "MAX_BYTES", 100_000)
    web.pages["/a"] = Page(DATA, length=length)
    assert "no agent" in refusal(f"{web.url}/a")


def test_a_full_disk_is_noticed_before(web, monkeypatch):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    web.pages["/a.pt"] = Page(DATA)
    assert "too full for a.pt: 0 MB are needed" in refusal(f"{web.url}/a.pt")


def test_a_disk_that_fills_meanwhile(web, monkeypatch):
    def full(self, response, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer.Transfer, "_copy", full)
    web.pages["/a"] = Page(DATA)
    assert "The disk is full" in refusal(f"{web.url}/a")


def test_a_cache_that_cannot_be_written(web, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_GUI_CACHE", str(tmp_path / "file"))
    web.pages["/a"] = Page(DATA)
    assert "cannot be written" in refusal(f"{web.url}/a")


def test_nobody_answers(web):
    web.close()
    text = refusal(f"{web.url}/a")
    assert "127.0.0.1 cannot be reached (Connection refused)" in text and "HTTPS_PROXY" in text


def test_through_a_proxy(web, monkeypatch):
    web.pages["http://agents.invalid/a.pt"] = Page(DATA)
    monkeypatch.setenv("http_proxy", web.url)
    assert get("http://agents.invalid/a.pt").read_bytes() == DATA
    assert web.requests[0][0] == "http://agents.invalid/a.pt"


def test_a_proxy_that_is_down(web, monkeypatch):
    web.close()
    monkeypatch.setenv("http_proxy", web.url)
    assert "proxy" in refusal("http://agents.invalid/a.pt")


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_a_mirror_stands_for_the_hosts(web, monkeypatch, by):
    prefix = f"{web.url}/mirror/{{host}}"
    if by == "setting":
        kept = settings.Settings()
        kept.set("zoo/mirror", prefix)
        kept.save()
    else:
        monkeypatch.setenv("ZOO_GUI_MIRROR", prefix)
    web.pages["/mirror/agents.invalid/x/a.pt"] = Page(DATA)
    path = get("https://agents.invalid/x/a.pt", use_mirror=True)
    assert path == downloads.folder() / "agents.invalid" / "x" / "a.pt" and path.read_bytes() == DATA


def test_mirror_addresses(monkeypatch):
    assert downloads.mirrored("https://h/x?a=1") == "https://h/x?a=1"
    monkeypatch.setenv("ZOO_GUI_MIRROR", "https://m.example/zoo/")
    assert downloads.mirrored("https://h:8/x/y?a=1") == "https://m.example/zoo/x/y?a=1"
    monkeypatch.setenv("ZOO_GUI_MIRROR", "m.example")
    with pytest.raises(ZooError, match="no address"):
        downloads.mirrored("https://h/x")


@pytest.mark.parametrize(
    "url", ["https://h/../../etc/passwd", "https://h/%2e%2e/%2e%2e/x", "https://h/a%2fb/c", "https://h//x", "https://h/.ssh/x",
            "https://../x", "https://h/" + "a" * 500, "https://h/a\0b", "https://h/", "https://h", "https://h/a.part",
            "https://h/a.lock", "https://h/a.origin.json", "https://h/a?b=../../c", "https://h/~", "https://h/ü.pt"],
)  # fmt: skip
def test_no_address_leads_out_of_the_folder(url):
    path = downloads.place(url)
    inside = path.relative_to(downloads.folder())
    assert len(inside.parts) >= 2 and all(len(part) < 130 and not part.startswith(".") for part in inside.parts)
    assert not path.name.endswith((".part", ".lock", ".origin.json"))


def test_different_addresses_have_different_places():
    urls = ["https://h/a/b", "https://h/a%2fb", "https://h/a_b", "https://h/a/b?c", "https://h/a/b?d", "https://h:1/a/b"]
    assert len({downloads.place(url) for url in urls}) == len(urls)


def test_all_files_of_an_agent_or_none(web):
    web.pages["/c.index"], web.pages["/c.data"] = Page(b"index"), Page(DATA)
    urls = (f"{web.url}/c.index", f"{web.url}/c.data", f"{web.url}/c.meta")
    with pytest.raises(ZooError, match="no such file"):
        list(downloads.fetch_all(urls))
    assert downloads.present(urls) is None
    web.pages["/c.meta"] = Page(b"meta")
    *_, last = downloads.fetch_all(urls)
    assert last.result == downloads.present(urls) == downloads.place(urls[0]) and len(web.requests) == 4


def _fetch_elsewhere(url, results):
    results.put(str(get(url)))
    results.close()
    results.join_thread()
    os._exit(0)  # coverage of what TensorFlow or pytest registered is not this process's business


def test_two_processes_fetch_it_once(web):
    web.pages["/a"] = Page(DATA, pause=0.002)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    others = [context.Process(target=_fetch_elsewhere, args=(f"{web.url}/a", results)) for _ in range(2)]
    for other in others:
        other.start()
    paths = {results.get(timeout=20) for _ in others}
    for other in others:
        other.join()
    assert paths == {str(downloads.place(f"{web.url}/a"))} and len(web.requests) == 1
    assert Path(paths.pop()).read_bytes() == DATA


# -- agents ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def published(web, tmp_path):
    """A user catalogue with one agent of the server's: ``tiny/Breakout/9``; gives its page."""
    folder = settings.config_path().parent / "catalogue"
    folder.mkdir(parents=True)
    tiny_agents.write(tmp_path / "tiny")
    data = (tmp_path / "tiny" / "weights.safetensors").read_bytes()
    (folder / "mine.toml").write_text(f"""
format = 1
[[agents]]
id = "mine:{{algorithm}}/{{game}}/{{run}}"
algorithm = "tiny"
game = "Breakout"
run = [9, 10]
urls = ["{web.url}/{{run}}/agent.safetensors"]
sha256 = "{hashlib.sha256(data).hexdigest()}"
score = 3
licence = "MIT"
""")
    web.pages["/9/agent.safetensors"] = Page(data)
    return web.pages["/9/agent.safetensors"]


def own_card(data: bytes) -> Path:
    """The person's card for a file."""
    path = settings.config_path().parent / "cards" / f"{hashlib.sha256(data).hexdigest()}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tiny_agents.card().to_toml())
    return path


def test_an_agent_is_fetched_and_gets_its_card(web, published):
    entry = catalogue.find("mine:tiny/Breakout/9")
    assert (entry.status, entry.weights, entry.path, entry.source) == ("to download", None, None, "url")
    card = own_card(published.data)
    entry = catalogue.fetched("mine:tiny/Breakout/9")
    assert (entry.id, entry.status, entry.path) == ("mine:tiny/Breakout/9", "ready", card)
    assert entry.weights.read_bytes() == published.data
    assert (entry.score, entry.licence, entry.run, entry.algorithm) == (3, "MIT", 9, "tiny")
    again = catalogue.find("mine:tiny/breakout/9")
    assert again == entry and catalogue.fetched("mine:tiny/Breakout/9") == entry and len(web.requests) == 1
    (row,) = [row for row in catalogue.entries() if row.id == entry.id]
    assert row.is_here and row.weights == entry.weights


def test_a_fetched_file_without_a_card_gets_one_that_is_drafted(published, monkeypatch):
    asked = []

    def describe(path, known):
        asked.append((path, dict(known)))
        return Entry("x", "tiny", "Breakout", 1, "", None, "found out", card=tiny_agents.card())

    monkeypatch.setattr(catalogue, "draft_entry", describe)
    catalogue.fetched("mine:tiny/Breakout/9")
    asked.clear()
    entry = catalogue.find("mine:tiny/Breakout/9")
    assert entry.card == tiny_agents.card() and entry.path is None and entry.id == "mine:tiny/Breakout/9"
    assert asked == [(entry.weights, {"game": "Breakout", "algorithm": "tiny", "run": 9, "licence": "MIT"})]


def test_what_cannot_be_had_says_what_is_at_hand(web, published):
    with pytest.raises(ZooError, match=r"no such file.*At hand is \S+/Breakout/"):
        catalogue.fetched("mine:tiny/Breakout/10")


def test_the_zoos_own_say_since_when(monkeypatch, web):
    monkeypatch.setenv("ZOO_GUI_MIRROR", web.url)
    web.pages["/zoo/a2c/BreakoutNoFrameskip-v4/model1_final.pb"] = Page(b"denied", 403)
    with pytest.raises(ZooError, match="403.*not reachable since 2020.*At hand is a2c/Breakout/1"):
        catalogue.fetched("zoo:a2c/Breakout/1")


def test_plain_addresses(web, published):
    url = f"{web.url}/9/agent.safetensors"
    own_card(published.data)
    entry = catalogue.find(f"{web.url}/elsewhere.pt")
    assert (entry.id, entry.source, entry.title) == (f"{web.url}/elsewhere.pt", "url", "elsewhere.pt")
    assert catalogue.find(url).id == "mine:tiny/Breakout/9"  # the catalogue knows more of it
    assert catalogue.fetched(url).game == "Breakout"


def test_a_mirror_is_not_asked_for_what_a_person_types(web, monkeypatch):
    monkeypatch.setenv("ZOO_GUI_MIRROR", "http://mirror.invalid")
    web.pages["/a.pt"] = Page(DATA)
    *_, last = catalogue.fetch_files(catalogue.find(f"{web.url}/a.pt"))
    assert last.result.weights.read_bytes() == DATA


def test_the_command(web, published, capsys):
    own_card(published.data)
    assert cli.main(["fetch", "mine:tiny/Breakout/9", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["id"] == "mine:tiny/Breakout/9" and Path(row["weights"]).is_file() and Path(row["card"]).is_file()
    web.pages["/plain.pt"] = Page(DATA)
    assert cli.main(["fetch", f"{web.url}/plain.pt"]) == 0
    out = capsys.readouterr().out
    assert str(downloads.place(f"{web.url}/plain.pt")) in out
    assert "(plain.pt" in out  # it is no agent's file, and that is said
    assert cli.main(["fetch", "random/Pong"]) == 2 and "nothing to fetch" in capsys.readouterr().err
    assert cli.main(["fetch", "mine:tiny/Breakout/10"]) == 2 and "At hand" in capsys.readouterr().err


# -- Hugging Face ---------------------------------------------------------------------------------------------------
class Api:
    """Stands for huggingface_hub, which need not be installed."""

    files = ["README.md", "agent.pt", "agent.optimizer.pt", "replay.mp4"]

    tokens: list = []

    def __init__(self, endpoint, token):
        self.tokens.append((endpoint, token))

    def list_repo_files(self, repository):
        if repository == "no/body":
            raise NotFound("401 Client Error")
        if repository == "off/line":
            raise ConnectionError("no route")
        return self.files


class NotFound(Exception):
    pass


@pytest.fixture
def api(monkeypatch):
    package, errors = type(sys)("huggingface_hub"), type(sys)("huggingface_hub.errors")
    package.HfApi, errors.RepositoryNotFoundError = Api, NotFound
    monkeypatch.setitem(sys.modules, "huggingface_hub", package)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", None)
    Api.tokens.clear()
    return Api


def test_which_file_of_a_repository(api):
    entry = hub.resolve(catalogue.find("hf:some/body"))
    assert entry.urls == ("https://huggingface.co/some/body/resolve/main/agent.pt",)
    assert catalogue.find("hf:some/body").urls == entry.urls  # remembered, without asking


def test_a_repository_through_a_mirror(api, web, monkeypatch):
    monkeypatch.setenv("ZOO_GUI_MIRROR", web.url)
    web.pages["/some/body/resolve/main/agent.pt"] = Page(DATA)
    *_, last = catalogue.fetch_files(catalogue.find("hf:some/body"))
    assert last.result.weights.read_bytes() == DATA and last.result.id == "hf:some/body"
    assert api.tokens[-1] == (web.url, False)  # the person's token is not for the mirror


@pytest.mark.parametrize("repository, files, words", [
    ("a/b", ["a.pt", "sub/b.pt"], "hf:a/b/a.pt"), ("a/b", ["README.md"], "no weights file"),
    ("no/body", [], "no repository"), ("off/line", [], "cannot be asked")])  # fmt: skip
def test_repositories_that_do_not_say(api, monkeypatch, repository, files, words):
    monkeypatch.setattr(api, "files", files)
    with pytest.raises(ZooError, match=words):
        hub.resolve(catalogue.find(f"hf:{repository}"))


def test_without_the_extra_the_sentence_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ZooError, match=r"zoo-gui\[huggingface\].*hf:some/body/FILE"):
        hub.resolve(catalogue.find("hf:some/body"))
    known = replace(catalogue.find("hf:sb3/ppo-PongNoFrameskip-v4"))
    assert hub.resolve(known) == known  # its file is known by rule


def test_the_token_goes_to_hugging_face_alone(monkeypatch):
    utils = type(sys)("huggingface_hub.utils")
    utils.build_hf_headers = lambda: {"authorization": "Bearer x", "user-agent": "y"}
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", utils)
    monkeypatch.setitem(sys.modules, "huggingface_hub", type(sys)("huggingface_hub"))
    assert transfer._hub_headers("https://huggingface.co/a/b") == {"authorization": "Bearer x"}
    for url in ("http://huggingface.co/a", "https://huggingface.co.evil.org/a", "https://example.org/"):
        assert transfer._hub_headers(url) == {}


@pytest.mark.parametrize("address, url, game", [
    ("hf:sb3/dqn-Pong-v4", "https://huggingface.co/sb3/dqn-Pong-v4/resolve/main/dqn-Pong-v4.zip", "Pong"),
    ("hf:cleanrl/Krull-v5-sebulba_ppo-seed3",
     "https://huggingface.co/cleanrl/Krull-v5-sebulba_ppo-seed3/resolve/main/sebulba_ppo.cleanrl_model", "Krull"),
    ("hf:a/b/c/d.pt", "https://huggingface.co/a/b/resolve/main/c/d.pt", ""),
    ("https://huggingface.co/a/b", "hf:a/b", ""),
    ("https://huggingface.co/a/b/tree/main", "hf:a/b", ""),
    ("https://huggingface.co/a/b/blob/v1/c d.pt", "https://huggingface.co/a/b/resolve/v1/c%20d.pt", ""),
    ("gs://download-dopamine-rl/x/ckpt.199", "https://storage.googleapis.com/download-dopamine-rl/x/ckpt.199", ""),
    ("https://storage.cloud.google.com/b/c", "https://storage.googleapis.com/b/c", ""),
    ("https://github.com/a/b/raw/main/c.pt", "https://raw.githubusercontent.com/a/b/main/c.pt", ""),
    ("https://example.org/SpaceInvadersNoFrameskip-v4.pt", "https://example.org/SpaceInvadersNoFrameskip-v4.pt",
     "SpaceInvaders"),
])  # fmt: skip
def test_addresses(address, url, game):
    entry = sources.entry_of(address)
    assert (entry.urls, entry.game) == ((url,), game)


@pytest.mark.parametrize("address", ["https://", "https://h/", "hf:one", "hf:../..", "https://user:secret@h/a.pt"])
def test_what_is_no_address(address):
    with pytest.raises(ZooError):
        catalogue.find(address)
