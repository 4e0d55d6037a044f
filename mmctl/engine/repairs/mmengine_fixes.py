"""How weights are initialised and checkpoints are kept, mended in MMEngine 0.10.7.

* MMEngine logs weights of an ``init_cfg`` that do not fit, and goes on with random ones:
  :func:`check_pretrained_weights`.
* MMEngine writes checkpoints in place, deletes the old one before the new one is there, and
  resumes from whatever was written last: :func:`keep_checkpoints_whole`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import mmengine.hooks.checkpoint_hook
import mmengine.runner
import mmengine.runner.checkpoint
import mmengine.runner.runner
from mmengine.fileio import register_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.model import PretrainedInit, update_init_info
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from mmctl.checkpoints.last_checkpoint import find_whole_checkpoint
from mmctl.checkpoints.weight_match import load_fitting
from mmctl.engine.repairs.atomic_backend import AtomicLocalBackend
from mmctl.files import open_atomically


def check_pretrained_weights() -> None:
    """Make ``init_cfg=dict(type='Pretrained', ...)`` load all of a component or raise.

    It takes ``allow`` then, prefixes of keys that may keep their first values; so may those in
    ``added_weights`` of the component, which :class:`ClipBackbone` has put into it.
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
        allow = (*initializer.allow, *getattr(module, "added_weights", ()))
        unused = load_fitting(module, content, name, prefix=initializer.prefix, allow=allow)
        if unused:
            print_log(f"{len(unused)} weights are not used: {unused[:3]} ...", logger="current")
        if hasattr(module, "_params_init_info"):
            update_init_info(module, init_info=initializer._get_init_info())

    PretrainedInit.__init__, PretrainedInit.__call__ = start, load


def keep_checkpoints_whole() -> None:
    """Make MMEngine write, delete and find checkpoints so that one is whole at any moment.

    Files are written under another name first (``AtomicLocalBackend``); ``CheckpointHook`` deletes
    the files that the new one replaces when it is written; ``--resume`` goes on from a whole one
    (:func:`find_whole_checkpoint`). A ``save_best`` that no validation gives is named.
    """
    register_backend("local", AtomicLocalBackend, force=True, prefixes="")
    mmengine.hooks.checkpoint_hook.open = open_atomically  # writes last_checkpoint
    for module in (mmengine.runner, mmengine.runner.checkpoint, mmengine.runner.runner):
        module.find_latest_checkpoint = find_whole_checkpoint
    step, best = CheckpointHook._save_checkpoint_with_step, CheckpointHook._save_best_checkpoint
    if not hasattr(step, "__wrapped__"):
        CheckpointHook._save_checkpoint_with_step = _delete_afterwards(step)
        CheckpointHook._save_best_checkpoint = _delete_afterwards(_name_keys(best))


def _name_keys(save: Callable[..., None]) -> Callable[..., None]:
    """Let ``_save_best_checkpoint`` say which keys there are where ``save_best`` is none of them.

    ``tools/train.py`` finds that before the run where the metrics are ours.
    """

    @wraps(save)
    def check_first(hook: CheckpointHook, runner: Runner, metrics: Mapping[str, Any]) -> None:
        for key in hook.key_indicators if hook.save_best else ():
            if key != "auto" and key not in metrics:
                raise ValueError(
                    "save_best of CheckpointHook must be a key of what the validation measured, "
                    f"because the best checkpoint is chosen by it: one of "
                    f"{', '.join(metrics) or 'none'}, got {key!r}"
                )
        save(hook, runner, metrics)

    return check_first


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
