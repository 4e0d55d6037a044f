"""Classifiers of the fusion head: a config's own, those with a margin, those that do not fit."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmctl.models.heads import FusionHead
from mmctl.models.layers import LinearClassifier
from mmctl.registry import MODELS
from tests.test_models.test_heads.small_fusion_head import (
    BRANCHES,
    CLASSES,
    LABELS,
    V_G,
    V_P,
    C,
    build,
)


class Scaled(nn.Module):
    def __init__(self, channels, num_classes, scale=2.0):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.ones(num_classes, channels))

    def forward(self, features):
        return self.scale * features @ self.weight.T


class Margin(Scaled):
    def forward(self, features, labels):
        return super().forward(features) - F.one_hot(labels, len(self.weight))


class Narrow(Scaled):
    def forward(self, features):
        return super().forward(features)[:, 1:]


def test_a_classifier_of_the_config_takes_the_place_of_the_linear_one():
    MODELS.register_module(module=Scaled)
    head = build(classifier={"type": "Scaled", "scale": 3.0}, neck="none")
    terms = head.loss(V_G, V_P, LABELS)
    for branch in BRANCHES:
        logits = 3 * head.fuse(branch, V_G, V_P) @ head.classifiers[branch].weight.T
        expected = F.cross_entropy(logits, LABELS, label_smoothing=0.1)
        assert terms[f"loss_identity_{branch}"].item() == pytest.approx(expected.item())
    assert build(losses={"identity": None}, neck="none", classifier={"type": "Scaled"}).predict(
        V_G, V_P
    ).shape == (3, C)


def test_a_classifier_that_asks_for_the_labels_gets_them():
    MODELS.register_module(module=Margin)
    head = build(classifier={"type": "Margin"}, neck="none")
    logits = 2 * head.fuse("sum", V_G, V_P) @ head.classifiers["sum"].weight.T
    logits = logits - F.one_hot(LABELS, CLASSES)
    expected = F.cross_entropy(logits, LABELS, label_smoothing=0.1).item()
    assert head.loss(V_G, V_P, LABELS)["loss_identity_sum"].item() == pytest.approx(expected)


def test_logits_of_another_number_of_classes_are_refused():
    MODELS.register_module(module=Narrow)
    head = build(classifier={"type": "Narrow"})
    with pytest.raises(ValueError, match=r"Narrow must return logits .* \(3, 4\), got \(3, 3\)"):
        head.loss(V_G, V_P, LABELS)


@pytest.mark.parametrize(
    ("classifier", "error", "message"),
    [
        ({"type": "Nobody"}, KeyError, "Nobody is not in the mmctl::model registry"),
        ({"channels": 3}, ValueError, "head.classifier must not set 'channels', because the head"),
        ({"type": "GraphConv3d"}, TypeError, "must take .* gives it channels, num_classes, but"),
    ],
)
def test_a_classifier_that_does_not_fit_is_named(classifier, error, message):
    with pytest.raises(error, match=message):
        FusionHead(C, CLASSES, classifier=classifier)


def test_the_default_classifier_draws_as_a_linear_layer_did():
    torch.manual_seed(3)
    found = LinearClassifier(C, CLASSES).weight
    torch.manual_seed(3)
    expected = nn.Linear(C, CLASSES, bias=False)
    nn.init.normal_(expected.weight, std=0.001)
    assert torch.equal(found, expected.weight)
