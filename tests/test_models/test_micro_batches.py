"""The network over parts of a batch gives the losses and gradients of the whole batch."""

from __future__ import annotations

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from mmctl.models.watched_values import watching
from tests.test_models.small_video_reid import (
    BACKBONE,
    CONFIGS,
    T,
    build,
    make_batch,
    make_tracklet,
)

LABELS = (0, 0, 1, 1, 2)


def batch():
    return make_batch(*(make_tracklet(1, seed, label) for seed, label in enumerate(LABELS)))


def losses_and_gradients(model, **context):
    """Return the loss terms of the batch and the gradient of every parameter."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(context)):
        terms = model(**model.data_preprocessor(batch()), mode="loss")
    sum(value for name, value in terms.items() if "loss" in name).backward()
    gradients = {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    model.zero_grad()
    return {name: value.detach() for name, value in terms.items()}, gradients


def with_norms_at_rest(model):
    for module in model.train().modules():
        if isinstance(module, _BatchNorm):
            module.eval()
    return model


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("size", [1, 2, 4])
def test_without_batch_statistics_nothing_tells_micro_batches_from_the_batch(name, size):
    model = with_norms_at_rest(build(name))
    # Every anchor counts, in whichever micro-batch its hardest clips are.
    model.head.losses["triplet"].margin = 50.0
    wanted_terms, wanted = losses_and_gradients(model)
    model.micro_batch = size
    terms, found = losses_and_gradients(model)
    for key in (key for key in wanted_terms if "loss" in key):
        torch.testing.assert_close(terms[key], wanted_terms[key], rtol=1e-4, atol=1e-5)
    assert set(found) == set(wanted)
    for key, gradient in wanted.items():
        error = (found[key] - gradient).norm()
        assert error <= 1e-4 * gradient.norm() + 1e-6, (key, error, gradient.norm())


def test_a_loss_of_each_micro_batch_would_be_another():
    model = with_norms_at_rest(build("baseline"))
    whole = losses_and_gradients(model)[0]["loss_triplet_global"]
    clips = model.data_preprocessor(batch())
    with torch.no_grad():
        parts = [
            model.loss(clips["inputs"][rows], clips["data_samples"][rows])["loss_triplet_global"]
            for rows in (slice(0, 2), slice(2, 4))
        ]
    assert not torch.allclose(torch.stack(parts).mean(), whole, rtol=0.05)


def test_bfloat16_is_entered_again_in_the_backward():
    model = with_norms_at_rest(build())
    _, wanted = losses_and_gradients(model, bfloat16=True)
    model.micro_batch = 2
    _, found = losses_and_gradients(model, bfloat16=True)
    for key in ("backbone.conv1.weight", "graph_head.layers.s3.0.collapse.weight"):
        assert (found[key] - wanted[key]).norm() < 0.05 * wanted[key].norm(), key


def test_each_micro_batch_updates_the_running_statistics_once():
    model, reference = build("baseline").train(), build("baseline").train()
    model.micro_batch = 3
    losses_and_gradients(model)
    with torch.no_grad():  # the same two passes, and no backward that repeats them
        clips = reference.data_preprocessor(batch())["inputs"]
        for rows in (slice(0, 3), slice(3, 5)):
            reference.extract(clips[rows])
    wanted = dict(reference.backbone.named_buffers())
    for name, found in model.backbone.named_buffers():
        torch.testing.assert_close(found, wanted[name], rtol=0, atol=0, msg=name)
    assert all(m.momentum == 0.1 for m in model.modules() if isinstance(m, _BatchNorm))


def test_statistics_are_means_over_the_micro_batches():
    model = with_norms_at_rest(build(micro_batch=2))
    model.head.terms = tuple(t for t in model.head.terms if t.name != "identity")
    terms, _ = losses_and_gradients(model)
    clips = model.data_preprocessor(batch())
    each = []
    with torch.no_grad():
        for start in (0, 2, 4):
            rows = slice(start, start + 2)
            keypoints = [sample.keypoints for sample in clips["data_samples"][rows]]
            with watching() as watched:
                model.extract(clips["inputs"][rows], torch.cat(keypoints))
            each.append(watched)
    for name in ("clamped_degrees", "attention_entropy"):
        mean = sum(float(statistics[name]) for statistics in each) / 3
        assert float(terms[name]) == pytest.approx(mean, rel=1e-4)


def test_fewer_activations_wait_for_the_backward():
    kept = {}
    for size in (None, 1):
        model = build("baseline", micro_batch=size).train()
        inputs, total = model.data_preprocessor(batch()), 0

        def note(tensor):
            nonlocal total
            total += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            model(**inputs, mode="loss")
        kept[size] = total
    assert kept[1] < 0.3 * kept[None]


def test_no_more_clips_than_asked_go_through_the_network_at_once():
    model, seen = build("baseline", micro_batch=2).train(), []
    model.backbone.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    losses_and_gradients(model)
    assert sorted(seen) == sorted(2 * [2 * T, 2 * T, T])


def test_a_micro_batch_of_no_clip_is_refused():
    with pytest.raises(ValueError, match="micro_batch must be None or at least 1, got 0"):
        build("baseline", backbone=BACKBONE, micro_batch=0)
