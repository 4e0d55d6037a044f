"""The base of published data sets, whose files have fixed places below one folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mmctl.datasets.listings.frame_folders import LAST_NUMBER
from mmctl.datasets.tracklet import Tracklet
from mmctl.datasets.tracklet_dataset import TrackletDataset


class Listed(NamedTuple):
    """One tracklet: person, camera, split (None: of none) and frames below ``data_root``."""

    pid: int
    camid: int
    split: str | None
    names: list[str]


class FixedLayoutDataset(TrackletDataset):
    """A data set without annotation file: its class knows where everything is.

    Args:
        data_root: Folder of the data set.
        split: ``'train'`` or ``'test'``.
        pipeline: Transforms of one tracklet.
        keypoint_file: The keypoint array, absolute or below ``data_root``.
        **base_arguments: ``heatmap_file`` and BaseDataset's, see :class:`TrackletDataset`.

    Attributes:
        SUFFIXES: Endings of the frames that are found by listing folders; none where lists name
            all frames.
        FRAME_NUMBER: Finds the number of a frame in its name without ending.
    """

    SPLITS: ClassVar[tuple[str, ...]] = ("train", "test")
    SUFFIXES: ClassVar[tuple[str, ...]] = ()
    FRAME_NUMBER: ClassVar[re.Pattern[str]] = LAST_NUMBER

    def __init__(
        self,
        data_root: str,
        split: str = "train",
        pipeline: Sequence[dict | Callable] = (),
        keypoint_file: str | None = None,
        **base_arguments: Any,
    ) -> None:
        super().__init__(
            ann_file="",
            data_root=data_root,
            split=split,
            pipeline=pipeline,
            keypoint_file=keypoint_file,
            **base_arguments,
        )

    @property
    def has_rows(self) -> bool:
        """Whether frames of all splits have to be counted, for the rows of a stored array."""
        return self.keypoint_file is not None or self.heatmap_file is not None

    def list_tracklets(self, *, all_splits: bool) -> Iterable[Listed]:  # noqa: ARG002
        """List tracklets in the order of the keypoint array's rows; a layout of folders has it.

        Args:
            all_splits: List those of all splits, not only those of the data set's own.

        Raises:
            TypeError: If a layout defines neither this nor ``read_tracklets`` and ``frame_names``.
        """
        raise TypeError(
            f"{type(self).__name__} must define list_tracklets(self, *, all_splits), which lists "
            "its tracklets in the order of the keypoint array's rows, got none"
        )

    def read_tracklets(self) -> tuple[list[Tracklet], int | None]:
        """List the split, and the others where rows have to be counted."""
        root, tracklets, num_rows = Path(self.data_root), [], 0
        for pid, camid, split, names in self.list_tracklets(all_splits=self.has_rows):
            rows = np.arange(num_rows, num_rows + len(names))
            num_rows += len(names)
            if split is not None and (split == "train") == (self.split == "train"):
                paths = [str(root / name) for name in names]
                tracklets.append(Tracklet(pid, camid, split, paths, rows))
        return tracklets, num_rows if self.has_rows else None

    def frame_names(self) -> list[str]:
        """Return the frames of all splits, below ``data_root``, in the order of keypoint rows."""
        return [name for item in self.list_tracklets(all_splits=True) for name in item.names]
