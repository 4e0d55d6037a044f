"""Backbones that see clips: image networks with layers between and in the place of theirs."""

from mmctl.models.backbones.clip_backbone import ClipBackbone
from mmctl.models.backbones.saliency_erasing import SaliencyErasing

__all__ = ["ClipBackbone", "SaliencyErasing"]
