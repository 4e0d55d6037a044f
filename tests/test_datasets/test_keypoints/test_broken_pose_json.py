"""Files of poses that are broken or name no frame: refused with the place and the rule."""

from __future__ import annotations

import pytest

from mmctl.datasets.keypoints.pose_json import list_frame_files, read_frame_files, read_persons
from tests.test_datasets.test_keypoints.pose_files import (
    IMAGES,
    coco,
    flat,
    instance,
    joints,
    write,
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"p\.json is not JSON that can be read: Expecting"),
        ("3", r"p\.json must be a list of persons, .* got int"),
        ({"annotations": []}, r"p\.json must have a list under 'images', got NoneType"),
        ({"images": []}, r"p\.json must be a list of persons, an object"),
        ({}, r"p\.json must be .*, or with the persons of each frame under its name, got"),
        ({"version": 1, "a": []}, r"p\.json must be .* got an object with \['version', 'a'\]"),
        ({"a.jpg": [], "a.jpg ": {"b": 1}}, r"p\.json: 'a\.jpg ' must be an object with a list"),
        ({"images": [{"id": 1}], "annotations": []}, "image 0 must be an object with 'id'"),
        (
            {"images": [*IMAGES, {"id": 3, "file_name": "b"}], "annotations": []},
            r"id must belong to one file, but 3 belongs to 'a/0\.jpg' and to 'b' \(image 2\)",
        ),
        (coco(image_id=4), r"annotations 1: 'image_id' must be .* one of the 2 'images'.* got 4"),
        (
            coco(keypoints=[1, 2]),
            "annotations 1: the keypoints .*3 numbers for each, got 2",
        ),
        (coco(keypoints=[1] * 34), "annotations 1: .*3 numbers for each, got 34 in all"),
        (coco(keypoints=[[1, 2]] * 17), "annotations 1: .* a list of 3, got other lengths"),
        (coco(keypoints=[[1, 2, 1]] * 16 + [7]), "annotations 1: .* a list of 3, got other"),
        (coco(keypoints=[True] * 51), "annotations 1: .* they must be numbers, got True"),
        (coco(keypoints=["1"] * 51), "annotations 1: .* they must be numbers, got '1'"),
        (coco(keypoints=[None, None, 0] * 17), "annotations 1: .* must be numbers, got None"),
        (coco(keypoints=None), "annotations 1: .* must be a list, got NoneType"),
        (coco(score=True), "annotations 1: 'score' must be a finite number, got True"),
        (coco(image_id=True), r"annotations 1: 'image_id' must be .* got True$"),
        (coco(image_id=3.0), r"annotations 1: 'image_id' must be .* got 3\.0$"),
        (coco(keypoints=[0] * 48), "annotations 1: .* have 17 of them .*, got 16"),
        (coco(keypoints=["x"] * 51), "annotations 1: the keypoints must be x, y and score"),
        (coco(keypoints=flat(joints())), "annotations 1: .* visibility 0, 1 or 2, or the entry"),
        (coco(keypoints=[float("nan")] * 51), "annotations 1: .* all numbers must be finite"),
        (coco(score="high"), "annotations 1: 'score' must be a finite number, got 'high'"),
        ([{"image_id": 3, "keypoints": []}], r"entry 0: 'image_id' .*--images .* got 3"),
        ([7], "entry 0 must be an object with 'image_id' and 'keypoints'"),
        *(
            (
                {"images": [{"id": 1, "file_name": "a", "width": 9, "height": side}]}
                | {"annotations": []},
                r"image 0: 'height' and 'width' must be pixels from 1 to 1,000,000, got \[",
            )
            for side in (10**30, -1, 64.0, "64", True)
        ),
        (
            {"images": [{"id": 1, "file_name": 5}], "annotations": []},
            r"p\.json: image 0: .* 'file_name' a string, because .*, got 1 and 5$",
        ),
        (
            {"images": [{"id": [1], "file_name": "a"}], "annotations": []},
            r"p\.json: image 0: 'id' must be an integer or a string, .*, got \[1\] and 'a'$",
        ),
        (coco(image_id=[3]), r"annotations 1: 'image_id' must be .* got \[3\]$"),
        (coco(image_id="x" * 9999), r"annotations 1: 'image_id' must be .{,200} got 'x+\.\.\.x+'$"),
        (
            coco(keypoints=[*range(50), 10**400]),
            r"annotations 1: .* must be finite.* 49, 10+\.\.\.0+\]$",
        ),
        (coco(keypoints=[1e39, *[1] * 50]), "annotations 1: .* all numbers must be finite"),
        (coco(keypoints={"x": 1}), r"annotations 1: the keypoints must be .* are \{'x': 1\}$"),
        (coco(score=10**400), r"annotations 1: 'score' must be a finite number, got 10+\.\.\.0+$"),
        (coco(score=[[1]]), r"annotations 1: 'score' must be a finite number, got \[1\]$"),
        ("[" * 100_000, r"p\.json is not JSON .*nested too deeply"),
        ('{"images": [], "images": []}', "the key 'images' stands twice"),
        ("[" + "1" * 9999 + "]", r"p\.json is not JSON .*4300 digits"),
    ],
)
def test_a_broken_file_is_named_with_entry_and_rule(tmp_path, content, message):
    path = write(tmp_path / "p.json", content)
    with pytest.raises(ValueError, match=message):
        list(read_persons(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ({"persons": []}, r"must be an object with a list under 'people' \(OpenPose\), 'bodies'"),
        ({"people": [{"pose": []}]}, "person 0 must be an object with 'pose_keypoints_2d'"),
        ({"bodies": [7]}, "person 0 must be an object with 'joints'"),
        ([{"image_id": "x"}], "person 0 must be an object with 'keypoints'"),
        ([{"image_id": "x", "keypoints": []}], "person 0 must be of the frame 'f/0', .*, 'x': giv"),
        ([{"keypoints": [[1, 2, 3]] * 17, "keypoint_scores": [1] * 17}], "x and y of each joint"),
        ([{"keypoints": [[1, 2]] * 17, "keypoint_scores": [1] * 16}], "17 of them have 16 scores"),
        ([{"keypoints": [[1, 2]] * 17}], "x, y and score of each joint"),
        ([{"frame_id": 0, "instances": []}], "person 0 .* numbered frames of a video"),
        ({"instance_info": []}, "'meta_info' must name the joints"),
        (
            {"instance_info": [], "meta_info": {"dataset_name": "h36m"}},
            r"or a 'dataset_name' of coco, .*, got \{'dataset_name': 'h36m'\}",
        ),
        (
            {"instance_info": [], "meta_info": {"keypoint_id2name": {"1": "nose"}}},
            "'keypoint_id2name' by their numbers from 0",
        ),
        ({"people": [{}]}, "person 0 must be an object with 'pose_keypoints_2d'"),
        ({"people": [{"pose_keypoints_2d": [1.0] * 30}]}, "person 0: .* got 10"),
        ([[1, 2], [3, 4]], "the keypoints must be .* a list of 3, got other lengths"),
    ],
)
def test_a_broken_file_of_a_frame_is_named_with_person_and_rule(tmp_path, content, message):
    write(tmp_path / "f" / "0.json", content)
    with pytest.raises(ValueError, match=rf"f/0\.json:? .*{message}|f/0\.json: {message}"):
        list(read_frame_files(tmp_path, list_frame_files(tmp_path)))


def test_what_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.json does not exist"):
        list(read_persons(tmp_path / "gone.json"))
    with pytest.raises(FileNotFoundError, match=r"must hold a \.json file per frame, got none"):
        list_frame_files(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        [{"frame_id": 0, "instances": [instance()]}],
        {"meta_info": {}, "instance_info": [{"frame_id": 1, "instances": []}]},
        {"meta_info": {}, "instance_info": [instance()]},
    ],
)
def test_predictions_that_name_no_frame_are_refused(tmp_path, content):
    path = write(tmp_path / "p.json", content)
    with pytest.raises(ValueError, match=r"p\.json:? .*must name its frames, which mmpose's"):
        list(read_persons(path))
