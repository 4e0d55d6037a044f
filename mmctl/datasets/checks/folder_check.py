"""What a data set passes over that finds its frames by listing folders: gaps, other files, links.

Such a data set holds what is there, and published sets have gaps of their own, so building one says
nothing of a frame that went astray. Whoever checks a copy wants to hear of it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path

from mmctl.datasets.listings.frame_folders import is_hidden

_SHOWN = 3
"""Files or gaps that a note names."""


@dataclass
class FolderReport:
    """What was found.

    Attributes:
        faults: Path and reason of each link that leads nowhere.
        notes: Path and text of what is to be looked at, and may be right: frame numbers that a
            tracklet lacks, files beside its frames.
    """

    faults: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def check_folders(
    data_root: Path,
    tracklets: Sequence[Sequence[str]],
    suffixes: tuple[str, ...],
    number: re.Pattern[str],
) -> FolderReport:
    """Look at the folders that tracklets are in.

    Args:
        data_root: Folder of the data set.
        tracklets: Paths of the frames of each tracklet, in time order, below ``data_root``.
        suffixes: Endings of the files that are frames.
        number: Finds the number of a frame in its name without ending, as the first group.

    Returns:
        Dangling links in the folders of the tracklets and above, up to ``data_root``; files (and
        folders) beside the frames; and numbers that are missing between a tracklet's first and last
        frame. Frames of one step, whatever it is, have no gaps.
    """
    report = FolderReport()
    folders = dict.fromkeys(Path(path).parent for frames in tracklets for path in frames)
    for folder in _with_parents(folders, data_root):
        report.faults += _dangling_links(folder)
    for folder in folders:
        report.notes += _other_files(folder, suffixes)
    numbers = [_numbers_of(frames, number) for frames in tracklets]
    step = _usual_step(numbers)
    for frames, found in zip(tracklets, numbers, strict=True):
        report.notes += _gaps(frames, found, step)
    return report


def _with_parents(folders: Iterable[Path], data_root: Path) -> list[Path]:
    """Return folders and those between them and ``data_root``, each once."""
    found: dict[Path, None] = {}
    for folder in folders:
        above = [parent for parent in folder.parents if data_root in parent.parents]
        found |= dict.fromkeys([*above, folder])
    return sorted(found)


def _dangling_links(folder: Path) -> list[tuple[str, str]]:
    with os.scandir(folder) as entries:
        # A link cannot be followed where it leads nowhere, nor where it leads in a circle.
        dangling = sorted(
            entry.path
            for entry in entries
            if not is_hidden(entry.name) and entry.is_symlink() and not os.path.exists(entry.path)
        )
    return [(path, f"is a link to {os.readlink(path)}, which is not there") for path in dangling]


def _other_files(folder: Path, suffixes: tuple[str, ...]) -> list[tuple[str, str]]:
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if not is_hidden(entry.name) and not entry.name.endswith(suffixes)
        )
    if not names:
        return []
    kinds = " or ".join(suffixes)
    return [(str(folder), f"{len(names)} passed over, not ending with {kinds}: {_shorten(names)}")]


def _numbers_of(frames: Sequence[str], number: re.Pattern[str]) -> list[int]:
    found = [number.search(Path(path).stem) for path in frames]
    return [int(match[1]) for match in found if match is not None]


def _steps(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(numbers)]


def _usual_step(numbers: Sequence[Sequence[int]]) -> int:
    """Return the step that most frames of a data set are apart, of several the smallest."""
    counts = Counter(chain.from_iterable(map(_steps, numbers)))
    return min(counts, key=lambda step: (-counts[step], step), default=1)


def _gaps(frames: Sequence[str], numbers: Sequence[int], step: int) -> list[tuple[str, str]]:
    steps = _steps(numbers)
    # A tracklet may have a step of its own; two frames alone do not show one.
    if len(steps) > 1 and len(set(steps)) == 1:
        return []
    gaps = [
        _describe_gap(before + step, after - step)
        for before, after in pairwise(numbers)
        if after - before >= 2 * step
    ]
    if not gaps:
        return []
    names = f"{os.path.basename(frames[0])} to {os.path.basename(frames[-1])}"
    return [(os.path.dirname(frames[0]), f"{names} lack the frames {_shorten(gaps)}")]


def _describe_gap(first: int, last: int) -> str:
    return str(first) if last <= first else f"{first} to {last}"


def _shorten(items: Sequence[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (", ..." if len(items) > _SHOWN else "")
