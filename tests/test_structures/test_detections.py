import numpy as np
import pytest

from mmctl.structures import Detections


def test_nobody_is_no_box():
    nobody = Detections([], [])
    assert len(nobody) == 0
    assert nobody.boxes.shape == (0, 4)


def test_some_are_selected_with_all_that_is_known_of_them():
    keypoints = np.arange(2 * 17 * 3, dtype=np.float32).reshape(2, 17, 3)
    both = Detections([[0, 0, 2, 3], [5, 5, 1, 1]], [0.9, 0.4], keypoints, np.array([7, 8]))
    second = both.select(np.array([1]))
    assert second.boxes.tolist() == [[5, 5, 1, 1]]
    assert second.scores.tolist() == [0.4]
    assert second.keypoints.tolist() == keypoints[1:].tolist()
    assert second.tracks.tolist() == [8]


@pytest.mark.parametrize(
    ("boxes", "scores", "message"),
    [
        ([[0, 0, 1, 1]], [0.5, 0.5], "a score for each box.* got 1 boxes and 2 scores"),
        ([[0, 0, 0, 1]], [0.5], r"the latter two positive, got \[0.0, 0.0, 0.0, 1.0\]"),
        ([[0, float("nan"), 1, 1]], [0.5], "must be finite numbers"),
    ],
)
def test_what_are_no_detections_is_refused(boxes, scores, message):
    with pytest.raises(ValueError, match=message):
        Detections(boxes, scores)
