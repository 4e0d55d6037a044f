"""What a folder holds: nothing, an unfinished street, or a finished one.

``drawing/`` has the settings and the segments until all is written, ``drawn.json`` says with the
sizes of the files that they are finished.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from mmctl.datasets.synthetic.drawing_state import State
from mmctl.datasets.synthetic.street.street_files import (
    CAMERAS,
    IDENTITIES,
    boxes_name,
    poses_name,
    video_name,
)
from mmctl.datasets.synthetic.street.street_settings import MAX_CAMERAS, StreetSettings
from mmctl.files import read_json, shorten, write_whole

STREET_VERSION = 1
"""Raised whenever the same settings give other frames or another truth than before."""

SHEET = "street.png"

_FINISHED, _DRAWING = "drawn.json", "drawing"


def drawing_folder(folder: Path) -> Path:
    """Return the folder of the segments, there until the street is finished."""
    return folder / _DRAWING


def result_names(cameras: int) -> list[str]:
    """Return the files of a finished street."""
    namers = (video_name, boxes_name, poses_name)
    names = [name(camid) for camid in range(1, cameras + 1) for name in namers]
    return [*names, IDENTITIES, CAMERAS, SHEET]


def inspect_street(folder: Path, settings: StreetSettings) -> State:
    """Return the state of a folder.

    Raises:
        ValueError: If it holds something else, or a street of other settings.
    """
    marker = folder / _FINISHED
    if not marker.exists():
        marker = drawing_folder(folder) / _FINISHED
    if not marker.exists():
        if _holds_something(folder):
            raise ValueError(
                f"{folder} must be a new or empty folder, or a street drawn by this command, "
                "because its files would be mixed with drawn ones; choose another folder"
            )
        return State.EMPTY
    content = read_json(marker, "mark of a drawn street")
    if not isinstance(content, dict):
        raise ValueError(f"{marker} must be an object written by this command, got {content!r}")
    _compare(content, settings, folder)
    is_finished = marker.parent == folder and _are_whole(folder, content.get("file_sizes"))
    return State.FINISHED if is_finished else State.UNFINISHED


def begin(folder: Path, settings: StreetSettings) -> None:
    """Mark a folder as that of an unfinished street."""
    drawing_folder(folder).mkdir(parents=True, exist_ok=True)
    content = {"version": STREET_VERSION, "settings": settings.to_dict()}
    write_whole(drawing_folder(folder) / _FINISHED, json.dumps(content).encode("ascii"))
    (folder / _FINISHED).unlink(missing_ok=True)


def finish(folder: Path, settings: StreetSettings) -> None:
    """Mark a street as finished and remove its segments."""
    sizes = {name: (folder / name).stat().st_size for name in result_names(settings.cameras)}
    content = {"version": STREET_VERSION, "settings": settings.to_dict(), "file_sizes": sizes}
    write_whole(folder / _FINISHED, (json.dumps(content, indent=1) + "\n").encode("ascii"))
    tidy(folder)


def tidy(folder: Path) -> None:
    """Remove the segments of a finished street; their mark goes last."""
    drawing = drawing_folder(folder)
    if drawing.is_dir():
        for path in sorted(drawing.iterdir(), key=lambda path: path.name == _FINISHED):
            path.unlink()
        shutil.rmtree(drawing)


def clear_street(folder: Path) -> None:
    """Remove a drawn street of any settings.

    Raises:
        ValueError: If the folder holds something else.
    """
    finished, begun = folder / _FINISHED, drawing_folder(folder) / _FINISHED
    if not finished.exists() and not begun.exists():
        if _holds_something(folder):
            raise ValueError(
                f"--force replaces drawn streets only, because other data may be irreplaceable: "
                f"{folder} has no {_FINISHED}; choose another folder"
            )
        return
    begun.parent.mkdir(exist_ok=True)
    write_whole(begun, json.dumps({"version": STREET_VERSION, "settings": {}}).encode("ascii"))
    finished.unlink(missing_ok=True)
    for name in result_names(MAX_CAMERAS):
        (folder / name).unlink(missing_ok=True)
    tidy(folder)


def _holds_something(folder: Path) -> bool:
    """Return whether a folder holds more than a run leaves that was killed as it began."""
    if not folder.is_dir():
        return folder.exists()
    return any(path.is_file() and not path.name.startswith(".") for path in folder.rglob("*"))


def _are_whole(folder: Path, sizes: Any) -> bool:
    if not isinstance(sizes, dict):
        return False
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == size
        for name, size in sizes.items()
    )


def _compare(content: dict[str, Any], settings: StreetSettings, folder: Path) -> None:
    theirs, ours = content.get("settings"), settings.to_dict()
    if theirs == {}:
        raise ValueError(f"{folder} was being replaced when a run ended: repeat it with --force")
    if not isinstance(theirs, dict):
        raise ValueError(f"{folder}: its settings must be an object, got {shorten(theirs)}")
    differences = [
        f"{name} {theirs.get(name)} there, {ours.get(name)} asked for"
        for name in sorted({*theirs, *ours})
        if theirs.get(name) != ours.get(name)
    ]
    if content.get("version") != STREET_VERSION:
        differences.append(f"version {content.get('version')} there, {STREET_VERSION} now")
    if differences:
        raise ValueError(
            f"{folder} was drawn with other settings ({'; '.join(differences)}): choose another "
            "folder, or replace what is there with --force"
        )
