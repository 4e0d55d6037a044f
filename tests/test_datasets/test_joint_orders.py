import numpy as np
import pytest

from mmctl.datasets.joint_orders import to_coco
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
    assert to_coco(joints)[KEYPOINTS.index(name)].tolist() == joints[number].tolist()


def test_coco_s_own_order_stays():
    joints = np.arange(51, dtype=np.float32).reshape(17, 3)
    np.testing.assert_array_equal(to_coco(joints), joints)


def test_other_numbers_of_joints_are_refused():
    with pytest.raises(ValueError, match=r"17 joints \(COCO\), 18 .* or 25 .*, got 26"):
        to_coco(np.zeros((26, 3), dtype=np.float32))
