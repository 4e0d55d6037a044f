"""Names of weights in baist/SINet (MIT): SINet, SBNet, IDNet, SANet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import torch

from mmctl.checkpoints.public_code.moves import Move, Weights, of_frames, reshaped, same

_BLOCK = re.compile(r"backbone\.backbone\.layer(\d)\.(\d+)\.(.+)")
_PLUGIN = re.compile(r"backbone\.plugins\.layer(\d)_(\d+)\.(.+)\.(\w+)")
_PARTS = {
    "squeeze": "down_channel",
    "expand": "up_channel.0",
    "norm": "up_channel.1",
    "squeeze.0": "chl_reduction.0",
    "squeeze.1": "chl_reduction.1",
    "integrate.0": "thw_reduction.0",
    "integrate.1": "thw_reduction.1",
    "distribute": "thw_expansion.0",
    "kernel.0": "kernel.0",
    "kernel.1": "kernel.1",
    "gate.0": "se.1",
    "gate.2": "se.3",
}


def moves(names: Collection[str]) -> Iterator[Move]:
    """Yield the moves of all weights of a model.

    Args:
        names: Names of our model's weights.
    """
    plugins = {(m[1], int(m[2])) for m in map(_PLUGIN.match, names) if m}
    has_places = any(".integrate." in name for name in names)
    for name in names:
        block, plugin = _BLOCK.match(name), _PLUGIN.match(name)
        if plugin:
            place = f"layer{plugin[1]}.{_index(plugin[1], int(plugin[2]), plugins) + 1}"
            part = "chl_expansion.0" if has_places and plugin[3] == "expand" else _PARTS[plugin[3]]
            theirs = f"{place}.{part}.{plugin[4]}"
            is_of_places = plugin[3] in ("integrate.0", "distribute") and plugin[4] == "weight"
            yield reshaped(theirs, name, (1,)) if is_of_places else of_frames(theirs, name)
        elif name.startswith("backbone.backbone."):
            own = name.removeprefix("backbone.backbone.")
            if block:
                index = _index(block[1], int(block[2]), plugins)
                own = f"layer{block[1]}.{index}.{block[3]}"
            yield from _without_bias(own, name)
        elif ".projection." in name:
            theirs = name.replace("head.losses.frames.clip.", "")
            yield reshaped(theirs, name, (1,)) if name.endswith("weight") else same(theirs, name)
        elif name.startswith("head.necks.clip."):
            yield same(name.replace("head.necks.clip", "bn"), name)
        elif name.startswith("head.classifiers.clip."):
            yield same(name.replace("head.classifiers.clip", "classifier"), name)


def _index(stage: str, block: int, plugins: Collection[tuple[str, int]]) -> int:
    return block + sum(own == stage and after < block for own, after in plugins)


def _without_bias(theirs: str, name: str) -> Iterator[Move]:
    """Take the bias that their convolutions have off the mean of the batch norm behind."""
    if theirs.endswith(".running_mean"):
        return  # comes with its convolution
    conv = re.fullmatch(r"(.*)(conv(\d)|downsample\.0)\.weight", theirs)
    if conv is None:
        yield same(theirs, name)
        return
    norm = f"bn{conv[3]}" if conv[3] else "downsample.1"
    start = name.removesuffix(f"{conv[2]}.weight")
    yield Move(
        (theirs, f"{conv[1]}{conv[2]}.bias", f"{conv[1]}{norm}.running_mean"),
        (name, f"{start}{norm}.running_mean"),
        _take,
        _give,
    )


def _take(weights: Weights) -> Weights:
    weight, bias, mean = weights
    return [weight.squeeze(2), mean - bias]


def _give(weights: Weights) -> Weights:
    weight, mean = weights
    return [weight.unsqueeze(2), torch.zeros_like(mean), mean]
