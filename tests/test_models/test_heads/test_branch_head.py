import math

import pytest
import torch
import torch.nn.functional as F

from mmctl.models.heads import BranchHead
from mmctl.models.losses import BatchHardTripletLoss
from tests.random_state import normal, randomize
from tests.references import zoo

WIDTHS, CLASSES = {"one": 5, "two": 3}, 4
LABELS = torch.tensor([0, 0, 3, 3])
FEATURES = {"one": normal(4, 5), "two": normal(4, 3, seed=1)}
COSINE = {"type": "mmctl.BatchHardTripletLoss", "metric": "cosine"}
PLAIN = {"type": "mmpretrain.CrossEntropyLoss"}


def build(**changes):
    return randomize(BranchHead(WIDTHS, CLASSES, **changes).double())


def normalized(head, name):
    """The batch norm of a training batch, by its definition."""
    feature, norm = FEATURES[name], head.necks[name]
    spread = ((feature - feature.mean(0)).square().mean(0) + norm.eps).sqrt()
    return (norm.weight * (feature - feature.mean(0)) / spread + norm.bias).detach()


@pytest.mark.parametrize("neck", ["bn", "bnneck"])
def test_cosine_triplets_after_the_neck_equal_the_loops(neck):
    terms = {"triplet": {**COSINE, "reads": ("normalized", "labels")}, "identity": PLAIN}
    head = build(neck=neck, losses=terms, classifier={"bias": True})
    made = head.loss(FEATURES, None, LABELS)
    assert set(made) == {f"loss_{kind}_{name}" for kind in terms for name in WIDTHS}
    for name in WIDTHS:
        after = normalized(head, name)
        expected = zoo.batch_hard(zoo.cosine_distances(after.numpy()), LABELS.tolist(), 0.3)
        assert made[f"loss_triplet_{name}"].item() == pytest.approx(expected)
        layer = head.classifiers[name]
        logits = after @ layer.weight.T + layer.bias
        expected = F.cross_entropy(logits, LABELS)
        assert made[f"loss_identity_{name}"].item() == pytest.approx(expected.item())


def test_triplets_of_all_branches_at_once_read_them_in_one_row():
    head = build(losses={"triplet": {"type": COSINE["type"], "reads": ("concat", "labels")}})
    made = head.loss(FEATURES, None, LABELS)
    whole = torch.cat([FEATURES["one"], FEATURES["two"]], dim=1)
    distances = torch.cdist(whole, whole).tolist()
    expected = zoo.batch_hard(distances, LABELS.tolist(), 0.3)
    assert made["loss_triplet"].item() == pytest.approx(expected)
    assert "loss_triplet_one" not in made


def test_soft_margins_equal_the_loops():
    loss = BatchHardTripletLoss(margin="soft")
    distances = torch.cdist(FEATURES["one"], FEATURES["one"]).tolist()
    expected = zoo.batch_hard(distances, LABELS.tolist(), "soft")
    assert loss(FEATURES["one"], LABELS).item() == pytest.approx(expected)
    # Three clips of one person: no negative, so nothing to learn.
    assert loss(FEATURES["one"], torch.zeros(4, dtype=torch.long)).item() == 0


def test_the_soft_margin_of_a_worked_example():
    # Clips at 0 and 1 of one person, at 3 of another: gaps 1 - 3, 1 - 2 and 0 - 2.
    loss = BatchHardTripletLoss(margin="soft")
    features = torch.tensor([[0.0], [1.0], [3.0]])
    expected = (2 * math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))) / 3
    assert loss(features, torch.tensor([0, 0, 1])).item() == pytest.approx(expected)


@pytest.mark.parametrize("changes", [{"margin": "hard"}, {"metric": "angle"}])
def test_unknown_margins_and_metrics_are_refused(changes):
    with pytest.raises(ValueError, match=f"got '{next(iter(changes.values()))}'"):
        BatchHardTripletLoss(**changes)


def test_the_mean_divides_the_terms_of_branches_by_their_number():
    total, share = build(), build(reduce="mean")
    share.load_state_dict(total.state_dict())
    summed = total.loss(FEATURES, None, LABELS)
    for name, value in share.loss(FEATURES, None, LABELS).items():
        torch.testing.assert_close(2 * value, summed[name])


def test_one_more_feature_of_a_branch_goes_through_its_neck_and_classifier():
    head, twin = build(), build()
    twin.load_state_dict(head.state_dict())
    more = {**FEATURES, "two.1": normal(4, 3, seed=2)}
    made = head.loss(more, None, LABELS)
    alone = twin.loss({**FEATURES, "two": more["two.1"]}, None, LABELS)
    for kind in ("triplet", "identity"):
        torch.testing.assert_close(made[f"loss_{kind}_two.1"], alone[f"loss_{kind}_two"])
    head.eval()
    assert head.predict(more, None).shape == (4, 8)


def test_the_retrieval_feature_joins_the_branches_after_the_neck():
    head = build(retrieve={"branches": ("two", "one")}).eval()
    expected = [
        F.batch_norm(FEATURES[n], m.running_mean, m.running_var, m.weight, m.bias)
        for n, m in (("two", head.necks["two"]), ("one", head.necks["one"]))
    ]
    torch.testing.assert_close(head.predict(FEATURES, None), torch.cat(expected, dim=1))
    head.choose_test_feature("before")
    before = torch.cat([FEATURES["two"], FEATURES["one"]], dim=1)
    torch.testing.assert_close(head.predict(FEATURES, None), before)


def test_each_branch_gets_length_one_after_the_clips_were_averaged():
    head = build(retrieve={"normalize_each": True})
    mean = normal(8, seed=3)
    made = head.finish(mean)
    torch.testing.assert_close(made[:5], mean[:5] / mean[:5].norm())
    torch.testing.assert_close(made[5:], mean[5:] / mean[5:].norm())
    assert torch.equal(build().finish(mean), mean)


def test_the_shift_of_a_bnneck_is_not_trained():
    assert not build(neck="bnneck").necks["one"].bias.requires_grad
    assert build(neck="bn").necks["one"].bias.requires_grad


def test_without_neck_the_features_themselves_are_classified():
    head = build(neck="none")
    assert head.test_feature == "before"
    layer = head.classifiers["one"]
    expected = FEATURES["one"] @ layer.weight.T
    torch.testing.assert_close(head.classify("one", FEATURES["one"], LABELS), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neck": "ln"}, "neck must be one of .* got 'ln'"),
        ({"reduce": "max"}, "reduce must be 'sum' or 'mean', got 'max'"),
        ({"retrieve": {"branches": ("three",)}}, r"must be some of one, two, got \('three',\)"),
        ({"retrieve": {"branch": "one"}}, "retrieve knows branches, at, .* got 'branch'"),
        ({"retrieve": {"at": "within"}}, "must be 'before' or 'after', got 'within'"),
        (
            {"losses": {"diversity": {"type": "mmctl.DiversityLoss"}}},
            "losses.diversity needs parts",
        ),
        (
            {"neck": "none", "losses": {"triplet": {**COSINE, "reads": ("normalized", "labels")}}},
            "losses.triplet reads features after the neck, got neck='none'",
        ),
        ({"losses": {"identity": None}}, "needs losses.identity, got None"),
    ],
)
def test_a_head_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


@pytest.mark.parametrize("name", ["a.1", "global", "two words"])
def test_names_of_branches_are_those_that_a_config_can_have(name):
    with pytest.raises(ValueError, match=f"those that Python takes, .* got {name}"):
        BranchHead({name: 3}, CLASSES)
