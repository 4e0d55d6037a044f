import numpy as np
import pytest

from mmctl.datasets.keypoints.keypoint_import import (
    FrameIndex,
    check_missing,
    collect_keypoints,
)
from mmctl.datasets.keypoints.pose_person import Person
from tests.test_datasets.imported_persons import at

NAMES = ["a/0.jpg", "a/1.jpg", "b/0.jpg", "b/2.png"]
ROOT = "/data/set"


def person(frame, seed=0, score=1.0):
    joints = np.random.default_rng(seed).uniform(0, 60, (17, 3)).astype(np.float32)
    joints[:, 2] /= 60
    return Person(frame, joints, score, f"file: entry {seed}")


@pytest.mark.parametrize(
    ("frame", "row"),
    [
        ("a/0.jpg", 0),
        ("b/0.jpg", 2),
        ("b\\0.jpg", 2),
        ("./a/1.jpg", 1),
        ("a/1", 1),  # a file per frame has no extension of the frame's
        ("/data/set/b/0.jpg", 2),
        ("2.png", 3),
        ("2", 3),
        ("somewhere/else/1.jpg", 1),
        ("b/3.png", None),
        ("2.jpg", None),
    ],
)
def test_a_frame_is_found_by_its_path_or_its_own_name(frame, row):
    assert FrameIndex(NAMES, ROOT).find(person(frame)) == row


@pytest.mark.parametrize("frame", ["0.jpg", "0", "c/0.jpg"])
def test_a_name_of_several_frames_is_refused_with_their_paths(frame):
    with pytest.raises(
        ValueError,
        match=rf"file: entry 0: '{frame}' must be the path .* 2 frames .*: a/0\.jpg, b/0\.jpg$",
    ):
        FrameIndex(NAMES, ROOT).find(person(frame))


def test_paths_that_differ_in_the_extension_alone_need_it():
    index = FrameIndex(["a/0.jpg", "a/0.png"], ROOT)
    assert index.find(person("a/0.png")) == 1
    with pytest.raises(ValueError, match=r"2 frames have that name: a/0\.jpg, a/0\.png"):
        index.find(person("a/0"))


def test_the_surest_person_of_a_frame_is_taken_and_others_are_counted():
    persons = [
        person("a/0.jpg", 1, 0.5),
        person("a/0.jpg", 2, 0.9),
        person("b/2.png", 3, 0.1),
        person("a/0.jpg", 4, 0.9),
        person("a/0.jpg", 5, 0.2),
        person("c/9.jpg", 6),
    ]
    found = collect_keypoints(persons, NAMES, ROOT)
    np.testing.assert_array_equal(found.keypoints[0], persons[1].joints)
    np.testing.assert_array_equal(found.keypoints[3], persons[2].joints)
    assert not found.keypoints[1:3].any()
    assert found.keypoints.dtype == np.float32
    assert found.missing.tolist() == [1, 2]
    assert (found.num_others, found.num_unknown) == (3, 1)


def test_persons_without_a_joint_do_not_count():
    empty = Person("a/0.jpg", np.zeros((17, 3), np.float32), 9.0, "file: entry 7")
    found = collect_keypoints([empty, person("a/0.jpg", 1), person("a/1.jpg", 2)], NAMES, ROOT)
    np.testing.assert_array_equal(found.keypoints[0], person("a/0.jpg", 1).joints)
    assert (found.num_empty, found.num_others, found.num_unknown) == (1, 0, 0)
    found = collect_keypoints([empty, person("a/1.jpg", 2), empty], NAMES, ROOT)
    assert found.missing.tolist() == [0, 2, 3]
    assert found.num_empty == 2
    with pytest.raises(ValueError, match="got 3 of 4"):
        check_missing(found, NAMES, 0.5)


def test_a_file_of_unlabelled_persons_is_refused():
    empty = Person("a/0.jpg", np.zeros((17, 3), np.float32), 0.0, "file: entry 7")
    with pytest.raises(
        ValueError, match=r"got none: file: entry 7 has no joint of positive score$"
    ):
        collect_keypoints([empty, empty], NAMES, ROOT)


def test_a_file_of_another_data_set_is_refused():
    with pytest.raises(
        ValueError, match=r"first frame is 'a/0\.jpg', got none: file: entry 4 names 'c/9\.jpg'$"
    ):
        collect_keypoints([person("c/9.jpg", 4), person("c/8.jpg", 5)], NAMES, ROOT)
    with pytest.raises(ValueError, match=r"first frame is 'a/0\.jpg', got none$"):
        collect_keypoints([], NAMES, ROOT)


def test_fractions_of_a_frame_are_no_pixels():
    joints = np.random.default_rng(0).random((17, 3)).astype(np.float32)
    with pytest.raises(ValueError, match=r"file and others: .* must be pixels .* 1 of 1 persons"):
        collect_keypoints([Person("a/0.jpg", joints, 1.0, "file")], NAMES, ROOT)


def test_too_many_frames_without_a_person_are_refused():
    found = collect_keypoints(
        [person("a/0.jpg"), person("a/1.jpg"), person("b/0.jpg")], NAMES, ROOT
    )
    check_missing(found, NAMES, 0.25)
    with pytest.raises(ValueError, match=r"at most 20\.0% .* got 1 of 4 \(25\.0%\), as b/2\.png:"):
        check_missing(found, NAMES, 0.2)


def test_scores_above_1_become_1_and_are_counted():
    joints = np.full((17, 3), (20, 30, 0.5), np.float32)
    joints[:3, 2] = 1.25
    found = collect_keypoints([at("a/0.jpg", joints)], NAMES, ROOT)
    assert found.keypoints[0, :, 2].tolist() == [1.0] * 3 + [0.5] * 14
    assert found.num_high == 3
    with pytest.raises(ValueError, match=r"p\.json.*\[0, 1\], but 17 of 17 are above 1, up to 87"):
        collect_keypoints([at("a/0.jpg", (20, 30, 87))], NAMES, ROOT)


def test_joints_that_nobody_has_are_said():
    joints = np.full((17, 3), (20, 30, 0.5), np.float32)
    joints[1:3, 2] = 0
    found = collect_keypoints([at("a/0.jpg", joints)], NAMES, ROOT)
    assert found.unscored() == ["left_eye", "right_eye"]


def test_fractions_are_seen_by_their_share_and_not_by_the_largest():
    inside = np.random.default_rng(0).random((17, 3)).astype(np.float32)
    inside[3, 1] = 1.113
    with pytest.raises(ValueError, match=r"must be pixels .* for 4 of 4 persons"):
        collect_keypoints([at(name, inside) for name in NAMES], NAMES, ROOT)
    inside[3, 1] = 90
    persons = [at(NAMES[0], inside), *(at(name, (20, 30, 1)) for name in NAMES[1:])]
    with pytest.raises(ValueError, match=r"must be pixels .* for 1 of 4 persons"):
        collect_keypoints(persons, NAMES, ROOT)
    # Two joints near the corner say nothing.
    few = np.zeros((17, 3), np.float32)
    few[:2] = (1, 1, 1)
    collect_keypoints([at(NAMES[0], few)], NAMES, ROOT)
