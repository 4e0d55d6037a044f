"""Drawn pedestrians as files in the layout of MARS: in parallel, resumable, never half-written."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from mmctl.datasets.synthetic import drawing_state, info_files
from mmctl.datasets.synthetic.contact_sheet import (
    estimate_sheet_bytes,
    write_contact_sheet,
    write_keypoint_sheet,
)
from mmctl.datasets.synthetic.drawing_state import MARS_FILES, FileLayout, State
from mmctl.datasets.synthetic.plan import PlannedTracklet, draw_planned, plan_tracklets
from mmctl.datasets.synthetic.random_streams import SPLITS
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.datasets.synthetic.worker_pool import one_thread, worker_pool
from mmctl.files import (
    FULL_DISK_CODES,
    DiskFullError,
    check_free_space,
    remove_temporary_files,
    write_whole,
)

Report = Callable[[int], None]

_BLOCK = 4096
"""Bytes a small file takes on most file systems."""

_ENDS = {".jpg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}
"""Last bytes of a whole file, by its ending."""


def estimate_bytes(settings: DrawnSettings, num_frames: int) -> int:
    """Return about how many bytes ``num_frames`` frames and their keypoints take, rounded up."""
    # Measured: 0.26, 0.33, 0.42 and 0.57 bytes per pixel at quality 75, 85, 90 and 95.
    per_pixel = float(
        np.interp(settings.jpeg_quality, (1, 75, 90, 95, 100), (0.1, 0.3, 0.5, 0.7, 1.8))
    )
    per_frame = per_pixel * settings.size[0] * settings.size[1]
    blocks = int(np.ceil(per_frame / _BLOCK)) + 1
    return num_frames * blocks * _BLOCK


class MarsWriter:
    """Writes one drawn data set in the layout of MARS.

    The writers of other layouts (:mod:`mmctl.datasets.synthetic.layout_writers`) replace the plan,
    whose tracklets know the names of their frames, the lists, and the order of the keypoints.

    Args:
        data_root: Folder of the data set.
        settings: What to draw.
        workers: Processes that draw; 1 draws in this one.

    Raises:
        ValueError: If ``workers`` is not positive, or the layout has no place for the settings.
    """

    files: ClassVar[FileLayout] = MARS_FILES
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Settings that differ from those of :class:`DrawnSettings` unless others are asked for."""

    def __init__(self, data_root: Path, settings: DrawnSettings, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(
                f"workers must be positive, because somebody has to draw, got {workers}"
            )
        self.data_root = data_root
        self.settings = settings
        self.workers = workers
        self.plan = self.make_plan()

    def make_plan(self) -> dict[str, list[PlannedTracklet]]:
        """Return the tracklets of each split."""
        return {split: plan_tracklets(self.settings, split) for split in SPLITS}

    def keypoint_order(self) -> list[PlannedTracklet]:
        """Return the tracklets in the order of the keypoint array's rows."""
        return [item for split in SPLITS for item in self.plan[split]]

    def write_lists(self) -> None:
        """Write the files that list the tracklets."""
        info_files.write_name_files(self.data_root, self.plan)
        info_files.write_track_files(self.data_root, self.plan, self.settings)

    def pending(self) -> list[PlannedTracklet]:
        """Return the tracklets that are still to be drawn.

        Raises:
            ValueError: If the folder belongs to something else (see :func:`inspect_folder`).
        """
        state = self._inspect_folder()
        tracklets = [item for split in SPLITS for item in self.plan[split]]
        if state is State.EMPTY:
            return tracklets
        return [item for item in tracklets if not self._is_whole(item, state)]

    def is_finished(self) -> bool:
        """Return whether everything is drawn already."""
        state = self._inspect_folder()
        if state is not State.FINISHED or not drawing_state.are_sheets_whole(self.data_root):
            return False
        return not self.pending()

    def check_space(self, pending: list[PlannedTracklet]) -> None:
        """Raise DiskFullError if what is still to be drawn will not fit on the disk."""
        needed = self._needed_bytes(sum(item.num_frames for item in pending))
        check_free_space(self.data_root, needed, "draw fewer people or frames")

    def write(self, report: Report | None = None) -> None:
        """Draw what is missing and write the files below ``info/``, the finished marker last.

        Args:
            report: Called with the number of frames of each tracklet when it is written.

        Raises:
            DiskFullError: If the disk fills up. What is drawn stays; run again to go on.
        """
        pending = self.pending()
        remaining = sum(item.num_frames for item in pending)
        try:
            self._begin(pending)
            for planned in self._draw_all(pending):
                remaining -= planned.num_frames
                if report is not None:
                    report(planned.num_frames)
            self._finish()
        except OSError as error:
            if error.errno not in FULL_DISK_CODES:
                raise
            raise self._full_disk(error, remaining) from error

    def tidy(self) -> None:
        """Remove what only an unfinished data set needs, as a killed run may have left it."""
        shutil.rmtree(drawing_state.pieces_folder(self.data_root), ignore_errors=True)
        for folder in {"info", *(str(Path(name).parent) for name in self.files.files)} - {"."}:
            remove_temporary_files(self.data_root / folder)
        drawing_state.begun_marker(self.data_root).unlink(missing_ok=True)

    def _inspect_folder(self) -> State:
        return drawing_state.inspect_folder(self.data_root, self.settings, self.files)

    def _needed_bytes(self, num_frames: int) -> int:
        """Return about how many bytes ``num_frames`` more frames and all other files take."""
        others = info_files.estimate_info_bytes(self.plan) + estimate_sheet_bytes(self.settings)
        return estimate_bytes(self.settings, num_frames) + others

    def _full_disk(self, error: OSError, num_frames: int) -> DiskFullError:
        needed = self._needed_bytes(num_frames)
        return DiskFullError(
            f"the disk is full: could not write {error.filename}; about {needed:,} more bytes are "
            f"needed in {self.data_root}. What is drawn is kept: free some space and run the same "
            "command again"
        )

    def _is_whole(self, planned: PlannedTracklet, state: State) -> bool:
        """Return whether a tracklet has all its frames, and its keypoints are known."""
        piece = _piece_path(self.data_root, planned)
        if state is not State.FINISHED and not piece.exists():
            return False
        folder = planned.folder(self.data_root)
        return all(_is_whole_frame(folder / name) for name in planned.frame_names)

    def _begin(self, pending: list[PlannedTracklet]) -> None:
        (self.data_root / "info").mkdir(parents=True, exist_ok=True)
        marker = drawing_state.begun_marker(self.data_root)
        content = json.dumps(drawing_state.identify(self.settings, self.files)).encode("ascii")
        if self._inspect_folder() is not State.FINISHED:
            write_whole(marker, content)
            drawing_state.finished_marker(self.data_root).unlink(missing_ok=True)
        drawing_state.pieces_folder(self.data_root).mkdir(exist_ok=True)
        for folder in {item.folder(self.data_root) for item in pending}:
            folder.mkdir(parents=True, exist_ok=True)

    def _draw_all(self, pending: list[PlannedTracklet]) -> Iterator[PlannedTracklet]:
        if self.workers == 1 or len(pending) < 2:
            with one_thread():
                for planned in pending:
                    yield _write_tracklet(self.data_root, self.settings, planned)
            return
        with worker_pool(min(self.workers, len(pending))) as pool:
            futures = [
                pool.submit(_write_tracklet, self.data_root, self.settings, planned)
                for planned in pending
            ]
            try:
                for future in as_completed(futures):
                    yield future.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _finish(self) -> None:
        for name in self.files.frame_folders:
            remove_temporary_files(self.data_root / name)
        finished = drawing_state.finished_marker(self.data_root)
        if not finished.exists():
            self._write_info()
        self._write_sheets()
        sizes = drawing_state.measure_files(self.data_root, self.files)
        content = info_files.finished_content(self.settings, self.plan, sizes, self.files)
        write_whole(finished, content)
        self.tidy()

    def _write_info(self) -> None:
        for name in self.files.files:
            (self.data_root / name).parent.mkdir(parents=True, exist_ok=True)
        self.write_lists()
        order = self.keypoint_order()
        pieces = [np.load(_piece_path(self.data_root, item)) for item in order]
        mistakes = self.settings.keypoint_mistakes
        info_files.write_keypoints(self.data_root, order, np.concatenate(pieces), mistakes)

    def _write_sheets(self) -> None:
        contact, skeletons = (self.data_root / name for name in drawing_state.SHEETS)
        keypoints = np.load(self.data_root / "info" / "keypoints.npy", mmap_mode="r")
        write_contact_sheet(contact, self.settings, self.plan["train"])
        write_keypoint_sheet(skeletons, self.settings, self.plan["train"], keypoints)


def _is_whole_frame(path: Path) -> bool:
    end = _ENDS[path.suffix]
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(end)))
            return file.read() == end
    except FileNotFoundError:
        return False


def _piece_path(data_root: Path, planned: PlannedTracklet) -> Path:
    return drawing_state.pieces_folder(data_root) / f"{planned.split}_{planned.name}.npy"


def _write_tracklet(
    data_root: Path, settings: DrawnSettings, planned: PlannedTracklet
) -> PlannedTracklet:
    """Draw a tracklet and write its frames, then its keypoints: with those it is whole."""
    drawn = draw_planned(settings, planned)
    folder = planned.folder(data_root)
    for name, frame in zip(planned.frame_names, drawn.frames, strict=True):
        picture = np.ascontiguousarray(frame[..., ::-1])
        # OpenCV 5 complains of an option that is not the format's, once for each picture.
        is_jpeg = name.endswith(".jpg")
        options = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality] if is_jpeg else []
        encoded, content = cv2.imencode(Path(name).suffix, picture, options)
        assert encoded
        write_whole(folder / name, content.tobytes(), sync=False)
    buffer = io.BytesIO()
    np.save(buffer, drawn.keypoints)
    write_whole(_piece_path(data_root, planned), buffer.getvalue(), sync=False)
    return planned
