"""Drawn pedestrians as files in the layout of MARS: in parallel, resumable, never half-written."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from mmctl.datasets.synthetic import drawing_state, info_files
from mmctl.datasets.synthetic.atomic_files import (
    FULL_DISK_CODES,
    DiskFullError,
    remove_temporary_files,
    write_whole,
)
from mmctl.datasets.synthetic.contact_sheet import (
    estimate_sheet_bytes,
    write_contact_sheet,
    write_keypoint_sheet,
)
from mmctl.datasets.synthetic.drawing_state import State
from mmctl.datasets.synthetic.plan import PlannedTracklet, draw_planned, plan_tracklets
from mmctl.datasets.synthetic.random_streams import SPLITS
from mmctl.datasets.synthetic.settings import DrawnSettings

Report = Callable[[int], None]

_BLOCK = 4096
"""Bytes a small file takes on most file systems."""

_JPEG_END = b"\xff\xd9"


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
    """Writes one drawn data set.

    Args:
        data_root: Folder of the data set.
        settings: What to draw.
        workers: Processes that draw; 1 draws in this one.

    Raises:
        ValueError: If ``workers`` is not positive.
    """

    def __init__(self, data_root: Path, settings: DrawnSettings, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(
                f"workers must be positive, because somebody has to draw, got {workers}"
            )
        self.data_root = data_root
        self.settings = settings
        self.workers = workers
        self.plan = {split: plan_tracklets(settings, split) for split in SPLITS}

    def pending(self) -> list[PlannedTracklet]:
        """Return the tracklets that are still to be drawn.

        Raises:
            ValueError: If the folder belongs to something else (see :func:`inspect_folder`).
        """
        state = drawing_state.inspect_folder(self.data_root, self.settings)
        tracklets = [item for split in SPLITS for item in self.plan[split]]
        if state is State.EMPTY:
            return tracklets
        return [item for item in tracklets if not self._is_whole(item, state)]

    def is_finished(self) -> bool:
        """Return whether everything is drawn already."""
        state = drawing_state.inspect_folder(self.data_root, self.settings)
        if state is not State.FINISHED or not drawing_state.are_sheets_whole(self.data_root):
            return False
        return not self.pending()

    def check_space(self, pending: list[PlannedTracklet]) -> None:
        """Raise DiskFullError if what is still to be drawn will not fit on the disk."""
        needed = self._needed_bytes(sum(item.num_frames for item in pending))
        existing = self.data_root.absolute()
        while not existing.exists():
            existing = existing.parent
        free = shutil.disk_usage(existing).free
        if free < needed:
            raise DiskFullError(
                f"{self.data_root} needs about {needed:,} more bytes, the disk has {free:,} free: "
                "free some space, choose another disk, or draw fewer people or frames"
            )

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
        shutil.rmtree(drawing_state.parts_folder(self.data_root), ignore_errors=True)
        remove_temporary_files(self.data_root / "info")
        drawing_state.begun_marker(self.data_root).unlink(missing_ok=True)

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
        part = _part_path(self.data_root, planned)
        if state is not State.FINISHED and not part.exists():
            return False
        folder = planned.folder(self.data_root)
        return all(_is_whole_jpeg(folder / name) for name in planned.frame_names)

    def _begin(self, pending: list[PlannedTracklet]) -> None:
        (self.data_root / "info").mkdir(parents=True, exist_ok=True)
        marker = drawing_state.begun_marker(self.data_root)
        content = json.dumps(drawing_state.identify(self.settings)).encode("ascii")
        if drawing_state.inspect_folder(self.data_root, self.settings) is not State.FINISHED:
            write_whole(marker, content)
            drawing_state.finished_marker(self.data_root).unlink(missing_ok=True)
        drawing_state.parts_folder(self.data_root).mkdir(exist_ok=True)
        for folder in {item.folder(self.data_root) for item in pending}:
            folder.mkdir(parents=True, exist_ok=True)

    def _draw_all(self, pending: list[PlannedTracklet]) -> Iterator[PlannedTracklet]:
        if self.workers == 1 or len(pending) < 2:
            with _one_thread():
                for planned in pending:
                    yield _write_tracklet(self.data_root, self.settings, planned)
            return
        with _worker_pool(min(self.workers, len(pending))) as pool:
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
        for name in drawing_state.FRAME_FOLDERS:
            remove_temporary_files(self.data_root / name)
        finished = drawing_state.finished_marker(self.data_root)
        if not finished.exists():
            self._write_info()
        self._write_sheets()
        sizes = drawing_state.measure_files(self.data_root)
        write_whole(finished, info_files.finished_content(self.settings, self.plan, sizes))
        self.tidy()

    def _write_info(self) -> None:
        info_files.write_name_files(self.data_root, self.plan)
        info_files.write_track_files(self.data_root, self.plan, self.settings)
        parts = [_part_path(self.data_root, item) for split in SPLITS for item in self.plan[split]]
        info_files.write_keypoints(
            self.data_root, np.concatenate([np.load(part) for part in parts])
        )

    def _write_sheets(self) -> None:
        contact, skeletons = (self.data_root / name for name in drawing_state.SHEETS)
        keypoints = np.load(self.data_root / "info" / "keypoints.npy", mmap_mode="r")
        write_contact_sheet(contact, self.settings, self.plan["train"])
        write_keypoint_sheet(skeletons, self.settings, self.plan["train"], keypoints)


def _is_whole_jpeg(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(_JPEG_END)))
            return file.read() == _JPEG_END
    except FileNotFoundError:
        return False


def _part_path(data_root: Path, planned: PlannedTracklet) -> Path:
    return drawing_state.parts_folder(data_root) / f"{planned.split}_{planned.name}.npy"


def _write_tracklet(
    data_root: Path, settings: DrawnSettings, planned: PlannedTracklet
) -> PlannedTracklet:
    """Draw a tracklet and write its frames, then its keypoints: with those it is whole."""
    drawn = draw_planned(settings, planned)
    folder = planned.folder(data_root)
    options = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
    for name, frame in zip(planned.frame_names, drawn.frames, strict=True):
        encoded, content = cv2.imencode(".jpg", np.ascontiguousarray(frame[..., ::-1]), options)
        assert encoded
        write_whole(folder / name, content.tobytes())
    buffer = io.BytesIO()
    np.save(buffer, drawn.keypoints)
    write_whole(_part_path(data_root, planned), buffer.getvalue())
    return planned


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread, whose pictures are smaller than a hand-over is worth."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def _worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Return a pool whose workers end with this process, however it ends."""
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    with (
        _one_thread(),
        ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(),)) as pool,
    ):
        yield pool


def _start_worker(parent: int) -> None:
    cv2.setNumThreads(1)
    # Ctrl-C is the parent's business: it lets running tracklets end and cancels the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        # A worker of a killed process would wait for work for ever.
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
