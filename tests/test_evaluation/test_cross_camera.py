"""The single-shot protocol of iLIDS-VID and PRID-2011 against the usual loop of their papers."""

import numpy as np
import pytest

from mmctl.evaluation import Protocol
from tests.test_evaluation.drawn_split import two_cameras


@pytest.mark.parametrize("seed", range(5))
def test_the_cmc_is_the_share_of_people_found_among_the_first_k_of_the_other_camera(seed):
    num_pids = 30
    tracklets = two_cameras(num_pids, seed)
    features = tracklets.features.astype(np.float64)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    ranks = []
    for person in range(num_pids):
        similarities = features[num_pids:] @ features[person]
        ranks.append(int((similarities > similarities[person]).sum()))
    evaluation = tracklets.evaluate(Protocol.named("cross-camera"), distance="cosine")
    ranking = evaluation.ranking
    assert ranking.first_match.tolist() == ranks
    for k in (1, 5, 20):
        assert ranking.cmc[k - 1] == pytest.approx(np.mean([rank < k for rank in ranks]))
    # With one match AP, mINP and 1 / rank are the same.
    expected = np.mean([1 / (rank + 1) for rank in ranks])
    assert ranking.mean_average_precision == pytest.approx(expected)
    assert ranking.mean_inverse_penalty == pytest.approx(expected)
    assert (ranking.num_queries, len(evaluation.gallery_rows)) == (num_pids, num_pids)
