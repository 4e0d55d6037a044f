"""LS-VID (Li et al., ICCV 2019): fifteen cameras, tracklets listed by the prefix of their names."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice, takewhile
from os.path import isdir
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from mmctl.datasets.fixed_layout_dataset import FixedLayoutDataset, Listed
from mmctl.datasets.listings.frame_folders import (
    LAST_NUMBER,
    SpeltNumbers,
    find_camera,
    last_numbers,
    list_names,
    listed_path,
)
from mmctl.datasets.listings.mat_file import read_query_numbers
from mmctl.datasets.tracklet import Tracklet
from mmctl.files import read_lines
from mmctl.registry import DATASETS

NUM_CAMERAS = 15
LISTS = {split: f"list_sequence/list_seq_{split}.txt" for split in ("train", "test")}
"""The list of each split, in the order of the keypoint array's rows."""

QUERIES = "test/data/info_test.mat"
_DIGITS = re.compile("[0-9]+")
_MAX_DIGITS = 18
_EXAMPLE = "0001_0002_03_000004.jpg (person, tracklet, camera 1 to 15, frame)"


class _Sequence(NamedTuple):
    """One line of a list: where it stands, the prefix of its frames' paths, and the person."""

    place: str
    prefix: PurePosixPath
    pid: int


@DATASETS.register_module()
class LSVID(FixedLayoutDataset):
    """LS-VID: tracklets are lines ``<prefix> <pid>``, frames the files whose names begin so.

    ``tracklet_train/0001/0001_0002 1`` are the files ``0001_0002_*.jpg`` of
    ``tracklet_train/0001``, by frame number. The camera is the third field of a frame's name. The
    test split has the lines of the test list, in order; those that ``query`` of
    ``test/data/info_test.mat`` counts (from 1) are queries. That file is HDF5, for which ``h5py``
    is needed. Everybody in the lists is a person: where they count persons from 0, pids are one
    greater, because pid 0 would be a distractor.

    The rows of the keypoint array are the frames of the training list, then those of the test
    list. Only the folders of the split are listed, unless there is such an array.

    Args:
        data_root: Folder with ``list_sequence``, ``test`` and the folders of the frames.
        split: ``'train'`` or ``'test'``.
        pipeline: Transforms of one tracklet.
        keypoint_file: The keypoint array, absolute or below ``data_root``.
        **base_arguments: ``heatmap_file`` and BaseDataset's, see :class:`TrackletDataset`.

    Raises:
        FileNotFoundError: If a list, ``info_test.mat`` or a folder of frames is missing.
        ValueError: If a line, a query or the name of a frame breaks a rule; file, line, rule and
            value are named; or if the test split needs ``h5py``, which is not installed.
    """

    SUFFIXES = (".jpg", ".png")

    def list_tracklets(self, *, all_splits: bool) -> Iterator[Listed]:
        """Read the lists and find the frames of the split's, or of all."""
        self._check_layout()
        root = Path(self.data_root)
        lists = {split: _read_list(root / path) for split, path in LISTS.items()}
        first_pid = min(item.pid for sequences in lists.values() for item in sequences)
        for split, sequences in lists.items():
            if all_splits or split == self.split:
                label = "train" if split == "train" else "gallery"
                yield from _find_frames(root, sequences, label, shift=int(first_pid == 0))

    def read_tracklets(self) -> tuple[list[Tracklet], int | None]:
        """List the tracklets and mark the queries."""
        tracklets, num_rows = super().read_tracklets()
        if self.split == "test":
            pids = np.array([tracklet.pid for tracklet in tracklets])
            queries = read_query_numbers(Path(self.data_root) / QUERIES, "query", pids)
            for position in queries.tolist():
                tracklets[position].split = "query"
        return tracklets, num_rows

    def _check_layout(self) -> None:
        for name in (*LISTS.values(), QUERIES):
            if not (Path(self.data_root) / name).is_file():
                raise FileNotFoundError(
                    f"{Path(self.data_root) / name} does not exist. LS-VID needs below its "
                    f"data_root: {', '.join((*LISTS.values(), QUERIES))} and the folders that the "
                    "lists name"
                )


def _read_list(path: Path) -> list[_Sequence]:
    sequences: list[_Sequence] = []
    lines_of: dict[str, int] = {}
    spelt = SpeltNumbers("person")
    for number, line in enumerate(read_lines(path, "list"), start=1):
        place, columns = f"{path}: line {number}", line.split()
        if len(columns) != 2:
            raise ValueError(
                f"{place} must have two columns, the prefix of a tracklet's frames and its pid, as "
                f"'tracklet_train/0001/0001_0002 1', got {line[:80]!r}"
            )
        prefix = PurePosixPath(listed_path(columns[0]))
        if prefix.is_absolute() or ".." in prefix.parts:
            raise ValueError(
                f"{place}: a prefix must lie below the folder of the data set, got "
                f"{columns[0][:80]!r}"
            )
        if not _DIGITS.fullmatch(columns[1]) or len(columns[1]) > _MAX_DIGITS:
            raise ValueError(
                f"{place}: the pid must be a whole number, 0 or more, of at most {_MAX_DIGITS} "
                f"digits, got {columns[1][:40]!r}"
            )
        # With and without the separator at its end a prefix has the same frames.
        line_before = lines_of.setdefault(str(prefix).rstrip("_"), number)
        if line_before != number:
            raise ValueError(
                f"{place}: every tracklet must be listed once, but line {line_before} has "
                f"{columns[0]!r}, too"
            )
        sequences.append(_Sequence(place, prefix, spelt.read(columns[1], place)))
    if not sequences:
        raise ValueError(f"{path} must list at least one tracklet, got an empty file")
    return sequences


def _find_frames(
    root: Path, sequences: list[_Sequence], split: str, shift: int
) -> Iterator[Listed]:
    """Yield the tracklets of a list."""
    listed: dict[PurePosixPath, list[str]] = {}
    spelt = SpeltNumbers("camera")
    for place, prefix, pid in sequences:
        folder = prefix.parent
        if folder not in listed:
            if not isdir(root / folder):  # False for a name that no folder can have, too
                raise FileNotFoundError(
                    f"{place}: the folder of the tracklet's frames, {str(root / folder)[:300]!r}, "
                    "does not exist"
                )
            listed[folder] = list_names(root / folder, LSVID.SUFFIXES)
        names = _starting_with(listed[folder], prefix)
        frames, camid = _order_frames(place, root / prefix, names, spelt)
        yield Listed(pid + shift, camid, split, [f"{folder}/{name}" for name in frames])


def _starting_with(names: list[str], prefix: PurePosixPath) -> list[str]:
    """Return the names of sorted ones that belong to a prefix."""
    # With the separator 0001_1 does not take the frames of 0001_10.
    start = prefix.name.rstrip("_") + "_"
    candidates = islice(names, bisect_left(names, start), None)
    return list(takewhile(lambda name: name.startswith(start), candidates))


def _order_frames(
    place: str, prefix: Path, names: list[str], spelt: SpeltNumbers
) -> tuple[list[str], int]:
    """Return the frames of a tracklet in time order, and its camera."""
    if not names:
        raise ValueError(
            f"{place}: a tracklet must have frames, got no file {str(prefix)[:300]}_*.jpg"
        )
    fields = [name.rpartition(".")[0].split("_") for name in names]
    for name, words in zip(names, fields, strict=True):
        if (
            len(words) != 4
            or not _DIGITS.fullmatch(words[2])
            or not 1 <= int(words[2]) <= NUM_CAMERAS
            or LAST_NUMBER.search(words[3]) is None
        ):
            raise ValueError(f"{place}: every frame must be named like {_EXAMPLE}, got {name}")
    camid = find_camera(place, names, [spelt.read(words[2], place) for words in fields])
    numbers = last_numbers(prefix.parent, names)
    if len(set(numbers)) < len(numbers):
        raise ValueError(
            f"{place}: every frame of a tracklet must have a number of its own, got "
            f"{', '.join(names)[:300]}"
        )
    return [name for _, name in sorted(zip(numbers, names, strict=True))], camid
