"""Backbones that see clips: image networks with layers between and in the place of theirs."""

from mmctl.models.backbones.clip_backbone import ClipBackbone
from mmctl.models.backbones.saliency_erasing import SaliencyErasing
from mmctl.models.backbones.twin_stage import TwinStage

__all__ = ["ClipBackbone", "SaliencyErasing", "TwinStage"]
