"""The base of all data sets here, and the data set of a user's own folder of tracklets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset

from mmctl.datasets.keypoints.keypoint_file import (
    check_belongs,
    open_heatmap_array,
    open_keypoint_array,
)
from mmctl.datasets.listings.annotation_file import MAX_ID, order_frames, read_annotation_file
from mmctl.datasets.listings.frame_origins import origins_as_arrays
from mmctl.datasets.numbering import Numbering
from mmctl.datasets.tracklet import SPLITS, Tracklet, check_tracklets
from mmctl.registry import DATASETS

EXTRACTOR = "python tools/dataset_converters/extract_keypoints.py"
UNLABELLED_HINT = "split='all' takes unlabelled tracklets, too"
_BASE_ARGUMENTS = ("indices", "lazy_init", "max_refetch", "metainfo", "serialize_data", "test_mode")


class EmptySplitError(ValueError):
    """A data set lacks the tracklets that make a split: training ones, or queries."""


@DATASETS.register_module()
class TrackletDataset(BaseDataset):
    """Tracklets of persons seen by cameras, listed in one JSON file (docs/en/datasets.md).

    Only the list is read here: no directory is scanned and no frame is touched before
    ``LoadFrames`` decodes it. ``get_data_info(i)`` has ``pid``, ``camid``, ``tracklet_id``,
    ``split``, ``frame_paths``, for training ``gt_label`` (0 .. persons - 1 by sorted pid), and
    with stored arrays ``keypoint_file``, ``heatmap_file`` and ``keypoint_rows``; where the list
    says it, ``video``, ``track``, ``frame_numbers``, ``times``, ``start``, ``boxes`` and
    ``quality``. Unlabelled tracklets, which ``split='all'`` alone lists, have no ``pid`` and no
    ``split``. ``metainfo`` has ``dataset_name`` and ``num_pids`` (junk and distractors are not
    persons), which is counted, never taken over.

    Args:
        ann_file: The annotation file, absolute or below ``data_root``.
        data_root: Folder that the frame paths start from.
        split: ``'train'``, ``'test'`` for every query and gallery tracklet, once, or ``'all'`` for
            every tracklet in the order of the file, labelled or not.
        pipeline: Transforms of one tracklet, configs or callables.
        keypoint_file: The keypoint array, absolute or below ``data_root``: float32 (n, 17, 3).
        heatmap_file: The heatmap array, absolute or below ``data_root``: float16 (n, 17, h, w).
        **base_arguments: ``indices``, ``lazy_init``, ``max_refetch``, ``metainfo``,
            ``serialize_data`` and ``test_mode`` of :class:`mmengine.dataset.BaseDataset`.

    Raises:
        FileNotFoundError: If the annotation, keypoint or heatmap file does not exist.
        TypeError: If an argument is unknown.
        ValueError: If ``split`` is unknown or a file breaks a rule, with its place and value.

    Attributes:
        SPLITS: What ``split`` may be.
    """

    SPLITS: ClassVar[tuple[str, ...]] = ("train", "test", "all")

    def __init__(
        self,
        ann_file: str = "annotations.json",
        data_root: str = "",
        split: str = "train",
        pipeline: Sequence[dict | Callable] = (),
        keypoint_file: str | None = None,
        heatmap_file: str | None = None,
        **base_arguments: Any,
    ) -> None:
        name = type(self).__name__
        if split not in self.SPLITS:
            known = " or ".join(map(repr, self.SPLITS))
            raise ValueError(f"{name}'s split must be {known}, got {split!r}")
        unknown = sorted(set(base_arguments) - set(_BASE_ARGUMENTS))
        if unknown:
            raise TypeError(
                f"{name} has no argument {unknown[0]!r}; beside its own it takes those of "
                f"BaseDataset that have an effect here: {', '.join(_BASE_ARGUMENTS)}"
            )
        self.split = split
        self.numbering: Numbering | None = None
        data_root, ann_file = os.path.expanduser(data_root), os.path.expanduser(ann_file)
        self.keypoint_file, self.heatmap_file = (
            None if name is None else os.path.join(data_root, os.path.expanduser(name))
            for name in (keypoint_file, heatmap_file)
        )
        super().__init__(
            ann_file=ann_file, data_root=data_root, pipeline=list(pipeline), **base_arguments
        )

    @property
    def listing(self) -> Path:
        """Where the tracklets are listed, for messages: a file, or the folder itself."""
        return Path(self.ann_file or self.data_root)

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the labels and paths of a tracklet.

        Args:
            idx: Its index.
        """
        info = super().get_data_info(idx)
        return info if self.numbering is None else self.numbering.apply(info)

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the label of a training tracklet, for ``ClassBalancedDataset``.

        Args:
            idx: Its index.
        """
        return [self.get_data_info(idx)["gt_label"]]

    def read_tracklets(self) -> tuple[list[Tracklet], int | None]:
        """Read the tracklets of ``self.split``: what a data set of another layout replaces.

        Returns:
            The tracklets, and how many rows the keypoint array must have (None: any number that
            covers the rows named).
        """
        metainfo, entries, num_rows = read_annotation_file(self.ann_file)
        for key, value in metainfo.items():
            # What the file says of a split's persons is nothing about those of all splits.
            if (self.split, key) != ("all", "num_pids"):
                self._metainfo.setdefault(key, value)
        tracklets = [
            Tracklet(
                entry.get("pid"),
                entry["camid"],
                entry.get("split"),
                [os.path.join(self.data_root, frame) for frame in entry["frames"]],
                np.array(entry["keypoint_rows"], dtype=np.int64),
                origins_as_arrays(entry),
            )
            for entry in entries
            if entry.get("split") in SPLITS[self.split]
        ]
        return tracklets, num_rows

    def frame_names(self) -> list[str]:
        """Return the frames of all splits in the order of the keypoint array's rows.

        Another layout replaces it.

        Returns:
            Paths relative to ``data_root`` with ``/``.

        Raises:
            ValueError: If there is no tracklet, or the annotation file names rows that are no such
                order: one that no frame has, or that two have.
        """
        _, entries, num_rows = read_annotation_file(self.ann_file)
        if not entries:
            raise ValueError(f"{self.ann_file} must list a tracklet, because frames are wanted")
        return order_frames(self.ann_file, entries, num_rows)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Number the tracklets; called once by MMEngine.

        Raises:
            TypeError: If ``read_tracklets`` returns something else.
            ValueError: If the split has no tracklet (or the test split no query), a training
                tracklet is nobody's, ``metainfo`` has another ``num_pids``, or the keypoint array
                does not fit.
        """
        has_rows = self.keypoint_file is not None or self.heatmap_file is not None
        name = type(self).__name__
        made = check_tracklets(name, self.read_tracklets(), self.split, has_rows)
        tracklets, num_rows = made
        self._check_presence(tracklets)
        self._check_ids(tracklets)
        pids = sorted({pid for t in tracklets if (pid := t.pid or 0) > 0})
        labels = {pid: label for label, pid in enumerate(pids)}
        self._metainfo.setdefault("dataset_name", name)
        if self._metainfo.setdefault("num_pids", len(pids)) != len(pids):
            raise ValueError(
                f"{self.listing}: the metainfo's num_pids must be the number of persons in the "
                f"{self.split!r} split, because the classifier has a class for each, which is "
                f"{len(pids)}, got {self._metainfo['num_pids']!r}; leave it out, it is counted"
            )
        for kind, path in (("keypoints", self.keypoint_file), ("heatmaps", self.heatmap_file)):
            if path is not None:
                self._check_stored_array(kind, path, tracklets, num_rows)
        return [self._to_data_info(i, tracklet, labels) for i, tracklet in enumerate(tracklets)]

    def _to_data_info(
        self, index: int, tracklet: Tracklet, labels: Mapping[int, int]
    ) -> dict[str, Any]:
        info: dict[str, Any] = {
            "camid": tracklet.camid,
            "tracklet_id": index,
            "frame_paths": tracklet.frame_paths,
            **tracklet.origins,
        }
        if tracklet.pid is not None:
            info |= {"pid": tracklet.pid, "split": tracklet.split}
            if self.split == "train":
                info["gt_label"] = labels[tracklet.pid]
        for key in ("keypoint_file", "heatmap_file"):
            if (path := getattr(self, key)) is not None:
                info |= {key: path, "keypoint_rows": tracklet.keypoint_rows}
        return info

    def _check_presence(self, tracklets: list[Tracklet]) -> None:
        if self.split == "all":
            if not tracklets:
                raise EmptySplitError(f"{self.listing} must list at least one tracklet, got none")
            return
        needed = "train" if self.split == "train" else "query"
        if not any(tracklet.split == needed for tracklet in tracklets):
            hint = f"; {UNLABELLED_HINT}" if "all" in self.SPLITS else ""
            raise EmptySplitError(
                f"{self.listing}: the {self.split!r} split needs at least one tracklet with split "
                f"{needed!r}, got {len(tracklets)} tracklets and none of it{hint}"
            )

    def _check_ids(self, tracklets: list[Tracklet]) -> None:
        for index, tracklet in enumerate(tracklets):
            if max(tracklet.pid or 0, tracklet.camid) > MAX_ID:
                raise ValueError(
                    f"{self.listing}: pid and camid must be at most {MAX_ID}, because they are "
                    f"kept in 64 bits, but tracklet {index} ({tracklet.frame_paths[0]}) has "
                    f"{tracklet.pid} and {tracklet.camid}"
                )
            if tracklet.split == "train" and (tracklet.pid or 0) < 1:
                raise ValueError(
                    f"{self.listing}: a training tracklet must be a person (pid 1 or more), "
                    "because junk (-1) and distractors (0) are no classes to learn, but tracklet "
                    f"{index} has pid {tracklet.pid}"
                )

    def _check_stored_array(
        self, kind: str, path: str, tracklets: list[Tracklet], num_rows: int | None
    ) -> None:
        opened = open_keypoint_array if kind == "keypoints" else open_heatmap_array
        try:
            array = opened(path)
            self._check_rows(f"{kind.removesuffix('s')} file {path}", array, tracklets, num_rows)
            check_belongs(path, kind, len(array), self.frame_names)
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f"{error}. {self._describe_extraction(kind, path)}") from error

    def _check_rows(
        self, place: str, array: np.ndarray, tracklets: list[Tracklet], num_rows: int | None
    ) -> None:
        if num_rows is not None and len(array) != num_rows:
            raise ValueError(
                f"{place} must have one row per frame of the data set (all splits), which has "
                f"{num_rows} frames, got {len(array)} rows"
            )
        for index, tracklet in enumerate(tracklets):
            rows = tracklet.keypoint_rows
            if rows is not None and rows.max() >= len(array):
                raise ValueError(
                    f"{place} has {len(array)} rows, but {self.split} tracklet {index} (pid "
                    f"{tracklet.pid}) names row {rows.max()}"
                )

    def _describe_extraction(self, kind: str, path: str) -> str:
        """Say how the right array is made."""
        if type(self).__module__.partition(".")[0] != "mmctl":
            return f"To make it: {EXTRACTOR} CONFIG, with the config that names {path}"
        arguments = ["--dataset", type(self).__name__, "--data-root", self.data_root]
        if self.ann_file:
            # As the data set takes it: below its folder, unless it is elsewhere.
            arguments += ["--ann-file", os.path.relpath(self.ann_file, self.data_root or None)]
        is_default = os.path.normpath(path) == os.path.join(
            os.path.normpath(self.data_root), "info", f"{kind}.npy"
        )
        if kind == "heatmaps":
            arguments.append("--heatmaps")
        elif not is_default:
            arguments.append("--out")
        if not is_default:
            arguments.append(path)
        return f"To make it: {EXTRACTOR} {shlex.join(arguments)}"
