"""Comparing agents as a whole, and the report: its parts are there, it needs nothing else, and nothing in it is run."""

import base64
import csv
import dataclasses
import datetime
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tiny_agents
from test_behaviour import agent_of

from zoo_gui import analysis
from zoo_gui.agents.agent import Agent
from zoo_gui.analysis import ANALYSES, export, report
from zoo_gui.analysis.report_parts import cell, figure, file
from zoo_gui.analysis.report_sections import sections
from zoo_gui.play.emulator import Emulator
from zoo_gui.play.meaning import Meaning
from zoo_gui.types import Unit, ZooError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "compare.md"
SETTINGS = dict(steps=48, episodes=1, limit=25, seed=2, shown=2)
HOSTILE = '<script>alert("x")</script><img src=http://evil.example/a.png onerror=x> $\\frac{1}{$ {{ 7 * 7 }}'
VOID = {"meta", "img", "br", "link"}


def hostile(agent):
    """The same agent under a card whose title is not meant well."""
    card = dataclasses.replace(agent.card, title=HOSTILE)
    return Agent(card, dict(agent.weights), "=cmd|' /C calc'!A0")


@pytest.fixture(scope="module")
def agents():
    """Of 3 and of 18 actions, the second with a hostile title."""
    return agent_of(), hostile(agent_of(tuple(Emulator("Breakout").all_actions), 1, run=2))


@pytest.fixture(scope="module")
def records(agents):
    return list(ANALYSES["comparison"](agents, **SETTINGS))


@pytest.fixture(scope="module")
def found(records):
    return records[-1].result


@pytest.fixture(scope="module")
def page(found):
    return report.page(found, datetime.datetime(2026, 5, 4, 3, 2))


class Reader(HTMLParser):
    """Checks that elements are closed in order, and keeps texts, attributes and the cells of tables."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.cells, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.cells.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def decoded(uri):
    head, _, body = uri.partition(",")
    assert head.endswith(";base64")
    return base64.b64decode(body)


def test_every_part_is_there(found):
    assert found.why == "" and not found.remarks and [one.letter for one in found.agents] == ["A", "B"]
    assert len(found.disagreement.moments) == 48 and found.disagreement.driver == 0
    assert found.behaviour.games[0].steps == 25 and found.biases.names == ("t−1", "t")
    assert set(found.similarities) == set(found.matchings) == {(0, 1)}
    assert found.similarities[0, 1].complete
    assert found.versions["zoo_gui"] and found.asked["seed"] == 2
    shown = [parting.event for parting in found.partings]
    assert shown == list(found.disagreement.events[: len(shown)]) and shown
    assert any("of the choices are the same" in sentence for sentence in found.sentences)


def test_the_decisions_that_are_shown_are_those_that_were_made(agents, found):
    for parting in found.partings:
        assert parting.frame.shape == (210, 160, 3) and parting.frame.any()
        for place, (agent, view) in enumerate(zip(agents, parting.views)):
            row = parting.event.row
            meant = Meaning(Emulator("Breakout").minimal_actions, agent.action_names).indices[view.choice]
            assert meant == found.disagreement.choices[place, row]
            assert view.choice == view.scores.argmax() and view.parts.sum() == pytest.approx(1, rel=1e-5)
            want = agent.gradients(view.seen, "action", action=view.choice)
            np.testing.assert_allclose(view.map, want, rtol=1e-4, atol=1e-7)
            assert view.picture.shape == (*view.seen.shape[:2], 3)


def test_parts_come_as_they_are_made(records):
    done = [progress.done for progress in records]
    assert done == sorted(done) and done[-1] == 100 and max(done[:-1]) < 100
    kept = [progress.result for progress in records if progress.result is not None]
    assert len(kept) < len(records) / 2  # not at every word: a window gets each over a pipe
    assert kept[0].disagreement is not None and not kept[0].similarities and kept[0].behaviour is None
    assert kept[1].similarities and kept[1].behaviour is None and kept[-2].behaviour is not None


def test_an_agent_against_itself_agrees_in_everything(agents):
    found = analysis.run("comparison", [agents[0], agents[0]], **SETTINGS | {"steps": 30})
    assert found.disagreement.agreement.min() == 1 and found.disagreement.distance.max() == 0
    assert found.partings == () and found.behaviour.divergences.max() == 0
    np.testing.assert_allclose(np.diag(found.similarities[0, 1].values), 1, atol=1e-5)


def test_agents_of_different_games_are_compared_by_what_each_does(agents):
    found = analysis.run("comparison", [agents[0], "random/Pong"], **SETTINGS)
    assert "without a network" in found.why and found.disagreement is None and not found.similarities
    pong = agent_of(("NOOP", "RIGHT", "LEFT"), 2, game="Pong")
    found = analysis.run("comparison", [agents[0], pong], **SETTINGS)
    assert found.why.startswith("Breakout and Pong are different games") and len(found.behaviour.games) == 2
    assert [one["key"] for one in sections(found)] == ["games", "past", "how"]


def test_what_one_pair_lacks_is_said(agents):
    found = analysis.run("comparison", agents, **SETTINGS | {"steps": 10, "episodes": 0})
    assert len(found.remarks) == 2 and all(remark.startswith("A–B: ") for remark in found.remarks)
    assert found.disagreement is not None and found.behaviour is None and not found.similarities


def test_moments_of_a_sitting_are_taken_as_they_are(agents):
    from zoo_gui.play.together import record_together

    moments = analysis.finish(record_together(agents, steps=40, seed=5, driver=1))
    found = analysis.run("comparison", agents, moments=moments, episodes=0)
    assert len(found.disagreement.moments) == 40 and found.disagreement.driver == 1
    assert found.asked["steps"] == 40 and report._command(found) == ""  # no command gives a sitting again


def test_the_page_is_whole_and_needs_nothing_else(page):
    read = Reader(page)
    assert page.startswith("<!DOCTYPE html>") and read.of("html")[0]["lang"] == "en"
    assert [one.get("charset") for one in read.of("meta")][0] == "utf-8"
    assert not read.of("script") and not read.of("link") and not read.of("iframe")
    for _, attributes in read.elements:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            assert attributes.get(name, "#").startswith(("data:", "#")), attributes
    assert "url(" not in page and "@import" not in page
    assert {"default-src 'none'; img-src data:; style-src 'unsafe-inline'"} == {
        one["content"] for one in read.of("meta") if one.get("http-equiv")}  # fmt: skip
    assert "prefers-color-scheme: dark" in page and "width=device-width" in page
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(one["href"][1:] in ids for one in read.of("a") if one["href"].startswith("#"))


def test_every_figure_is_a_picture_with_words(page):
    pictures = Reader(page).of("img")
    assert len(pictures) > 8
    for one in pictures:
        assert len(one["alt"]) > 20 and int(one["width"]) > 100 and int(one["height"]) > 50
        if one["src"].startswith("data:image/png;base64,"):
            assert decoded(one["src"]).startswith(b"\x89PNG")
            continue
        assert one["src"].startswith("data:image/svg+xml;base64,")
        root = ElementTree.fromstring(decoded(one["src"]))
        assert root.tag.endswith("svg")
        loaded = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
        assert all(value.startswith(("#", "data:")) for value in loaded)


def test_the_page_has_the_numbers_and_where_they_are_from(page, found):
    read = Reader(page)
    cells, text = set(read.cells), " ".join(read.texts)
    parted = found.disagreement
    assert f"{parted.agreement[0, 1]:.1%}" in cells and cell(float(parted.distance[0, 1])) in cells
    for one in found.behaviour.games:
        assert {f"{part:.1%}" for part in one.histogram if part} <= cells
    for one in found.agents:
        assert one.hash in cells and one.id in cells
    assert cell(float(found.biases.found[0].frames[0])) in cells
    for words in ("n = 48 moments of 1 game, seed 2, driven by A", "2026-05-04 03:02 UTC", "arXiv:2108.13264",
                  f"zoo_gui {found.versions['zoo_gui']}", "--steps 48", "No game of A came to its end"):  # fmt: skip
        assert words in text, words


def test_the_raw_numbers_can_be_downloaded(page, found):
    files = {one["download"]: decoded(one["href"]).decode() for one in Reader(page).of("a") if "download" in one}
    assert {"pairs.csv", "moments.csv", "agents.csv", "games.csv", "biases.csv"} <= set(files)
    moments = list(csv.DictReader(io.StringIO(files["moments.csv"])))
    assert len(moments) == 48
    assert [float(row["measure A–B"]) for row in moments] == pytest.approx(found.disagreement.measures[0], abs=1e-5)
    rows = list(csv.DictReader(io.StringIO(files["agents.csv"])))
    assert float(rows[0]["NOOP"]) == found.behaviour.games[0].histogram[0]
    assert rows[1]["id"].startswith("'=cmd")  # a spreadsheet would run it


def test_a_hostile_title_is_text(page):
    read = Reader(page)
    assert not read.of("script") and all("onerror" not in attributes for _, attributes in read.elements)
    assert HOSTILE in read.cells  # letter for letter, and neither run nor filled in
    assert "<script" not in page and "evil.example/a.png onerror=x&gt;" in page
    assert not [one for one in read.of("img") if "evil" in one["src"]]


def test_the_report_is_written_whole_or_not_at_all(found, page, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "page", lambda comparison: page)
    path = report.write_html(found, tmp_path / "r.html")
    written, meta = path.read_text(encoding="utf-8"), re.compile("<meta name=\"zoo_gui\" .*>\n")
    assert meta.search(written) and meta.sub("", written) == page and page.rstrip().endswith("</html>")
    path.write_text("kept")
    monkeypatch.setattr(report, "page", lambda comparison: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report.write_html(found, path)
    assert path.read_text() == "kept" and [one.name for one in tmp_path.iterdir()] == ["r.html"]
    monkeypatch.setattr(report, "page", lambda comparison: page)
    records = list(export.written(lambda: iter([analysis.Progress(1, 1, "", found)]), path))  # as the window does
    assert meta.sub("", path.read_text(encoding="utf-8")) == page and records[-1].label == f"saved {path}"
    with pytest.raises(ZooError, match="must end in .html"):
        report.write_html(found, tmp_path / "r.pdf")
    with pytest.raises(ZooError, match="must end in .png"):  # another result is no page
        export.write(found.biases, tmp_path / "biases.html")
    with pytest.raises(ZooError, match="no such folder"):
        report.write_html(found, tmp_path / "nowhere" / "r.html")


def test_the_same_numbers_give_the_same_figure(found):
    one, other = (figure(found.biases.draw, "bars", "") for _ in range(2))
    assert one == other


def test_the_record_is_written_in_every_other_way(found, tmp_path):
    for ending in ("png", "csv", "json", "npz"):
        assert export.write(found, tmp_path / f"c.{ending}").stat().st_size > 500
    with np.load(tmp_path / "c.npz") as arrays:
        assert {"disagreement_choices", "behaviour_scores", "similarity_A–B_values", "biases_biases",
                "parting_0_frame"} <= set(arrays)  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text().partition("\n")[2])))
    assert len(rows) == 2 and float(rows[0]["same choice B"]) == found.disagreement.agreement[0, 1]


def test_an_edited_agent_is_named_as_such(agents):
    agent = agent_of()
    agent.edit(Unit("fc", 0), 0.0)
    found = analysis.run("comparison", [agent, agents[0]], **SETTINGS | {"steps": 0})
    assert report._command(found) == "" and found.agents[0].edits == 1 and found.why == "No common game was asked for."
    assert any("A was played with 1 unit changed" in remark for remark in found.behaviour.remarks)


def test_numbers_are_written_for_people():
    shown = [cell(value) for value in (float("nan"), None, 1234567, 0.01234, -2.5, 123.456, 12345.6, "text")]
    assert shown == ["–", "–", "1,234,567", "0.0123", "−2.5", "123.5", "12,346", "text"]
    assert cell(0.256, "%") == "25.6%" and file("x.csv", []) == [] and file("x.csv", [{"a": 1}] * 5001) == []


def test_refusals_are_sentences(agents):
    for who, more, words in (([agents[0]], {}, "two or more"), (agents, {"driver": 2}, "no agent 2"),
                             (agents, {"steps": 30_000}, "cannot be recorded")):  # fmt: skip
        with pytest.raises(ZooError, match=words):
            list(ANALYSES["comparison"](who, **SETTINGS | more))


def test_value_learners_are_compared_too():
    q = Agent(tiny_agents.card(tiny_agents.Q, "argmax", run=3), tiny_agents.weights(tiny_agents.Q))
    found = analysis.run("comparison", [q, agent_of()], **SETTINGS | {"episodes": 0})
    assert all(0 <= view.parts.min() and view.parts.max() <= 1 for parting in found.partings for view in parting.views)
    assert found.disagreement.pair_table()[0]["measure"] == "gap of Q and of probability, both ways"


def test_the_code_of_the_page_runs(agents, tmp_path, monkeypatch):
    """docs/compare.md, as it stands there, of small agents and little play."""
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Agent, "load", lambda id: agents["ppo/Breakout/1" != id])
    names: dict = {}
    for said, lean in (("steps=500", "steps=40"), ("limit=300", "limit=20"), ("bar=True", "shown=1")):
        assert said in block
        block = block.replace(said, lean)
    exec(compile(block, PAGE.name, "exec"), names)
    assert names["parted"].agreement.shape == (2, 2) and len(names["parted"].moments) == 40
    assert names["both"].disagreement is not None and (tmp_path / "report.html").stat().st_size > 50_000
