"""Frames per second of the training in the logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmctl.registry import HOOKS


@HOOKS.register_module()
class FrameRateHook(Hook):
    """Log ``frames_per_second``: frames of a batch of all processes by the time of an iteration.

    The time is MMEngine's ``time``, data loading included, as its mean over the last
    ``log_processor.window_size`` iterations since the training was started or resumed. It is no
    part of the checkpoints: a run that goes on elsewhere has another.
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
            data_batch: Batch with ``inputs``, one tensor (M_i, T, 3, H, W) per tracklet.
            outputs: Losses.
        """
        assert data_batch is not None
        num_frames = sum(clips.shape[0] * clips.shape[1] for clips in data_batch["inputs"])
        window = min(runner.log_processor.window_size, runner.iter - self._first_iter + 1)
        seconds = runner.message_hub.get_scalar("train/time").mean(window)
        rate = get_world_size() * num_frames / seconds
        runner.message_hub.update_scalar("train/frames_per_second", rate, resumed=False)
