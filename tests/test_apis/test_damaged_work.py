import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmctl.apis.partial_arrays import PartialArrays
from tests.test_apis.small_arrays import ROWS_PER_BLOCK, content, finish, plan, values


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


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def other_shape(path):
    np.save(path, np.load(path)[1:])


def other_type(path):
    np.save(path, np.load(path).astype(np.float64))


def start_over(folder):
    partial = PartialArrays(plan(folder), ROWS_PER_BLOCK)
    partial.prepare(overwrite=True)
    assert partial.pending() == [0, 1, 2]
    partial.close()
    assert finish(folder) == [0, 1, 2]
    (folder / "whole").mkdir()
    finish(folder / "whole")
    assert content(folder) == content(folder / "whole")


@pytest.mark.parametrize("kind", ["keypoints", "heatmaps"])
@pytest.mark.parametrize("damage", [cut, append, spoil, pipe, other_shape, other_type, Path.unlink])
def test_a_damaged_block_is_made_again(tmp_path, kind, damage):
    finish(tmp_path, blocks=[2, 0])
    damage(tmp_path / "keypoints.partial" / f"{kind}-000002.npy")
    assert finish(tmp_path) == [1, 2]
    (tmp_path / "whole").mkdir()
    finish(tmp_path / "whole")
    assert content(tmp_path) == content(tmp_path / "whole")


def test_a_block_that_vanishes_before_it_is_joined_is_named(tmp_path):
    partial = PartialArrays(plan(tmp_path), ROWS_PER_BLOCK)
    partial.prepare()
    for block in range(3):
        partial.write_block(block, values(partial, block))
    assert partial.pending() == []
    (partial.folder / "keypoints-000001.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"keypoints-000001\.npy"):
        partial.publish()
    partial.close()
    assert content(tmp_path) == {}
    assert finish(tmp_path) == [1]


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
