"""Keypoint R-CNN: boxes of persons and their 17 joints from one network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from mmctl.models.detectors.small_keypoint_rcnn import BACKBONES, build_small_keypoint_rcnn
from mmctl.models.detectors.torchvision_detector import TorchvisionDetector, to_ltwh
from mmctl.registry import DETECTORS
from mmctl.structures import NUM_KEYPOINTS, Detections

_MODEL, _TRAINED = "keypointrcnn_resnet50_fpn", "resnet50"
SMALL = {f"small-{name}": name for name in BACKBONES}
"""Names of this package's own small networks, with that of their ResNet."""

_NAMED = ("DEFAULT", "COCO_V1", "COCO_LEGACY")


@DETECTORS.register_module()
class TorchvisionKeypointRCNN(TorchvisionDetector):
    """torchvision's ``keypointrcnn_resnet50_fpn``, or the same on another ResNet.

    Its keypoints are in COCO's order. Their scores are logits there, of any size; here they are
    the sigmoid of those, because keypoints become Gaussians whose peak is the score.

    Args:
        weights: ``'DEFAULT'``, ``'COCO_V1'`` or ``'COCO_LEGACY'``, or the path of a checkpoint;
            None keeps random weights.
        backbone: Name of the ResNet; only ``'resnet50'`` has weights at torchvision.
            ``'small-resnet10'`` and others with ``small-`` are the networks that
            ``tools/train_street_detector.py`` trains (see :func:`build_small_keypoint_rcnn`).
        min_score: Boxes below are left out.
        device: Where it runs; None is a GPU if there is one.
        options: More arguments of ``torchvision.models.detection.KeypointRCNN``, as
            ``{'min_size': 480, 'max_size': 800}``.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If a name or an option is unknown, or the checkpoint is of another model.
    """

    has_keypoints = True

    def __init__(
        self,
        weights: str | None = "DEFAULT",
        backbone: str = "resnet50",
        min_score: float = 0.1,
        device: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.backbone, self.wanted = backbone, weights
        super().__init__(_MODEL, weights, min_score, device, options)

    def build(self) -> nn.Module:
        """Build the network with random weights."""
        from torchvision.models import resnet
        from torchvision.models.detection import KeypointRCNN
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

        if self.backbone in SMALL:
            self._check_weights()
            self.check_options(build_small_keypoint_rcnn)
            return build_small_keypoint_rcnn(SMALL[self.backbone], **self.options)
        known = [n for n in resnet.__all__ if n[0].islower() and "res" in n] + [*SMALL]
        if self.backbone not in known:
            raise ValueError(
                f"backbone of TorchvisionKeypointRCNN must be one of {', '.join(known)}, got "
                f"{self.backbone!r}"
            )
        backbone = resnet_fpn_backbone(
            backbone_name=self.backbone,
            weights=None,
            norm_layer=nn.BatchNorm2d,
            trainable_layers=5,
        )
        self.check_options(KeypointRCNN)
        self._check_weights()
        return KeypointRCNN(
            backbone, **{"num_classes": 2, "num_keypoints": NUM_KEYPOINTS, **self.options}
        )

    def _check_weights(self) -> None:
        if self.backbone != _TRAINED and self.wanted in _NAMED:
            raise ValueError(
                f"torchvision has weights for the backbone {_TRAINED} alone, so give the path of a "
                f"checkpoint for {self.backbone}, got weights={self.wanted!r}"
            )

    def check_checkpoint(self, content: Any, path: Path) -> None:
        """Refuse what train_street_detector.py wrote for another backbone."""
        meta = content.get("meta") if isinstance(content, Mapping) else None
        stored = f"small-{meta.get('backbone')}" if isinstance(meta, Mapping) else ""
        if stored in SMALL and stored != self.backbone:
            raise ValueError(
                f"checkpoint {path} is of the backbone {stored}, so this must be named (in "
                f"track_video.py: --detector-options backbone={stored}), got {self.backbone!r}"
            )

    def convert(self, output: Mapping[str, npt.NDArray[np.float32]]) -> Detections:
        """Return boxes and keypoints: from pixel edges to pixel centres, from logits to scores."""
        keypoints = output["keypoints"].reshape(-1, NUM_KEYPOINTS, 3).astype(np.float64)
        # The third column, COCO's visibility, is always 1 there.
        logits = output["keypoints_scores"].reshape(-1, NUM_KEYPOINTS).astype(np.float64)
        keypoints[..., :2] -= 0.5
        keypoints[..., 2] = 1 / (1 + np.exp(-logits.clip(-50, 50)))
        return Detections(
            to_ltwh(output["boxes"]),
            output["scores"].astype(np.float64),
            keypoints.astype(np.float32),
        )

    def origin(self) -> dict[str, Any]:
        """Return backbone, weights with their hash, and options."""
        return super().origin() | {"backbone": self.backbone}
