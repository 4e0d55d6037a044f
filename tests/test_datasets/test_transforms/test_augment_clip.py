import numpy as np
import pytest

from mmctl.datasets.transforms import EraseFrames, FlipClip, ResizeClip
from mmctl.registry import TRANSFORMS
from tests.test_datasets.test_transforms.stacked_clips import seed_global, stacked, with_maps


def test_resize_stacks_frames_of_different_sizes():
    generator = np.random.default_rng(0)
    frames = [generator.integers(0, 256, (h, w, 3), dtype=np.uint8) for h, w in ((9, 5), (8, 4))]
    resized = ResizeClip((8, 4)).transform({"frames": list(frames)})["frames"]
    assert resized.shape == (2, 8, 4, 3)
    assert resized.dtype == np.uint8
    np.testing.assert_array_equal(resized[1], frames[1])


def test_resize_is_bilinear_by_hand():
    # Doubling [0, 100]: centres at -0.25, 0.25, 0.75, 1.25 of the source, clamped at the ends
    row = np.repeat(np.array([[[0], [100]]], dtype=np.uint8), 3, axis=2)
    resized = ResizeClip((1, 4)).transform({"frames": [row]})["frames"]
    assert resized[0, 0, :, 0].tolist() == [0, 25, 75, 100]


def test_bicubic_overshoots_beside_an_edge_and_an_unknown_way_is_refused():
    row = np.repeat(np.array([[[50], [50], [150], [150]]], dtype=np.uint8), 3, axis=2)
    made = {
        way: ResizeClip((1, 8), way).transform({"frames": [row]})["frames"][0, 0, :, 0]
        for way in ("bilinear", "bicubic")
    }
    assert (made["bilinear"].min(), made["bilinear"].max()) == (50, 150)
    assert made["bicubic"].min() < 50
    assert made["bicubic"].max() > 150
    with pytest.raises(ValueError, match="must be 'bilinear' or 'bicubic', got 'nearest'"):
        ResizeClip((1, 8), "nearest")


def test_resized_keypoints_stay_on_what_they_show():
    # A bright 2x2 block whose centre is (x, y) = (4.5, 10.5); half the size makes it pixel (2, 5)
    frame = np.zeros((16, 8, 3), dtype=np.uint8)
    frame[10:12, 4:6] = 255
    keypoints = np.zeros((1, 17, 3), dtype=np.float32)
    keypoints[0, 0] = (4.5, 10.5, 0.9)
    results = ResizeClip((8, 4)).transform({"frames": [frame], "keypoints": keypoints})
    assert results["frames"][0, 5, 2].tolist() == [255, 255, 255]
    np.testing.assert_allclose(results["keypoints"][0, 0], (2, 5, 0.9), rtol=1e-6)


def test_resized_keypoints_use_the_size_of_their_own_frame():
    frames = [np.zeros((10, 4, 3), dtype=np.uint8), np.zeros((20, 16, 3), dtype=np.uint8)]
    keypoints = np.full((2, 17, 3), 1.5, dtype=np.float32)
    results = ResizeClip((10, 8)).transform({"frames": frames, "keypoints": keypoints})
    # (1.5 + 0.5) * 8/4 - 0.5 = 3.5, height unchanged; (1.5 + 0.5) / 2 - 0.5 = 0.5 for both
    np.testing.assert_allclose(results["keypoints"][0, 0], (3.5, 1.5, 1.5))
    np.testing.assert_allclose(results["keypoints"][1, 0], (0.5, 0.5, 1.5))
    assert results["keypoints"].dtype == np.float32


@pytest.mark.parametrize("size", [(8,), (8, 0), (8.0, 4), 8, "ab", (1, 2, 3)])
def test_a_size_that_is_not_height_and_width_is_refused(size):
    with pytest.raises(ValueError, match=r"size must be \(height, width\)"):
        ResizeClip(size)


def test_probability_zero_changes_nothing():
    results, original = EraseFrames(prob=0).transform(stacked()), stacked()
    np.testing.assert_array_equal(results["frames"], original["frames"])
    np.testing.assert_array_equal(results["keypoints"], original["keypoints"])


def test_erasing_fills_one_rectangle_within_the_limits():
    seed_global(0)
    results = stacked(num_clips=20, clip_len=3, height=64, width=32)
    results["frames"][:] = 0
    EraseFrames(prob=1.0).transform(results)
    for frame in results["frames"]:
        erased = (frame == (124, 116, 104)).all(axis=2)
        assert ((frame == 0).all(axis=2) | erased).all()
        rows, columns = np.flatnonzero(erased.any(axis=1)), np.flatnonzero(erased.any(axis=0))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert erased.sum() == height * width
        # Rounding to pixels moves a side by up to half of one.
        assert (height - 0.5) * (width - 0.5) <= 0.4 * 64 * 32
        assert (height + 0.5) * (width + 0.5) >= 0.02 * 64 * 32
        assert (height + 0.5) / (width - 0.5) >= 0.3
        assert (height - 0.5) / (width + 0.5) <= 1 / 0.3


def test_erasing_draws_for_every_frame_alone():
    seed_global(1)
    results, original = stacked(num_clips=10, clip_len=8), stacked(num_clips=10, clip_len=8)
    frames = EraseFrames(prob=0.5).transform(results)["frames"]
    changed = (frames != original["frames"]).any(axis=(1, 2, 3)).reshape(10, 8)
    assert 20 < changed.sum() < 60
    assert (changed.any(axis=1) & ~changed.all(axis=1)).sum() > 5


def test_erased_joints_and_only_those_get_score_zero():
    seed_global(2)
    results = stacked(num_clips=10, clip_len=3, height=64, width=32)
    results["frames"][:] = 0
    results["keypoints"][..., 2] = 1
    EraseFrames(prob=1.0).transform(results)
    for frame, joints in zip(results["frames"], results["keypoints"], strict=True):
        for x, y, score in joints:
            hidden = frame[int(np.floor(y + 0.5)), int(np.floor(x + 0.5)), 0] != 0
            assert score == (0 if hidden else 1)
    assert 0 < (results["keypoints"][..., 2] == 0).mean() < 0.6


def test_erasing_moves_no_joint():
    seed_global(2)
    results, original = stacked(), stacked()
    EraseFrames(prob=1.0).transform(results)
    np.testing.assert_array_equal(results["keypoints"][..., :2], original["keypoints"][..., :2])


def test_resize_leaves_the_maps_because_they_cover_the_frame_at_any_size():
    results = with_maps(stacked())
    resized = ResizeClip((16, 9)).transform(dict(results))["heatmaps"]
    np.testing.assert_array_equal(resized, results["heatmaps"])


def test_a_map_whose_peak_is_erased_is_all_zero_and_the_others_stay():
    results = with_maps(stacked(num_clips=10, clip_len=3, height=64, width=33))
    results["frames"][:] = 0
    erased = EraseFrames(prob=1.0).transform(dict(results))
    hidden = []
    for index, frame in enumerate(erased["frames"]):
        for joint in range(17):
            given, after = results["heatmaps"][index, joint], erased["heatmaps"][index, joint]
            row, column = np.unravel_index(given.argmax(), given.shape)
            # Maps of 4 x 3 cells, of 16 x 11 pixels each: the centre is a corner or a pixel.
            hidden.append(frame[16 * row + 8, 11 * column + 5, 0] != 0)
            np.testing.assert_array_equal(after, 0 * given if hidden[-1] else given)
    assert 20 < sum(hidden) < 300


@pytest.mark.parametrize("transform", [ResizeClip((4, 4)), FlipClip(1.0), EraseFrames(1.0)])
@pytest.mark.parametrize("key", ["frames", "keypoints", "heatmaps"])
def test_given_arrays_are_not_written_to(transform, key):
    results = with_maps(stacked())
    given, before = results[key], results[key].copy()
    transform.transform(results)
    np.testing.assert_array_equal(given, before)


def test_a_rectangle_that_cannot_fit_leaves_the_frame():
    seed_global(0)
    results, original = stacked(height=2, width=40), stacked(height=2, width=40)
    EraseFrames(prob=1.0, area=(0.9, 1.0), min_aspect=1.0).transform(results)
    np.testing.assert_array_equal(results["frames"], original["frames"])


@pytest.mark.parametrize("transform", [FlipClip(), EraseFrames()])
def test_frames_that_are_not_stacked_are_refused(transform):
    results = {"frames": [np.zeros((2, 2, 3))], "clip_indices": np.zeros((1, 1), dtype=int)}
    with pytest.raises(ValueError, match=rf"{type(transform).__name__} must come after ResizeClip"):
        transform.transform(results)


@pytest.mark.parametrize("owner", [FlipClip, EraseFrames])
@pytest.mark.parametrize("prob", [-0.1, 1.1])
def test_a_probability_out_of_range_is_refused(owner, prob):
    with pytest.raises(ValueError, match=rf"prob must be a probability in \[0, 1\], got {prob}"):
        owner(prob=prob)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"area": (0, 0.4)}, "area must be two shares"),
        ({"area": (0.4, 0.2)}, "area must be two shares"),
        ({"min_aspect": 0}, "min_aspect must be in"),
        ({"min_aspect": 2}, "min_aspect must be in"),
        ({"fill": (0, 0)}, "fill must be an RGB value"),
        ({"fill": (0, 0, 256)}, "fill must be an RGB value"),
    ],
)
def test_erasing_limits_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        EraseFrames(**arguments)


@pytest.mark.parametrize(
    "config",
    [
        {"type": "ResizeClip", "size": [8, 4]},
        {"type": "FlipClip", "prob": 0.5},
        {"type": "EraseFrames", "prob": 0.5},
    ],
)
def test_each_transform_builds_from_a_config(config):
    assert config["type"] in repr(TRANSFORMS.build(config))


def test_transforms_work_without_keypoints():
    results = stacked()
    del results["keypoints"]
    for transform in (ResizeClip((4, 4)), FlipClip(1.0), EraseFrames(1.0)):
        results = transform.transform(results)
    assert "keypoints" not in results


@pytest.mark.parametrize("transform", [FlipClip(1.0), EraseFrames(1.0)])
def test_frames_that_the_pipeline_stacked_are_changed_where_they_are(transform):
    frames = [np.full((8, 6, 3), value, np.uint8) for value in (10, 20)]
    results = {"frames": frames, "clip_indices": np.array([[0, 1]])}
    stacked = ResizeClip((8, 6)).transform(results)["frames"]
    assert transform.transform(results)["frames"] is stacked
    assert all((frame == value).all() for frame, value in zip(frames, (10, 20), strict=True))
