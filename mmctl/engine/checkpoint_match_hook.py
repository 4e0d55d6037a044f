"""A checkpoint that does not fit the model is an error, not a line in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from mmengine.hooks import Hook
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner, find_latest_checkpoint
from torch import nn

from mmctl.registry import HOOKS

NUM_SHOWN = 3


def check_state_dict(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    filename: str,
    *,
    allow: Sequence[str] = (),
) -> None:
    """Raise unless the checkpoint has exactly the model's keys and shapes.

    MMEngine logs a mismatch and goes on with random weights in its place. Counters of batch norm
    (``num_batches_tracked``) may be missing, as they may for MMEngine; so may the whole of what a
    module names in ``optional_state()``, for instance a frozen pose estimator's weights.

    Args:
        model: The model that is about to be loaded, wrapped for distributed training or not.
        checkpoint: A loaded checkpoint with ``state_dict``, or the state dict itself.
        filename: What to call the checkpoint in the message.
        allow: Prefixes of keys that may differ, for loading a part on purpose.

    Raises:
        ValueError: If there is no state dict, or keys or shapes differ outside ``allow``.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = cast(nn.Module, model.module)
    weights = _read_weights(checkpoint, filename)
    saved = {key.removeprefix("module."): _shape(value) for key, value in weights.items()}
    wanted = {key: _shape(value) for key, value in model.state_dict().items()}
    for name, module in model.named_modules():
        optional: Mapping[str, Any] = getattr(module, "optional_state", dict)()
        shapes = {f"{name}.{key}".lstrip("."): _shape(value) for key, value in optional.items()}
        if saved.keys() & shapes.keys():
            wanted |= shapes
    if not saved.keys() & wanted.keys():
        raise ValueError(
            f"checkpoint {filename!r} has no key in common with {type(model).__name__}, so the "
            f"model would keep random weights: it has {_first(saved)}, the model needs "
            f"{_first(wanted)}. It is another model's checkpoint, or the weights lie under a prefix"
        )
    allowed = tuple(allow)
    differences = {
        "of another shape": [
            f"{key} is {saved[key]} in the checkpoint and {wanted[key]} in the model"
            for key in wanted
            if key in saved and saved[key] != wanted[key] and not key.startswith(allowed)
        ],
        "missing from the checkpoint": [
            f"{key} {wanted[key]}"
            for key in wanted.keys() - saved.keys()
            if not key.endswith("num_batches_tracked") and not key.startswith(allowed)
        ],
        "unknown to the model": [
            f"{key} {saved[key]}"
            for key in saved.keys() - wanted.keys()
            if not key.startswith(allowed)
        ],
    }
    found = [
        f"{len(keys)} {kind}: {_first(sorted(keys))}" for kind, keys in differences.items() if keys
    ]
    if found:
        raise ValueError(
            f"checkpoint {filename!r} does not fit {type(model).__name__}: {'; '.join(found)}. "
            "Use the config it was trained with; to load only a part on purpose, list the key "
            "prefixes that may differ as `allow` of CheckpointMatchHook in custom_hooks, "
            "for example allow=('head.classifiers',)"
        )


def _read_weights(checkpoint: object, filename: str) -> Mapping[str, Any]:
    weights, name = checkpoint, "checkpoint"
    if isinstance(checkpoint, Mapping) and "state_dict" in checkpoint:
        weights, name = checkpoint["state_dict"], "state_dict of checkpoint"
    if not isinstance(weights, Mapping) or not all(isinstance(key, str) for key in weights):
        raise ValueError(
            f"{name} {filename!r} must be a dict of weights by name to fit a model, "
            f"got {_describe(weights)}"
        )
    return weights


def _describe(value: object) -> str:
    if isinstance(value, Mapping):
        return f"a dict with keys such as {next(k for k in value if not isinstance(k, str))!r}"
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + ("" if shape is None else f" of shape {tuple(shape)}")


def check_resumable(
    checkpoint: Mapping[str, Any], filename: str, *, schedulers: bool = True
) -> None:
    """Raise unless the checkpoint says where the run stopped.

    MMEngine fails on some of it with a bare KeyError and goes on without the rest, with a fresh
    optimizer.

    Args:
        checkpoint: What was read from the file.
        filename: What to call the checkpoint in the message.
        schedulers: Whether the run has parameter schedulers to go on with.

    Raises:
        ValueError: If epoch, iteration, optimizer, log history or schedulers are missing.
    """
    meta = checkpoint.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    lacking = [f"meta.{key}" for key in ("epoch", "iter") if key not in meta]
    needed = ["optimizer", "message_hub", *(["param_schedulers"] if schedulers else [])]
    lacking += [key for key in needed if key not in checkpoint]
    if lacking:
        kind = "holds weights only" if len(lacking) == 2 + len(needed) else "is incomplete"
        raise ValueError(
            f"checkpoint {filename!r} {kind}: to resume a run it must have {', '.join(lacking)} "
            "too. To start a new run from its weights, use load_from (--cfg-options "
            f"load_from={filename}) instead of --resume"
        )


def _shape(value: object) -> tuple[int, ...] | str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else tuple(shape)


def _first(keys: Sequence[str] | Mapping[str, Any]) -> str:
    shown = ", ".join(list(keys)[:NUM_SHOWN])
    return f"{shown}, ..." if len(keys) > NUM_SHOWN else shown or "no keys"


@HOOKS.register_module()
class CheckpointMatchHook(Hook):
    """Stop a run whose checkpoint does not fit its model, before any of it is loaded.

    Acts on ``load_from``, ``resume`` and tests alike; a run to resume must have its whole state.
    Weights of one component that come from its ``init_cfg`` are not looked at.

    Args:
        allow: Prefixes of keys that may differ, see :func:`check_state_dict`.
    """

    priority = "VERY_HIGH"

    def __init__(self, allow: Sequence[str] = ()) -> None:
        if isinstance(allow, str):
            raise TypeError(
                "allow must be a sequence of key prefixes, because a bare string would allow each "
                f"of its letters, got {allow!r}"
            )
        self.allow = tuple(allow)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the runner's model.

        Args:
            runner: The runner that loads.
            checkpoint: What was read from the file.
        """
        filename = runner._load_from
        if filename is None and runner._resume:
            filename = find_latest_checkpoint(runner.work_dir)
        filename = str(filename or "?")
        check_state_dict(runner.model, checkpoint, filename, allow=self.allow)
        if runner._resume:
            schedulers = runner.param_schedulers is not None
            check_resumable(checkpoint, filename, schedulers=schedulers)
