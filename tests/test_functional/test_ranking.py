import math

import numpy as np
import pytest

from mmctl.functional import match_positions
from mmctl.functional.ranking import evaluate_ranking, removed_items
from tests.references.ranking import loop_ranking

KINDS = ["rectangle", "trapezoid"]


def rank(distances, query, gallery, **options):
    """Evaluate from (pid, camid) pairs."""
    query, gallery = np.array(query).reshape(-1, 2), np.array(gallery).reshape(-1, 2)
    return evaluate_ranking(np.array(distances), *query.T, *gallery.T, **options)


def rank_blocks(blocks, query, gallery):
    return evaluate_ranking(blocks, *np.array(query).T, *np.array(gallery).T)


def row_with_matches_at(positions, size, rng):
    """Return distances and gallery pids such that pid 1 comes at the 0-based ``positions``."""
    order = rng.permutation(size)
    distances, pids = np.empty(size), np.full(size, 2)
    distances[order] = np.sort(rng.uniform(size=size))
    pids[order[list(positions)]] = 1
    return distances, pids


@pytest.mark.parametrize("seed", range(20))
def test_drawn_positions_come_back(seed):
    rng = np.random.default_rng(seed)
    size = 30
    positions = np.sort(rng.choice(size, size=rng.integers(1, 8), replace=False))
    distances, pids = row_with_matches_at(positions, size, rng)
    result = evaluate_ranking(distances[None], np.array([1]), np.array([1]), pids, np.full(size, 2))
    assert result.first_match.tolist() == [positions[0]]
    precision = np.mean([(k + 1) / (j + 1) for k, j in enumerate(positions)])
    assert result.mean_average_precision == pytest.approx(precision, rel=1e-12)
    assert result.mean_inverse_penalty == pytest.approx(len(positions) / (positions[-1] + 1))
    np.testing.assert_array_equal(result.cmc, np.arange(50) >= positions[0])


def test_the_two_average_precisions_of_a_worked_example():
    # Order: match, other, match. Rectangle: (1/1 + 2/3) / 2 = 5/6.
    # Trapezoid: ((1 + 1/1) / 2 + (1/2 + 2/3) / 2) / 2 = (1 + 7/12) / 2 = 19/24.
    labels = {"query": [(1, 1)], "gallery": [(1, 2), (2, 2), (1, 3)]}
    assert rank([[0.1, 0.2, 0.3]], **labels).mean_average_precision == pytest.approx(5 / 6)
    trapezoid = rank([[0.1, 0.2, 0.3]], **labels, average_precision="trapezoid")
    assert trapezoid.mean_average_precision == pytest.approx(19 / 24)


def test_the_trapezoid_starts_from_zero_when_the_first_item_is_wrong():
    # One match at position 1: (0/1 + 1/2) / 2 = 1/4.
    result = rank([[0.1, 0.2]], [(1, 1)], [(2, 2), (1, 2)], average_precision="trapezoid")
    assert result.mean_average_precision == pytest.approx(1 / 4)


def test_same_camera_matches_do_not_count():
    result = rank([[0.1, 0.2, 0.3]], [(1, 1)], [(1, 1), (2, 2), (1, 2)])
    assert result.first_match.tolist() == [1]
    assert result.mean_average_precision == pytest.approx(1 / 2)


def test_other_people_in_the_camera_of_the_query_stay():
    assert rank([[0.1, 0.2]], [(1, 1)], [(2, 1), (1, 2)]).first_match.tolist() == [1]


def test_junk_is_removed_and_distractors_stay():
    assert rank([[0.1, 0.2]], [(1, 1)], [(-1, 2), (1, 2)]).first_match.tolist() == [0]
    assert rank([[0.1, 0.2]], [(1, 1)], [(0, 2), (1, 2)]).first_match.tolist() == [1]


@pytest.mark.parametrize("pid", [-1, 0])
def test_a_junk_or_distractor_query_is_not_scored(pid):
    result = rank([[0.1, 0.2], [0.1, 0.2]], [(pid, 1), (1, 1)], [(pid, 2), (1, 2)])
    assert result.num_queries == 1
    assert result.first_match[0] == -1
    assert math.isnan(result.average_precision[0])


def test_means_are_over_the_queries_that_have_a_match():
    query, gallery = [(1, 1), (3, 1), (2, 1)], [(1, 2), (2, 1), (2, 2)]
    result = rank([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3]], query, gallery, topk=2)
    # The second query's pid is absent; the third finds its match behind one stranger.
    assert result.num_queries == 2
    assert result.first_match.tolist() == [0, -1, 1]
    assert result.mean_average_precision == pytest.approx((1 + 1 / 2) / 2)
    assert result.cmc.tolist() == [0.5, 1.0]


def test_ties_go_to_the_lower_gallery_index():
    assert rank([[0.5, 0.5]], [(1, 1)], [(2, 2), (1, 2)]).first_match.tolist() == [1]
    assert rank([[0.5, 0.5]], [(1, 1)], [(1, 2), (2, 2)]).first_match.tolist() == [0]


def test_distances_that_differ_only_beyond_float32_tie():
    near, far = 1.0, 1.0 + 1e-12
    assert rank([[far, near]], [(1, 1)], [(1, 2), (2, 2)]).first_match.tolist() == [0]


def test_identical_features_rank_by_index():
    gallery = [(1 + index % 4, 2) for index in range(40)]
    result = rank(np.zeros((1, 40)), [(3, 1)], gallery)
    expected = np.mean([(k + 1) / (4 * k + 3) for k in range(10)])
    assert result.mean_average_precision == pytest.approx(expected)


def drawn_case(rng, max_queries, max_gallery):
    """Distances with ties, junk, distractors and queries without a match; one has a match."""
    num_queries, num_gallery = rng.integers(1, max_queries), rng.integers(1, max_gallery)
    levels = rng.choice([1, 3, 10, 1_000_000])
    distances = rng.integers(0, levels, size=(num_queries, num_gallery)) / levels
    gallery_pids = rng.integers(-1, 6, size=num_gallery)
    gallery_camids = rng.integers(1, 4, size=num_gallery)
    query_pids = rng.integers(-1, 8, size=num_queries)
    query_camids = rng.integers(1, 4, size=num_queries)
    query_pids[0], gallery_pids[0], gallery_camids[0] = 1, 1, 9
    return distances, (query_pids, query_camids, gallery_pids, gallery_camids)


def check_against_the_loop(distances, labels, kind):
    result = evaluate_ranking(distances, *labels, average_precision=kind, topk=10)
    cmc, mean, penalty, scored, precisions, firsts = loop_ranking(distances, *labels, kind, 10)
    np.testing.assert_allclose(result.cmc, cmc, atol=1e-12)
    assert result.mean_average_precision == pytest.approx(mean, abs=1e-12)
    assert result.mean_inverse_penalty == pytest.approx(penalty, abs=1e-12)
    assert result.num_queries == scored
    np.testing.assert_allclose(result.average_precision, precisions, atol=1e-12)
    assert result.first_match.tolist() == firsts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_equals_the_loop_with_ties_junk_distractors_and_missing_matches(seed, kind):
    distances, labels = drawn_case(np.random.default_rng(seed), 12, 60)
    check_against_the_loop(distances, labels, kind)


@pytest.mark.parametrize("most_counted", [0, 1, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_loop_in_hundreds_of_small_cases(kind, most_counted, monkeypatch):
    monkeypatch.setattr(match_positions, "MAX_COUNTED", most_counted)
    rng = np.random.default_rng(most_counted)
    for _ in range(400):
        distances, labels = drawn_case(rng, 4, 14)
        check_against_the_loop(distances, labels, kind)


def test_blocks_of_rows_rank_as_the_whole_matrix():
    distances, labels = drawn_case(np.random.default_rng(5), 12, 60)
    whole = evaluate_ranking(distances, *labels)
    for rows in (1, 3, len(distances)):
        blocks = (distances[start : start + rows] for start in range(0, len(distances), rows))
        result = evaluate_ranking(blocks, *labels)
        np.testing.assert_array_equal(result.average_precision, whole.average_precision)
        np.testing.assert_array_equal(result.first_match, whole.first_match)
        np.testing.assert_array_equal(result.cmc, whole.cmc)


def test_the_matches_of_each_query_are_counted():
    gallery = [(1, 2), (1, 3), (1, 1), (2, 2), (-1, 2), (0, 2)]
    query = [(1, 1), (2, 1), (2, 2), (0, 1)]
    result = rank(np.zeros((4, 6)), query, gallery)
    assert result.num_matches.tolist() == [2, 1, 0, 0]


@pytest.mark.parametrize(
    ("rows", "message"), [(3, r"query_pids .*\(3,\), got \(4,\)"), (5, "query_pids")]
)
def test_blocks_that_are_too_few_or_too_many_are_named(rows, message):
    blocks = iter([np.zeros((1, 2))] * rows)
    with pytest.raises(ValueError, match=message):
        rank_blocks(blocks, [(1, 1)] * 4, [(1, 2), (2, 2)])


def test_a_bad_distance_in_a_later_block_is_named_by_its_query():
    bad = np.array([[0.0, 1.0], [0.0, math.nan]])
    with pytest.raises(ValueError, match="between query 3 and gallery item 1"):
        rank_blocks(iter([np.zeros((2, 2)), bad]), [(1, 1)] * 4, [(1, 2), (2, 2)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_permuted_gallery_without_ties_changes_nothing(kind):
    rng = np.random.default_rng(3)
    distances = rng.permutation(200).reshape(5, 40)
    query = np.stack([rng.integers(1, 5, 5), np.ones(5, int)], axis=1)
    gallery = np.stack([rng.integers(-1, 5, 40), rng.integers(1, 4, 40)], axis=1)
    order = rng.permutation(40)
    one = rank(distances, query, gallery, average_precision=kind)
    two = rank(distances[:, order], query, gallery[order], average_precision=kind)
    np.testing.assert_array_equal(one.average_precision, two.average_precision)
    np.testing.assert_array_equal(one.cmc, two.cmc)


def test_a_perfect_ranking_scores_one():
    for kind in KINDS:
        labels = [(1, 1), (2, 1)], [(1, 2), (1, 3), (2, 2), (2, 3)]
        distances = [[0, 0.1, 1, 1], [1, 1, 0, 0.1]]
        result = rank(distances, *labels, average_precision=kind)
        assert result.mean_average_precision == 1
        assert result.mean_inverse_penalty == 1
        assert result.cmc[0] == 1


def test_the_cmc_goes_on_past_a_small_gallery():
    result = rank([[0.1, 0.2]], [(1, 1)], [(2, 2), (1, 2)], topk=5)
    assert result.cmc.tolist() == [0, 1, 1, 1, 1]


def test_unsigned_ids_are_read_as_numbers():
    # The MARS files hold uint16 and uint8.
    result = evaluate_ranking(
        np.array([[0.1, 0.2]], dtype=np.float16),
        np.array([1], dtype=np.uint16),
        np.array([1], dtype=np.uint8),
        np.array([1, 1], dtype=np.uint8),
        np.array([1, 2], dtype=np.uint16),
    )
    assert result.first_match.tolist() == [0]


def test_removed_items_are_junk_and_the_same_view():
    removed = removed_items(1, 2, np.array([1, 1, 2, -1, 0]), np.array([2, 3, 2, 3, 2]))
    assert removed.tolist() == [True, False, False, True, False]


def test_nobody_with_a_match_is_an_error():
    with pytest.raises(ValueError, match="at least one query must have a match: none of the 1"):
        rank([[0.1, 0.2]], [(1, 1)], [(1, 1), (2, 2)])


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (3,)])
def test_an_empty_query_or_gallery_is_an_error(shape):
    ids = np.zeros(shape[0], int), np.zeros(shape[0], int)
    others = np.zeros(shape[-1], int), np.zeros(shape[-1], int)
    with pytest.raises(ValueError, match="at least one of each"):
        evaluate_ranking(np.zeros(shape), *ids, *others)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_distance_that_is_not_finite_is_named(value):
    distances = np.ones((3, 4))
    distances[1, 2] = value
    with pytest.raises(ValueError, match=r"finite.* between query 1 and gallery item 2"):
        rank(distances, [(1, 1)] * 3, [(1, 2)] * 4)


@pytest.mark.parametrize(
    ("place", "name"),
    list(enumerate(["query_pids", "query_camids", "gallery_pids", "gallery_camids"])),
)
def test_lengths_that_disagree_are_named(place, name):
    labels = [np.ones(2, int), np.ones(2, int), np.ones(3, int), np.ones(3, int)]
    labels[place] = np.ones(5, int)
    with pytest.raises(ValueError, match=rf"{name} must have one entry .*\(5,\)"):
        evaluate_ranking(np.ones((2, 3)), *labels)


def test_ids_that_are_no_integers_are_named():
    with pytest.raises(ValueError, match="gallery_camids must be integers, got float64"):
        evaluate_ranking(np.ones((1, 1)), *[np.ones(1, int)] * 3, np.ones(1))


@pytest.mark.parametrize("topk", [0, -3])
def test_topk_must_be_positive(topk):
    with pytest.raises(ValueError, match=f"topk must be positive .* got {topk}"):
        rank([[0.1]], [(1, 1)], [(1, 2)], topk=topk)


def test_an_unknown_average_precision_is_named():
    with pytest.raises(ValueError, match=r"average_precision must be one of .*'circle'"):
        rank([[0.1]], [(1, 1)], [(1, 2)], average_precision="circle")
