"""The folder of a data set that is made of tracks: its files, and how they get there."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ANNOTATIONS, TRACKS, CROPS = "annotations.json", "tracks.csv", "crops"
KEYPOINTS, RECORD = "info/keypoints.npy", "info/tracking.json"
INFO = (KEYPOINTS, "info/keypoints.json", RECORD)
UNFINISHED = ".unfinished"
"""Folder in that of the data set that everything is written to first."""

_HEADER = ("camera", "track_id", "pid", "split", "first_frame", "last_frame", "crops", "folder")


def check_folder(out: Path, overwrite: bool = False) -> None:
    """Refuse to replace what must not be lost.

    Args:
        out: Folder of the data set.
        overwrite: Whether a finished data set may be replaced.

    Raises:
        ValueError: If the folder holds a finished data set, or crops of something else.
    """
    if (out / ANNOTATIONS).exists() and not overwrite:
        raise ValueError(
            f"{out} holds a finished data set ({ANNOTATIONS}); --overwrite replaces it"
        )
    if (out / CROPS).exists() and not (out / TRACKS).exists():
        raise ValueError(
            f"{out / CROPS} must not be there yet, because it would be replaced, and without "
            f"{TRACKS} beside it it is not this program's; choose another folder"
        )


def track_table(entries: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a line for each tracklet, CSV: what a person who labels identities needs.

    Args:
        entries: The tracklets as the annotation file lists them, with ``track``.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(_HEADER)
    for entry in entries:
        folder, first = os.path.split(entry["frames"][0])
        # Crops are named by the number of their frame.
        ends = [
            os.path.splitext(name)[0].lstrip("0") or "0"
            for name in (first, os.path.basename(entry["frames"][-1]))
        ]
        labels = [entry.get("pid", ""), entry.get("split", "")]
        table.writerow(
            [entry["camid"], entry["track"], *labels, *ends, len(entry["frames"]), folder]
        )
    return buffer.getvalue().encode()


def put_in_place(out: Path) -> None:
    """Move what a run has finished to its places; a killed call is repeated by the next run.

    In between there is no ``annotations.json``, so that no list has crops of another run.

    Args:
        out: Folder of the data set.
    """
    unfinished = out / UNFINISHED
    (out / ANNOTATIONS).unlink(missing_ok=True)
    for name in (TRACKS, *INFO):
        if (unfinished / name).exists():
            (out / name).parent.mkdir(exist_ok=True)
            os.replace(unfinished / name, out / name)
    if (unfinished / CROPS).exists():
        if (out / CROPS).exists():
            os.replace(out / CROPS, unfinished / "replaced")
        os.replace(unfinished / CROPS, out / CROPS)
    os.replace(unfinished / ANNOTATIONS, out / ANNOTATIONS)
    shutil.rmtree(unfinished)
