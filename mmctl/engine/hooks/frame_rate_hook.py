"""Frames per second of the training in the logs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from mmctl.registry import HOOKS

_RATE = "train/frames_per_second"


@HOOKS.register_module()
class FrameRateHook(Hook):
    """Log ``frames_per_second``: frames of a batch of all processes by the time of an iteration.

    The time is MMEngine's ``time``, data loading included, as its mean over the last
    ``log_processor.window_size`` iterations since the training was started or resumed. It is no
    part of the checkpoints: a run that goes on elsewhere has another. Other models may take other
    inputs than clips: where :func:`count_frames` does not know them nothing is logged.
    """

    # After the iteration was timed (50), before it is logged (60).
    priority = 55

    def __init__(self) -> None:
        self._first_iter = 0

    def before_train(self, runner: Runner) -> None:
        """Note where this process begins."""
        self._first_iter = runner.iter

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,  # noqa: ARG002
        data_batch: Mapping[str, Any] | None = None,
        outputs: dict | None = None,  # noqa: ARG002
    ) -> None:
        """Hand the rate to the logs.

        Args:
            runner: The runner.
            batch_idx: Number of the batch in the epoch.
            data_batch: Batch with ``inputs``, for instance a tensor (M_i, T, 3, H, W) per tracklet.
            outputs: Losses.
        """
        inputs = data_batch.get("inputs") if isinstance(data_batch, Mapping) else None
        num_frames = count_frames(inputs)
        if num_frames is None:
            return
        window = min(runner.log_processor.window_size, runner.iter - self._first_iter + 1)
        seconds = runner.message_hub.get_scalar("train/time").mean(window)
        rate = get_world_size() * num_frames / seconds
        runner.message_hub.update_scalar(_RATE, rate, resumed=False)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:  # noqa: ARG002
        """Leave out the rate's name, too, or MMEngine warns that its numbers are missing.

        Args:
            runner: The runner.
            checkpoint: What is about to be saved; changed.
        """
        hub = checkpoint["message_hub"]
        names = {name: value for name, value in hub["resumed_keys"].items() if name != _RATE}
        checkpoint["message_hub"] = {**hub, "resumed_keys": names}


def count_frames(inputs: Any) -> int | None:
    """Return how many pictures the inputs of a model are.

    Args:
        inputs: A tensor (..., 3, H, W) or (..., 1, H, W), as images and our clips are, a tensor
            (M, 3, T, H, W) or (N, M, 3, T, H, W), as other projects' clips are, or nested lists of
            such tensors.

    Returns:
        The number, or None for inputs that may be something else.
    """
    if isinstance(inputs, (list, tuple)):
        counts = [count_frames(item) for item in inputs]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None
    if not isinstance(inputs, Tensor) or inputs.ndim < 3:
        return None
    leading = inputs.shape[:-2]
    colours_before_time = len(leading) > 1 and leading[-2] == 3
    if leading[-1] == 3 or (leading[-1] == 1 and not colours_before_time):
        return math.prod(leading[:-1])
    if len(leading) > 2 and colours_before_time and leading[-1] > 1:
        return math.prod(leading) // 3
    return None
