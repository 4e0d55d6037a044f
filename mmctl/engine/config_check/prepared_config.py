"""The config of a run as every tool prepares it: read, overridden, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmctl.engine.config_check.config_check import check_config, check_overrides
from mmctl.engine.config_check.config_overrides import apply_overrides
from mmctl.engine.repairs.config_reading import expand_home, read_config


def prepare_config(path: str | Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read a config file, change what the command line overrides, and check the result.

    ``~`` is the home folder in every value.

    Args:
        path: The config file.
        options: Overrides by dotted path, as ``--cfg-options`` gives them.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file cannot be read, an override leads nowhere, or a name or value in
            the result is wrong.
    """
    cfg = read_config(path)
    if options:
        check_overrides(options, cfg)
        apply_overrides(cfg, options)
        expand_home(cfg._cfg_dict)
    check_config(cfg)
    return cfg


def prepare_run(
    path: str | Path,
    options: Mapping[str, Any] | None = None,
    *,
    work_dir: str | None = None,
    launcher: str = "none",
) -> Config:
    """Prepare the config of a training or test.

    Args:
        path: The config file.
        options: Overrides by dotted path.
        work_dir: Where logs and checkpoints go; None: what the config says, or else
            ``work_dirs/<name of the config>``.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As :func:`prepare_config` says.
    """
    cfg = prepare_config(path, options)
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get("work_dir") or f"work_dirs/{Path(path).stem}"
    return cfg
