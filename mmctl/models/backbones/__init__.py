"""Backbones that see clips: image networks with layers between and in the place of theirs."""

from mmctl.models.backbones.clip_backbone import ClipBackbone

__all__ = ["ClipBackbone"]
