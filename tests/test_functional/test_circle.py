import numpy as np
import pytest
import torch

from mmctl.functional.circle import circle_terms
from tests.random_state import normal
from tests.references.circle import circle_loss

LABELS = [0, 1, 0, 2, 1, 0, 3]


@pytest.mark.parametrize(("margin", "scale"), [(0.25, 1.0), (0.4, 8.0), (0.0, 20.0)])
def test_the_terms_equal_the_loops(margin, scale):
    features = normal(7, 5)
    terms = circle_terms(features, torch.tensor(LABELS), margin=margin, scale=scale)
    expected = circle_loss(features.numpy(), LABELS, margin, scale)
    # Beyond 20 torch takes log(1 + exp(x)) for x.
    assert terms.tolist() == pytest.approx(expected, rel=1e-9)
    # Who has no other clip, or no stranger, adds nothing.
    assert terms[3].item() == terms[6].item() == 0


def test_the_gradient_takes_the_weights_of_pairs_for_constants():
    features, labels, step = normal(5, 3), [0, 1, 0, 1, 2], 1e-6
    leaf = features.clone().requires_grad_()
    circle_terms(leaf, torch.tensor(labels), scale=4.0).sum().backward()
    expected = np.zeros((5, 3))
    for place in np.ndindex(5, 3):
        moved = [features.numpy().copy() for _ in range(2)]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (sum(circle_loss(m, labels, 0.25, 4.0, features.numpy())) for m in moved)
        expected[place] = (up - down) / (2 * step)
    assert leaf.grad.numpy() == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_a_worked_example():
    # Two pairs at right angles to each other: s_p = 1, s_n = 0. Weights 1.25 - 1 and 0 + 0.25.
    features = torch.eye(2, dtype=torch.float64)[[0, 0, 1, 1]]
    terms = circle_terms(features, torch.tensor([0, 0, 1, 1]), margin=0.25, scale=16.0)
    pull, push = 16 * 0.25 * (1 - 0.75), 16 * 0.25 * 0.25
    expected = np.log(1 + np.exp(-pull) * 2 * np.exp(-push))
    assert terms.tolist() == pytest.approx([expected] * 4)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [5]])
def test_batches_without_triplets_cost_nothing_and_have_finite_gradients(labels):
    features = normal(len(labels), 4, dtype=torch.float32).requires_grad_()
    terms = circle_terms(features, torch.tensor(labels), scale=256.0)
    terms.sum().backward()
    assert not terms.any()
    assert torch.equal(features.grad, torch.zeros_like(features))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_cosines_stay_float32_under_autocast(dtype):
    features = (20 * normal(7, 64)).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = circle_terms(features, torch.tensor(LABELS))
    assert terms.dtype == torch.float32
    expected = circle_loss(features.double().numpy(), LABELS, 0.25, 64.0)
    assert terms.tolist() == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("shape", "count"), [((3, 4), 2), ((3,), 3), ((3, 2, 4), 3)])
def test_features_and_labels_that_do_not_fit_are_named(shape, count):
    with pytest.raises(ValueError, match="one label per row, got features"):
        circle_terms(torch.zeros(shape), torch.zeros(count))
