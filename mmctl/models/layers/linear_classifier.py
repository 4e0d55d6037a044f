"""The classifier of the identities, one per clip feature."""

from __future__ import annotations

from torch import nn

from mmctl.registry import MODELS


@MODELS.register_module()
class LinearClassifier(nn.Linear):
    """A fully connected layer that starts near zero (Luo et al. 2019).

    Args:
        channels: Channels of a clip feature, C.
        num_classes: Identities of the training set.
        bias: Whether it has one, which starts at zero.
    """

    def __init__(self, channels: int, num_classes: int, bias: bool = False) -> None:
        super().__init__(channels, num_classes, bias=bias)
        nn.init.normal_(self.weight, std=0.001)
        if bias:
            nn.init.zeros_(self.bias)
