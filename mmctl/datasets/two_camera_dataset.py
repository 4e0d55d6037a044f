"""What iLIDS-VID and PRID-2011 share: a folder per person and camera, and splits in folds."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmengine.logging import print_log

from mmctl.datasets.fixed_layout_dataset import FixedLayoutDataset, Listed
from mmctl.datasets.listings.frame_folders import (
    SpeltNumbers,
    check_frame_order,
    last_numbers,
    list_folders,
    list_names,
)
from mmctl.datasets.listings.person_splits import (
    Splits,
    draw_splits,
    hash_splits,
    read_splits,
    save_splits,
)

NUM_FOLDS = 10


class TwoCameraDataset(FixedLayoutDataset):
    """Persons with one tracklet in each of two cameras, halved anew in every fold.

    The first camera is the query, the second the gallery; a pid is the number in the name of a
    person's folder. Persons and frames are sorted by name. The rows of the keypoint array are the
    frames of all persons in the first camera, then those in the second: the same in every fold.

    Args:
        data_root: Folder of the data set.
        split: ``'train'`` or ``'test'``.
        fold: Which of the splits, from 0.
        pipeline: Transforms of one tracklet.
        keypoint_file: The keypoint array, absolute or below ``data_root``.
        split_file: Another split file, ``.mat`` or ``.json``, absolute or below ``data_root``.
        **base_arguments: See :class:`TrackletDataset`.

    Attributes:
        TITLE: Name of the data set in messages.
        SEQUENCES: Where the cameras' folders may lie below ``data_root``; the first there is.
        CAMERAS: Names of the two cameras' folders, query first.
        PERSON: Name of a person's folder up to its number.
        EXAMPLE: Name of a person's folder.
        OFFICIAL_SPLITS: The published split file, below ``data_root``.
        DRAWN_SPLITS: Where splits are saved that were drawn for want of the published ones.
        split_source: The file of the splits that are used, and a hash of what it says; None before
            the data set is read (``lazy_init``).

    Raises:
        FileNotFoundError: If a folder or the given split file is missing.
        ValueError: If the cameras show different persons, a folder is empty or has another name,
            frames are not in order, a split does not fit, or there is no such fold.
    """

    TITLE: ClassVar[str]
    SEQUENCES: ClassVar[tuple[str, ...]]
    CAMERAS: ClassVar[tuple[str, str]]
    PERSON: ClassVar[str]
    EXAMPLE: ClassVar[str]
    OFFICIAL_SPLITS: ClassVar[str]
    DRAWN_SPLITS: ClassVar[str]
    SUFFIXES = (".png",)

    def __init__(
        self,
        data_root: str,
        split: str = "train",
        fold: int = 0,
        pipeline: Sequence[dict | Callable] = (),
        keypoint_file: str | None = None,
        split_file: str | None = None,
        **base_arguments: Any,
    ) -> None:
        if not isinstance(fold, int) or isinstance(fold, bool) or fold < 0:
            raise ValueError(
                f"{type(self).__name__}'s fold must be an integer, 0 or more, got {fold!r}"
            )
        self.fold = fold
        self.split_file = None if split_file is None else os.path.expanduser(split_file)
        self.split_source: tuple[Path, str] | None = None
        super().__init__(data_root, split, pipeline, keypoint_file, **base_arguments)

    def list_tracklets(self, *, all_splits: bool) -> Iterator[Listed]:  # noqa: ARG002
        """List the folders; those of persons who are not in the split have none."""
        cameras = self._list_cameras()
        chosen = self._chosen_persons(cameras)
        splits = ("train", "train") if self.split == "train" else ("query", "gallery")
        for camid, (split, persons) in enumerate(zip(splits, cameras, strict=True), start=1):
            for person, names in persons.items():
                pid = int(person.removeprefix(self.PERSON))
                yield Listed(pid, camid, split if person in chosen else None, names)

    def frame_names(self) -> list[str]:
        """Return the frames of all persons, below ``data_root``, in the order of keypoint rows."""
        cameras = self._list_cameras()
        return [name for persons in cameras for names in persons.values() for name in names]

    def count_persons(self, cameras: Sequence[Mapping[str, list[str]]]) -> list[str]:
        """Return the persons that a split halves where no file says it: here all of them.

        Args:
            cameras: The frames of each person in each camera.
        """
        return list(cameras[0])

    def belongs(self, person: str) -> bool:  # noqa: ARG002
        """Return whether a person is part of the data set: here everybody.

        Args:
            person: Name of the person's folder.
        """
        return True

    def _list_cameras(self) -> list[dict[str, list[str]]]:
        """List the frames of each person in each camera, below ``data_root``."""
        sequences = self._sequences()
        cameras = [self._list_persons(sequences / camera) for camera in self.CAMERAS]
        odd = sorted(set(cameras[0]) ^ set(cameras[1]))
        if odd:
            raise ValueError(
                f"{sequences}: both cameras must show the same persons, but {odd[0]} is in one of "
                f"{self.CAMERAS[0]} and {self.CAMERAS[1]} only"
            )
        root = Path(self.data_root)
        return [
            {person: self._list_frames(root, sequences / camera / person) for person in persons}
            for camera, persons in zip(self.CAMERAS, cameras, strict=True)
        ]

    def _sequences(self) -> Path:
        root = Path(self.data_root)
        for place in self.SEQUENCES:
            if (root / place).is_dir():
                return root / place
        return root / self.SEQUENCES[0]

    def _list_persons(self, folder: Path) -> list[str]:
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{folder} does not exist. {self.TITLE} needs below its data_root: "
                f"{self.SEQUENCES[0]}/{self.CAMERAS[0]}/{self.EXAMPLE}/*.png and likewise "
                f"{self.CAMERAS[1]}"
            )
        persons = list_folders(folder)
        if not persons:
            raise ValueError(f"{folder} must hold folders like {self.EXAMPLE}, got none")
        spelt = SpeltNumbers("person")
        for person in persons:
            if not re.fullmatch(rf"{self.PERSON}0*[1-9][0-9]*", person):
                raise ValueError(
                    f"{folder}: every folder must be named like {self.EXAMPLE}, got {person}"
                )
            spelt.read(person.removeprefix(self.PERSON), folder)
        return [person for person in persons if self.belongs(person)]

    def _chosen_persons(self, cameras: Sequence[Mapping[str, list[str]]]) -> set[str]:
        """Return the persons of this split and fold."""
        splits, source = self._read_splits(cameras)
        self.split_source = source, hash_splits(splits)
        if self.fold >= len(splits):
            raise ValueError(
                f"{type(self).__name__}'s fold must be below {len(splits)}, the number of splits "
                f"in {source}, got {self.fold}"
            )
        return set(splits[self.fold][self.split])

    def _read_splits(self, cameras: Sequence[Mapping[str, list[str]]]) -> tuple[Splits, Path]:
        root = Path(self.data_root)
        official, drawn = root / self.OFFICIAL_SPLITS, root / self.DRAWN_SPLITS
        persons = list(cameras[0])
        if self.split_file is not None:
            return read_splits(root / self.split_file, persons), root / self.split_file
        for path in (official, drawn):
            if path.is_file():
                splits = read_splits(path, persons)
                break
        else:
            splits, path = draw_splits(self.count_persons(cameras), NUM_FOLDS), drawn
            save_splits(drawn, splits)
        if path == drawn:
            self._announce(official, drawn)
        return splits, path

    def _announce(self, official: Path, drawn: Path) -> None:
        place = f"are in {drawn}" if drawn.is_file() else f"could not be written to {drawn}"
        print_log(
            f"{type(self).__name__}: {official} does not exist, so the persons are split at "
            f"random; the splits {place}. Results on them cannot be compared with published ones.",
            logger="current",
            level=logging.WARNING,
        )

    def _list_frames(self, root: Path, folder: Path) -> list[str]:
        names = list_names(folder, self.SUFFIXES)
        if not names:
            raise ValueError(f"{folder} must hold the .png frames of one tracklet, got none")
        check_frame_order(folder, names, last_numbers(folder, names))
        place = folder.relative_to(root).as_posix()
        return [f"{place}/{name}" for name in names]
