"""Arrays that several processes fill block by block, and that survive the death of all of them.

The files lie in a folder beside their place until every block is there: preallocated arrays,
``done.bin`` with a byte per block, and ``identity.json``, which says what they are and is written
last. A block's byte is written after its rows have reached the disk, so a byte is never ahead of
its rows; blocks without one are made again.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mmctl.apis.planned_array import PlannedArray, WorkIdentity
from mmctl.datasets.keypoints.keypoint_file import publish_array
from mmctl.datasets.keypoints.keypoint_header import check_place, header_path
from mmctl.files import (
    FULL_DISK_CODES,
    DiskFullError,
    FolderLock,
    read_bytes,
    read_json,
    shorten,
    to_record,
    write_whole,
)

_IDENTITY, _DONE, _LOCK = "identity.json", "done.bin", "lock"
_REPAIR = "the work there cannot be continued, make it again from the start with --overwrite"


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
        self._files: dict[str, BinaryIO] = {}
        self._starts: dict[str, int] = {}

    def is_complete(self) -> bool:
        """Return whether all arrays are in their place already."""
        return all(array.is_complete() for array in self.arrays.values())

    def prepare(self, overwrite: bool = False) -> None:
        """Make the folder and the arrays in it, or find that a killed run has; one process does.

        Args:
            overwrite: Whether arrays of another origin in their place will be replaced, and
                unfinished ones that are of another origin or damaged are thrown away.

        Raises:
            ValueError: If another run is at work there, arrays of another origin are in the way
                (what differs is named), or a file in the folder is damaged.
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
        self.folder.mkdir(parents=True, exist_ok=True)
        for array in self.arrays.values():
            array.path.parent.mkdir(parents=True, exist_ok=True)
            if array.path.parent.stat().st_dev != self.folder.stat().st_dev:
                raise ValueError(
                    f"{array.path} must be on the disk of {self.folder}, because finished arrays "
                    "are moved to their places at once"
                )
        self._lock.take()
        if found == identity:
            damage = self._find_damage()
            if damage is None:
                return
            if not overwrite:
                raise ValueError(f"{damage}: {_REPAIR}")
        self._begin(identity)

    def open(self) -> None:
        """Open the prepared arrays for writing; every process does."""
        for name in (*self._unpublished(), _DONE):
            self._files[name] = (self.folder / name).open("r+b", buffering=0)
        for kind, array in self.arrays.items():
            if f"{kind}.npy" in self._files:
                self._starts[kind] = len(array.npy_header())

    def pending(self) -> list[int]:
        """Return the blocks that are not there yet."""
        return np.flatnonzero(self._marks() == 0).tolist()

    def num_done_rows(self) -> int:
        """Return how many rows all processes have written."""
        done = np.flatnonzero(self._marks())
        return sum(len(self.rows_of(block)) for block in done.tolist())

    def rows_of(self, block: int) -> range:
        """Return the rows of a block."""
        start = block * self.rows_per_block
        return range(start, min(start + self.rows_per_block, self.num_rows))

    def write_block(self, block: int, rows: Mapping[str, NDArray[Any]]) -> None:
        """Bring the rows of a block to the disk, then say so.

        Args:
            block: Which one.
            rows: The rows of each kind.

        Raises:
            DiskFullError: If the disk is full, which only file systems without preallocation are.
        """
        try:
            for kind, array in self.arrays.items():
                values = np.ascontiguousarray(rows[kind], dtype=array.dtype)
                assert values.shape == (len(self.rows_of(block)), *array.row_shape)
                offset = self._starts[kind] + self.rows_of(block).start * array.row_bytes
                _write_at(self._files[f"{kind}.npy"], values.tobytes(), offset)
            _write_at(self._files[_DONE], b"\x01", block)
        except OSError as error:
            if error.errno in FULL_DISK_CODES:
                raise self._disk_full() from error
            raise

    def publish(self) -> None:
        """Move the finished arrays to their places; one process does, a killed call is repeated."""
        assert not self.pending()
        for kind, array in self.arrays.items():
            publish_array(self.folder / f"{kind}.npy", array.path, array.header)
        self.tidy()

    def close(self) -> None:
        """Close the files and give the folder free."""
        for file in self._files.values():
            file.close()
        self._files = {}
        self._lock.release()

    def tidy(self) -> None:
        """Remove the folder."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self, identity: WorkIdentity) -> None:
        """Make the files of the folder anew."""
        (self.folder / _IDENTITY).unlink(missing_ok=True)
        try:
            for kind, array in self.arrays.items():
                _preallocate(self.folder / f"{kind}.npy", array)
            write_whole(self.folder / _DONE, bytes(self.num_blocks))
        except OSError as error:
            if error.errno not in FULL_DISK_CODES:
                raise
            shutil.rmtree(self.folder)
            raise self._disk_full() from error
        write_whole(self.folder / _IDENTITY, json.dumps(asdict(identity), indent=1).encode())

    def _marks(self) -> NDArray[np.uint8]:
        content = os.pread(self._files[_DONE].fileno(), self.num_blocks, 0)
        return np.frombuffer(content.ljust(self.num_blocks, b"\x00"), dtype=np.uint8)

    def _find_damage(self) -> str | None:
        """Return what is wrong with the prepared files; rows of done blocks are not read."""
        done = self.folder / _DONE
        try:
            marks = read_bytes(done, "file")
        except FileNotFoundError:
            marks = b""
        except ValueError as error:
            return str(error)
        if len(marks) != self.num_blocks:
            return (
                f"{done} must have {self.num_blocks} bytes, one for each block of rows, got "
                f"{len(marks)}"
            )
        if max(marks) > 1:
            return f"{done} must hold bytes 0 (not done) and 1 (done), got {max(marks)}"
        for kind, array in self.arrays.items():
            path = self.folder / f"{kind}.npy"
            # A run that was killed while it published has moved the first ones.
            if path.exists() or not all(marks) or not array.is_moved():
                damage = array.find_damage(path)
                if damage is not None:
                    return damage
        return None

    def _unpublished(self) -> list[str]:
        """Return the arrays that are still here: a killed run may have moved the first ones."""
        return [f"{kind}.npy" for kind in self.arrays if (self.folder / f"{kind}.npy").exists()]

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
                f"{_REPAIR}"
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

    def _disk_full(self) -> DiskFullError:
        needed = sum(array.num_bytes for array in self.arrays.values())
        return DiskFullError(
            errno.ENOSPC,
            f"the disk has no room for {needed:,} bytes of keypoints and heatmaps: free some "
            "space and run the same command again, or choose another disk with --out",
            str(self.folder),
        )


def _preallocate(path: Path, array: PlannedArray) -> None:
    """Make an array of zeros whose room on the disk is taken now, not when work is done."""
    path.unlink(missing_ok=True)  # what lies there may be no file
    with path.open("wb") as file:
        file.write(array.npy_header())
        file.flush()
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), file.tell(), array.num_bytes)
        else:
            file.truncate(file.tell() + array.num_bytes)
        os.fsync(file.fileno())


def _write_at(file: BinaryIO, content: bytes, offset: int) -> None:
    """Write bytes at a place and wait until they are on the disk."""
    view = memoryview(content)
    while view:
        written = os.pwrite(file.fileno(), view, offset)
        view, offset = view[written:], offset + written
    os.fsync(file.fileno())
