import pytest
import torch
from mmengine.model import ImgDataPreprocessor

from mmctl.models import ClipDataPreprocessor
from mmctl.structures import TrackletSample


def make_clips(num_clips, num_frames=4, size=(6, 2), seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (num_clips, num_frames, 3, *size)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_the_clips_of_all_tracklets_are_concatenated_in_order():
    given = [make_clips(2), make_clips(1, seed=1), make_clips(3, seed=2)]
    samples = [TrackletSample(pid=pid) for pid in range(3)]
    data = ClipDataPreprocessor()({"inputs": given, "data_samples": samples})
    assert data["inputs"].shape == (6, 4, 3, 6, 2)
    assert data["inputs"].dtype == torch.float32
    torch.testing.assert_close(data["inputs"], torch.cat(given) / 256)
    assert [sample.pid for sample in data["data_samples"]] == [0, 1, 2]


def test_the_default_divides_by_256():
    frame = torch.full((1, 1, 3, 2, 2), 128, dtype=torch.uint8)
    assert ClipDataPreprocessor()({"inputs": [frame]})["inputs"].unique().tolist() == [0.5]


def test_every_channel_has_its_own_mean_and_deviation():
    # (R, G, B) = (10, 20, 30) everywhere: (10 - 4) / 2, (20 - 5) / 3, (30 - 6) / 4.
    frame = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 1, 3, 1, 1).expand(2, 5, 3, 4, 2)
    data = ClipDataPreprocessor((4, 5, 6), (2, 3, 4))({"inputs": [frame]})
    assert data["inputs"][1, 4, :, 2, 1].tolist() == [3.0, 5.0, 6.0]


def test_frames_keep_their_order_where_mmengine_s_preprocessor_moves_them():
    # Frame t of the clip is all t; a reversal of axis 0 of (T, 3, H, W) swaps frames.
    clip = torch.arange(3, dtype=torch.uint8).view(1, 3, 1, 1, 1).expand(1, 3, 3, 4, 2)
    data = ClipDataPreprocessor(std=(1.0, 1.0, 1.0))({"inputs": [clip]})
    assert data["inputs"][0, :, 0, 0, 0].tolist() == [0.0, 1.0, 2.0]
    theirs = ImgDataPreprocessor(bgr_to_rgb=True)({"inputs": [clip[0]]})
    assert theirs["inputs"][0][:, 0, 0, 0].tolist() == [2.0, 1.0, 0.0]


def test_training_and_testing_prepare_alike():
    process, clips = ClipDataPreprocessor(), make_clips(2)
    first, second = (process({"inputs": [clips]}, training)["inputs"] for training in (True, False))
    torch.testing.assert_close(first, second)


def test_denormalize_is_the_inverse():
    process, clips = ClipDataPreprocessor((120.0, 110, 100), (60.0, 50, 40)), make_clips(2)
    restored = process.denormalize(process({"inputs": [clips]})["inputs"])
    torch.testing.assert_close(restored, clips.float())
    torch.testing.assert_close(
        process.denormalize(restored[0, 0]), restored[0, 0] * process.std + process.mean
    )


def test_the_statistics_follow_the_module_but_not_the_checkpoint():
    process = ClipDataPreprocessor().to(torch.float64)
    assert process.std.dtype == torch.float64
    assert not process.state_dict()


def test_keypoints_and_heatmaps_move_to_the_device_as_they_are():
    sample = TrackletSample(pid=1, keypoints=torch.zeros(1, 4, 17, 3))
    sample.heatmaps = torch.zeros(1, 4, 17, 6, 2, dtype=torch.float16)
    # The only other device that every machine has
    process = ClipDataPreprocessor().to("meta")
    moved = process({"inputs": [make_clips(1)], "data_samples": [sample]})["data_samples"][0]
    assert moved.keypoints.device.type == moved.heatmaps.device.type == "meta"
    assert (moved.keypoints.dtype, moved.heatmaps.dtype) == (torch.float32, torch.float16)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"mean": (0.0,)},
        {"std": (1.0, 1.0)},
        {"std": (1.0, 0.0, 1.0)},
        {"std": (1.0, -1.0, 1.0)},
    ],
)
def test_wrong_statistics_are_refused(kwargs):
    with pytest.raises(
        ValueError, match=r"one entry per RGB channel and std must be positive, got"
    ):
        ClipDataPreprocessor(**kwargs)


@pytest.mark.parametrize(
    "bad",
    [
        make_clips(1)[0],
        make_clips(1, num_frames=5),
        make_clips(1, size=(6, 3)),
        make_clips(1).transpose(1, 2),
        make_clips(1, num_frames=3).transpose(2, 4),
    ],
)
def test_clips_that_do_not_fit_are_named(bad):
    with pytest.raises(ValueError, match=r"must be \(M, T, 3, H, W\) .* for item 1 and"):
        ClipDataPreprocessor()({"inputs": [make_clips(2), bad]})


def test_channels_last_changes_the_place_of_the_numbers_alone():
    given = [make_clips(2), make_clips(1, seed=1)]
    expected = ClipDataPreprocessor()({"inputs": given})["inputs"]
    found = ClipDataPreprocessor(channels_last=True)({"inputs": given})["inputs"]
    assert torch.equal(found, expected)
    frames = found.flatten(0, 1)
    assert frames.data_ptr() == found.data_ptr()
    assert frames.is_contiguous(memory_format=torch.channels_last)
    convolved = torch.nn.Conv2d(3, 4, 2)(frames)
    assert convolved.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_of_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one tracklet to be prepared, got none"):
        ClipDataPreprocessor()({"inputs": [], "data_samples": []})
