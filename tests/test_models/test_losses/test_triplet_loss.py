import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from mmctl.functional.losses import triplet_terms
from mmctl.models.losses import BatchHardTripletLoss
from mmctl.models.watched_values import watching
from tests.forked_processes import run_group
from tests.random_state import normal, randomize
from tests.references import equations


@pytest.mark.parametrize(("margin", "weight"), [(0.3, 1.0), (2.0, 0.5)])
def test_the_loss_has_a_margin_and_a_weight(margin, weight):
    features, labels = normal(5, 3), torch.tensor([0, 1, 0, 1, 1])
    expected = weight * equations.batch_hard_triplet(features.numpy(), labels.tolist(), margin)
    loss = BatchHardTripletLoss(margin, weight)(features, labels)
    assert loss.item() == pytest.approx(expected)


def test_the_defaults_are_the_paper_s():
    assert vars(BatchHardTripletLoss()).items() >= {"margin": 0.3, "loss_weight": 1.0}.items()


def test_the_share_of_active_anchors_is_kept():
    loss = BatchHardTripletLoss(margin=0.3)
    # 0 and 0.1 are one person, 1 and 5 another: only 1 is nearer to a stranger than to itself.
    features = torch.tensor([[0.0], [0.1], [1.0], [5.0]], requires_grad=True)
    with watching() as watched:
        loss(features, torch.tensor([0, 0, 1, 1]))
    assert watched["active_triplets"].item() == 0.25
    assert not watched["active_triplets"].requires_grad


FEATURES = normal(8, 3)
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 0, 2])


def embed_and_differentiate(rows):
    """Return the loss of some rows of the batch and its gradient in a shared linear layer."""
    layer = randomize(nn.Linear(3, 4).double())
    loss = BatchHardTripletLoss(margin=2.0)(layer(FEATURES[rows]), LABELS[rows])
    loss.backward()
    return loss.item(), layer.weight.grad


@pytest.fixture
def log(caplog):
    """Let pytest see what MMEngine's current logger says."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [1, 1, 1, 1], [7]])
def test_batches_without_triplets_are_warned_of_once(log, labels):
    loss, labels = BatchHardTripletLoss(), torch.tensor(labels)
    for _ in range(3):
        loss(normal(len(labels), 2), labels)
    (record,) = [record for record in log.records if "BatchHardTripletLoss" in record.message]
    assert record.levelname == "WARNING"
    assert f"no clip of a batch of {len(labels)} has both" in record.message


@pytest.mark.parametrize("labels", [[0, 0, 1], [0, 1, 2, 3, 3]])
def test_one_clip_with_partner_and_stranger_is_enough(log, labels):
    BatchHardTripletLoss()(normal(len(labels), 2), torch.tensor(labels))
    assert not log.records


def test_a_last_batch_of_one_person_is_warned_of_too(log):
    loss = BatchHardTripletLoss()
    loss(normal(4, 2), torch.tensor([0, 0, 1, 1]))
    assert not log.records
    loss(normal(2, 2), torch.tensor([5, 5]))
    assert len(log.records) == 1


def run_rank(rank, folder):
    torch.save(embed_and_differentiate(slice(4 * rank, 4 * rank + 4)), folder / f"{rank}.pt")


def test_two_processes_mine_the_batch_of_both(tmp_path):
    assert run_group(run_rank, tmp_path) == [0, 0]
    loss, gradient = embed_and_differentiate(slice(None))
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    # DDP logs the loss of a process and applies the mean of the gradients.
    assert [value for value, _ in found] == pytest.approx([loss, loss])
    torch.testing.assert_close((found[0][1] + found[1][1]) / 2, gradient)
    halves = [embed_and_differentiate(slice(start, start + 4))[0] for start in (0, 4)]
    assert sum(halves) / 2 != pytest.approx(loss)


def warn_of_rank(rank, folder, mining):
    loss = BatchHardTripletLoss(mining=mining)
    loss(normal(2, 2), torch.tensor([rank, rank]))
    torch.save(loss._has_warned, folder / f"{rank}-{mining}.pt")


@pytest.mark.parametrize(("mining", "warned"), [("global", False), ("per-rank", True)])
def test_the_batch_of_all_processes_counts_where_it_is_mined(tmp_path, mining, warned):
    assert run_group(warn_of_rank, tmp_path, mining) == [0, 0]
    assert [torch.load(tmp_path / f"{rank}-{mining}.pt") for rank in range(2)] == [warned] * 2


def test_it_takes_what_openmmlab_s_heads_hand_to_a_loss():
    features, labels = normal(5, 3), torch.tensor([0, 1, 0, 1, 1])
    loss = BatchHardTripletLoss(loss_weight=0.5)
    terms = 0.5 * triplet_terms(features, labels)
    weight = torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0])
    torch.testing.assert_close(loss(features, labels, avg_factor=8), terms.sum() / 8)
    torch.testing.assert_close(loss(features, labels, weight), (terms * weight).mean())
    torch.testing.assert_close(
        loss(features, labels[:, None], weight[:, None]), (terms * weight).mean()
    )
    torch.testing.assert_close(loss(features, labels, reduction_override="none"), terms)
    torch.testing.assert_close(loss(features, labels, reduction_override="sum"), terms.sum())
    summed = BatchHardTripletLoss(loss_weight=0.5, reduction="sum")
    torch.testing.assert_close(summed(features, labels), terms.sum())
    assert summed(features, labels, reduction_override="mean") == loss(features, labels)


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (normal(4, 8), torch.eye(4), r"one whole number per feature, \(4,\) or \(4, 1\).*one-hot"),
        (normal(4, 8), torch.rand(4), r"one whole number per feature.*float32 \(4,\)"),
        (normal(4, 8), torch.arange(3), r"one whole number per feature.*int64 \(3,\)"),
        (
            normal(4, 8, 2, 1),
            torch.arange(4),
            r"one feature per item, \(B, C\), got \(4, 8, 2, 1\)",
        ),
    ],
)
def test_labels_and_features_of_other_tasks_are_refused(features, labels, message):
    with pytest.raises(ValueError, match=message):
        BatchHardTripletLoss()(features, labels)


@pytest.mark.parametrize("arguments", [{"mining": "none"}, {"reduction": "max"}])
def test_unknown_settings_are_refused(arguments):
    with pytest.raises(ValueError, match="must be one of"):
        BatchHardTripletLoss(**arguments)


WEIGHT = torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 0.25, 1.0])


def weigh_rank(rank, folder):
    rows = slice(4 * rank, 4 * rank + 4)
    loss = BatchHardTripletLoss(margin=2.0)
    value = loss(FEATURES[rows], LABELS[rows], WEIGHT[rows], avg_factor=3 + rank)
    try:
        loss(FEATURES[rows], LABELS[rows], reduction_override="none")
    except ValueError as error:
        torch.save((value, str(error)), folder / f"{rank}.pt")


def test_weights_and_factors_of_two_processes_are_those_of_both(tmp_path):
    assert run_group(weigh_rank, tmp_path) == [0, 0]
    expected = BatchHardTripletLoss(margin=2.0)(FEATURES, LABELS, WEIGHT, avg_factor=7)
    for rank in range(2):
        value, message = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(value, expected)
        assert "reduction 'none' needs mining='per-rank'" in message
