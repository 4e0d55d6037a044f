"""The cross-scale graph convolution layer of Fig. 5b and Fig. 6."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import cross_scale
from mmctl.models.layers.channel_norm import normalize_channels
from mmctl.models.watched_values import watch
from mmctl.registry import MODELS


class Embedding(nn.Module):
    """A fully connected layer, a batch norm and a ReLU: the embedding functions of eq. 5.

    Args:
        in_channels: Channels of the input.
        dim: Channels of the output.
    """

    def __init__(self, in_channels: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, dim, bias=False)
        self.norm = nn.BatchNorm1d(dim)

    def activate(self, projected: Tensor) -> Tensor:
        """Apply the batch norm and the ReLU to what the linear layer gave, (..., dim)."""
        return F.relu(normalize_channels(self.norm, projected))

    def forward(self, nodes: Tensor) -> Tensor:
        """Embed (..., in_channels) into (..., dim)."""
        return self.activate(self.linear(nodes))

    def embed_pair(self, first: Tensor, second: Tensor) -> Tensor:
        """Embed the concatenation [first, second] without building it, (..., dim)."""
        return self.activate(cross_scale.linear_of_pair(self.linear.weight, first, second))

    def sum_pairs(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the sum of :meth:`embed_pair` over the last but one axis, (..., dim)."""
        projected = cross_scale.linear_of_pair(self.linear.weight, first, second)
        return cross_scale.sum_rectified(normalize_channels(self.norm, projected))


@MODELS.register_module()
class CrossScaleConv(BaseModule):
    """Carry the nodes of one scale to another along a predicted directed graph (eq. 5 and 6).

    phi and varphi are shared by the two scales, h and f are not, as the paper's indices say.

    Args:
        channels: Channels of the nodes, C.
        dim: Width of the embeddings.
        logit_scale: Factor on the inner products before the softmax.
        init_cfg: MMEngine's initialisation config.

    """

    def __init__(
        self,
        channels: int,
        dim: int = 256,
        logit_scale: float = 1.0,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if dim < 1:
            raise ValueError(f"dim of the embeddings must be at least 1, got {dim}")
        self.logit_scale = logit_scale
        self.embed_node = Embedding(channels, dim)
        self.embed_difference = Embedding(channels, dim)
        self.relate_source = Embedding(2 * dim, dim)
        self.relate_target = Embedding(2 * dim, dim)
        self.augment_source = Embedding(channels + dim, dim)
        self.augment_target = Embedding(channels + dim, dim)
        self.weight = nn.Linear(channels, channels, bias=False)
        nn.init.xavier_uniform_(self.weight.weight)

    def adjacency(self, source: Tensor, target: Tensor) -> Tensor:
        """Predict the weights of the source nodes for every target node (eq. 5).

        Args:
            source: (B, T, N, C).
            target: (B, T, M, C).

        Returns:
            Row m sums to 1, (B, T, M, N), float32 at least.
        """
        return cross_scale.cross_scale_adjacency(
            self._relations(source, self.relate_source, self.augment_source),
            self._relations(target, self.relate_target, self.augment_target),
            logit_scale=self.logit_scale,
        )

    def _relations(self, nodes: Tensor, relate: Embedding, augment: Embedding) -> Tensor:
        """Return the augmented global relation features r of one scale, (B, T, N, dim).

        The linear layer of varphi is applied before the differences are taken, so that no
        N x N x C tensor is built: it distributes over x_j - x_i.
        """
        projected = self.embed_difference.linear(nodes)
        differences = self.embed_difference.activate(cross_scale.pairwise_differences(projected))
        embedded = self.embed_node(nodes).unsqueeze(-2)
        return augment.embed_pair(nodes, relate.sum_pairs(embedded, differences))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Transform the source nodes to the target scale (eq. 6).

        Watched is ``attention_entropy``, see
        :func:`mmctl.functional.cross_scale.relative_entropy`.

        Args:
            source: X of the source scale, (B, T, N, C).
            target: X of the target scale, (B, T, M, C).

        Returns:
            Transformed nodes, one per target node, (B, T, M, C).
        """
        adjacency = self.adjacency(source, target)
        watch("attention_entropy", cross_scale.relative_entropy(adjacency.detach()))
        return cross_scale.convolve_across(adjacency, source, self.weight.weight)
