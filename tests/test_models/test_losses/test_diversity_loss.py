import pytest
import torch

from mmctl.functional.losses import diversity_terms
from mmctl.models.losses import DiversityLoss
from tests.random_state import normal
from tests.references import equations


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_loss_has_a_weight(weight):
    parts = normal(2, 5, 7)
    loss = DiversityLoss(weight)(parts)
    assert loss.item() == pytest.approx(weight * equations.part_diversity(parts.numpy()))


def test_the_default_weight_is_the_paper_s():
    assert DiversityLoss().loss_weight == 1.0


def test_it_takes_what_openmmlab_s_heads_hand_to_a_loss():
    parts, loss = normal(3, 5, 7), DiversityLoss(0.5)
    terms, weight = 0.5 * diversity_terms(parts), torch.tensor([1.0, 0.0, 2.0])
    torch.testing.assert_close(loss(parts, torch.arange(3), avg_factor=6), terms.sum() / 6)
    torch.testing.assert_close(loss(parts, weight=weight[:, None]), (terms * weight).mean())
    torch.testing.assert_close(loss(parts, reduction_override="none"), terms)
    torch.testing.assert_close(DiversityLoss(0.5, "sum")(parts), terms.sum())


def test_features_that_are_no_parts_are_refused():
    with pytest.raises(ValueError, match=r"parts of each clip, \(B, N, C\).*got \(8, 4\)"):
        DiversityLoss()(normal(8, 4), torch.arange(8), avg_factor=8)
    with pytest.raises(ValueError, match="reduction must be one of"):
        DiversityLoss(reduction="max")
