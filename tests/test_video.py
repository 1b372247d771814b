"""Recordings: what is in the file, and what is left of it when things go wrong."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from zoo_gui.play.video import Mp4Writer
from zoo_gui.types import ZooError

ROOT = Path(__file__).resolve().parent.parent


def pictures(path) -> list[np.ndarray]:
    """Every decodable picture of a video, BGR."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        found.append(read[1])
    capture.release()
    return found


def picture(value, size=(96, 64)):
    return np.full((size[1], size[0], 4), value, np.uint8)


def noise(seed, size=(320, 240)):
    return np.random.default_rng(seed).integers(256, size=(size[1], size[0], 4), dtype=np.uint8)


def boxes(path) -> list[bytes]:
    """Types of an mp4's top-level boxes."""
    data, at, found = Path(path).read_bytes(), 0, []
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 8])
        at += max(size, 8)
    return found


def wait_until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_every_picture_is_in_the_file_in_order_and_colour(tmp_path):
    writer = Mp4Writer(tmp_path / "new folder" / "a.mp4", (96, 64), 30)
    buffer = picture(0)
    for i in range(45):
        buffer[...] = (5 * i, 40, 200, 255)  # the caller uses its buffer again
        writer.write(buffer, wait=True)
    path = writer.close()
    capture, shown = cv2.VideoCapture(str(path)), pictures(path)
    assert capture.get(cv2.CAP_PROP_FPS) == 30 and len(shown) == 45 == writer.frames and writer.dropped == 0
    assert all(image.shape == (64, 96, 3) for image in shown)
    for i, image in enumerate(shown):
        assert np.abs(image.mean((0, 1)) - (5 * i, 40, 200)).max() < 6
    assert boxes(path).index(b"moov") < boxes(path).index(b"mdat") and b"moof" not in boxes(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.mp4"] and writer.close() == path


def test_odd_sizes_become_even_without_blurring(tmp_path):
    writer = Mp4Writer(tmp_path / "a.mp4", (95, 63), 30, crf=1)
    checks = np.zeros((63, 95, 4), np.uint8)
    checks[::2] = 255
    writer.write(checks)
    (shown,) = pictures(writer.close())
    assert shown.shape == (64, 96, 3) and shown[20, 40].min() > 200 and shown[21, 40].max() < 50


def test_a_picture_of_another_size_is_fitted(tmp_path):
    writer = Mp4Writer(tmp_path / "a.mp4", (96, 64), 30)
    writer.write(picture(255))
    writer.write(picture(255, (200, 40)))
    writer.write(picture(255, (64, 64)))
    first, wide, square = pictures(writer.close())
    assert first.min() > 240
    assert wide[32].min() > 240 and wide[:16].max() < 20 and wide[-16:].max() < 20
    assert square[:, 32:64].min() > 240 and square[:, :12].max() < 20 and square[:, -12:].max() < 20


def test_count_repeats_a_picture(tmp_path):
    writer = Mp4Writer(tmp_path / "a.mp4", (96, 64), 30)
    writer.write(picture(0), count=4)
    writer.write(picture(250), count=3)
    shown = [image.mean() > 100 for image in pictures(writer.close())]
    assert shown == [False] * 4 + [True] * 3


def test_a_slow_encoder_blocks_nobody_and_time_stays_right(tmp_path):
    writer = Mp4Writer(tmp_path / "a.mp4", (320, 240), 60)
    os.kill(writer.pid, signal.SIGSTOP)
    try:
        for i in range(120):
            writer.write(picture(2 * i, (320, 240)))
    finally:
        os.kill(writer.pid, signal.SIGCONT)
    writer.write(picture(250, (320, 240)), wait=True)  # however long the encoder needs to catch up
    shown = pictures(writer.close())
    assert writer.dropped > 50 and len(shown) == writer.frames == 121
    brightness = [image.mean() for image in shown]
    assert brightness == sorted(brightness) and brightness[-1] > 245


RECORDER = """
import sys, time, numpy as np
from zoo_gui.play.video import Mp4Writer
writer = Mp4Writer(sys.argv[1], (320, 240), 30)
for i in range(100000):
    writer.write(np.random.default_rng(i).integers(256, size=(240, 320, 4), dtype=np.uint8), wait=True)
    if i == 90:
        print("recorded", writer.pid, flush=True)
        time.sleep(0.3)
"""


@pytest.mark.parametrize("victim", ["us", "encoder"])
def test_what_was_recorded_survives_a_kill(tmp_path, victim):
    path = tmp_path / "a.mp4"
    child = subprocess.Popen([sys.executable, "-c", RECORDER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    encoder = int(child.stdout.readline().split()[1])
    os.kill(child.pid if victim == "us" else encoder, signal.SIGKILL)
    child.kill()
    child.wait()
    child.stdout.close()
    wait_until(lambda: not _runs(encoder))
    # The encoder, when only we die, finishes what it got: all but a picture that was on its way. Killed itself, it
    # leaves all but its last second.
    assert len(pictures(path)) >= (74 if victim == "us" else 25)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_full_disk_keeps_what_was_written_and_says_so(tmp_path):
    told, event = [], threading.Event()
    writer = Mp4Writer(tmp_path / "a.mp4", (320, 240), 30, on_error=lambda text: (told.append(text), event.set()))
    resource.prlimit(writer.pid, resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    for i in range(2000):
        writer.write(noise(i), wait=True)
        if event.is_set():
            break
    assert event.wait(20)
    writer.write(noise(0))
    path = writer.close()
    assert told == [writer.error] and str(path) in writer.error and "largest size" in writer.error
    assert len(pictures(path)) >= 10


def test_no_space_left_is_named(tmp_path):
    """/dev/full is a disk that is always full."""
    told = []
    writer = Mp4Writer("/dev/full", (96, 64), 30, on_error=told.append)
    writer.write(picture(0))
    writer.close()
    assert len(told) == 1 and "the disk is full" in told[0]
    silent = Mp4Writer("/dev/full", (96, 64), 30)
    silent.write(picture(0))
    with pytest.raises(ZooError, match="disk is full"):
        silent.close()


def test_the_encoder_s_death_does_not_hang_a_waiting_writer(tmp_path):
    told = []
    writer = Mp4Writer(tmp_path / "a.mp4", (320, 240), 30, on_error=told.append)
    writer.write(noise(0))
    os.kill(writer.pid, signal.SIGKILL)
    wait_until(lambda: writer.write(noise(1), wait=True) or writer.error)
    assert writer.close() == tmp_path / "a.mp4" and len(told) == 1


@pytest.mark.parametrize("works", [True, False])
def test_a_slow_encoder_is_waited_for_and_one_that_stands_still_is_not(tmp_path, monkeypatch, works):
    told = []
    writer = Mp4Writer(tmp_path / "a.mp4", (96, 64), 30, on_error=told.append)
    writer.write(picture(0))
    os.kill(writer.pid, signal.SIGSTOP)
    turns = []

    def measure():
        turns.append(1)
        writer.bytes += works
        if len(turns) == 8:
            os.kill(writer.pid, signal.SIGCONT)

    monkeypatch.setattr(writer, "_measure", measure)
    path = writer.close(timeout=0.35)
    if works:
        assert not told and len(turns) >= 8 and len(pictures(path)) == 1
    else:
        assert len(turns) < 8 and len(told) == 1 and "too long to finish" in told[0]
        os.kill(writer.pid, signal.SIGKILL)
        writer._thread.join(20)
        assert len(told) == 1


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for path in (tmp_path / "file" / "a.mp4", tmp_path):
        with pytest.raises(ZooError, match="cannot be written"):
            Mp4Writer(path, (96, 64))


def test_without_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "no ffmpeg"))
    with pytest.raises(ZooError, match="imageio-ffmpeg"):
        Mp4Writer(tmp_path / "a.mp4", (96, 64))
