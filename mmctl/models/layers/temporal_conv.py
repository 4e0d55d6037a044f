"""Convolutions over time and places that keep the name of the weight they replace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmctl.functional.temporal import convolve_three, register_frames, shift_frames
from mmctl.registry import MODELS

FORMS = ("i3d", "p3d-a", "p3d-b", "p3d-c")


@MODELS.register_module()
class TemporalConv(nn.Conv2d):
    """A convolution of single frames that sees the frames before and after, too.

    ``weight`` stays what it was, the kernel over places, so that weights of an image network load
    by their names. Around it, with S that kernel and K one over three frames at one place:

    ``'i3d'``: one kernel over both, whose slices ``sides`` of the neighbours start at zero;
    ``'p3d-a'``: K(S(x)), K = 1 for the own frame at the start; ``'p3d-b'``: S(x) + K(x) and
    ``'p3d-c'``: S(x) + K(S(x)), K = 0 at the start.

    ``registered`` gives the kernel over time neighbours whose appearance was moved to where the
    frame shows the like (:class:`NeighbourRegistration`): API3D and AP-P3D of AP3D.

    Its owner sets ``num_frames`` before a pass, because the blocks of image networks hand on one
    tensor.

    Args:
        in_channels: Channels of the maps.
        out_channels: Channels of the result.
        kernel_size: Of the kernel over places.
        stride: Of places; of ``'p3d-b'`` also that of K.
        padding: Of places.
        form: One of the four above.
        registered: Whether neighbours are registered.
        temperature: Of the registration.

    Raises:
        ValueError: If ``form`` is unknown.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int] = 3,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] = 1,
        form: str = "p3d-c",
        registered: bool = False,
        temperature: float = 4.0,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            _pair(kernel_size),
            stride=_pair(stride),
            padding=_pair(padding),
            bias=False,
        )
        if form not in FORMS:
            raise ValueError(f"TemporalConv's form must be one of {FORMS}, got {form!r}")
        self.form = form
        self.num_frames = 1
        seen = out_channels if form in ("p3d-a", "p3d-c") else in_channels
        self.registration = NeighbourRegistration(seen, temperature) if registered else None
        if form == "i3d":
            self.sides = nn.Parameter(torch.zeros(2, *self.weight.shape))
        else:
            own = torch.eye(out_channels) if form == "p3d-a" else torch.zeros(out_channels, seen)
            nothing = torch.zeros_like(own)
            # No convolution's weight: initialisers of the backbone know those by their class.
            self.temporal = nn.Parameter(torch.stack([nothing, own, nothing]))

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve the frames of clips.

        Args:
            maps: (B * T, C, H, W) of clips of ``num_frames`` = T.

        Returns:
            (B * T, out_channels, H', W').
        """
        if self.form == "i3d":
            kernel = torch.stack([self.sides[0], self.weight, self.sides[1]])
            return self._with_neighbours(maps, kernel, self.stride, self.padding)
        spatial = super().forward(maps)
        kernel = self.temporal[..., None, None]
        if self.form == "p3d-b":
            return spatial + self._with_neighbours(maps, kernel, self.stride)
        temporal = self._with_neighbours(spatial, kernel)
        return temporal if self.form == "p3d-a" else spatial + temporal

    def _with_neighbours(
        self,
        maps: Tensor,
        kernel: Tensor,
        stride: Any = (1, 1),
        padding: Any = (0, 0),
    ) -> Tensor:
        clips = maps.unflatten(0, (-1, self.num_frames))
        if self.registration is None:
            before, after = shift_frames(clips, -1), shift_frames(clips, 1)
        else:
            before, after = self.registration(clips)
        return convolve_three(
            before, clips, after, kernel, stride=_pair(stride), padding=_pair(padding)
        ).flatten(0, 1)


class NeighbourRegistration(nn.Module):
    """Both neighbours of every frame, moved to where the frame shows the like (APM of AP3D).

    A mask of each neighbour, from its likeness to the frame, fades what the frame does not show.
    It sees the maps without their gradient, so it trains its own three layers only.

    Args:
        channels: Channels of the maps, C.
        temperature: See :func:`mmctl.functional.temporal.register_frames`.
        reduction: The layers have C / reduction channels, at least one.
    """

    def __init__(self, channels: int, temperature: float = 4.0, reduction: int = 16) -> None:
        super().__init__()
        width = max(1, channels // reduction)
        self.temperature = temperature
        self.embed = nn.Conv2d(channels, width, 1, bias=False)
        self.embed_frame = nn.Conv2d(channels, width, 1, bias=False)
        self.embed_neighbour = nn.Conv2d(channels, width, 1, bias=False)
        self.mask = nn.Conv2d(width, 1, 1, bias=False)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Register the neighbours.

        Args:
            clips: (B, T, C, H, W).

        Returns:
            The frame before and the frame after each, (B, T, C, H, W) both; zeros past the ends.
        """
        embedded = _per_frame(self.embed, clips)
        frame = _per_frame(self.embed_frame, clips.detach())
        registered = []
        for step in (-1, 1):
            moved = register_frames(
                shift_frames(clips, step),
                embedded,
                shift_frames(embedded, step),
                temperature=self.temperature,
            )
            common = frame * _per_frame(self.embed_neighbour, moved.detach())
            registered.append(moved * _per_frame(self.mask, common).sigmoid())
        return registered[0], registered[1]


def _per_frame(layer: nn.Module, clips: Tensor) -> Tensor:
    return layer(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
