"""What the columns of a track file are: by their place, or by the names in a header line."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOT_COLUMNS = ("frame", "id", "bb_left", "bb_top", "bb_width", "bb_height", "conf")
DESCRIPTION = "frame,id,bb_left,bb_top,bb_width,bb_height[,conf[,...]]"
_FEWEST, _MOST = 6, 10

CORNERS = ("bb_right", "bb_bottom")
CENTRES = ("x_center", "y_center")
SIDES = ("bb_width", "bb_height")
EDGES = ("bb_left", "bb_top")

_NAMES = {
    "frame": ("frame", "frame_id", "frameid", "frame_number", "frame_no", "frame_idx"),
    "id": ("id", "track_id", "trackid", "object_id", "obj_id", "target_id", "tid"),
    "bb_left": ("bb_left", "bbox_left", "left", "xmin", "x_min", "x1", "bbox_x1", "l", "x"),
    "bb_top": ("bb_top", "bbox_top", "top", "ymin", "y_min", "y1", "bbox_y1", "t", "y"),
    "bb_width": ("bb_width", "bbox_width", "width", "w", "bbox_w"),
    "bb_height": ("bb_height", "bbox_height", "height", "h", "bbox_h"),
    "bb_right": ("bb_right", "bbox_right", "right", "xmax", "x_max", "x2", "bbox_x2", "r"),
    "bb_bottom": ("bb_bottom", "bbox_bottom", "bottom", "ymax", "y_max", "y2", "bbox_y2", "b"),
    "x_center": ("x_center", "center_x", "x_centre", "xc", "cx"),
    "y_center": ("y_center", "center_y", "y_centre", "yc", "cy"),
    "conf": ("conf", "confidence", "score", "det_score", "det_conf", "prob"),
    "class": ("class", "class_id", "cls", "cls_id", "category", "category_id", "label"),
    "visibility": ("visibility", "vis", "visibility_ratio"),
}
"""Names that programs give a column; of several in one header the first one here is taken."""

Columns = dict[str, int]
"""Index of each column that is read, by the first of its names."""


def columns_by_place(place: str, cells: Sequence[str], corners: bool) -> Columns:
    """Return the columns of a file without header.

    Args:
        place: File and line, for the message.
        cells: Its first line.
        corners: Whether right and bottom stand where width and height do otherwise.

    Returns:
        The columns. The eighth is the class in ground truth and in what many trackers write, and
        a coordinate elsewhere, which its numbers tell.

    Raises:
        ValueError: If there are too few or too many.
    """
    if not _FEWEST <= len(cells) <= _MOST:
        raise ValueError(
            f"{place}: a line must have {_FEWEST} to {_MOST} columns {DESCRIPTION}, separated by "
            f"commas, spaces or tabs, or a header line above that names them, got {len(cells)}: "
            f"{','.join(cells)[:60]!r}"
        )
    columns = {name: index for index, name in enumerate(MOT_COLUMNS) if index < len(cells)}
    if corners:
        columns |= {new: columns.pop(old) for old, new in zip(SIDES, CORNERS, strict=True)}
    if len(cells) > len(MOT_COLUMNS):
        columns["class"] = len(MOT_COLUMNS)
    if len(cells) == len(MOT_COLUMNS) + 2:
        columns["visibility"] = len(MOT_COLUMNS) + 1
    return columns


def columns_by_name(place: str, header: Sequence[str]) -> Columns:
    """Return the columns of a file with a header.

    Args:
        place: File and line, for the message.
        header: The names.

    Raises:
        ValueError: If a name is there twice, or frame, id or the sides of a box are not named.
    """
    names = [re.sub(r"[\s-]+", "_", cell.strip("\"' ").lower()) for cell in header]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{place}: a header must name each column once, got {twice!r} twice")
    found = {
        field: names.index(known[0])
        for field, synonyms in _NAMES.items()
        if (known := [name for name in synonyms if name in names])
    }
    for wanted in (("frame", "id"), EDGES if "x_center" not in found else CENTRES):
        _require(place, header, found, wanted)
    if not set(CORNERS) & set(found) or "x_center" in found:
        _require(place, header, found, SIDES)
    else:
        _require(place, header, found, CORNERS)
    return found


def is_header(cells: Sequence[str]) -> bool:
    """Return whether a line has names only; a column of row numbers may have none."""
    names = [cell.strip("\"'") for cell in cells if cell]
    return bool(names) and all(name[:1].isalpha() and not is_number(name) for name in names)


def is_number(cell: str) -> bool:
    """Return whether every program takes a cell for the same number, or for none (nan)."""
    # Python takes 1_0 for 10, and digits of any script; other programs do neither.
    if "_" in cell or not cell.isascii():
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def split_line(line: str) -> list[str]:
    """Split a line at commas, or at spaces and tabs where it has none; one at the end is none."""
    if "," not in line:
        return line.split()
    cells = [cell.strip() for cell in line.split(",")]
    return cells if cells[-1] else cells[:-1]


def _require(place: str, header: Sequence[str], found: Columns, wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in found:
            raise ValueError(
                f"{place}: a header must name frame, id and either left, top, width, height, or "
                f"left, top, right, bottom, or x_center, y_center, width, height, got none for "
                f"{name} in {','.join(header)[:80]!r}"
            )
