import pytest
import torch

from mmctl.models.pose.keypoint_stripes import HEAD, LEGS, TORSO, KeypointStripes
from mmctl.structures import NUM_KEYPOINTS
from tests.references import zoo


def test_the_parts_are_the_whole_body():
    assert sorted(HEAD + TORSO + LEGS) == list(range(NUM_KEYPOINTS))


def test_stripes_of_stored_keypoints_equal_the_loops():
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([32.0, 64.0, 0.3])
    stored = torch.rand(2, 3, NUM_KEYPOINTS, 3, generator=generator) * spread
    made = KeypointStripes((4, 2, 1)).from_clip(torch.zeros(6, 3, 64, 32), stored)
    assert made.shape == (6, 3, 7)
    for frame, parts in zip(stored.flatten(0, 1).numpy(), made, strict=True):
        expected = zoo.occupied(frame, 64, (HEAD, TORSO, LEGS), (4, 2, 1), 0.1)
        assert [set(part.nonzero().flatten().tolist()) for part in parts] == expected


def test_levels_that_do_not_divide_the_finest_are_refused():
    with pytest.raises(ValueError, match=r"whole ones of the finest, .* got \(4, 3\)"):
        KeypointStripes((4, 3))
