"""Measure what the inferencer costs beside the network, how much memory, and how soon it answers.

``python tools/benchmarks/bench_inference.py`` draws frames, makes tracklets of 1 to 200 of them,
and in turn measures the inferencer, a plain loop that loads and runs one tracklet at a time, and
the bare forward of the very clips in full batches, loaded beforehand. Then it streams one tracklet
that is 20 times as long as another, and starts a process that gives a first result.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from first_result import measure_imports, measure_start, write_config
from long_video import stream_video
from resident_memory import is_available, read_bytes, start_peak
from rich.table import Table

from mmctl.apis import TrackletInferencer, get_model
from mmctl.apis.inference.read_inputs import InputOptions, Inputs
from mmctl.datasets.synthetic import DrawnSettings, MarsWriter
from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.structures import NUM_KEYPOINTS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "configs/quickstart/ctl_r18_quickstart.py"
GOAL = 0.85


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--config", default=str(ROOT / CONFIG), help="model (default: the quickstart's CTL)")
    add("--tracklets", type=int, default=40, help="tracklets (default: %(default)s)")
    add("--longest", type=int, default=200, help="frames of the longest (default: %(default)s)")
    add("--size", type=int, nargs=2, default=[128, 64], help="of the frames (default: 128 64)")
    add("--batch-size", type=int, default=8, help="clips at a time (default: %(default)s)")
    add("--num-workers", type=int, default=2, help="threads that load (default: %(default)s)")
    add("--repeats", type=int, default=5, help="measurements of each (default: %(default)s)")
    text = "of the two tracklets whose peaks of memory are compared (default: 250 5000)"
    add("--peak-frames", type=int, nargs=2, default=[250, 5000], metavar="FRAMES", help=text)
    add("--skip-start", action="store_true", help="do not measure the first result")
    text = "stream a drawn video of so many minutes and print the peak of memory, nothing else"
    add("--minutes", type=float, metavar="MINUTES", help=text)
    return parser.parse_args()


def draw_frames(folder: Path, size: tuple[int, int]) -> list[str]:
    """Draw persons and return the paths of their frames."""
    settings = DrawnSettings(
        num_train_pids=8, num_test_pids=1, frames=(4, 8), size=size, num_junk=0, num_distractors=0
    )
    MarsWriter(folder, settings).write()
    return sorted(map(str, (folder / "bbox_train").rglob("*.jpg")))


def make_tracklets(frames: list[str], number: int, longest: int) -> list[list[str]]:
    """Return tracklets of 1 to ``longest`` frames, many short ones and few long ones."""
    lengths = np.geomspace(1, longest, number).round().astype(int)
    order = np.random.default_rng(0).permutation(number)
    return [(frames * (length // len(frames) + 1))[:length] for length in lengths[order].tolist()]


def make_keypoints(lengths: list[int], size: tuple[int, int]) -> list[np.ndarray]:
    """Return keypoints at random places of each tracklet's frames."""
    scale = np.array([size[1], size[0], 1])
    generator = np.random.default_rng(0)
    return [(generator.random((n, NUM_KEYPOINTS, 3)) * scale).astype("f4") for n in lengths]


class Comparison:
    """The three ways to the features of some tracklets.

    Args:
        inferencer: The model.
        tracklets: Frames of each tracklet.
        keypoints: Their keypoints.
        batch_size: Clips at a time.
    """

    def __init__(
        self,
        inferencer: TrackletInferencer,
        tracklets: list[list[str]],
        keypoints: list[np.ndarray],
        batch_size: int,
    ) -> None:
        self.inferencer, self.batch_size = inferencer, batch_size
        self.tracklets = tracklets
        self.keypoints = keypoints if inferencer.reads == "keypoints" else None
        options = InputOptions(inferencer.reads, keypoints=self.keypoints)
        self.items = list(Inputs(tracklets, options).items())
        self.batches = self._load_batches()

    def _load_batches(self) -> list[dict[str, Any]]:
        """Load all clips as full batches, each clip with a sample of its own."""
        pipeline, clips = self.inferencer.pipeline, []
        for item in self.items:
            loaded = pipeline.load(item, 0, 1)
            for index, clip in enumerate(loaded.inputs):
                sample = loaded.sample.new()
                for key, value in loaded.sample.items():
                    if isinstance(value, torch.Tensor):
                        setattr(sample, key, value[index : index + 1])
                clips.append((clip[None], sample))
        starts = range(0, len(clips), self.batch_size)
        groups = [clips[start : start + self.batch_size] for start in starts]
        return [
            {"inputs": [clip for clip, _ in group], "data_samples": [s for _, s in group]}
            for group in groups
        ]

    @property
    def num_frames(self) -> int:
        """Frames of all tracklets."""
        return sum(map(len, self.tracklets))

    def run_inferencer(self) -> None:
        """Stream all tracklets."""
        arguments = {} if self.keypoints is None else {"keypoints": self.keypoints}
        for _ in self.inferencer.stream(self.tracklets, self.batch_size, **arguments):
            pass

    def run_plain_loop(self) -> None:
        """Load and run one tracklet at a time."""
        for item in self.items:
            loaded = self.inferencer.pipeline.load(item, 0, 1)
            batch = {"inputs": [loaded.inputs], "data_samples": [loaded.sample]}
            self.inferencer.forward(batch)

    def run_bare_forward(self) -> None:
        """Run the loaded clips alone."""
        for batch in self.batches:
            samples = [sample.clone() for sample in batch["data_samples"]]
            self.inferencer.forward({"inputs": batch["inputs"], "data_samples": samples})


def measure_all(runs: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, np.ndarray]:
    """Measure every run in turn, in alternating order after a warm-up.

    Returns:
        Seconds by the clock and of processor time, (repeats, 2), of each run.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name in list(runs)[:: 1 if turn % 2 else -1]:
            start, processor = time.perf_counter(), time.process_time()
            runs[name]()
            spent = time.perf_counter() - start, time.process_time() - processor
            if turn:
                seconds[name].append(spent)
    return {name: np.array(values) for name, values in seconds.items()}


def print_rates(seconds: dict[str, np.ndarray], comparison: Comparison) -> None:
    """Print rates and the ratios to the other two, turn by turn."""
    names, kinds = list(seconds), ("by the clock", "of processor time")
    columns = [f"times {name}, {kind}" for name in names[1:] for kind in kinds]
    table = Table("", "tracklets/s", "frames/s", *columns)
    for name in names:
        median = statistics.median(seconds[name][:, 0].tolist())
        # Runs of one turn met the same load.
        ratios = [
            ratio
            for other in names[1:]
            for ratio in np.median(seconds[other] / seconds[name], axis=0).tolist()
        ]
        table.add_row(
            name,
            f"{len(comparison.tracklets) / median:.1f}",
            f"{comparison.num_frames / median:.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
        )
    print_table(table)
    print(f"goal: the inferencer at {GOAL} times the bare forward")


def measure_peak(inferencer: TrackletInferencer, frames: list[str], length: int) -> int:
    """Return the most bytes resident while a tracklet of some length is streamed."""
    tracklet = (frames * (length // len(frames) + 1))[:length]
    keypoints = [np.ones((length, NUM_KEYPOINTS, 3), np.float32)]
    start_peak()
    for _ in inferencer.stream([tracklet], keypoints=keypoints):
        pass
    return read_bytes("VmHWM")


def main() -> None:
    args = parse_args()
    size = (args.size[0], args.size[1])
    if args.minutes is not None:
        model = get_model(args.config, device="cpu")
        inferencer = TrackletInferencer(model, device="cpu", num_workers=args.num_workers)
        stream_video(inferencer, args.minutes)
        return
    with tempfile.TemporaryDirectory() as folder:
        frames = draw_frames(Path(folder) / "mars", size)
        model = get_model(args.config, device="cpu")
        inferencer = TrackletInferencer(
            model, device="cpu", num_workers=args.num_workers, show_progress=False
        )
        tracklets = make_tracklets(frames, args.tracklets, args.longest)
        keypoints = make_keypoints([len(tracklet) for tracklet in tracklets], size)
        comparison = Comparison(inferencer, tracklets, keypoints, args.batch_size)
        print(
            f"{Path(args.config).stem}: {len(tracklets)} tracklets of 1 to {args.longest} frames, "
            f"{comparison.num_frames:,} frames of {size[0]}x{size[1]}, {len(comparison.batches)} "
            f"batches of {args.batch_size} clips, {torch.get_num_threads()} threads of torch on "
            f"{os.cpu_count()} cores"
        )
        runs = {
            "inferencer": comparison.run_inferencer,
            "plain loop": comparison.run_plain_loop,
            "bare forward": comparison.run_bare_forward,
        }
        print_rates(measure_all(runs, args.repeats), comparison)
        if is_available():
            peak = partial(measure_peak, inferencer, frames)
            peaks = {length: peak(length) / 2**20 for length in args.peak_frames}
            said = ", ".join(f"{mib:.0f} MiB at {length:,} frames" for length, mib in peaks.items())
            print(f"peak of resident memory, one tracklet: {said}")
        if not args.skip_start:
            steps = measure_start(write_config(args.config, Path(folder)), frames[:4])
            said = ", ".join(f"{name} {seconds:.2f}" for name, seconds in steps.items())
            print(f"seconds from a command's start to its first result: {sum(steps.values()):.2f}")
            print(f"  {said}")
            imports = measure_imports(args.config)
            said = ", ".join(f"{name} {imports[name]:.2f}" for name in list(imports)[:8])
            print(f"  of the imports, by package: {said}, mmctl {imports.get('mmctl', 0):.2f}")


if __name__ == "__main__":
    run_command(main)
