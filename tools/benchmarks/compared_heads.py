"""The two heads that the benchmark compares, their input, and the proof that they agree."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from paper_order_head import PaperOrderHead
from torch import Tensor, nn

from mmctl.models import FusionHead, PartGraphHead, VideoReID
from mmctl.registry import MODELS

MODEL = Path(__file__).resolve().parents[2] / "configs/_base_/models/ctl_r50.py"
NUM_NODES = {"s1": 17, "s2": 10, "s3": 5}
FEATURE_TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 2e-2
"""Of a tensor's norm, in float32: of 10^5 activations a few lie within rounding of a ReLU's kink,
on either side of it, and each moves the gradient by some 10^-3. In float64 hardly any does."""


class OurHead(nn.Module):
    """The heads as the package computes them, behind the methods of :class:`PaperOrderHead`."""

    def __init__(self, graph_head: PartGraphHead, fusion_head: FusionHead) -> None:
        super().__init__()
        self.graph_head = graph_head
        self.fusion_head = fusion_head

    def loss(self, global_features: Tensor, nodes: dict[str, Tensor], labels: Tensor) -> Tensor:
        """Return the sum of all terms of eq. 9, a scalar."""
        terms = self.fusion_head.loss(global_features, self.graph_head(nodes), labels)
        return torch.stack(list(terms.values())).sum()

    def predict(self, global_features: Tensor, nodes: dict[str, Tensor]) -> Tensor:
        """Return the feature for retrieval, (B, C)."""
        return self.fusion_head.predict(global_features, self.graph_head(nodes))


Head = OurHead | PaperOrderHead


@dataclass
class Batch:
    """Input of the heads: V_g (B, T, C), nodes (B, T, N, C) by scale, labels (B,)."""

    global_features: Tensor
    nodes: dict[str, Tensor]
    labels: Tensor

    @classmethod
    def draw(cls, num_clips: int, num_frames: int, channels: int, device: str) -> Batch:
        """Draw positive features, two clips per identity, that ask for gradients."""
        shape = (num_clips, num_frames)
        features = torch.rand(*shape, channels, device=device).requires_grad_()
        nodes = {
            scale: torch.rand(*shape, n, channels, device=device).requires_grad_()
            for scale, n in NUM_NODES.items()
        }
        return cls(features, nodes, torch.arange(num_clips, device=device) // 2)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors that ask for gradients by name."""
        nodes = {f"nodes.{scale}": tensor for scale, tensor in self.nodes.items()}
        return {"global_features": self.global_features, **nodes}


def build_model(channels: int) -> VideoReID:
    """Return the paper's model with random weights and a backbone of ``channels`` channels.

    Raises:
        ValueError: If ``channels`` is not a multiple of 32, which a ResNet-50 needs.
    """
    if channels < 32 or channels % 32:
        raise ValueError(f"channels must be a multiple of 32 for a ResNet-50, got {channels}")
    cfg = copy.deepcopy(Config.fromfile(MODEL).model)
    cfg.backbone.update(init_cfg=None, base_channels=channels // 32, stem_channels=channels // 32)
    cfg.graph_head.channels = cfg.head.channels = channels
    init_default_scope("mmctl")
    model = MODELS.build(cfg)
    # At a new batch norm's bias of zero a node's difference to itself lies on the kink of the
    # ReLU, where each order's rounding errors would choose the gradient.
    for module in model.graph_head.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.bias, std=0.1)
    return model


def training_loss(head: Head, batch: Batch) -> Tensor:
    """Run the heads as in training."""
    return head.train().loss(batch.global_features, batch.nodes, batch.labels)


def training_pass(head: Head, batch: Batch) -> None:
    """Run the heads forward and backward as in training."""
    training_loss(head, batch).backward()


def predict(head: Head, batch: Batch) -> Tensor:
    """Run the heads as in a test."""
    with torch.no_grad():
        return head.eval().predict(batch.global_features, batch.nodes)


def clear_gradients(head: Head, batch: Batch) -> None:
    """Free the gradients of parameters and inputs."""
    for tensor in (*head.parameters(), *batch.tensors().values()):
        tensor.grad = None


def gradients(head: Head, batch: Batch) -> dict[str, Tensor]:
    """Return the gradients of all parameters and inputs of a training pass by name."""
    tensors = dict(head.named_parameters()) | batch.tensors()
    training_pass(head, batch)
    found = {name: tensor.grad for name, tensor in tensors.items() if tensor.grad is not None}
    clear_gradients(head, batch)
    return found


def largest_differences(
    ours: Head,
    paper: Head,
    batch: Batch,
    tolerances: tuple[float, float] = (FEATURE_TOLERANCE, GRADIENT_TOLERANCE),
) -> tuple[float, float]:
    """Return how far two heads differ, relative to the norm of each tensor.

    Returns:
        The difference of the features for retrieval, and the largest one of a gradient. A gradient
        of zero but for rounding (a bias before a batch norm) is compared with the others' norms.

    Raises:
        ValueError: If one is beyond its tolerance or only one head has a gradient: the costs of
            different functions must not be compared.
    """
    feature, other = predict(ours, batch), predict(paper, batch)
    first, second = gradients(ours, batch), gradients(paper, batch)
    if first.keys() != second.keys():
        raise ValueError(f"only one head has gradients of {sorted(first.keys() ^ second.keys())}")
    floor = 1e-6 * max(float(gradient.norm()) for gradient in second.values())
    apart = {
        name: float((first[name] - gradient).norm()) / max(float(gradient.norm()), floor)
        for name, gradient in second.items()
    }
    worst = max(apart, key=lambda name: apart[name])
    found = (float((feature - other).norm() / other.norm()), apart[worst])
    names = ("feature", f"gradient of {worst}")
    for name, difference, tolerance in zip(names, found, tolerances, strict=True):
        if not difference <= tolerance:
            raise ValueError(
                f"the heads must agree to {tolerance:g} before their costs are compared, the "
                f"{name} differs by {difference:.2g}"
            )
    return found
