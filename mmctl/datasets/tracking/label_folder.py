"""A folder of labels, a text file per frame, as Ultralytics' ``track(save_txt=True)`` writes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmctl.datasets.listings.frame_folders import LAST_NUMBER, list_names
from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.track_boxes import TrackBoxes
from mmctl.datasets.tracking.track_columns import is_number
from mmctl.files import read_lines

PERSON = 0
"""A person among the classes of COCO, which count from 0 there."""

_LINE = "class x_center y_center width height [confidence] track_id"
_SIDES = slice(1, 5)
_FEWEST, _MOST = 5, 7
_ROUNDING = 1e-3
"""What a share of the frame may be above 1 because it was rounded."""


def read_label_folder(
    path: Path,
    source: FrameSource,
    first_frame: int = 1,
    classes: Sequence[int] | None = None,
) -> TrackBoxes:
    """Read and check labels whose boxes are shares of the frame.

    The number of a frame is the last one in its file's name, unless the files are named like the
    pictures of ``source``. A frame without file has no boxes. Lines without track id, as detections
    have that no track took, are left out.

    Args:
        path: The folder.
        source: The frames.
        first_frame: What the tracker calls the first frame of the video.
        classes: The classes of objects that are persons; None is 0.

    Returns:
        The boxes of persons.

    Raises:
        ValueError: If a file or line breaks a rule; file, line, rule and value are named.
    """
    frames, rows = _read_files(path, source, first_frame)
    num_columns = max(map(len, rows), default=_FEWEST)
    has_track = np.array([len(row) == num_columns for row in rows], dtype=bool)
    # (n, columns)
    table = np.array([row for row in rows if len(row) == num_columns])
    if num_columns == _FEWEST or not _are_counts(table[:, -1]):
        raise ValueError(
            f"{path}: lines must be {_LINE}, got none with a whole number as track id, as of "
            "detections; they need a tracker first (Ultralytics: track, not predict)"
        )
    wanted = (PERSON,) if classes is None else tuple(classes)
    keep = np.isin(table[:, 0], wanted)
    named = " or ".join(map(str, wanted))
    if not keep.any():
        raise ValueError(
            f"{path} must have a box of class {named}, got {len(keep):,} of others; --classes says "
            "which are persons"
        )
    kept = table[keep]
    return TrackBoxes(
        path,
        np.zeros(len(kept), np.int64),
        np.array(frames)[has_track][keep],
        kept[:, -1].astype(np.int64),
        _to_pixels(kept[:, _SIDES], source.size),
        kept[:, -2] if num_columns == _MOST else np.ones(len(kept)),
        is_layout_named=True,
        left_out=Counter(
            {
                "without a track id": int((~has_track).sum()),
                f"of another class than {named}": int((~keep).sum()),
            }
        ),
    ).check_tracks()


def _read_files(
    path: Path, source: FrameSource, first_frame: int
) -> tuple[list[int], list[list[float]]]:
    """Return frame and numbers of each line of all files."""
    names = list_names(path, (".txt",))
    if not names:
        raise ValueError(f"{path} must hold a .txt file of labels per frame, got none")
    frames, rows = [], []
    for name, frame in zip(names, _number_frames(path, names, source, first_frame), strict=True):
        found = _read_file(path / name)
        frames += [frame] * len(found)
        rows += found
    return frames, rows


def _number_frames(
    path: Path, names: Sequence[str], source: FrameSource, first_frame: int
) -> list[int]:
    """Return the frame of each file, as the tracker counts."""
    stems = [os.path.splitext(name)[0] for name in names]
    positions = [source.position_of(stem) for stem in stems]
    if any(position is not None for position in positions):
        if None in positions:
            raise ValueError(
                f"{path}: {names[positions.index(None)]} must be named like a picture in "
                f"{source.path}, as {names[[p is not None for p in positions].index(True)]} is"
            )
        return [position + first_frame for position in positions if position is not None]
    numbers = []
    for name, stem in zip(names, stems, strict=True):
        found = LAST_NUMBER.search(stem)
        if found is None:
            raise ValueError(f"{path}: {name} must have the number of its frame in its name")
        numbers.append(int(found[1]))
        if numbers[-1] < first_frame:
            raise ValueError(
                f"{path}: {name} must have a number of {first_frame} or more, because the first "
                f"frame is called {first_frame}; --first-frame 0 is for those that count from 0"
            )
    videos = {LAST_NUMBER.sub("", stem): name for name, stem in zip(names, stems, strict=True)}
    if len(videos) > 1:
        raise ValueError(
            f"{path} must hold the labels of one video, got {' and '.join(sorted(videos.values()))}"
        )
    return numbers


def _read_file(path: Path) -> list[list[float]]:
    rows = []
    for number, line in enumerate(read_lines(path, "label file"), start=1):
        cells = line.split()
        if not cells:
            continue
        place = f"{path}, line {number}"
        if not _FEWEST <= len(cells) <= _MOST or not all(map(is_number, cells)):
            raise ValueError(f"{place}: a line must be the numbers {_LINE}, got {line[:60]!r}")
        row = [float(cell) for cell in cells]
        box = np.array(row[_SIDES])
        if not ((box >= -_ROUNDING) & (box <= 1 + _ROUNDING)).all() or min(box[2:]) <= 0:
            raise ValueError(
                f"{place}: x_center, y_center, width and height must be shares of the frame from 0 "
                f"to 1, got {line[:60]!r}"
            )
        rows.append(row)
    return rows


def _are_counts(values: npt.NDArray[np.float64]) -> bool:
    return bool(((values == np.floor(values)) & (values >= 0) & (values < 1e15)).all())


def _to_pixels(shares: npt.NDArray[np.float64], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return left, top, width and height of boxes given by centre and sides, (n, 4)."""
    sides = shares[:, 2:]
    return np.concatenate([shares[:, :2] - sides / 2, sides], axis=1) * [*size[::-1], *size[::-1]]
