"""Choose the optimizer wrapper of mixed precision for the machine."""

from __future__ import annotations

from mmengine.config import Config
from mmengine.device import get_device

from mmctl.registry import type_name


def use_mixed_precision(cfg: Config) -> None:
    """Make a config train in mixed precision: MMEngine's wrapper on GPUs, bfloat16 on CPUs.

    Args:
        cfg: Config of the run; ``optim_wrapper`` is changed in place.

    Raises:
        ValueError: If the config's wrapper is neither the plain one nor one of these two.
    """
    plain = ("OptimWrapper", "AmpOptimWrapper", "CpuAmpOptimWrapper")
    kind = type_name((cfg.get("optim_wrapper") or {"type": None}).get("type", "OptimWrapper"))
    if kind not in plain:
        raise ValueError(f"--amp needs optim_wrapper.type to be one of {plain}, got {kind!r}")
    if get_device() == "cpu":
        cfg.optim_wrapper.type = "mmctl.CpuAmpOptimWrapper"
        cfg.optim_wrapper.pop("loss_scale", None)
    else:
        cfg.optim_wrapper.type = "AmpOptimWrapper"
        cfg.optim_wrapper.setdefault("loss_scale", "dynamic")
