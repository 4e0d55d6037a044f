"""Every config file loads, has known keys only, builds, and says what it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmctl.engine import check_config
from mmctl.models.pose.pose_estimator import build_estimator
from mmctl.registry import MODELS

ROOT = Path(__file__).resolve().parents[1] / "configs"
CONFIGS = sorted(path for path in ROOT.rglob("*.py") if "_base_" not in path.parts)
POSE = [path for path in CONFIGS if path.parent.name == "pose"]
REID = [path for path in CONFIGS if path not in POSE]
# A few lines each, which tests/test_ctl_plus.py builds small: large ones take seconds each.
STEPS = [path for path in REID if path.parent.name in ("steps", "causes")]


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CONFIGS, ids=names)
def test_a_config_has_known_keys_and_types_only(path: Path) -> None:
    cfg = Config.fromfile(path)
    if cfg.get("default_scope") == "mmpose":
        pytest.importorskip("mmpose")
    check_config(cfg)


@pytest.mark.parametrize("path", [path for path in REID if path not in STEPS], ids=names)
def test_the_model_of_a_config_builds_at_full_size(path: Path) -> None:
    cfg = Config.fromfile(path)
    if "mmpose::" in str((cfg.model.get("pose") or {}).get("estimator")):
        pytest.importorskip("mmpose")
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    assert model.head.num_classes == cfg.model.head.num_classes
    is_of_zoo = path.is_relative_to(ROOT / "zoo")
    assert (model.graph_head is None) == (path.stem.startswith("baseline") or is_of_zoo)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=names)
def test_a_config_says_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring is not None
    assert docstring.splitlines()[0].endswith(".")


@pytest.mark.parametrize("path", REID, ids=names)
def test_a_batch_holds_whole_people(path: Path) -> None:
    loader = Config.fromfile(path).train_dataloader
    assert loader.batch_size == loader.sampler.num_pids * loader.sampler.num_clips


def test_the_mars_config_is_the_papers_recipe() -> None:
    cfg = Config.fromfile(ROOT / "ctl" / "ctl_r50_1xb32-240e_mars-256x128.py")
    sample, resize = cfg.train_pipeline[0], cfg.train_pipeline[3]
    assert (sample.clip_len, tuple(resize.size)) == (6, (256, 128))
    sampler = cfg.train_dataloader.sampler
    assert (sampler.num_pids, sampler.num_clips, sampler.epoch) == (8, 4, "tracklets")
    optimizer, schedule = cfg.optim_wrapper.optimizer, cfg.param_scheduler[0]
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ("Adam", 3e-4, 5e-4)
    assert (schedule.milestones, schedule.gamma) == ([60, 120, 180], 0.1)
    assert cfg.train_cfg.max_epochs == 240
    head = cfg.model.graph_head
    assert (head.num_layers, head.window, head.balance) == (2, 3, 0.3)
    assert head.cross_scale_after == [2]
    assert tuple(cfg.model.backbone.strides) == (1, 2, 2, 1)
    assert [term.loss_weight for term in cfg.model.head.losses.values()] == [1.0, 1.0, 1.0]


def test_the_quickstart_differs_from_the_paper_in_sizes_and_schedule_only() -> None:
    paper = Config.fromfile(ROOT / "ctl" / "ctl_r50_1xb32-240e_mars-256x128.py").model
    small = Config.fromfile(ROOT / "quickstart" / "ctl_r18_quickstart.py").model
    for sizes in (paper, small):
        for key in ("depth", "base_channels", "stem_channels", "init_cfg"):
            sizes.backbone.pop(key, None)
        sizes.graph_head.pop("channels")
        sizes.graph_head.cross_scale.pop("dim")
        sizes.head.pop("channels")
        sizes.head.pop("num_classes")
    assert small.to_dict() == paper.to_dict()


@pytest.mark.parametrize("path", CONFIGS, ids=names)
def test_batch_norm_statistics_are_averaged_over_ranks(path: Path) -> None:
    hooks = [hook.type for hook in Config.fromfile(path).custom_hooks]
    assert "SyncBuffersHook" in hooks


@pytest.mark.parametrize("path", POSE, ids=names)
def test_an_estimators_config_fits_the_frames_it_is_named_after(path: Path) -> None:
    pytest.importorskip("mmpose")
    cfg = Config.fromfile(path)
    estimator = build_estimator(str(path))
    height, width = map(int, re.search(r"-(\d+)x(\d+)$", path.stem).groups())
    heatmaps = estimator(torch.zeros(2, 3, height, width), None, mode="tensor")
    assert tuple(heatmaps.shape) == (2, 17, *cfg.model.head.decoder.heatmap_size[::-1])
    cuts = [step for step in cfg.train_pipeline + cfg.test_pipeline if "input_size" in step]
    assert [tuple(step.input_size) for step in cuts] == [(width, height)] * 2
    files = [cfg[f"{phase}_dataloader"].dataset.ann_file for phase in ("train", "val", "test")]
    assert files == ["info/coco_train.json", "info/coco_test.json", "info/coco_test.json"]


def test_learned_keypoints_change_the_array_and_nothing_else() -> None:
    learned, drawn = (
        Config.fromfile(ROOT / "quickstart" / f"ctl_r18_{name}.py").to_dict()
        for name in ("learned_keypoints", "quickstart")
    )
    del learned["_keypoint_file"]
    for phase in ("train", "val", "test"):
        dataset = learned[f"{phase}_dataloader"]["dataset"]
        assert dataset["keypoint_file"] == "info/learned_keypoints.npy"
        dataset["keypoint_file"] = "info/keypoints.npy"
    assert learned == drawn


@pytest.mark.parametrize("path", sorted((ROOT / "ctl").glob("*hrnet*.py")), ids=names)
def test_a_config_with_online_keypoints_differs_from_the_stored_one_in_their_source(
    path: Path,
) -> None:
    online = Config.fromfile(path)
    stored_name = re.sub(r"_hrnet-w32(-mmpretrain)?", "", path.name)
    stored = Config.fromfile(path.with_name(stored_name))
    assert online.model.pose.type == "FrozenPoseEstimator"
    assert online.model.pose.checkpoint.endswith("coco-256x192-81c58e40_20220909.pth")
    for phase in ("train", "val", "test"):
        ours, theirs = (cfg[f"{phase}_dataloader"].dataset for cfg in (online, stored))
        assert ours.pop("keypoint_file") is None
        assert theirs.pop("keypoint_file")
        steps = [step for step in theirs.pipeline if step.type != "LoadKeypoints"]
        assert len(steps) == len(theirs.pipeline) - 1
        theirs.pipeline = online[f"{phase}_pipeline"] = stored[f"{phase}_pipeline"] = steps
    for cfg in (online, stored):
        del cfg.model["pose"]
    assert online.to_dict() == stored.to_dict()
