import numpy as np
import pytest

from mmctl.datasets.transforms import SampleClip
from mmctl.functional.clips import dense_clips
from mmctl.registry import TRANSFORMS


def tracklet(num_frames):
    return {"frame_paths": [f"{i}.jpg" for i in range(num_frames)], "tracklet_id": 3, "pid": 9}


def test_indices_and_weights_are_added():
    results = SampleClip(4, mode="dense").transform(tracklet(6))
    np.testing.assert_array_equal(results["clip_indices"], dense_clips(6, 4))
    assert results["clip_weights"].tolist() == [4, 2]
    assert results["clip_weights"].dtype == np.float32


@pytest.mark.parametrize(
    "mode",
    ["random", "restricted", "strided", "consecutive", "evenly", "dense", "first-strided"],
)
def test_every_mode_builds_from_a_config_and_samples(mode):
    transform = TRANSFORMS.build({"type": "SampleClip", "clip_len": 2, "mode": mode})
    assert transform(tracklet(7))["clip_indices"].shape[1] == 2
    assert mode in repr(transform)


@pytest.mark.parametrize("mode", ["random", "restricted", "strided", "consecutive"])
def test_draws_follow_the_global_seed_and_advance_it(mode):
    transform = SampleClip(4, mode=mode)
    draws = []
    for seed in (5, 5, 6):
        np.random.seed(seed)  # noqa: NPY002 (what MMEngine seeds)
        draws.append([transform(tracklet(50))["clip_indices"].tolist() for _ in range(3)])
    assert draws[0] == draws[1] != draws[2]
    assert draws[0][0] != draws[0][1] != draws[0][2]


@pytest.mark.parametrize("clip_len", [0, -1, 2.0, True, "4"])
def test_a_clip_length_that_is_no_positive_integer_is_refused(clip_len):
    with pytest.raises(ValueError, match=r"clip_len must be a positive integer.* got"):
        SampleClip(clip_len)


def test_an_unknown_mode_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'random'.*'first-of-chunk', got 'rrs'"):
        SampleClip(4, mode="rrs")


def test_an_empty_tracklet_is_refused_by_its_number():
    with pytest.raises(ValueError, match=r"at least one frame.*tracklet 3 \(pid 9\)"):
        SampleClip(4).transform(tracklet(0))


def test_the_stride_of_a_mode_can_be_chosen():
    paths = [str(index) for index in range(7)]
    sampled = SampleClip(3, "first-strided", stride=2).transform({"frame_paths": paths})
    assert sampled["clip_indices"].tolist() == [[0, 2, 4]]
    assert "stride=2" in repr(SampleClip(3, "strided", stride=2))


@pytest.mark.parametrize(
    ("mode", "stride", "message"),
    [
        ("random", 2, "mode 'random' has no stride, got stride=2"),
        ("strided", 0, "stride must be a positive integer, .* got 0"),
        ("strided", 1.5, "stride must be a positive integer, .* got 1.5"),
    ],
)
def test_a_stride_that_cannot_be_is_refused(mode, stride, message):
    with pytest.raises(ValueError, match=message):
        SampleClip(3, mode, stride=stride)
