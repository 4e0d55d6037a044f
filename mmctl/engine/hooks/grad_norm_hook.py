"""The norm of the gradient in the logs, without clipping it."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor
from torch.nn.utils import get_total_norm

from mmctl.registry import HOOKS


@HOOKS.register_module()
class GradNormHook(Hook):
    """Log ``grad_norm``, the norm of the gradient that the optimizer is given.

    It is that of all parameters together, after the mean over the processes, after the
    accumulation over iterations and after the loss scale of mixed precision is taken out. Steps
    that mixed precision skips, and iterations without a step, have none. Where ``optim_wrapper``
    clips by the norm MMEngine logs it, as it is before the clipping, and this hook does nothing.
    """

    # After the iteration was timed (50), before it is logged (60).
    priority = 55

    def __init__(self) -> None:
        self._norm: Tensor | None = None

    def before_train(self, runner: Runner) -> None:
        """Look at every step of the optimizer from now on."""
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):  # several optimizers: one norm says nothing
            return
        if wrapper.clip_grad_kwargs is None or wrapper.grad_name != "grad_norm":
            wrapper.optimizer.register_step_pre_hook(self._look)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,  # noqa: ARG002
        data_batch: Any = None,  # noqa: ARG002
        outputs: dict | None = None,  # noqa: ARG002
    ) -> None:
        """Hand the norm to the logs, when the losses have made the GPU wait already."""
        if self._norm is not None:
            runner.message_hub.update_scalar("train/grad_norm", self._norm)
            self._norm = None

    def _look(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = get_total_norm([p.grad for p in parameters if p.grad is not None])
        # A fused optimizer takes the loss scale out itself, in the step that follows.
        scale = getattr(optimizer, "grad_scale", None)
        self._norm = norm if scale is None else norm / scale
