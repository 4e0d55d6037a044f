"""From stored keypoints to the stripes that hold each part of the body."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor

from mmctl.functional.stripes import occupied_stripes
from mmctl.registry import MODELS

HEAD, TORSO, LEGS = tuple(range(5)), tuple(range(5, 11)), tuple(range(11, 17))
"""Joints of COCO: nose, eyes and ears; shoulders, elbows and wrists; hips, knees and ankles."""


@MODELS.register_module()
class KeypointStripes(BaseModule):
    """Which stripes of a frame hold head, upper body and legs (Wu et al. 2020).

    A source for necks of stripes: it stands where those of heatmaps do. OpenPose's neck joint,
    which the authors' poses have, is none of COCO's.

    Args:
        stripes: Stripes of each level, the finest first and a multiple of the others.
        min_score: Joints are seen above it.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If a level does not divide the finest.
    """

    reads = "keypoints"

    def __init__(
        self, stripes: Sequence[int], min_score: float = 0.1, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        if any(stripes[0] % count for count in stripes):
            raise ValueError(
                "KeypointStripes needs levels whose stripes are whole ones of the finest, the "
                f"first, got {tuple(stripes)}"
            )
        self.stripes = tuple(stripes)
        self.min_score = min_score

    def from_clip(self, frames: Tensor, stored: Tensor) -> Tensor:
        """Return which stripes hold which part, (B * T, 3, sum of stripes) bool.

        Args:
            frames: (B * T, 3, H, W), of which the height is read.
            stored: Keypoints x, y, score in pixels of the frames, (B, T, 17, 3).
        """
        groups = (HEAD, TORSO, LEGS)
        return occupied_stripes(
            stored.flatten(0, 1), frames.shape[2], groups, self.stripes, min_score=self.min_score
        )
