"""Recordings: every format and size from a small window, what is in the picture and what is not, the last seconds, and
what is left of a recording that something ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from pyqtgraph.Qt import QtCore, QtGui, QtTest, QtWidgets

from zoo_gui import backing, provenance_files
from zoo_gui.camera import Camera, changed
from zoo_gui.captions import Captions
from zoo_gui.capture import Capture, new_path
from zoo_gui.play import film, recordings, ring, video
from zoo_gui.play.ring import RingWriter
from zoo_gui.recording import Recording, clock
from zoo_gui.settings import Settings
from zoo_gui.types import ZooError
from zoo_gui.widgets.record_dialog import DRAG, RecordDialog
from zoo_gui.widgets.region_picker import RegionPicker
from zoo_gui.workers import Later

ROOT = Path(__file__).resolve().parents[1]
RED, BLUE = QtGui.QColor("#ff0000"), QtGui.QColor("#0000ff")
BGR = {"red": (0, 0, 255), "blue": (255, 0, 0)}


class Plain(QtWidgets.QWidget):
    """A window in two colours, with a label in a corner."""

    def __init__(self):
        super().__init__()
        self.resize(200, 100)
        self.left = RED
        self.clock = QtWidgets.QLabel("CLOCK", self)
        self.clock.setGeometry(140, 80, 60, 20)
        self.paints = 0

    def paintEvent(self, event) -> None:
        self.paints += 1
        painter = QtGui.QPainter(self)
        painter.fillRect(0, 0, 100, 100, self.left)
        painter.fillRect(100, 0, 100, 100, BLUE)


@pytest.fixture
def window(qtbot):
    window = Plain()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    QtWidgets.QApplication.processEvents()
    return window


def taken(camera: Camera) -> np.ndarray:
    with camera.picture() as picture:
        return picture[..., :3].copy()


def pictures(path: Path) -> tuple[list[np.ndarray], float]:
    film, found = cv2.VideoCapture(str(path)), []
    while (read := film.read())[0]:
        found.append(read[1])
    rate = film.get(cv2.CAP_PROP_FPS)
    film.release()
    return found, rate


def test_the_screens_own_memory_is_what_is_drawn(window):
    shown = backing.shown(window)
    assert shown is not None and shown.shape == (100, 200, 4)
    assert tuple(shown[50, 20, :3]) == BGR["red"] and tuple(shown[50, 120, :3]) == BGR["blue"]
    window.hide()
    assert backing.shown(window) is None


def test_a_picture_as_shown_costs_no_painting(window):
    camera = Camera(window, pointer=False)
    painted = window.paints
    assert tuple(taken(camera)[50, 20]) == BGR["red"] and window.paints == painted
    window.hide()  # then it is drawn
    assert tuple(taken(camera)[50, 120]) == BGR["blue"] and window.paints > painted


def test_another_size_is_drawn_anew_where_something_changed(window, qtbot):
    camera = Camera(window, size=(800, 600), pointer=False)
    picture = taken(camera)
    assert tuple(picture[300, 380]) == BGR["red"] and tuple(picture[300, 420]) == BGR["blue"]
    assert not picture[90].any() and not picture[510].any()  # 2:1 in 4:3: bars above and below
    painted = window.paints
    taken(camera)
    assert window.paints == painted
    window.left = BLUE
    window.update()
    qtbot.waitUntil(lambda: window.paints > painted)
    assert tuple(taken(camera)[300, 380]) == BGR["blue"]


def test_a_region_a_panel_and_what_is_not_filmed(window):
    region = Camera(window, QtCore.QRect(90, 10, 20, 20), pointer=False)
    assert region.canvas == (20, 20) and tuple(taken(region)[10, 15]) == BGR["blue"]
    panel = Camera(window.clock, pointer=False)
    assert panel.canvas == (60, 20)
    with_clock = taken(Camera(window, pointer=False))
    without = taken(Camera(window, hidden=(window.clock,), pointer=False))
    assert len(np.unique(with_clock[80:, 140:].reshape(-1, 3), axis=0)) > 1
    assert (without[80:, 140:] == BGR["blue"]).all()
    assert tuple(taken(Camera(window, pointer=False))[90, 20]) == BGR["red"]


def test_open_menus_are_in_the_picture(window, qtbot):
    menu = QtWidgets.QMenu(window)
    menu.addAction("An entry that is long enough")
    camera = Camera(window, size=(400, 200), pointer=False)
    before = taken(camera)
    menu.popup(window.mapToGlobal(QtCore.QPoint(10, 10)))
    qtbot.waitUntil(menu.isVisible)
    assert (taken(camera) != before)[20:60, 20:80].any()
    menu.close()
    assert (taken(camera) == before).all()


def test_where_two_pictures_differ():
    before = np.zeros((100, 200, 4), np.uint8)
    now = before.copy()
    now[40, 70] = 1
    region = changed(before, now)
    assert region.contains(QtCore.QPoint(70, 40)) and region.boundingRect().width() < 40
    assert changed(before, before.copy()).isEmpty()
    assert changed(before, now, 2.0).contains(QtCore.QPoint(35, 20))


class FakeSession(QtCore.QObject):
    stepped = QtCore.Signal(int, object, object)
    lanes_changed = QtCore.Signal(object)
    lanes = (SimpleNamespace(lane=0, title="PPO · Breakout", action_names=("NOOP", "LEFT")),)

    def last_step(self, lane: int) -> None:
        return None


def test_captions_say_what_happens_and_which_key(window, qtbot):
    session = FakeSession()
    captions = Captions(session, ("agent", "action", "reward", "score", "keys"))
    step = SimpleNamespace(decision=SimpleNamespace(action=1), episode_return=7.0)
    session.stepped.emit(0, step, [SimpleNamespace(reward=1.0)])
    QtTest.QTest.keyClick(window, QtCore.Qt.Key_G, QtCore.Qt.ControlModifier)
    assert captions.words() == ("PPO · Breakout  ·  left  ·  reward +1  ·  score 7", "Ctrl+G")
    left, right = captions.words(time.monotonic() + 5)
    assert "reward 0" in left and right == ""
    camera = Camera(window, below=lambda high: 30, pointer=False)
    assert camera.canvas == (200, 130)
    captions.paint(camera.caption_image)
    picture = taken(camera)
    assert picture[100:].std() > 5 and tuple(picture[50, 20]) == BGR["red"]
    session.lanes = (SimpleNamespace(lane=0, title="A2C · Pong", action_names=("NOOP",)),)
    session.lanes_changed.emit(session.lanes)  # what it has not done yet is not said, nor what another did
    assert captions.words()[0] == "A2C · Pong"
    captions.close()


def test_names_of_one_second_differ(tmp_path):
    found = [new_path(".png", tmp_path) for _ in range(3)]
    assert len(set(found)) == 3 and all(path.suffix == ".png" for path in found)


def test_what_is_not_there_is_not_filmed(window, qtbot):
    with pytest.raises(ValueError, match="nothing"):
        Camera(window, QtCore.QRect(5000, 5000, 20, 20))
    cover = QtWidgets.QWidget(window)
    cover.setGeometry(0, 0, 60, 40)
    cover.setStyleSheet("background: #00ff00")
    cover.show()
    camera = Camera(cover, pointer=False)
    cover.hide()  # its place shows the window now
    assert tuple(taken(camera)[20, 20]) != BGR["red"]


def test_the_laser_hides_the_pointer_in_films_too(window, qtbot, monkeypatch):
    monkeypatch.setattr(QtGui.QCursor, "pos", lambda: window.mapToGlobal(QtCore.QPoint(40, 40)))
    monkeypatch.setattr(QtWidgets.QApplication, "widgetAt", lambda place: window)
    camera = Camera(window)
    assert len(np.unique(taken(camera)[:80, :100].reshape(-1, 3), axis=0)) > 1
    QtWidgets.QApplication.setOverrideCursor(QtCore.Qt.BlankCursor)
    try:
        assert (taken(camera)[:80, :100] == BGR["red"]).all()
    finally:
        QtWidgets.QApplication.restoreOverrideCursor()


def recorded(capture, qtbot, window, path: Path, busy: float = 0.0) -> list[np.ndarray]:
    capture.start(window, path)
    time.sleep(busy)  # the window does something else while the encoder starts
    qtbot.waitUntil(lambda: capture._take is None or capture._take.frames > 3, timeout=20_000)
    with qtbot.waitSignal(capture.saved, timeout=30_000):
        capture.stop()
    return pictures(path)[0]


def test_a_disk_that_is_low_records_until_it_is_full(window, qtbot, tmp_path, monkeypatch):
    capture, said = Capture(window), []
    capture.warned.connect(said.append)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100 << 20))
    assert len(recorded(capture, qtbot, window, tmp_path / "low.mp4", busy=0.5)) > 3
    assert any("are free on the disk" in sentence for sentence in said)

    def gone(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(shutil, "disk_usage", gone)  # a folder that was renamed
    assert len(recorded(capture, qtbot, window, tmp_path / "gone.mp4")) > 3
    capture.close()


def test_the_last_seconds_begin_however_busy_the_window_is(window, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(Later, "__new__", lambda cls, seconds: tuple.__new__(cls, (min(seconds, 0.01),)))
    capture = Capture(window)
    capture.start_ring(window, 10)
    time.sleep(1.5)
    qtbot.waitUntil(lambda: capture._ring.frames > 10, timeout=20_000)
    with qtbot.waitSignal(capture.saved, timeout=30_000) as saved:
        capture.save_ring(tmp_path / "last.mp4")
    assert pictures(Path(saved.args[0]))[0]
    capture.close()


def test_a_film_that_cannot_begin_leaves_what_was_there(tmp_path, monkeypatch):
    old, new = tmp_path / "old.mp4", tmp_path / "new.mp4"
    old.write_bytes(b"a film of yesterday")
    monkeypatch.setattr(video, "_ffmpeg", lambda: str(tmp_path / "no such program"))
    for path in (old, new):
        with pytest.raises(ZooError, match="cannot be started"):
            video.Mp4Writer(path, (64, 64))
    assert old.read_bytes() == b"a film of yesterday" and not new.exists()
    gif = tmp_path / "old.gif"
    gif.write_bytes(b"a picture of yesterday")
    with pytest.raises(ZooError, match="could not be written"):
        film.gif_of(tmp_path / "raw.mp4", gif)
    assert gif.read_bytes() == b"a picture of yesterday"


@pytest.mark.parametrize("form", ["mp4", "gif", "png"])
def test_every_format_is_recorded_at_a_size_of_its_own(window, qtbot, tmp_path, form):
    capture = Capture()
    path = tmp_path / f"film{recordings.FORMATS[form]}"
    capture.start(window, Recording(size="720p", form=form, path=path))
    qtbot.waitUntil(lambda: capture._take is not None and capture._take.drawn > 2, timeout=10_000)
    qtbot.wait(300)
    with qtbot.waitSignal(capture.saved, timeout=20_000) as saved:
        capture.stop()
    assert saved.args == [str(path)] and not capture.is_recording
    if form == "png":
        found, rate = [cv2.imread(str(file)) for file in sorted(path.glob("*.png"))], 30
    else:
        found, rate = pictures(path)
    assert len(found) >= 6 and found[-1].shape == (720, 1280, 3) and rate == (20 if form == "gif" else 30)
    assert np.abs(found[-1][360, 1000].astype(int) - BGR["blue"]).max() < 12
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    capture.close()


def test_a_bad_wish_is_a_sentence():
    for options, words in ((Recording(size="8K"), "no size"), (Recording(fps=50), "30 or 60"),
                           (Recording(what="attic"), "neither the window nor a panel"),
                           (Recording(what="1,2,3,4"), "at least 16"), (Recording(captions=("mood",)), "no caption")):
        with pytest.raises(ZooError, match=words):
            options.checked({"game": None})
    assert Recording(what="10,20,300,200").checked({}).region == (10, 20, 300, 200)
    with pytest.raises(ZooError, match="must end in"):
        recordings.format_of("film.avi")
    assert [recordings.format_of(name) for name in ("a.mp4", "b.GIF", "folder")] == ["mp4", "gif", "png"]
    assert clock(65, 12_300_000) == "1:05 · 12.3 MB" and clock(3700, 2_000_000_000) == "1:01:40 · 2.00 GB"


def test_options_are_remembered(own_folders):
    settings = Settings()
    Recording(what="game", size="1080p", fps=60, form="gif", captions=("score",), pointer=False).keep(settings)
    settings.save()
    again = Recording.of_settings(Settings())
    assert (again.what, again.size, again.fps, again.form) == ("game", "1080p", 60, "gif")
    assert again.captions == ("score",) and again.pointer is False


def test_the_dialog_gives_what_is_set_and_sends_off_to_drag(window, qtbot):
    dialog = RecordDialog(Recording(size="2160p", captions=("keys",)), {"game": "Game"}, None, 30, window)
    qtbot.addWidget(dialog)
    dialog.what.setCurrentIndex(1)
    dialog.captions["score"].setChecked(True)
    with qtbot.waitSignal(dialog.wanted) as wanted:
        dialog.begin.click()
    options, begin = wanted.args
    assert begin and (options.what, options.size, options.captions) == ("game", "2160p", ("score", "keys"))
    dialog = RecordDialog(Recording(), {}, 30, 30, window)
    dialog.what.setCurrentIndex(dialog.what.findData(DRAG))
    with qtbot.waitSignal(dialog.dragging):
        dialog.what.activated.emit(dialog.what.currentIndex())


def test_a_region_is_dragged(window, qtbot):
    picker = RegionPicker(window)
    QtTest.QTest.mousePress(picker, QtCore.Qt.LeftButton, pos=QtCore.QPoint(150, 90))
    QtTest.QTest.mouseMove(picker, QtCore.QPoint(20, 30))
    picker.mouseMoveEvent(QtGui.QMouseEvent(QtCore.QEvent.MouseMove, QtCore.QPointF(20, 30), QtCore.Qt.LeftButton,
                                            QtCore.Qt.LeftButton, QtCore.Qt.NoModifier))
    with qtbot.waitSignal(picker.picked) as picked:
        QtTest.QTest.mouseRelease(picker, QtCore.Qt.LeftButton, pos=QtCore.QPoint(20, 30))
    assert picked.args[0].getRect() == (20, 30, 131, 61)


def test_esc_leaves_the_region_whoever_else_listens_to_it(window, qtbot):
    heard = []

    class Greedy(QtCore.QObject):  # as the window's keys are, installed on whatever has the focus
        def eventFilter(self, watched, event) -> bool:
            heard.append(event.type())
            return event.type() == QtCore.QEvent.KeyPress

    picker, keys = RegionPicker(window), Greedy()
    picker.installEventFilter(keys)
    with qtbot.waitSignal(picker.left):
        QtTest.QTest.keyClick(picker, QtCore.Qt.Key_Escape)
    assert QtCore.QEvent.KeyPress not in heard
    QtTest.QTest.keyClick(window, QtCore.Qt.Key_Escape)  # nobody listens any more


def test_the_last_seconds_are_a_film_and_older_ones_go(tmp_path, monkeypatch):
    monkeypatch.setattr(ring, "SETTLE", 0.6)
    told = {"what": "The last seconds"}
    keeper = RingWriter((64, 48), 30, 4)
    for number in range(30 * 14):
        keeper.write(np.full((48, 64, 4), number // 2 % 256, np.uint8), wait=True)
        if number % 60 == 0:
            time.sleep(0.06)
            keeper._measured = 0.0  # look at the files now
    path = keeper.save(tmp_path / "last.mp4", told)
    found, rate = pictures(path)
    assert rate == 30 and 4 * 30 <= len(found) <= 7 * 30
    assert abs(int(found[-1][20, 20, 0]) - (30 * 14 - 1) // 2) < 12  # up to now
    assert provenance_files.read(path) == told
    keeper._measure()
    assert 0 < len(list(keeper.path.iterdir())) <= 4 and keeper.bytes > 0
    keeper.close()
    assert not keeper.path.exists()


def test_a_full_disk_is_warned_of_and_pictures_go_only_into_new_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=3 << 20))
    assert "room for about" in recordings.warning(tmp_path / "new", "mp4", (3840, 2160), 60)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1 << 40))
    assert recordings.warning(tmp_path, "mp4", (1280, 720), 30) == ""
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ZooError, match="something in it already"):
        recordings.PngWriter(tmp_path, (64, 48), 30)


VICTIM = """
    import sys, time
    import numpy as np
    from zoo_gui.play import recordings
    writer = recordings.WRITERS[sys.argv[1]](sys.argv[2], (64, 48), 30)
    while True:
        writer.write(np.full((48, 64, 4), 90, np.uint8))
        if writer.frames == 75:
            print(writer.pid, flush=True)
        time.sleep(0.01)
"""


@pytest.mark.parametrize("form", ["gif", "png"])
def test_a_kill_leaves_what_can_be_looked_at(tmp_path, form):
    path = tmp_path / f"film{recordings.FORMATS[form]}"
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(VICTIM), form, path], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    encoder = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{encoder}") and time.monotonic() < deadline:
        time.sleep(0.05)
    if form == "png":
        assert len([file for file in path.glob("*.png") if cv2.imread(str(file)) is not None]) >= 50
    else:
        assert len(pictures(tmp_path / "film.recording.mp4")[0]) >= 30
