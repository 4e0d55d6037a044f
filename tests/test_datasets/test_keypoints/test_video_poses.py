import json

import numpy as np
import pytest

from mmctl.datasets.keypoints.video_poses import iter_frames, read_video_poses

FLAT = [5.0, 6.0, 0.5] * 17
INSTANCE = {"keypoints": [[5.0, 6.0]] * 17, "keypoint_scores": [0.5] * 17, "bbox_score": 0.9}
META = {"dataset_name": "coco", "keypoint_id2name": None}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def coco(numbers, persons, **image):
    return {
        "images": [{"id": n, "file_name": f"{n:06d}.jpg", **image} for n in numbers],
        "annotations": [{"image_id": n, "keypoints": FLAT, "score": 0.5} for n in persons],
    }


def test_a_coco_file_lists_frames_without_persons_and_their_size(tmp_path):
    content = coco([1, 2, 3], [3, 1, 3], height=40, width=60)
    poses = read_video_poses(write(tmp_path / "a.json", content))
    assert poses.numbers.tolist() == [3, 1, 3]
    assert poses.listed.tolist() == [1, 2, 3]
    assert poses.frame_size == (40, 60)
    assert poses.find_first() == 1
    assert [(n, i.tolist()) for n, i in iter_frames(poses)] == [(1, [1]), (3, [0, 2])]


def test_a_list_of_persons_does_not_say_where_the_video_begins(tmp_path):
    content = [{"image_id": f"{n}.jpg", "keypoints": FLAT, "score": 1.0} for n in (3, 7)]
    poses = read_video_poses(write(tmp_path / "alphapose.json", content))
    assert poses.numbers.tolist() == [3, 7]
    assert poses.listed is None
    with pytest.raises(
        ValueError, match=r"--first-frame must say .*because frames without a person"
    ):
        poses.find_first()
    assert poses.find_first(0) == 0
    with pytest.raises(
        ValueError, match="must be counted from 4, which --first-frame says, got fr"
    ):
        poses.find_first(4)


def test_a_folder_of_a_file_per_frame_lists_all(tmp_path):
    for number in range(3):
        people = [{"pose_keypoints_2d": FLAT * 1}] if number else []
        write(tmp_path / f"gate_{number:012d}_keypoints.json", {"people": people})
    poses = read_video_poses(tmp_path)
    assert poses.numbers.tolist() == [1, 2]
    assert poses.listed.tolist() == [0, 1, 2]
    assert poses.find_first() == 0


@pytest.mark.parametrize("has_meta", [False, True])
def test_numbered_frames_of_mmpose_are_taken(tmp_path, has_meta):
    frames = [{"frame_id": n, "instances": [INSTANCE] * (n - 1)} for n in (1, 2, 3)]
    content = {"meta_info": META, "instance_info": frames} if has_meta else frames
    poses = read_video_poses(write(tmp_path / "video.json", content))
    assert poses.numbers.tolist() == [2, 3, 3]
    assert poses.listed.tolist() == [1, 2, 3]
    np.testing.assert_allclose(poses.persons[0].joints, [[5, 6, 0.5]] * 17)


def test_frames_by_name_are_listed(tmp_path):
    content = {"0.jpg": {"people": []}, "1.jpg": {"people": [{"pose_keypoints_2d": FLAT}]}}
    poses = read_video_poses(write(tmp_path / "open.json", content))
    assert (poses.numbers.tolist(), poses.listed.tolist()) == ([1], [0, 1])


def test_a_part_of_a_video_needs_to_say_where_it_is(tmp_path):
    poses = read_video_poses(write(tmp_path / "a.json", coco([100, 101], [100])))
    with pytest.raises(ValueError, match="because the first of its frames has number 100"):
        poses.find_first()
    assert poses.find_first(1) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            [{"image_id": "gate.jpg", "keypoints": FLAT}],
            "must end with its number.* got 'gate.jpg'",
        ),
        (
            [{"image_id": f"{c}/1.jpg", "keypoints": FLAT} for c in "ab"],
            "must be of one video, but 'a/1' and 'b/1' have the number 1",
        ),
        (
            {
                "images": [
                    {"id": i, "file_name": f"{i}.jpg", "height": 9, "width": i} for i in (1, 2)
                ]
            }
            | {"annotations": []},
            "frames of a video have one size, got",
        ),
        ([{"frame_id": -1, "instances": []}], "'frame_id' must be the number of a frame"),
        ([{"frame_id": True, "instances": []}], "'frame_id' must be the number of a frame"),
        ([{"instances": []}], "'frame_id' must be the number of a frame, 0 or more, got None"),
        ({"images": [], "annotations": []}, "must list at least one frame, got none"),
        (
            {"meta_info": META, "instance_info": [INSTANCE]},
            "must have the numbered frames of a video under 'instance_info'",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_video_poses(write(tmp_path / "a.json", content))
