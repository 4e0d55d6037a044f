"""What a user gives to the inferencer, as tracklets one after the other."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from mmctl.apis.inference.crop_folders import PICTURES, VIDEOS
from mmctl.apis.inference.given_keypoints import attach_keypoints, check_source, open_keypoints
from mmctl.apis.inference.input_sources import (
    DatasetTracklets,
    ListedTracklets,
    Source,
    from_record,
    open_dataset,
    open_folder,
    open_list,
    to_listed,
)
from mmctl.apis.inference.tracked_video import TrackedVideo, VideoTracklets
from mmctl.apis.inference.tracklet_item import TrackletItem, TurnedFrames
from mmctl.datasets.tracking import TrackSettings
from mmctl.datasets.tracklet import Tracklet
from mmctl.engine import read_config
from mmctl.files import check_regular, shorten

ORDERS = ("rgb", "bgr")

_KINDS = (
    "a folder of crops, a list of folders, a list of paths or arrays (one tracklet) or of such "
    "lists, Tracklet records, a data set, its config or annotations.json, or a video with "
    "tracks= (--camera NUMBER TRACKS FRAMES)"
)


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read.

    Attributes:
        reads: What the model takes beside frames: ``'keypoints'``, ``'heatmaps'`` or None.
        channel_order: Of arrays: ``'rgb'`` or ``'bgr'``.
        keypoints: An array of all frames, a list with one for each tracklet, or a ``.npy`` file.
        tracks: Track file of a video.
        camera: Number of the camera, where the input says none.
        track_settings: What is kept of the tracks of a video.

    Raises:
        FileNotFoundError: If the file of keypoints does not exist.
        ValueError: If ``channel_order`` is neither of the two.
    """

    reads: str | None = None
    channel_order: str = "rgb"
    keypoints: Any = None
    tracks: str | Path | None = None
    camera: int | None = None
    track_settings: TrackSettings = field(default_factory=TrackSettings)

    def __post_init__(self) -> None:
        if self.channel_order not in ORDERS:
            raise ValueError(f"channel_order must be one of {ORDERS}, got {self.channel_order!r}")
        if self.stored_file is not None:
            check_regular(self.stored_file, "keypoint file")

    @property
    def stored_file(self) -> str | None:
        """The file of stored keypoints, if the call names one."""
        is_file = isinstance(self.keypoints, (str, Path))
        return os.path.expanduser(self.keypoints) if is_file else None


class Inputs:
    """The tracklets of what a user gave.

    Args:
        given: Any of the kinds of docs/en/inference.md.
        options: How it is read.

    Raises:
        FileNotFoundError: If a file or folder does not exist.
        TypeError: If it is of no kind that is known.
        ValueError: If there is no tracklet, or something is wrong with one.

    Attributes:
        total: How many there are; None where an iterator gives them one by one.
    """

    def __init__(self, given: Any, options: InputOptions) -> None:
        self.options = options
        self._lazy: Iterable[Any] | None = None
        self.sources: list[Source] = []
        self.total: int | None = None
        if isinstance(given, Iterator):
            self._lazy = given
        else:
            given = given if _is_list_of_tracklets(given) else [given]
            self.sources = [open_input(one, options, f"input {i}") for i, one in enumerate(given)]
            self.total = sum(map(len, self.sources))
        self._has_own = any(not isinstance(s, ListedTracklets) for s in self.sources)
        is_array = options.keypoints is not None and options.stored_file is None
        is_video = [type(source) for source in self.sources] == [VideoTracklets]
        if self._has_own and is_array and not is_video:
            raise ValueError(
                "keypoints= of a data set must be the .npy file of an array with a row for each "
                "frame of the data set, because its list says which row is whose, got "
                f"{shorten(options.keypoints)}"
            )
        if not self._attaches:  # before anything is loaded or written
            for source in self.sources:
                check_source(source.first(), options.reads)
        elif self._lazy is None:
            deque(self.items(), maxlen=0)  # whose frames are names or in memory

    def items(self, start: int = 0) -> Iterator[TrackletItem]:
        """Yield the tracklets in order.

        Args:
            start: The first one.

        Raises:
            NoKeypointsError: If the model reads keypoints and a tracklet has none.
            ValueError: If something is wrong with a tracklet.
        """
        items = self._draw(0 if self._attaches else start)
        if self._attaches:
            given, is_file = open_keypoints(self.options.keypoints), bool(self.options.stored_file)
            items = islice(attach_keypoints(items, given, is_file, self.total), start, None)
        for item in items:
            check_source(item, self.options.reads)
            yield item

    @property
    def _attaches(self) -> bool:
        """Whether the keypoints of the call go to the tracklets in their order."""
        return self.options.keypoints is not None and not self._has_own

    @property
    def dataset_name(self) -> str:
        """Names of the data sets, '' where none is."""
        found = [source.name for source in self.sources if isinstance(source, DatasetTracklets)]
        return " + ".join(dict.fromkeys(filter(None, found)))

    def identify_keypoints(self) -> Any:
        """Return what tells the keypoints of the call from others: file and size, or a hash."""
        given = self.options.keypoints
        if given is None:
            return None
        if self.options.stored_file is not None:
            return [
                os.path.basename(self.options.stored_file),
                os.path.getsize(self.options.stored_file),
            ]
        arrays = [given] if isinstance(given, np.ndarray) else list(given)
        digest = hashlib.sha256()
        for array in arrays:
            digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
        return digest.hexdigest()

    def _draw(self, start: int) -> Iterator[TrackletItem]:
        if self._lazy is not None:
            opened = (
                open_input(one, self.options, f"input {index}")
                for index, one in enumerate(self._lazy)
            )
            yield from islice(chain.from_iterable(s.items() for s in opened), start, None)
        for source in self.sources:
            if start < len(source):
                yield from source.items(start)
            start = max(0, start - len(source))


def open_input(given: Any, options: InputOptions, name: str) -> Source:
    """Return one input, which may be several tracklets.

    Args:
        given: The input.
        options: How it is read.
        name: What to call it where it has no name.

    Raises:
        FileNotFoundError: If a file or folder does not exist.
        TypeError: If it is of no kind that is known.
        ValueError: If something is wrong with it.
    """
    if isinstance(given, (str, Path)):
        return _open_path(os.path.expanduser(given), options)
    if isinstance(given, np.ndarray):
        return ListedTracklets([_from_frames(given, options, name)])
    if isinstance(given, (list, tuple)):
        return ListedTracklets([_from_frames(given, options, name)])
    if isinstance(given, Tracklet):
        return ListedTracklets([from_record(given, options.stored_file, name)])
    if isinstance(given, TrackedVideo):
        return VideoTracklets(_with_keypoints(given, options))
    if isinstance(given, (Mapping, Config)):
        return _open_mapping(given, options)
    if hasattr(given, "get_data_info"):
        return open_dataset(given, options.reads)
    raise TypeError(f"an input must be {_KINDS}, got a {type(given).__name__}: {shorten(given)}")


def _open_path(path: str, options: InputOptions) -> Source:
    if os.path.isdir(path):
        if options.tracks is not None:
            return _open_video(path, options)
        return open_folder(path, options.reads, options.stored_file, options.camera)
    if not os.path.exists(path):
        raise FileNotFoundError(f"input {path} does not exist; an input is {_KINDS}")
    if path.lower().endswith(PICTURES):
        return ListedTracklets([to_listed(path, [path], options.camera)])
    if path.endswith(".json"):
        return open_list(path, options.reads, options.stored_file)
    if path.endswith((".py", ".yml", ".yaml")):
        return _open_mapping(read_config(path), options)
    return _open_video(path, options)


def _open_video(path: str, options: InputOptions) -> Source:
    if options.tracks is None and not path.lower().endswith(VIDEOS):
        raise ValueError(f"an input must be {_KINDS}, got the file {path}")
    if options.tracks is None:
        raise ValueError(
            f"video {path} needs tracks= (--camera NUMBER TRACKS FRAMES), the track file that says "
            "where persons are in it; tools/track_video.py finds them without one"
        )
    video = TrackedVideo(path, options.tracks, options.camera, options.track_settings)
    return VideoTracklets(_with_keypoints(video, options))


def _with_keypoints(video: TrackedVideo, options: InputOptions) -> TrackedVideo:
    lacks = video.keypoints is None and options.keypoints is not None
    return replace(video, keypoints=options.keypoints) if lacks else video


def _open_mapping(given: Any, options: InputOptions) -> DatasetTracklets | VideoTracklets:
    content = given.to_dict() if hasattr(given, "to_dict") else dict(given)
    if "video" in content:
        return VideoTracklets(_with_keypoints(TrackedVideo(**content), options))
    loader = content.get("test_dataloader")
    if isinstance(loader, Mapping) and "dataset" in loader:
        content = dict(loader["dataset"])
    if "type" not in content:
        raise ValueError(
            "a dict as input must be a data set config (type=...), a config with a "
            f"test_dataloader, or video=... and tracks=..., got the keys {sorted(content)[:8]}"
        )
    return open_dataset(content, options.reads, options.stored_file)


def _from_frames(frames: Any, options: InputOptions, name: str) -> TrackletItem:
    if isinstance(frames, np.ndarray) and frames.ndim == 3:
        frames = frames[None]
    wrong = [index for index, frame in enumerate(frames) if not is_frame(frame)]
    if wrong:
        raise ValueError(
            f"{name} must be the frames of one tracklet, paths of pictures "
            f"({', '.join(PICTURES)}) or uint8 arrays (height, width, 3), got "
            f"{shorten(frames[wrong[0]])} at {wrong[0]}"
        )
    item = to_listed(name, frames, options.camera)
    if options.channel_order == "bgr":
        return replace(item, frames=TurnedFrames(item.frames))
    return item


def is_frame(given: Any) -> bool:
    """Return whether something is one frame: the path of a picture, or its pixels."""
    if isinstance(given, (str, Path)):
        return str(given).lower().endswith(PICTURES) and not os.path.isdir(given)
    return isinstance(given, np.ndarray) and given.ndim == 3


def _is_list_of_tracklets(given: Any) -> bool:
    """Return whether a list holds tracklets, and not the frames of one.

    Raises:
        ValueError: If the list is empty or holds both.
    """
    if not isinstance(given, (list, tuple)):
        return False
    if not given:
        raise ValueError("inputs must have at least one tracklet, got an empty list")
    frames = [is_frame(item) for item in given]
    if any(frames) and not all(frames):
        raise ValueError(
            "a list must hold frames of one tracklet or tracklets, because both look alike "
            f"otherwise, got {shorten(given[frames.index(True)])} beside "
            f"{shorten(given[frames.index(False)])}"
        )
    return not all(frames)
