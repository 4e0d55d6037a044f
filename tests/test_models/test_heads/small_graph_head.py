"""A narrow graph head and nodes for it, which several tests share."""

from __future__ import annotations

import copy

from mmctl.models.heads import PartGraphHead
from tests.random_state import normal

C = 3
SIZES = {"s1": 17, "s2": 10, "s3": 5}


def build(channels=C, **kwargs):
    kwargs.setdefault("cross_scale", {"dim": 4, "logit_scale": 0.1})
    return PartGraphHead(channels, **copy.deepcopy(kwargs)).double()


def make_nodes(num_clips=2, num_frames=4, channels=C):
    shapes = {s: (num_clips, num_frames, n, channels) for s, n in SIZES.items()}
    return {s: normal(*shape, seed=i) for i, (s, shape) in enumerate(shapes.items())}
