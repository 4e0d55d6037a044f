"""What is done about frames that cannot be read while a training goes on: count, list, warn."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mmengine.logging import print_log
from torch.utils.data import get_worker_info

from mmctl.files import check_regular

IntArray = npt.NDArray[np.int64]


class BrokenFrames:
    """The broken frames that one process met.

    A frame is listed when it is first met; a warning comes with the 1st, 10th, 100th, ...
    time, so that a folder gone missing does not bury the log.

    Args:
        list_file: Text file that gets a line ``path<TAB>reason`` for each broken frame. Processes
            share it and runs go on with it; a frame in it is not listed again.

    Raises:
        ValueError: If ``list_file`` is something else than a file.
    """

    def __init__(self, list_file: str | None = None) -> None:
        if list_file is not None and Path(list_file).exists():
            check_regular(list_file, "broken_list")
        self.list_file = list_file
        self.problem = ""
        self.num_met = 0
        self.paths: set[str] = set()

    def add(self, path: str, reason: str) -> None:
        """Count a frame, list the frame if it is new, and warn at powers of ten."""
        self.num_met += 1
        if path not in self.paths:
            self.paths.add(path)
            self._append(path, reason)
        if self.num_met == 10 ** (len(str(self.num_met)) - 1):
            self._warn(reason)

    def _append(self, path: str, reason: str) -> None:
        """Write the line, or keep what prevents it for the warning: a list must stop no run."""
        if self.list_file is None:
            return
        file = Path(self.list_file)
        # The path stands beside the reason.
        entry = f"{path}\t{reason.removeprefix(f'frame {path} ')}\n"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # Names of files need not be UTF-8.
            listed = file.read_text("utf-8", "surrogateescape") if file.exists() else ""
            if not any(line.startswith(f"{path}\t") for line in listed.splitlines()):
                # One short write in append mode: lines of several workers do not mix.
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                try:
                    os.write(descriptor, entry.encode("utf-8", "surrogateescape"))
                finally:
                    os.close(descriptor)
        except OSError as error:
            self.problem = str(error)

    def _warn(self, reason: str) -> None:
        worker = get_worker_info()
        place = "the main process" if worker is None else f"worker {worker.id}"
        if self.list_file is None:
            listed = "set broken_list to have all of them listed"
        elif self.problem:
            listed = f"some could not be listed in {self.list_file} ({self.problem})"
        else:
            listed = f"all of them are listed in {self.list_file}"
        print_log(
            f"LoadFrames in {place} met broken frames {self.num_met} times ({len(self.paths)} "
            f"different ones) and took others of their tracklets; {listed}. The last one: {reason}",
            logger="current",
            level=logging.WARNING,
        )


def nearest_readable(indices: IntArray, readable: IntArray) -> IntArray:
    """Replace frame indices by the nearest readable ones.

    Args:
        indices: Frame indices, any shape, in the range of the tracklet.
        readable: Indices that could be read, sorted, (R,), R >= 1.

    Returns:
        The shape of ``indices``; the earlier one of two that are equally near. The map is
        monotone, so clips stay in time order.
    """
    return readable[np.abs(indices[..., None] - readable).argmin(axis=-1)]


def outward_order(indices: IntArray, num_frames: int) -> IntArray:
    """Order the frames that were not sampled by their distance from those that were.

    Args:
        indices: The sampled frame indices, (n,).
        num_frames: Frames of the tracklet, S.

    Returns:
        The other indices, nearest first, (S - number of distinct ``indices``,).
    """
    distances = np.abs(np.arange(num_frames)[:, None] - indices).min(axis=1)
    order = np.argsort(distances, kind="stable")
    return order[distances[order] > 0]
