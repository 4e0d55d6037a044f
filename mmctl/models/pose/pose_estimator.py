"""Build a pose estimator from what a config says, and check that it gives 17 heatmaps.

mmpose is an optional dependency: it is imported here, and only for its models.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import BaseModel, ImgDataPreprocessor
from mmengine.registry import MODELS as ROOT_MODELS
from mmengine.runner import CheckpointLoader
from torch import nn

from mmctl.checkpoints.safe_loader import register_safe_loader
from mmctl.checkpoints.weight_match import load_fitting
from mmctl.registry import MODELS
from mmctl.structures import NUM_KEYPOINTS

NUM_SHOWN = 3

_HRNET = re.compile(
    r"mmpose::body_2d_keypoint/topdown_heatmap/coco/"
    r"td-hm_hrnet-(w32|w48)_8xb(?:32|64)-210e_coco-(?:256x192|384x288)(?:\.py)?"
)
"""Configs of mmpose whose networks ``HRNetHeatmaps`` equals, weights and heatmaps."""


def build_estimator(estimator: Mapping[str, Any] | str) -> BaseModel:
    """Build an estimator without reading any weights.

    Args:
        estimator: Model config, in which types without a scope are ours where we have them
            (``HRNetHeatmaps``) and mmpose's otherwise; path of an mmpose config file; or
            ``'mmpose::body_2d_keypoint/...'``, the name of a config that mmpose ships. Where
            mmpose is not installed, ``HRNetHeatmaps`` takes the place of its HRNets.

    Returns:
        A model whose ``forward(inputs, None, mode='tensor')`` gives heatmaps (M, 17, h, w), or a
        list of them by stage.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If mmpose is needed and missing, or the model is no estimator of 17 heatmaps.
    """
    cfg = read_model_config(estimator)
    kind = cfg.get("type")
    if isinstance(kind, str) and kind.removeprefix("mmctl.") in MODELS.module_dict:
        model = MODELS.build({**cfg, "_scope_": "mmctl"})
    else:
        import_mmpose()
        _check_kinds(kind, (cfg.get("head") or {}).get("type"))
        model = ROOT_MODELS.build({"_scope_": "mmpose", **cfg})
        _check_channels(model.head.out_channels)
    if not isinstance(getattr(model, "data_preprocessor", None), ImgDataPreprocessor):
        raise ValueError(
            "the estimator must have a data_preprocessor with mean, std and channel order, because "
            f"its frames are normalised with them, got {cfg.get('data_preprocessor')!r}"
        )
    return model


def read_model_config(estimator: Mapping[str, Any] | str) -> dict[str, Any]:
    """Return the model config that ``estimator`` of :func:`build_estimator` stands for.

    Args:
        estimator: Model config, path of a config file or name of a config of mmpose.

    Raises:
        FileNotFoundError: If there is no such config.
        ValueError: If it has no ``type``, or mmpose is needed and missing.
    """
    if isinstance(estimator, Mapping):
        cfg: Any = estimator
    elif (hrnet := _HRNET.fullmatch(str(estimator))) and find_spec("mmpose") is None:
        cfg = {"type": "HRNetHeatmaps", "arch": hrnet[1]}
        print_log(
            f"mmpose is not installed: its {estimator} is built of mmpretrain's parts, with the "
            "same weights and heatmaps",
            logger="current",
        )
    else:
        config = Config.fromfile(_find_config(str(estimator)))
        cfg = config.get("model")
        if isinstance(cfg, Mapping) and "data_preprocessor" in config:  # as MMEngine's Runner does
            cfg = {"data_preprocessor": config.data_preprocessor, **cfg}
    if not isinstance(cfg, Mapping) or "type" not in cfg:
        raise ValueError(
            "estimator must be a dict with 'type', or name a config file whose 'model' is one, "
            f"got {estimator!r}"
        )
    return copy.deepcopy(cfg.to_dict() if hasattr(cfg, "to_dict") else dict(cfg))


def _find_config(name: str) -> Path:
    package, separator, inside = name.partition("::")
    if separator:
        if package != "mmpose":
            raise ValueError(f"the name of a config must begin with 'mmpose::', got {name!r}")
        folder = Path(import_mmpose()).parent / ".mim" / "configs"
        path = folder / (inside if inside.endswith(".py") else f"{inside}.py")
    else:
        folder, path = Path.cwd(), Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"estimator {name!r} must be the path of a config file or 'mmpose::' and its place "
            f"below {folder if separator else 'the configs of mmpose'}: there is no {path}"
        )
    return path


def import_mmpose() -> str:
    """Import mmpose with its models.

    Returns:
        Path of its ``__init__.py``.

    Raises:
        ValueError: If it is not installed or refuses the installed mmcv.
    """
    try:
        importlib.import_module("mmpose.models")
        return str(importlib.import_module("mmpose").__file__)
    except (ImportError, AssertionError) as error:
        raise ValueError(
            "this estimator needs mmpose, which cannot be imported "
            f"({type(error).__name__}: {error}): pip install 'mmctl[pose]', on Python 3.10 or 3.11 "
            "and with numpy 1 (docs/en/installation.md). Without mmpose, "
            "estimator=dict(type='HRNetHeatmaps', arch='w32') takes the checkpoint of its HRNet-W32"
        ) from error


def _check_kinds(kind: Any, head_kind: Any) -> None:
    """Raise unless it is a top-down model with heatmaps, before what it consists of is built."""
    models = importlib.import_module("mmpose.models")
    registry = importlib.import_module("mmpose.registry").MODELS
    heads = (models.HeatmapHead, models.CPMHead, models.MSPNHead)
    for name, wanted in ((kind, models.TopdownPoseEstimator), (head_kind, heads)):
        found = registry.get(name) if isinstance(name, str) else name
        if name is None or (inspect.isclass(found) and not issubclass(found, wanted)):
            raise ValueError(
                "the estimator must be a TopdownPoseEstimator whose head gives heatmaps "
                "(HeatmapHead or a subclass, CPMHead, MSPNHead), because the body parts are pooled "
                "with its maps: heads that classify or regress coordinates (SimCC, RTMPose, "
                f"DeepPose) and bottom-up models have none, got {kind} with head {head_kind}"
            )


def _check_channels(channels: int) -> None:
    if channels != NUM_KEYPOINTS:
        raise ValueError(
            f"the estimator's head.out_channels must be {NUM_KEYPOINTS}, one map per COCO "
            f"keypoint, got {channels}"
        )


def is_remote(checkpoint: str) -> bool:
    """Return whether a checkpoint must be fetched: it has a scheme such as ``https://``."""
    return "://" in checkpoint


def load_weights(estimator: nn.Module, checkpoint: str) -> None:
    """Load a checkpoint that must fit, for instance one that mmpose published.

    Old names that mmpose converts itself are taken.

    Args:
        estimator: Model with keys such as ``backbone.*`` and ``head.*``.
        checkpoint: Path or address.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, or keys, shapes or kinds of values differ.
    """
    register_safe_loader()
    content = CheckpointLoader.load_checkpoint(checkpoint, map_location="cpu")
    unknown = load_fitting(estimator, content, checkpoint)
    if unknown:
        raise ValueError(
            f"checkpoint {checkpoint!r} does not fit {type(estimator).__name__}: {len(unknown)} "
            f"unknown: {', '.join(sorted(unknown)[:NUM_SHOWN])}. Take the checkpoint of the config "
            "that estimator names, whose keys begin with 'backbone.' and 'head.'"
        )
