import pytest
import torch
from torch.utils.data import DataLoader

from mmctl.datasets import collate_clips, seed_worker
from mmctl.models import ClipDataPreprocessor
from mmctl.structures import TrackletSample


def packed(pid, num_clips=1):
    clips = torch.arange(num_clips * 12, dtype=torch.uint8).view(num_clips, 2, 3, 2, 1) + pid
    sample = TrackletSample(pid=pid, clip_weights=torch.full((num_clips,), 2.0))
    return {"inputs": clips, "data_samples": sample}


def load(items, workers):
    return list(DataLoader(items, 2, num_workers=workers, collate_fn=collate_clips))


def test_a_worker_hands_over_clips_of_one_shape_as_one_tensor():
    joined, apart = load([packed(3), packed(5), packed(3), packed(5, num_clips=2)], workers=1)
    assert joined["inputs"].shape == (2, 1, 2, 3, 2, 1)
    assert [sample.pid for sample in joined["data_samples"]] == [3, 5]
    assert [len(clips) for clips in apart["inputs"]] == [1, 2]


def test_the_process_itself_joins_nothing():
    items = [packed(3), packed(5)]
    batch = collate_clips(items)
    assert all(a is item["inputs"] for a, item in zip(batch["inputs"], items, strict=True))


@pytest.mark.parametrize("num_clips", [1, 2])
def test_the_model_gets_the_same_with_and_without_workers(num_clips):
    items = [packed(pid, num_clips) for pid in range(4)]
    process = ClipDataPreprocessor()
    for own, received in zip(load(items, workers=0), load(items, workers=1), strict=True):
        torch.testing.assert_close(
            process(received)["inputs"], process(own)["inputs"], rtol=0, atol=0
        )
        for one, other in zip(own["data_samples"], received["data_samples"], strict=True):
            assert one.pid == other.pid
            torch.testing.assert_close(other.clip_weights, one.clip_weights)


def test_the_scope_of_a_config_inherited_by_package_is_no_fault():
    # MMEngine binds all keys but the type to the functions of a data loader.
    items = [{"inputs": torch.zeros(1, 2, 3, 4, 4), "data_samples": None}]
    assert len(collate_clips(items, _scope_="mmctl")["inputs"]) == 1
    seed_worker(3, _scope_="mmctl")
