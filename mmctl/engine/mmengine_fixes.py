"""The one place that mends MMEngine 0.10.7; importing :mod:`mmctl.engine` applies it.

* MMEngine cannot read its own checkpoints with torch >= 2.6: torch reads tensors and plain values
  only, and MMEngine also stores log histories. :func:`load_from_local_safely` replaces its reader
  of local files, so that ``resume``, ``load_from`` and ``init_cfg`` work without running code from
  the file; :func:`load_from_http_safely` that of files behind a web address.
* MMEngine logs weights of an ``init_cfg`` that do not fit, and goes on with random ones:
  :func:`check_pretrained_weights`.
* MMEngine writes checkpoints in place, deletes the old one before the new one is there, and
  resumes from whatever was written last: :func:`keep_checkpoints_whole`.
* MMEngine cannot train with several processes on CPUs: :func:`init_cpu_distributed`.
* MMEngine does not close its process group: :func:`close_distributed`, :func:`end_process`.
* MMEngine knows ``package::config.py`` for its own family only, and looks for packages installed in
  editable mode where they are not: :func:`register_config_package`.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import mmengine.config.config
import mmengine.config.utils
import mmengine.hooks.checkpoint_hook
import mmengine.hub.hub
import mmengine.runner
import mmengine.runner.checkpoint
import mmengine.runner.runner
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.fileio import register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.runner import CheckpointLoader
from mmengine.utils import get_installed_path
from torch import nn

from mmctl.engine.atomic_backend import AtomicLocalBackend
from mmctl.engine.checkpoint_reading import load_from_local_safely
from mmctl.engine.last_checkpoint import find_whole_checkpoint
from mmctl.engine.web_checkpoints import load_from_http_safely, naming_unknown
from mmctl.engine.weight_match import load_fitting
from mmctl.files import open_atomically


def register_safe_loader() -> None:
    """Replace MMEngine's readers of checkpoints, whichever are registered."""
    CheckpointLoader.register_scheme(prefixes="", loader=load_from_local_safely, force=True)
    web = ("http://", "https://")
    CheckpointLoader.register_scheme(prefixes=web, loader=load_from_http_safely, force=True)
    # What torchvision:// and the like call.
    mmengine.runner.checkpoint.load_from_http = load_from_http_safely
    for scheme in ("modelzoo", "torchvision", "open-mmlab", "openmmlab", "mmcls"):
        reader = CheckpointLoader._schemes[f"{scheme}://"]
        if not hasattr(reader, "__wrapped__"):
            CheckpointLoader.register_scheme(f"{scheme}://", naming_unknown(reader), force=True)


def check_pretrained_weights() -> None:
    """Make ``init_cfg=dict(type='Pretrained', ...)`` load all of a component or raise.

    It takes ``allow`` then, prefixes of keys that may keep their first values.
    """

    def start(
        initializer: PretrainedInit,
        checkpoint: str,
        prefix: str | None = None,
        map_location: str = "cpu",
        allow: Sequence[str] = (),
    ) -> None:
        initializer.checkpoint, initializer.prefix = checkpoint, prefix
        initializer.map_location, initializer.allow = map_location, allow

    def load(initializer: PretrainedInit, module: nn.Module) -> None:
        name = initializer.checkpoint
        print_log(f"load model from: {name}", logger="current")
        content = CheckpointLoader.load_checkpoint(name, map_location=initializer.map_location)
        unused = load_fitting(
            module, content, name, prefix=initializer.prefix, allow=initializer.allow
        )
        if unused:
            print_log(f"{len(unused)} weights are not used: {unused[:3]} ...", logger="current")
        if hasattr(module, "_params_init_info"):
            update_init_info(module, init_info=initializer._get_init_info())

    PretrainedInit.__init__, PretrainedInit.__call__ = start, load


def keep_checkpoints_whole() -> None:
    """Make MMEngine write, delete and find checkpoints so that one is whole at any moment.

    Files are written under another name first (``AtomicLocalBackend``); ``CheckpointHook`` deletes
    the files that the new one replaces when it is written; ``--resume`` goes on from a whole one
    (:func:`find_whole_checkpoint`).
    """
    register_backend("local", AtomicLocalBackend, force=True, prefixes="")
    mmengine.hooks.checkpoint_hook.open = open_atomically  # writes last_checkpoint
    for module in (mmengine.runner, mmengine.runner.checkpoint, mmengine.runner.runner):
        module.find_latest_checkpoint = find_whole_checkpoint
    for name in ("_save_checkpoint_with_step", "_save_best_checkpoint"):
        method = getattr(CheckpointHook, name)
        if not hasattr(method, "__wrapped__"):
            setattr(CheckpointHook, name, _delete_afterwards(method))


def _delete_afterwards(save: Callable[..., None]) -> Callable[..., None]:
    """Let a method of ``CheckpointHook`` delete files only after all else that it does."""

    @wraps(save)
    def save_first(hook: CheckpointHook, *args: Any, **kwargs: Any) -> None:
        backend = hook.file_backend
        hook.file_backend = deletions = LateDeletions(backend)
        try:
            save(hook, *args, **kwargs)
        finally:
            hook.file_backend = backend
        deletions.carry_out()

    return save_first


class LateDeletions:
    """A file backend that keeps what it is told to delete until it is told so again.

    Args:
        backend: The backend of everything else.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._files: dict[str, tuple[int, int] | None] = {}
        self._folders: list[str] = []

    def remove(self, filepath: str) -> None:
        """Note a file to delete."""
        self._files[filepath] = _identity(filepath)

    def rmtree(self, dir_path: str) -> None:
        """Note a folder to delete."""
        self._folders.append(dir_path)

    def carry_out(self) -> None:
        """Delete what was noted, except files that were written anew since."""
        for path, identity in self._files.items():
            if _identity(path) == identity:
                self._backend.remove(path)
        for path in self._folders:
            self._backend.rmtree(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def _identity(path: str) -> tuple[int, int] | None:
    if not os.path.exists(path):  # on another storage than the local disk
        return None
    state = os.stat(path)
    return state.st_ino, state.st_mtime_ns


def register_config_package() -> None:
    """Make ``mmctl::ctl/<name>.py`` a name of a config, in editable installs as well."""
    # A new dict for config names only: in the registries' own, a package is expected to have
    # mmctl.utils.register_all_modules.
    mmengine.config.utils.MODULE2PACKAGE = {
        "mmctl": "mmctl",
        **mmengine.config.utils.MODULE2PACKAGE,
    }
    for module in (mmengine.config.config, mmengine.hub.hub):
        module.get_installed_path = find_package_folder


def find_package_folder(package: str) -> str:
    """Return the folder of an installed package.

    Args:
        package: Name of the package.
    """
    path = get_installed_path(package)
    if not Path(path).is_dir():
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            return str(Path(spec.origin).parent)
    return path


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
