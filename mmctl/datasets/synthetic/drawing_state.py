"""What a folder holds: nothing, an unfinished drawn data set, or a finished one.

``info/drawing.json`` is written before the first frame and ``info/drawn.json`` after everything
else; each holds the settings, so a folder is never continued with other ones, and the latter the
sizes of the other files.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from mmctl.datasets.listings.frame_folders import is_hidden
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.files import read_json, write_whole

DRAWING_VERSION = 1
"""Raised whenever the same settings give other pictures than before."""

LATER_SETTINGS = {"camera_shift": 0.0, "keypoint_mistakes": 0.0}
"""Settings that markers of older data sets lack, with the values that these were drawn with."""

FRAME_FOLDERS = ("bbox_train", "bbox_test")
INFO_FILES = (
    "train_name.txt",
    "test_name.txt",
    "tracks_train_info.mat",
    "tracks_test_info.mat",
    "query_IDX.mat",
    "keypoints.npy",
)
"""Files below ``info/`` that a reader of the data set needs."""

KEYPOINT_HEADER = "keypoints.json"
"""Says what ``keypoints.npy`` is; sets drawn before there were headers have none."""

COCO_FILES = {"train": "coco_train.json", "test": "coco_test.json"}
"""Exported annotations below ``info/``, by split; there only if somebody asked for them."""

SHEETS = ("contact_sheet.png", "keypoint_sheet.png")


@dataclass(frozen=True)
class FileLayout:
    """Where a drawn data set has its files.

    Attributes:
        name: What ``--layout`` calls it.
        frame_folders: Folders in the root that hold frames and nothing else.
        files: What a reader of the data set needs beside frames, relative to the root.
    """

    name: str
    frame_folders: tuple[str, ...]
    files: tuple[str, ...]


_KEYPOINTS = "info/keypoints.npy"
MARS_FILES = FileLayout("mars", FRAME_FOLDERS, tuple(f"info/{name}" for name in INFO_FILES))
FILE_LAYOUTS = {
    layout.name: layout
    for layout in (
        MARS_FILES,
        FileLayout(
            "ilids-vid",
            ("i-LIDS-VID",),
            ("train-test people splits/train_test_splits_ilidsvid.mat", _KEYPOINTS),
        ),
        FileLayout("prid2011", ("prid_2011",), ("splits_prid2011.json", _KEYPOINTS)),
        FileLayout("dukemtmc-videoreid", ("train", "query", "gallery"), (_KEYPOINTS,)),
        FileLayout(
            "ls-vid",
            ("tracklet_train", "tracklet_test"),
            (
                "list_sequence/list_seq_train.txt",
                "list_sequence/list_seq_test.txt",
                "test/data/info_test.mat",
                _KEYPOINTS,
            ),
        ),
    )
}
"""The layouts that pedestrians are drawn in, by name."""


class State(Enum):
    """What has to be done with a folder."""

    EMPTY = "empty"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


def begun_marker(data_root: Path) -> Path:
    """Return the path of the file that marks an unfinished data set."""
    return data_root / "info" / "drawing.json"


def finished_marker(data_root: Path) -> Path:
    """Return the path of the file that marks a finished data set."""
    return data_root / "info" / "drawn.json"


def pieces_folder(data_root: Path) -> Path:
    """Return the folder of the keypoints of single tracklets, there until all are drawn."""
    return data_root / "info" / "drawing"


def identify(settings: DrawnSettings, layout: FileLayout = MARS_FILES) -> dict[str, Any]:
    """Return what decides every byte of a data set, as its markers keep it."""
    content = {"version": DRAWING_VERSION, "settings": settings.to_dict()}
    # MARS was the only layout once: its markers do not name it.
    return content if layout == MARS_FILES else {**content, "layout": layout.name}


def inspect_folder(
    data_root: Path, settings: DrawnSettings, layout: FileLayout = MARS_FILES
) -> State:
    """Return the state of a folder.

    Raises:
        ValueError: If the folder holds something else, or a data set of other settings.
    """
    finished = finished_marker(data_root)
    marker = finished if finished.exists() else begun_marker(data_root)
    if not marker.exists():
        if _holds_files(data_root):
            raise ValueError(
                f"{data_root} must be a new or empty folder, or one drawn by this command, because "
                "its files would be mixed with drawn ones; it holds other files: choose another "
                "folder"
            )
        return State.EMPTY
    content = read_marker(marker)
    _compare_settings(content, identify(settings, layout), data_root)
    if marker == finished and _are_whole(data_root, layout.files, content):
        return State.FINISHED
    return State.UNFINISHED


def are_sheets_whole(data_root: Path) -> bool:
    """Return whether the sheets of a finished data set are as they were written."""
    return _are_whole(data_root, SHEETS, read_marker(finished_marker(data_root)))


def measure_files(data_root: Path, layout: FileLayout = MARS_FILES) -> dict[str, int]:
    """Return the bytes of the sheets and of a layout's files, by relative path."""
    return {name: (data_root / name).stat().st_size for name in (*layout.files, *SHEETS)}


def _are_whole(data_root: Path, names: tuple[str, ...], content: dict[str, Any]) -> bool:
    """Return whether files have the sizes that the finished marker states."""
    # Data sets that were finished before sizes were kept: a file has at least something in it.
    stated = content.get("file_sizes", {})
    for name in names:
        path = data_root / name
        size = path.stat().st_size if path.is_file() else 0
        if size == 0 or size != stated.get(name, size):
            return False
    return True


def _holds_files(data_root: Path) -> bool:
    """Return whether a folder holds more than a run leaves that was killed as it began."""
    if not data_root.is_dir():
        return data_root.exists()
    return any(path.is_file() and not is_hidden(path.name) for path in data_root.rglob("*"))


def _compare_settings(found: dict[str, Any], wanted: dict[str, Any], data_root: Path) -> None:
    if found.get("settings") == {}:
        raise ValueError(f"{data_root} was being replaced when a run ended: repeat it with --force")
    theirs, ours = LATER_SETTINGS | found.get("settings", {}), wanted["settings"]
    differences = [
        f"{name} {theirs.get(name)} there, {ours.get(name)} asked for"
        for name in sorted({*theirs, *ours})
        if theirs.get(name) != ours.get(name)
    ]
    layouts = [content.get("layout", MARS_FILES.name) for content in (found, wanted)]
    if layouts[0] != layouts[1]:
        differences.append(f"layout {layouts[0]} there, {layouts[1]} asked for")
    if found.get("version") != DRAWING_VERSION:
        differences.append(f"version {found.get('version')} there, {DRAWING_VERSION} now")
    if differences:
        raise ValueError(
            f"{data_root} was drawn with other settings ({'; '.join(differences)}): choose another "
            "folder, or replace what is there with --force"
        )


def read_marker(marker: Path) -> dict[str, Any]:
    """Return what a marker says; nothing if it is no object."""
    content = read_json(marker, "marker of a drawn data set")
    return content if isinstance(content, dict) else {}


def clear_folder(data_root: Path) -> None:
    """Remove a drawn data set of any settings; a folder that holds something else is left alone.

    The marker of a begun data set goes last, so that a killed run can be repeated.

    Raises:
        ValueError: If the folder is not empty and was not drawn by this command.
    """
    begun, finished = begun_marker(data_root), finished_marker(data_root)
    if not begun.exists() and not finished.exists():
        if _holds_files(data_root):
            raise ValueError(
                f"--force replaces drawn data sets only, because other data may be irreplaceable: "
                f"{data_root} holds neither info/{finished.name} nor info/{begun.name}; choose "
                "another folder"
            )
        return
    layout = _read_layout(begun if begun.exists() else finished)
    content = {"version": DRAWING_VERSION, "settings": {}, "layout": layout.name}
    write_whole(begun, json.dumps(content).encode())
    finished.unlink(missing_ok=True)
    for name in layout.frame_folders:
        shutil.rmtree(data_root / name, ignore_errors=True)
    shutil.rmtree(pieces_folder(data_root), ignore_errors=True)
    for name in (KEYPOINT_HEADER, *COCO_FILES.values()):
        (data_root / "info" / name).unlink(missing_ok=True)
    for name in (*layout.files, *SHEETS):
        (data_root / name).unlink(missing_ok=True)
    begun.unlink()


def _read_layout(marker: Path) -> FileLayout:
    try:
        name = read_marker(marker).get("layout", MARS_FILES.name)
    except ValueError:  # cut short when the first layout was the only one, or by a full disk
        name = MARS_FILES.name
    if name not in FILE_LAYOUTS:
        raise ValueError(
            f"{marker}: the layout must be one of {', '.join(FILE_LAYOUTS)}, got {name!r}; remove "
            "the folder yourself"
        )
    return FILE_LAYOUTS[name]
