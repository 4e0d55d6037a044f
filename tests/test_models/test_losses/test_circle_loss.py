import pytest
import torch
from torch import nn

from mmctl.functional.circle import circle_terms
from mmctl.models.losses import CircleLoss
from tests.forked_processes import run_group
from tests.random_state import normal, randomize

FEATURES = normal(8, 3)
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 0, 2])


def test_it_is_the_weighted_mean_of_its_terms():
    loss = CircleLoss(margin=0.4, scale=8.0, loss_weight=0.5)
    terms = circle_terms(FEATURES, LABELS, margin=0.4, scale=8.0)
    torch.testing.assert_close(loss(FEATURES, LABELS), 0.5 * terms.mean())
    torch.testing.assert_close(loss(FEATURES, LABELS, reduction_override="none"), 0.5 * terms)


def test_the_defaults_are_the_authors_for_persons():
    assert vars(CircleLoss()).items() >= {"margin": 0.25, "scale": 64.0, "loss_weight": 1.0}.items()


def embed_and_differentiate(rows):
    layer = randomize(nn.Linear(3, 4).double())
    loss = CircleLoss(scale=4.0)(layer(FEATURES[rows]), LABELS[rows])
    loss.backward()
    return loss.item(), layer.weight.grad


def run_rank(rank, folder):
    torch.save(embed_and_differentiate(slice(4 * rank, 4 * rank + 4)), folder / f"{rank}.pt")


def test_two_processes_compare_the_clips_of_both(tmp_path):
    assert run_group(run_rank, tmp_path) == [0, 0]
    loss, gradient = embed_and_differentiate(slice(None))
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    assert [value for value, _ in found] == pytest.approx([loss, loss])
    torch.testing.assert_close((found[0][1] + found[1][1]) / 2, gradient)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 1.5}, "margin must be from 0 to 1, .* got 1.5"),
        ({"scale": 0.0}, "scale must be positive and finite, .* got 0.0"),
        ({"scale": float("inf")}, "scale must be positive and finite, .* got inf"),
        ({"mining": "none"}, "mining must be one of"),
        ({"reduction": "max"}, "reduction must be one of"),
    ],
)
def test_settings_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CircleLoss(**arguments)
