"""Estimators, configs and frames that do not fit, and mmpose that is missing: named."""

from __future__ import annotations

import copy
import sys

import pytest
import torch

from mmctl.models import FrozenPoseEstimator, HRNetHeatmaps
from mmctl.models.pose.pose_estimator import build_estimator, read_model_config
from mmctl.registry import MODELS
from tests.test_models.test_pose.small_estimators import (
    COCO,
    MMPOSE,
    OURS,
    SMALL_HRNET,
    random_frames,
)
from tests.test_models.test_pose.small_frozen_pose import small

WITHOUT_HEATMAPS = {
    "rtmpose": "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-s_8xb256-420e_coco-256x192.py",
    "simcc": "mmpose::body_2d_keypoint/simcc/coco/simcc_res50_8xb64-210e_coco-256x192.py",
    "bottom-up": "mmpose::body_2d_keypoint/dekr/coco/dekr_hrnet-w32_8xb10-140e_coco-512x512.py",
    "regression": {**MMPOSE, "head": {**MMPOSE["head"], "type": "RegressionHead"}},
    "no head": {key: value for key, value in MMPOSE.items() if key != "head"},
}


@pytest.mark.parametrize("estimator", WITHOUT_HEATMAPS.values(), ids=WITHOUT_HEATMAPS)
def test_a_model_without_heatmaps_is_refused(estimator: dict | str) -> None:
    pytest.importorskip("mmpose")
    with pytest.raises(
        ValueError, match="must be a TopdownPoseEstimator whose head gives heatmaps"
    ):
        FrozenPoseEstimator(estimator)


def test_another_number_of_keypoints_is_refused() -> None:
    pytest.importorskip("mmpose")
    with pytest.raises(ValueError, match=r"out_channels must be 17, one map per COCO .* got 16"):
        FrozenPoseEstimator({**MMPOSE, "head": {**MMPOSE["head"], "out_channels": 16}})


@pytest.fixture
def without_mmpose(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mmpose"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mmpose", None)


@pytest.mark.usefixtures("without_mmpose")
def test_a_missing_mmpose_is_named_with_what_to_do() -> None:
    for estimator in (MMPOSE, WITHOUT_HEATMAPS["simcc"], f"{COCO}td-hm_hrnet-w32_udp-8xb64.py"):
        with pytest.raises(ValueError, match=r"needs mmpose.*mmctl\[pose\].*HRNetHeatmaps"):
            FrozenPoseEstimator(estimator)
    assert small()(random_frames()).shape == (3, 17, 16, 8)


@pytest.mark.usefixtures("without_mmpose")
@pytest.mark.parametrize("arch", ["w32", "w48"])
def test_where_mmpose_is_missing_its_hrnet_is_mmpretrains(arch: str) -> None:
    name = f"{COCO}td-hm_hrnet-{arch}_8xb{64 if arch == 'w32' else 32}-210e_coco-256x192"
    for file in (name, f"{name}.py"):
        assert read_model_config(file) == {"type": "HRNetHeatmaps", "arch": arch}


@pytest.mark.parametrize("arch", ["w32", "w48"])
def test_where_mmpose_is_installed_its_config_is_read(arch: str) -> None:
    pytest.importorskip("mmpose")
    sizes = {"w32": "8xb64-210e_coco-256x192", "w48": "8xb32-210e_coco-384x288"}
    cfg = read_model_config(f"{COCO}td-hm_hrnet-{arch}_{sizes[arch]}.py")
    assert cfg["type"] == "TopdownPoseEstimator"
    ours = MODELS.build({"type": "HRNetHeatmaps", "arch": arch})
    theirs = build_estimator(cfg)
    shapes = {key: value.shape for key, value in theirs.state_dict().items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == shapes
    for name in ("mean", "std"):
        assert torch.equal(
            getattr(ours.data_preprocessor, name), getattr(theirs.data_preprocessor, name)
        )
    assert ours.test_cfg.items() <= theirs.test_cfg.items()


WRONG = {
    "size": ({"input_size": (64,)}, r"input_size must be \(height, width\) or None, got \(64,\)"),
    "chunk": ({"frames_per_chunk": 0}, "frames_per_chunk must be at least 1, got 0"),
    "type": ({"estimator": {"arch": "w32"}}, "estimator must be a dict with 'type'"),
    "package": ({"estimator": "mmdet::x.py"}, "must begin with 'mmpose::', got 'mmdet::x.py'"),
    "arch": ({"estimator": {"type": "HRNetHeatmaps", "arch": "w1"}}, "arch must be one of .*'w32'"),
    "preprocessor": (
        {"estimator": {key: value for key, value in MMPOSE.items() if key != "data_preprocessor"}},
        "must have a data_preprocessor with mean, std and channel order",
    ),
    "flip": (
        {"estimator": {**MMPOSE, "test_cfg": {"flip_mode": "udp_combined"}}, "flip_test": True},
        "flip_test must be False .* got 'udp_combined'",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_named(arguments: dict, message: str) -> None:
    if "TopdownPoseEstimator" in str(arguments):
        pytest.importorskip("mmpose")
    with pytest.raises(ValueError, match=message):
        FrozenPoseEstimator(**{"estimator": OURS, **copy.deepcopy(arguments)})


@pytest.mark.parametrize("name", ["nowhere.py", "mmpose::body_2d_keypoint/nowhere"])
def test_a_missing_config_is_named(name: str) -> None:
    if "::" in name:
        pytest.importorskip("mmpose")
    with pytest.raises(FileNotFoundError, match=r"estimator '.*nowhere.*there is no .*nowhere\.py"):
        FrozenPoseEstimator(name)


def test_frames_of_another_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"frames must be \(M, 3, H, W\), got \(2, 3, 3, 64, 32\)"):
        small()(torch.zeros(2, 3, 3, 64, 32))
    with pytest.raises(
        ValueError, match=r"cannot take frames of \(40, 20\).*multiples.*input_size"
    ):
        small()(torch.zeros(1, 3, 40, 20))


def test_an_hrnet_has_one_mode() -> None:
    model = HRNetHeatmaps(SMALL_HRNET)
    with pytest.raises(ValueError, match="has mode 'tensor' only, got 'loss'"):
        model(torch.zeros(1, 3, 64, 32), mode="loss")
