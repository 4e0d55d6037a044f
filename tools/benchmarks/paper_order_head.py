"""The heads of CTL computed in the order in which the paper writes them: the benchmark's baseline.

Plain PyTorch, nothing slow on purpose: the features are gathered into windows first and then
multiplied by W, the adjacency is made anew in every layer, differences and concatenations are built
in full, eq. 6 multiplies by W first, and every branch of the fusion block is computed at inference.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmctl.models import ContextTopology, CrossScaleConv, FusionHead, GraphConv3d, PartGraphHead
from mmctl.models.layers.context_block import WindowContextBlock
from mmctl.models.layers.cross_scale_conv import Embedding


class PaperOrderHead(nn.Module):
    """A :class:`PartGraphHead` and its :class:`FusionHead` in the paper's order of computation.

    Args:
        graph_head: Window graphs and cross-scale convolutions; its weights are copied.
        fusion_head: With parts; its weights are copied.

    Raises:
        ValueError: If ``graph_head`` is one of the ablations without window graph or cross-scale
            convolutions, or builds its adjacency from the input of every layer.
    """

    def __init__(self, graph_head: PartGraphHead, fusion_head: FusionHead) -> None:
        super().__init__()
        one_topology = all(len(cast(nn.ModuleList, t)) == 1 for t in graph_head.topologies.values())
        if (graph_head.graph, graph_head.fuse) != ("window", "cross-scale") or not (
            one_topology or graph_head.num_layers == 1
        ):
            raise ValueError(
                "the paper's order is written for graph='window', fuse='cross-scale' and "
                f"per_layer=False, got graph={graph_head.graph!r}, fuse={graph_head.fuse!r}, "
                f"per_layer={not one_topology}"
            )
        self.graph_head = copy.deepcopy(graph_head)
        self.fusion_head = copy.deepcopy(fusion_head)

    def forward(self, nodes: dict[str, Tensor]) -> Tensor:
        """Return V_p, (B, T, 5, C), from the input nodes of each scale, (B, T, N, C)."""
        head = self.graph_head
        current = dict(nodes)
        for layer in range(head.num_layers):
            for scale in head.scales:
                topology = cast(nn.ModuleList, head.topologies[scale])[0]
                adjacency = build_adjacency(
                    cast(ContextTopology, topology), nodes[scale], head.degree_eps
                )
                conv = cast(nn.ModuleList, head.layers[scale])[layer]
                updated = convolve(cast(GraphConv3d, conv), current[scale], adjacency)
                current[scale] = updated if layer == 0 else current[scale] + updated
            if str(layer + 1) in head.transfers:
                convs = cast(nn.ModuleDict, head.transfers[str(layer + 1)])
                target = current["s3"]
                sent = [
                    transfer(cast(CrossScaleConv, convs[source]), current[source], target)
                    for source in head.sources
                ]
                current["s3"] = target + head.balance * sum(sent[1:], start=sent[0])
        return current["s3"]

    def fuse(self, global_features: Tensor, parts: Tensor) -> dict[str, Tensor]:
        """Return all clip features of section 3.5, each (B, C), by branch."""
        reduced = [g(parts[:, :, n]) for n, g in enumerate(self.fusion_head.reduce)]
        return {
            "global": global_features.mean(dim=1),
            "sum": (parts.sum(dim=2) + global_features).mean(dim=1),
            "concat": (torch.cat(reduced, dim=-1) + global_features).mean(dim=1),
        }

    def loss(self, global_features: Tensor, nodes: dict[str, Tensor], labels: Tensor) -> Tensor:
        """Return the sum of all terms of eq. 9, a scalar."""
        head, parts = self.fusion_head, self(nodes)
        losses: Any = head.losses
        total = losses["diversity"](parts.mean(dim=1))
        for branch, feature in self.fuse(global_features, parts).items():
            normed = head.necks[branch](feature) if branch in head.necks else feature
            logits = head.classifiers[branch](normed)
            total = total + losses["triplet"](feature, labels) + losses["identity"](logits, labels)
        return total

    def predict(self, global_features: Tensor, nodes: dict[str, Tensor]) -> Tensor:
        """Return V_f^a, (B, C), having computed all branches."""
        return self.fuse(global_features, self(nodes))["sum"]


def gather_windows(nodes: Tensor, size: int) -> Tensor:
    """Return the nodes of every window, earliest frame first, (B, T, size * N, C)."""
    reach, num_frames = size // 2, nodes.shape[1]
    padded = F.pad(nodes, (0, 0, 0, 0, reach, reach))
    slots = [padded[:, slot : slot + num_frames] for slot in range(size)]
    return torch.cat(slots, dim=2)


def build_adjacency(topology: ContextTopology, nodes: Tensor, eps: float) -> Tensor:
    """Return D^-1/2 (A + I) D^-1/2 of every window (eq. 2 to 4), (B, T, n, n)."""
    static = [term for term in (topology.physical, topology.mask) if term is not None]
    terms = [term.repeat(topology.window, topology.window) for term in static]
    if isinstance(topology.context, WindowContextBlock):
        terms.append(predict_context(topology.context, gather_windows(nodes, topology.window)))
    looped = sum(terms) + torch.eye(terms[0].shape[-1], device=nodes.device)
    scale = looped.sum(dim=-1).clamp(min=eps).rsqrt()
    return scale.unsqueeze(-1) * looped * scale.unsqueeze(-2)


def predict_context(block: WindowContextBlock, windows: Tensor) -> Tensor:
    """Return A^c of every window (Fig. 4b), (B, T, n, n)."""
    squeezed = block.squeeze(windows).squeeze(-1)
    if block.norm is not None:
        squeezed = block.norm(squeezed.flatten(0, 1)).view_as(squeezed)
    rows = block.expand(squeezed).unflatten(-1, (block.size, block.size))
    return F.normalize(rows if rows.dtype == torch.float64 else rows.float(), dim=-1)


def convolve(conv: GraphConv3d, nodes: Tensor, adjacency: Tensor) -> Tensor:
    """Return the nodes after one 3D graph convolution (eq. 4 and Fig. 5a), (B, T, N, C)."""
    transformed = conv.weight(gather_windows(nodes, conv.window))
    messages = F.relu(adjacency.to(transformed) @ transformed)
    side_by_side = messages.unflatten(2, (conv.window, -1)).transpose(2, 3).flatten(3)
    collapsed = conv.collapse(side_by_side)
    return F.relu(conv.norm(collapsed.flatten(0, 2)).view_as(collapsed))


def embed(embedding: Embedding, features: Tensor) -> Tensor:
    """Return relu(BN(Linear(features))), (..., dim)."""
    projected = embedding.linear(features)
    return F.relu(embedding.norm(projected.flatten(0, -2)).view_as(projected))


def relate(conv: CrossScaleConv, nodes: Tensor, relation: Embedding, augment: Embedding) -> Tensor:
    """Return the augmented relation features r of one scale (eq. 5), (B, T, N, dim)."""
    differences = nodes.unsqueeze(-3) - nodes.unsqueeze(-2)
    of_differences = embed(conv.embed_difference, differences)
    of_nodes = embed(conv.embed_node, nodes).unsqueeze(-2).expand_as(of_differences)
    pairs = embed(relation, torch.cat([of_nodes, of_differences], dim=-1))
    return embed(augment, torch.cat([nodes, pairs.sum(dim=-2)], dim=-1))


def cross_adjacency(conv: CrossScaleConv, source: Tensor, target: Tensor) -> Tensor:
    """Return the weights of the source nodes for every target node (eq. 5), (B, T, M, N)."""
    of_source = relate(conv, source, conv.relate_source, conv.augment_source)
    of_target = relate(conv, target, conv.relate_target, conv.augment_target)
    with torch.autocast(source.device.type, enabled=False):
        wide = torch.promote_types(of_target.dtype, torch.float32)
        logits = of_target.to(wide) @ of_source.to(wide).transpose(-1, -2)
    return torch.softmax(conv.logit_scale * logits, dim=-1)


def transfer(conv: CrossScaleConv, source: Tensor, target: Tensor) -> Tensor:
    """Return the source nodes transformed to the target scale (eq. 6), (B, T, M, C)."""
    adjacency = cross_adjacency(conv, source, target)
    transformed = conv.weight(source)
    return F.relu(adjacency.to(transformed) @ transformed)
