"""Lists of data sets with a fault each, in every layout, and what must be said of it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from scipy.io import loadmat, savemat

from mmctl.datasets import ILIDSVID, MARS, TrackletDataset
from tests.test_datasets.mars_info import write_info

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


LAYOUTS = [OfMARS, OfILIDSVID, OfTrackletDataset]
