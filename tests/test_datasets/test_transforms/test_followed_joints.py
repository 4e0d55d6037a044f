"""Joints and heatmaps stay on what the frame shows, through any chain of transforms."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import Compose

from mmctl.datasets.transforms import CropClip, EraseFrames, FlipClip, PackClip, ResizeClip
from mmctl.structures import FLIP_ORDER

HEIGHT, WIDTH = 120, 60
NUM_CLIPS, CLIP_LEN = 2, 3


def walking(seed=0, map_size=(30, 15)):
    """Clips whose frames show their own coordinates: red is 4x, green is 2y, blue is full."""
    generator = np.random.default_rng(seed)
    num_frames = NUM_CLIPS * CLIP_LEN
    frames = np.zeros((num_frames, HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames[..., 0] = 4 * np.arange(WIDTH)
    frames[..., 1] = 2 * np.arange(HEIGHT)[:, None]
    frames[..., 2] = 255
    keypoints = np.empty((num_frames, 17, 3), dtype=np.float32)
    keypoints[..., 0] = generator.uniform(6, WIDTH - 7, (num_frames, 17))
    keypoints[..., 1] = generator.uniform(6, HEIGHT - 7, (num_frames, 17))
    keypoints[..., 2] = generator.uniform(0.2, 1, (num_frames, 17))
    return {
        "frames": frames,
        "clip_indices": np.arange(num_frames).reshape(NUM_CLIPS, CLIP_LEN),
        "clip_weights": np.full(NUM_CLIPS, CLIP_LEN, dtype=np.float32),
        "keypoints": keypoints,
        "heatmaps": drawn_maps(keypoints, map_size),
    }


def drawn_maps(keypoints, map_size, sigma=2.0):
    """Return a Gaussian of height 1 at each joint, cell by cell from the definition."""
    y, x = np.mgrid[: map_size[0], : map_size[1]]
    x, y = (x + 0.5) * WIDTH / map_size[1] - 0.5, (y + 0.5) * HEIGHT / map_size[0] - 0.5
    dx = (x - keypoints[..., 0, None, None]) / (sigma * WIDTH / map_size[1])
    dy = (y - keypoints[..., 1, None, None]) / (sigma * HEIGHT / map_size[0])
    return np.exp(-(dx**2 + dy**2) / 2).astype(np.float16)


@st.composite
def chains(draw):
    """Draw one to four transforms, each fitting the frames that the one before leaves."""
    height, width = HEIGHT, WIDTH
    steps = []
    for kind in draw(st.lists(st.sampled_from(["resize", "crop", "flip"]), min_size=1, max_size=4)):
        if kind == "flip":
            steps.append(FlipClip(prob=1.0))
            continue
        if kind == "resize":
            height, width = (draw(st.integers(70, 150)), draw(st.integers(40, 90)))
            steps.append(ResizeClip((height, width)))
        else:
            padding = draw(st.integers(0, 12))
            height = draw(st.integers(height * 3 // 4, height + 2 * padding))
            width = draw(st.integers(width * 3 // 4, width + 2 * padding))
            steps.append(CropClip((height, width), padding))
    return steps


def run(steps, seed, results=None):
    np.random.seed(seed)  # noqa: NPY002 (what MMEngine seeds)
    return Compose(steps)(walking() if results is None else results)


def flips(steps):
    return sum(isinstance(step, FlipClip) for step in steps) % 2


def sources(steps):
    """Return which joint of the first frame each joint of the last one is."""
    return list(FLIP_ORDER) if flips(steps) else list(range(17))


def sample(frame, x, y):
    """Read a frame at a place between pixel centres, from the definition of bilinear."""
    left, top = int(np.floor(x)), int(np.floor(y))
    right, down = x - left, y - top
    corners = frame[top : top + 2, left : left + 2].astype(float)
    upper, lower = corners[:, 0] * (1 - right) + corners[:, 1] * right
    return upper * (1 - down) + lower * down


def away_from_edges(joint, frame, margin=2):
    x, y, _ = joint
    height, width = frame.shape[:2]
    return margin <= x < width - 1 - margin and margin <= y < height - 1 - margin


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_the_frame_shows_under_a_joint_what_it_showed_there_before(steps, seed):
    first, last = walking(), run(steps, seed)
    # Every resize rounds weights and values, of which four are a pixel in x and two in y.
    rounding = 0.1 + 0.8 * sum(isinstance(step, ResizeClip) for step in steps)
    compared = 0
    for index, frame in enumerate(last["frames"]):
        for joint, source in enumerate(sources(steps)):
            place = last["keypoints"][index, joint]
            if place[2] == 0 or not away_from_edges(place, frame):
                continue
            red, green, blue = sample(frame, *place[:2])
            assert blue > 0
            column, row = np.floor(place[:2]).astype(int)
            if frame[row - 1 : row + 3, column - 1 : column + 3, 2].min() < 250:
                continue  # a resize has mixed the edge of a padding into these pixels
            x, y, _ = first["keypoints"][index, source]
            assert abs(red - 4 * x) < rounding
            assert abs(green - 2 * y) < rounding
            compared += 1
    assert compared > 10


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_a_joint_keeps_its_score_exactly_where_the_frame_still_shows_it(steps, seed):
    first, last = walking(), run(steps, seed)
    for index, frame in enumerate(last["frames"]):
        shown = frame[..., 2] == 255
        red, green = frame[shown][:, 0] / 4, frame[shown][:, 1] / 2
        for joint, source in enumerate(sources(steps)):
            x, y, score = first["keypoints"][index, source]
            distances = red - x, green - y
            inside = all((d.min() < -2) & (d.max() > 2) for d in distances)
            outside = any((d.min() > 2) | (d.max() < -2) for d in distances)
            if inside or outside:
                assert last["keypoints"][index, joint, 2] == (score if inside else 0)


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_the_peak_of_a_map_follows_its_joint(steps, seed):
    last = run(steps, seed)
    num_rows, num_columns = last["heatmaps"].shape[2:]
    for index, frame in enumerate(last["frames"]):
        cell = np.array([frame.shape[1] / num_columns, frame.shape[0] / num_rows])
        for joint, (x, y, score) in enumerate(last["keypoints"][index]):
            if score == 0 or not away_from_edges((x, y, 1), frame, margin=max(cell)):
                continue
            peak = np.unravel_index(
                last["heatmaps"][index, joint].argmax(), (num_rows, num_columns)
            )
            centre = (np.array(peak[::-1]) + 0.5) * cell - 0.5
            # The nearest centre is half a cell away, and bilinear sampling may shift by one more.
            assert (np.abs(centre - (x, y)) <= 1.01 * cell).all()


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_types_and_shapes_stay_and_nothing_given_is_written_to(steps, seed):
    given_results, before = walking(), walking()
    last = run(steps, seed, dict(given_results))
    for key, value in before.items():
        np.testing.assert_array_equal(given_results[key], value)
    assert last["frames"].dtype == np.uint8
    assert last["keypoints"].dtype == np.float32
    assert last["heatmaps"].dtype == np.float16
    assert last["keypoints"].shape == before["keypoints"].shape
    assert last["heatmaps"].shape == before["heatmaps"].shape
    packed = PackClip().transform(last)
    assert packed["data_samples"].heatmaps.shape == (NUM_CLIPS, CLIP_LEN, 17, 30, 15)


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_equal_frames_of_a_clip_stay_equal(steps, seed):
    results = walking()
    for key in ("keypoints", "heatmaps"):
        results[key][:] = results[key][0]
    last = run([*steps, FlipClip(prob=0.5)], seed, results)
    for key in ("frames", "keypoints", "heatmaps"):
        clips = last[key].reshape(NUM_CLIPS, CLIP_LEN, *last[key].shape[1:])
        assert (clips == clips[:, :1]).all()


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_a_seed_gives_one_result(steps, seed):
    steps = [*steps, FlipClip(0.5), EraseFrames(0.5)]
    first, second = (run(copy.deepcopy(steps), seed) for _ in range(2))
    for key in ("frames", "keypoints", "heatmaps"):
        np.testing.assert_array_equal(first[key], second[key])


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_two_flips_at_the_end_are_none(steps, seed):
    once, more = run(steps, seed), run([*steps, FlipClip(1.0), FlipClip(1.0)], seed)
    np.testing.assert_array_equal(once["frames"], more["frames"])
    np.testing.assert_array_equal(once["heatmaps"], more["heatmaps"])
    np.testing.assert_allclose(once["keypoints"], more["keypoints"], atol=2e-5)


@given(steps=chains(), seed=st.integers(0, 1000))
@settings(max_examples=15)
def test_erasing_takes_the_score_of_joints_under_it_and_of_no_other(steps, seed):
    once, last = run(steps, seed), run([*steps, EraseFrames(1.0, fill=(0, 0, 1))], seed)
    erased = (last["frames"] == (0, 0, 1)).all(axis=-1)
    for index in range(len(erased)):
        height, width = erased[index].shape
        for joint in range(17):
            before, after = once["keypoints"][index, joint], last["keypoints"][index, joint]
            x, y = np.floor(before[:2] + 0.5).astype(int)
            hidden = 0 <= x < width and 0 <= y < height and erased[index, y, x]
            assert after.tolist() == [*before[:2].tolist(), 0 if hidden else before[2]]
            maps = once["heatmaps"][index, joint], last["heatmaps"][index, joint]
            row, column = np.unravel_index(maps[0].argmax(), maps[0].shape)
            y, x = (row + 0.5) * height / maps[0].shape[0], (column + 0.5) * width / 15
            gone = erased[index, int(y), int(x)]
            np.testing.assert_array_equal(maps[1], 0 * maps[0] if gone else maps[0])


@pytest.mark.parametrize("left", [k for k in range(17) if FLIP_ORDER[k] > k])
def test_a_flip_makes_the_left_joint_of_a_pair_the_right_one(left):
    first = walking()
    last = FlipClip(1.0).transform(dict(first))
    right = FLIP_ORDER[left]
    for one, other in ((left, right), (right, left)):
        expected = first["keypoints"][:, other] * (-1, 1, 1) + (WIDTH - 1, 0, 0)
        np.testing.assert_allclose(last["keypoints"][:, one], expected, rtol=1e-6)
        np.testing.assert_array_equal(
            last["heatmaps"][:, one], first["heatmaps"][:, other, :, ::-1]
        )
