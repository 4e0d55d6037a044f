"""What the detectors of torchvision share: building, weights, and from frames to persons."""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mmengine.device import get_device
from torch import Tensor, nn

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.web_checkpoints import fetch
from mmctl.checkpoints.weight_match import load_fitting
from mmctl.files import check_regular
from mmctl.models.detectors.detector import Detector, Frame
from mmctl.structures import Detections

PERSON = 1
"""The label of a person in torchvision's models of COCO; 0 is the background."""

_LEAST_SIDE = 0.5  # pixels

_TRAINED_WITHOUT_EPS = {
    "fasterrcnn_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
}
"""Models whose ``COCO_V1`` weights are of a batch norm that adds nothing to the variance."""


class TorchvisionDetector(Detector, ABC):
    """A detection network of torchvision in eval mode.

    Args:
        model: Name of the model in ``torchvision.models.detection``.
        weights: Name of torchvision's weights, as ``'DEFAULT'`` or ``'COCO_V1'``, which are
            downloaded once; or the path of a checkpoint; None keeps random weights.
        min_score: Boxes below are left out. Low ones help a tracker through an occlusion.
        device: Where it runs; None is a GPU if there is one.
        options: More arguments of the model, as ``{'min_size': 480}``.

    Raises:
        FileNotFoundError: If the checkpoint does not exist.
        ValueError: If a name or an option is unknown, or the checkpoint is of another model.
    """

    def __init__(
        self,
        model: str,
        weights: str | None = "DEFAULT",
        min_score: float = 0.1,
        device: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if not 0 <= min_score <= 1:
            raise ValueError(f"min_score must be from 0 to 1, as scores are, got {min_score}")
        self.model_name, self.min_score = model, min_score
        self.options = dict(options or {})
        self.device = torch.device(get_device() if device is None else _check_device(device))
        self.network = self.build()
        self.weights: dict[str, Any] = {"weights": weights}
        if weights is not None:
            self._load(weights)
        self.network.eval().requires_grad_(False).to(self.device)

    @abstractmethod
    def build(self) -> nn.Module:
        """Build the network with random weights."""

    def check_options(self, *functions: Callable[..., Any]) -> None:
        """Refuse options that nothing takes: torchvision's models swallow any.

        Args:
            functions: What takes them.
        """
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        known = {
            name
            for function in functions
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.kind in kinds
        }
        for name in self.options:
            if name not in known - {"self", "backbone", "weights", "weights_backbone"}:
                names = ", ".join(sorted(known))
                raise ValueError(f"{self.model_name} has no option {name!r}; known are {names}")

    def check_checkpoint(self, content: Any, path: Path) -> None:
        """Refuse a checkpoint that says itself that it is of another network.

        Args:
            content: What was loaded.
            path: Its file.
        """

    @abstractmethod
    def convert(self, output: Mapping[str, npt.NDArray[np.float32]]) -> Detections:
        """Return the persons of a frame.

        Args:
            output: What the network says of it, persons of a sufficient score only.
        """

    @torch.inference_mode()
    def detect(self, frames: Sequence[Frame], positions: Sequence[int]) -> list[Detections]:  # noqa: ARG002
        """Find the persons in all frames at once.

        Raises:
            ValueError: If the network gives values that are not finite.
        """
        if not frames:
            return []
        return [self._read(output) for output in self.network([*map(self._to_tensor, frames)])]

    def origin(self) -> dict[str, Any]:
        """Return model, weights with their hash, and options."""
        return {
            "type": type(self).__name__,
            "model": self.model_name,
            "min_score": self.min_score,
            "options": self.options,
            **self.weights,
        }

    def _to_tensor(self, frame: Frame) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(frame)).to(self.device)
        return tensor.permute(2, 0, 1).float().div_(255)

    def _read(self, output: Mapping[str, Tensor]) -> Detections:
        found = {key: value.float().cpu().numpy() for key, value in output.items()}
        left, top, right, bottom = found["boxes"].reshape(-1, 4).T
        keep = (found["labels"] == PERSON) & (found["scores"] >= self.min_score)
        keep &= (right - left >= _LEAST_SIDE) & (bottom - top >= _LEAST_SIDE)
        if not np.isfinite(found["boxes"]).all():
            raise ValueError(
                f"boxes of {self.model_name} must be finite numbers, got others: are its weights "
                "damaged?"
            )
        return self.convert({key: value[keep] for key, value in found.items()})

    def _load(self, weights: str) -> None:
        from torchvision.models import get_model_weights

        known = get_model_weights(self.model_name)
        if weights in known.__members__ or weights == "DEFAULT":
            member = known[weights]
            path = fetch(member.url, Path(torch.hub.get_dir()) / "checkpoints", progress=True)
            self.weights = {"weights": member.name}
        else:
            hint = f"torchvision's weights of {self.model_name} are {', '.join(known.__members__)}"
            path = check_regular(Path(weights).expanduser(), "checkpoint", hint)
            self.weights = {"weights": path.name, "sha256": _hash_file(path)}
        content = load_from_local_safely(str(path))
        self.check_checkpoint(content, path)
        load_fitting(self.network, content, str(path))
        is_first = "COCO_V1" in known.__members__ and known["COCO_V1"].url.endswith(f"/{path.name}")
        if is_first and self.model_name in _TRAINED_WITHOUT_EPS:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eps = 0.0


def to_ltwh(corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return left, top, width and height of boxes given by their corners.

    Args:
        corners: Left, top, right and bottom, (n, 4).
    """
    boxes = corners.reshape(-1, 4).astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


def _check_device(name: str) -> str:
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0][:160]
        raise ValueError(
            f"device must be one that this machine has, as 'cpu' or 'cuda:0', got {name!r}: "
            f"{reason}"
        ) from None
    return name


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
