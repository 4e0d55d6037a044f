"""Names of weights in jackie840129/STE-NVAN (MIT)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from mmctl.checkpoints.public_code.moves import Move, of_frames, same

_PLUGIN = re.compile(r"backbone\.plugins\.layer(\d)_(\d+)\.(\w+)\.(.+)")
_NON_LOCAL = {"query": "theta", "key": "phi", "value": "g", "output": "W.0", "norm": "W.1"}
_PARTS = (
    ("backbone.backbone.", "features.backbone."),
    ("head.necks.clip.", "bottleneck."),
    ("head.classifiers.clip.", "classifier."),
)


def moves(names: Collection[str]) -> Iterator[Move]:
    """Yield the moves of all weights of a model.

    Args:
        names: Names of our model's weights.
    """
    places = sorted({(m[1], int(m[2])) for m in map(_PLUGIN.match, names) if m})
    for name in names:
        found = _PLUGIN.match(name)
        if found:
            # Theirs are numbered within a stage.
            own = [place for place in places if place[0] == found[1]]
            number = own.index((found[1], int(found[2])))
            start = f"features.backbone.NL_{found[1]}.{number}"
            yield of_frames(f"{start}.{_NON_LOCAL[found[3]]}.{found[4]}", name)
            continue
        for ours, theirs in _PARTS:
            if name.startswith(ours):
                yield same(theirs + name.removeprefix(ours), name)
