"""MARS (Zheng et al., ECCV 2016): the tracklets of six cameras, from the ``info`` files alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmctl.datasets.fixed_layout_dataset import FixedLayoutDataset
from mmctl.datasets.listings.mars_names import FrameNames, check_rows, read_frame_names
from mmctl.datasets.listings.mat_file import read_integer_array, read_query_numbers
from mmctl.datasets.tracklet import Tracklet
from mmctl.registry import DATASETS

_INFO_FILES = (
    "train_name.txt",
    "test_name.txt",
    "tracks_train_info.mat",
    "tracks_test_info.mat",
    "query_IDX.mat",
)


@DATASETS.register_module()
class MARS(FixedLayoutDataset):
    """MARS, and any data set in its layout.

    ``info/`` says everything, so nothing else is read: names and rows are compared with each
    other, frames wait for ``LoadFrames``. The test split lists all tracklets in the order of
    ``tracks_test_info.mat``, junk (pid -1) and distractors (pid 0) included; those of
    ``query_IDX.mat`` have ``split='query'``, the others ``'gallery'``.

    The rows of the keypoint array are the lines of ``train_name.txt`` followed by the lines of
    ``test_name.txt``.

    Args:
        data_root: Folder with ``bbox_train``, ``bbox_test`` and ``info``.
        split: ``'train'`` or ``'test'``.
        pipeline: Transforms of one tracklet.
        keypoint_file: The keypoint array, absolute or below ``data_root``.
        **base_arguments: ``heatmap_file`` and BaseDataset's, see :class:`TrackletDataset`.

    Raises:
        FileNotFoundError: If a file of ``info/`` is missing.
        ValueError: If a file of ``info/`` is malformed or disagrees with another one.
    """

    @property
    def listing(self) -> Path:
        """The table of the split's tracklets."""
        return Path(self.data_root) / "info" / f"tracks_{self.split}_info.mat"

    def read_tracklets(self) -> tuple[list[Tracklet], int | None]:
        """Read and compare the files of ``info/``."""
        info = Path(self.data_root) / "info"
        _check_layout(info)
        names = read_frame_names(info / f"{self.split}_name.txt")
        rows = _read_rows(self.listing, f"track_{self.split}_info")
        check_rows(rows, self.listing, names)
        splits = np.full(len(rows), "train" if self.split == "train" else "gallery", dtype=object)
        if self.split == "test":
            queries = read_query_numbers(info / "query_IDX.mat", "query_IDX", rows[:, 2])
            splits[queries] = "query"
        first_row, num_rows = 0, None
        if self.has_rows:
            first_row, num_rows = self._locate_keypoint_rows(info, names)
        return self._to_tracklets(rows, splits, names, first_row), num_rows

    def frame_names(self) -> list[str]:
        """Return the lines of ``train_name.txt``, then of ``test_name.txt``, with their folders."""
        info = Path(self.data_root) / "info"
        return [
            f"bbox_{split}/{name[:4]}/{name}"
            for split in ("train", "test")
            for name in read_frame_names(info / f"{split}_name.txt").names
        ]

    def _to_tracklets(
        self, rows: npt.NDArray[np.int64], splits: np.ndarray, names: FrameNames, first_row: int
    ) -> list[Tracklet]:
        folder = f"{Path(self.data_root) / f'bbox_{self.split}'}/"
        paths = [f"{folder}{name[:4]}/{name}" for name in names.names]
        return [
            Tracklet(
                pid, camid, split, paths[start - 1 : end], np.arange(start - 1, end) + first_row
            )
            for (start, end, pid, camid), split in zip(rows.tolist(), splits.tolist(), strict=True)
        ]

    def _locate_keypoint_rows(self, info: Path, names: FrameNames) -> tuple[int, int]:
        """Return the keypoint row of this split's first line, and the number of rows."""
        if self.split == "train":
            others = read_frame_names(info / "test_name.txt")
            return 0, len(names.names) + len(others.names)
        others = read_frame_names(info / "train_name.txt")
        return len(others.names), len(names.names) + len(others.names)


def _check_layout(info: Path) -> None:
    missing = [name for name in _INFO_FILES if not (info / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{info / missing[0]} does not exist. MARS needs below {info.parent}: "
            f"bbox_train/<pid>/*.jpg, bbox_test/<pid>/*.jpg and info/ with {', '.join(_INFO_FILES)}"
        )


def _read_rows(path: Path, key: str) -> npt.NDArray[np.int64]:
    rows = read_integer_array(path, key)
    if rows.ndim != 2 or rows.shape[1] != 4 or len(rows) == 0:
        raise ValueError(
            f"{path}: {key!r} must be (tracklets, 4) with the columns start, end, pid and camid, "
            f"got {rows.shape}"
        )
    return rows
