"""Losses of eq. 9 and some in their places; label smoothing is ``mmpretrain.LabelSmoothLoss``."""

from mmctl.models.losses.circle_loss import CircleLoss
from mmctl.models.losses.diversity_loss import DiversityLoss
from mmctl.models.losses.frame_position_loss import FramePositionLoss
from mmctl.models.losses.pair_loss import PairLoss
from mmctl.models.losses.triplet_loss import BatchHardTripletLoss

__all__ = [
    "BatchHardTripletLoss",
    "CircleLoss",
    "DiversityLoss",
    "FramePositionLoss",
    "PairLoss",
]
