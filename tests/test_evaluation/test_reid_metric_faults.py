"""What the metric refuses: features, splits and arguments that cannot be scored."""

from __future__ import annotations

import pytest
import torch

from mmctl.evaluation import ReIDMetric
from tests.test_evaluation.metric_inputs import drawn_split, evaluate, sample


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_feature_that_is_not_finite_names_its_tracklet(value):
    item = drawn_split()[3]
    item["feature"][2] = value
    with pytest.raises(ValueError, match=r"must be finite .* tracklet 3 \(pid "):
        ReIDMetric().process(None, [item])


@pytest.mark.parametrize(("shape", "said"), [((2, 6), r"\(2, 6\)"), ((0,), r"\(0,\)")])
def test_a_feature_that_is_no_vector_is_refused(shape, said):
    with pytest.raises(ValueError, match=rf"one vector \(C,\) per tracklet.* got {said}"):
        ReIDMetric().process(None, [drawn_split()[0] | {"feature": torch.ones(shape)}])


def test_training_tracklets_are_refused():
    with pytest.raises(ValueError, match=r"split must be one of .* got tracklet 0 .*train"):
        ReIDMetric().process(None, [drawn_split()[0] | {"split": "train"}])


def test_features_of_different_widths_are_refused():
    samples = [sample(1, 1, "query", [1.0]), sample(1, 2, "gallery", [1.0, 2.0])]
    with pytest.raises(ValueError, match=r"one width .* \[1, 2\]"):
        evaluate(ReIDMetric(), samples)


@pytest.mark.parametrize(
    ("split", "pid", "missing"), [("gallery", 1, "query"), ("query", -1, "gallery")]
)
def test_a_split_without_query_or_gallery_is_refused(split, pid, missing):
    with pytest.raises(ValueError, match=f"needs at least one {missing} tracklet"):
        evaluate(ReIDMetric(), [sample(pid, 1, split, [1.0])] * 2)


def test_no_tracklet_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one tracklet must be processed"):
        ReIDMetric().compute_metrics([])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"topk": ()}, "topk must be positive integers"),
        ({"topk": (0, 1)}, "topk must be positive integers"),
        ({"topk": (1.5,)}, "topk must be positive integers"),
        ({"distance": "manhattan"}, "distance must be one of .*'manhattan'"),
        ({"protocol": "mars"}, "protocol must be one of .*'mars-official'.* got 'mars'"),
        ({"dump_file": "features.pkl"}, r"dump_file must end in \.npz"),
        ({"dump_file": "/dev/null/features.npz"}, "folder that can be written to"),
    ],
)
def test_wrong_arguments_are_named_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        ReIDMetric(**arguments)
