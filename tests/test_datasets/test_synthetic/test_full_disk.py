"""Drawing to a disk that is full, fills up, or is too small from the start."""

from __future__ import annotations

import dataclasses
import errno
from collections import namedtuple
from contextlib import nullcontext
from pathlib import Path

import pytest

from mmctl.datasets.synthetic import DiskFullError, DrawnSettings, MarsWriter
from mmctl.datasets.synthetic.mars_writer import estimate_bytes
from tests.test_datasets.test_synthetic.filling_disk import fill_disk_after

from .conftest import digest_files


@pytest.mark.parametrize("num_files", [0, 30, 120])
def test_a_full_disk_is_said_once_and_drawing_goes_on_later(
    num_files: int,
    drawn_root: Path,
    tiny: DrawnSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tmp_path / "set"
    with monkeypatch.context() as patch:
        fill_disk_after(patch, num_files)
        with pytest.raises(DiskFullError, match=r"could not write .*set.*bytes are needed in"):
            MarsWriter(root, tiny).write()
    assert not list(root.rglob("*.part"))
    assert not (root / "info" / "drawn.json").exists()
    writer = MarsWriter(root, tiny)
    assert not writer.is_finished()
    if num_files == 120:
        assert 0 < len(writer.pending()) < len(writer.plan["train"]) + len(writer.plan["test"])
    writer.write()
    assert digest_files(root) == digest_files(drawn_root)


def test_a_disk_that_fills_up_under_workers_is_said_too(
    tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk_after(monkeypatch, 20)
    with pytest.raises(DiskFullError, match=r"the disk is full: could not write .*jpg|npy"):
        MarsWriter(tmp_path / "set", tiny, workers=2).write()


def test_too_small_a_disk_is_refused_beforehand(
    tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9 - 1000, 1000))
    writer = MarsWriter(tmp_path / "new" / "set", tiny)
    with pytest.raises(DiskFullError, match=r"needs about [\d,]+ more bytes.* has 1,000 free"):
        writer.check_space(writer.pending())
    assert not (tmp_path / "new").exists()


def test_the_estimate_is_enough_but_not_ten_times_too_much(
    drawn_root: Path, tiny: DrawnSettings
) -> None:
    files = list(drawn_root.glob("bbox_*/*/*.jpg"))
    taken = sum(-(-path.stat().st_size // 4096) * 4096 for path in files)
    assert taken < estimate_bytes(tiny, len(files)) < 10 * taken


def test_the_disk_must_have_room_for_sheets_and_info_files(
    drawn_root: Path, tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [*drawn_root.glob("*.png"), *drawn_root.glob("info/*")]
    taken = sum(-(-path.stat().st_size // 4096) * 4096 for path in others)
    frames = estimate_bytes(tiny, len(list(drawn_root.glob("bbox_*/*/*.jpg"))))
    writer = MarsWriter(tmp_path / "set", tiny)
    usage = namedtuple("usage", "total used free")
    for free, enough in ((frames + taken, False), (frames + 3 * taken, True)):
        monkeypatch.setattr("shutil.disk_usage", lambda path, free=free: usage(free, 0, free))
        with nullcontext() if enough else pytest.raises(DiskFullError):
            writer.check_space(writer.pending())


def test_a_disk_that_fills_up_at_the_sheets_says_what_they_need(
    tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(path: Path, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("mmctl.datasets.synthetic.mars_writer.write_contact_sheet", fill)
    small = dataclasses.replace(tiny, num_train_pids=1, num_test_pids=1, num_junk=0)
    with pytest.raises(DiskFullError, match=r"about 1,\d{3},\d{3} more bytes are needed"):
        MarsWriter(tmp_path, small).write()
