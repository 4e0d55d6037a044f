"""Outputs of layers as maps: nothing is transposed, and what is no map is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmctl.datasets.transforms import FlipClip
from mmctl.explanations.part_names import name_part
from mmctl.explanations.places import to_places
from mmctl.structures import BODY_SCALES
from tests.test_explanations.small_models import make_clips

CLIPS, FRAME = (2, 3), (64, 32)


def test_maps_of_frames_are_grouped_by_clip():
    output = torch.arange(6.0)[:, None, None, None].expand(6, 5, 4, 2)
    places = to_places(output, "a", CLIPS, FRAME)
    assert places.shape == (2, 3, 5, 4, 2)
    assert places[:, :, 0, 0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_tokens_are_rows_of_the_frame_behind_the_extra_ones():
    output = torch.arange(9.0)[None, :, None].expand(6, 9, 5)
    places = to_places(output, "a", CLIPS, FRAME, 1)
    assert places.shape == (2, 3, 5, 4, 2)
    assert places[1, 2, 3].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_volumes_keep_their_time():
    output = torch.arange(3.0)[None, None, :, None, None].expand(2, 5, 3, 4, 2)
    places = to_places(output, "a", CLIPS, FRAME)
    assert places.shape == (2, 3, 5, 4, 2)
    assert places[0, :, 0, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("shape", [(6, 9, 5), (6, 5), (4, 5, 4, 2), (2, 5, 2, 4, 2), (6, 0, 5)])
def test_what_is_no_map_is_named(shape):
    with pytest.raises(ValueError, match=r"layer 'backbone\.x'"):
        to_places(torch.zeros(shape), "backbone.x", CLIPS, FRAME)


def test_a_mirror_exchanges_left_and_right_as_the_transform_does():
    clips = make_clips(num_clips=1)
    clips.sample.heatmaps = torch.rand(1, 3, 17, 4, 2, generator=torch.Generator().manual_seed(0))
    mirrored, expected = (
        clips.mirrored(),
        FlipClip(1.0).transform(
            {
                "frames": np.ascontiguousarray(clips.inputs[0].permute(0, 2, 3, 1).numpy()),
                "keypoints": clips.sample.keypoints[0].numpy(),
                "heatmaps": clips.sample.heatmaps[0].numpy(),
                "clip_indices": clips.frames,
            }
        ),
    )
    pairs = (
        (mirrored.inputs[0].permute(0, 2, 3, 1), expected["frames"]),
        (mirrored.sample.keypoints[0], expected["keypoints"]),
        (mirrored.sample.heatmaps[0], expected["heatmaps"]),
    )
    for found, wanted in pairs:
        assert np.allclose(found.numpy(), wanted)
    twice = mirrored.mirrored()
    assert torch.equal(twice.inputs, clips.inputs)
    assert torch.allclose(twice.sample.keypoints, clips.sample.keypoints)


def test_parts_have_names():
    names = ["trunk", "left arm", "right arm", "left leg", "right leg"]
    assert [name_part(part) for part in BODY_SCALES["limb"].s3] == names
    assert [name_part(part) for part in BODY_SCALES["disjoint"].s3] == ["head", *names[1:]]
    assert [name_part(part) for part in BODY_SCALES["limb"].s2[:3]] == ["head", "torso", "left arm"]
    assert name_part((9,)) == "left wrist"
