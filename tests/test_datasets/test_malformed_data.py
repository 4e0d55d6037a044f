"""Malformed data of every kind, in every layout, end in a message with file, place and rule."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mmctl.datasets import ILIDSVID, MARS, TrackletDataset
from tests.test_datasets.test_mars import write_info

PIPELINE = [
    {"type": "mmctl.SampleClip", "clip_len": 2, "mode": "dense"},
    {"type": "mmctl.LoadFrames"},
]
JPEG = cv2.imencode(".jpg", np.full((32, 16, 3), 90, np.uint8))[1].tobytes()
PNG = cv2.imencode(".png", np.full((32, 16, 3), 90, np.uint8))[1].tobytes()


def write_frames(dataset, content):
    for index in range(len(dataset)):
        for path in dataset.get_data_info(index)["frame_paths"]:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(content)


class OfMARS:
    """Row 2 of the training split has lines 5 and 6 of the name file: 0003C2T0001F00{1,2}.jpg."""

    frame = "bbox_train/0003/0003C2T0001F002.jpg"

    @staticmethod
    def write(root):
        write_info(root)
        write_frames(MARS(str(root)), JPEG)

    @staticmethod
    def build(root):
        return MARS(str(root), pipeline=PIPELINE)


class OfILIDSVID:
    """Three persons with two frames in each camera; all of them train."""

    frame = "i-LIDS-VID/sequences/cam2/person002/cam2_person002_00002.png"

    @staticmethod
    def write(root):
        for camid in (1, 2):
            for person in (1, 2, 3):
                folder = root / f"i-LIDS-VID/sequences/cam{camid}/person{person:03d}"
                folder.mkdir(parents=True)
                for frame in (1, 2):
                    (folder / f"cam{camid}_person{person:03d}_{frame:05d}.png").write_bytes(PNG)
        names = [f"person{person:03d}" for person in (1, 2, 3)]
        edit_json(
            root / "own.json", lambda content: content.update(splits=[{"train": names, "test": []}])
        )

    @staticmethod
    def build(root):
        return ILIDSVID(str(root), split_file="own.json", pipeline=PIPELINE)


class OfTrackletDataset:
    """Three training tracklets of two frames."""

    frame = "b/1.jpg"

    @staticmethod
    def write(root):
        entries = [
            {"pid": 5, "camid": 1, "split": "train", "frames": [f"{name}/0.jpg", f"{name}/1.jpg"]}
            for name in "abc"
        ]
        edit_json(root / "annotations.json", lambda content: content.update(tracklets=entries))
        write_frames(TrackletDataset(data_root=str(root)), JPEG)

    @staticmethod
    def build(root):
        return TrackletDataset(data_root=str(root), pipeline=PIPELINE)


def edit_json(path, change):
    content = json.loads(path.read_text()) if path.exists() else {}
    change(content)
    path.write_text(json.dumps(content))


def entry(**changes):
    """Return a damage: change the second tracklet of the annotation file."""
    return lambda root: edit_json(
        root / "annotations.json", lambda content: content["tracklets"][1].update(changes)
    )


def name_line(number, name):
    """Return a damage: replace a line of the name file."""

    def damage(root):
        lines = (root / "info/train_name.txt").read_text().splitlines()
        lines[number - 1] = name
        (root / "info/train_name.txt").write_text("\n".join(lines))

    return damage


def rows(change):
    """Return a damage: replace the table of training tracklets."""

    def damage(root):
        path = root / "info/tracks_train_info.mat"
        savemat(path, {"track_train_info": change(loadmat(path)["track_train_info"])})

    return damage


def empty_second_row(table):
    table[1] = (5, 4, 3, 2)
    return table


def persons(**fold):
    """Return a damage: replace the persons of the only fold."""
    return lambda root: edit_json(
        root / "own.json", lambda content: content.update(splits=[{"train": [], "test": []} | fold])
    )


def in_camera(change):
    """Return a damage: change the folder of camera 2."""
    return lambda root: change(root / "i-LIDS-VID/sequences/cam2")


def rename(folder, before, after):
    (folder / before).rename(folder / after)


def lists_that_do_not_fit():
    """Layout, kind of damage, damage, what the message must say in this order."""
    mars, ilids, own = OfMARS, OfILIDSVID, OfTrackletDataset
    track_file = r"tracks_train_info\.mat"
    yield (
        mars,
        "missing list",
        lambda root: (root / "info/train_name.txt").unlink(),
        (r"info/train_name\.txt does not exist"),
    )
    yield (
        mars,
        "empty tracklet",
        rows(empty_second_row),
        (rf"{track_file}: row 2 must point to lines 1 <= start <= end <= 9 .*got 5\.\.4"),
    )
    yield (
        mars,
        "wrong columns",
        rows(lambda table: table[:, :3]),
        (rf"{track_file}: 'track_train_info' must be \(tracklets, 4\).*got \(3, 3\)"),
    )
    yield (
        mars,
        "pid as text",
        name_line(6, "annaC2T0001F002.jpg"),
        (r"train_name\.txt: every line must be a frame name .*line 6 is 'annaC2"),
    )
    yield (
        mars,
        "table as text",
        rows(lambda table: [["a", "b", "c", "d"]]),
        (rf"{track_file} .*'track_train_info' must be a full array of real numbers, got text"),
    )
    yield (
        mars,
        "unsorted frames",
        name_line(6, "0003C2T0001F001.jpg"),
        (r"row 2 .*train_name\.txt\) must list its frames .*in time order.* line 6 is"),
    )
    yield (
        mars,
        "path that leaves the root",
        name_line(6, "../3C2T0001F002.jpg"),
        (r"train_name\.txt: every line must be a frame name .*line 6 is '\.\./3C2"),
    )
    yield (
        ilids,
        "missing list",
        lambda root: (root / "own.json").unlink(),
        (r"split file .*own\.json does not exist"),
    )
    yield (
        ilids,
        "empty tracklet",
        in_camera(lambda camera: [path.unlink() for path in (camera / "person002").iterdir()]),
        r"cam2/person002 must hold .*got none",
    )
    yield (
        ilids,
        "pid as text",
        in_camera(lambda camera: rename(camera, "person003", "anna")),
        (r"cam2.*named like person001.*anna"),
    )
    yield (
        ilids,
        "name of two lines",
        in_camera(lambda camera: rename(camera, "person003", "person\n3")),
        (r"cam2: a name must be one line.*got 'person\\n3'"),
    )
    yield (
        ilids,
        "unsorted frames",
        in_camera(lambda camera: (camera / "person002" / "cam2_person002_2.png").write_bytes(PNG)),
        r"cam2/person002.* in time order.*cam2_person002_2\.png",
    )
    yield (
        ilids,
        "path that leaves the root",
        persons(train=["../person001"]),
        (r"own\.json: fold 0 names '\.\./person001', which has no folder"),
    )
    yield ilids, "wrong columns", persons(train="person001"), r"own\.json.*fold 0|own\.json must be"
    place = r"annotations\.json: tracklet 1:?"
    yield (
        own,
        "missing list",
        lambda root: (root / "annotations.json").unlink(),
        (r"annotation file .*annotations\.json does not exist"),
    )
    yield own, "empty tracklet", entry(frames=[]), rf"{place} 'frames' must be .*at least one"
    yield own, "wrong columns", entry(camera=4), rf"{place} key 'camera' is unknown"
    yield own, "pid as text", entry(pid="5"), rf"{place} 'pid' must be an integer.*got '5'"
    yield (
        own,
        "unsorted frames",
        entry(frames=["b/9.jpg", "b/10.jpg", "b/8.jpg"]),
        (rf"{place} 'frames' must be in time order.*'frames'\[2\] is 'b/8\.jpg' after 'b/10\.jpg'"),
    )
    yield (
        own,
        "frame twice",
        entry(frames=["b/x.jpg", "b/0.jpg", "b/x.jpg"]),
        (rf"{place} 'frames' must list each frame once, got 'b/x\.jpg' twice"),
    )
    yield own, "pid of 100 bits", entry(pid=10**30), rf"{place} 'pid' must be at most \d{{19}}"
    yield own, "camid of 100 bits", entry(camid=10**30), rf"{place} 'camid' must be at most"
    yield (
        own,
        "row of 100 bits",
        entry(keypoint_rows=[0, 10**30]),
        (rf"{place} 'keypoint_rows'\[1\] must be at most \d{{19}}, .* 64 bits"),
    )
    yield (
        own,
        "half a character",
        entry(frames=["b/\ud800.jpg"]),
        (rf"{place} 'frames'\[0\] must be the name of a file"),
    )
    for kind, text in (("nested too deeply", "[" * 100_000), ("endless integer", "1" * 5000)):
        yield (
            own,
            kind,
            lambda root, text=text: (root / "annotations.json").write_text(text),
            (r"annotations\.json is not JSON that can be read: "),
        )
    for path in ("../b/0.jpg", "b/../../0.jpg"):
        yield (
            own,
            f"path that leaves the root, {path}",
            entry(frames=[path]),
            (rf"{place} 'frames'\[0\] must stay below data_root.*got '{path}'"),
        )


LISTS = list(lists_that_do_not_fit())
LAYOUTS = [OfMARS, OfILIDSVID, OfTrackletDataset]


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
