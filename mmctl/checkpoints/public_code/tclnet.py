"""Names of weights in blue-blue272/VideoReID-TCLNet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mmctl.checkpoints.public_code.moves import Move, of_frames, same

_PARTS = (
    # Ours, theirs; the first that a name begins with.
    ("backbone.plugins.layer2_3.output.", "layer2.4.W.0."),
    ("backbone.plugins.layer2_3.norm.", "layer2.4.W.1."),
    ("backbone.tail.learner.", "TSE_Module.branch.1."),
    ("backbone.tail.correlate.", "TSE_Module.conv_reduce."),
    ("backbone.tail.restore.", "TSE_Module.conv_erase.0."),
    ("backbone.tail.norm.", "TSE_Module.conv_erase.1."),
    ("backbone.backbone.layer4.2.", "TSE_Module.branch.0."),
    ("backbone.backbone.layer4.", "TSE_Module.layer4."),
    ("head.necks.first.", "bn.0."),
    ("head.necks.second.", "bn.1."),
    ("head.classifiers.first.", "classifier.0."),
    ("head.classifiers.second.", "classifier.1."),
)


def moves(names: Collection[str]) -> Iterator[Move]:
    """Yield the moves of all weights of a model.

    Args:
        names: Names of our model's weights.
    """
    for name in names:
        for ours, theirs in _PARTS:
            if name.startswith(ours):
                yield same(theirs + name.removeprefix(ours), name)
                break
        else:
            if name.startswith("backbone.backbone."):
                yield of_frames(name.removeprefix("backbone.backbone."), name)
