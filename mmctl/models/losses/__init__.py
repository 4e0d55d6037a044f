"""Losses of eq. 9; label smoothing is ``mmpretrain.LabelSmoothLoss``."""

from mmctl.models.losses.diversity_loss import DiversityLoss
from mmctl.models.losses.frame_position_loss import FramePositionLoss
from mmctl.models.losses.triplet_loss import BatchHardTripletLoss

__all__ = ["BatchHardTripletLoss", "DiversityLoss", "FramePositionLoss"]
