"""Malformed data of every kind, in every layout, end in a message with file, place and rule."""

from __future__ import annotations

import json
import re

import pytest

from mmctl.datasets import TrackletDataset
from tests.test_datasets.malformed_lists import (
    JPEG,
    LAYOUTS,
    PIPELINE,
    PNG,
    OfTrackletDataset,
    entry,
    lists_that_do_not_fit,
)

LISTS = list(lists_that_do_not_fit())


@pytest.mark.parametrize(
    ("layout", "damage", "message"),
    [(layout, damage, message) for layout, _, damage, message in LISTS],
    ids=[f"{layout.__name__}: {kind}" for layout, kind, *_ in LISTS],
)
def test_a_malformed_list_is_refused_before_any_frame_is_read(tmp_path, layout, damage, message):
    layout.write(tmp_path)
    assert len(layout.build(tmp_path)) >= 3
    damage(tmp_path)
    with pytest.raises((FileNotFoundError, ValueError), match=rf"(?s){message}"):
        layout.build(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", r"is empty \(0 bytes\)"),
        (b"<html>not found</html>", "cannot be decoded as a picture"),
        (JPEG[:-30], "is cut off: a whole JPEG ends with"),
        (PNG[:-30], "is cut off: a whole PNG ends with"),
    ],
    ids=["missing", "zero bytes", "no picture", "cut off JPEG", "cut off PNG"],
)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_broken_frame_is_named_when_it_is_needed(tmp_path, layout, content, message):
    layout.write(tmp_path)
    # A folder's listing decides what a tracklet of iLIDS-VID is, so it is read first.
    dataset = layout.build(tmp_path)
    frame = tmp_path / layout.frame
    frame.unlink()
    if content is not None:
        frame.write_bytes(content)
    failed = []
    for index in range(len(dataset)):
        try:
            assert len(dataset[index]["frames"]) >= 2
        except (FileNotFoundError, ValueError) as error:
            failed.append(str(error))
    assert len(failed) == 1
    assert failed[0].startswith(f"frame {frame} ")
    assert re.search(message, failed[0])


@pytest.mark.parametrize("key", ["pid", "camid", "split", "frames", "keypoint_rows", "x" * 9000])
@pytest.mark.parametrize("value", [10**3000, "y" * 9000, [*range(9000)], [[[["y" * 300] * 6] * 6]]])
def test_the_message_about_a_long_value_is_short(tmp_path, key, value):
    OfTrackletDataset.write(tmp_path)
    entry(**{key: value})(tmp_path)
    with pytest.raises(ValueError, match=r"^[^\n]{1,1500}$"):
        OfTrackletDataset.build(tmp_path)


def test_numbers_of_thousands_of_digits_are_compared(tmp_path):
    OfTrackletDataset.write(tmp_path)
    first, second = (f"b/{'9' * 5000}{digit}.jpg" for digit in "12")
    entry(frames=["b/007.jpg", first, second])(tmp_path)
    assert len(OfTrackletDataset.build(tmp_path).get_data_info(1)["frame_paths"]) == 3
    entry(frames=["b/007.jpg", second, first])(tmp_path)
    with pytest.raises(ValueError, match="must be in time order"):
        OfTrackletDataset.build(tmp_path)


def test_absolute_paths_and_links_that_leave_the_root_are_allowed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "0.jpg").write_bytes(JPEG)
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(elsewhere)
    frames = ["link/0.jpg", str(elsewhere / "0.jpg"), f"{elsewhere}/../elsewhere/0.jpg"]
    entries = [{"pid": 1, "camid": 1, "split": "train", "frames": [frame]} for frame in frames]
    (root / "annotations.json").write_text(json.dumps({"tracklets": entries}))
    dataset = TrackletDataset(data_root=str(root), pipeline=PIPELINE)
    assert [dataset[index]["frames"][0].shape for index in range(3)] == [(32, 16, 3)] * 3


@pytest.mark.parametrize(
    "frames",
    [
        ["f9.jpg", "f10.jpg"],
        ["night/0007.jpg", "day/0002.jpg"],
        ["9f3a.jpg", "1c77.jpg", "04be.jpg"],
        ["cam2_9_of_20.jpg", "cam2_8_of_19.jpg"],
        ["..hidden/2.jpg", "..hidden/11.jpg"],
    ],
)
def test_names_that_say_nothing_against_the_order_are_taken_as_listed(tmp_path, frames):
    OfTrackletDataset.write(tmp_path)
    entry(frames=frames)(tmp_path)
    info = OfTrackletDataset.build(tmp_path).get_data_info(1)
    assert info["frame_paths"] == [str(tmp_path / frame) for frame in frames]
