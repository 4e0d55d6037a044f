import math

import numpy as np
import pytest
import torch

from mmctl.functional import losses
from tests.random_state import normal
from tests.references import equations


@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("labels", [[0, 1, 0, 2, 1, 0, 2], [4, 4, 4, 9, 9, 9, 9]])
def test_triplet_equals_the_loops(margin, labels):
    features, labels = normal(7, 5), torch.tensor(labels)
    loss = losses.batch_hard_triplet(features, labels, margin=margin)
    expected = equations.batch_hard_triplet(features.numpy(), labels.tolist(), margin)
    assert loss.item() == pytest.approx(expected)
    assert loss.dim() == 0


def test_triplet_of_a_worked_example():
    # On a line: a at 0 and 1, b at 1.5 and 4.
    features, labels = torch.tensor([[0.0], [1.0], [1.5], [4.0]]), torch.tensor([0, 0, 1, 1])
    positive, negative = losses.hardest_distances(features, labels)
    torch.testing.assert_close(positive, torch.tensor([1.0, 1.0, 2.5, 2.5]))
    torch.testing.assert_close(negative, torch.tensor([1.5, 0.5, 0.5, 3.0]))
    # Margin 0.3: 0.3 + 1 - 1.5 < 0; 0.3 + 1 - 0.5 = 0.8; 0.3 + 2.5 - 0.5 = 2.3; 0.3 + 2.5 - 3 < 0.
    loss = losses.batch_hard_triplet(features, labels)
    assert loss.item() == pytest.approx((0.8 + 2.3) / 4)


def test_each_anchor_has_its_own_term():
    # On a line: 0 and 1 are one person, 1.2 and 5 another; margin 0.3. The hardest positive and
    # negative of each: 1 and 1.2; 1 and 0.2; 3.8 and 0.2; 3.8 and 4.
    features = torch.tensor([[0.0], [1.0], [1.2], [5.0]], dtype=torch.float64)
    terms = losses.triplet_terms(features, torch.tensor([0, 0, 1, 1]), margin=0.3)
    expected = torch.tensor([0.1, 1.1, 3.9, 0.1], dtype=torch.float64)
    torch.testing.assert_close(terms, expected)


def test_distances_are_euclidean_and_not_squared():
    positive, _ = losses.hardest_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.zeros(2))
    torch.testing.assert_close(positive, torch.tensor([5.0, 5.0]))


def test_the_order_of_the_batch_does_not_matter():
    features, labels, order = normal(6, 4), torch.tensor([0, 0, 1, 1, 2, 2]), [3, 5, 0, 2, 4, 1]
    expected = losses.batch_hard_triplet(features, labels)
    torch.testing.assert_close(losses.batch_hard_triplet(features[order], labels[order]), expected)


def test_moving_all_features_changes_nothing():
    features, labels = normal(6, 4), torch.tensor([0, 0, 1, 1, 2, 2])
    expected = losses.batch_hard_triplet(features, labels)
    torch.testing.assert_close(losses.batch_hard_triplet(features + 3, labels), expected)


def test_separated_identities_cost_nothing():
    features = torch.tensor([[0.0, 0.0], [0.1, 0.0], [9.0, 0.0], [9.0, 0.1]], requires_grad=True)
    loss = losses.batch_hard_triplet(features, torch.tensor([3, 3, 8, 8]))
    loss.backward()
    assert loss.item() == 0.0
    assert not features.grad.any()


def test_a_batch_of_one_identity_costs_nothing_and_has_finite_gradients():
    features = normal(4, 3).requires_grad_()
    loss = losses.batch_hard_triplet(features, torch.zeros(4, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0.0
    assert features.grad.isfinite().all()


def test_an_anchor_alone_of_its_identity_is_its_own_positive():
    # Each anchor: 0.3 + 0 - 0.2 = 0.1.
    features = torch.tensor([[0.0], [0.2]])
    loss = losses.batch_hard_triplet(features, torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(0.1)


def test_duplicated_clips_of_large_norm_are_at_distance_zero_with_finite_gradients():
    row = normal(1, 2048, dtype=torch.float32) * 280 / math.sqrt(2048)
    features = torch.cat([row, row, row + 0.001]).requires_grad_()
    labels = torch.tensor([0, 0, 1])
    positive, negative = losses.hardest_distances(features, labels)
    assert positive.abs().max().item() == 0.0
    assert negative[0].item() == pytest.approx(0.001 * math.sqrt(2048), rel=1e-2)
    losses.batch_hard_triplet(features, labels).backward()
    assert features.grad.isfinite().all()
    assert features.grad.any()


def test_a_batch_of_copies_costs_the_margin():
    features = torch.ones(4, 3, requires_grad=True)
    loss = losses.batch_hard_triplet(features, torch.tensor([0, 0, 1, 1]), margin=0.7)
    loss.backward()
    assert loss.item() == pytest.approx(0.7)
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_distances_stay_float32_under_autocast(dtype):
    features, labels = (20 * normal(6, 64)).to(dtype), torch.tensor([0, 0, 1, 1, 2, 2])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = losses.batch_hard_triplet(features, labels, margin=90.0)
    assert loss.dtype == torch.float32
    expected = equations.batch_hard_triplet(features.double().numpy(), labels.tolist(), 90.0)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_gradients_of_the_triplet_loss_pass_gradcheck():
    features, labels = normal(6, 3).requires_grad_(), torch.tensor([0, 1, 0, 2, 2, 1])
    assert torch.autograd.gradcheck(
        lambda x: losses.batch_hard_triplet(x, labels, margin=2.0), (features,)
    )


@pytest.mark.parametrize(("shape", "count"), [((3, 4), 2), ((3,), 3), ((3, 2, 4), 3)])
def test_features_and_labels_that_do_not_fit_are_named(shape, count):
    with pytest.raises(ValueError, match=rf"one label per row, got features \(3.*labels \({count}"):
        losses.batch_hard_triplet(torch.zeros(shape), torch.zeros(count))


def test_diversity_equals_the_loops():
    parts = normal(2, 3, 5)
    loss = losses.part_diversity(parts)
    assert loss.item() == pytest.approx(equations.part_diversity(parts.numpy()))
    assert loss.dim() == 0


def test_diversity_of_a_worked_example():
    # Cosine of (1, 0) and (3, 4) is 0.6: two entries of 0.36. The second clip is orthogonal: 0.
    parts = torch.tensor([[[2.0, 0.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 9.0]]])
    assert losses.part_diversity(parts).item() == pytest.approx((0.72 + 0.0) / 2)


def test_orthonormal_parts_cost_nothing_and_identical_ones_twenty():
    assert losses.part_diversity(3 * torch.eye(5).expand(2, 5, 5)).item() == pytest.approx(0.0)
    identical = normal(2, 1, 7).expand(2, 5, 7)
    assert losses.part_diversity(identical).item() == pytest.approx(20.0)


def test_diversity_is_a_mean_over_clips_and_ignores_lengths():
    parts = normal(3, 5, 7)
    single = [losses.part_diversity(parts[i : i + 1]).item() for i in range(3)]
    assert losses.part_diversity(parts).item() == pytest.approx(np.mean(single))
    lengths = torch.tensor([0.1, 2.0, 30.0, 4.0, 5.0], dtype=torch.float64).view(5, 1)
    assert losses.part_diversity(parts * lengths).item() == pytest.approx(np.mean(single))


def test_a_zero_part_gives_finite_gradients():
    parts = torch.zeros(1, 5, 4, requires_grad=True)
    losses.part_diversity(parts).backward()
    assert parts.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_diversity_stays_float32_under_autocast(dtype):
    parts = normal(2, 5, 64).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = losses.part_diversity(parts)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(equations.part_diversity(parts.double().numpy()), rel=1e-4)


def test_gradients_of_diversity_pass_gradcheck():
    assert torch.autograd.gradcheck(losses.part_diversity, (normal(2, 3, 4).requires_grad_(),))


def test_each_clip_has_its_own_term_of_diversity():
    parts = normal(4, 3, 5)
    terms = losses.diversity_terms(parts)
    expected = [equations.part_diversity(parts[index : index + 1].numpy()) for index in range(4)]
    torch.testing.assert_close(terms, torch.tensor(expected, dtype=terms.dtype))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("avg_factor", [None, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_terms_are_reduced_as_mmpretrain_s_losses_do(reduction, avg_factor, weighted):
    weight_reduce_loss = pytest.importorskip("mmpretrain.models.losses.utils").weight_reduce_loss
    terms, weight = normal(5), normal(5, seed=1) if weighted else None
    given = {"weight": weight, "reduction": reduction, "avg_factor": avg_factor}
    if (reduction, avg_factor) == ("sum", 7):
        with pytest.raises(ValueError, match="reduction='sum' does not ask for, got avg_factor=7"):
            losses.reduce_terms(terms, **given)
    else:
        torch.testing.assert_close(
            losses.reduce_terms(terms, **given), weight_reduce_loss(terms, **given)
        )


def test_a_weighted_mean_is_over_all_terms():
    # (1 * 0.5 + 2 * 0 + 6 * 1) / 3 = 6.5 / 3.
    terms, weight = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([[0.5], [0.0], [1.0]])
    assert losses.reduce_terms(terms, weight=weight).item() == pytest.approx(6.5 / 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reduction": "max"}, r"reduction must be one of .*, got 'max'"),
        ({"weight": torch.ones(2)}, r"weight must be one number per item .*\(3,\).*got \(2,\)"),
        ({"weight": torch.ones(1, 1, 3)}, r"weight must be one number.*got \(1, 1, 3\)"),
    ],
)
def test_terms_that_cannot_be_reduced_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        losses.reduce_terms(torch.ones(3), **changes)


@pytest.mark.parametrize("margin", ["hard", math.nan, math.inf])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ValueError, match="margin must be a finite number or 'soft', got"):
        losses.check_margin(margin)
