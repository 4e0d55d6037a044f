"""The graphs that a model made of a tracklet: learned topology and cross-scale weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mmctl.explanations.tracklet_terms import FRAMES_PER_CHUNK, TrackletClips, chunks_of, to_model
from mmctl.explanations.undisturbed_model import check_model, undisturbed
from mmctl.models.heads.part_graph_head import TARGET, PartGraphHead

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LearnedGraphs:
    """What a model says of a tracklet's body, as means over its clips.

    Attributes:
        physical: A^p of each scale, (N, N); zeros where the topology has none.
        learned: What was learned on top, A^m + A^c, by scale: from each frame of the window to
            the middle one, (window, N, N), earliest first; the row is the node that receives.
        cross_scale: Weights of eq. 5 by source scale, (parts of s3, N of the source); rows sum to
            1. Empty where scales are added instead.
        body: The part tables of the model.
    """

    physical: dict[str, FloatArray]
    learned: dict[str, FloatArray]
    cross_scale: dict[str, FloatArray]
    body: Any


class _Mean:
    """A weighted mean of arrays that come in parts."""

    def __init__(self) -> None:
        self.total: FloatArray | float = 0.0

    def add(self, values: Tensor, weights: Tensor) -> None:
        """Add (B, T, ...) of clips with weights (B,): the mean over T counts for a clip."""
        means = values.double().mean(dim=1).cpu()
        self.total = self.total + torch.einsum("b,b...->...", weights, means).numpy()


def read_graphs(
    model: nn.Module, clips: TrackletClips, frames_per_chunk: int = FRAMES_PER_CHUNK
) -> LearnedGraphs:
    """Read the graphs that a model makes of a tracklet.

    With ``per_layer`` the topology is that of the first layer; with several cross-scale layers
    the weights are those of the last. Windows that reach past an end of their clip are left out
    where there are others.

    Args:
        model: The model, in any mode; it is not changed.
        clips: The tracklet.
        frames_per_chunk: Frames that go through it at once.

    Raises:
        ValueError: If the model has no graphs.
    """
    checked = check_model(model)
    head = checked.graph_head
    if not isinstance(head, PartGraphHead) or head.graph is None:
        raise ValueError(
            "graphs are drawn of a model that has some, as CTL, but this one has "
            f"{'no graph_head' if head is None else 'graph=None'}"
        )
    means: dict[tuple[str, str], _Mean] = {}
    with undisturbed(checked), torch.no_grad():
        for rows in chunks_of(clips, frames_per_chunk):
            inputs, stored = to_model(checked, clips, rows)
            with _graphs_of(head) as seen:
                checked.extract(inputs, stored)
            for key, values in seen.items():
                repeated = values.expand(len(inputs), *values.shape[1:])
                means.setdefault(key, _Mean()).add(repeated, clips.weights[rows])
    learned, physical = {}, {}
    for scale in head.scales:
        physical[scale] = _physical(head, scale)
        blocks = _middle_rows(np.asarray(means["topology", scale].total), len(physical[scale]))
        learned[scale] = blocks - physical[scale]
    cross = {
        source: np.asarray(means["cross", source].total)
        for source in head.sources
        if ("cross", source) in means
    }
    return LearnedGraphs(physical, learned, cross, head.body)


def _physical(head: PartGraphHead, scale: str) -> FloatArray:
    count = head.body.num_nodes(scale)
    topology = cast(nn.ModuleList, head.topologies[scale])[0]
    physical = getattr(topology, "physical", None)
    return np.zeros((count, count)) if physical is None else physical.double().cpu().numpy()


def _middle_rows(adjacency: FloatArray, num_nodes: int) -> FloatArray:
    """Return the blocks of a windowed adjacency that lead to its middle frame, (window, N, N)."""
    window = len(adjacency) // num_nodes
    middle = window // 2
    rows = adjacency[middle * num_nodes : (middle + 1) * num_nodes]
    return np.stack(np.split(rows, window, axis=1))


@contextmanager
def _graphs_of(head: PartGraphHead) -> Iterator[dict[tuple[str, str], Tensor]]:
    """Collect the first topology of each scale and the last cross-scale weights of each source."""
    seen: dict[tuple[str, str], Tensor] = {}
    handles = []

    def keep_topology(scale: str) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            graphs = output.expand(*[1] * (4 - output.dim()), *output.shape)
            reach = graphs.shape[-1] // head.body.num_nodes(scale) // 2
            whole = graphs[:, reach : graphs.shape[1] - reach]
            seen["topology", scale] = whole if whole.shape[1] else graphs

        return keep

    def keep_weights(source: str) -> Any:
        def keep(module: Any, inputs: Any, _output: Any) -> None:
            seen["cross", source] = module.adjacency(*inputs)

        return keep

    try:
        for scale in head.scales:
            topology = cast(nn.ModuleList, head.topologies[scale])[0]
            handles.append(topology.register_forward_hook(keep_topology(scale)))
        if TARGET in head.scales and len(head.transfers):
            last = head.transfers[max(head.transfers, key=int)]
            for source, transfer in cast(nn.ModuleDict, last).items():
                if hasattr(transfer, "adjacency"):
                    handles.append(transfer.register_forward_hook(keep_weights(source)))
        yield seen
    finally:
        for handle in handles:
            handle.remove()
