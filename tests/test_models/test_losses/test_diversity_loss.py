import pytest

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
