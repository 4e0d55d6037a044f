import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from mmctl.evaluation import ReIDMetric
from mmctl.evaluation.sample_fields import SampleFields

FOREIGN = {
    "gt_label": torch.tensor([3]),
    "sample_idx": 12,
    "img_path": "a/b.jpg",
    "meta": {"cam": np.int64(2), "split": "query"},
    "pred": BaseDataElement(embedding=torch.tensor([0.5, 1.0])),
}
NAMES = {
    "pid": "gt_label",
    "camid": "meta.cam",
    "split": "meta.split",
    "feature": "pred.embedding",
    "tracklet_id": "sample_idx",
    "frame_paths": "img_path",
}


@pytest.mark.parametrize("sample", [FOREIGN, BaseDataElement(**FOREIGN)], ids=["dict", "element"])
def test_a_foreign_sample_is_read_by_its_own_names(sample):
    read = SampleFields(NAMES).read(sample, 0)
    feature = read.pop("feature")
    assert feature.tolist() == [0.5, 1.0]
    assert feature.dtype == np.float32
    assert read == {
        "pid": 4,
        "camid": 2,
        "split": "query",
        "tracklet_id": 12,
        "frame_path": "a/b.jpg",
        "clip_mode": "unnamed",
    }


def test_half_precision_and_arrays_are_features_too():
    for value in (torch.ones(2, dtype=torch.bfloat16), np.ones(2)):
        sample = {"pid": 1, "camid": 1, "split": "gallery", "feature": value}
        assert SampleFields().read(sample, 0)["feature"].dtype == np.float32


def test_a_metric_ranks_foreign_samples():
    metric = ReIDMetric(topk=(1,), fields={"pid": "gt_label", "camid": "cam"})
    for pid, cam, split, x in ((0, 1, "query", 1.0), (0, 2, "gallery", 0.9), (1, 2, "gallery", -1)):
        feature = torch.tensor([x, 1.0])
        sample = {"gt_label": torch.tensor([pid]), "cam": cam, "split": split, "feature": feature}
        metric.process(None, [sample])
    # Person 0 of the labels is no distractor.
    found = metric.evaluate(3)
    assert (found["reid/R1"], found["reid/num_queries"], found["reid/num_gallery"]) == (100, 1, 3)


@pytest.mark.parametrize("name", ["gt_label", "meta.label"])
def test_labels_count_from_0_and_persons_from_1(name):
    for label, pid in ((-1, -1), (0, 1), (7, 8)):
        sample = {"gt_label": label, "meta": {"label": label}, "camid": 1, "split": "query"}
        sample["feature"] = torch.ones(2)
        assert SampleFields({"pid": name}).read(sample, 0)["pid"] == pid
        assert SampleFields({"pid": "id"}).read({**sample, "id": label}, 0)["pid"] == label


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gt_label": None}, r"tracklet 12 lacks \['gt_label'\], it has .*'img_path'.*fields=dict"),
        ({"pred": {}}, r"lacks \['pred.embedding'\].*FeatureHead puts the feature there"),
        ({"gt_label": torch.tensor([1, 2])}, "pid of tracklet 12 must be one whole number"),
        (
            {"meta": {"cam": "c1", "split": "query"}},
            "camid of tracklet 12 must be one whole number",
        ),
        ({"meta": {"cam": 1, "split": "test"}}, r"split must be one of .*camid 1, test\)"),
        ({"pred": {"embedding": [0.5]}}, "feature must be a tensor or array .*, got a list"),
        ({"pred": {"embedding": torch.ones(1, 2)}}, r"one vector \(C,\) per tracklet.*\(1, 2\)"),
        ({"pred": {"embedding": np.array([np.nan])}}, "feature must be finite"),
    ],
)
def test_what_cannot_be_ranked_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        SampleFields(NAMES).read({**FOREIGN, **changes}, 0)


@pytest.mark.parametrize("names", [{"person": "gt_label"}, {"pid": 3}, {"pid": ""}])
def test_names_of_what_nobody_reads_are_refused(names):
    with pytest.raises(ValueError, match="fields must give names of a sample to what is read"):
        ReIDMetric(fields=names)
