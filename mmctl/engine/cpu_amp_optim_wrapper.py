"""Mixed precision for training on CPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmctl.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(OptimWrapper):
    """Run the forward pass in bfloat16 on CPUs.

    MMEngine's ``AmpOptimWrapper`` asserts a GPU. bfloat16 has the range of float32, so the loss
    needs no scaling; the parameters and the optimizer's state stay float32. Arguments are those of
    :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enter the base class' context and CPU autocast.

        Args:
            model: The model that is about to run.
        """
        with super().optim_context(model), torch.autocast("cpu", dtype=torch.bfloat16):
            yield
