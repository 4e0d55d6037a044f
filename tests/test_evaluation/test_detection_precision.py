import numpy as np
import pytest

from mmctl.evaluation.detection_precision import (
    THRESHOLDS,
    FrameBoxes,
    average_precision,
    mean_average_precision,
)
from tests.references.detection import slow_average_precision

BOX = [0.0, 0, 10, 20]


def frame(truth, found, scores, ignored=None):
    return FrameBoxes(
        np.array(truth, float).reshape(-1, 4),
        np.zeros(len(truth), bool) if ignored is None else np.array(ignored, bool),
        np.array(found, float).reshape(-1, 4),
        np.array(scores, float),
    )


def draw(rng):
    """Frames with missed, doubled, moved and invented boxes."""
    frames = []
    for count in rng.integers(0, 5, 6):
        truth = np.concatenate([rng.uniform(0, 60, (count, 2)), rng.uniform(8, 30, (count, 2))], 1)
        found = np.repeat(truth, rng.integers(0, 3, count), axis=0)
        found = np.abs(found + rng.normal(0, 1.5, found.shape)) + 0.1
        extra = np.concatenate([rng.uniform(0, 60, (2, 2)), rng.uniform(8, 30, (2, 2))], 1)
        found = np.concatenate([found, extra])
        frames.append(
            FrameBoxes(
                truth,
                rng.random(count) < 0.25,
                found,
                rng.permutation(100)[: len(found)] / 100 + rng.random() * 1e-3,
            )
        )
    return frames


@pytest.mark.parametrize("seed", range(12))
def test_equals_loops_over_all_detections(seed):
    frames = draw(np.random.default_rng(seed))
    for threshold in (0.5, 0.7):
        slow = [
            (f.truth.tolist(), f.is_ignored.tolist(), f.found.tolist(), f.scores.tolist())
            for f in frames
        ]
        expected = slow_average_precision(slow, threshold)
        assert average_precision(frames, threshold) == pytest.approx(expected, abs=1e-12)


def test_half_of_the_people_found_without_a_mistake():
    frames = [frame([BOX, [50, 0, 10, 20]], [BOX], [0.9])]
    # Precision 1 at the recalls 0.00 to 0.50, which are 51 of 101.
    assert average_precision(frames, 0.5) == pytest.approx(51 / 101)


def test_a_surer_mistake_halves_the_precision():
    frames = [frame([BOX], [[50, 0, 10, 20], BOX], [0.9, 0.8])]
    assert average_precision(frames, 0.5) == pytest.approx(0.5)


def test_a_second_box_of_a_person_is_a_mistake_only_where_it_is_surer_than_others():
    people = [BOX, [50, 0, 10, 20]]
    last = [frame(people, [BOX, people[1], BOX], [0.9, 0.8, 0.7])]
    assert average_precision(last, 0.5) == 1
    between = [frame(people, [BOX, BOX, people[1]], [0.9, 0.8, 0.7])]
    # Recall up to 0.5 at precision 1 (51 points), the other 50 at 2/3.
    assert average_precision(between, 0.5) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_ignored_people_neither_count_nor_harm():
    alone = [frame([BOX], [BOX], [0.5])]
    beside = [frame([BOX, [50, 0, 10, 20]], [BOX, [50, 0, 10, 20]], [0.5, 0.9], [False, True])]
    assert average_precision(beside, 0.5) == average_precision(alone, 0.5) == 1


def test_frames_do_not_mix():
    frames = [frame([BOX], [], []), frame([], [BOX], [0.9])]
    assert average_precision(frames, 0.5) == 0


def test_the_mean_is_over_ten_overlaps():
    # An overlap of 0.8 passes 0.50 to 0.80, seven of ten.
    frames = [frame([[0, 0, 10, 10]], [[0, 0, 10, 8]], [0.9])]
    assert pytest.approx([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]) == THRESHOLDS
    assert mean_average_precision(frames) == pytest.approx(0.7)


def test_nobody_to_be_found_is_refused():
    with pytest.raises(ValueError, match="needs a person to be found, but no frame has one"):
        average_precision([frame([], [BOX], [0.9])], 0.5)
