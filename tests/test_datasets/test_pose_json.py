import json

import numpy as np
import pytest

from mmctl.datasets.joint_orders import to_coco
from mmctl.datasets.pose_json import list_frame_files, read_frame_files, read_persons


def joints(count=17, seed=0, score=None):
    values = np.random.default_rng(seed).uniform(2, 60, (count, 3))
    values[:, 2] = np.random.default_rng(seed).random(count) if score is None else score
    return values.astype(np.float32)


def flat(values):
    return values.ravel().tolist()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


IMAGES = [{"id": 3, "file_name": "a/0.jpg"}, {"id": 9, "file_name": "a/1.jpg"}]


def test_coco_annotations_name_their_frames_and_turn_visibilities_into_scores(tmp_path):
    first, second = joints(seed=1), joints(seed=2)
    first[:, 2] = [0, 1, 2] * 5 + [0, 1]
    content = {
        "images": IMAGES,
        "annotations": [
            {"image_id": 9, "keypoints": flat(first), "bbox": [0, 0, 1, 1]},
            {"image_id": 3, "keypoints": flat(second), "score": 2.5},
        ],
    }
    one, other = read_persons(write(tmp_path / "coco.json", content))
    assert (one.frame, other.frame) == ("a/1.jpg", "a/0.jpg")
    assert one.joints[:, 2].tolist() == [0, 1, 1] * 5 + [0, 1]
    np.testing.assert_array_equal(one.joints[:, :2], first[:, :2])
    assert one.score == pytest.approx(11 / 17)
    np.testing.assert_array_equal(other.joints, second)
    assert other.score == 2.5


def test_results_take_their_names_from_another_file(tmp_path):
    results = write(
        tmp_path / "results.json", [{"image_id": 9, "keypoints": flat(joints()), "score": 0.5}]
    )
    images = write(tmp_path / "coco.json", {"images": IMAGES})
    (person,) = read_persons(results, images)
    assert person.frame == "a/1.jpg"
    np.testing.assert_array_equal(person.joints, joints())


@pytest.mark.parametrize("count", [17, 18])
@pytest.mark.parametrize("score", [1.5, [1.5]])
def test_alphapose_names_frames_itself(tmp_path, count, score):
    entry = {
        "image_id": "0.jpg",
        "category_id": 1,
        "keypoints": flat(joints(count)),
        "score": score,
    }
    (person,) = read_persons(write(tmp_path / "alphapose-results.json", [entry]))
    assert person.frame == "0.jpg"
    np.testing.assert_array_equal(person.joints, to_coco(joints(count)))
    assert person.score == 1.5


@pytest.mark.parametrize("count", [18, 25])
def test_openpose_writes_a_file_per_frame(tmp_path, count):
    people = [{"pose_keypoints_2d": flat(joints(count, seed))} for seed in (1, 2)]
    write(tmp_path / "a" / "0_keypoints.json", {"version": 1.3, "people": people})
    write(tmp_path / "a" / "1_keypoints.json", {"version": 1.3, "people": []})
    first, second = read_frame_files(tmp_path, list_frame_files(tmp_path))
    assert first.frame == second.frame == "a/0"
    np.testing.assert_array_equal(second.joints, to_coco(joints(count, 2)))
    assert first.score == pytest.approx(to_coco(joints(count, 1))[:, 2].mean())


def test_a_plain_list_of_joints_is_a_person_and_an_empty_one_nobody(tmp_path):
    write(tmp_path / "b" / "c" / "7.json", joints().tolist())
    write(tmp_path / "b" / "c" / "8.json", [])
    (person,) = read_frame_files(tmp_path, list_frame_files(tmp_path))
    assert person.frame == "b/c/7"
    np.testing.assert_array_equal(person.joints, joints())


def test_negative_scores_are_no_score(tmp_path):
    values = joints()
    values[4, 2] = -0.25
    (person,) = read_persons(
        write(tmp_path / "p.json", [{"image_id": "a", "keypoints": flat(values)}])
    )
    assert person.joints[4, 2] == 0


def coco(**changes):
    entry = {"image_id": 3, "keypoints": flat(joints(score=2)), **changes}
    return {
        "images": IMAGES,
        "annotations": [{"image_id": 9, "keypoints": flat(joints(score=1))}, entry],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"p\.json cannot be read as JSON: Expecting"),
        ("3", r"p\.json must be a list of persons, .* got int"),
        ({"annotations": []}, r"p\.json must have a list under 'images', got NoneType"),
        ({"images": []}, r"p\.json must be a list of persons, or an object"),
        ({"images": [{"id": 1}], "annotations": []}, "image 0 must be an object with 'id'"),
        (
            {"images": [*IMAGES, {"id": 3, "file_name": "b"}], "annotations": []},
            r"id must belong to one file, but 3 belongs to 'a/0\.jpg' and to 'b' \(image 2\)",
        ),
        (coco(image_id=4), r"annotations 1: 'image_id' must be .* one of the 2 'images'.* got 4"),
        (coco(keypoints=[1, 2]), r"annotations 1: the keypoints must be .*shape \(2,\)"),
        (coco(keypoints=[0] * 48), "annotations 1: .* 17 joints .*, got 16"),
        (coco(keypoints=["x"] * 51), "annotations 1: the keypoints must be x, y and score"),
        (coco(keypoints=flat(joints())), "annotations 1: .* visibility 0, 1 or 2, or the entry"),
        (coco(keypoints=[float("nan")] * 51), "annotations 1: the keypoints must be finite"),
        (coco(score="high"), "annotations 1: 'score' must be a finite number, got 'high'"),
        ([{"image_id": 3, "keypoints": []}], r"entry 0: 'image_id' .*--images .* got 3"),
        ([7], "entry 0 must be an object with 'image_id' and 'keypoints'"),
        (
            {"images": [{"id": 1, "file_name": 5}], "annotations": []},
            r"p\.json: image 0: 'file_name' must be a string, because .*, got 5$",
        ),
        (
            {"images": [{"id": [1], "file_name": "a"}], "annotations": []},
            r"p\.json: image 0: 'id' must be an integer or a string, because .*, got \[1\]$",
        ),
        (coco(image_id=[3]), r"annotations 1: 'image_id' must be .* got \[3\]$"),
        (coco(image_id="x" * 9999), r"annotations 1: 'image_id' must be .{,200} got 'x+\.\.\.x+'$"),
        (
            coco(keypoints=[*range(50), 10**400]),
            r"annotations 1: .* too large.* 49, 10+\.\.\.0+\]$",
        ),
        (coco(keypoints=[1e39, *[1] * 50]), "annotations 1: the keypoints must be finite"),
        (coco(keypoints={"x": 1}), r"annotations 1: the keypoints must be .* are \{'x': 1\}$"),
        (coco(score=10**400), r"annotations 1: 'score' must be a finite number, got 10+\.\.\.0+$"),
        (coco(score=[[1]]), r"annotations 1: 'score' must be a finite number, got \[1\]$"),
        ("[" * 100_000, r"p\.json cannot be read as JSON: .*recursion"),
        ("[" + "1" * 9999 + "]", r"p\.json cannot be read as JSON: .*4300 digits"),
    ],
)
def test_a_broken_file_is_named_with_entry_and_rule(tmp_path, content, message):
    path = write(tmp_path / "p.json", content)
    with pytest.raises(ValueError, match=message):
        list(read_persons(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read as JSON"),
        ({"bodies": []}, r"must be an object with a list under 'people' \(OpenPose\), or"),
        ({"people": [{}]}, "person 0 must be an object with 'pose_keypoints_2d'"),
        ({"people": [{"pose_keypoints_2d": [1.0] * 30}]}, "person 0: .* got 10"),
        ([[1, 2], [3, 4]], r"the keypoints must be .* shape \(2, 2\)"),
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
