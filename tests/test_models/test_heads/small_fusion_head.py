"""A narrow fusion head and features for it, which several tests share."""

from __future__ import annotations

import torch

from mmctl.models.heads import FusionHead
from tests.random_state import normal, randomize

C, CLASSES = 7, 4
LABELS = torch.tensor([0, 3, 0])
V_G, V_P = normal(3, 4, C), normal(3, 4, 5, C, seed=1)
BRANCHES = ("global", "sum", "concat")


def build(**kwargs):
    return randomize(FusionHead(C, CLASSES, **kwargs).double())
