import copy

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import BaseDataElement
from torch import nn

from mmctl.models import BatchHardTripletLoss, FeatureHead
from mmctl.registry import MODELS
from tests.random_state import normal

TRIPLET = {"triplet": {"type": "mmctl.BatchHardTripletLoss", "margin": 2.0}}
LABELS = [0, 1, 0, 1]


def samples(labels=LABELS):
    return [BaseDataElement(gt_label=torch.tensor([label])) for label in labels]


class ClipHead(nn.Module):
    """As the heads of MMAction2: takes maps, pools them itself, and has no ``pre_logits``."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 2)

    def forward(self, feats, num_segs=1):
        return self.fc(feats.flatten(2).mean(2)).unflatten(0, (-1, num_segs)).mean(1)

    def loss(self, feats, data_samples, num_segs=1):
        labels = torch.cat([sample.gt_label for sample in data_samples])
        return {"loss_cls": nn.functional.cross_entropy(self(feats, num_segs), labels)}

    def predict(self, feats, data_samples, num_segs=1):
        for sample, score in zip(data_samples, self(feats, num_segs), strict=True):
            sample.set_field(score, "pred_score")
        return data_samples


@pytest.fixture
def head():
    MODELS.register_module(module=ClipHead, force=True)
    return MODELS.build(
        {"type": "mmctl.FeatureHead", "head": {"type": "ClipHead"}, "losses": TRIPLET}
    )


def test_the_feature_is_the_mean_over_places_and_over_the_clips_of_a_sample(head):
    feats = normal(8, 5, 3, 2, dtype=torch.float32)  # two frames of each sample
    predicted = head.predict(feats, samples(), num_segs=2)
    expected = feats.mean(dim=(2, 3)).unflatten(0, (4, 2)).mean(1)
    torch.testing.assert_close(torch.stack([sample.feature for sample in predicted]), expected)
    assert predicted[0].pred_score.shape == (2,)
    volume = feats.unsqueeze(2).expand(-1, -1, 4, -1, -1)
    torch.testing.assert_close(head.pre_logits(volume), head.pre_logits(feats))


def test_further_losses_see_the_features_and_labels_of_the_samples(head):
    feats = normal(8, 5, 3, 2, dtype=torch.float32)
    terms = head.loss(feats, samples(), num_segs=2)
    assert list(terms) == ["loss_cls", "loss_triplet"]
    features = torch.stack([s.feature for s in head.predict(feats, samples(), num_segs=2)])
    expected = BatchHardTripletLoss(margin=2.0)(features, torch.tensor(LABELS))
    torch.testing.assert_close(terms["loss_triplet"], expected)


def test_a_head_of_mmpretrain_keeps_what_it_does():
    pytest.importorskip("mmpretrain")
    plain = {"type": "mmpretrain.LinearClsHead", "num_classes": 2, "in_channels": 5}
    head = MODELS.build({"type": "FeatureHead", "head": plain, "losses": TRIPLET})
    feats = (normal(4, 5, dtype=torch.float32),)
    torch.testing.assert_close(head(feats), head.head(feats))
    predicted = head.predict(feats)  # without samples it makes new ones
    assert predicted[1].pred_score.shape == (2,)
    torch.testing.assert_close(predicted[1].feature, feats[0][1])
    data_samples = [sample.set_gt_label(index % 2) for index, sample in enumerate(predicted)]
    assert list(head.loss(feats, data_samples)) == ["loss", "loss_triplet"]


@pytest.mark.parametrize("load", [nn.Module.load_state_dict, load_state_dict])
def test_a_checkpoint_of_the_head_alone_loads(head, load):
    class Model(nn.Module):
        def __init__(self, cls_head):
            super().__init__()
            self.cls_head = cls_head

    plain, adapted = Model(ClipHead()), Model(head)
    load(adapted, copy.deepcopy(plain.state_dict()), strict=True)
    torch.testing.assert_close(adapted.cls_head.head.fc.weight, plain.cls_head.fc.weight)
    load(adapted, adapted.state_dict(), strict=True)


@pytest.mark.parametrize(
    ("feats", "given", "message"),
    [
        (torch.zeros(4, 7, 5), samples(), r"takes vectors .* got \(4, 7, 5\) from ClipHead"),
        ({"a": 1}, samples(), "takes vectors .* got dict from ClipHead"),
        (torch.zeros(4, 5), [BaseDataElement()] * 4, "need one gt_label per sample.*got None"),
        (torch.zeros(3, 5), samples([0, 1]), "as many features for each sample, got 3 for 2"),
    ],
)
def test_what_gives_no_feature_is_refused(head, monkeypatch, feats, given, message):
    monkeypatch.setattr(head.head, "loss", lambda *_: {})
    with pytest.raises(ValueError, match=message):
        head.loss(feats, given)


def test_a_loss_may_not_hide_one_of_the_head():
    MODELS.register_module(module=ClipHead, force=True)
    head = FeatureHead({"type": "ClipHead"}, {"cls": TRIPLET["triplet"]})
    with pytest.raises(ValueError, match="names that ClipHead does not use, got 'cls'"):
        head.loss(torch.zeros(4, 5, 1, 1), samples())
