"""The last whole checkpoint of a work dir is found by what it says, not by the clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from mmctl.checkpoints.last_checkpoint import find_whole_checkpoint, trained_checkpoint
from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner, end_state, equal


def save(path: Path, epoch: int, iteration: int) -> Path:
    meta = {"epoch": epoch, "iter": iteration}
    torch.save({"meta": meta, "state_dict": {"weight": torch.ones(300)}}, path)
    return path


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    """Two checkpoints, the second the newer and named as the last."""
    files = save(tmp_path / "epoch_1.pth", 1, 6), save(tmp_path / "snapshot_9.pth", 1, 9)
    os.utime(files[1], ns=(10**9, 10**9))  # the clock was set back meanwhile
    (tmp_path / "last_checkpoint").write_text(str(files[1]))
    return files


@pytest.fixture
def logged(monkeypatch) -> list[str]:
    """The messages that looking for a checkpoint logs."""
    messages: list[str] = []
    monkeypatch.setattr(
        "mmctl.checkpoints.last_checkpoint.print_log", lambda text, **_: messages.append(text)
    )
    return messages


@pytest.mark.parametrize("change", ["folder", "part", "method", "name"])
def test_a_changed_list_of_parts_leads_to_the_checkpoint_before(two, change):
    whole, last = two
    content = bytearray(last.read_bytes())
    entry = content.rindex(b"PK\1\2", 0, content.rindex(b"/data/0"))
    part = content.index(b"/0", entry) + 1 - entry
    places = {"folder": 38, "method": 10, "name": 46, "part": part}
    content[entry + places[change]] ^= 0x80 if change == "name" else 0x10
    last.write_bytes(content)
    assert find_whole_checkpoint(str(whole.parent)) == str(whole)


@pytest.mark.parametrize("kept", [0, 1, 700, -1])
def test_the_whole_one_before_a_cut_one_is_found_and_named(two, kept):
    whole, cut = two
    cut.write_bytes(cut.read_bytes()[:kept])
    assert find_whole_checkpoint(str(whole.parent)) == str(whole)
    assert (whole.parent / "last_checkpoint").read_text() == str(whole)


def test_the_warning_names_the_damaged_file(two, logged):
    two[1].write_bytes(b"PK")
    find_whole_checkpoint(str(two[0].parent))
    assert f"checkpoint {two[1]} is damaged (2 bytes" in logged[0]
    assert str(two[0]) in logged[1]


@pytest.mark.parametrize(
    "text", [b"", b"\0" * 40, b"\xff\xfe\x80", b"/elsewhere/snapshot_9.pth", None]
)
def test_a_work_dir_that_was_moved_or_lost_its_pointer_is_gone_on_from(two, text):
    pointer = two[0].parent / "last_checkpoint"
    pointer.unlink() if text is None else pointer.write_bytes(text)
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[1])


def test_a_moved_work_dir_is_not_mixed_up_with_the_one_now_in_its_place(two, tmp_path):
    current = tmp_path / "current"
    current.mkdir()
    other = save(current / "epoch_1.pth", 1, 6)
    (two[0].parent / "last_checkpoint").write_text(str(other))
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[0])


def test_a_checkpoint_outside_the_work_dir_is_gone_on_from_with_a_warning(two, tmp_path, logged):
    outside = tmp_path / "outside"
    outside.mkdir()
    other = save(outside / "epoch_7.pth", 7, 42)
    (two[0].parent / "last_checkpoint").write_text(str(other))
    assert find_whole_checkpoint(str(two[0].parent)) == str(other)
    assert f"names {other}, outside the work dir, which holds no epoch_7.pth" in logged[0]


def test_the_named_file_wins_over_newer_ones(two):
    (two[0].parent / "last_checkpoint").write_text(str(two[0]))
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[0])


def test_best_checkpoints_are_not_gone_on_from(tmp_path):
    save(tmp_path / "best_reid_mAP_epoch_2.pth", 2, 12)
    assert find_whole_checkpoint(str(tmp_path)) is None


def test_broken_checkpoints_alone_are_an_error(two):
    for file in two:
        file.write_bytes(b"PK")
    with pytest.raises(
        ValueError, match=r"no checkpoint .* is whole, looked at epoch_1\.pth, snapshot_9\.pth"
    ):
        find_whole_checkpoint(str(two[0].parent))


def test_a_run_goes_on_from_the_checkpoint_before_a_cut_one(tmp_path):
    drawing_runner(tmp_path / "whole").train()
    folder = tmp_path / "cut"
    with pytest.raises(Killed):
        drawing_runner(folder, StopAt("after_train_iter", 6)).train()
    last = folder / "snapshot_6.pth"
    last.write_bytes(last.read_bytes()[:-1])
    runner = drawing_runner(folder, resume=True)
    runner.train()
    assert equal(end_state(folder), end_state(tmp_path / "whole"))


def test_what_a_run_that_went_back_left_behind_is_not_gone_on_from(two):
    folder = two[0].parent
    save(folder / "epoch_2.pth", 2, 12)
    two[1].write_bytes(b"PK")
    assert find_whole_checkpoint(str(folder)) == str(two[0])
    (folder / "last_checkpoint").write_text("epoch_1.pth")
    two[0].unlink()
    assert find_whole_checkpoint(str(folder)) == str(folder / "epoch_2.pth")


def test_a_pipe_in_the_work_dir_is_no_checkpoint(two):
    os.mkfifo(two[0].parent / "epoch_7.pth")
    two[1].unlink()
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[0])


def test_a_trained_checkpoint_is_that_of_the_folder_where_it_is_now(tmp_path):
    before, now = tmp_path / "before", tmp_path / "now"
    for folder in (before, now):
        folder.mkdir()
        (folder / "epoch_2.pth").touch()
        (folder / "last_checkpoint").write_text(str(before / "epoch_2.pth"))
    assert trained_checkpoint(now) == (now / "epoch_2.pth").as_posix()
    (now / "epoch_2.pth").unlink()
    assert trained_checkpoint(now) == (before / "epoch_2.pth").as_posix()
    (before / "epoch_2.pth").unlink()
    with pytest.raises(ValueError, match=r"training in \S+now must leave a checkpoint .* no file"):
        trained_checkpoint(now)


def test_a_folder_of_several_runs_names_those_that_have_a_checkpoint(tmp_path):
    for name in ("ctl", "baseline", "untrained"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "last_checkpoint").write_text("epoch_2.pth")
    for name in ("ctl", "baseline"):
        (tmp_path / name / "epoch_2.pth").touch()
    with pytest.raises(ValueError, match=r"have one are \S+/baseline, \S+/ctl$"):
        trained_checkpoint(tmp_path)
