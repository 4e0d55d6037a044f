import numpy as np
import pytest
import torch

from mmctl.evaluation import Protocol, Refinement, ReIDMetric
from mmctl.functional.ranking import evaluate_ranking
from tests.references.ranking import loop_distance, loop_expand, loop_k_reciprocal
from tests.test_evaluation.drawn_split import drawn_tracklets

IN_GALLERY = Protocol.named("query-in-gallery")
RERANK = {"k1": 6, "k2": 3, "lambda_value": 0.2}


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"rerank": RERANK},
        {"query_expansion": 3, "alpha": 2.0},
        {"query_expansion": 3, "rerank": RERANK},
        {"centre_cameras": True, "query_expansion": 3, "alpha": 2.0},
    ],
    ids=["nothing", "rerank", "expansion", "both", "centred"],
)
def test_the_ranking_is_that_of_the_loops_in_their_order(config, distance):
    tracklets = drawn_tracklets()
    refinement = Refinement.from_config(config)
    evaluation = tracklets.evaluate(IN_GALLERY, distance=distance, refinement=refinement)

    features = tracklets.features
    if "centre_cameras" in config:
        features = unit(features.astype(np.float64))
        means = {camid: features[tracklets.camids == camid].mean(0) for camid in tracklets.camids}
        features = unit([row - means[c] for row, c in zip(features, tracklets.camids, strict=True)])
    query, gallery = (features[rows] for rows in (evaluation.query_rows, evaluation.gallery_rows))
    if "query_expansion" in config:
        query = loop_expand(query, gallery, 3, config.get("alpha", 0.0))
        gallery = unit(gallery)
    if "rerank" in config:
        rows = (unit(query), unit(gallery)) if distance == "cosine" else (query, gallery)
        distances = loop_k_reciprocal(*rows, *RERANK.values())
    else:
        distances = loop_distance(query, gallery, distance)
    labels = [
        values[rows]
        for rows in (evaluation.query_rows, evaluation.gallery_rows)
        for values in (tracklets.pids, tracklets.camids)
    ]
    expected = evaluate_ranking(distances, *labels)
    np.testing.assert_allclose(
        evaluation.ranking.average_precision, expected.average_precision, atol=1e-9
    )
    assert evaluation.refinement is refinement


def test_a_config_without_values_takes_the_paper_s():
    refinement = Refinement.from_config({"rerank": {}})
    assert str(refinement) == "k-reciprocal re-ranking (k1 20, k2 6, lambda 0.3)"
    assert Refinement.from_config(None) == Refinement.from_config({}) == Refinement()


def test_what_was_done_is_said_in_words():
    both = Refinement.from_config({"query_expansion": 4, "alpha": 3, "rerank": RERANK})
    expansion = "query expansion (4 neighbours, weights cos^3)"
    assert str(both) == f"{expansion} and k-reciprocal re-ranking (k1 6, k2 3, lambda 0.2)"
    plain = Refinement.from_config({"query_expansion": 4})
    assert str(plain) == "query expansion (4 neighbours, plain mean)"
    assert str(Refinement()) == "no refinement"


def test_the_evaluation_names_a_refinement_only_where_there_is_one():
    tracklets = drawn_tracklets()
    plain = tracklets.evaluate(IN_GALLERY, distance="cosine")
    assert str(plain).endswith("rectangle AP), cosine distance")
    refined = tracklets.evaluate(
        IN_GALLERY, distance="cosine", refinement=Refinement.from_config({"rerank": {}})
    )
    assert str(refined).endswith(", k-reciprocal re-ranking (k1 20, k2 6, lambda 0.3)")


def test_distances_come_in_blocks(monkeypatch):
    monkeypatch.setattr("mmctl.functional.distance._ENTRIES_PER_BLOCK", 20)
    monkeypatch.setattr("mmctl.functional.reranking._ROWS", 2)
    query, gallery = torch.rand(5, 3), torch.rand(10, 3)
    for config in ({}, {"rerank": {}}):
        blocks = Refinement.from_config(config).distance_blocks(query, gallery, metric="cosine")
        assert [block.shape for block in blocks] == [(2, 10), (2, 10), (1, 10)]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"reranking": {}},
            r"refinement knows \['alpha', 'centre_cameras', 'query_expansion', 'rerank'\]",
        ),
        ({"rerank": {"k3": 1}}, r"rerank knows \['k1', 'k2', 'lambda_value'\], got 'k3'"),
        ({"rerank": True}, "rerank must be a dict of k1, k2 and lambda_value"),
        ({"rerank": {"k1": 0}}, "positive whole numbers k1 and k2"),
        ({"rerank": {"k1": 2.5}}, r"got k1 2\.5, k2 6"),
        ({"rerank": {"k2": True}}, "got k1 20, k2 True"),
        ({"rerank": {"lambda_value": "0.3"}}, "lambda_value '0.3'"),
        ({"rerank": {"lambda_value": 2}}, r"lambda_value in 0 \.\. 1"),
        ({"centre_cameras": 1}, "centre_cameras must be True or False, got 1"),
        ({"query_expansion": 0}, "query_expansion must be a positive number"),
        ({"query_expansion": 1.5}, "query_expansion must be a positive number"),
        ({"query_expansion": 2, "alpha": -1}, "alpha must be a number that is not negative"),
        ({"query_expansion": 2, "alpha": "abc"}, "alpha must be a number .*got 'abc'"),
        ({"query_expansion": True}, "query_expansion must be a positive number"),
    ],
)
def test_a_wrong_config_is_named_when_the_metric_is_built(config, message):
    with pytest.raises(ValueError, match=message):
        ReIDMetric(refinement=config)


@pytest.mark.parametrize("config", [{}, {"rerank": RERANK}, {"query_expansion": 2}])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_rows_whose_squares_overflow_are_named_whatever_is_done(config, metric):
    query, gallery = torch.ones(2, 3), torch.full((4, 3), 1e25)
    blocks = Refinement.from_config(config).distance_blocks(query, gallery, metric=metric)
    with pytest.raises(ValueError, match=r"must be finite .*got 1e\+25 in row 0"):
        next(blocks)
