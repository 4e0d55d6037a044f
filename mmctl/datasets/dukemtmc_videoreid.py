"""DukeMTMC-VideoReID (Wu et al., CVPR 2018): a folder per tracklet, in three sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmctl.datasets.fixed_layout_dataset import FixedLayoutDataset, Listed
from mmctl.datasets.listings.frame_folders import (
    SpeltNumbers,
    check_frame_order,
    find_camera,
    list_folders,
    list_names,
)
from mmctl.registry import DATASETS

SECTIONS = ("train", "query", "gallery")
"""Folders of the data set, in the order of the keypoint array's rows."""

_NAME = re.compile(r"(\d+)(_?)C(\d+)\2F(\d+)\2X\d+\.jpg", re.ASCII)
_EXAMPLES = "0001C6F0099X30823.jpg or 0001_C6_F0099_X30823.jpg (person, camera, frame)"


@DATASETS.register_module()
class DukeMTMCVideoReID(FixedLayoutDataset):
    """DukeMTMC-VideoReID from a folder of one's own: the data set is no longer published.

    Persons, tracklets and frames are sorted by name; the camera is read from the frames' names, of
    which there are two kinds (``0001C6F0099X30823.jpg``, ``0001_C6_F0099_X30823.jpg``), and person,
    camera and order of every frame are compared with its folder. The test split lists ``query``,
    then ``gallery``; people of the gallery who are no queries are there under pids of their own.

    The rows of the keypoint array are the frames of ``train``, ``query`` and ``gallery``. Only the
    folders of the split are listed, unless there is such an array.

    Args:
        data_root: Folder with ``train``, ``query`` and ``gallery``.
        split: ``'train'`` or ``'test'``.
        pipeline: Transforms of one tracklet.
        keypoint_file: The keypoint array, absolute or below ``data_root``.
        **base_arguments: ``heatmap_file`` and BaseDataset's, see :class:`TrackletDataset`.

    Raises:
        FileNotFoundError: If one of the three folders is missing.
        ValueError: If a folder is empty or not named by a pid, a person or camera is spelt in two
            ways (``3`` and ``0003``), or a frame is not of its folder's person, of another camera
            than the frame before, or out of order.
    """

    SUFFIXES = (".jpg",)
    FRAME_NUMBER = re.compile(r"F(\d+)")

    def list_tracklets(self, *, all_splits: bool) -> Iterator[Listed]:
        """List the folders of the split's sections, or of all."""
        self._check_layout()
        wanted = ("train",) if self.split == "train" else ("query", "gallery")
        pids, camids = SpeltNumbers("person"), SpeltNumbers("camera")
        for section in SECTIONS if all_splits else wanted:
            yield from self._list_section(section, pids, camids)

    def _check_layout(self) -> None:
        for section in SECTIONS:
            folder = Path(self.data_root) / section
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"{folder} does not exist. DukeMTMC-VideoReID needs below its data_root: "
                    "train/<pid>/<tracklet>/*.jpg and likewise query and gallery"
                )

    def _list_section(self, section: str, pids: SpeltNumbers, camids: SpeltNumbers) -> list[Listed]:
        """List the tracklets of a section by person and name."""
        folders = []
        for person in list_folders(Path(self.data_root) / section):
            place = Path(self.data_root) / section / person
            # Pids below 1 would be taken for distractors and junk.
            if not re.fullmatch(r"0*[1-9][0-9]*", person):
                raise ValueError(
                    f"{place}: every folder of {section} must be named by a pid (1 or more, as "
                    f"0001), got {person}"
                )
            pid, tracklets = pids.read(person, place), list_folders(place)
            if not tracklets:
                raise ValueError(f"{place} must hold a folder per tracklet, got none")
            for tracklet in tracklets:
                names = list_names(place / tracklet, self.SUFFIXES)
                camid = _check_names(place / tracklet, names, pid, camids)
                names = [f"{section}/{person}/{tracklet}/{name}" for name in names]
                folders.append(Listed(pid, camid, section, names))
        if not folders:
            raise ValueError(
                f"{Path(self.data_root) / section} must hold folders of persons, got none"
            )
        return folders


def _check_names(folder: Path, names: list[str], pid: int, spelt: SpeltNumbers) -> int:
    """Return the camera of a tracklet whose frames agree with each other and with their folder."""
    if not names:
        raise ValueError(f"{folder} must hold the .jpg frames of one tracklet, got none")
    camids, frames = [], []
    for name in names:
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(f"{folder}: every frame must be named like {_EXAMPLES}, got {name}")
        if int(found[1]) != pid:
            raise ValueError(
                f"{folder}: every frame must be of the person of its folder, {pid}, got {name}"
            )
        camids.append(spelt.read(found[3], folder / name))
        frames.append(int(found[4]))
    camid = find_camera(folder, names, camids)
    check_frame_order(folder, names, frames)
    return camid
