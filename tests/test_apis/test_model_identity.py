"""What a file of features says of its model."""

from __future__ import annotations

import pytest
from torch import nn

from mmctl.apis.inference.model_identity import choose_feature, describe_model
from mmctl.models.heads.fusion_head import FusionHead


def with_head(head: nn.Module) -> nn.Module:
    model = nn.Module()
    model.head = head
    return model


def test_the_feature_is_named_and_part_of_the_hash_whatever_the_config_says():
    model = with_head(FusionHead(8, 3, num_parts=0))
    plain, said = {"head": {"channels": 8}}, {"head": {"channels": 8, "test_feature": "before"}}
    first = describe_model(model, plain, [], False)
    assert first["feature"] == "before"
    assert describe_model(model, said, [], False) == first
    choose_feature(model, "after")
    second = describe_model(model, said, [], False)
    assert second["feature"] == "after"
    assert second["model"] != first["model"]


def test_a_head_without_a_choice_is_named():
    with pytest.raises(ValueError, match="needs a head that has both, as FusionHead, got a Linear"):
        choose_feature(with_head(nn.Linear(2, 2)), "after")
    assert describe_model(with_head(nn.Linear(2, 2)), {}, [], False)["feature"] == ""
