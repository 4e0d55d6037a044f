"""Names of weights in guxinqian/AP3D (Apache-2.0)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import torch

from mmctl.checkpoints.public_code.moves import Move, Weights, of_frames, same

_BLOCK = re.compile(r"backbone\.backbone\.layer(\d)\.(\d+)\.(.+)")
_PLUGIN = re.compile(r"backbone\.plugins\.layer(\d)_(\d+)\.(.+)")
_NON_LOCAL = {"query": "theta", "key": "phi.0", "value": "g.0", "output": "W.0", "norm": "W.1"}
_REGISTRATION = {
    "embed": "semantic_mapping",
    "embed_frame": "x_mapping",
    "embed_neighbour": "n_mapping",
    "mask": "contrastive_att_net.0",
}


def moves(names: Collection[str]) -> Iterator[Move]:
    """Yield the moves of all weights of a model.

    Args:
        names: Names of our model's weights.
    """
    plugins = {(m[1], int(m[2])) for m in map(_PLUGIN.match, names) if m}
    for name in names:
        yield from _moves_of(name, names, plugins)


def _moves_of(
    name: str, names: Collection[str], plugins: Collection[tuple[str, int]]
) -> Iterator[Move]:
    block, plugin = _BLOCK.match(name), _PLUGIN.match(name)
    if plugin:
        stage, number, rest = plugin[1], int(plugin[2]), plugin[3]
        part, _, kind = rest.partition(".")
        place = f"layer{stage}.{_index(stage, number, plugins) + 1}"
        yield of_frames(f"{place}.{_NON_LOCAL[part]}.{kind}", name)
    elif block:
        place = f"layer{block[1]}.{_index(block[1], int(block[2]), plugins)}"
        yield from _moves_of_block(place, block[3], name, names)
    elif name.startswith("backbone.backbone."):
        yield of_frames(name.removeprefix("backbone.backbone."), name)
    elif name.startswith("head.necks.clip."):
        yield same(name.replace("head.necks.clip", "bn"), name)
    elif name.startswith("head.classifiers.clip."):
        yield same(name.replace("head.classifiers.clip", "classifier"), name)


def _index(stage: str, block: int, plugins: Collection[tuple[str, int]]) -> int:
    """Return the place of a block among those of its stage and the plug-ins between them."""
    return block + sum(own == stage and after < block for own, after in plugins)


def _moves_of_block(place: str, rest: str, name: str, names: Collection[str]) -> Iterator[Move]:
    before = name.removesuffix(rest)
    if rest == "conv2.sides":
        return
    if rest == "conv2.weight" and f"{before}conv2.sides" in names:
        theirs, sides = f"{place}.conv2.conv3d.weight", f"{before}conv2.sides"
        yield Move((theirs,), (name, sides), _cut_kernel, _join_kernel)
    elif rest == "conv2.weight" and f"{before}conv2.temporal" in names:
        yield of_frames(f"{place}.conv2.spatial_conv3d.weight", name)
    elif rest == "conv2.temporal":
        yield Move((f"{place}.conv2.temporal_conv3d.weight",), (name,), _cut_time, _join_time)
    elif rest.startswith("conv2.registration."):
        part, _, kind = rest.removeprefix("conv2.registration.").partition(".")
        yield of_frames(f"{place}.conv2.APM.{_REGISTRATION[part]}.{kind}", name)
    else:
        yield of_frames(f"{place}.{rest}", name)


def _cut_kernel(weights: Weights) -> Weights:
    """(O, C, 3, h, w) -> (O, C, h, w) of the own frame and (2, O, C, h, w) of its neighbours."""
    before, own, after = weights[0].unbind(2)
    return [own, torch.stack([before, after])]


def _join_kernel(weights: Weights) -> Weights:
    own, (before, after) = weights
    return [torch.stack([before, own, after], dim=2)]


def _cut_time(weights: Weights) -> Weights:
    """(O, C, 3, 1, 1) -> (3, O, C)."""
    return [weights[0].flatten(2).permute(2, 0, 1)]


def _join_time(weights: Weights) -> Weights:
    return [weights[0].permute(1, 2, 0)[..., None, None]]
