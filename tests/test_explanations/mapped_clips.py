"""Maps of clips by the shortest way, and a model of one layer, which several tests share."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mmctl.explanations import CamSettings, TrackletTerms, map_clips, similarity_target
from tests.test_explanations.small_models import make_clips


def other_terms(model):
    """Return terms of another tracklet that lie apart: random networks find everybody alike."""
    generator = torch.Generator().manual_seed(6)
    values = torch.randn(1, 1, model.head.num_parts + 1, 16, generator=generator)
    return TrackletTerms(values, torch.ones(1, dtype=torch.float64), np.zeros((1, 1), np.int64))


def map_similarity(model, clips=None, layers=("backbone",), **settings):
    target = similarity_target(model, other_terms(model))
    return map_clips(model, clips or make_clips(), target, layers, CamSettings(**settings))


class Toy(nn.Module):
    """Two symmetric convolutions without stride."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)

    def forward(self, frames):
        return (F.relu(self.second(F.relu(self.first(frames), inplace=True))),)
