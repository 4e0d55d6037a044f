"""The metric and tracklets of nobody known: saved, not scored, or refused."""

from __future__ import annotations

import pytest
import torch

from mmctl.evaluation import ReIDMetric, TrackletFeatures
from tests.test_evaluation.metric_inputs import evaluate, sample


def test_unlabelled_features_are_saved_and_the_run_ends_well(tmp_path, log):
    path = tmp_path / "features.npz"
    samples = [sample(pid, 1 + pid % 2, "query", [1.0, pid]) for pid in range(1, 7)]
    metrics = evaluate(ReIDMetric(dump_file=str(path), protocol="query-excluded"), samples)
    assert metrics == {"reid/num_queries": 0, "reid/num_gallery": 0}
    assert "nobody is labelled and nothing can be scored" in log.text
    assert "rank_across_cameras.py" in log.text
    assert len(TrackletFeatures.load(path).pids) == 6


def test_unlabelled_features_that_nobody_keeps_are_an_error():
    samples = [sample(pid, 1 + pid % 2, "query", [1.0, pid]) for pid in range(1, 7)]
    with pytest.raises(ValueError, match=r"no two of the 6 tracklets .*test\.py --out"):
        evaluate(ReIDMetric(), samples)


def unlabelled(index, **changes):
    return {
        "camid": 1 + index % 2,
        "feature": torch.tensor([1.0, index]),
        "tracklet_id": index,
        "frame_paths": [f"{index}.jpg"],
        **changes,
    }


def test_tracklets_without_pid_are_saved_and_not_scored(tmp_path, log):
    path = tmp_path / "features.npz"
    samples = [unlabelled(0), unlabelled(1, pid=7, split="query"), unlabelled(2)]
    samples += [unlabelled(3, pid=7, split="gallery")]
    metrics = evaluate(ReIDMetric(dump_file=str(path)), samples)
    assert metrics == {"reid/num_queries": 0, "reid/num_gallery": 4}
    assert "2 of 4 tracklets have no pid, so nobody knows who is who and nothing" in log.text
    features = TrackletFeatures.load(path)
    # Persons whom nobody knows are nobody else.
    assert features.pids.tolist() == [8, 7, 9, 7]
    assert features.splits.tolist() == ["gallery", "query", "gallery", "gallery"]


def test_tracklets_without_pid_end_the_test_at_once_where_nobody_keeps_features():
    metric = ReIDMetric()
    with pytest.raises(ValueError, match=r"1 of 1 tracklets have no pid, .*test\.py --out"):
        metric.process(None, [unlabelled(0)])


@pytest.mark.parametrize("missing", ["tracklet_id", "frame_paths"])
def test_samples_of_others_that_lack_a_pid_are_told_how_to_name_it(missing):
    given = unlabelled(0)
    del given[missing]
    with pytest.raises(ValueError, match=r"lacks \['pid', 'split'\].*fields=dict"):
        ReIDMetric(dump_file="x.npz").process(None, [given])
    with pytest.raises(ValueError, match=r"lacks \['who', 'split'\]"):
        ReIDMetric(dump_file="x.npz", fields={"pid": "who"}).process(None, [unlabelled(0)])
