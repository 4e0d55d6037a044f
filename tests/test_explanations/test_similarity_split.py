"""The split of a similarity adds up, on the real quickstart config and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmctl.apis import TrackletExplainer
from mmctl.explanations import TrackletTerms, average_terms, compute_terms, split_similarity
from mmctl.structures import TrackletSample
from tests.references import explanations as reference
from tests.test_apis.conftest import checkpoints, inferencers
from tests.test_explanations.small_models import build, make_clips

__all__ = ["checkpoints", "inferencers"]  # fixtures


def check_sums(split):
    """Assert that all ways to add a split up give the similarity."""
    for side, axis in ((split.first, 1), (split.second, 0)):
        parts = side.parts.sum() + side.global_feature + side.constant
        assert abs(parts - split.similarity) < 1e-12
        assert abs(side.frames.sum() + side.constant - split.similarity) < 1e-12
        assert abs(side.table.sum() + side.constant - split.similarity) < 1e-12
        by_term = [*side.parts, side.global_feature, side.constant]
        assert np.allclose(split.pairs.sum(axis=axis), by_term, atol=1e-12)
        assert np.allclose(side.table.sum(axis=0), by_term[:-1], atol=1e-12)
    assert abs(split.pairs.sum() - split.similarity) < 1e-12


@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_it_is_exact_on_the_quickstarts_config(name, inferencers, drawn_mars):
    inferencer = inferencers[name]
    explainer, head = TrackletExplainer(inferencer), inferencer.model.head
    inputs = inferencer.cfg.test_dataloader.dataset
    first, second = explainer.load(inputs, 2), explainer.load(inputs, 7)
    assert len(first.inputs) > 1  # several clips
    for reading in ("before", "after"):
        head.test_feature, kept = reading, head.test_feature
        try:
            features = [p["feature"] for p in inferencer(inputs)["predictions"]]
            split = explainer.split(first, second)
        finally:
            head.test_feature = kept
        assert abs(split.similarity - float(features[2] @ features[7])) < 1e-6
        check_sums(split)
        assert split.first.constant == 0 or reading == "after"
        assert np.array_equal(explainer.split(first, second, reading).pairs, split.pairs)
        assert len(split.first.parts) == (5 if name == "ctl" else 0)
        assert len(split.first.frames) == len(split.first.frame_numbers) == 6


def test_a_hand_made_case():
    # One clip of two frames, one part: V_a = mean of (1, 0) + (0, 1) and (3, 0) + (0, 1) = (2, 1).
    # V_b = (0, 2), one frame, all of it the part's. Cosine 1 / sqrt(5): V_a's global feature alone
    # points along V_b, half of it in each frame.
    model = build(neck="none", losses={"identity": None})
    first = TrackletTerms(
        torch.tensor([[[[1.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.0, 1.0]]]]),
        torch.ones(1, dtype=torch.float64),
        np.array([[4, 6]]),
    )
    second = TrackletTerms(
        torch.tensor([[[[0.0, 2.0], [0.0, 0.0]]]]),
        torch.ones(1, dtype=torch.float64),
        np.zeros((1, 1), np.int64),
    )
    split = split_similarity(model, first, second)
    whole = 5**-0.5
    assert split.similarity == pytest.approx(whole)
    assert split.first.parts.tolist() == [0.0]
    assert split.first.global_feature == pytest.approx(whole)
    assert split.first.frames.tolist() == pytest.approx([whole / 2, whole / 2])
    assert split.first.frame_numbers.tolist() == [4, 6]
    assert split.second.parts.tolist() == pytest.approx([whole])
    assert split.second.global_feature == 0
    check_sums(split)


@pytest.mark.parametrize("reading", ["before", "after"])
def test_a_share_is_that_of_a_loop(reading):
    model = build()
    first, second = (compute_terms(model, make_clips(s, num_clips=3)) for s in (0, 1))
    norm = model.head.necks["sum"]
    scale, shift = np.ones(16), np.zeros(16)
    if reading == "after":
        scale = (norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()).detach()
        shift = (norm.bias.double() - scale * norm.running_mean.double()).detach().numpy()
        scale = scale.numpy()
    values = [terms.values.double().numpy() for terms in (first, second)]
    weights = [terms.weights.numpy() for terms in (first, second)]
    other = scale * reference.tracklet_feature(values[1], weights[1]) + shift
    own = scale * reference.tracklet_feature(values[0], weights[0]) + shift
    split = split_similarity(model, first, second, reading)
    assert split.similarity == pytest.approx(reference.cosine(own, other), abs=1e-12)
    for part in range(5):
        share = reference.part_share(values[0], weights[0], part, other, scale, shift)
        assert split.first.parts[part] == pytest.approx(share, abs=1e-12)
    check_sums(split)


def test_clips_count_by_their_weights():
    model, clips = build(), make_clips(num_clips=2)
    terms, other = compute_terms(model, clips), compute_terms(model, make_clips(1))
    assert terms.weights.tolist() == pytest.approx([0.6, 0.4])
    split = split_similarity(model, terms, other)
    length = float(terms.total().sum(dim=0).norm())
    unit = other.total().sum(dim=0)
    unit = unit / unit.norm()
    numbers, weights, _ = terms.per_frame()
    assert numbers.tolist() == list(range(6))
    assert weights.tolist() == pytest.approx([0.2, 0.4 / 3] * 3)
    # Frame 1 is the first of the second clip.
    expected = 0.4 / 3 * float(terms.values[1, 0].double().sum(dim=0) @ unit) / length
    assert split.first.frames[1] == pytest.approx(expected, abs=1e-12)


def test_a_frame_that_fills_a_clip_counts_once_in_the_list():
    model, clips = build(), make_clips(num_clips=1, num_frames=3)
    terms = compute_terms(model, clips)
    filled = TrackletTerms(terms.values, terms.weights, np.array([[0, 2, 2]]))
    split = split_similarity(model, filled, compute_terms(model, make_clips(1)))
    assert split.first.frame_numbers.tolist() == [0, 2]
    check_sums(split)


@pytest.mark.parametrize("reading", ["before", "after"])
def test_an_average_person_moves_shares_to_the_constant(reading):
    model = build()
    first, second, third = (compute_terms(model, make_clips(seed)) for seed in range(3))
    average = average_terms([first, second, third])
    plain = split_similarity(model, first, second, reading)
    compared = split_similarity(model, first, second, reading, average)
    assert compared.similarity == pytest.approx(plain.similarity, abs=1e-12)
    check_sums(compared)
    itself = split_similarity(model, first, second, reading, first.total())
    assert np.abs(itself.first.parts).max() < 1e-12
    assert itself.first.constant == pytest.approx(plain.similarity)
    assert average.shape == (6, 16)
    with pytest.raises(ValueError, match="at least one tracklet"):
        average_terms([])


def test_exchanging_the_tracklets_exchanges_the_sides():
    model = build()
    first, second = (compute_terms(model, make_clips(seed)) for seed in range(2))
    split, turned = split_similarity(model, first, second), split_similarity(model, second, first)
    assert np.allclose(split.first.parts, turned.second.parts, atol=1e-14)
    assert np.allclose(split.pairs, turned.pairs.T, atol=1e-14)


@torch.no_grad()
def test_the_terms_of_long_tracklets_are_those_of_one_pass():
    model, clips = build(), make_clips(num_clips=4)
    whole, pieces = compute_terms(model, clips), compute_terms(model, clips, frames_per_chunk=1)
    assert torch.allclose(whole.values, pieces.values, rtol=1e-5, atol=1e-5)
    feature = model.predict(
        clips.inputs / 256,
        [TrackletSample(keypoints=clips.sample.keypoints, clip_weights=clips.sample.clip_weights)],
    )[0]
    total = whole.total().sum(dim=0)
    assert float(total.norm()) == pytest.approx(float(feature.feature_norm), rel=1e-5)


def test_a_feature_that_is_no_sum_is_refused(monkeypatch):
    model = build()
    fuse = model.head.fuse
    monkeypatch.setattr(model.head, "fuse", lambda *given: 2 * fuse(*given))
    with pytest.raises(ValueError, match="must be the sum of its parts and the global feature"):
        compute_terms(model, make_clips())


@pytest.mark.parametrize(
    ("head", "reading", "message"),
    [
        ({"neck": "none", "losses": {"identity": None}}, "after", "needs a model with a neck"),
        ({}, "both", "feature must be 'before' or 'after' the neck, got 'both'"),
    ],
)
def test_a_reading_that_does_not_exist_is_named(head, reading, message):
    model = build(**head)
    terms = compute_terms(model, make_clips())
    with pytest.raises(ValueError, match=message):
        split_similarity(model, terms, terms, reading)


@torch.no_grad()
def test_parts_come_first_and_the_global_feature_last():
    model, clips = build(), make_clips()
    whole, parts = model.extract(clips.inputs / 256, clips.sample.keypoints)
    values = compute_terms(model, clips).values
    assert values.shape == (2, 3, 6, 16)
    assert torch.allclose(values[:, :, :5], parts, rtol=1e-4, atol=1e-5)
    assert torch.allclose(values[:, :, 5], whole, rtol=1e-4, atol=1e-5)


def test_weighed_parts_are_split_as_they_were_added():
    plain, model = build(), build(part_weight=0.2)
    model.load_state_dict(plain.state_dict())
    clips = make_clips()
    (whole, weighed) = (compute_terms(one, clips).values for one in (plain, model))
    assert torch.allclose(weighed[:, :, :-1], 0.2 * whole[:, :, :-1], atol=1e-6)
    assert torch.allclose(weighed[:, :, -1], whole[:, :, -1], atol=1e-6)
