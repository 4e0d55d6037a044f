import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from mmctl.datasets.checks.frame_check import check_frames


def encoded(extension, seed=0, height=64, width=48):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(extension, cv2.GaussianBlur(noise, (5, 5), 2))[1].tobytes()


def damaged_scan(content):
    """Return a JPEG with foreign bytes in its midst; header and end marker are whole."""
    middle = len(content) // 2
    return content[: middle - 50] + b"\xff\x01" * 50 + content[middle + 50 :]


def damaged_png(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


BROKEN = {
    # name: content, the first mode that sees it, what is said
    "empty.jpg": (b"", "exist", "is empty"),
    "cut.jpg": (encoded(".jpg")[:-40], "header", "is cut off: a whole JPEG"),
    "zeros.jpg": (encoded(".jpg")[:900] + bytes(900), "header", "is cut off: a whole JPEG"),
    "cut.png": (encoded(".png")[:400], "header", "is cut off: a whole PNG"),
    "head.jpg": (
        b"\xff\xd8" + bytes(60) + b"\xff\xd9",
        "header",
        "no start of frame|cannot be decoded",
    ),
    "text.jpg": (b"not a picture", "header", "cannot be decoded"),
    "deep.png": (
        cv2.imencode(".png", np.full((9, 9), 4095, np.uint16))[1].tobytes(),
        "header",
        "8 bits",
    ),
    "middle.jpg": (damaged_scan(encoded(".jpg")), "decode", "is damaged, the decoder says: Corr"),
    "middle.png": (damaged_png(encoded(".png")), "decode", "is damaged|cannot be decoded"),
}
MODES = ["exist", "header", "decode"]


@pytest.fixture
def folder(tmp_path):
    for name, (content, *_) in BROKEN.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for seed in range(3):
        (tmp_path / f"good{seed}.jpg").write_bytes(encoded(".jpg", seed, height=64 + 2 * seed))
    (tmp_path / "good.png").write_bytes(encoded(".png"))
    (tmp_path / "good.bmp").write_bytes(encoded(".bmp"))
    return tmp_path


def paths_in(folder):
    return [str(path) for path in sorted(folder.iterdir())] + [str(folder / "gone.jpg")]


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_names_what_it_should_and_nothing_else(folder, mode):
    report = check_frames(paths_in(folder), mode)
    assert report.num_checked == len(BROKEN) + 8
    seen = {
        name: says
        for name, (_, first, says) in BROKEN.items()
        if mode in MODES[MODES.index(first) :]
    }
    seen |= {
        "folder.jpg": "got a folder",
        "pipe.jpg": "got a named pipe",
        "gone.jpg": "does not exist",
    }
    faults = {os.path.basename(path): reason for path, reason in report.faults}
    assert faults.keys() == seen.keys()
    for name, says in seen.items():
        assert any(part in faults[name] for part in says.split("|")), (name, faults[name])
        assert str(folder) not in faults[name], "the path stands beside the reason already"


@pytest.mark.parametrize("mode", ["header", "decode"])
def test_sizes_are_height_and_width_and_zero_where_broken(folder, mode):
    paths = paths_in(folder)
    report = check_frames(paths, mode)
    assert report.sizes[paths.index(str(folder / "good2.jpg"))].tolist() == [68, 48]
    assert report.sizes[paths.index(str(folder / "good.bmp"))].tolist() == [64, 48]
    assert report.sizes[paths.index(str(folder / "gone.jpg"))].tolist() == [0, 0]


def test_no_mode_looks_at_nothing(folder):
    report = check_frames(paths_in(folder), "none")
    assert (report.num_checked, report.faults, report.sizes.shape) == (0, [], (0, 2))


def test_several_processes_find_the_same_in_the_same_order(folder):
    paths = paths_in(folder) * 40  # more than two chunks
    counts = []
    one, two = (check_frames(paths, "decode", workers, counts.append) for workers in (1, 2))
    assert one.faults == two.faults
    assert len(one.faults) == 12 * 40
    np.testing.assert_array_equal(one.sizes, two.sizes)
    assert sum(counts) == 2 * len(paths)


def test_processes_start_beside_threads_of_opencv():
    # They do not survive a fork; a process that draws or checks frames must not wait for them.
    code = """
import cv2, numpy as np
from mmctl.datasets.checks.frame_check import check_frames
from mmctl.datasets.synthetic.worker_pool import worker_pool
cv2.setNumThreads(4)
cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (9, 9), 2)
assert len(check_frames(["gone.jpg"] * 1000, "exist", workers=2).faults) == 1000
with worker_pool(2) as pool:
    assert list(pool.map(abs, [-1, 2])) == [1, 2]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_others_write_to_the_error_stream_goes_there_again(folder, capfd):
    check_frames(paths_in(folder), "decode")
    os.write(2, b"still there\n")
    assert capfd.readouterr().err == "still there\n"


@pytest.mark.parametrize(
    ("mode", "workers", "message"),
    [("all", 1, "one of none, exist, header, decode, got all"), ("exist", 0, "positive.*got 0")],
)
def test_wrong_arguments_are_refused(mode, workers, message):
    with pytest.raises(ValueError, match=message):
        check_frames([], mode, workers)
