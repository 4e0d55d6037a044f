"""Run a pose estimator over all frames of a data set, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.device import get_device
from mmengine.dist import all_gather_object, barrier, get_rank, get_world_size, is_main_process
from torch import Tensor
from torch.utils.data import DataLoader

from mmctl.apis.frame_batches import FrameBatches, start_worker
from mmctl.apis.partial_arrays import PartialArrays
from mmctl.apis.planned_array import PlannedArray
from mmctl.datasets import TrackletDataset
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, hash_frame_list
from mmctl.engine.resume.stop_signals import spare_workers
from mmctl.functional.keypoints import decode_heatmaps
from mmctl.models.pose import FrozenPoseEstimator
from mmctl.structures import NUM_KEYPOINTS

Report = Callable[[int, int], None]

ROWS_PER_BLOCK = 512
"""Frames whose keypoints are written together: the most that a killed process has to repeat."""


class BrokenFramesError(ValueError):
    """Frames of a data set cannot be read."""


@dataclass(frozen=True)
class ExtractionSettings:
    """How an estimator runs over a data set.

    Attributes:
        frame_size: (H, W) to which frames are resized first, as the re-ID pipeline does.
        map_size: (h, w) of the stored heatmaps.
        batch_size: Frames at a time.
        num_workers: Processes that read frames; 0 reads in this one.
        mixed_precision: Run the estimator in fp16 (bfloat16 on CPUs).
        allow_broken: Whether frames that cannot be read get rows of zeros, and are no error.
        rows_per_block: Frames of a block.
    """

    frame_size: tuple[int, int] = (256, 128)
    map_size: tuple[int, int] = (16, 8)
    batch_size: int = 64
    num_workers: int = 2
    mixed_precision: bool = False
    allow_broken: bool = False
    rows_per_block: int = ROWS_PER_BLOCK

    def __post_init__(self) -> None:
        for name in ("frame_size", "map_size"):
            if len(getattr(self, name)) != 2 or min(getattr(self, name)) < 1:
                raise ValueError(
                    f"{name} must be (height, width), two positive integers, got "
                    f"{getattr(self, name)}"
                )
        if not 1 <= self.batch_size <= self.rows_per_block:
            raise ValueError(
                f"batch_size must be from 1 to {self.rows_per_block}, because batches do not cross "
                f"the blocks that are written together, got {self.batch_size}"
            )
        if self.num_workers < 0:
            raise ValueError(f"num_workers must be 0 or more, got {self.num_workers}")


class KeypointExtraction:
    """Makes the keypoint array of a data set, and its heatmap array if asked.

    Batches lie at fixed places, so the result is the same bytes however often the work was killed
    and continued, and however many processes shared it.

    Args:
        dataset: The data set, of any split: the frames of all splits are read.
        estimator: The estimator with its weights.
        origin: The estimator in words, for the header.
        paths: Where the arrays go by kind: ``'keypoints'``, and ``'heatmaps'`` if wanted.
        settings: How to run it.

    Raises:
        ValueError: If the data set cannot list its frames or names one twice.
    """

    def __init__(
        self,
        dataset: TrackletDataset,
        estimator: FrozenPoseEstimator,
        origin: str,
        paths: Mapping[str, Path],
        settings: ExtractionSettings | None = None,
    ) -> None:
        self.settings = settings or ExtractionSettings()
        self.estimator = estimator
        self.data_root = dataset.data_root
        self.names = dataset.frame_names()
        arrays = self._plan(origin, paths)
        self.partial = PartialArrays(arrays, self.settings.rows_per_block)

    @property
    def folder(self) -> Path:
        """Where unfinished work is kept."""
        return self.partial.folder

    def is_complete(self) -> bool:
        """Return whether there is nothing to do: the very arrays are in their places."""
        return self.partial.is_complete()

    def run(self, report: Report | None = None, overwrite: bool = False) -> None:
        """Do what is left and put the arrays in their places; all processes call it.

        Args:
            report: Called in the main process with the frames that are done and the frames of this
                process that are under way.
            overwrite: Whether to replace what was made in another way or is damaged.

        Raises:
            BrokenFramesError: If frames cannot be read; all are named, the other work is kept.
            ValueError: If the place is taken, unfinished work there is damaged, or the estimator
                gives no finite heatmaps.
            DiskFullError: If the disk is full.
        """
        complete = self.is_complete()
        barrier()
        if complete:
            if is_main_process():
                self.partial.tidy()  # what a run that was killed at its very end has left
            return
        try:
            if is_main_process():
                self.partial.prepare(overwrite)
            barrier()
            pending = self.partial.pending()
            barrier()  # all processes have seen the same blocks before the first is written
            share = np.array_split(pending, get_world_size())[get_rank()].astype(int).tolist()
            broken = self._run_blocks(share, report)
            gathered: list[list[str]] = all_gather_object(broken)
            broken = [line for lines in gathered for line in lines]
            if broken:
                raise BrokenFramesError(
                    f"{len(broken)} of {len(self.names)} frames cannot be read; what is done is "
                    f"kept in {self.folder}: repair them, or take zeros for them with "
                    "--allow-broken, and run the same command again\n  " + "\n  ".join(broken)
                )
            if is_main_process():
                self.partial.publish()
            barrier()
        finally:
            self.partial.close()

    def _plan(self, origin: str, paths: Mapping[str, Path]) -> list[PlannedArray]:
        settings = self.settings
        frame_list = hash_frame_list(self.names)
        checkpoint, weights = self.estimator.checkpoint, self.estimator.weights_hash()
        rows: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "keypoints": ((NUM_KEYPOINTS, 3), np.float32),
            "heatmaps": ((NUM_KEYPOINTS, *settings.map_size), np.float16),
        }
        return [
            PlannedArray(
                path,
                ArrayHeader(
                    kind,
                    len(self.names),
                    frame_list,
                    origin,
                    None if checkpoint is None else checkpoint.rpartition("/")[2],
                    weights,
                    settings.frame_size,
                    self.estimator.input_size,
                    self.estimator.flip_test,
                    settings.mixed_precision,
                    settings.map_size if kind == "heatmaps" else None,
                ),
                rows[kind][0],
                np.dtype(rows[kind][1]),
            )
            for kind, path in paths.items()
        ]

    def _run_blocks(self, blocks: Sequence[int], report: Report | None) -> list[str]:
        """Make blocks; return what is wrong with frames that cannot be read."""
        all_broken: list[str] = []
        device = torch.device(get_device())
        self.estimator.to(device)
        batches = self._batches(blocks)
        rows: list[dict[str, np.ndarray]] = []
        broken: list[str] = []
        done = self.partial.num_done_rows()
        for batch, (frames, sizes, faults) in zip(batches, self._load(batches), strict=True):
            if not self.settings.allow_broken:
                broken += [faults[place] for place in sorted(faults)]
            if not broken:
                rows.append(self._estimate(frames.to(device), sizes.to(device), batch))
                for values in rows[-1].values():
                    values[list(faults)] = 0
            block = self.partial.rows_of(batch.start // self.settings.rows_per_block)
            if batch.stop == block.stop:
                if not broken:
                    whole = {
                        kind: np.concatenate([values[kind] for values in rows]) for kind in rows[0]
                    }
                    self.partial.write_block(batch.start // self.settings.rows_per_block, whole)
                all_broken += broken
                rows, broken = [], []
                done = self.partial.num_done_rows()
            if report is not None and is_main_process():
                report(done, sum(len(values["keypoints"]) for values in rows))
        return all_broken

    def _batches(self, blocks: Sequence[int]) -> list[range]:
        size = self.settings.batch_size
        return [
            rows[start : start + size]
            for rows in map(self.partial.rows_of, blocks)
            for start in range(0, len(rows), size)
        ]

    def _load(self, batches: Sequence[range]) -> Iterator[tuple[Tensor, Tensor, dict[int, str]]]:
        frames = FrameBatches(self.data_root, self.names, batches, self.settings.frame_size)
        loader = DataLoader(
            frames,
            batch_size=None,
            num_workers=self.settings.num_workers,
            worker_init_fn=start_worker,
            pin_memory=torch.cuda.is_available(),
        )
        spare_workers(loader)
        return iter(loader)

    @torch.no_grad()
    def _estimate(self, frames: Tensor, sizes: Tensor, batch: range) -> dict[str, np.ndarray]:
        kind = frames.device.type
        half = torch.bfloat16 if kind == "cpu" else torch.float16
        with torch.autocast(kind, half, enabled=self.settings.mixed_precision):
            heatmaps = self.estimator(frames.float())
        input_size = self.estimator.input_size or self.settings.frame_size
        udp = uses_udp(self.estimator)
        rows = {"keypoints": decode_heatmaps(heatmaps, sizes, input_size, udp=udp)}
        if "heatmaps" in self.partial.arrays:
            rows["heatmaps"] = F.interpolate(
                heatmaps.float(), self.settings.map_size, mode="bilinear", align_corners=False
            ).half()
        for name, values in rows.items():
            if not values.isfinite().all():
                raise ValueError(
                    f"the {name} of frames {self.names[batch[0]]} to {self.names[batch[-1]]} are "
                    "not finite: the estimator's weights are damaged, or its values do not fit "
                    "into 16 bits (leave --amp out)"
                )
        return {name: values.cpu().numpy() for name, values in rows.items()}


def uses_udp(estimator: FrozenPoseEstimator) -> bool:
    """Return whether the corner cells of an estimator's maps mean the corner pixels of its input.

    Args:
        estimator: Its codec says so; where it has none, maps that are not to be shifted in a flip
            test do.
    """
    model = estimator.estimator
    decoder = getattr(getattr(model, "head", None), "decoder", None)
    if decoder is not None:
        return type(decoder).__name__.startswith("UDP")
    return not (getattr(model, "test_cfg", None) or {}).get("shift_heatmap", True)
