"""The one place that mends MMEngine 0.10.7; importing :mod:`mmctl.engine` applies it.

* MMEngine cannot read its own checkpoints with torch >= 2.6: torch reads tensors and plain values
  only, and MMEngine also stores log histories. :func:`load_from_local_safely` replaces its reader
  of local files, so that ``resume``, ``load_from`` and ``init_cfg`` work without running code from
  the file. Checkpoints behind a web address stay with MMEngine's own reader.
* MMEngine cannot train with several processes on CPUs: :func:`init_cpu_distributed`.
* MMEngine does not close its process group: :func:`close_distributed`.
* MMEngine knows ``package::config.py`` for its own family only, and looks for packages installed in
  editable mode where they are not: :func:`register_config_package`.

Where MMEngine is mended already, nothing is replaced.
"""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mmengine.config.config
import mmengine.config.utils
import mmengine.hub.hub
import numpy as np
import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import get_installed_path

HISTORY_STATISTICS = ("min", "max", "current", "mean")
"""The statistics that MMEngine stores with every log history."""

NUM_FIRST_BYTES = 40

_REFUSED = re.compile(r"GLOBAL (getattr\(.*?\)|\S+)")
_BROKEN_FILE = re.compile(
    r"zip|PytorchStreamReader|EOF|end of file|storage|corrupt|Errno 22", re.IGNORECASE
)


def load_from_local_safely(
    filename: str, map_location: str | torch.device | Callable | None = None
) -> dict[str, Any]:
    """Read a checkpoint from a local file without running code from it.

    Only tensors, plain values, numpy arrays and MMEngine's log histories are restored.
    ``meta['config']``, which MMEngine 0.10 reads but never writes, moves to
    ``meta['config_text']``: ``Runner.resume`` would execute that text.

    Args:
        filename: Path of the checkpoint; ``~`` is the home directory.
        map_location: As for :func:`torch.load`.

    Returns:
        What was saved, as a rule a dict with ``state_dict``, ``meta``, ``message_hub`` and more.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, is no checkpoint, or holds anything else than the above.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        reason = "is a directory, not a file" if path.is_dir() else "does not exist"
        raise FileNotFoundError(
            f"checkpoint {filename!r} {reason} (looked for {path.absolute()}); "
            "check the path given on the command line, as load_from or in init_cfg"
        )
    try:
        with torch.serialization.safe_globals(_allowed_globals()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refusal(filename, path, error) from error
    except (EOFError, OSError, RuntimeError, KeyError, IndexError, UnicodeDecodeError) as error:
        # Permissions, too little memory and a missing GPU come here too, no faults of the file.
        if isinstance(error, (OSError, RuntimeError)) and not _BROKEN_FILE.search(str(error)):
            raise
        raise _damage(filename, path, error) from error
    meta = checkpoint.get("meta") if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict) and "config" in meta:
        meta["config_text"] = meta.pop("config")
    return checkpoint


def _history_statistic(owner: object, name: str) -> Callable:
    """Stand in for ``getattr`` while a checkpoint is read: log histories name their statistics."""
    if owner is not HistoryBuffer or name not in HISTORY_STATISTICS:
        raise pickle.UnpicklingError(f"GLOBAL getattr({owner!r}, {name!r}) is not allowed")
    return getattr(HistoryBuffer, name)


def _allowed_globals() -> list[Any]:
    """Return what may be restored beside torch's own list: numpy arrays and log histories."""
    numbers = "?bhilqBHILQefdgFDG"
    scalar, reconstruct = np.float64().__reduce__()[0], np.empty(0).__reduce__()[0]
    allowed: list[Any] = [
        HistoryBuffer,
        (_history_statistic, "builtins.getattr"),
        np.ndarray,
        np.dtype,
        *{type(np.dtype(char)) for char in numbers + "SUO"},
    ]
    for package in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2 name it differently
        allowed += [(scalar, f"{package}.multiarray.scalar")]
        allowed += [(reconstruct, f"{package}.multiarray._reconstruct")]
    return allowed


def _refusal(filename: str, path: Path, error: pickle.UnpicklingError) -> ValueError:
    found = _REFUSED.search(str(error))
    if found is None:
        # Not torch's own message: it advises to switch the protection off.
        with path.open("rb") as file:
            start = file.read(NUM_FIRST_BYTES)
        return ValueError(
            f"checkpoint {filename!r} cannot be read: {path.stat().st_size} bytes that begin with "
            f"{start!r}. {_guess_kind(start)}"
        )
    return ValueError(
        f"checkpoint {filename!r} holds {found[1]!r}, which is neither a tensor, a plain value, a "
        "numpy array nor a log history of MMEngine. It is refused because restoring it could run "
        "code hidden in the file. If you trust whoever made the file, keep its weights only: "
        "load it with torch.load(FILE, weights_only=False), save dict(state_dict=...) with "
        "torch.save under another name, and use that file"
    )


def _guess_kind(start: bytes) -> str:
    """Return what a file that is no checkpoint probably is, by its first bytes."""
    if start.lstrip().startswith(b"<"):
        return (
            "It is probably a web page saved in place of the file, for instance a login or an "
            "error page: open it with a browser, and download the checkpoint again"
        )
    if start.startswith(b"version https://git-lfs"):
        return "It is a pointer of Git LFS, not the file itself: run git lfs pull"
    if start.startswith(b"PK"):
        return "It is probably damaged: copy it again, or use an earlier checkpoint"
    if start[:1] == b"\x80":
        return (
            "It is probably a plain pickle, as pickle.dump or old tools write it: save "
            "dict(state_dict=...) with torch.save instead"
        )
    return "It is probably another kind of file or damaged: torch.save writes checkpoints"


def _damage(filename: str, path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"checkpoint {filename!r} is damaged or no checkpoint ({path.stat().st_size} bytes): a "
        "download or a write that was cut off leaves such a file. Copy it again, or use an "
        f"earlier checkpoint ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
    )


def register_safe_loader() -> bool:
    """Replace MMEngine's reader of local checkpoints, unless it says itself what may be loaded.

    Returns:
        Whether ours is the registered reader now.
    """
    registered = CheckpointLoader._schemes[""]
    if registered is not load_from_local_safely:
        if "weights_only" in inspect.getsource(registered):
            return False
        CheckpointLoader.register_scheme(prefixes="", loader=load_from_local_safely, force=True)
    return True


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


def close_distributed() -> None:
    """Wait for the other processes and leave the process group; does nothing for one process.

    MMEngine leaves it open. A process of a gloo group that ends while the group's threads are at
    work is aborted now and then, and the launcher then reports a finished training as failed.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
