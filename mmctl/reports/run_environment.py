"""What a training ran with: versions, processor, code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import torch
from mmengine.dist import get_world_size

import mmctl

FAMILY = ("mmengine", "mmcv", "mmpretrain", "mmpose")
PACKAGES = (
    *("torch", "torchvision", "numpy"),
    # One of several packages provides each: OpenMMLab's, without its operators, or a fork.
    *(name for module in FAMILY for name in (module, f"{module}-lite", f"onedl-{module}")),
)
CODE = Path(mmctl.__file__).resolve().parent


def describe_environment() -> dict[str, str]:
    """Return versions, devices and code of this process by name, for people to read."""
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "devices": _describe_devices(),
        "Python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "mmctl": ", ".join(filter(None, (mmctl.__version__, describe_commit()))),
        "packages": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
    }


def describe_commit(folder: Path = CODE) -> str:
    """Return the commit of a checkout, ``+ changes`` if files differ from it, or an empty string.

    Args:
        folder: A folder of the checkout.
    """
    if not (folder / "__init__.py").is_file() or not _git(folder, "ls-files", "__init__.py"):
        return ""  # installed, perhaps within somebody else's checkout
    commit = _git(folder, "rev-parse", "--short", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"commit {commit}{' + changes' if changed else ''}" if commit else ""


def peak_memory() -> str:
    """Return the most memory that this process has held so far."""
    if torch.cuda.is_available():
        return f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB on the GPU"
    unit = 1 if sys.platform == "darwin" else 1024
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return f"{held / 2**30:.2f} GiB resident"


def _describe_devices() -> str:
    if torch.cuda.is_available():
        return f"{get_world_size()} x {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    processes, threads = get_world_size(), torch.get_num_threads()
    return f"{processes} process(es) of {threads} thread(s) on {os.cpu_count()} CPUs, no GPU"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints; nothing if it fails or is not there."""
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
