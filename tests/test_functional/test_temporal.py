import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmctl.functional.attention import attend_places
from mmctl.functional.temporal import convolve_three, register_frames, shift_frames
from tests.random_state import normal
from tests.references import zoo

CLIPS = normal(2, 4, 3, 3, 2)


def test_neighbours_equal_the_loops():
    for step in (-1, 1):
        shifted = shift_frames(CLIPS, step).numpy()
        for clip, own in zip(CLIPS.numpy(), shifted, strict=True):
            expected = [zoo.neighbour(clip, t, step) for t in range(4)]
            np.testing.assert_array_equal(own, np.stack(expected))


def test_a_clip_of_one_frame_has_no_neighbours():
    assert not shift_frames(CLIPS[:, :1], 1).any()


@pytest.mark.parametrize("step", [0, 2])
def test_only_direct_neighbours_are_known(step):
    with pytest.raises(ValueError, match=f"step must be -1 or 1, .* got {step}"):
        shift_frames(CLIPS, step)


def test_three_frames_convolved_equal_the_loops():
    kernel = normal(3, 5, 3, 2, 2, seed=1)
    before, after = shift_frames(CLIPS, -1), shift_frames(CLIPS, 1)
    made = convolve_three(before, CLIPS, after, kernel, stride=(2, 2), padding=(1, 1))
    for clip, own in zip(CLIPS.numpy(), made.numpy(), strict=True):
        np.testing.assert_allclose(own, zoo.with_neighbours(clip, kernel.numpy(), 2, 1))


def test_with_the_frames_around_it_is_a_convolution_in_three_dimensions():
    kernel = normal(3, 5, 3, 3, 3, seed=1)
    before, after = shift_frames(CLIPS, -1), shift_frames(CLIPS, 1)
    made = convolve_three(before, CLIPS, after, kernel, padding=(1, 1))
    # (O, C, 3, h, w)
    whole = F.conv3d(CLIPS.transpose(1, 2), kernel.movedim(0, 2), padding=1)
    torch.testing.assert_close(made, whole.transpose(1, 2))


def test_a_frame_that_was_mirrored_is_registered_back():
    # Four places of which each looks like one of the other frame alone, at a high temperature.
    marks = torch.eye(4, dtype=torch.float64).view(1, 1, 4, 2, 2)
    mirrored, values = marks.flip(-1), CLIPS[:1, :1, :, :2]
    moved = register_frames(values.flip(-1), marks, mirrored, temperature=100.0)
    torch.testing.assert_close(moved, values)


def test_the_length_of_what_frames_are_compared_by_does_not_matter():
    embedded, others = normal(2, 4, 5, 3, 2, seed=1), normal(2, 4, 5, 3, 2, seed=2)
    moved = register_frames(CLIPS, embedded, others)
    torch.testing.assert_close(register_frames(CLIPS, 3 * embedded, others / 7), moved)


def test_attention_equals_the_loops():
    query, key, value = normal(2, 3, 2, 4, 3), normal(2, 5, 2, 2, 3, seed=1), normal(2, 5, 4, 2, 3)
    made = attend_places(query, key, value, scale=0.7)
    for index in range(2):
        expected = zoo.attend(query[index].numpy(), key[index].numpy(), value[index].numpy(), 0.7)
        np.testing.assert_allclose(made[index].numpy(), expected)


def test_all_gradients_are_right():
    clips = normal(1, 3, 2, 2, 2).requires_grad_()
    kernel = normal(3, 2, 2, 1, 1, seed=1).requires_grad_()

    def run(maps, weight):
        before = register_frames(shift_frames(maps, -1), maps, shift_frames(maps, -1))
        return convolve_three(before, maps, shift_frames(maps, 1), weight)

    # The frame past the end is zero and has no direction; its likeness is not tried.
    assert torch.autograd.gradcheck(lambda w: run(clips.detach(), w), (kernel,))
    assert torch.autograd.gradcheck(
        lambda n, e: register_frames(n, e, e.flip(1)),
        (clips, normal(1, 3, 2, 2, 2, seed=3).requires_grad_()),
    )
