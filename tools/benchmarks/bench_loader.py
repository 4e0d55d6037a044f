"""Measure what the training pipeline costs beside decoding: frames per second and core.

``python tools/benchmarks/bench_loader.py`` draws a small set with 256x128 frames, then reads the
same frames of the same clips again and again, in turn: with bare loops of ``cv2.imdecode`` and,
where it is installed, of ``simplejpeg``, with the whole pipeline (SampleClip to PackClip), with the
dataloader and its collation around it in this process, and in one worker process. The ratios are
those of the rates to each bare loop; 1 would be a pipeline that costs nothing beside that decoder.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from processor_name import processor_name
from rich.table import Table
from torch.utils.data import DataLoader

from mmctl.datasets import MARS, collate_clips
from mmctl.datasets.synthetic import DrawnSettings, MarsWriter
from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

SIZE = (256, 128)
BATCH_SIZE = 32
GOALS = "0.85 for the pipeline, 0.75 with the dataloader, 0.60 in a worker"


class Recorder:
    """A step of the pipeline that remembers which frames are sampled."""

    def __init__(self) -> None:
        self.paths: list[list[str]] = []

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Note the paths of the sampled frames."""
        paths = results["frame_paths"]
        self.paths.append([paths[index] for index in results["clip_indices"].ravel().tolist()])
        return results


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-root", help="a set in the layout of MARS; default: draw one")
    parser.add_argument("--pids", type=int, default=40, help="drawn persons, 4 tracklets each")
    parser.add_argument("--clip-len", type=int, default=6, help="frames of a clip")
    parser.add_argument("--repeats", type=int, default=7, help="measurements of each")
    return parser.parse_args()


def draw_set(folder: Path, num_pids: int) -> str:
    """Draw a data set with frames of the training size and return its folder."""
    settings = DrawnSettings(
        num_train_pids=num_pids,
        num_test_pids=1,
        frames=(8, 16),
        size=SIZE,
        num_junk=0,
        num_distractors=0,
    )
    MarsWriter(folder, settings).write()
    return str(folder)


def pipeline(clip_len: int, *after_sampling: Callable) -> list[dict[str, Any] | Callable]:
    """Return the training pipeline without keypoints."""
    return [
        {"type": "mmctl.SampleClip", "clip_len": clip_len, "mode": "random"},
        *after_sampling,
        {"type": "mmctl.LoadFrames"},
        {"type": "mmctl.ResizeClip", "size": SIZE},
        {"type": "mmctl.FlipClip", "prob": 0.5},
        {"type": "mmctl.EraseFrames", "prob": 0.5},
        {"type": "mmctl.PackClip"},
    ]


def seed_worker(worker_id: int) -> None:
    """Give a worker the draws of the main process."""
    del worker_id
    seed()


def seed() -> None:
    """Start the draws of the transforms again."""
    np.random.seed(0)  # noqa: NPY002 (the stream that transforms draw from)
    cv2.setNumThreads(0)  # not 1, for which a forked worker would wait for ever
    torch.set_num_threads(1)


def make_loader(dataset: MARS, num_workers: int) -> DataLoader[Any]:
    """Return the dataloader of a training, whose workers stay from pass to pass."""
    return DataLoader(
        dataset,
        batch_size=BATCH_SIZE,
        num_workers=num_workers,
        collate_fn=collate_clips,
        worker_init_fn=seed_worker if num_workers else None,
        persistent_workers=num_workers > 0,
    )


def load(loader: DataLoader[Any]) -> int:
    """Load every tracklet once and return the number of frames."""
    seed()
    return sum(len(clips.flatten(0, 1)) for batch in loader for clips in batch["inputs"])


def load_items(dataset: MARS) -> int:
    """Load every tracklet once without a dataloader and return the number of frames."""
    seed()
    return sum(len(dataset[index]["inputs"].flatten(0, 1)) for index in range(len(dataset)))


def decode(clips: list[list[str]], decoder: Callable[[bytes], Any]) -> int:
    """Read and decode frames and return their number; no step but these two."""
    frames = 0
    for paths in clips:
        for path in paths:
            with open(path, "rb") as file:
                content = file.read()
            decoder(content)
            frames += 1
    return frames


def decode_by_opencv(content: bytes) -> Any:
    """Decode a frame as most loaders do."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def bare_decoders() -> dict[str, Callable[[bytes], Any]]:
    """Return the decoders that are installed."""
    found: dict[str, Callable[[bytes], Any]] = {"OpenCV": decode_by_opencv}
    if simplejpeg is not None:
        found["simplejpeg"] = simplejpeg.decode_jpeg
    return found


def measure(run: Callable[[], int]) -> tuple[float, float]:
    """Return frames per second by the clock and by this process's processor time."""
    start, processor_start = time.perf_counter(), time.process_time()
    frames = run()
    seconds = time.perf_counter() - start
    return frames / seconds, frames / (time.process_time() - processor_start)


def measure_all(runs: Mapping[str, Callable[[], int]], repeats: int) -> dict[str, np.ndarray]:
    """Measure every run in turn, in alternating order after a warm-up; (repeats, 2) each."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name in list(runs)[:: 1 if turn % 2 else -1]:
            rate = measure(runs[name])
            if turn:
                rates[name].append(rate)
    return {name: np.array(values) for name, values in rates.items()}


def print_rates(rates: dict[str, np.ndarray], bare: Sequence[str]) -> None:
    """Print medians, ranges and the ratios to each bare decoder, by the clock.

    Processor time is printed too, but for a worker's, which is not counted in this process's.
    """
    table = Table("")
    for column in ("by the clock", "of processor time", *(f"to {name}" for name in bare)):
        table.add_column(column, justify="right")
    for name, values in rates.items():
        cells = [
            f"{statistics.median(values[:, i]):,.0f} ({values[:, i].min():,.0f}-"
            f"{values[:, i].max():,.0f})"
            if i == 0 or "worker" not in name
            else ""
            for i in (0, 1)
        ]
        # Runs of one turn met the same load, so ratios are taken turn by turn.
        ratios = [f"{np.median(values[:, 0] / rates[other][:, 0]):.2f}" for other in bare]
        table.add_row(name, *cells, *ratios)
    print_table(table, "frames per second")


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = args.data_root or draw_set(Path(folder), args.pids)
        recorder = Recorder()
        load(make_loader(MARS(root, pipeline=pipeline(args.clip_len, recorder)), 0))
        dataset = MARS(root, pipeline=pipeline(args.clip_len))
        bare = {
            f"{name} alone": partial(decode, recorder.paths, decoder)
            for name, decoder in bare_decoders().items()
        }
        runs = {
            **bare,
            "pipeline": partial(load_items, dataset),
            "pipeline and dataloader": partial(load, make_loader(dataset, 0)),
            "the same in one worker": partial(load, make_loader(dataset, 1)),
        }
        rates = measure_all(runs, args.repeats)
        frames = sum(map(len, recorder.paths))
        print(f"{len(recorder.paths)} clips, {frames} frames; {processor_name()}; goals: {GOALS}")
        print_rates(rates, list(bare))


if __name__ == "__main__":
    run_command(main)
