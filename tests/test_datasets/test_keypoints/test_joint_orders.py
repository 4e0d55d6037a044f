import numpy as np
import pytest

from mmctl.datasets.keypoints.joint_orders import find_places, match_names, to_coco
from mmctl.structures import KEYPOINTS

# Written from the pictures of OpenPose's documentation, joint by joint: its number, COCO's name.
OPENPOSE_18 = {
    0: "nose",
    2: "right_shoulder",
    3: "right_elbow",
    4: "right_wrist",
    5: "left_shoulder",
    6: "left_elbow",
    7: "left_wrist",
    8: "right_hip",
    9: "right_knee",
    10: "right_ankle",
    11: "left_hip",
    12: "left_knee",
    13: "left_ankle",
    14: "right_eye",
    15: "left_eye",
    16: "right_ear",
    17: "left_ear",
}
BODY_25 = {
    0: "nose",
    2: "right_shoulder",
    3: "right_elbow",
    4: "right_wrist",
    5: "left_shoulder",
    6: "left_elbow",
    7: "left_wrist",
    9: "right_hip",
    10: "right_knee",
    11: "right_ankle",
    12: "left_hip",
    13: "left_knee",
    14: "left_ankle",
    15: "right_eye",
    16: "left_eye",
    17: "right_ear",
    18: "left_ear",
}


@pytest.mark.parametrize("name", KEYPOINTS)
@pytest.mark.parametrize(("count", "numbers"), [(18, OPENPOSE_18), (25, BODY_25)])
def test_every_joint_comes_from_its_own_place(count, numbers, name):
    joints = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    (number,) = [number for number, other in numbers.items() if other == name]
    found = to_coco(joints, find_places(count))
    assert found[KEYPOINTS.index(name)].tolist() == joints[number].tolist()


@pytest.mark.parametrize("count", [17, 26, 133, 136])
def test_orders_that_begin_with_coco_s_stay(count):
    joints = np.arange(count * 3, dtype=np.float32).reshape(count, 3)
    np.testing.assert_array_equal(to_coco(joints, find_places(count)), joints[:17])


@pytest.mark.parametrize("count", [0, 14, 15, 16, 19, 23, 134])
def test_other_numbers_of_joints_are_refused(count):
    with pytest.raises(ValueError, match=rf"17 of them \(COCO\), 18 .* or 133 .*, got {count}$"):
        find_places(count)


@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        lambda name: name.replace("_", " ").title(),
        lambda name: name.replace("left_", "L").replace("right_", "R"),
        lambda name: name.replace("left_", "l").replace("right_", "r"),
        lambda name: name.replace("left_", "l-").replace("right_", "r-"),
        lambda name: "_".join(reversed(name.split("_"))),
        lambda name: f"{name.split('_')[-1]} ({name[0]})" if "_" in name else name,
    ],
)
def test_names_are_known_in_any_spelling_and_order(spell):
    order = np.random.default_rng(0).permutation(17)
    names = tuple(spell(KEYPOINTS[joint]) for joint in order)
    joints = np.arange(51, dtype=np.float32).reshape(17, 3)
    np.testing.assert_array_equal(to_coco(joints[order], match_names(names)), joints)


def test_joints_that_coco_lacks_are_left_out_and_those_that_are_absent_are_zeros():
    # The order of PoseTrack 2018.
    names = ("nose", "head_bottom", "head_top", "left_ear", "right_ear", *KEYPOINTS[5:])
    joints = 1 + np.arange(51, dtype=np.float32).reshape(17, 3)
    found = to_coco(joints, match_names(names))
    assert not found[1:3].any()
    np.testing.assert_array_equal(np.delete(found, [1, 2], 0), np.delete(joints, [1, 2], 0))


def test_joints_of_other_bodies_are_none_of_coco_s():
    others = (
        *("neck", "MidHip", "hip", "pelvis", "root", "spine", "thorax", "head", "top_head"),
        *("LBigToe", "left_heel", "right foot index", "left eye (inner)", "mouth_left"),
        *("face-12", "left_hand_root", "right_thumb4", "left_middle_finger2", "Background"),
    )
    assert match_names((*others, "RKnee"))[KEYPOINTS.index("right_knee")] == len(others)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("left_knee", "left_sholder", "hock"), r"got 2 others: left_sholder, hock$"),
        (("knee", "left_hip"), r"got 1 others: knee$"),
        (("1", "2"), r"got 2 others: 1, 2$"),
        (("neck", "face-1"), r"got 2 others: neck, face-1$"),
        (("LKnee", "nose", "left_knee"), r"^left_knee must be one joint, got LKnee and left_knee$"),
    ],
)
def test_names_that_are_unknown_or_say_one_joint_twice_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        match_names(names)
