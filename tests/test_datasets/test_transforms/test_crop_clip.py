import numpy as np
import pytest

from mmctl.datasets.transforms import CropClip
from mmctl.registry import TRANSFORMS


def stacked(num_clips=2, clip_len=3, height=24, width=16, stride=4):
    """Results whose frames show their own coordinates: red is 1 + x, green 1 + y."""
    num_frames = num_clips * clip_len
    generator = np.random.default_rng(0)
    frames = np.zeros((num_frames, height, width, 3), dtype=np.uint8)
    frames[..., 0] = 1 + np.arange(width)
    frames[..., 1] = 1 + np.arange(height)[:, None]
    keypoints = np.ones((num_frames, 17, 3), dtype=np.float32)
    keypoints[..., 0] = generator.integers(width, size=(num_frames, 17))
    keypoints[..., 1] = generator.integers(height, size=(num_frames, 17))
    maps = generator.random((num_frames, 17, height // stride, width // stride))
    return {
        "frames": frames,
        "clip_indices": np.arange(num_frames).reshape(num_clips, clip_len),
        "keypoints": keypoints,
        "heatmaps": (0.1 + maps).astype(np.float16),
    }


def windows(results):
    """Return (top, left) of the window of every frame, read off its pixels."""
    corners = []
    for frame in results["frames"].astype(int):
        row, column = np.argwhere(frame[..., 0] > 0)[0]
        corners.append((frame[row, column, 1] - 1 - row, frame[row, column, 0] - 1 - column))
    return np.array(corners)


def draw(transform, seed=0, **shape):
    np.random.seed(seed)  # noqa: NPY002 (what MMEngine seeds)
    return transform.transform(stacked(**shape))


def test_a_window_shows_the_frame_moved_and_black_around_it():
    cropped = draw(CropClip((24, 16), padding=5))
    assert cropped["frames"].shape == (6, 24, 16, 3)
    assert cropped["frames"].dtype == np.uint8
    for frame, (top, left) in zip(cropped["frames"], windows(cropped), strict=True):
        for row in range(24):
            for column in range(16):
                y, x = row + top, column + left
                inside = 0 <= y < 24 and 0 <= x < 16
                assert frame[row, column].tolist() == ([1 + x, 1 + y, 0] if inside else [0, 0, 0])


def test_a_window_may_lie_in_the_padding_alone():
    cropped = draw(CropClip((4, 4), padding=10), num_clips=80, clip_len=1)
    blank = (cropped["frames"] == 0).all(axis=(1, 2, 3))
    assert 0 < blank.sum() < 80
    # The last joint that a blank window could show is none.
    assert (cropped["keypoints"][blank, :, 2] == 0).all()


def test_a_clip_has_one_window_and_clips_have_their_own():
    corners = windows(draw(CropClip((24, 16), padding=5), num_clips=40)).reshape(40, 3, 2)
    assert (corners == corners[:, :1]).all()
    assert len({tuple(corner) for corner in corners[:, 0].tolist()}) > 20


def test_every_place_is_drawn_and_no_other():
    corners = windows(draw(CropClip((22, 15), padding=1), num_clips=200, clip_len=1))
    # Rows from -1 to 24 + 1 - 22 = 3, columns from -1 to 16 + 1 - 15 = 2
    assert set(map(tuple, corners.tolist())) == {(y, x) for y in range(-1, 4) for x in range(-1, 3)}


def test_joints_move_with_the_frame_and_lose_their_score_where_they_are_not_shown():
    cropped, given = draw(CropClip((12, 8), padding=3)), stacked()
    scores = []
    for index, (top, left) in enumerate(windows(cropped)):
        for joint in range(17):
            x, y = given["keypoints"][index, joint, :2] - (left, top)
            shown = 0 <= x < 8 and 0 <= y < 12
            scores.append(shown)
            assert cropped["keypoints"][index, joint].tolist() == [x, y, shown]
    assert 10 < sum(scores) < 92
    assert cropped["keypoints"].dtype == np.float32


def test_a_joint_that_the_frame_did_not_show_is_not_shown_on_the_padding():
    results = stacked(1, 1)
    results["keypoints"][0, 0] = (-1, 3, 0.9)
    results["keypoints"][0, 1] = (-0.5, 3, 0.9)
    cropped = CropClip((34, 26), padding=5).transform(results)
    # Pixel 0 covers [-0.5, 0.5). The window has room for one place, which shows everything.
    np.testing.assert_allclose(cropped["keypoints"][0, :2], [(4, 8, 0), (4.5, 8, 0.9)])


def test_maps_move_by_whole_cells_with_the_frame():
    # A cell has 4 x 4 pixels, so a window that moves by 4 pixels moves the maps by one cell.
    results = stacked(30, 1)
    cropped = CropClip((24, 16), padding=8).transform(dict(results))
    corners = windows(cropped)
    steps = np.flatnonzero((corners % 4 == 0).all(axis=1))
    assert len(steps) > 0
    for index in steps.tolist():
        rows, columns = corners[index] // 4
        padded = np.zeros((17, 6 + 4, 4 + 4), dtype=np.float16)
        padded[:, 2:8, 2:6] = results["heatmaps"][index]
        expected = padded[:, 2 + rows : 8 + rows, 2 + columns : 6 + columns]
        np.testing.assert_array_equal(cropped["heatmaps"][index], expected)
    assert cropped["heatmaps"].dtype == np.float16


def test_maps_are_interpolated_by_hand():
    results = stacked(1, 1)
    results["heatmaps"] = np.zeros((1, 17, 6, 4), dtype=np.float16)
    results["heatmaps"][0, 3] = [8, 16, 0, 4]
    cropped = CropClip((26, 18), padding=1).transform(results)
    # Only the whole padded frame fits. Its cells have 4.5 columns, so their centres are 2.25, 6.75,
    # 11.25, 15.75, from the frame's edge 1.25, 5.75, 10.25, 14.75; in the frame's cells of 4, whose
    # centres are half a cell in, -0.1875, 0.9375, 2.0625, 3.1875. Beyond the first and the last
    # centre their values go on: 8, 8 + 0.9375 * 8, 0.0625 * 4, 4.
    np.testing.assert_array_equal(cropped["heatmaps"][0, 3, 2], [8, 15.5, 0.25, 4])


def test_maps_in_the_padding_are_zero():
    results = stacked(1, 1)
    cropped = CropClip((40, 32), padding=8).transform(results)["heatmaps"][0]
    # 6 cells of 40/6 rows: centres 3.3, 10, 16.7, 23.3, 30, 36.7 of which [8, 32) is frame;
    # 4 cells of 8 columns: centres 4, 12, 20, 28 of which [8, 24) is frame
    covered = np.zeros((6, 4), dtype=bool)
    covered[1:5, 1:3] = True
    assert ((cropped > 0) == covered).all()


@pytest.mark.parametrize("key", ["frames", "keypoints", "heatmaps"])
def test_given_arrays_are_not_written_to(key):
    results = stacked()
    given = results[key]
    CropClip((24, 16)).transform(results)
    np.testing.assert_array_equal(given, stacked()[key])


def test_equal_seeds_give_equal_crops():
    first, again, other = (draw(CropClip((24, 16)), seed, num_clips=8) for seed in (1, 1, 2))
    for key in ("frames", "keypoints", "heatmaps"):
        np.testing.assert_array_equal(first[key], again[key])
        assert (first[key] != other[key]).any()


def test_a_window_of_the_whole_frame_changes_nothing():
    cropped, given = draw(CropClip((24, 16), padding=0)), stacked()
    for key in ("frames", "keypoints", "heatmaps"):
        np.testing.assert_array_equal(cropped[key], given[key])


def test_frames_alone_are_cropped_too():
    results = stacked()
    cropped = CropClip((20, 12)).transform({k: results[k] for k in ("frames", "clip_indices")})
    assert sorted(cropped) == ["clip_indices", "frames"]


def test_a_window_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"got \(27, 16\) for frames of \(24, 16\) with 1 pixels"):
        CropClip((27, 16), padding=1).transform(stacked())


def test_frames_that_are_not_stacked_are_refused():
    results = {"frames": [np.zeros((2, 2, 3))], "clip_indices": np.zeros((1, 1), dtype=int)}
    with pytest.raises(ValueError, match="CropClip must come after ResizeClip"):
        CropClip((2, 2)).transform(results)


@pytest.mark.parametrize("size", [(8,), (8, 0), 8])
def test_a_size_that_is_not_height_and_width_is_refused(size):
    with pytest.raises(ValueError, match=r"CropClip's size must be \(height, width\)"):
        CropClip(size)


@pytest.mark.parametrize("padding", [-1, 1.5, True, (1, 2)])
def test_padding_that_is_no_number_of_pixels_is_refused(padding):
    with pytest.raises(ValueError, match="padding must be the pixels added to each side"):
        CropClip((8, 4), padding)


def test_it_builds_from_a_config():
    transform = TRANSFORMS.build({"type": "CropClip", "size": [24, 16], "padding": 4})
    assert repr(transform) == "CropClip(size=(24, 16), padding=4)"
