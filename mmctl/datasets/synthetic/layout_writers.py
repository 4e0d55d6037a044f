"""Writers of drawn pedestrians in the layouts of the other data sets."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from mmctl.datasets.synthetic.drawing_state import FILE_LAYOUTS, FileLayout
from mmctl.datasets.synthetic.info_files import mat_bytes
from mmctl.datasets.synthetic.layout_plans import (
    PRID_SHARED,
    IlidsVidTracklet,
    PridTracklet,
    plan_duke,
    plan_ls_vid,
    plan_two_cameras,
)
from mmctl.datasets.synthetic.mars_writer import MarsWriter
from mmctl.datasets.synthetic.plan import DISTRACTOR_PID, PlannedTracklet, choose_queries
from mmctl.datasets.synthetic.random_streams import SPLITS, fold_stream
from mmctl.files import write_whole

NUM_FOLDS = 10


class LayoutWriter(MarsWriter):
    """What the writers of other layouts than MARS share: tracklets planned in the order of rows.

    Arguments and errors are those of :class:`MarsWriter`.
    """

    fixed: ClassVar[Mapping[str, float]] = {}
    """Settings that the layout has no other place for."""

    def make_plan(self) -> dict[str, list[PlannedTracklet]]:
        """Return the tracklets of each split.

        Raises:
            ValueError: If a setting does not fit the layout.
        """
        for name, value in self.fixed.items():
            found = getattr(self.settings, name)
            if found != value:
                raise ValueError(
                    f"{name} must be {value}, because the layout {self.files.name} has no place "
                    f"for others, got {found}"
                )
        order = self.plan_in_order()
        return {split: [item for item in order if item.split == split] for split in SPLITS}

    def plan_in_order(self) -> list[PlannedTracklet]:
        """Return the tracklets of both splits in the order of the keypoint array's rows."""
        raise NotImplementedError

    def keypoint_order(self) -> list[PlannedTracklet]:
        """Return the tracklets in the order of the keypoint array's rows."""
        return self.plan_in_order()


class TwoCameraWriter(LayoutWriter):
    """What the layouts of two cameras share: ten splits, the first of them as it was planned."""

    # People change the split with the fold, and a camera that is shifted is that of one split.
    fixed: ClassVar[Mapping[str, float]] = {
        **{"num_cameras": 2, "tracklets_per_camera": 1, "num_junk": 0},
        "camera_shift": 0,
    }
    max_pid: ClassVar[int]

    def make_plan(self) -> dict[str, list[PlannedTracklet]]:
        """Return the tracklets of each split.

        Raises:
            ValueError: If a setting does not fit the layout.
        """
        train, test = self.settings.num_train_pids, self.settings.num_test_pids
        if train != test or 2 * train > self.max_pid:
            raise ValueError(
                f"num_train_pids and num_test_pids must be equal, because a split of "
                f"{self.files.name} halves its people, and {self.max_pid // 2} at most, got "
                f"{train} and {test}"
            )
        return super().make_plan()

    def split_people(self) -> list[tuple[list[int], list[int]]]:
        """Return test and training pids of each split, unordered as in the published files."""
        pids = sorted({item.pid for items in self.plan.values() for item in items})
        pids = [pid for pid in pids if pid > DISTRACTOR_PID]
        test = sorted({item.pid for item in self.plan["test"]} - {DISTRACTOR_PID})
        folds = [(test, [pid for pid in pids if pid not in test])]
        for fold in range(1, NUM_FOLDS):
            drawn = fold_stream(self.settings.seed, fold).permutation(pids).tolist()
            folds.append((drawn[: len(test)], drawn[len(test) :]))
        return folds


class IlidsVidWriter(TwoCameraWriter):
    """Writes drawn pedestrians in the layout of iLIDS-VID."""

    files: ClassVar[FileLayout] = FILE_LAYOUTS["ilids-vid"]
    fixed: ClassVar[Mapping[str, float]] = {**TwoCameraWriter.fixed, "num_distractors": 0}
    defaults: ClassVar[Mapping[str, Any]] = {**fixed, "num_train_pids": 40}
    max_pid: ClassVar[int] = 998

    def plan_in_order(self) -> list[PlannedTracklet]:
        """Return the tracklets by camera and person."""
        return [*plan_two_cameras(self.settings, IlidsVidTracklet)]

    def write_lists(self) -> None:
        """Write ``ls_set``: numbers of the sorted persons from 1, the test half of a row first."""
        folds = [np.array([*test, *train]) for test, train in self.split_people()]
        persons = np.sort(folds[0])
        numbers = np.stack([np.searchsorted(persons, fold) + 1 for fold in folds])
        content = mat_bytes("ls_set", numbers.astype(np.uint16))
        write_whole(self.data_root / self.files.files[0], content)


class PridWriter(TwoCameraWriter):
    """Writes drawn pedestrians in the layout of PRID-2011; distractors are in one camera only."""

    files: ClassVar[FileLayout] = FILE_LAYOUTS["prid2011"]
    defaults: ClassVar[Mapping[str, Any]] = {
        **TwoCameraWriter.fixed,
        "num_train_pids": 40,
        "num_distractors": 4,
    }
    max_pid: ClassVar[int] = PRID_SHARED

    def plan_in_order(self) -> list[PlannedTracklet]:
        """Return the tracklets by camera and person, those of one camera only last."""
        return [*plan_two_cameras(self.settings, PridTracklet)]

    def keypoint_order(self) -> list[PlannedTracklet]:
        """Return the tracklets of the persons in both cameras."""
        return [item for item in self.plan_in_order() if item.pid > DISTRACTOR_PID]

    def write_lists(self) -> None:
        """Write the names of the training and test persons of each split."""
        halves = [dict(zip(("test", "train"), fold, strict=True)) for fold in self.split_people()]
        folds = [
            {half: [f"person_{pid:04d}" for pid in fold[half]] for half in ("train", "test")}
            for fold in halves
        ]
        content = json.dumps(folds, indent=1) + "\n"
        write_whole(self.data_root / self.files.files[0], content.encode("ascii"))


class DukeWriter(LayoutWriter):
    """Writes drawn pedestrians in the layout of DukeMTMC-VideoReID."""

    files: ClassVar[FileLayout] = FILE_LAYOUTS["dukemtmc-videoreid"]
    fixed: ClassVar[Mapping[str, float]] = {"num_junk": 0}
    defaults: ClassVar[Mapping[str, Any]] = fixed

    def plan_in_order(self) -> list[PlannedTracklet]:
        """Return the tracklets of ``train``, ``query`` and ``gallery``."""
        return [*plan_duke(self.settings)]

    def write_lists(self) -> None:
        """Write nothing: the folders are the lists."""


class LsVidWriter(LayoutWriter):
    """Writes drawn pedestrians in the layout of LS-VID, for which ``h5py`` is needed."""

    files: ClassVar[FileLayout] = FILE_LAYOUTS["ls-vid"]
    fixed: ClassVar[Mapping[str, float]] = {"num_junk": 0, "num_distractors": 0}
    defaults: ClassVar[Mapping[str, Any]] = fixed

    def plan_in_order(self) -> list[PlannedTracklet]:
        """Return the tracklets of the training list, then of the test list."""
        return [*plan_ls_vid(self.settings)]

    def write_lists(self) -> None:
        """Write the lists and the queries: for each test person one."""
        plan = {
            split: [item for item in plan_ls_vid(self.settings) if item.split == split]
            for split in SPLITS
        }
        for name, items in zip(self.files.files, plan.values(), strict=False):
            text = "".join(f"{item.prefix} {item.pid}\n" for item in items)
            write_whole(self.data_root / name, text.encode("ascii"))
        test = self.plan["test"]
        chosen = choose_queries(self.settings, test).tolist()
        first = {test[position].pid: position for position in reversed(chosen)}
        numbers = np.array([sorted(first.values())], np.float64) + 1
        write_whole(self.data_root / self.files.files[2], _hdf5_bytes("query", numbers))


def _hdf5_bytes(key: str, table: np.ndarray) -> bytes:
    """Return the bytes of a MATLAB 7.3 file: HDF5 behind a text, arrays turned."""
    import h5py  # an optional package

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=512) as file:
        file.create_dataset(key, data=table.T)
    header = b"MATLAB 7.3 MAT-file, Platform: posix, drawn by mmctl".ljust(124)
    return header + b"\x00\x02IM" + buffer.getvalue()[128:]


WRITERS: dict[str, type[MarsWriter]] = {
    writer.files.name: writer
    for writer in (MarsWriter, IlidsVidWriter, PridWriter, DukeWriter, LsVidWriter)
}
"""The writer of each layout, by the name of the layout."""
