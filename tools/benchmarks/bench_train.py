"""Measure what each knob of ``docs/en/long_runs.md`` does to a training step.

``OMP_NUM_THREADS=1 python tools/benchmarks/bench_train.py --config CONFIG`` trains the model of a
config with random weights on random frames of its size: preprocessing, forward, backward and
optimizer step. Every knob and the plain setting run in turn, and for each the command prints frames
per second, the peak of memory, and both against the plain setting.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import resident_memory
import torch
from bench_head import Samples, measure, median_and_range
from mmengine.config import Config
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table

from mmctl.engine import CpuAmpOptimWrapper, read_config, run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.models import VideoReID
from mmctl.registry import MODELS, type_name
from mmctl.structures import NUM_KEYPOINTS, TrackletSample

DEFAULT_CONFIG = "configs/ctl/ctl_r50_1xb32-240e_mars-256x128.py"


@dataclass(frozen=True)
class Knob:
    """One way to run a training step.

    Attributes:
        precision: ``'float32'``, ``'bfloat16'`` or ``'float16'``.
        channels_last: Whether the frames have their channels innermost; for backbones of 8 channels
            or more (see ``ClipDataPreprocessor``).
        micro_batches: Pieces that the network sees one by one, with the losses of the whole batch.
        accumulated: Pieces whose losses are computed one by one, each among its own clips.
        compiled: Whether ``torch.compile`` has the step, as MMEngine's ``compile=True`` does.
    """

    precision: str = "float32"
    channels_last: bool = False
    micro_batches: int = 1
    accumulated: int = 1
    compiled: bool = False


PLAIN = "plain"
KNOBS = {
    PLAIN: Knob(),
    "bfloat16": Knob("bfloat16"),
    "float16": Knob("float16"),
    "channels_last": Knob(channels_last=True),
    "bfloat16+channels_last": Knob("bfloat16", channels_last=True),
    "micro_batch": Knob(micro_batches=2),
    "accumulation": Knob(accumulated=2),
    "compile": Knob(compiled=True),
}


def build(cfg: Config, device: str) -> VideoReID:
    """Return the model of a config with random weights."""
    init_default_scope("mmctl")
    model_cfg = copy.deepcopy(cfg.model)
    model_cfg.backbone.init_cfg = None
    return MODELS.build(model_cfg).to(device).train()


def draw_batch(cfg: Config, num_clips: int) -> dict[str, Any]:
    """Return a collated batch of pairs of random tracklets, of the config's clips and frames."""
    steps = {type_name(step["type"]): step for step in cfg.train_pipeline}
    num_frames, (height, width) = steps["SampleClip"]["clip_len"], steps["ResizeClip"]["size"]
    shape = (1, num_frames, 3, height, width)
    scale = torch.tensor([width, height, 1.0])
    return {
        "inputs": [torch.randint(0, 256, shape, dtype=torch.uint8) for _ in range(num_clips)],
        "data_samples": [
            TrackletSample(
                gt_label=index // 2, keypoints=torch.rand(1, num_frames, NUM_KEYPOINTS, 3) * scale
            )
            for index in range(num_clips)
        ],
    }


def make_wrapper(knob: Knob, optimizer: torch.optim.Optimizer, device: str) -> OptimWrapper:
    """Return MMEngine's wrapper of a knob's precision and accumulation."""
    options = {"optimizer": optimizer, "accumulative_counts": knob.accumulated}
    if knob.precision == "float32":
        return OptimWrapper(**options)
    if torch.device(device).type == "cpu":
        return CpuAmpOptimWrapper(**options)
    scale = "dynamic" if knob.precision == "float16" else 1.0
    return AmpOptimWrapper(loss_scale=scale, dtype=knob.precision, **options)


def make_step(
    knob: Knob, model: VideoReID, optimizer: torch.optim.Optimizer, batch: dict, device: str
) -> Callable[[], None]:
    """Return a function that trains on the batch once, the way of a knob."""
    wrapper = make_wrapper(knob, optimizer, device)
    num_clips = len(batch["inputs"])
    size = -(-num_clips // knob.accumulated)
    pieces = [
        {name: values[start : start + size] for name, values in batch.items()}
        for start in range(0, num_clips, size)
    ]
    train_step = torch.compile(model.train_step) if knob.compiled else model.train_step

    def run() -> None:
        model.data_preprocessor.channels_last = knob.channels_last
        model.micro_batch = -(-num_clips // knob.micro_batches) if knob.micro_batches > 1 else None
        for piece in pieces:
            train_step(piece, wrapper)

    return run


def measure_steps(
    steps: dict[str, Callable[[], None]], args: argparse.Namespace
) -> dict[str, Samples]:
    """Measure peaks in a pass after a warm-up, then times, ``--repeats`` turns there and back."""
    samples = {name: Samples() for name in steps}
    precision = argparse.Namespace(device=args.device, amp=False)  # the steps choose their own
    on_cpu = torch.device(args.device).type == "cpu" and resident_memory.is_available()
    # Before the timing: blocks that the C library has once kept are used again, gaps and all.
    with resident_memory.large_blocks_returned() if on_cpu else nullcontext():
        for step in steps.values():
            step()
        for name, step in steps.items():
            measure(step, precision, untimed := Samples())
            samples[name].peaks = untimed.peaks
    for turn in range(args.repeats):
        for name in list(steps)[:: 1 if turn % 2 else -1]:
            measure(steps[name], precision, timed := Samples())
            samples[name].seconds += timed.seconds
            samples[name].processor_seconds += timed.processor_seconds
    return samples


def make_table(samples: dict[str, Samples], num_frames: int) -> Table:
    """Tabulate medians, and each against the plain setting."""
    rows = ("frames/s", "ratio", "processor seconds", "ratio", "peak MB", "ratio")
    table = Table("training step", *rows)
    plain = samples[PLAIN]
    for name, each in samples.items():
        seconds, wanted = statistics.median(each.seconds), statistics.median(plain.seconds)
        cells = [f"{num_frames / seconds:.2f}", f"{wanted / seconds:.2f}"]
        if each.processor_seconds:
            used = [statistics.median(one.processor_seconds) for one in (each, plain)]
            cells += [median_and_range(each.processor_seconds), f"{used[0] / used[1]:.2f}"]
        else:
            cells += ["-", "-"]
        if each.peaks:
            peaks = max(each.peaks), max(plain.peaks)
            cells += [f"{peaks[0] / 1e6:.0f}", f"{peaks[0] / peaks[1]:.2f}"]
        table.add_row(name, *cells)
    return table


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--config", default=DEFAULT_CONFIG, help=f"default: {DEFAULT_CONFIG}")
    parser.add_argument("--clips", type=int, default=4, help="clips of a batch, even (default: 4)")
    parser.add_argument(
        "--knobs", nargs="+", choices=list(KNOBS), help="default: all that the device can run"
    )
    parser.add_argument("--repeats", type=int, default=3, help="after a warm-up (default: 3)")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    args = parser.parse_args()
    if args.clips < 4 or args.clips % 2 or args.repeats < 1:
        raise ValueError(
            "clips must be even and at least 4, for two clips each of two identities, and repeats "
            f"positive, got {args.clips} and {args.repeats}"
        )
    possible = [name for name in KNOBS if args.device != "cpu" or name != "float16"]
    args.knobs = [PLAIN, *(name for name in args.knobs or possible if name != PLAIN)]
    if not set(args.knobs) <= set(possible):
        raise ValueError("float16 needs --device cuda: on CPUs mixed precision is bfloat16")
    return args


def main() -> None:
    args = parse_args()
    console = Console()
    cfg = read_config(args.config)
    torch.manual_seed(0)
    model = build(cfg, args.device)
    batch = draw_batch(cfg, args.clips)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    num_frames, _, height, width = batch["inputs"][0].shape[1:]
    console.print(
        f"{args.config}: {args.clips} clips of {num_frames} frames of {height}x{width}; "
        f"{args.device}, {torch.get_num_threads()} thread(s), torch {torch.__version__}"
    )
    steps = {
        name: make_step(KNOBS[name], model, optimizer, batch, args.device) for name in args.knobs
    }
    print_table(make_table(measure_steps(steps, args), args.clips * num_frames), console=console)


if __name__ == "__main__":
    run_command(main)
