import dataclasses
import errno
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from mmctl.apis.partial_arrays import PartialArrays
from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, read_header
from mmctl.files import DiskFullError
from tests.test_apis.small_arrays import NUM_ROWS, ROWS_PER_BLOCK, content, finish, plan, values
from tests.test_apis.tiny_estimator import run_in_child


@pytest.fixture
def whole(tmp_path):
    (tmp_path / "whole").mkdir()
    finish(tmp_path / "whole")
    return content(tmp_path / "whole")


def test_finished_arrays_are_those_that_numpy_writes(tmp_path, whole):
    assert sorted(whole) == ["heatmaps.json", "heatmaps.npy", "keypoints.json", "keypoints.npy"]
    partial = PartialArrays(plan(tmp_path / "whole"), ROWS_PER_BLOCK)
    for kind, array in partial.arrays.items():
        expected = np.concatenate([values(partial, block)[kind] for block in range(3)])
        np.save(tmp_path / "expected.npy", expected)
        assert whole[f"{kind}.npy"] == (tmp_path / "expected.npy").read_bytes()
        assert read_header(array.path) == array.header
    assert not partial.folder.exists()


def test_blocks_cover_the_rows_once():
    partial = PartialArrays(plan(Path("nowhere")), ROWS_PER_BLOCK)
    assert partial.num_blocks == 3
    rows = [row for block in range(3) for row in partial.rows_of(block)]
    assert rows == list(range(NUM_ROWS))
    assert PartialArrays(plan(Path("nowhere"), num_rows=8), ROWS_PER_BLOCK).num_blocks == 2


def test_only_what_is_missing_is_pending(tmp_path, whole):
    assert finish(tmp_path, blocks=[2, 0]) == [0, 1, 2]
    assert not (tmp_path / "keypoints.npy").exists()
    partial = PartialArrays(plan(tmp_path), ROWS_PER_BLOCK)
    partial.prepare()
    partial.open()
    assert partial.num_done_rows() == 7
    partial.close()
    assert finish(tmp_path) == [1]
    assert content(tmp_path) == whole
    assert finish(tmp_path) == []


def test_a_kill_at_any_change_of_a_file_is_continued_to_the_same_bytes(tmp_path, whole):
    statuses = []
    for num_calls in range(100):
        folder = tmp_path / str(num_calls)
        folder.mkdir()
        write_stored_array(
            folder / "keypoints.npy",
            np.zeros((2, 17, 3), np.float32),
            ArrayHeader("keypoints", 2, "1" * 64, "older"),
        )

        def work(folder=folder):
            partial = PartialArrays(plan(folder), ROWS_PER_BLOCK)
            partial.prepare(overwrite=True)
            partial.open()
            for block in partial.pending():
                partial.write_block(block, values(partial, block))
            partial.publish()

        statuses.append(run_in_child(work, num_calls))
        # Whatever is in its place is whole, and its header is its own.
        header, rows = read_header(folder / "keypoints.npy"), len(np.load(folder / "keypoints.npy"))
        assert header is None or header.num_frames == rows
        if statuses[-1] != -signal.SIGKILL:
            break
        done_before = folder / "keypoints.partial" / "done.bin"
        marks = list(done_before.read_bytes()) if done_before.exists() else []
        begun = (folder / "keypoints.partial" / "identity.json").exists()
        if begun:
            assert finish(folder) == [i for i, mark in enumerate(marks) if not mark]
        elif not PartialArrays(plan(folder), ROWS_PER_BLOCK).is_complete():
            work()
        finish(folder)  # tidies up
        assert content(folder) == whole, num_calls
        assert not (folder / "keypoints.partial").exists()
    assert statuses[-1] == 0
    assert len(statuses) > 30


def test_a_block_without_its_mark_is_made_again(tmp_path, whole):
    finish(tmp_path, blocks=[0, 1])
    done = tmp_path / "keypoints.partial" / "done.bin"
    done.write_bytes(b"\x01\x00\x00")
    array = tmp_path / "keypoints.partial" / "keypoints.npy"
    array.write_bytes(array.read_bytes()[:-500] + bytes(500))
    assert finish(tmp_path) == [1, 2]
    assert content(tmp_path) == whole


def test_rows_reach_the_disk_before_their_mark(tmp_path, monkeypatch):
    partial = PartialArrays(plan(tmp_path), ROWS_PER_BLOCK)
    partial.prepare()
    partial.open()
    names = {file.fileno(): name for name, file in partial._files.items()}
    calls = []
    pwrite, fsync = os.pwrite, os.fsync
    monkeypatch.setattr(
        os, "pwrite", lambda f, b, o: calls.append(("write", names[f])) or pwrite(f, b[:100], o)
    )
    monkeypatch.setattr(os, "fsync", lambda f: calls.append(("sync", names[f])) or fsync(f))
    partial.write_block(0, values(partial, 0))
    order = list(dict.fromkeys(calls))  # a write of a part is repeated for the rest
    assert order == [
        (what, name)
        for name in ("keypoints.npy", "heatmaps.npy", "done.bin")
        for what in ("write", "sync")
    ]
    assert len(calls) > len(order)
    partial.close()


def test_work_of_another_estimator_is_refused_and_left_alone(tmp_path):
    finish(tmp_path, blocks=[0])
    before = content(tmp_path / "keypoints.partial")
    with pytest.raises(
        ValueError,
        match=r"heatmaps\.estimator 'one' there, 'two' now; keypoints\.estimator.*--overwrite",
    ):
        finish(tmp_path, estimator="two")
    with pytest.raises(ValueError, match=r"heatmaps\.num_frames 11 there, None now"):
        finish(tmp_path, kinds=("keypoints",))
    after = content(tmp_path / "keypoints.partial")
    assert after == before
    partial = PartialArrays(plan(tmp_path, "two"), ROWS_PER_BLOCK)
    partial.prepare(overwrite=True)
    partial.open()
    assert partial.pending() == [0, 1, 2]
    partial.close()


def test_an_array_of_another_origin_is_kept_unless_it_may_be_replaced(tmp_path):
    np.save(tmp_path / "keypoints.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"keypoints\.npy exists .*\(it has no header\).*--overwr"):
        finish(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keypoints.npy"]
    (tmp_path / "keypoints.npy").unlink()
    finish(tmp_path, estimator="two")
    with pytest.raises(ValueError, match=r"made in another way, .* \(see .*keypoints\.json\)"):
        finish(tmp_path)
    assert read_header(tmp_path / "keypoints.npy").estimator == "two"


def test_keypoints_that_are_there_do_not_keep_heatmaps_from_being_added(tmp_path, whole):
    finish(tmp_path, kinds=("keypoints",))
    assert finish(tmp_path) == [0, 1, 2]
    assert content(tmp_path) == whole


def test_an_array_on_another_disk_is_refused_at_once(tmp_path):
    if os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs two file systems")
    keypoints, heatmaps = plan(tmp_path)
    heatmaps = dataclasses.replace(heatmaps, path=Path("/dev/shm/mmctl-heatmaps.npy"))
    with pytest.raises(ValueError, match=r"heatmaps\.npy must be on the disk of .*partial"):
        PartialArrays([keypoints, heatmaps], ROWS_PER_BLOCK).prepare()


def test_a_file_in_the_place_of_a_header_is_refused_before_the_work(tmp_path):
    (tmp_path / "heatmaps.json").write_text('{"images": []}')
    with pytest.raises(ValueError, match=r"heatmaps\.json must be free for the header"):
        PartialArrays(plan(tmp_path), ROWS_PER_BLOCK).prepare(overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["heatmaps.json"]


def test_two_runs_do_not_share_a_folder(tmp_path):
    partial = PartialArrays(plan(tmp_path), ROWS_PER_BLOCK)
    partial.prepare()

    def other():
        with pytest.raises(ValueError, match=r"keypoints\.partial is in use by another run"):
            PartialArrays(plan(tmp_path), ROWS_PER_BLOCK).prepare()

    assert run_in_child(other) == 0
    partial.close()
    assert run_in_child(lambda: PartialArrays(plan(tmp_path), ROWS_PER_BLOCK).prepare()) == 0


def test_a_full_disk_is_said_before_the_work_and_nothing_is_left(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    # 11 rows of 17 * 3 * 4 and of 17 * 2 * 2 bytes: 2244 + 748.
    with pytest.raises(DiskFullError, match=r"no room for 2,992 bytes of keypoints and heatmaps"):
        finish(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_later_keeps_what_is_done(tmp_path, monkeypatch, whole):
    finish(tmp_path, blocks=[0])

    def full(*_):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(DiskFullError, match="free some space and run the same command again"):
            finish(tmp_path)
    assert finish(tmp_path) == [1, 2]
    assert content(tmp_path) == whole
