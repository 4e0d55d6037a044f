"""iLIDS-VID (Wang et al., ECCV 2014): 300 persons in two cameras, ten splits."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmctl.datasets.person_splits import draw_splits, read_mat_splits, read_splits, save_splits
from mmctl.datasets.tracklet_dataset import Tracklet, TrackletDataset
from mmctl.registry import DATASETS

_SEQUENCES = Path("i-LIDS-VID") / "sequences"
_OFFICIAL_SPLITS = Path("train-test people splits") / "train_test_splits_ilidsvid.mat"
_DRAWN_SPLITS = "splits_ilids_vid.json"
_NUM_FOLDS = 10


@DATASETS.register_module()
class ILIDSVID(TrackletDataset):
    """iLIDS-VID, one of its ten splits; results are means over all ten.

    Every person has one tracklet in each camera. Query is camera 1, gallery camera 2; a pid is
    the number of its folder (``person001`` is 1). Persons and frames are sorted by name. In a row
    of the official split file the first half are the test persons. Without that file the splits
    are drawn at random (always the same ones), saved as ``splits_ilids_vid.json`` in
    ``data_root`` and announced, for numbers on them compare with nobody else's.

    The rows of the keypoint array are the frames of all persons of camera 1, then those of
    camera 2.

    Args:
        data_root: Folder with ``i-LIDS-VID`` and, for the official splits, ``train-test people
            splits``.
        split: ``'train'`` or ``'test'``.
        fold: Which of the splits, 0 to 9.
        pipeline: Transforms of one tracklet.
        keypoint_file: The keypoint array, absolute or below ``data_root``.
        split_file: Another split file, ``.mat`` or ``.json``, absolute or below ``data_root``.
        **base_arguments: See :class:`TrackletDataset`.

    Raises:
        FileNotFoundError: If a folder or the given split file is missing.
        ValueError: If the cameras show different persons, a folder is empty or has another name,
            a split does not fit, or there is no such fold.
    """

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
        if not isinstance(fold, int) or fold < 0:
            raise ValueError(f"ILIDSVID's fold must be an integer, 0 or more, got {fold!r}")
        self.fold = fold
        self.split_file = split_file
        super().__init__(
            ann_file="",
            data_root=data_root,
            split=split,
            pipeline=pipeline,
            keypoint_file=keypoint_file,
            **base_arguments,
        )

    def read_tracklets(self) -> tuple[list[Tracklet], int | None]:
        """List the folders and pick the persons of the fold."""
        root = Path(self.data_root)
        cameras = [_list_persons(root / _SEQUENCES / f"cam{camid}") for camid in (1, 2)]
        if cameras[0] != cameras[1]:
            odd = sorted(set(cameras[0]) ^ set(cameras[1]))[0]
            raise ValueError(
                f"{root / _SEQUENCES}: both cameras must show the same persons, but {odd} is in "
                "one of cam1 and cam2 only"
            )
        chosen = self._chosen_persons(cameras[0])
        tracklets, num_frames = [], 0
        for camid, persons in enumerate(cameras, start=1):
            split = "train" if self.split == "train" else ("query", "gallery")[camid - 1]
            for person in persons:
                paths = _list_frames(root / _SEQUENCES / f"cam{camid}" / person)
                rows = np.arange(num_frames, num_frames + len(paths))
                num_frames += len(paths)
                if person in chosen:
                    tracklets.append(Tracklet(_to_pid(person), camid, split, paths, rows))
        return tracklets, num_frames

    def _chosen_persons(self, persons: list[str]) -> set[str]:
        """Return the persons of this split and fold."""
        root = Path(self.data_root)
        official, drawn = root / _OFFICIAL_SPLITS, root / _DRAWN_SPLITS
        if self.split_file is not None:
            splits, source = read_splits(root / self.split_file, persons), root / self.split_file
        elif official.is_file():
            splits, source = read_mat_splits(official, persons), official
        elif drawn.is_file():
            splits, source = read_splits(drawn, persons), drawn
        else:
            splits, source = draw_splits(persons, _NUM_FOLDS), drawn
            saved = save_splits(drawn, splits)
            _announce(official, drawn, saved)
        if self.fold >= len(splits):
            raise ValueError(
                f"ILIDSVID's fold must be below {len(splits)}, the number of splits in {source}, "
                f"got {self.fold}"
            )
        return set(splits[self.fold][self.split])


def _list_persons(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} does not exist. iLIDS-VID needs below its data_root: "
            "i-LIDS-VID/sequences/cam1/person001/*.png and likewise cam2"
        )
    persons = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not persons:
        raise ValueError(f"{folder} must hold folders like person001, got none")
    for person in persons:
        if not re.fullmatch(r"person0*[1-9]\d*", person):
            raise ValueError(f"{folder}: every folder must be named like person001, got {person}")
    return persons


def _to_pid(person: str) -> int:
    return int(person.removeprefix("person"))


def _list_frames(folder: Path) -> list[str]:
    paths = sorted(str(path) for path in folder.glob("*.png"))
    if not paths:
        raise ValueError(f"{folder} must hold the .png frames of one tracklet, got none")
    return paths


def _announce(official: Path, drawn: Path, saved: bool) -> None:
    print_log(
        f"ILIDSVID: {official} does not exist, so the persons were split at random"
        + (f"; the splits are in {drawn}" if saved else f"; {drawn} could not be written")
        + ". Results on them cannot be compared with published ones.",
        logger="current",
        level=logging.WARNING,
    )
