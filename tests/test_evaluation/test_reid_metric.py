import pickle

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from mmctl.evaluation import PROTOCOLS, ReIDMetric, TrackletFeatures
from mmctl.evaluation.tracklet_features import recorded_setting
from mmctl.registry import METRICS
from mmctl.structures import TrackletSample
from tests.references.ranking import loop_distance, loop_ranking
from tests.test_evaluation.metric_inputs import drawn_split, evaluate, sample


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_equals_the_loop_under_each_protocol(protocol, distance):
    samples = drawn_split()
    metric = ReIDMetric(protocol=protocol.name, distance=distance)
    metrics = evaluate(metric, samples)
    assert metric.keys == list(metrics)

    query = [item for item in samples if item["split"] == "query"]
    gallery = [item for item in samples if item["pid"] != -1]
    if protocol.name in ("query-excluded", "cross-camera"):
        gallery = [item for item in gallery if item["split"] == "gallery"]
    kind = "trapezoid" if protocol.name == "mars-official" else "rectangle"
    x, y = (np.stack([item["feature"].numpy() for item in items]) for items in (query, gallery))
    labels = [
        [item[key] for item in items] for items in (query, gallery) for key in ("pid", "camid")
    ]
    cmc, mean, _, scored, _, _ = loop_ranking(loop_distance(x, y, distance), *labels, kind, 20)

    assert metrics.keys() == {
        *("reid/mAP", "reid/R1", "reid/R5", "reid/R10", "reid/R20"),
        *("reid/num_queries", "reid/num_gallery"),
    }
    assert metrics["reid/mAP"] == pytest.approx(100 * mean, abs=1e-4)
    for k in (1, 5, 10, 20):
        assert metrics[f"reid/R{k}"] == pytest.approx(100 * cmc[k - 1], abs=1e-9)
    assert metrics["reid/num_queries"] == scored
    assert metrics["reid/num_gallery"] == len(gallery)


def test_the_protocol_decides_whether_another_query_is_a_match():
    samples = [
        sample(1, 1, "query", [1.0, 0.0]),
        sample(1, 2, "query", [1.0, 0.1]),
        sample(2, 1, "gallery", [0.0, 1.0]),
        sample(2, 2, "query", [0.1, 1.0]),
        sample(-1, 3, "gallery", [1.0, 0.0]),
    ]
    kept = evaluate(ReIDMetric(), samples)
    assert (kept["reid/num_queries"], kept["reid/num_gallery"]) == (3, 4)
    excluded = evaluate(ReIDMetric(protocol="query-excluded"), samples)
    assert (excluded["reid/num_queries"], excluded["reid/num_gallery"]) == (1, 1)


def test_the_trapezoid_of_a_worked_example_is_in_percent():
    # Order for the query: stranger, match. Rectangle 1/2; trapezoid (0/1 + 1/2) / 2 = 1/4.
    samples = [
        sample(1, 1, "query", [1.0, 0.0]),
        sample(2, 2, "gallery", [1.0, 0.1]),
        sample(1, 2, "gallery", [1.0, 0.5]),
    ]
    assert evaluate(ReIDMetric(), samples)["reid/mAP"] == pytest.approx(50)
    official = evaluate(ReIDMetric(protocol="mars-official"), samples)
    assert official["reid/mAP"] == pytest.approx(25)
    assert official["reid/R1"] == 0
    assert official["reid/R5"] == 100


def test_the_distance_decides():
    # Along the query's direction but far, against near but aside.
    samples = [
        sample(1, 1, "query", [1.0, 0.0]),
        sample(1, 2, "gallery", [9.0, 0.0]),
        sample(2, 2, "gallery", [1.0, 0.5]),
    ]
    assert evaluate(ReIDMetric(topk=(1,)), samples)["reid/R1"] == 100
    assert evaluate(ReIDMetric(topk=(1,), distance="euclidean"), samples)["reid/R1"] == 0


def test_the_order_of_batches_and_ranks_changes_nothing():
    # All features tie, so that only the order decides.
    samples = [item | {"feature": torch.ones(6)} for item in drawn_split()]
    expected = evaluate(ReIDMetric(), samples)
    assert evaluate(ReIDMetric(), samples[::-1], batch=11) == expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_features_of_other_precisions_are_taken(dtype):
    samples = [item | {"feature": item["feature"].to(dtype)} for item in drawn_split()]
    metric = ReIDMetric()
    metrics = evaluate(metric, samples)
    assert metrics["reid/mAP"] == pytest.approx(evaluate(metric, drawn_split())["reid/mAP"], abs=2)


def test_a_second_evaluation_starts_afresh():
    metric = ReIDMetric()
    expected = evaluate(metric, drawn_split())
    assert metric.results == []
    assert evaluate(metric, drawn_split()) == expected


def test_one_result_is_kept_for_each_tracklet():
    metric = ReIDMetric()
    metric.process(None, drawn_split()[:5])
    assert len(metric.results) == 5


def test_later_changes_of_the_feature_do_not_reach_the_result():
    metric, item = ReIDMetric(), drawn_split()[0]
    metric.process(None, [item])
    item["feature"].zero_()
    assert np.abs(metric.results[0]["feature"]).max() > 0


def test_the_evaluator_builds_and_runs_it_from_a_config():
    evaluator = Evaluator([{"type": "mmctl.ReIDMetric", "topk": [1]}])
    for item in drawn_split():
        data = TrackletSample(**item)
        evaluator.process(data_samples=[data])
    metrics = evaluator.evaluate(80)
    assert set(metrics) == {"reid/mAP", "reid/R1", "reid/num_queries", "reid/num_gallery"}


def test_it_survives_pickling():
    metric = pickle.loads(pickle.dumps(METRICS.build({"type": "mmctl.ReIDMetric", "topk": (1, 3)})))
    assert "reid/R3" in evaluate(metric, drawn_split())


def test_the_log_names_everything_that_decides_the_number(log):
    metric = ReIDMetric(protocol="query-excluded")
    metric.dataset_meta = {"dataset_name": "MARS"}
    metrics = evaluate(metric, [item | {"clip_mode": "evenly"} for item in drawn_split()])
    line = next(message for message in log.messages if "MARS" in message)
    assert "query-excluded (queries not in the gallery, rectangle AP)" in line
    assert "cosine distance, evenly clips" in line
    assert f"mAP {metrics['reid/mAP']:.2f} R1 {metrics['reid/R1']:.2f}" in line
    num_queries = sum(item["split"] == "query" for item in drawn_split())
    assert f"queries scored {metrics['reid/num_queries']} of {num_queries}" in line
    assert f"gallery {metrics['reid/num_gallery']} (" in line
    num_junk = sum(item["pid"] == -1 for item in drawn_split())
    assert num_junk > 0
    assert f"({num_junk} junk left out)" in line


def test_queries_without_a_match_are_counted_in_a_warning(log):
    evaluate(ReIDMetric(), drawn_split())
    warnings = [record.message for record in log.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "1 of" in warnings[0]
    assert "no match under another camera" in warnings[0]


def test_features_that_are_all_alike_give_a_warning(log):
    samples = [item | {"feature": torch.ones(6) + 1e-6 * torch.rand(6)} for item in drawn_split()]
    evaluate(ReIDMetric(), samples)
    assert "all features are alike" in log.text


def test_repeated_tracklets_give_a_warning(log):
    samples = drawn_split()
    evaluate(ReIDMetric(), samples + samples[:2])
    assert "2 tracklet ids come more than once" in log.text


def test_the_last_evaluation_has_the_precision_of_each_query():
    metric = ReIDMetric()
    assert metric.last_evaluation is None
    metrics = evaluate(metric, drawn_split())
    ranking = metric.last_evaluation.ranking
    assert len(metric.last_evaluation.query_rows) == len(ranking.average_precision)
    assert 100 * np.nanmean(ranking.average_precision) == pytest.approx(metrics["reid/mAP"])
    assert np.isnan(ranking.average_precision[0])


def test_the_dump_gives_the_same_numbers_again(tmp_path):
    path = tmp_path / "new" / "features.npz"
    metric = ReIDMetric(protocol="mars-official", distance="euclidean", dump_file=str(path))
    metrics = evaluate(metric, drawn_split())
    assert [file.name for file in path.parent.iterdir()] == ["features.npz"]
    tracklets = TrackletFeatures.load(path)
    assert tracklets.frame_paths[4] == "/frames/4_1.jpg"
    again = tracklets.evaluate(metric.protocol, distance="euclidean")
    assert 100 * again.ranking.mean_average_precision == metrics["reid/mAP"]
    assert recorded_setting(path, "protocol", "") == "mars-official"
    assert recorded_setting(path, "distance", "") == "euclidean"
    with np.load(path, allow_pickle=False) as file:
        assert 100 * np.nanmean(file["average_precision"]) == pytest.approx(metrics["reid/mAP"])
        assert ((file["first_match"] >= 0) == ~np.isnan(file["average_precision"])).all()
        assert np.isnan(file["average_precision"][file["splits"] == "gallery"]).all()


def test_the_dump_is_written_even_if_the_ranking_fails(tmp_path):
    path = tmp_path / "features.npz"
    samples = [sample(1, 1, "query", [1.0]), sample(1, 1, "gallery", [1.0])]
    with pytest.raises(ValueError, match="at least one query must have a match"):
        evaluate(ReIDMetric(dump_file=str(path)), samples)
    assert len(TrackletFeatures.load(path).pids) == 2
    assert recorded_setting(path, "protocol", "none") == "none"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "features.npz"
    metric = ReIDMetric(dump_file=str(path))
    evaluate(metric, drawn_split())
    before = path.read_bytes()

    def fail(file, **_arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="No space left"):
        evaluate(metric, drawn_split(seed=1))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, numbers=np.arange(3))
    with pytest.raises(ValueError, match=r"other\.npz must be a feature file"):
        TrackletFeatures.load(path)
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match=r"feature file .*other\.npz is not a whole \.npz"):
        TrackletFeatures.load(path)
    with pytest.raises(FileNotFoundError):
        TrackletFeatures.load(tmp_path / "none.npz")


@pytest.mark.parametrize("key", ["pid", "camid", "split", "feature"])
def test_a_missing_key_is_named(key):
    item = drawn_split()[3]
    del item[key]
    with pytest.raises(ValueError, match=rf"tracklet 3 lacks \['{key}'\]"):
        ReIDMetric().process(None, [item])


def test_samples_count_as_their_dicts():
    samples = drawn_split()
    objects = [TrackletSample(**values) for values in samples]
    assert evaluate(ReIDMetric(), objects) == evaluate(ReIDMetric(), samples)


def test_tracklets_of_two_data_sets_are_not_ranked_together(tmp_path):
    labels = [(1, 1, "query"), (1, 2, "gallery")]
    samples = [
        sample(*label, np.eye(3)[index], tracklet_id=index, frame_paths=[f"/{root}/{index}.jpg"])
        for root in ("street", "station")
        for index, label in enumerate(labels)
    ]
    metric = ReIDMetric(dump_file=str(tmp_path / "f.npz"))
    text = r"evaluated one by one.*tracklet_id 0 comes with /street/0\.jpg and with /station/0\.jpg"
    with pytest.raises(ValueError, match=text):
        evaluate(metric, samples)
    assert (tmp_path / "f.npz").exists()  # what was computed is not lost
