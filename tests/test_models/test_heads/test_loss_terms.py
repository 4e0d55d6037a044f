import pytest
import torch
from torch import nn

from mmctl.models.heads import FusionHead
from mmctl.models.watched_values import watch, watching
from mmctl.registry import MODELS
from tests.random_state import normal, randomize

C, CLASSES = 7, 4
LABELS = torch.tensor([0, 3, 0])
V_G, V_P = normal(3, 4, C), normal(3, 4, 5, C, seed=1)
BRANCHES = ("global", "sum", "concat")


class Reading(nn.Module):
    """What a term was called with."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def note(self, *given):
        self.seen.append(given)
        watch("norm", given[0].norm())
        return given[0].square().mean()


@pytest.fixture(autouse=True)
def _registered():
    class ReadsFeatures(Reading):
        def forward(self, features, labels):
            return self.note(features, labels)

    class ReadsAll(Reading):
        def forward(self, labels, parts, logits, features, weight=None):
            return self.note(features, logits, parts, labels)

    class ReadsParts(Reading):
        def __init__(self, loss_weight=1.0):
            super().__init__()
            self.loss_weight = loss_weight

        def forward(self, parts):
            return self.loss_weight * self.note(parts)

    class ReadsForeignNames(Reading):
        def forward(self, cls_score, label):
            return self.note(cls_score, label)

    class Learns(nn.Module):
        def __init__(self, channels, num_classes, start=2.0):
            super().__init__()
            self.centers = nn.Parameter(torch.full((num_classes, channels), start))

        def forward(self, features, labels):
            return (features - self.centers[labels]).square().mean()

    class PerClip(Reading):
        def forward(self, features):
            return features.mean(dim=1)

    class LabelsAlone(Reading):
        def forward(self, labels):
            return labels.float().mean()

    class NoModule:
        def forward(self, features):
            return features.mean()

    for module in (ReadsFeatures, ReadsAll, ReadsParts, ReadsForeignNames, Learns):
        MODELS.register_module(module=module)
    for module in (PerClip, LabelsAlone, NoModule):
        MODELS.register_module(module=module)


def build(**kwargs):
    return randomize(FusionHead(C, CLASSES, **kwargs).double())


def test_a_further_term_reads_the_features_before_the_neck_of_each_branch():
    head = build(losses={"mine": {"type": "ReadsFeatures"}})
    terms = head.loss(V_G, V_P, LABELS)
    assert set(terms) == set(build().loss(V_G, V_P, LABELS)) | {f"loss_mine_{b}" for b in BRANCHES}
    for branch in BRANCHES:
        ((features, labels),) = head.losses["mine"][branch].seen
        torch.testing.assert_close(features, head.fuse(branch, V_G, V_P))
        assert labels is LABELS
        assert terms[f"loss_mine_{branch}"].item() == features.square().mean().item()


def test_a_term_gets_what_its_parameters_are_named_after_in_any_order():
    head = build(losses={"mine": {"type": "ReadsAll"}})
    head.loss(V_G, V_P, LABELS)
    ((features, logits, parts, labels),) = head.losses["mine"]["sum"].seen
    assert (features.shape, logits.shape, labels.shape) == ((3, C), (3, CLASSES), (3,))
    torch.testing.assert_close(parts, V_P.mean(dim=1))


def test_a_term_that_reads_parts_alone_is_one_number():
    head = build(losses={"mine": {"type": "ReadsParts"}})
    assert "loss_mine" in head.loss(V_G, V_P, LABELS)
    assert len(head.losses["mine"].seen) == 1


def test_reads_gives_a_foreign_loss_its_arguments_in_order():
    cfg = {"type": "ReadsForeignNames", "reads": ("logits", "labels")}
    head = build(losses={"mine": cfg, "identity": None})
    head.loss(V_G, V_P, LABELS)
    ((logits, labels),) = head.losses["mine"]["concat"].seen
    assert logits.shape == (3, CLASSES)
    assert labels is LABELS
    foreign = {"type": "mmpretrain.CrossEntropyLoss", "reads": ["logits", "labels"]}
    terms = build(losses={"ce": foreign}).loss(V_G, V_P, LABELS)
    assert terms["loss_ce_sum"] > 0


@pytest.mark.parametrize("kind", ["ReadsFeatures", "ReadsParts"])
def test_a_term_is_weighted_once_by_its_class_or_by_the_head(kind):
    key = "loss_mine_sum" if kind == "ReadsFeatures" else "loss_mine"
    plain = build(losses={"mine": {"type": kind}}).loss(V_G, V_P, LABELS)[key]
    cfg = {"type": kind, "loss_weight": 0.25}
    weighted = build(losses={"mine": cfg}).loss(V_G, V_P, LABELS)[key]
    assert weighted.item() == pytest.approx(0.25 * plain.item())


def test_what_a_term_learns_of_one_feature_is_its_own():
    head = build(losses={"mine": {"type": "Learns", "start": 1.0}})
    names = {name for name in head.state_dict() if name.startswith("losses.")}
    assert names == {f"losses.mine.{branch}.centers" for branch in BRANCHES}
    assert head.losses["mine"]["sum"].centers.shape == (CLASSES, C)
    sum(head.loss(V_G, V_P, LABELS).values()).backward()
    assert all(head.losses["mine"][branch].centers.grad.any() for branch in BRANCHES)


def test_what_a_further_term_watches_has_its_name():
    head = build(losses={"mine": {"type": "ReadsFeatures"}, "more": {"type": "ReadsParts"}})
    with watching() as watched:
        head.loss(V_G, V_P, LABELS)
    assert {f"norm_mine_{branch}" for branch in BRANCHES} | {"norm_more"} < set(watched)


def test_the_terms_of_the_paper_need_no_names_and_keep_their_keys():
    assert [term.reads for term in build().terms] == [
        ("features", "labels"),
        ("logits", "labels"),
        ("parts",),
    ]
    assert [name for name in build().state_dict() if name.startswith("losses")] == []
    assert [name for name in build().state_dict() if name.startswith("classifiers")] == [
        f"classifiers.{branch}.weight" for branch in BRANCHES
    ]


def test_a_term_of_logits_takes_the_place_of_identity_behind_the_neck():
    cfg = {"type": "ReadsForeignNames", "reads": ("logits", "labels")}
    assert build(losses={"identity": None, "mine": cfg}).classifiers


@pytest.mark.parametrize(
    ("losses", "error", "message"),
    [
        (
            {"tripet": {"margin": 0.5}},
            ValueError,
            r"losses.tripet must be a config with the type of a loss, .* did you mean 'triplet'\?",
        ),
        ({"centre": None}, ValueError, "losses.centre must be a config .* got None"),
        ({"mine": "ReadsParts"}, TypeError, "losses.mine must be the config of a loss"),
        ({"a.b": {"type": "ReadsParts"}}, ValueError, "names that are Python names .* got 'a.b'"),
        ({"keys": {"type": "ReadsParts"}}, ValueError, "no attribute of a module, .* got 'keys'"),
        ({"mine": {"type": "Unknown"}}, KeyError, "Unknown is not in the mmctl::model registry"),
        (
            {"mine": {"type": "ReadsForeignNames"}},
            TypeError,
            r"parameters named features, logits, parts, labels, .* got cls_score, label; .* reads=",
        ),
        (
            {"mine": {"type": "ReadsForeignNames", "reads": ("logit", "labels")}},
            ValueError,
            "losses.mine.reads must be among features, logits, parts, labels, .* got 'logit'",
        ),
        (
            {"mine": {"type": "ReadsFeatures", "reads": ("features",)}},
            TypeError,
            r"must take \(features\), .* missing a required argument: 'labels'",
        ),
        ({"triplet": {"type": "ReadsParts"}}, TypeError, r"must take \(features, labels\)"),
        ({"mine": {"type": "LabelsAlone"}}, ValueError, "must read features, logits or parts"),
        ({"mine": {"type": "NoModule"}}, TypeError, "must be a subclass of torch.nn.Module"),
        (
            {"mine": {"type": "Learns", "strat": 1}},
            TypeError,
            "losses.mine: Learns must take the arguments of its config, but .*'strat'",
        ),
        (
            {"mine": {"type": "ReadsFeatures", "loss_weight": "2"}},
            TypeError,
            "losses.mine.loss_weight must be a number, got '2'",
        ),
        (
            {"mine": {"type": "ReadsFeatures"}, "mine_sum": {"type": "ReadsParts"}},
            ValueError,
            "called differently in the log.* got loss_mine_sum twice",
        ),
    ],
)
def test_a_wrong_term_is_refused_when_the_head_is_built(losses, error, message):
    with pytest.raises(error, match=message):
        FusionHead(C, CLASSES, losses=losses)


def test_parts_are_not_read_where_there_are_none():
    with pytest.raises(ValueError, match=r"losses.mine needs parts, got num_parts=0"):
        FusionHead(C, CLASSES, num_parts=0, losses={"mine": {"type": "ReadsParts"}})


def test_a_term_of_several_numbers_is_refused():
    head = build(losses={"mine": {"type": "PerClip"}})
    with pytest.raises(TypeError, match=r"PerClip must return one number, .* of shape \(3,\)"):
        head.loss(V_G, V_P, LABELS)
