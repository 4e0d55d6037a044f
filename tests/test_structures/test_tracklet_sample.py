import copy
import pickle

import pytest
import torch

from mmctl.structures import TrackletSample

FIELDS = {
    "pid": 7,
    "camid": 2,
    "tracklet_id": 11,
    "split": "query",
    "gt_label": 3,
    "frame_paths": ["a.jpg", "b.jpg"],
}


def make_sample():
    sample = TrackletSample(**FIELDS)
    sample.clip_weights = torch.tensor([6.0, 2.0])
    sample.keypoints = torch.zeros(2, 6, 17, 3)
    sample.feature = torch.arange(4.0)
    return sample


def test_fields_are_attributes_and_reach_the_metric_as_a_dict():
    fields = make_sample().to_dict()
    for name, value in FIELDS.items():
        assert getattr(make_sample(), name) == value
        assert fields[name] == value
    assert fields["feature"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_moving_a_sample_casts_its_tensors_only():
    moved = make_sample().to(torch.float64)
    assert moved.feature.dtype == moved.clip_weights.dtype == torch.float64
    assert moved.pid == 7
    assert moved.frame_paths == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_sample_survives_copies_and_pickling(copied):
    sample = make_sample()
    clone = copied(sample)
    assert clone.pid == 7
    assert clone.frame_paths == sample.frame_paths
    torch.testing.assert_close(clone.feature, sample.feature)


def test_tensors_travel_between_processes_as_plain_bytes():
    sample = make_sample()
    fields, _ = sample.__getstate__()
    assert not any(isinstance(value, torch.Tensor) for value in fields.values())


def test_a_tensor_that_numpy_cannot_hold_travels_as_it_is():
    sample = TrackletSample(
        pid=1, maps=torch.ones(2, dtype=torch.bfloat16), feature=torch.ones(2, requires_grad=True)
    )
    clone = pickle.loads(pickle.dumps(sample))
    assert clone.maps.dtype == torch.bfloat16
    assert clone.feature.requires_grad


def test_a_field_that_was_not_set_is_absent():
    sample = TrackletSample(pid=1)
    assert "keypoints" not in sample
    with pytest.raises(AttributeError):
        _ = sample.feature
