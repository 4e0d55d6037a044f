"""Names of weights in daodaofr/hypergraph_reid (MGH) and weleen/AGRL.pytorch (MIT)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

from mmctl.checkpoints.public_code.moves import Move, same, split_rows

_PLUGIN = re.compile(r"backbone\.plugins\.layer(\d)_(\d+)\.(\w+)\.(.+)")
_LAYER = re.compile(r"neck\.branches\.(\w+)\.layers\.(\d+)\.(\w+)\.(.+)")
_NON_LOCAL = {"query": "theta", "key": "phi.0", "value": "g.0", "output": "W.0", "norm": "W.1"}

# MGH: branches in the order of its features; theirs are numbered 4, 8, 2 stripes.
_BRANCHES = ("whole", "stripes2", "stripes4", "stripes8")
_LISTS = {"stripes4": "layers1", "stripes8": "layers2", "stripes2": "layers3"}
_SAGE = {"own": "W_x", "others": "W_neib", "norm": "bn"}

_AGRL = (
    ("backbone.backbone.layer4.", "layer4_1."),
    ("backbone.tail.copies.0.", "layer4_2."),
    ("backbone.backbone.", ""),
    ("neck.branches.graph.layers.", "graph_layers."),
    ("head.necks.whole.", "global_bottleneck."),
    ("head.necks.graph.", "att_bottleneck."),
    ("head.classifiers.whole.", "global_classifier."),
    ("head.classifiers.graph.", "att_classifier."),
)


def mgh(names: Mapping[str, Tensor]) -> Iterator[Move]:
    """Yield the moves of all weights of MGH.

    Args:
        names: Our model's weights by name.
    """
    order = [branch for branch in _BRANCHES if f"head.necks.{branch}.weight" in names]
    for name in names:
        plugin, layer = _PLUGIN.match(name), _LAYER.match(name)
        if plugin:
            place = f"base.layer{plugin[1]}.{plugin[2]}.nonlocalblock"
            yield same(f"{place}.{_NON_LOCAL[plugin[3]]}.{plugin[4]}", name)
        elif layer and layer[1] in _LISTS:
            yield same(f"{_LISTS[layer[1]]}.{layer[2]}.{_SAGE[layer[3]]}.{layer[4]}", name)
        elif name.startswith("backbone.backbone."):
            yield same(name.replace("backbone.backbone", "base"), name)
        elif name.startswith("neck.branches.whole.norm."):
            yield same(name.replace("neck.branches.whole.norm", "bn"), name)
        elif name.startswith("head.necks.whole."):
            # One batch norm over all features is one for each of them.
            kind = name.removeprefix("head.necks.whole.")
            ours = [f"head.necks.{branch}.{kind}" for branch in order]
            sizes = [len(names[f"head.necks.{branch}.weight"]) for branch in order]
            yield split_rows(f"bnneck.{kind}", ours, sizes)
        elif name.startswith("head.classifiers."):
            branch, _, kind = name.removeprefix("head.classifiers.").partition(".")
            yield same(f"fc_list.{order.index(branch)}.{kind}", name)


def agrl(names: Mapping[str, Tensor]) -> Iterator[Move]:
    """Yield the moves of all weights of AGRL.

    Args:
        names: Our model's weights by name.
    """
    for name in names:
        for ours, theirs in _AGRL:
            if name.startswith(ours):
                yield same((theirs + name.removeprefix(ours)).replace(".norm.", ".bn."), name)
                break
