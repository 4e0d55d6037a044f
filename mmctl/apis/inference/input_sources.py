"""Inputs of every kind as sources of tracklets: what each of them is, and which frames it has."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from mmengine.registry import DefaultScope

from mmctl.apis.inference.crop_folders import PICTURES, find_crops
from mmctl.apis.inference.tracklet_item import Frame, TrackletItem
from mmctl.datasets.tracklet import Tracklet
from mmctl.datasets.tracklet_dataset import TrackletDataset
from mmctl.registry import DATASETS

ANNOTATIONS = "annotations.json"
STORED = {"keypoints": "info/keypoints.npy", "heatmaps": "info/heatmaps.npy"}
"""Where the arrays of a folder's data set lie as a rule."""


class Source(Protocol):
    """Some tracklets, of which only one is looked at at a time."""

    def __len__(self) -> int:
        """Return how many there are."""

    def items(self, start: int = 0) -> Iterator[TrackletItem]:
        """Yield them in order, from one on."""

    def first(self) -> TrackletItem:
        """Return the first one, its frames perhaps not there yet."""

    def identify(self) -> str:
        """Return a hash of what is known of them without decoding a frame."""


@dataclass(frozen=True)
class ListedTracklets:
    """Tracklets whose frames are named or in memory.

    Attributes:
        given: The tracklets.
    """

    given: Sequence[TrackletItem]

    def __len__(self) -> int:
        return len(self.given)

    def items(self, start: int = 0) -> Iterator[TrackletItem]:
        """Yield them in order."""
        yield from self.given[start:]

    def first(self) -> TrackletItem:
        """Return the first one."""
        return self.given[0]

    def identify(self) -> str:
        """Return a hash of the frames' names."""
        return hash_items(self.items())


@dataclass(frozen=True)
class DatasetTracklets:
    """The tracklets of a data set, with ``get_data_info`` and a length.

    Attributes:
        dataset: The data set.
    """

    dataset: Any

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def name(self) -> str:
        """What the data set calls itself, '' where it does not."""
        return str(getattr(self.dataset, "metainfo", {}).get("dataset_name", ""))

    def items(self, start: int = 0) -> Iterator[TrackletItem]:
        """Yield them in order."""
        for index in range(start, len(self)):
            yield to_item(self.dataset.get_data_info(index), f"tracklet {index}")

    def first(self) -> TrackletItem:
        """Return the first one."""
        return next(self.items())

    def identify(self) -> str:
        """Return a hash of the frames' names, the labels and the stored array's place."""
        return hash_items(self.items())


def hash_items(items: Iterator[TrackletItem]) -> str:
    """Return the SHA-256 of the frames' names and of what is known of tracklets."""
    digest = hashlib.sha256()
    for item in items:
        labels = {k: v for k, v in item.labels.items() if k != "keypoint_rows"}
        numbers = [item.labels.get("keypoint_rows"), *item.origin.values(), item.quality]
        plain = [v.tolist() if isinstance(v, np.ndarray) else str(v) for v in numbers]
        text = json.dumps([item.name, list(item.names), labels, plain], default=str)
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def to_item(info: dict[str, Any], name: str) -> TrackletItem:
    """Return what a data set says of a tracklet.

    Args:
        info: What its ``get_data_info`` gives.
        name: What it is called in messages, beside its first frame.
    """
    paths = list(info["frame_paths"])
    labels = {
        key: info[key]
        for key in ("pid", "camid", "split", "tracklet_id", "gt_label")
        if info.get(key) is not None
    }
    stored = [key for key in ("keypoint_file", "heatmap_file") if key in info]
    labels |= {key: info[key] for key in (*stored, *(["keypoint_rows"] if stored else []))}
    keys = ("video", "track", "frame_numbers", "times", "start", "boxes")
    return TrackletItem(
        f"{name} ({paths[0]})",
        paths,
        paths,
        labels,
        {key: info[key] for key in keys if key in info},
        keypoint_origin="stored" if "keypoint_file" in labels else "none",
        quality=info.get("quality"),
    )


def open_dataset(given: Any, reads: str | None, stored_file: str | None = None) -> DatasetTracklets:
    """Build a data set for inference: without pipeline, and with the stored array that is read.

    Args:
        given: Its config, or the data set itself.
        reads: ``'keypoints'``, ``'heatmaps'`` or None: what the model reads.
        stored_file: Another array than the config says.

    Raises:
        FileNotFoundError: If a file of the data set does not exist.
        ValueError: If it has no tracklets, or is none.
    """
    if isinstance(given, dict):
        cfg = dict(given)
        while "dataset" in cfg:  # TrackletParts and wrappers of MMEngine
            cfg = dict(cfg["dataset"])
        cfg |= {"pipeline": []}
        for kind in STORED:
            key = f"{kind.removesuffix('s')}_file"
            if kind != reads and key in cfg:
                cfg[key] = None
            elif kind == reads and stored_file is not None:
                cfg[key] = os.path.abspath(stored_file)
        with DefaultScope.overwrite_default_scope("mmctl"):
            _check_name(cfg["type"])
            given = DATASETS.build(cfg)
    given = getattr(given, "dataset", given)
    if not hasattr(given, "get_data_info") or not len(given):
        raise ValueError(
            "a data set for inference must list tracklets (get_data_info), at least one, got "
            f"{type(given).__name__}"
        )
    return DatasetTracklets(given)


def _check_name(kind: Any) -> None:
    if not isinstance(kind, str) or DATASETS.get(kind) is not None:
        return
    DATASETS.import_from_location()
    known = [
        name
        for name, found in DATASETS.module_dict.items()
        if isinstance(found, type) and issubclass(found, TrackletDataset)
    ]
    raise ValueError(
        f"there is no data set {kind!r}; those that list tracklets are {', '.join(sorted(known))}"
    )


def open_folder(
    folder: str, reads: str | None, stored_file: str | None, camera: int | None
) -> Source:
    """Return what a folder holds: a listed data set, the crops of a tracklet, or folders of such.

    Raises:
        ValueError: If it holds no pictures, or videos beside them.
    """
    if os.path.isfile(os.path.join(folder, ANNOTATIONS)):
        return open_list(os.path.join(folder, ANNOTATIONS), reads, stored_file)
    if os.path.isfile(os.path.join(folder, "info", "tracks_test_info.mat")):
        return open_root("MARS", folder, reads, stored_file)
    found = [to_listed(*pair, camera) for pair in find_crops(folder)]
    if not found:
        raise ValueError(
            f"folder {folder} must hold crops of persons ({', '.join(PICTURES)}), folders of such "
            f"or {ANNOTATIONS}, got none; tools/track_video.py cuts them out of videos"
        )
    return ListedTracklets(found)


def open_list(path: str, reads: str | None, stored_file: str | None) -> Source:
    """Return the tracklets that an annotation file lists, labelled or not."""
    root, more = os.path.dirname(path), {"ann_file": os.path.abspath(path), "split": "all"}
    return open_root("TrackletDataset", root, reads, stored_file, **more)


def open_root(
    kind: str, folder: str, reads: str | None, stored_file: str | None, **more: Any
) -> DatasetTracklets:
    """Return a data set by its class and folder, with the stored array that lies there as a rule.

    Args:
        kind: Name of the class, as ``'MARS'``.
        folder: Its ``data_root``.
        reads: What the model reads.
        stored_file: Another array than the usual one.
        **more: Other arguments; without ``split`` it is that for testing.
    """
    usual = os.path.join(folder, STORED.get(reads or "", ""))
    if stored_file is None and reads in STORED and os.path.isfile(usual):
        stored_file = usual
    cfg = {"type": kind, "data_root": folder, "split": "test", **more}
    return open_dataset(cfg, reads, stored_file)


def to_listed(name: str, frames: Sequence[Frame], camera: int | None) -> TrackletItem:
    """Return a tracklet of frames in time order.

    Raises:
        ValueError: If there is no frame, or pixels are none.
    """
    if not len(frames):
        raise ValueError(f"{name} must have at least one frame, got none")
    names = []
    for index, frame in enumerate(frames):
        if isinstance(frame, np.ndarray):
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
                raise ValueError(
                    f"frame {index} of {name} must be uint8 pixels (height, width, 3), got "
                    f"{frame.dtype} {frame.shape}"
                )
            names.append(f"frame {index} of {name}")
        else:
            names.append(os.fsdecode(frame))
    labels = {} if camera is None else {"camid": camera}
    return TrackletItem(name, [f if isinstance(f, np.ndarray) else os.fspath(f) for f in frames],
                        names, labels)  # fmt: skip


def from_record(record: Tracklet, stored_file: str | None, name: str) -> TrackletItem:
    """Return a data set's record of a tracklet.

    Args:
        record: The record.
        stored_file: The array that its ``keypoint_rows`` are rows of, if there is one.
        name: What it is called in messages.
    """
    info = {
        "pid": record.pid,
        "camid": record.camid,
        "split": record.split,
        "frame_paths": record.frame_paths,
        **record.origins,
    }
    item = to_item(info, name)
    if stored_file is None or record.keypoint_rows is None:
        return item
    stored = {"keypoint_file": stored_file, "keypoint_rows": record.keypoint_rows}
    return replace(item, labels=item.labels | stored, keypoint_origin="stored")
