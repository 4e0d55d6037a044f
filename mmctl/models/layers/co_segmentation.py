"""Attention to what the frames of a clip have in common (COSAM)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mmctl.functional.cosegmentation import common_channels, correlate_others
from mmctl.registry import MODELS


@MODELS.register_module()
class CoSegmentation(nn.Module):
    """Weight places and channels by what other frames show, too (Subramaniam et al., ICCV 2019).

    Its weights fix the frames of a clip and the size of the map: each of its inputs is one place of
    one other frame.

    Args:
        channels: Channels of the maps, C.
        num_frames: Frames of a clip, T.
        map_size: Height and width of the map.
        width: Channels that places are compared by.

    Raises:
        ValueError: If a clip has no second frame.
    """

    def __init__(
        self, channels: int, num_frames: int, map_size: Sequence[int], width: int = 256
    ) -> None:
        super().__init__()
        if num_frames < 2:
            raise ValueError(
                "CoSegmentation's num_frames must be at least 2, because frames are compared, got "
                f"{num_frames}"
            )
        self.num_frames = num_frames
        self.map_size = (map_size[0], map_size[1])
        self.embed = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.summarize = nn.Sequential(
            nn.Conv2d((num_frames - 1) * map_size[0] * map_size[1], 64, 1),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 1, 1),
            nn.Sigmoid(),
        )
        self.weigh = nn.Sequential(
            nn.Linear(channels, width), nn.Tanh(), nn.Linear(width, channels), nn.Sigmoid()
        )

    @property
    def clip_rule(self) -> str:
        """Why it does not take clips of every length, which a graph has to."""
        return f"its weights fix num_frames={self.num_frames}"

    def forward(self, clips: Tensor) -> Tensor:
        """Return the weighted maps, (B, T, C, H, W).

        Args:
            clips: (B, T, C, H, W).

        Raises:
            ValueError: If T or the map's size is another than the weights are for.
        """
        given = (clips.shape[1], tuple(clips.shape[-2:]))
        if given != (self.num_frames, self.map_size):
            raise ValueError(
                f"CoSegmentation was built for clips of num_frames={self.num_frames} with maps of "
                f"{self.map_size}, which its weights fix, got {given[0]} frames with maps of "
                f"{given[1]}"
            )
        embedded = self.embed(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
        places = self.summarize(correlate_others(embedded).flatten(0, 1))
        clips = clips * places.unflatten(0, clips.shape[:2])
        channels = common_channels(self.weigh(clips.mean(dim=(3, 4))))
        return clips + clips * channels[..., None, None]
