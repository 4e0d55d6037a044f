"""The options that say what is kept of tracks, and whose a track file is."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields

from mmctl.datasets.tracking.mot_file import BOXES
from mmctl.datasets.tracking.track_plan import TrackSettings


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how a track file is read.

    Args:
        parser: Gets the options.
    """
    default = TrackSettings()
    add = parser.add_argument_group("how track files are read").add_argument
    add("--boxes", choices=BOXES, help="left, top and then width, height or right, bottom")
    add("--classes", type=int, nargs="+", help="classes that are persons, where there are several")
    add("--first-frame", type=int, default=default.first_frame, help="number of the first frame")
    text = "leave out boxes beyond the end of a video that was cut off"
    add("--skip-missing-frames", action="store_true", help=text)


def add_track_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is kept.

    Args:
        parser: Gets the options.
    """
    default = TrackSettings()
    add = parser.add_argument_group("what is kept of the tracks").add_argument
    add("--stride", type=int, default=default.stride, help="use every so-many-th frame")
    add("--min-confidence", type=float, default=default.min_confidence)
    add("--min-size", type=int, nargs=2, metavar=("H", "W"), default=default.min_size)
    add("--max-gap", type=int, default=default.max_gap, help="lost for longer: two tracklets")
    add("--min-length", type=int, default=default.min_length, help="least crops of a tracklet")


def read_track_settings(args: argparse.Namespace) -> TrackSettings:
    """Return what the options asked for; those that the command lacks have their defaults.

    Args:
        args: The parsed arguments.

    Raises:
        ValueError: If a value is out of range.
    """
    names = [field.name for field in fields(TrackSettings) if field.name in args]
    given = {name: getattr(args, name) for name in names}
    return TrackSettings(**given | {"min_size": tuple(args.min_size)})


def read_camera_number(text: str) -> int:
    """Return the number of a camera.

    Args:
        text: What stands on the command line.

    Raises:
        ValueError: If it is none.
    """
    if not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError(
            f"a camera's number must be an integer, 0 or more, of at most 18 digits, got "
            f"{text[:60]!r}"
        )
    return int(text)
