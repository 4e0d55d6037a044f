"""The base of all data sets here, and the data set of a user's own folder of tracklets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mmengine.dataset import BaseDataset

from mmctl.datasets.annotation_file import read_annotation_file
from mmctl.registry import DATASETS
from mmctl.structures import NUM_KEYPOINTS

SPLITS = ("train", "test")
_BASE_ARGUMENTS = ("indices", "lazy_init", "max_refetch", "metainfo", "serialize_data", "test_mode")


@dataclass
class Tracklet:
    """One row of a data set before it is numbered.

    Attributes:
        pid: Person id; -1 marks junk, 0 a distractor.
        camid: Camera id.
        split: ``'train'``, ``'query'`` or ``'gallery'``.
        frame_paths: Paths of the frames in time order.
        keypoint_rows: Row of each frame in the keypoint array, (S,), where there is one.
    """

    pid: int
    camid: int
    split: str
    frame_paths: list[str]
    keypoint_rows: npt.NDArray[np.int64] | None = None


@DATASETS.register_module()
class TrackletDataset(BaseDataset):
    """Tracklets of persons seen by cameras, listed in one JSON file (docs/en/datasets.md).

    Only the list is read here: no directory is scanned and no frame is touched before
    ``LoadFrames`` decodes it. ``get_data_info(i)`` has ``pid``, ``camid``, ``tracklet_id``,
    ``split``, ``frame_paths``, for training ``gt_label`` (0 .. persons - 1 by sorted pid), and
    with keypoints ``keypoint_file`` and ``keypoint_rows``. ``metainfo`` has ``dataset_name`` and
    ``num_pids`` (junk and distractors are not persons), which is counted, never taken over.

    Args:
        ann_file: The annotation file, absolute or below ``data_root``.
        data_root: Folder that the frame paths start from.
        split: ``'train'``, or ``'test'`` for every query and gallery tracklet, once.
        pipeline: Transforms of one tracklet, configs or callables.
        keypoint_file: The keypoint array, absolute or below ``data_root``: float32 (n, 17, 3).
        **base_arguments: ``indices``, ``lazy_init``, ``max_refetch``, ``metainfo``,
            ``serialize_data`` and ``test_mode`` of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        FileNotFoundError: If the annotation or keypoint file does not exist.
        TypeError: If an argument is unknown.
        ValueError: If ``split`` is unknown or a file breaks a rule; file, place, rule and value
            are named.
    """

    def __init__(
        self,
        ann_file: str = "annotations.json",
        data_root: str = "",
        split: str = "train",
        pipeline: Sequence[dict | Callable] = (),
        keypoint_file: str | None = None,
        **base_arguments: Any,
    ) -> None:
        name = type(self).__name__
        if split not in SPLITS:
            raise ValueError(f"{name}'s split must be 'train' or 'test', got {split!r}")
        unknown = sorted(set(base_arguments) - set(_BASE_ARGUMENTS))
        if unknown:
            raise TypeError(
                f"{name} has no argument {unknown[0]!r}; beside its own it takes those of "
                f"BaseDataset that have an effect here: {', '.join(_BASE_ARGUMENTS)}"
            )
        self.split = split
        self.keypoint_file = keypoint_file
        if keypoint_file is not None:
            self.keypoint_file = os.path.join(data_root, keypoint_file)
        super().__init__(
            ann_file=ann_file, data_root=data_root, pipeline=list(pipeline), **base_arguments
        )

    def read_tracklets(self) -> tuple[list[Tracklet], int | None]:
        """Read the tracklets of ``self.split``: what a data set of another layout replaces.

        Returns:
            The tracklets, and how many rows the keypoint array must have (None: any number that
            covers the rows named).
        """
        metainfo, entries, num_rows = read_annotation_file(self.ann_file)
        for key, value in metainfo.items():
            self._metainfo.setdefault(key, value)
        splits = ("train",) if self.split == "train" else ("query", "gallery")
        tracklets = [
            Tracklet(
                entry["pid"],
                entry["camid"],
                entry["split"],
                [os.path.join(self.data_root, frame) for frame in entry["frames"]],
                np.array(entry["keypoint_rows"], dtype=np.int64),
            )
            for entry in entries
            if entry["split"] in splits
        ]
        return tracklets, num_rows

    def load_data_list(self) -> list[dict[str, Any]]:
        """Number the tracklets; called once by MMEngine.

        Raises:
            ValueError: If the split has no tracklet (or the test split no query), a training
                tracklet is nobody's, ``metainfo`` has another ``num_pids``, or the keypoint array
                does not fit.
        """
        tracklets, num_rows = self.read_tracklets()
        self._check_presence(tracklets)
        self._check_training_pids(tracklets)
        pids = sorted({tracklet.pid for tracklet in tracklets if tracklet.pid > 0})
        labels = {pid: label for label, pid in enumerate(pids)}
        self._metainfo.setdefault("dataset_name", type(self).__name__)
        if self._metainfo.setdefault("num_pids", len(pids)) != len(pids):
            raise ValueError(
                f"{self.ann_file or self.data_root}: the metainfo's num_pids must be the number of "
                f"persons in the {self.split!r} split, because the classifier has a class for "
                f"each, which is {len(pids)}, got {self._metainfo['num_pids']!r}; leave it out, it "
                "is counted"
            )
        if self.keypoint_file is not None:
            self._check_keypoint_file(self.keypoint_file, tracklets, num_rows)
        return [self._to_data_info(i, tracklet, labels) for i, tracklet in enumerate(tracklets)]

    def _to_data_info(
        self, index: int, tracklet: Tracklet, labels: Mapping[int, int]
    ) -> dict[str, Any]:
        info: dict[str, Any] = {
            "pid": tracklet.pid,
            "camid": tracklet.camid,
            "tracklet_id": index,
            "split": tracklet.split,
            "frame_paths": tracklet.frame_paths,
        }
        if tracklet.split == "train":
            info["gt_label"] = labels[tracklet.pid]
        if self.keypoint_file is not None:
            info["keypoint_file"] = self.keypoint_file
            info["keypoint_rows"] = tracklet.keypoint_rows
        return info

    def _check_presence(self, tracklets: list[Tracklet]) -> None:
        needed = "train" if self.split == "train" else "query"
        if not any(tracklet.split == needed for tracklet in tracklets):
            raise ValueError(
                f"{self.ann_file or self.data_root}: the {self.split!r} split needs at least one "
                f"tracklet with split {needed!r}, got {len(tracklets)} tracklets and none of it"
            )

    def _check_training_pids(self, tracklets: list[Tracklet]) -> None:
        for index, tracklet in enumerate(tracklets):
            if tracklet.split == "train" and tracklet.pid < 1:
                raise ValueError(
                    f"{self.ann_file or self.data_root}: a training tracklet must be a person (pid "
                    f"1 or more), because each is a class, but tracklet {index} has pid "
                    f"{tracklet.pid}"
                )

    def _check_keypoint_file(
        self, path: str, tracklets: list[Tracklet], num_rows: int | None
    ) -> None:
        array = open_keypoint_array(path)
        if num_rows is not None and len(array) != num_rows:
            raise ValueError(
                f"keypoint file {path} must have one row per frame of the data set (all splits), "
                f"which has {num_rows} frames, got {len(array)} rows"
            )
        for index, tracklet in enumerate(tracklets):
            rows = tracklet.keypoint_rows
            if rows is not None and rows.max() >= len(array):
                raise ValueError(
                    f"keypoint file {path} has {len(array)} rows, but {self.split} tracklet "
                    f"{index} (pid {tracklet.pid}) names row {rows.max()}"
                )


def open_keypoint_array(path: str) -> np.ndarray:
    """Map a keypoint array without reading it.

    Args:
        path: The ``.npy`` file.

    Returns:
        The read-only memory map, (n, 17, 3) float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ``.npy`` file, or of another type or shape.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"keypoint file {path} does not exist; make it first or leave keypoint_file out"
        )
    try:
        array = np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(f"keypoint file {path} is not a whole .npy array: {error}") from error
    shape = getattr(array, "shape", None)
    expected = (NUM_KEYPOINTS, 3)
    if shape is None or len(shape) != 3 or shape[1:] != expected or array.dtype != np.float32:
        raise ValueError(
            f"keypoint file {path} must hold float32 (number of frames, {NUM_KEYPOINTS}, 3): x, y "
            f"and score of each joint in each frame, got {getattr(array, 'dtype', type(array))} "
            f"{shape}"
        )
    return array
