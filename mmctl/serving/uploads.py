"""Crops that a browser sends to be searched for: in memory alone, and for a while."""

from __future__ import annotations

import math
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from mmctl.datasets.checks.picture_header import read_frame_size
from mmctl.datasets.frame_decoding import check_content, decode_frame
from mmctl.visualization.thumbnails import to_thumbnail

if TYPE_CHECKING:
    from mmctl.apis import TrackletInferencer

MOST_FRAMES = 500
_MOST_UPLOADS = 20
_MOST_PIXELS = 2**28
_PARTS = re.compile(r"(\d+)")


@dataclass
class Upload:
    """Crops of one person, and what is known of them.

    Attributes:
        id: What it is asked for by.
        name: Name of the folder, or of the first file.
        feature: Unit vector, (C,).
        thumbnails: JPEG of each frame.
        camera: Number of the camera; None if unknown.
        quality: Mean quality of the frames, 0 to 1.
        pid: Person, once somebody has said that a hit is the same one; None before.
        rejected: Ids of those that are somebody else.
    """

    id: str
    name: str
    feature: np.ndarray
    thumbnails: list[bytes]
    camera: int | None
    quality: float | None
    pid: int | None = None
    rejected: set[str] = field(default_factory=set)


class Uploads:
    """Computes the features of what is sent, and keeps the latest of it.

    Args:
        inferencer: The model of the gallery.
        height: Of thumbnails.
    """

    def __init__(self, inferencer: TrackletInferencer, height: int) -> None:
        self.inferencer, self.height = inferencer, height
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, files: Sequence[tuple[str, bytes]], camera: int | None) -> Upload:
        """Take the crops of one person.

        Args:
            files: Name and content of each; one may be a ``.npy`` of keypoints, (frames, 17, 3),
                which only some models need. Frames are in the order of their names, numbers in
                them by value.
            camera: Number of the camera; None if unknown.

        Raises:
            ValueError: If there are no frames, or too many, one is no picture, or the model needs
                keypoints and gets none that fit.
        """
        ordered = sorted(files, key=lambda item: _by_numbers(item[0]))
        stored = [content for name, content in ordered if name.lower().endswith(".npy")]
        pictures = [item for item in ordered if not item[0].lower().endswith(".npy")]
        if not 1 <= len(pictures) <= MOST_FRAMES or len(stored) > 1:
            raise ValueError(
                f"a query must be 1 to {MOST_FRAMES} crops of one person, with at most one .npy "
                f"file of keypoints, got {len(pictures)} and {len(stored)}"
            )
        _check_pixels(pictures)
        arguments: dict[str, Any] = {} if camera is None else {"camera": camera}
        if stored:
            arguments["keypoints"] = _read_keypoints(stored[0])
        with self._lock:  # one network, and memory for one upload at a time
            frames = [decode_frame(content, repr(name)) for name, content in pictures]
            (found,) = self.inferencer.stream(frames, **arguments)
            thumbnails = [to_thumbnail(frame, self.height)[0] for frame in frames]
        name = pictures[0][0].rpartition("/")[0] or pictures[0][0]
        upload = Upload(
            *(secrets.token_hex(8), name[:200], found["feature"], thumbnails, camera),
            quality=found["quality"],
        )
        with self._lock:
            self._kept[upload.id] = upload
            while len(self._kept) > _MOST_UPLOADS:
                self._kept.popitem(last=False)
        return upload

    def find(self, id: str) -> Upload | None:
        """Return an upload; None if it is not kept."""
        return self._kept.get(id)

    def forget(self, id: str) -> bool:
        """Forget an upload; returns whether it was kept."""
        return self._kept.pop(id, None) is not None


def _by_numbers(name: str) -> list[Any]:
    """Return what sorts ``frame10`` behind ``frame9``."""
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in _PARTS.split(name)]


def _check_pixels(pictures: Sequence[tuple[str, bytes]]) -> None:
    """Raise before pictures are decoded that unfold to far more than was sent."""
    pixels = 0
    for name, content in pictures:
        check_content(content, repr(name))
        try:
            pixels += math.prod(read_frame_size(content))
        except ValueError as error:
            raise ValueError(f"crop {name!r} cannot be decoded: {error}") from error
        if pixels > _MOST_PIXELS:
            raise ValueError(
                f"all crops together must have at most {_MOST_PIXELS:,} pixels, which the frames "
                f"up to {name!r} have more of: send the persons alone, or fewer frames"
            )


def _read_keypoints(content: bytes) -> np.ndarray:
    try:
        found = np.lib.format.read_array(BytesIO(content), allow_pickle=False)
    except (ValueError, MemoryError) as error:
        raise ValueError(f"the .npy file of keypoints cannot be read: {error}") from error
    if found.dtype.kind not in "fiu":
        raise ValueError(f"the .npy file of keypoints must hold numbers, got {found.dtype}")
    return found.astype(np.float32)
