import numpy as np
import pytest
import torch

from mmctl.datasets.transforms import AddMirroredClips, FlipClip, PackClip
from mmctl.structures import FLIP_ORDER
from tests.test_datasets.test_transforms.stacked_clips import seed_global, stacked, with_maps


def test_flip_mirrors_frames_and_swaps_joints():
    results = stacked()
    frames, keypoints = results["frames"].copy(), results["keypoints"].copy()
    flipped = FlipClip(prob=1.0).transform(results)
    np.testing.assert_array_equal(flipped["frames"], frames[:, :, ::-1])
    for joint, source in enumerate(FLIP_ORDER):
        np.testing.assert_allclose(flipped["keypoints"][:, joint, 0], 5 - keypoints[:, source, 0])
        np.testing.assert_array_equal(flipped["keypoints"][:, joint, 1:], keypoints[:, source, 1:])


def test_a_flipped_keypoint_stays_on_its_pixel():
    results = stacked(1, 1)
    results["frames"][:] = 0
    results["frames"][0, 2, 1] = 255
    results["keypoints"][0, 5] = (1, 2, 1)
    flipped = FlipClip(prob=1.0).transform(results)
    x, y, _ = flipped["keypoints"][0, FLIP_ORDER.index(5)].astype(int)
    assert flipped["frames"][0, y, x].tolist() == [255, 255, 255]


def test_two_flips_are_none():
    results, original = stacked(), stacked()
    flip = FlipClip(prob=1.0)
    results = flip.transform(flip.transform(results))
    np.testing.assert_array_equal(results["frames"], original["frames"])
    np.testing.assert_allclose(results["keypoints"], original["keypoints"], atol=1e-6)


def test_flip_draws_once_per_clip():
    seed_global(0)
    results, original = stacked(num_clips=40, clip_len=3), stacked(num_clips=40, clip_len=3)
    flipped = FlipClip(prob=0.5).transform(results)["frames"]
    changed = (flipped != original["frames"]).any(axis=(1, 2, 3)).reshape(40, 3)
    assert (changed.all(axis=1) | ~changed.any(axis=1)).all()
    assert 8 < changed.all(axis=1).sum() < 32


def test_probability_zero_changes_nothing():
    results, original = FlipClip(prob=0).transform(stacked()), stacked()
    np.testing.assert_array_equal(results["frames"], original["frames"])
    np.testing.assert_array_equal(results["keypoints"], original["keypoints"])


def test_flip_mirrors_maps_and_swaps_their_joints():
    results = with_maps(stacked())
    maps = results["heatmaps"].copy()
    flipped = FlipClip(prob=1.0).transform(results)["heatmaps"]
    assert flipped.dtype == np.float16
    for joint, source in enumerate(FLIP_ORDER):
        for column in range(3):
            np.testing.assert_array_equal(
                flipped[:, joint, :, column], maps[:, source, :, 2 - column]
            )


def test_every_clip_is_followed_by_all_mirror_images():
    results = with_maps(stacked())
    results["clip_weights"] = np.array([3, 2], dtype=np.float32)
    mirrored = FlipClip(1.0).transform(results.copy())
    doubled = AddMirroredClips().transform(results.copy())
    for key in ("frames", "keypoints", "heatmaps"):
        np.testing.assert_array_equal(doubled[key][:6], results[key])
        np.testing.assert_array_equal(doubled[key][6:], mirrored[key])
    assert doubled["clip_indices"].tolist() == 2 * results["clip_indices"].tolist()
    assert doubled["clip_weights"].tolist() == [3, 2, 3, 2]
    assert "AddMirroredClips" in repr(AddMirroredClips())


def test_doubled_clips_are_packed_without_a_copy_and_leave_what_was_given():
    results = stacked()
    given, before = results["frames"], results["frames"].copy()
    results["clip_weights"] = np.ones(2, dtype=np.float32)
    doubled = AddMirroredClips().transform(results)
    own = doubled["frames"]
    assert doubled["own_frames"] is own
    packed = PackClip().transform(doubled)
    assert packed["inputs"].shape == (4, 3, 3, 8, 6)
    assert packed["data_samples"].keypoints.shape == (4, 3, 17, 3)
    assert np.shares_memory(packed["inputs"].numpy(), own)
    assert torch.equal(packed["inputs"][2:].flip(-1), packed["inputs"][:2])
    np.testing.assert_array_equal(given, before)


def test_frames_that_are_not_stacked_cannot_be_doubled():
    results = {"frames": [np.zeros((2, 2, 3))], "clip_indices": np.zeros((1, 1), dtype=int)}
    with pytest.raises(ValueError, match="AddMirroredClips must come after ResizeClip"):
        AddMirroredClips().transform(results)
