import torch
from torch.utils.data import DataLoader

from mmctl.datasets import collate_clips
from mmctl.models import ClipDataPreprocessor
from mmctl.structures import TrackletSample


def packed(pid, num_clips=1):
    clips = torch.arange(num_clips * 12, dtype=torch.uint8).view(num_clips, 2, 3, 2, 1) + pid
    sample = TrackletSample(pid=pid, clip_weights=torch.full((num_clips,), 2.0))
    return {"inputs": clips, "data_samples": sample}


def test_clips_of_one_shape_become_one_tensor_and_others_stay_apart():
    alike = collate_clips([packed(3), packed(5)])
    assert alike["inputs"].shape == (2, 1, 2, 3, 2, 1)
    assert [sample.pid for sample in alike["data_samples"]] == [3, 5]
    apart = collate_clips([packed(3), packed(5, num_clips=2)])
    assert [len(clips) for clips in apart["inputs"]] == [1, 2]


def test_the_preprocessor_makes_the_same_of_both():
    items = [packed(3, num_clips=2), packed(5, num_clips=2)]
    joined = ClipDataPreprocessor()(collate_clips(items))["inputs"]
    apart = ClipDataPreprocessor()({"inputs": [item["inputs"] for item in items]})["inputs"]
    torch.testing.assert_close(joined, apart, rtol=0, atol=0)


def test_a_worker_hands_over_what_the_process_itself_would():
    items = [packed(pid) for pid in range(4)]
    here, there = (
        list(DataLoader(items, 2, num_workers=workers, collate_fn=collate_clips))
        for workers in (0, 1)
    )
    for own, received in zip(here, there, strict=True):
        torch.testing.assert_close(received["inputs"], own["inputs"], rtol=0, atol=0)
        for one, other in zip(own["data_samples"], received["data_samples"], strict=True):
            assert one.pid == other.pid
            torch.testing.assert_close(other.clip_weights, one.clip_weights)
