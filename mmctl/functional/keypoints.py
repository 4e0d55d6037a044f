"""Keypoints from heatmaps.

Convention: integer coordinates are pixel centres, of heatmaps, of the estimator's input and of the
stored frame alike. Resizing a frame maps ``x -> (x + 0.5) * s - 0.5``. An estimator's cell i means
the input pixel ``i * stride`` (and not the middle of the pixels that it covers), because that is
what it was trained with; with UDP the corner cells mean the corner pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmctl.functional.precision import at_least_float32

QUARTER = 0.25


def locate_peaks(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Find the highest cell of each map, moved a quarter cell towards its higher neighbour.

    As mmpose's ``MSRAHeatmap`` does it: x stays as it is in the first row and in the two first
    and the last column, y likewise; among equal cells the first in row-major order counts.

    Args:
        heatmaps: Raw heatmaps, (M, K, h, w).

    Returns:
        x and y in cells, (M, K, 2), and the value of the highest cell, (M, K); both float32
        (float64 stays float64).

    Raises:
        ValueError: If ``heatmaps`` is not four-dimensional.

    Example:
        >>> heatmaps = torch.zeros(1, 1, 3, 5)
        >>> heatmaps[0, 0, 1, 2], heatmaps[0, 0, 1, 3] = 1.0, 0.5
        >>> places, scores = locate_peaks(heatmaps)
        >>> places.tolist(), scores.tolist()
        ([[[2.25, 1.0]]], [[1.0]])
    """
    if heatmaps.dim() != 4:
        raise ValueError(f"heatmaps must be (M, K, h, w), got shape {tuple(heatmaps.shape)}")
    maps = at_least_float32(heatmaps)
    height, width = maps.shape[2:]
    flat = maps.flatten(2)
    peaks, cells = flat.max(dim=2).values, flat.argmax(dim=2)
    x, y = cells % width, cells // width

    def slope(step: int, inside: Tensor) -> Tensor:
        """Return the sign of the difference of the two neighbours, (M, K)."""
        following = (cells + step).clamp(max=height * width - 1).unsqueeze(2)
        preceding = (cells - step).clamp(min=0).unsqueeze(2)
        difference = (flat.gather(2, following) - flat.gather(2, preceding)).squeeze(2)
        return torch.where(inside, difference.sign(), torch.zeros_like(difference))

    dx = slope(1, (x > 1) & (x < width - 1) & (y > 0))
    dy = slope(width, (y > 1) & (y < height - 1) & (x > 0))
    return torch.stack((x + QUARTER * dx, y + QUARTER * dy), dim=2), peaks


def decode_heatmaps(
    heatmaps: Tensor, frame_sizes: Tensor, input_size: tuple[int, int], *, udp: bool = False
) -> Tensor:
    """Turn heatmaps into keypoints of the frames that they belong to.

    Args:
        heatmaps: Raw heatmaps, (M, K, h, w).
        frame_sizes: Height and width of each stored frame in pixels, (M, 2).
        input_size: (H, W) to which the frames were resized for the estimator.
        udp: Whether the corner cells of a map mean the corner pixels of the input (UDP, Huang et
            al., CVPR 2020), and not cell i the pixel ``i * W / w``.

    Returns:
        x, y in pixels of the stored frame (integers are pixel centres) and the score, which is the
        peak's value, at least 0, (M, K, 3), float32 (float64 stays float64).

    Raises:
        ValueError: If ``heatmaps`` is not four-dimensional or a frame has no size.

    Example:
        >>> heatmaps = torch.zeros(1, 1, 4, 4)
        >>> heatmaps[0, 0, 2, 1] = 1.0
        >>> decode_heatmaps(heatmaps, torch.tensor([[16, 16]]), (16, 16)).tolist()
        [[[4.0, 8.0, 1.0]]]
    """
    cells, peaks = locate_peaks(heatmaps)
    if tuple(frame_sizes.shape) != (len(heatmaps), 2):
        raise ValueError(
            f"frame_sizes must be a height and a width per frame, ({len(heatmaps)}, 2), got "
            f"{tuple(frame_sizes.shape)}"
        )
    height, width = heatmaps.shape[2:]
    cell_sides, input_sides = cells.new_tensor((width, height)), cells.new_tensor(input_size[::-1])
    stride = (input_sides - 1) / (cell_sides - 1) if udp else input_sides / cell_sides
    frame_sides = frame_sizes.flip(1).to(cells).unsqueeze(1)  # (M, 1, 2): width, height
    points = (cells * stride + 0.5) * frame_sides / input_sides - 0.5
    return torch.cat((points, peaks.clamp(min=0).unsqueeze(2)), dim=2)
