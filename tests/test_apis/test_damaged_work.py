import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmctl.apis.partial_arrays import PartialArrays
from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from tests.test_apis.small_arrays import NUM_ROWS, ROWS_PER_BLOCK, content, finish, plan, values


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "3", "[" * 100_000),
        '{"rows_per_block": 4, "arrays": {"keypoints": 3}}',
        '{"rows_per_block": true, "arrays": {}}',
        '{"rows_per_block": 4, "rows_per_block": 4, "arrays": {}}',
    ],
)
def test_a_damaged_identity_is_called_damaged(tmp_path, text):
    finish(tmp_path, blocks=[0])
    path = tmp_path / "keypoints.partial" / "identity.json"
    assert json.loads(path.read_text())["rows_per_block"] == ROWS_PER_BLOCK
    path.write_text(text)
    with pytest.raises(ValueError, match=r"identity\.json must say .* damaged.*--overwrite$"):
        finish(tmp_path)
    start_over(tmp_path)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def append(path):
    path.write_bytes(path.read_bytes() + b"\x01")


def spoil(path):
    path.write_bytes(b"\x07" + path.read_bytes()[1:])


DAMAGED = ["done.bin", "keypoints.npy", "heatmaps.npy"]


def start_over(folder):
    partial = PartialArrays(plan(folder), ROWS_PER_BLOCK)
    partial.prepare(overwrite=True)
    partial.open()
    assert partial.pending() == [0, 1, 2]
    partial.close()
    assert finish(folder) == [0, 1, 2]
    (folder / "whole").mkdir()
    finish(folder / "whole")
    assert content(folder) == content(folder / "whole")


def pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("damage", [cut, append, spoil, pipe, Path.unlink])
def test_a_damaged_file_is_named_and_nothing_is_published(tmp_path, name, damage):
    finish(tmp_path, blocks=[2, 0])
    damage(tmp_path / "keypoints.partial" / name)
    with pytest.raises(ValueError, match=rf"keypoints\.partial/{name} must .*--overwrite$"):
        finish(tmp_path)
    assert sorted(content(tmp_path)) == []
    start_over(tmp_path)


@pytest.mark.parametrize("header", ["older", None])
def test_rows_that_vanished_are_not_taken_from_what_lies_in_their_place(tmp_path, header):
    array = plan(tmp_path, header or "older")[0]
    write_stored_array(array.path, np.zeros((NUM_ROWS, 17, 3), np.float32), array.header)
    if header is None:
        array.path.with_suffix(".json").unlink()
    partial = PartialArrays(plan(tmp_path), ROWS_PER_BLOCK)
    partial.prepare(overwrite=True)
    partial.open()
    for block in partial.pending() if header else [0, 1]:
        partial.write_block(block, values(partial, block))
    partial.close()
    (partial.folder / "keypoints.npy").unlink()
    before = content(tmp_path)
    with pytest.raises(ValueError, match=r"keypoints\.npy must be there until .* no such file"):
        finish(tmp_path)
    assert content(tmp_path) == before


def test_marks_that_vanish_while_work_is_done_are_not_taken_for_done(tmp_path):
    partial = PartialArrays(plan(tmp_path), ROWS_PER_BLOCK)
    partial.prepare()
    partial.open()
    for block in range(3):
        partial.write_block(block, values(partial, block))
    os.truncate(partial.folder / "done.bin", 1)
    assert partial.pending() == [1, 2]
    assert partial.num_done_rows() == ROWS_PER_BLOCK
    partial.close()


@pytest.mark.parametrize("damage", [cut, append, spoil])
def test_a_damaged_array_in_its_place_is_not_complete(tmp_path, damage):
    finish(tmp_path)
    damage(tmp_path / "heatmaps.npy")
    with pytest.raises(ValueError, match=r"heatmaps\.npy exists .* or is damaged .*--overwrite"):
        finish(tmp_path)


def test_a_pipe_in_the_place_of_an_identity_or_a_header_is_refused(tmp_path):
    finish(tmp_path, blocks=[0])
    pipe(tmp_path / "keypoints.partial" / "identity.json")
    with pytest.raises(ValueError, match=r"identity\.json must say .* a named pipe.*--overwrite$"):
        finish(tmp_path)
    start_over(tmp_path)
    pipe(tmp_path / "keypoints.json")
    with pytest.raises(ValueError, match=r"keypoints\.npy exists .* or is damaged"):
        finish(tmp_path)


def test_the_message_about_long_work_of_another_is_short(tmp_path):
    finish(tmp_path, blocks=[0], estimator="y" * 9000)
    with pytest.raises(ValueError, match=r"^[^\n]{1,900}$"):
        finish(tmp_path)
