import json

import numpy as np
import pytest

from mmctl.datasets.keypoints.pose_json import list_frame_files, read_frame_files, read_persons
from mmctl.datasets.keypoints.pose_person import HIDDEN_SCORE
from mmctl.structures import FLIP_ORDER, KEYPOINTS
from tests.test_datasets.test_keypoints.pose_files import (
    IMAGES,
    coco,
    coco_joints,
    flat,
    instance,
    joints,
    write,
)


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
    assert one.joints[:, 2].tolist() == [0, 0.5, 1] * 5 + [0, 0.5]
    np.testing.assert_array_equal(one.joints[:, :2], first[:, :2])
    assert one.score == pytest.approx(8 / 17)
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


@pytest.mark.parametrize("count", [17, 18, 26, 136])
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
    np.testing.assert_array_equal(person.joints, coco_joints(joints(count)))
    assert person.score == 1.5


@pytest.mark.parametrize("count", [18, 25])
def test_openpose_writes_a_file_per_frame(tmp_path, count):
    people = [{"pose_keypoints_2d": flat(joints(count, seed))} for seed in (1, 2)]
    write(tmp_path / "a" / "0_keypoints.json", {"version": 1.3, "people": people})
    write(tmp_path / "a" / "1_keypoints.json", {"version": 1.3, "people": []})
    first, second = read_frame_files(tmp_path, list_frame_files(tmp_path))
    assert first.frame == second.frame == "a/0"
    np.testing.assert_array_equal(second.joints, coco_joints(joints(count, 2)))
    assert first.score == pytest.approx(coco_joints(joints(count, 1))[:, 2].mean())


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


def categories(*named):
    return [{"id": number, "keypoints": list(names)} for number, names in named]


SWAPPED = tuple(
    name.replace("left", "?").replace("right", "left").replace("?", "right") for name in KEYPOINTS
)


def test_joints_are_taken_by_the_names_of_their_category(tmp_path):
    values = joints(score=2)
    content = {
        "images": IMAGES,
        "categories": categories((1, SWAPPED), (2, KEYPOINTS)),
        "annotations": [
            {"image_id": 3, "category_id": number, "keypoints": flat(values)} for number in (1, 2)
        ],
    }
    one, other = read_persons(write(tmp_path / "coco.json", content))
    np.testing.assert_array_equal(other.joints[:, :2], values[:, :2])
    np.testing.assert_array_equal(one.joints[:, :2], values[list(FLIP_ORDER), :2])


def test_results_take_the_names_of_the_joints_from_the_file_of_the_images(tmp_path):
    entry = {"image_id": 9, "keypoints": flat(joints()), "score": 0.5}
    images = {"images": IMAGES, "categories": categories((7, SWAPPED))}
    images = write(tmp_path / "coco.json", images)
    # AlphaPose gives every person category 1; with one order there is nothing to mix up.
    for number in ({}, {"category_id": 7}, {"category_id": 1}):
        results = write(tmp_path / "results.json", [entry | number])
        (person,) = read_persons(results, images)
        np.testing.assert_array_equal(person.joints, joints()[list(FLIP_ORDER)])


@pytest.mark.parametrize(
    ("named", "number", "message"),
    [
        ([(1, KEYPOINTS), (2, SWAPPED)], 3, r"'category_id' .* which are \[1, 2\], got 3$"),
        ([(1, KEYPOINTS), (2, SWAPPED)], None, r"'category_id' .* which are \[1, 2\], got None$"),
        (
            [(1, KEYPOINTS), (2, ())],
            2,
            r"'category_id' must be of a category that names its joints",
        ),
        ([(1, KEYPOINTS[:16])], 1, "the file names 16 joints, and there are 17"),
        ([(1, ("hock", *KEYPOINTS[1:]))], 1, "got 1 others: hock"),
        ([(1, ("nose", "nose", *KEYPOINTS[2:]))], 1, "nose must be one joint"),
        ([(1, (3, *KEYPOINTS[1:]))], 1, "category 0: 'keypoints' must be a list of names"),
        ([(1, KEYPOINTS), (1, SWAPPED)], 1, "category id 1 must be one category's"),
        ([(None, KEYPOINTS)], 1, "category 0 must be an object with an 'id'"),
    ],
)
def test_joints_whose_names_are_in_doubt_are_refused(tmp_path, named, number, message):
    entry = {"image_id": 3, "category_id": number, "keypoints": flat(joints(score=2))}
    content = {"images": IMAGES, "categories": categories(*named), "annotations": [entry]}
    with pytest.raises(ValueError, match=rf"coco\.json: .*{message}"):
        list(read_persons(write(tmp_path / "coco.json", content)))


@pytest.mark.parametrize("score", [{}, {"score": 0.7}])
def test_third_numbers_of_0_1_and_2_are_visibilities_in_any_layout(tmp_path, score):
    values = joints()
    values[:, 2] = [0, 1, 2] * 5 + [0, 1]
    entry = {"image_id": "a", "keypoints": flat(values), **score}
    (person,) = read_persons(write(tmp_path / "p.json", [entry]))
    assert person.joints[:, 2].tolist() == [0, 0.5, 1] * 5 + [0, 0.5]


def test_a_person_without_numbers_is_nobody(tmp_path):
    write(tmp_path / "0.json", {"people": [{"pose_keypoints_2d": []}]})
    (person,) = read_frame_files(tmp_path, list_frame_files(tmp_path))
    assert person.joints.shape == (17, 3)
    assert not person.joints.any()


@pytest.mark.parametrize(
    ("persons", "count"),
    [
        ({"people": [{"pose_keypoints_2d": flat(joints(18))}]}, 18),
        ({"version": "AlphaPose v0.3", "bodies": [{"joints": flat(joints(18))}]}, 18),
        ([{"keypoints": flat(joints(17)), "scores": 2.5, "idx": 1}], 17),
    ],
)
def test_an_object_may_have_the_persons_of_each_frame_by_its_name(tmp_path, persons, count):
    path = write(tmp_path / "p.json", {"a/0.jpg": persons, "a/1.jpg": persons})
    found = list(read_persons(path))
    assert [person.frame for person in found] == ["a/0.jpg", "a/1.jpg"]
    np.testing.assert_array_equal(found[1].joints, coco_joints(joints(count)))
    # AlphaPose also writes each of them into a file of its own.
    write(tmp_path / "sep-json" / "0.json", persons)
    folder = tmp_path / "sep-json"
    (person,) = read_frame_files(folder, list_frame_files(folder))
    np.testing.assert_array_equal(person.joints, found[0].joints)


@pytest.mark.parametrize("count", [17, 26, 133])
def test_mmpose_writes_a_list_of_instances_per_frame(tmp_path, count):
    box = {"bbox": [[0, 0, 9, 9]], "bbox_score": 0.9}
    write(tmp_path / "a" / "0.json", [instance(count, **box), instance(count)])
    one, other = read_frame_files(tmp_path, list_frame_files(tmp_path))
    assert one.frame == "a/0"
    np.testing.assert_array_equal(one.joints, joints(count)[:17])
    assert one.score == pytest.approx(0.9)
    assert other.score == pytest.approx(joints(count)[:17, 2].mean())


def test_mmpose_s_demo_names_the_joints(tmp_path):
    names = {str(number): name for number, name in enumerate(SWAPPED)}
    content = {"meta_info": {"keypoint_id2name": names}, "instance_info": [instance()]}
    write(tmp_path / "results_7.json", content)
    (person,) = read_frame_files(tmp_path, list_frame_files(tmp_path))
    assert person.frame == "7"
    np.testing.assert_array_equal(person.joints, joints()[list(FLIP_ORDER)])
    content["meta_info"] = {"dataset_name": "coco"}
    write(tmp_path / "results_7.json", content)
    (person,) = read_frame_files(tmp_path, list_frame_files(tmp_path))
    np.testing.assert_array_equal(person.joints, joints())


def test_a_mark_of_byte_order_is_no_matter(tmp_path):
    path = tmp_path / "p.json"
    entry = [{"image_id": "a", "keypoints": flat(joints())}]
    path.write_text(json.dumps(entry), encoding="utf-8-sig")
    assert len(list(read_persons(path))) == 1
    path.write_text(json.dumps(entry), encoding="utf-16")
    with pytest.raises(ValueError, match=r"p\.json must be UTF-8"):
        list(read_persons(path))


def test_the_size_of_a_frame_is_kept(tmp_path):
    sizes = [{"height": 128, "width": 64}, {"height": 0, "width": 64}]
    images = [image | size for image, size in zip(IMAGES, sizes, strict=True)]
    content = coco() | {"images": images}
    sizes = [person.frame_size for person in read_persons(write(tmp_path / "p.json", content))]
    assert sizes == [None, (128, 64)]


def test_a_hidden_joint_keeps_its_place_at_half_the_score_of_one_that_is_seen(tmp_path):
    values = joints()
    values[:, 2] = [2, 1, 0, *[2] * 14]
    content = {
        "images": [{"id": 1, "file_name": "0.jpg"}],
        "annotations": [{"image_id": 1, "keypoints": flat(values)}],
    }
    (person,) = read_persons(write(tmp_path / "coco.json", content))
    assert person.joints[:3, 2].tolist() == [1, HIDDEN_SCORE, 0]
    np.testing.assert_array_equal(person.joints[:, :2], values[:, :2])


def test_a_program_that_is_sure_of_all_joints_means_scores_and_no_visibilities(tmp_path):
    values = joints()
    values[:, 2] = [0, *[1] * 16]
    entries = [{"image_id": "0.jpg", "keypoints": flat(values), "score": 0.9}]
    (person,) = read_persons(write(tmp_path / "list.json", entries))
    assert person.joints[:, 2].tolist() == [0, *[1] * 16]
    labelled = {"images": [{"id": 1, "file_name": "0.jpg"}], "annotations": []}
    labelled["annotations"] = [{"image_id": 1, "keypoints": flat(values)}]
    (person,) = read_persons(write(tmp_path / "coco.json", labelled))
    assert person.joints[:, 2].tolist() == [0, *[HIDDEN_SCORE] * 16]
