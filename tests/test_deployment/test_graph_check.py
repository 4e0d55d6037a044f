"""The proof notices every kind of wrong graph; the graphs here are plain functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmctl.deployment.graph_check import (
    GRID,
    compare_features,
    compare_maps,
    compare_ranks,
    draw_clips,
    draw_heatmaps,
    draw_keypoints,
)

SIZE = (16, 8)


def features(frames, keypoints):
    """Return features that depend on every clip, every frame and every joint."""
    pictures = F.avg_pool2d(frames.flatten(0, 1).float(), 4).flatten(1) / 255
    order = torch.arange(1, frames.shape[1] + 1).view(1, -1, 1)
    joints = keypoints.flatten(2)[..., :5] / 100
    per_frame = torch.cat((pictures.unflatten(0, frames.shape[:2]), joints), dim=2)
    raw = (per_frame * order).mean(dim=1)
    return F.normalize(raw, dim=1), raw


def draw(num_clips, num_frames, seed):
    sizes = (num_clips, num_frames, SIZE, seed)
    return draw_clips(*sizes), draw_keypoints(*sizes)


def check(run, tolerance=1e-4):
    return compare_features(
        features, lambda inputs: run(*inputs), draw, tolerance, "the small graph"
    )


def arrays(outputs):
    return [output.numpy() for output in outputs]


def test_the_same_graph_passes_and_the_report_says_how_well():
    report = check(lambda *inputs: arrays(features(*inputs)))
    assert report.pairs == len(GRID) >= 12
    assert report.largest < 1e-6
    assert report.apart > 0.01


def test_batches_and_lengths_are_below_at_and_beyond_those_of_a_trace():
    batches, lengths = (set(sizes) for sizes in zip(*GRID, strict=True))
    assert min(batches) == min(lengths) == 1
    assert max(batches) > 2
    assert {2, 4} <= lengths
    assert max(lengths) > 5


WRONG = {
    "clips exchanged": lambda f, k: features(f.flip(0), k),
    "keypoints of another clip": lambda f, k: features(f, k.flip(0)),
    "the first clip for all": lambda f, k: features(f[:1].expand_as(f), k[:1].expand_as(k)),
    "frames in another order": lambda f, k: features(f.flip(1), k.flip(1)),
    "the first frame alone": lambda f, k: features(f[:, :1].expand_as(f), k),
    "five frames, as in the trace": lambda f, k: features(f[:, :5], k[:, :5]),
    "BGR": lambda f, k: features(f.flip(2), k),
    "no keypoints": lambda f, k: features(f, torch.zeros_like(k)),
    "not a number": lambda f, k: tuple(x * float("nan") for x in features(f, k)),
    "one clip": lambda f, k: tuple(x[:1] for x in features(f, k)),
    "not of length 1": lambda f, k: (features(f, k)[1],) * 2,
    "the raw feature is a unit vector": lambda f, k: (features(f, k)[0],) * 2,
    "one clip of five": lambda f, k: tuple(
        x + 2e-4 * F.one_hot(torch.tensor(4), 5)[: len(x), None] for x in features(f, k)
    ),
    "half precision": lambda f, k: tuple(x + 3e-4 for x in features(f, k)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_graph_is_refused(name):
    with pytest.raises(ValueError, match=r"the small graph must give what PyTorch gives, within"):
        check(lambda *inputs: arrays(WRONG[name](*inputs)))


def test_the_refusal_names_output_sizes_and_distance():
    with pytest.raises(ValueError, match=r"0\.0001, but its output feature is \d.* away for 2 cli"):
        check(lambda *inputs: arrays(WRONG["clips exchanged"](*inputs)))


def test_rounding_of_half_precision_passes_within_its_own_tolerance():
    run = lambda f, k: [x.half().float().numpy() for x in features(f, k)]  # noqa: E731
    assert check(run, tolerance=1e-3).largest > 1e-5


def test_weights_that_confuse_all_clips_prove_nothing():
    def same(frames, keypoints):
        ones = torch.ones(len(frames), 4) / 2
        return ones + 1e-7 * features(frames, keypoints)[0][:, :4], ones

    def run(inputs):
        return arrays(features_of_another(*inputs))

    def features_of_another(frames, keypoints):
        return same(frames.flip(0), keypoints.flip(0))

    with pytest.raises(ValueError, match=r"cannot be proved with weights.*is the checkpoint tr"):
        compare_features(same, run, draw, 1e-4, "the small graph")


def test_drawn_clips_and_joints_all_differ():
    frames, keypoints = draw(3, 4, 0)
    assert frames.dtype == torch.uint8
    assert frames.shape == (3, 4, 3, *SIZE)
    assert keypoints.shape == (3, 4, 17, 3)
    flat = torch.cat((frames.flatten(2).float(), keypoints.flatten(2)), dim=2).flatten(0, 1)
    distances = torch.cdist(flat, flat)
    assert distances[~torch.eye(12, dtype=bool)].min() > 1
    assert 0 < (keypoints[..., 2] == 0).float().mean() < 0.5
    assert not torch.equal(draw(3, 4, 1)[0], frames)


def estimate(frames):
    maps = F.avg_pool2d(frames.flatten(0, 1).float().mean(1, keepdim=True), 4)
    maps = maps.expand(-1, 17, -1, -1).unflatten(0, frames.shape[:2]) / 255
    return maps, decode(maps)


def decode(maps):
    best = maps.flatten(3).max(dim=3)
    return torch.stack((best.indices, best.indices, best.values), dim=-1).float()


def check_maps(run):
    def draw_frames(num_clips, num_frames, seed):
        return (draw_clips(num_clips, num_frames, SIZE, seed),)

    return compare_maps(
        estimate, lambda inputs: run(*inputs), draw_frames, decode, "the estimator's graph"
    )


def test_an_estimator_is_compared_by_maps_and_joints():
    assert check_maps(lambda frames: arrays(estimate(frames))).pairs == len(GRID)
    for wrong in (
        lambda f: estimate(f.flip(0)),
        lambda f: estimate(f.flip(1)),
        lambda f: (estimate(f)[0], estimate(f)[1] + 1),
        lambda f: (estimate(f)[0][:1], estimate(f)[1][:1]),
    ):
        with pytest.raises(ValueError, match="the estimator's graph must give what PyTorch"):
            check_maps(lambda frames, wrong=wrong: arrays(wrong(frames)))


def test_an_int8_graph_must_find_each_clip_again():
    batches = [[array.numpy() for array in draw(3, 4, seed)] for seed in (0, 1)]

    def run(noise):
        generator = np.random.default_rng(0)

        def noisy(inputs):
            found = arrays(features(*inputs))
            return [array + noise * generator.normal(size=array.shape) for array in found]

        return noisy

    report = compare_ranks(features, run(1e-3), batches)
    assert report.pairs == 2
    assert 1e-3 < report.largest < report.apart
    with pytest.raises(ValueError, match=r"\d of 6 are nearer to another clip's feature"):
        compare_ranks(features, run(3.0), batches)
    with pytest.raises(ValueError, match="6 of 6 are nearer"):
        compare_ranks(features, run(float("nan")), batches)


def test_heatmaps_are_drawn_of_any_size():
    assert draw_heatmaps(2, 3, (5, 4)).shape == (2, 3, 17, 5, 4)
