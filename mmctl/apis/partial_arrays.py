"""Arrays that several processes make block by block, and that survive the death of all of them.

Until every block is there they lie in a folder beside their place: a whole ``.npy`` file for each
block and kind, and ``identity.json``, which says what they are to become. Files are whole or not
there; a block that has a file missing or damaged is made again. At the end the blocks are joined.
"""

from __future__ import annotations

import errno
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.apis.planned_array import PlannedArray, WorkIdentity
from mmctl.datasets.keypoints.keypoint_file import write_stored_blocks
from mmctl.datasets.keypoints.keypoint_header import check_place, header_path
from mmctl.files import (
    DiskFullError,
    FolderLock,
    map_npy,
    read_json,
    shorten,
    to_record,
    write_whole,
)

_IDENTITY, _LOCK = "identity.json", "lock"


class PartialArrays:
    """The unfinished arrays of one extraction.

    Args:
        arrays: What is to be made; the first one's place decides where the folder is.
        rows_per_block: Rows of a block; the last one may have fewer.
    """

    def __init__(self, arrays: Sequence[PlannedArray], rows_per_block: int) -> None:
        self.arrays = {array.header.kind: array for array in arrays}
        self.folder = arrays[0].path.with_suffix(".partial")
        self.rows_per_block = rows_per_block
        self.num_rows = arrays[0].header.num_frames
        self.num_blocks = -(-self.num_rows // rows_per_block)
        self._lock = FolderLock(self.folder, _LOCK)
        self._done: set[int] = set()

    def is_complete(self) -> bool:
        """Return whether all arrays are in their place already."""
        return all(array.is_complete() for array in self.arrays.values())

    def prepare(self, overwrite: bool = False) -> None:
        """Make the folder, or find that a killed run has; one process does.

        Args:
            overwrite: Whether arrays of another origin in their place will be replaced, and
                unfinished ones that are of another origin are thrown away.

        Raises:
            ValueError: If another run is at work there, arrays of another origin are in the way
                (what differs is named), or the identity is damaged.
            DiskFullError: If the disk has no room for the arrays.
            PermissionError: If the folder cannot be written.
        """
        headers = {kind: array.header for kind, array in self.arrays.items()}
        identity, found = WorkIdentity(self.rows_per_block, headers), self._read_identity(overwrite)
        if found != identity and not overwrite:
            if found is not None:
                raise ValueError(self._describe_conflict(found, identity))
            self._refuse_others()
        for array in self.arrays.values():
            check_place(array.path)
        for folder in (self.folder, *(array.path.parent for array in self.arrays.values())):
            folder.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        if found != identity:
            (self.folder / _IDENTITY).unlink(missing_ok=True)
            for path in self.folder.glob("*.npy"):
                path.unlink()
            write_whole(self.folder / _IDENTITY, json.dumps(asdict(identity)).encode())
        if shutil.disk_usage(self.folder).free < self._missing_bytes():
            error = self._disk_full()
            if not self._done:
                self.tidy()
            raise error

    def pending(self) -> list[int]:
        """Return the blocks that are not there yet."""
        missing = [block for block in range(self.num_blocks) if block not in self._done]
        self._done.update(block for block in missing if self._is_whole(block))
        return [block for block in missing if block not in self._done]

    def num_done_rows(self) -> int:
        """Return how many rows all processes have written."""
        return self.num_rows - sum(len(self.rows_of(block)) for block in self.pending())

    def rows_of(self, block: int) -> range:
        """Return the rows of a block."""
        start = block * self.rows_per_block
        return range(start, min(start + self.rows_per_block, self.num_rows))

    def write_block(self, block: int, rows: Mapping[str, NDArray[Any]]) -> None:
        """Bring the rows of a block to the disk.

        Args:
            block: Which one.
            rows: The rows of each kind.

        Raises:
            DiskFullError: If the disk is full.
        """
        try:
            for kind, array in self.arrays.items():
                values = np.asarray(rows[kind], dtype=array.dtype)
                assert values.shape == (len(self.rows_of(block)), *array.row_shape)
                buffer = io.BytesIO()
                np.save(buffer, values)
                write_whole(self._path(kind, block), buffer.getvalue())
        except DiskFullError as error:
            raise self._disk_full() from error

    def publish(self) -> None:
        """Join the blocks in the arrays' places; one process does, a killed call is repeated.

        Raises:
            DiskFullError: If the disk is full; the blocks are kept.
        """
        try:
            for kind, array in self.arrays.items():
                paths = (self._path(kind, block) for block in range(self.num_blocks))
                blocks = (map_npy(path, "block of rows") for path in paths)
                write_stored_blocks(array.path, blocks, array.header)
        except DiskFullError as error:
            raise self._disk_full() from error
        self.tidy()

    def close(self) -> None:
        """Give the folder free."""
        self._lock.release()

    def tidy(self) -> None:
        """Remove the folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, kind: str, block: int) -> Path:
        return self.folder / f"{kind}-{block:06d}.npy"

    def _is_whole(self, block: int) -> bool:
        return all(
            array.reads_as(self._path(kind, block), len(self.rows_of(block)))
            for kind, array in self.arrays.items()
        )

    def _read_identity(self, overwrite: bool) -> WorkIdentity | None:
        """Return what lies there; None if nothing does, or what does may be thrown away."""
        path = self.folder / _IDENTITY
        try:
            return to_record(WorkIdentity, read_json(path, "file"), f"file {path}")
        except FileNotFoundError:
            return None
        except ValueError as error:
            if overwrite:
                return None
            raise ValueError(
                f"{path} must say whose unfinished work lies beside it, but is damaged: {error}: "
                "the work there cannot be continued, make it again from the start with --overwrite"
            ) from error

    def _describe_conflict(self, found: WorkIdentity, wanted: WorkIdentity) -> str:
        theirs, ours = found.flatten(), wanted.flatten()
        differences = [
            f"{key} {shorten(theirs.get(key))} there, {shorten(ours.get(key))} now"
            for key in sorted({*theirs, *ours})
            if theirs.get(key) != ours.get(key)
        ]
        return (
            f"{self.folder} holds the unfinished work of another run, and the two must not mix: "
            f"{'; '.join(differences)}. Repeat the other command to finish it, or throw it away "
            "with --overwrite"
        )

    def _refuse_others(self) -> None:
        for array in self.arrays.values():
            if array.path.exists() and not array.is_complete():
                found = header_path(array.path)
                origin = f"see {found}" if found.exists() else "it has no header"
                raise ValueError(
                    f"{array.path} exists and was made in another way, or is damaged ({origin}): "
                    "choose another place with --out (--heatmaps for heatmaps), or replace it with "
                    "--overwrite"
                )

    def _missing_bytes(self) -> int:
        """Return the room that missing blocks, and the joined arrays on this disk, need."""
        disk, missing = self.folder.stat().st_dev, self.num_rows - self.num_done_rows()
        return sum(
            array.row_bytes * (missing + self.num_rows * (array.path.parent.stat().st_dev == disk))
            for array in self.arrays.values()
        )

    def _disk_full(self) -> DiskFullError:
        return DiskFullError(
            errno.ENOSPC,
            f"the disk has no room for {self._missing_bytes():,} bytes of keypoints and heatmaps, "
            "the blocks that are missing and what they are joined into: free some space and run "
            "the same command again, or choose another disk with --out",
            str(self.folder),
        )
