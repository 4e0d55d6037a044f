import dataclasses
import errno
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import SimpleNamespace

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
            for block in partial.pending():
                partial.write_block(block, values(partial, block))
            partial.publish()

        statuses.append(run_in_child(work, num_calls))
        # Whatever is in its place is whole, and its header is its own.
        header, rows = read_header(folder / "keypoints.npy"), len(np.load(folder / "keypoints.npy"))
        assert header is None or header.num_frames == rows
        if statuses[-1] != -signal.SIGKILL:
            break
        unfinished = folder / "keypoints.partial"
        done = {int(path.stem[-1]) for path in unfinished.glob("heatmaps-*.npy")}
        if (unfinished / "identity.json").exists():
            complete = PartialArrays(plan(folder), ROWS_PER_BLOCK).is_complete()
            assert finish(folder) == ([] if complete else sorted({0, 1, 2} - done))
        elif not PartialArrays(plan(folder), ROWS_PER_BLOCK).is_complete():
            work()
        finish(folder)  # tidies up
        assert content(folder) == whole, num_calls
        assert not (folder / "keypoints.partial").exists()
    assert statuses[-1] == 0
    assert len(statuses) > 30


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


def test_an_array_may_lie_on_another_disk(tmp_path, whole):
    if os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs two file systems")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        keypoints, heatmaps = plan(tmp_path)
        heatmaps = dataclasses.replace(heatmaps, path=Path(other) / "heatmaps.npy")
        partial = PartialArrays([keypoints, heatmaps], ROWS_PER_BLOCK)
        partial.prepare()
        for block in partial.pending():
            partial.write_block(block, values(partial, block))
        partial.publish()
        assert content(tmp_path) | content(Path(other)) == whole


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


# 11 rows of 17 * 3 * 4 and of 17 * 2 * 2 bytes are 2992, in blocks and joined 5984.
@pytest.mark.parametrize(("blocks", "missing"), [([], "5,984"), ([0], "4,896")])
def test_a_full_disk_is_said_before_the_work(tmp_path, monkeypatch, whole, blocks, missing):
    if blocks:
        finish(tmp_path, blocks=blocks)
    free = int(missing.replace(",", "")) - 1
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        with pytest.raises(DiskFullError, match=f"no room for {missing} bytes of keypoints and"):
            finish(tmp_path)
    assert (tmp_path / "keypoints.partial").exists() == bool(blocks)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free + 1))
        finish(tmp_path)
    assert content(tmp_path) == whole


@pytest.mark.parametrize("num_files", [0, 1, 4])
def test_a_disk_that_fills_up_later_keeps_what_is_done(tmp_path, monkeypatch, whole, num_files):
    finish(tmp_path, blocks=[0])
    replace, left = os.replace, [num_files]

    def fill(source, target):
        if not left[0]:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        left[0] -= 1
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fill)
        with pytest.raises(DiskFullError, match="free some space and run the same command again"):
            finish(tmp_path)
    assert finish(tmp_path) == ([] if num_files == 4 else [1, 2])
    assert content(tmp_path) == whole
