import cv2
import numpy as np
import pytest

from mmctl.datasets.checks.keypoint_check import check_frames_fit, check_keypoints
from mmctl.datasets.keypoints.keypoint_import import collect_keypoints
from tests.test_datasets.imported_persons import at


@pytest.fixture
def stored(tmp_path):
    # Rows 0..5, all joints at x = 10, y = 20 with score 1
    array = np.full((6, 17, 3), (10, 20, 1), dtype=np.float32)

    def check(change=None, rows=range(6), sizes=(21, 11)):
        if change is not None:
            change(array)
        np.save(tmp_path / "k.npy", array)
        sizes = None if sizes is None else np.full((len(rows), 2), sizes, np.int32)
        return check_keypoints(str(tmp_path / "k.npy"), np.array(rows), sizes)

    return check


def test_joints_on_the_last_pixel_are_inside(stored):
    report = stored()
    assert (report.num_rows, report.num_joints, report.num_outside) == (6, 102, 0)
    assert report.faults == []


@pytest.mark.parametrize("sizes", [(20, 11), (21, 10)])
def test_most_joints_outside_of_their_frames_are_a_fault(stored, sizes):
    report = stored(sizes=sizes)
    assert report.num_outside == 102
    assert "102 of 102 joints lie outside" in report.faults[0]


def test_a_few_joints_outside_are_counted(stored):
    report = stored(lambda array: array[2, :5].__setitem__((..., 0), -1))
    assert (report.num_outside, report.faults) == (5, [])


def test_joints_without_a_score_may_be_anywhere(stored):
    report = stored(lambda array: array[2].__setitem__(..., (-999, 0, 0)))
    assert (report.num_joints, report.num_outside) == (85, 0)


def test_frames_of_unknown_size_are_not_judged(stored):
    assert stored(sizes=(0, 0)).num_joints == 0
    assert stored(sizes=None).num_joints == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_named_by_row(stored, value):
    report = stored(lambda array: array[4, 3].__setitem__(1, value), rows=[5, 4, 0])
    assert "1 rows have others, the first is row 4" in report.faults[0]


def test_negative_scores_are_a_fault_of_the_checked_rows_alone(stored):
    def change(array):
        array[3, 3, 2] = -0.5

    assert "the first is row 3" in stored(change).faults[0]
    assert stored(change, rows=[0, 1]).faults == []


def test_fractions_and_scores_above_1_are_faults_whatever_the_sizes(stored):
    report = stored(lambda array: array.__setitem__((..., slice(2)), 0.7), sizes=None)
    assert "must be pixels" in report.faults[0]
    report = stored(lambda array: array.__setitem__(..., (10, 20, 4.6)), sizes=None)
    assert "102 of 102 are above 1, up to 4.6" in report.faults[0]


def test_persons_most_of_whose_joints_lie_outside_are_a_fault_though_few(stored):
    report = stored(lambda array: array[2].__setitem__((..., 0), 400))
    assert (report.num_outside, report.num_joints, report.num_sized) == (17, 102, 6)
    assert "most joints of 1 of 6 persons" in report.faults[0]


@pytest.fixture
def frames(tmp_path):
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        assert cv2.imwrite(str(tmp_path / name), np.zeros((128, 64, 3), np.uint8))
    return names, [str(tmp_path / name) for name in names]


def fit(frames, *persons):
    names, paths = frames
    found = collect_keypoints([at(n, *p) for n, p in zip(names, persons, strict=False)], names, "")
    return check_frames_fit(found, paths)


def test_a_joint_beyond_the_border_is_counted_alone(frames):
    joints = np.full((17, 3), (63, 127, 1), np.float32)
    joints[4, 0] = 64
    counts = fit(frames, [joints], [(0, 2, 1)])
    assert (counts.num_sized, counts.num_outside, counts.num_sized_persons) == (34, 1, 2)


@pytest.mark.parametrize(
    ("persons", "message"),
    [
        # Poses of the whole frame in one of four crops, x and y exchanged, pixels below 0.
        (
            [[(400, 300, 1)], *[[(9, 9, 1)]] * 3],
            "17 of 68 joints .*joints of 1 of 4 persons: are they",
        ),
        ([[(100, 40, 1)]], "17 of 17 joints lie outside"),
        ([[(-3, 40, 1)]], "17 of 17 joints lie outside"),
    ],
)
def test_poses_of_other_pictures_are_refused(frames, persons, message):
    with pytest.raises(ValueError, match=rf"p\.json.* pixels of the stored frame.* {message}"):
        fit(frames, *persons)


def test_a_quarter_of_the_joints_outside_is_refused_and_fewer_are_not(frames):
    joints = np.full((17, 3), (20, 30, 1), np.float32)
    joints[:4, 1] = 128
    assert fit(frames, [joints]).num_outside == 4
    joints[4, 1] = 128
    with pytest.raises(ValueError, match="5 of 17 joints lie outside"):
        fit(frames, [joints])


def test_frames_of_another_size_than_the_file_says_are_refused(frames):
    names, paths = frames
    for size, fits in (((128, 64), True), ((256, 128), False)):
        found = collect_keypoints([at(names[1], (20, 30, 1), frame_size=size)], names, "")
        if fits:
            assert check_frames_fit(found, paths).num_sized_persons == 1
            continue
        with pytest.raises(ValueError, match=r"256x128 .* for \S+1\.png, which is 128x64"):
            check_frames_fit(found, paths)


def test_frames_that_are_not_there_are_not_judged(frames):
    names, _ = frames
    found = collect_keypoints([at(names[0], (400, 300, 1))], names, "")
    assert check_frames_fit(found, ["gone"] * 4).num_sized == 0
