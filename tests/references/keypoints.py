"""Keypoints of heatmaps with loops, written from the definition."""

from __future__ import annotations

import numpy as np


def decode(heatmaps, frame_sizes, input_size, udp=False):
    """Return (M, K, 3) keypoints of (M, K, h, w) heatmaps."""
    result = np.zeros((*heatmaps.shape[:2], 3))
    height, width = heatmaps.shape[2:]
    for frame, (frame_height, frame_width) in enumerate(frame_sizes):
        for joint in range(heatmaps.shape[1]):
            cells = heatmaps[frame, joint]
            row, column = 0, 0
            for y in range(height):
                for x in range(width):
                    if cells[y, x] > cells[row, column]:
                        row, column = y, x
            x, y = float(column), float(row)
            if 1 < column < width - 1 and row > 0:
                x += 0.25 * np.sign(cells[row, column + 1] - cells[row, column - 1])
            if 1 < row < height - 1 and column > 0:
                y += 0.25 * np.sign(cells[row + 1, column] - cells[row - 1, column])
            point = []
            for cell, count, side, frame_side in (
                (x, width, input_size[1], frame_width),
                (y, height, input_size[0], frame_height),
            ):
                pixel = cell * (side - 1) / (count - 1) if udp else cell * side / count
                point.append((pixel + 0.5) / side * frame_side - 0.5)
            result[frame, joint] = *point, max(cells[row, column], 0)
    return result
