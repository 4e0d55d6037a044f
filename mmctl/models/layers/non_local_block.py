"""Attention of every place over the places of the clip or of its frame."""

from __future__ import annotations

import math

from torch import Tensor, nn

from mmctl.functional.attention import attend_places
from mmctl.registry import MODELS

SPANS = ("clip", "frame")


@MODELS.register_module()
class NonLocalBlock(nn.Module):
    """Add to every place what places like it show (embedded Gaussian, Wang et al., CVPR 2018).

    ``x + norm(W attend(theta(x), phi(x), g(x)))``; the batch norm's scale and shift start at zero,
    so a new block changes nothing.

    Args:
        channels: Channels of the maps, C; the embeddings have half.
        span: Attend to the places of the whole ``'clip'``, or of the own ``'frame'``.
        subsample: Take the maxima of 2 x 2 places for keys and values.

    Raises:
        ValueError: If ``span`` is unknown.
    """

    def __init__(self, channels: int, span: str = "clip", subsample: bool = True) -> None:
        super().__init__()
        if span not in SPANS:
            raise ValueError(f"NonLocalBlock's span must be one of {SPANS}, got {span!r}")
        self.span = span
        self.query = _embedding(channels, channels // 2)
        self.key = _embedding(channels, channels // 2)
        self.value = _embedding(channels, channels // 2)
        self.pool = nn.MaxPool2d(2) if subsample else nn.Identity()
        self.output = _embedding(channels // 2, channels)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps with what was attended to, (B, T, C, H, W).

        Args:
            clips: (B, T, C, H, W).
        """
        frames = clips.flatten(0, 1)
        length = clips.shape[1] if self.span == "clip" else 1
        query, key, value = (
            embedded.unflatten(0, (-1, length))
            for embedded in (
                self.query(frames),
                self.pool(self.key(frames)),
                self.pool(self.value(frames)),
            )
        )
        attended = attend_places(query, key, value).flatten(0, 1)
        return (frames + self.norm(self.output(attended))).view_as(clips)


def _embedding(channels: int, width: int) -> nn.Conv2d:
    layer = nn.Conv2d(channels, width, 1)
    nn.init.normal_(layer.weight, std=math.sqrt(2 / width))
    return layer
