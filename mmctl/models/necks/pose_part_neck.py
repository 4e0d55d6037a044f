"""From feature maps and heatmaps to the nodes of the three scales."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import parts
from mmctl.registry import MODELS
from mmctl.structures import NUM_KEYPOINTS, SCALES, resolve_body


@MODELS.register_module()
class PosePartNeck(BaseModule):
    """Global and body-part features of every frame (eq. 1).

    V_g is the mean over the cells, V_s1 the pooling around each keypoint, V_s2 and V_s3 the means
    of V_s1 over the keypoints of each part. Has no parameters unless ``learn_scale``.

    Args:
        softmax_scale: Factor on the heatmaps before the softmax; with ``learn_scale`` the first.
        reduction: ``'sum'`` or ``'mean'`` over the cells, see
            :func:`mmctl.functional.parts.pool_keypoints`.
        scales: Scales to make, of 's1', 's2', 's3'.
        body: Part tables, a name in :data:`mmctl.structures.BODY_SCALES` or a dict.
        confidence: Weigh the keypoints of a part by the peaks of their heatmaps, so that those an
            estimator is sure of count more; alike where all peaks are zero. The paper's means weigh
            them alike.
        learn_scale: Learn the factor on the heatmaps, which the paper does not name.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If a scale or ``reduction`` is unknown.
    """

    def __init__(
        self,
        softmax_scale: float = 10.0,
        reduction: str = "sum",
        scales: Sequence[str] = SCALES,
        body: str | dict = "limb",
        confidence: bool = False,
        learn_scale: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if reduction not in ("sum", "mean"):
            raise ValueError(f"reduction must be 'sum' or 'mean', got {reduction!r}")
        if not set(scales) <= set(SCALES):
            raise ValueError(f"scales must be among 's1', 's2' and 's3', got {tuple(scales)}")
        self.softmax_scale = softmax_scale
        self.confidence = confidence
        # Of its logarithm: the factor stays positive.
        start = torch.tensor(math.log(softmax_scale)) if learn_scale else None
        self.log_scale = None if start is None else nn.Parameter(start)
        self.reduction = reduction
        self.scales = tuple(scales)
        self.body = resolve_body(body)
        for name, groups in (("s2", self.body.s2), ("s3", self.body.s3)):
            # A buffer moves with the module: no copy from the host in every forward.
            average = parts.part_average(groups, NUM_KEYPOINTS) if name in scales else None
            self.register_buffer(f"average_{name}", average, persistent=False)

    def forward(
        self, features: Tensor, heatmaps: Tensor | None, num_frames: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pool the features of every frame.

        Args:
            features: Feature maps, (B * T, C, H, W).
            heatmaps: Raw heatmaps, (B * T, 17, h, w), or ``None`` for the global feature alone.
            num_frames: Frames per clip, T.

        Returns:
            V_g (B, T, C), and the nodes of each scale by name, (B, T, N, C); empty without
            heatmaps.
        """
        global_features = features.mean(dim=(2, 3)).unflatten(0, (-1, num_frames))
        if heatmaps is None:
            return global_features, {}
        size = (features.shape[2], features.shape[3])
        scale = self.softmax_scale if self.log_scale is None else self.log_scale.exp()
        weights = parts.normalize_heatmaps(heatmaps, size, scale=scale)
        keypoints = parts.pool_keypoints(features, weights.to(features), reduction=self.reduction)
        keypoints = keypoints.unflatten(0, (-1, num_frames))
        nodes = {"s1": keypoints}
        for name in ("s2", "s3"):
            if name in self.scales:
                average = getattr(self, f"average_{name}").to(keypoints)
                if self.confidence:
                    peaks = heatmaps.amax(dim=(2, 3)).unflatten(0, (-1, num_frames))
                    average = parts.confident_average(average, peaks.to(keypoints))
                nodes[name] = average @ keypoints
        return global_features, {name: nodes[name] for name in self.scales}
