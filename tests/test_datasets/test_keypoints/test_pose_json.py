import json

import numpy as np
import pytest

from mmctl.datasets.keypoints.joint_orders import find_places, to_coco
from mmctl.datasets.keypoints.pose_json import list_frame_files, read_frame_files, read_persons
from mmctl.datasets.keypoints.pose_person import HIDDEN_SCORE
from mmctl.structures import FLIP_ORDER, KEYPOINTS


def joints(count=17, seed=0, score=None):
    values = np.random.default_rng(seed).uniform(2, 60, (count, 3))
    values[:, 2] = np.random.default_rng(seed).random(count) if score is None else score
    return values.astype(np.float32)


def coco_joints(values):
    return to_coco(values, find_places(len(values)))


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


def coco(**changes):
    entry = {"image_id": 3, "keypoints": flat(joints(score=2)), **changes}
    return {
        "images": IMAGES,
        "annotations": [{"image_id": 9, "keypoints": flat(joints(score=1))}, entry],
    }


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


def instance(count=17, **changes):
    values = joints(count)
    scores = values[:, 2].tolist()
    return {"keypoints": values[:, :2].tolist(), "keypoint_scores": scores, **changes}


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
