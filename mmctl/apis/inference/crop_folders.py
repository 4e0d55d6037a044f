"""Folders of crops: one tracklet each, or folders of such."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from mmctl.apis.inference.tracklet_item import Frame
from mmctl.datasets.listings.frame_folders import LAST_NUMBER, list_folders, list_names

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")


def find_crops(folder: str) -> Iterator[tuple[str, list[Frame]]]:
    """Yield each folder of pictures at or below a folder, by name, with its frames in time order.

    Frames are in the order of the last number in their names, or of the names where one has none.

    Raises:
        ValueError: If two frames of a folder have one number, as those of two tracklets do, or a
            video lies beside frames.
    """
    files = list_names(Path(folder), ("",))
    names = [name for name in files if name.lower().endswith(PICTURES)]
    videos = [name for name in files if name.lower().endswith(VIDEOS)]
    if names and videos:
        raise ValueError(
            f"folder {folder} must hold crops of one person and no videos, because these need "
            f"tracks (tools/track_video.py first, then its --out folder), got {videos[0]} beside "
            f"{names[0]}"
        )
    if names:
        yield folder, [os.path.join(folder, name) for name in _by_number(folder, names)]
    for name in list_folders(Path(folder)):
        yield from find_crops(os.path.join(folder, name))


def _by_number(folder: str, names: list[str]) -> list[str]:
    found = [LAST_NUMBER.search(os.path.splitext(name)[0]) for name in names]
    numbers = [int(match[1]) for match in found if match is not None]
    if len(numbers) < len(names):
        return names
    ordered = sorted(zip(numbers, names, strict=True))
    for (number, name), (following, other) in pairwise(ordered):
        if number == following:
            raise ValueError(
                f"folder {folder} must hold the frames of one tracklet, but {name} and {other} are "
                f"both frame {number}: where a folder holds several, as in MARS, name the class of "
                "the data set (--dataset, or a data set config)"
            )
    return [name for _, name in ordered]
