"""From the features of a clip's frames to one of the clip."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mmctl.functional.clip_pooling import weighted_mean
from mmctl.registry import MODELS

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


@MODELS.register_module()
class MeanPool(nn.Module):
    """The mean over the frames (temporal pooling, TP).

    Args:
        channels: Channels of a frame's feature, C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:  # noqa: ARG002
        """Return the clip's feature, (B, C).

        Args:
            features: (B, T, C).
            maps: What they were pooled of, (B, T, C, H, W); not used.
        """
        return features.mean(dim=1)


@MODELS.register_module()
class ConvAttentionPool(nn.Module):
    """A mean whose weights a convolution over map and time gives (temporal attention, TA).

    Gao and Nevatia, BMVC 2018. The kernel is as large as the map, so its weights fix the size.

    Args:
        channels: Channels of a frame's feature, C.
        map_size: Height and width of the map.
        width: Channels between the two convolutions.
    """

    def __init__(self, channels: int, map_size: Sequence[int], width: int = 256) -> None:
        super().__init__()
        self.out_channels = channels
        self.map_size = (map_size[0], map_size[1])
        self.place = nn.Conv2d(channels, width, self.map_size)
        self.time = nn.Conv1d(width, 1, 3, padding=1)

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:
        """Return the clip's feature, (B, C).

        Args:
            features: (B, T, C).
            maps: What they were pooled of, (B, T, C, H, W).

        Raises:
            ValueError: If the map has another size than the weights are for.
        """
        if maps.shape[-2:] != self.map_size:
            raise ValueError(
                f"ConvAttentionPool was built for maps of {self.map_size}, which its weights fix, "
                f"got {tuple(maps.shape[-2:])}"
            )
        places = F.relu(self.place(maps.flatten(0, 1))).flatten(1).unflatten(0, maps.shape[:2])
        logits = F.relu(self.time(places.mT)).squeeze(1)
        return weighted_mean(features, logits.softmax(dim=1))


@MODELS.register_module()
class RecurrentPool(nn.Module):
    """The mean of what a recurrent network says at each frame (RNN).

    Args:
        channels: Channels of a frame's feature, C.
        width: Channels of the result.
        cell: ``'lstm'``, ``'gru'`` or ``'rnn'``.

    Raises:
        ValueError: If ``cell`` is unknown.
    """

    clip_rule = "the exporter writes its steps out for one num_frames"
    """Why a graph of it does not take clips of every length."""

    def __init__(self, channels: int, width: int = 512, cell: str = "lstm") -> None:
        super().__init__()
        if cell not in CELLS:
            raise ValueError(
                f"RecurrentPool's cell must be one of {', '.join(CELLS)}, got {cell!r}"
            )
        self.out_channels = width
        self.cell = CELLS[cell](channels, width, batch_first=True)

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:  # noqa: ARG002
        """Return the clip's feature, (B, width).

        Args:
            features: (B, T, C), in time order.
            maps: What they were pooled of, (B, T, C, H, W); not used.
        """
        return self.cell(features)[0].mean(dim=1)
