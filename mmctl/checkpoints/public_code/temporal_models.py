"""Names of weights in jiyanggao/Video-Person-ReID and InnovArul/vidreid_cosegmentation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from mmctl.checkpoints.public_code.moves import Move, same

_BACKBONE = (
    # Both have torchvision's network as a sequence without names.
    ("backbone.backbone.conv1.", "base.0."),
    ("backbone.backbone.bn1.", "base.1."),
    ("backbone.backbone.layer1.", "base.4."),
    ("backbone.backbone.layer2.", "base.5."),
    ("backbone.backbone.layer3.", "base.6."),
    ("backbone.backbone.layer4.", "base.7."),
    ("head.classifiers.clip.", "classifier."),
)
_POOL = "neck.branches.clip.temporal."


def _pools(start: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{_POOL}place.", f"{start}attention_conv."),
        (f"{_POOL}time.", f"{start}attention_tconv."),
        (f"{_POOL}cell.", f"{start}lstm."),
    )


def _attention(place: str, number: int) -> tuple[tuple[str, str], ...]:
    ours, theirs = f"backbone.plugins.{place}.", f"attention_modules.attention_modules.{number}."
    return (
        (f"{ours}embed.", f"{theirs}dim_reduction."),
        (f"{ours}summarize.", f"{theirs}spatial_mask_summary."),
        (f"{ours}weigh.", f"{theirs}channelwise_attention."),
    )


def _renaming(parts: tuple[tuple[str, str], ...]) -> Callable[[Collection[str]], Iterator[Move]]:
    def moves(names: Collection[str]) -> Iterator[Move]:
        for name in names:
            for ours, theirs in parts:
                if name.startswith(ours):
                    yield same(theirs + name.removeprefix(ours), name)

    return moves


video_person_reid = _renaming((*_BACKBONE, *_pools("")))
"""Moves of all weights of TP, TA and RNN."""

cosam = _renaming(
    (
        *_BACKBONE,
        *_pools("aggregation."),
        *_attention("layer3_5", 2),
        *_attention("layer4_2", 3),
    )
)
"""Moves of all weights of COSAM on ResNet-50."""
