"""Costs that are counted, not timed: multiply-accumulates and what is kept for the backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from compared_heads import NUM_NODES
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Sizes:
    """What the multiply-accumulates of the full model depend on."""

    channels: int
    num_frames: int
    num_classes: int = 625
    dim: int = 256
    window: int = 3
    num_layers: int = 2


def macs_per_frame(sizes: Sizes, *, paper_order: bool, training: bool) -> dict[str, float]:
    """Return the multiply-accumulates of all matrix products by component, from their shapes.

    Args:
        sizes: Sizes of the model.
        paper_order: Count :class:`PaperOrderHead`, not the package.
        training: Count what the losses need too: all branches, classifiers, diversity.
    """
    c, d, w, frames = sizes.channels, sizes.dim, sizes.window, sizes.num_frames
    layers, topologies = sizes.num_layers, sizes.num_layers if paper_order else 1
    unfolded, target = w if paper_order else 1, NUM_NODES["s3"]
    macs = dict.fromkeys(("topology", "graph layers", "cross-scale", "fusion head"), 0.0)
    for scale, n in NUM_NODES.items():
        macs["topology"] += topologies * (unfolded * n * c + (w * n) ** 3)
        macs["graph layers"] += layers * ((unfolded + w) * n * c**2 + (w * n) ** 2 * c)
        if scale == "s3":
            continue
        nodes, pairs = n + target, n**2 + target**2
        difference = (pairs if paper_order else nodes) * c * d
        relation = (2 * pairs if paper_order else nodes + pairs) * d**2
        augmented = nodes * (c + d) * d + n * target * d
        sent = n * target * c + (n if paper_order else target) * c**2
        macs["cross-scale"] += nodes * c * d + difference + relation + augmented + sent
    if training or paper_order:
        macs["fusion head"] += c**2
    if training:
        macs["fusion head"] += (3 * c * sizes.num_classes + target**2 * c) / frames
    return macs


def count_macs(run: Callable[[], object]) -> int:
    """Return the multiply-accumulates that ``run`` does in matrix products and convolutions."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() // 2


def saved_bytes(run: Callable[[], object], given: Iterable[Tensor]) -> int:
    """Return the bytes that ``run`` keeps for its backward, each storage once.

    Args:
        run: A forward pass.
        given: Inputs, parameters and buffers; they are there anyway and are left out.
    """
    known = {tensor.untyped_storage()._cdata for tensor in given}
    storages = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    del result
    return sum(storage.nbytes() for key, storage in storages.items() if key not in known)
