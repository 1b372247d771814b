"""Settings: what goes in comes out, bad values do not, and no file is ever lost."""

import json
import logging
import os

import pytest

from zoo_gui import settings
from zoo_gui.settings import KEYS, Settings
from zoo_gui.types import ZooError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "settings.json"


def test_round_trip(path):
    first = Settings(path)
    first.set("play/agents", ["ppo/Breakout/1"])
    first.set("play/speed", None)
    first.set("panel/plots/range", {"seconds": 20})
    first.save()
    second = Settings(path)
    assert second.get("play/agents") == ["ppo/Breakout/1"]
    assert second.get("play/speed") is None
    assert second.get("panel/plots/range") == {"seconds": 20}
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_defaults_obey_their_own_rules():
    for name, key in KEYS.items():
        assert key.accepts(key.default), name


def test_a_default_list_cannot_be_changed_by_its_reader(path):
    Settings(path).get("play/agents").append("x")
    assert Settings(path).get("play/agents") == []


@pytest.mark.parametrize(
    "key, value",
    [
        ("play/seed", -1), ("play/seed", 1.5), ("play/seed", True), ("play/speed", "x"), ("play/speed", float("nan")),
        ("play/agents", [1]), ("view/contrast", "both"), ("view/gamma", None), ("no/such", 1), ("panel/x/y", object()),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_and_changes_nothing(path, key, value):
    subject = Settings(path)
    with pytest.raises(ValueError):
        subject.set(key, value)
    subject.save()
    assert json.loads(path.read_text())["values"] == {}


def test_bad_entries_of_a_file_are_dropped_with_a_warning(path, caplog):
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 1, "values": {"play/seed": 7, "play/speed": "x", "old/key": 1}}))
    with caplog.at_level(logging.WARNING):
        subject = Settings(path)
    assert subject.get("play/seed") == 7 and subject.get("play/speed") == 1.0
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "text", ["{", "[]", "", '{"version": 1}', '{"version": 1, "values": []}', "\x00\xff" * 9, "[" * 9999]
)
def test_a_corrupt_file_is_kept_as_a_copy(path, caplog, text):
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    subject = Settings(path)
    assert subject.get("play/seed") == 0
    subject.save()
    assert path.with_name("settings.json.bak").read_bytes() == text.encode("latin-1")
    assert "copy" in caplog.text


def test_a_file_of_another_version_is_kept_and_used_as_far_as_it_goes(path):
    path.parent.mkdir()
    text = json.dumps({"version": 99, "values": {"play/seed": 5, "new/thing": 1}})
    path.write_text(text)
    assert Settings(path).get("play/seed") == 5
    assert path.with_name("settings.json.bak").read_text() == text


def test_an_unwritable_place_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ZooError, match="cannot be saved"):
        Settings(tmp_path / "file" / "settings.json").save()
    with pytest.raises(ZooError, match="recordings folder"):
        settings.writable_dir(tmp_path / "file" / "x", "recordings folder")


def test_a_failed_save_leaves_the_old_file(path, monkeypatch):
    subject = Settings(path)
    subject.set("play/seed", 1)
    subject.save()
    subject.set("play/seed", 2)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ZooError, match="No space left"):
        subject.save()
    assert Settings(path).get("play/seed") == 1
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_panel_keys_fall_back_where_the_type_is_another(path):
    subject = Settings(path)
    subject.set("panel/x/gamma", "2")
    assert subject.get("panel/x/gamma", 1.0) == 1.0
    assert subject.get("panel/x/none", 3) == 3
    with pytest.raises(KeyError):
        subject.get("no/such")


def test_reset_by_prefix(path):
    subject = Settings(path)
    subject.set("play/seed", 3)
    subject.set("view/gamma", 2.0)
    subject.reset("view/")
    assert (subject.get("play/seed"), subject.get("view/gamma")) == (3, 0.5)


def test_places_follow_the_environment(tmp_path, monkeypatch):
    for name, function in {"CACHE": settings.cache_dir, "RECORDINGS": settings.recordings_dir}.items():
        monkeypatch.setenv(f"ZOO_GUI_{name}", str(tmp_path / name))
        assert function() == tmp_path / name
        assert settings.writable_dir(function(), name).is_dir()
    monkeypatch.setenv("ZOO_GUI_CONFIG", str(tmp_path / "c.json"))
    assert Settings().path == tmp_path / "c.json"


def test_resources_are_found():
    assert settings.resource_path("agents").is_dir()


def test_pages_and_resources_lie_beside_the_package_or_in_it(tmp_path, monkeypatch):
    """A checkout has them beside it, a wheel inside; where both are, those inside are the program's own."""
    assert settings.docs_path("index.md").is_file()
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "zoo_gui" / "settings.py"))
    with pytest.raises(ZooError, match="docs folder is missing"):
        settings.docs_path()
    (tmp_path / "docs").mkdir()
    assert settings.docs_path("panels", "game.md") == tmp_path / "docs" / "panels" / "game.md"
    (tmp_path / "zoo_gui" / "docs").mkdir(parents=True)
    assert settings.docs_path("panels") == tmp_path / "zoo_gui" / "docs" / "panels"
