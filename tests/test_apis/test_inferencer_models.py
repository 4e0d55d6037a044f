"""Models of an inferencer: from files, names, configs; those that cannot be built."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from mmctl.apis import TrackletInferencer, get_model, init_model, list_models
from tests.test_apis.tiny_checkpoint import small_config


def features_of(results):
    return np.stack([prediction["feature"] for prediction in results["predictions"]])


def test_models_come_from_files_names_configs_and_built_ones(checkpoints, drawn_mars, crops):
    weights, folder = checkpoints["baseline"], crops("a", 2)
    cfg = small_config("baseline", drawn_mars)
    built = get_model(cfg, pretrained=weights, device="cpu")
    expected = features_of(TrackletInferencer(built, device="cpu", show_progress=False)(folder))
    for model in (cfg, cfg.to_dict(), None):
        inferencer = TrackletInferencer(model, weights, "cpu", show_progress=False)
        assert np.array_equal(features_of(inferencer(folder)), expected)
    changed = get_model("mmctl::quickstart/baseline_r18_quickstart.py", head={"num_classes": 8})
    assert sum(map(torch.numel, changed.parameters())) == sum(map(torch.numel, built.parameters()))
    again = init_model(cfg, weights)
    assert all(map(torch.equal, again.state_dict().values(), built.state_dict().values()))
    assert not again.training


def test_models_are_listed_by_patterns():
    names = list_models()
    assert "ctl_r50_1xb32-240e_mars-256x128" in names
    assert names == sorted(names) == TrackletInferencer.list_models()
    assert list_models("baseline") == [name for name in names if name.startswith("baseline")]
    assert list_models(exclude_patterns=["c"]) == list_models("[!c]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cuda:99"}, "device must be one of this machine.*'cuda:99'"),
        ({"device": "teapot"}, "device must be one of this machine.*'teapot'"),
        ({"device": "meta"}, "device must be one of this machine.*'meta'"),
        ({"model": "no_such_model"}, "a name of list_models.*'no_such_model'"),
        ({"model": "mmpose::x"}, "must be one of mmctl"),
        ({"model": {"a": 1}}, "must have a model"),
        ({"model": {"model": {"type": "X"}}, "num_workers": -1}, "num_workers must be 0 or more"),
        ({}, "needs a model or weights"),
    ],
)
def test_what_cannot_be_built_is_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        TrackletInferencer(**arguments)
    assert "\n" not in str(caught.value)


def test_weights_of_another_model_are_refused(checkpoints, drawn_mars):
    cfg = small_config("baseline", drawn_mars)
    with pytest.raises(ValueError, match=r"ctl.pth' does not fit VideoReID"):
        TrackletInferencer(cfg, checkpoints["ctl"], "cpu")


def test_a_config_without_a_test_pipeline_is_refused(drawn_mars):
    cfg = small_config("baseline", drawn_mars)
    cfg.pop("test_dataloader")
    with pytest.raises(ValueError, match=r"must have test_dataloader.dataset.pipeline"):
        TrackletInferencer(cfg, device="cpu")


@pytest.mark.parametrize("part", ["model", "test_dataloader"])
def test_a_class_that_no_module_of_the_checkpoint_has_is_named(
    part, checkpoints, drawn_mars, tmp_path, monkeypatch
):
    (tmp_path / "strange_losses.py").write_text("value = 1\n")
    content = torch.load(checkpoints["baseline"], weights_only=False)
    cfg = small_config("baseline", drawn_mars)
    cfg.custom_imports.imports.append("strange_losses")
    if part == "model":
        cfg.model.backbone.type = "StrangeBlock"
    else:
        cfg.test_dataloader.dataset.pipeline[0].type = "StrangeBlock"
    content["message_hub"] = {"runtime_info": {"cfg": cfg.pretty_text}}
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a.pth': .*imported.* no 'strange_losses' .*PYTHONPATH"):
        TrackletInferencer(weights=tmp_path / "a.pth", device="cpu")
    monkeypatch.syspath_prepend(tmp_path)
    message = r"a.pth': .* none of .*strange_losses\) has 'StrangeBlock'; PYTHONPATH"
    try:
        with pytest.raises(ValueError, match=message):
            TrackletInferencer(weights=tmp_path / "a.pth", device="cpu")
    finally:
        sys.modules.pop("strange_losses", None)
