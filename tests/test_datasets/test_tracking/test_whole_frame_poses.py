"""Poses of whole frames of a drawn street, where it is known whose each is."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from mmctl.datasets.checks.frame_check import read_sizes
from mmctl.datasets.keypoints.video_poses import read_video_poses
from mmctl.datasets.listings.annotation_file import read_annotation_file
from mmctl.datasets.synthetic.street import StreetSettings, StreetWriter
from mmctl.datasets.tracking import (
    Camera,
    SplitChoice,
    TrackSettings,
    TrackWriter,
    open_source,
    read_mot_file,
)
from mmctl.datasets.tracking.crop_encoding import encode_crop
from mmctl.datasets.tracking.whole_frame_poses import import_whole_frames, list_boxes
from mmctl.structures import NUM_KEYPOINTS

SETTINGS = StreetSettings(people=6, cameras=2, seconds=6, fps=4.0, size=(96, 160), things=0, seed=3)
KEPT = TrackSettings(min_size=(8, 4), min_length=1)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    folder = tmp_path_factory.mktemp("street")
    StreetWriter(folder / "street", SETTINGS).write()
    cameras = [
        Camera(
            number,
            read_mot_file(folder / "street" / f"camera{number}.txt"),
            open_source(folder / "street" / f"camera{number}.mp4"),
        )
        for number in (1, 2)
    ]
    TrackWriter(folder / "set", cameras, KEPT, None, SplitChoice("train"), "street").write()
    return folder


@pytest.fixture
def given(street):
    """What the import gets: crops, poses, names and sizes."""
    place = str(street / "set" / "annotations.json")
    entries = read_annotation_file(place)[1]
    names = [frame for entry in entries for frame in entry["frames"]]
    return {
        "cameras": list_boxes(place, entries),
        "poses": {n: read_video_poses(street / f"street/camera{n}_poses.json") for n in (1, 2)},
        "names": names,
        "sizes": read_sizes([str(street / "set" / name) for name in names]),
    }


def truth(street):
    """Return the joints of each crop in its pixels, by the tracks that the street knows."""
    rows = []
    for entry in read_annotation_file(str(street / "set" / "annotations.json"))[1]:
        poses = json.loads((street / f"street/camera{entry['camid']}_poses.json").read_text())
        own = {a["image_id"]: a for a in poses["annotations"] if a["track_id"] == entry["track"]}
        for number, (left, top, _, _) in zip(entry["frame_numbers"], entry["boxes"], strict=True):
            joints = np.array(own[number + 1]["keypoints"], np.float64).reshape(NUM_KEYPOINTS, 3)
            rows.append(joints - [max(np.floor(left + 0.5), 0), max(np.floor(top + 0.5), 0), 0])
    return np.array(rows)


def test_every_joint_lies_where_it_is_drawn(street, given):
    found, expected = import_whole_frames(**given), truth(street)
    assert len(expected) > 60
    seen = found.keypoints[..., 2] > 0
    # A hidden person's box may fit another's pose: of the rows, one in twenty.
    distance = np.abs(found.keypoints[..., :2] - expected[..., :2]).max(axis=-1)
    is_right = np.array([(d[s] < 0.5).all() for d, s in zip(distance, seen, strict=True)])
    assert is_right[seen.any(axis=1)].mean() > 0.95
    assert len(found.missing) < 0.05 * len(expected)
    right = is_right & seen.any(axis=1)
    assert distance[right][seen[right]].max() < 0.01
    marks, scores = expected[right][..., 2], found.keypoints[right][..., 2]
    assert set(np.unique(scores[seen[right] & (marks == 2)])) == {1}
    assert set(np.unique(scores[seen[right] & (marks == 1)])) == {0.5}
    assert not scores[marks == 0].any()


def test_crops_are_found_where_they_were_cut(street, given):
    frames = [f for _, _, f in open_source(street / "street/camera1.mp4").scan()]
    cut = given["cameras"][1]
    for row, position, box in zip(cut.rows, cut.positions, cut.boxes, strict=True):
        left, top = np.floor(box[:2] + 0.5).clip(0).astype(int)
        height, width = given["sizes"][row]
        rectangle = [left, top, left + width, top + height]
        crop = (street / "set" / given["names"][row]).read_bytes()
        assert encode_crop(frames[position], rectangle) == crop


def test_resized_crops_have_resized_joints(given):
    plain = import_whole_frames(**given).keypoints
    given["sizes"] = given["sizes"] * np.array([3, 2])
    resized = import_whole_frames(**given).keypoints
    both = (plain[..., 2] > 0) & (resized[..., 2] > 0)
    assert both.sum() > 500
    np.testing.assert_allclose(
        resized[both][:, :2], (plain[both][:, :2] + 0.5) * [2, 3] - 0.5, atol=1e-3
    )


def test_frames_without_a_pose_are_counted(given):
    poses = given["poses"][1]
    keep = np.flatnonzero(poses.numbers % 4 != 0)
    chosen = copy.copy(poses)
    object.__setattr__(chosen, "persons", [poses.persons[i] for i in keep])
    object.__setattr__(chosen, "numbers", poses.numbers[keep])
    whole = import_whole_frames(**given)
    found = import_whole_frames(**given | {"poses": {**given["poses"], 1: chosen}})
    lost = sorted(set(found.missing) - set(whole.missing))
    boxes = given["cameras"][1]
    places = {int(row): int(at) + 1 for row, at in zip(boxes.rows, boxes.positions, strict=True)}
    assert lost
    assert all(places[row] % 4 == 0 for row in lost)
    assert not found.keypoints[found.missing].any()


def other(given, **changes):
    poses = copy.copy(given["poses"][1])
    for name, value in changes.items():
        object.__setattr__(poses, name, value)
    return given | {"poses": {**given["poses"], 1: poses}}


def test_poses_of_another_video_are_refused(given):
    crossed = given | {"poses": {1: given["poses"][2], 2: given["poses"][1]}}
    with pytest.raises(
        ValueError, match=r"camera2_poses\.json: only \d+ of \d+ boxes of camera 1 \(camera1\.mp4\)"
    ):
        import_whole_frames(**crossed)
    with pytest.raises(ValueError, match=r"the poses end with frame 4 .* but camera 1 .* to frame"):
        import_whole_frames(**other(given, listed=np.arange(1, 6)))


def test_poses_of_frames_of_another_size_are_refused(given):
    with pytest.raises(ValueError, match=r"must be 200x300 pixels .* of frames of 96x160"):
        import_whole_frames(**given, frame_size=(200, 300))
    with pytest.raises(
        ValueError, match=r"camera1_poses\.json, for camera 1 .*: keypoints must be"
    ):
        import_whole_frames(**other(given, frame_size=(48, 80)))
    persons = copy.deepcopy(given["poses"][1].persons)
    for person in persons:
        person.joints[:, :2] *= 2
    with pytest.raises(ValueError, match="of frames of another size, or counted from another"):
        import_whole_frames(**other(given, persons=persons, frame_size=None))


def test_every_camera_needs_poses_and_only_those(given):
    with pytest.raises(ValueError, match="camera 2 has no poses; the data set has cameras"):
        import_whole_frames(**given | {"poses": {1: given["poses"][1]}})
    with pytest.raises(ValueError, match="camera 7 has no tracklets"):
        import_whole_frames(**given | {"poses": {**given["poses"], 7: given["poses"][1]}})


def test_poses_without_a_joint_are_refused(given):
    with pytest.raises(ValueError, match="must have at least one person with a joint, got none"):
        import_whole_frames(**other(given, persons=[], numbers=np.zeros(0, np.int64)))


def test_tracklets_must_say_where_they_were_cut():
    entry = {"camid": 1, "keypoint_rows": [0], "boxes": [[0, 0, 9, 9]], "frame_numbers": [3]}
    entries = [{**entry, "video": "a.mp4"}, {**entry, "video": "b.mp4"}]
    with pytest.raises(ValueError, match=r"l\.json: .* camera 1 are of 'a\.mp4' and 'b\.mp4'"):
        list_boxes("l.json", entries)
    del entries[1]["boxes"]
    with pytest.raises(ValueError, match=r"l\.json: tracklet 1 must have 'boxes' for poses of"):
        list_boxes("l.json", entries)
