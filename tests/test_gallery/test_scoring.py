"""Candidates in blocks: never one too few, whatever is rounded."""

from __future__ import annotations

import numpy as np
import pytest

from mmctl.gallery import scoring
from mmctl.gallery.engines.widening import widen
from mmctl.gallery.scoring import error_margin, find_candidates, order, score
from tests.test_gallery.records import make_features


def best(features, query, mask, topk):
    similarities = np.array([np.dot(f.astype("f8"), query.astype("f8")) for f in features])
    similarities[~mask] = -np.inf
    return set(np.lexsort((np.arange(len(features)), -similarities))[: min(topk, mask.sum())])


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_best_are_among_the_candidates(monkeypatch, share, dtype):
    monkeypatch.setattr(scoring, "BLOCK_BYTES", 4 * 24 * 37)
    monkeypatch.setattr(scoring, "QUERY_BLOCK", 3)
    features = make_features(500, 24).astype(dtype)
    features[100:130] = features[7]
    queries = np.concatenate([make_features(4, 24, seed=1), features[7:8].astype("f4")])
    mask = np.random.default_rng(2).random(500) < share
    found = find_candidates(features, queries, 6, mask)
    assert len(found) == 5
    for query, places in zip(queries, found, strict=True):
        assert best(features, query, mask, 6) <= set(places.tolist())
        assert mask[places].all()
        assert len(set(places.tolist())) == len(places)


def test_what_is_hidden_is_not_found_where_all_others_are_opposite():
    features = make_features(1, 24) + 0.1 * make_features(200, 24, seed=1)
    mask = np.arange(200) % 10 != 0
    (places,) = find_candidates(features.astype("f4"), -features[:1].astype("f4"), 5, mask)
    assert len(places) >= 5
    assert mask[places].all()


def test_neighbours_closer_than_float32_can_tell_are_all_candidates():
    # 64 vectors whose similarities with the query differ by 1e-9: float32 sees them as one or two.
    width = 2048
    query = make_features(1, width)[0]
    side = make_features(1, width, seed=1)[0].astype("f8")
    side -= side @ query * query.astype("f8")
    side /= np.linalg.norm(side)
    angles = 0.3 + 3e-9 * np.arange(64)[::-1]  # the last one is the most similar
    wide = np.cos(angles)[:, None] * query + np.sin(angles)[:, None] * side
    features = np.concatenate([make_features(300, width, seed=3), wide.astype("f4")])
    (places,) = find_candidates(features, query[None], 5, np.ones(364, dtype=bool))
    expected = best(features, query, np.ones(364, dtype=bool), 5)
    assert expected <= set(places.tolist())
    similarities = score(features[places], query)
    assert set(places[order(similarities, places, 5)].tolist()) == expected


def test_the_margin_is_twice_the_error_of_a_sum():
    # 2 C u / (1 - C u) with C = 2048, u = 2^-24: 2 * 1.2207e-4 / 0.99988 = 2.4417e-4
    assert error_margin(2048) == pytest.approx(2.4417e-4 * 1.01, rel=1e-4)


def test_a_score_is_the_same_whatever_stands_beside_it():
    features, query = make_features(50, 131), make_features(1, 131, seed=4)[0]
    together = score(features, query)
    assert [score(features[i : i + 1], query)[0] for i in range(50)] == together.tolist()


def test_nothing_may_be_found():
    assert (
        find_candidates(make_features(9, 4), make_features(1, 4), 3, np.zeros(9, bool))[0].size == 0
    )


def test_hits_are_asked_for_until_none_can_be_missing():
    scores, asked = np.concatenate([np.full(40, 0.5), np.linspace(0.4, 0, 60)]), []

    def search(numbers, limit):
        asked.append((tuple(numbers), limit))
        return [(scores[:limit], np.arange(limit)) for _ in numbers]

    found = widen(search, 2, 3, 100, 16)
    assert [len(places) for places in found] == [44, 44]
    assert asked == [((0, 1), 11), ((0, 1), 44)]
