"""What a folder holds: nothing, an unfinished drawn data set, or a finished one.

``info/drawing.json`` is written before the first frame and ``info/drawn.json`` after everything
else; each holds the settings, so a folder is never continued with other ones, and the latter the
sizes of the other files.
"""

from __future__ import annotations

import json
import shutil
from enum import Enum
from pathlib import Path
from typing import Any

from mmctl.datasets.synthetic.atomic_files import TEMPORARY_SUFFIX, write_whole
from mmctl.datasets.synthetic.settings import DrawnSettings

DRAWING_VERSION = 1
"""Raised whenever the same settings give other pictures than before."""

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

_INFO_PATHS = tuple(f"info/{name}" for name in INFO_FILES)

SHEETS = ("contact_sheet.png", "keypoint_sheet.png")


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


def parts_folder(data_root: Path) -> Path:
    """Return the folder of the keypoints of single tracklets, there until all are drawn."""
    return data_root / "info" / "drawing"


def identify(settings: DrawnSettings) -> dict[str, Any]:
    """Return what decides every byte of a data set, as its markers keep it."""
    return {"version": DRAWING_VERSION, "settings": settings.to_dict()}


def inspect_folder(data_root: Path, settings: DrawnSettings) -> State:
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
    content = _read_marker(marker)
    _compare_settings(content, settings, data_root)
    if marker == finished and _are_whole(data_root, _INFO_PATHS, content):
        return State.FINISHED
    return State.UNFINISHED


def are_sheets_whole(data_root: Path) -> bool:
    """Return whether the sheets of a finished data set are as they were written."""
    return _are_whole(data_root, SHEETS, _read_marker(finished_marker(data_root)))


def measure_files(data_root: Path) -> dict[str, int]:
    """Return the bytes of the sheets and of the files below ``info/``, by relative path."""
    return {name: (data_root / name).stat().st_size for name in (*_INFO_PATHS, *SHEETS)}


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
    return any(path.is_file() and path.suffix != TEMPORARY_SUFFIX for path in data_root.rglob("*"))


def _compare_settings(found: dict[str, Any], settings: DrawnSettings, data_root: Path) -> None:
    wanted = identify(settings)
    if found.get("settings") == {}:
        raise ValueError(f"{data_root} was being replaced when a run ended: repeat it with --force")
    theirs, ours = found.get("settings", {}), wanted["settings"]
    differences = [
        f"{name} {theirs.get(name)} there, {ours.get(name)} asked for"
        for name in sorted({*theirs, *ours})
        if theirs.get(name) != ours.get(name)
    ]
    if found.get("version") != DRAWING_VERSION:
        differences.append(f"version {found.get('version')} there, {DRAWING_VERSION} now")
    if differences:
        raise ValueError(
            f"{data_root} was drawn with other settings ({'; '.join(differences)}): choose another "
            "folder, or replace what is there with --force"
        )


def _read_marker(marker: Path) -> dict[str, Any]:
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{marker} must be JSON written by this command: {error}") from error
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
    write_whole(begun, json.dumps({"version": DRAWING_VERSION, "settings": {}}).encode())
    finished.unlink(missing_ok=True)
    for name in FRAME_FOLDERS:
        shutil.rmtree(data_root / name, ignore_errors=True)
    shutil.rmtree(parts_folder(data_root), ignore_errors=True)
    for name in INFO_FILES:
        (data_root / "info" / name).unlink(missing_ok=True)
    for name in SHEETS:
        (data_root / name).unlink(missing_ok=True)
    begun.unlink()
