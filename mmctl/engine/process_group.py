"""The processes of one run: how they meet on CPUs, and how they part.

MMEngine cannot train with several processes on CPUs, and does not close its process group.
"""

from __future__ import annotations

import atexit
import os
import sys
from datetime import timedelta
from typing import NoReturn

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed


def init_cpu_distributed(cfg: Config, launcher: str) -> None:
    """Prepare training with several processes on CPUs; does nothing where there is a GPU.

    MMEngine selects a CUDA device before it opens the process group, and wraps the model for the
    device of that number. So the group is opened here, which MMEngine then leaves alone, and the
    config gets a wrapper without device. Call it before ``Runner.from_cfg``.

    Args:
        cfg: Config of the run; ``model_wrapper_cfg`` is added to it.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        ValueError: If the launcher needs GPUs or the config asks for synchronised batch norm.
    """
    if launcher == "none" or get_device() != "cpu":
        return
    if launcher != "pytorch":
        raise ValueError(
            "launcher must be 'pytorch' (torchrun) on a machine without GPU, because MMEngine "
            f"selects a CUDA device for the others, got {launcher!r}"
        )
    if cfg.get("sync_bn") is not None:
        raise ValueError(
            "sync_bn must be None on a machine without GPU, because torch synchronises batch norm "
            f"on GPUs only, got {cfg.sync_bn!r}"
        )
    if not is_distributed():
        dist_cfg = cfg.get("env_cfg", {}).get("dist_cfg", {})
        torch.distributed.init_process_group(
            "gloo", timeout=timedelta(seconds=dist_cfg.get("timeout", 1800))
        )
    wrapper = dict(cfg.get("model_wrapper_cfg") or {"type": "MMDistributedDataParallel"})
    wrapper.setdefault("broadcast_buffers", False)
    wrapper.setdefault("find_unused_parameters", cfg.get("find_unused_parameters", False))
    cfg.model_wrapper_cfg = {**wrapper, "device_ids": None}


def close_distributed() -> bool:
    """Wait for the other processes and leave the process group; does nothing for one process.

    MMEngine leaves it open, and so other processes may meet a closed connection.

    Returns:
        Whether it was a gloo group. Its threads live as long as a distributed model, and such a
        process must end by :func:`end_process`.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return False
    is_gloo = torch.distributed.get_backend() == "gloo"
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    return is_gloo


def end_process(status: int) -> NoReturn:
    """End this process without taking Python apart, after what was registered for the end.

    A thread of a gloo group that lets go of a tensor while Python is taken apart aborts the
    process ("terminate called without an active exception"), and the launcher then reports a
    finished training as failed.

    Args:
        status: Exit status.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
