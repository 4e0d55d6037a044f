"""Frames of a data set in batches of one size, as a model sees them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmctl.datasets.transforms import LoadFrames, ResizeClip

Batch = tuple[Tensor, Tensor, dict[int, str]]


class FrameBatches(Dataset[Batch]):
    """Read and resize frames as the training pipeline does (``LoadFrames``, ``ResizeClip``).

    An item is a batch: frames (B, 3, H, W) uint8 RGB; height and width of each stored frame
    (B, 2); and, for each frame that cannot be read, the reason by its place in the batch. Such a
    frame is black, of size 1 x 1.

    Args:
        data_root: Folder that the names start from.
        names: Paths of all frames.
        batches: Rows of each batch.
        size: (H, W).
    """

    def __init__(
        self, data_root: str, names: Sequence[str], batches: Sequence[range], size: Sequence[int]
    ) -> None:
        self.data_root = data_root
        self.names = names
        self.batches = batches
        self._load = LoadFrames()
        self._resize = ResizeClip(tuple(size))

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        """Return a batch."""
        rows = self.batches[index]
        frames = np.zeros((len(rows), *self._resize.size, 3), dtype=np.uint8)
        sizes = np.ones((len(rows), 2), dtype=np.int64)
        faults = {}
        for place, row in enumerate(rows):
            path = os.path.join(self.data_root, self.names[row])
            try:
                # A frame of a tracklet of one frame.
                results = {"frame_paths": [path], "clip_indices": np.zeros((1, 1), dtype=np.int64)}
                (frame,) = self._load.transform(results)["frames"]
            except (OSError, ValueError) as error:
                faults[place] = str(error)
            else:
                sizes[place] = frame.shape[:2]
                frames[place] = self._resize.transform({"frames": [frame]})["frames"][0]
        return torch.from_numpy(frames).permute(0, 3, 1, 2), torch.from_numpy(sizes), faults


def start_worker(_: int) -> None:
    """Keep a worker of the loader to one thread: there are several workers."""
    cv2.setNumThreads(0)
