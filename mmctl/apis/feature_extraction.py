"""Features of many tracklets in files, however often the work is killed on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.apis.inference.read_inputs import Inputs
from mmctl.apis.inference.tracklet_item import TrackletItem
from mmctl.apis.tracklet_inferencer import TrackletInferencer, check_batch_size
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.deployment.onnx_model import OnnxModel
from mmctl.evaluation.tracklet_table import FEATURES, TRACKS, TrackletTable
from mmctl.files import FolderLock, read_json, read_npz, write_whole

UNFINISHED = "features.partial"
"""Folder in that of the result where blocks of tracklets are kept until all are there."""

BLOCK = 32
"""Tracklets that are written together: the most that a killed process has to repeat."""

_IDENTITY = "identity.json"

Report = Callable[[int], None]


class FeatureExtraction:
    """Computes ``features.npz`` and ``tracks.csv``, and goes on where a killed process ended.

    Tracklets are done in blocks, none of whose batches has a clip of another block, so the result
    is the same bytes whenever the work was killed.

    Args:
        inferencer: The model.
        inputs: The tracklets.
        out: Folder of the result.
        batch_size: Clips at a time.
        frame_choice: Which frames are used.

    Raises:
        ValueError: If nobody knows how many tracklets there are, or there are none, or
            ``batch_size`` is not positive.
    """

    def __init__(
        self,
        inferencer: TrackletInferencer,
        inputs: Inputs,
        out: Path,
        batch_size: int = 8,
        frame_choice: FrameChoice | None = None,
    ) -> None:
        if not inputs.total:
            raise ValueError(
                "features are extracted of tracklets that can be counted beforehand, at least one, "
                f"got {inputs.total}"
            )
        check_batch_size(batch_size)
        self.inferencer, self.inputs, self.out = inferencer, inputs, out
        self.batch_size, self.choice = batch_size, frame_choice or FrameChoice()
        self.total = inputs.total
        self.num_blocks = -(-self.total // BLOCK)
        self.folder = out / UNFINISHED
        self.settings = {**inferencer.describe_model(), "dataset": inputs.dataset_name}
        self.identity = {
            "model": self.settings["model"],
            "tracklets": self.total,
            "inputs": [source.identify() for source in inputs.sources],
            "keypoints": inputs.identify_keypoints(),
            "batch_size": batch_size,
            "block": BLOCK,
            "frame_choice": asdict(self.choice),
            # A graph's features differ from its checkpoint's by rounding: no file has both.
            **({"runtime": "onnx"} if isinstance(inferencer.model, OnnxModel) else {}),
        }

    def is_complete(self) -> bool:
        """Return whether the very result is in its place already, whole."""
        try:
            table = TrackletTable.load(self.out / FEATURES)
            written = (self.out / TRACKS).read_bytes()
        except (FileNotFoundError, ValueError):
            return False
        is_ours = self._read_result_identity() == self.identity
        return is_ours and written == table.to_csv().encode("utf-8", "surrogateescape")

    def run(self, report: Report | None = None, overwrite: bool = False) -> TrackletTable:
        """Do what is left, and put the result in its place.

        Args:
            report: Called with the number of tracklets that are done.
            overwrite: Whether a result or unfinished work of another origin is replaced.

        Returns:
            The result.

        Raises:
            ValueError: If another run is at work there, or the place is taken; or what the
                inferencer raises.
            DiskFullError: If the disk is full; what is done is kept.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        with FolderLock(self.out):
            if self.is_complete():
                shutil.rmtree(self.folder, ignore_errors=True)
                return TrackletTable.load(self.out / FEATURES)
            is_ours = self._find_unfinished(overwrite)
            self._run_blocks(is_ours, report)
            blocks = [self._read_block(block) for block in range(self.num_blocks)]
            table = TrackletTable.join([block for block in blocks if block is not None])
            table.save(
                self.out,
                {**self.settings, "identity": json.dumps(self.identity)},
            )
            shutil.rmtree(self.folder)
        return table

    def _find_unfinished(self, overwrite: bool) -> bool:
        """Return whether blocks of this very work lie there; raise if the place is taken."""
        place = self.out / FEATURES
        if place.exists() and not overwrite and self._read_result_identity() != self.identity:
            raise ValueError(
                f"{place} exists and is of another model or other tracklets, or is damaged: choose "
                "another --out, or replace it with --overwrite"
            )
        found = self._read_identity()
        if found is not None and found != self.identity and not overwrite:
            differences = [key for key in self.identity if found.get(key) != self.identity[key]]
            raise ValueError(
                f"{self.folder} holds the unfinished work of another run, which differs in "
                f"{', '.join(differences) or 'what it records'}: repeat that command to finish it, "
                "or throw it away with --overwrite"
            )
        return found == self.identity

    def _start_folder(self) -> None:
        """Make the folder of blocks in the place of what another run has left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        write_whole(self.folder / _IDENTITY, json.dumps(self.identity).encode())

    def _read_identity(self) -> dict[str, Any] | None:
        """Return whose work lies there, None if nobody's; damaged, it is somebody's unknown."""
        try:
            found = read_json(self.folder / _IDENTITY, "file")
        except FileNotFoundError:
            return None
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _read_result_identity(self) -> Any:
        try:
            arrays = read_npz(self.out / FEATURES, "feature file", ("identity",))
            return json.loads(str(arrays["identity"]))
        except (FileNotFoundError, ValueError, KeyError, RecursionError):
            return None

    def _run_blocks(self, is_ours: bool, report: Report | None) -> None:
        blocks = range(self.num_blocks)
        missing = [block for block in blocks if not is_ours or self._read_block(block) is None]
        done = self.total - sum(len(self._rows(block)) for block in missing)
        if report is not None:
            report(done)
        if not missing:
            return
        sums = self.inferencer.sum_items(
            self._missing_items(missing), self.batch_size, self.choice, block=BLOCK
        )
        for block in missing:
            predictions = []
            for _ in self._rows(block):
                predictions.append(next(sums).finish())
                if report is not None:
                    report(done + len(predictions))
            table = TrackletTable.from_predictions(predictions)
            if not is_ours:  # a command that fails before leaves nothing to clear away
                self._start_folder()
                is_ours = True
            self._write_block(block, table)
            done += len(predictions)

    def _missing_items(self, missing: list[int]) -> Iterator[TrackletItem]:
        start, wanted = missing[0] * BLOCK, set(missing)
        for row, item in enumerate(self.inputs.items(start), start=start):
            if row // BLOCK in wanted:
                yield item

    def _rows(self, block: int) -> range:
        return range(block * BLOCK, min((block + 1) * BLOCK, self.total))

    def _path(self, block: int) -> Path:
        return self.folder / f"block-{block:06d}.npz"

    def _write_block(self, block: int, table: TrackletTable) -> None:
        buffer, arrays = BytesIO(), dict[str, Any](table.arrays())
        np.savez(buffer, **arrays)
        write_whole(self._path(block), buffer.getvalue())

    def _read_block(self, block: int) -> TrackletTable | None:
        """Return a block, None where it is missing or damaged: it is made again then."""
        try:
            table = TrackletTable.load(self._path(block))
        except (FileNotFoundError, ValueError):
            return None
        return table if len(table.pids) == len(self._rows(block)) else None
