import numpy as np
import pytest
import torch

from mmctl.datasets.transforms import PackClip
from mmctl.registry import TRANSFORMS


def packed_results(**more):
    frames = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    return {
        "frames": frames,
        "clip_indices": np.arange(6).reshape(2, 3),
        "clip_weights": np.array([3, 2], dtype=np.float32),
        "pid": 7,
        "camid": 2,
        "tracklet_id": 11,
        "split": "train",
        "gt_label": 4,
        "frame_paths": ["a.jpg", "b.jpg"],
        **more,
    }


def test_frames_become_clips_with_channels_first():
    results = packed_results()
    inputs = PackClip().transform(results)["inputs"]
    assert inputs.dtype == torch.uint8
    assert inputs.shape == (2, 3, 3, 5, 4)
    for clip in range(2):
        for slot in range(3):
            expected = results["frames"][3 * clip + slot].transpose(2, 0, 1)
            np.testing.assert_array_equal(inputs[clip, slot].numpy(), expected)


def test_frames_that_the_pipeline_made_are_not_copied():
    results = packed_results()
    foreign = results["frames"]
    inputs = PackClip().transform(results)["inputs"]
    assert not np.shares_memory(inputs.numpy(), foreign)
    own = results["frames"] = results["own_frames"] = foreign.copy()
    inputs = PackClip().transform(results)["inputs"]
    assert np.shares_memory(inputs.numpy(), own)
    # Colours innermost, as they were decoded.
    assert inputs.permute(0, 1, 3, 4, 2).is_contiguous()


@pytest.mark.parametrize("shape", [(6, 5, 4), (6, 5, 4, 1), (6, 5, 4, 3)])
def test_frames_that_are_no_rgb_pictures_are_refused(shape):
    frames = np.zeros(shape, dtype=np.uint8 if shape[-1] != 3 else np.float32)
    with pytest.raises(
        ValueError, match=r"must be uint8 RGB of shape \(frames, height, width, 3\)"
    ):
        PackClip().transform({**packed_results(), "frames": frames})


def test_the_sample_carries_labels_and_weights():
    sample = PackClip().transform(packed_results())["data_samples"]
    assert (sample.pid, sample.camid, sample.tracklet_id, sample.gt_label) == (7, 2, 11, 4)
    assert sample.split == "train"
    # As data, not as metainfo, which MMEngine copies deeply whenever a sample moves.
    assert {"pid", "camid", "tracklet_id", "gt_label", "split", "frame_paths"} <= set(sample.keys())
    assert sample.frame_paths == ["a.jpg", "b.jpg"]
    assert sample.clip_weights.tolist() == [3, 2]
    assert sample.clip_weights.dtype == torch.float32
    assert "keypoints" not in sample
    assert "heatmaps" not in sample
    assert sample.to_dict()["pid"] == 7


def test_keypoints_are_clip_major():
    keypoints = np.random.default_rng(1).random((6, 17, 3), dtype=np.float32)
    sample = PackClip().transform(packed_results(keypoints=keypoints))["data_samples"]
    assert sample.keypoints.shape == (2, 3, 17, 3)
    np.testing.assert_array_equal(sample.keypoints[1, 0].numpy(), keypoints[3])


def test_heatmaps_are_clip_major_and_stay_in_half_precision():
    maps = np.random.default_rng(1).random((6, 17, 4, 2)).astype(np.float16)
    sample = PackClip().transform(packed_results(heatmaps=maps))["data_samples"]
    assert sample.heatmaps.shape == (2, 3, 17, 4, 2)
    assert sample.heatmaps.dtype == torch.float16
    np.testing.assert_array_equal(sample.heatmaps[1, 0].numpy(), maps[3])
    assert "keypoints" not in sample


def test_a_test_tracklet_has_no_training_label():
    results = packed_results(split="query")
    del results["gt_label"]
    assert "gt_label" not in PackClip().transform(results)["data_samples"]


def test_frames_that_are_not_stacked_are_refused():
    results = packed_results(frames=[np.zeros((2, 2, 3))])
    with pytest.raises(ValueError, match="PackClip must come after ResizeClip"):
        PackClip().transform(results)


def test_it_builds_from_a_config():
    assert repr(TRANSFORMS.build({"type": "PackClip"})) == "PackClip()"
