"""Boxes of persons from any detector of torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from mmctl.models.detectors.torchvision_detector import TorchvisionDetector, to_ltwh
from mmctl.registry import DETECTORS
from mmctl.structures import Detections


@DETECTORS.register_module()
class TorchvisionBoxes(TorchvisionDetector):
    """A model of ``torchvision.models.detection`` by its name.

    Args:
        model: As ``'fasterrcnn_resnet50_fpn_v2'``, ``'retinanet_resnet50_fpn_v2'``,
            ``'fcos_resnet50_fpn'`` or ``'ssdlite320_mobilenet_v3_large'``.
        weights: ``'DEFAULT'``, another name of torchvision's, or the path of a checkpoint; None
            keeps random weights.
        min_score: Boxes below are left out.
        device: Where it runs; None is a GPU if there is one.
        options: More arguments of the model, as ``{'num_classes': 2, 'min_size': 480}``; a person
            has label 1.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If a name or an option is unknown, or the checkpoint is of another model.
    """

    def __init__(
        self,
        model: str = "fasterrcnn_resnet50_fpn_v2",
        weights: str | None = "DEFAULT",
        min_score: float = 0.1,
        device: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, weights, min_score, device, options)

    def build(self) -> nn.Module:
        """Build the network with random weights."""
        from torchvision.models import detection, get_model, get_model_builder, list_models

        known = list_models(module=detection)
        if self.model_name not in known:
            raise ValueError(
                f"model of TorchvisionBoxes must be a detector of torchvision, one of "
                f"{', '.join(known)}, got {self.model_name!r}"
            )
        network = get_model(
            self.model_name, **{"weights": None, "weights_backbone": None, **self.options}
        )
        self.check_options(get_model_builder(self.model_name), type(network))
        return network

    def convert(self, output: Mapping[str, npt.NDArray[np.float32]]) -> Detections:
        """Return the boxes."""
        return Detections(to_ltwh(output["boxes"]), output["scores"].astype(np.float64))
