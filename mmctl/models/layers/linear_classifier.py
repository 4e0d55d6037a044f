"""The classifier of the identities, one per clip feature."""

from __future__ import annotations

from torch import nn

from mmctl.registry import MODELS


@MODELS.register_module()
class LinearClassifier(nn.Linear):
    """A fully connected layer without bias that starts near zero (Luo et al. 2019).

    Args:
        channels: Channels of a clip feature, C.
        num_classes: Identities of the training set.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__(channels, num_classes, bias=False)
        nn.init.normal_(self.weight, std=0.001)
