"""Measure what the heads of CTL cost against the same heads in the paper's order of computation.

``OMP_NUM_THREADS=1 python tools/benchmarks/bench_head.py`` prints, for the model of
``configs/_base_/models/ctl_r50.py`` with random weights: multiply-accumulates, time and memory of
both, the heads' share of a training step, and the activations that eq. 5 keeps for the backward.
Both must give the same features and gradients before anything is timed.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import resident_memory
import torch
from compared_heads import (
    Batch,
    Head,
    OurHead,
    build_model,
    clear_gradients,
    largest_differences,
    predict,
    training_loss,
    training_pass,
)
from counted_costs import Sizes, count_macs, macs_per_frame, saved_bytes
from paper_order_head import PaperOrderHead, cross_adjacency
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.models import CrossScaleConv, FusionHead, PartGraphHead, VideoReID
from mmctl.structures import TrackletSample

FRAME_SIZE = (256, 128)
EQ5_CLIPS = 32
"""Clips for which the memory of eq. 5 is counted: the paper's batch."""


@dataclass
class Samples:
    """Repeated measurements of one run.

    Attributes:
        seconds: By the clock.
        processor_seconds: Of this process alone, of all threads together; CPU only.
        peaks: Most bytes above what was there before, on the GPU or resident (Linux).
    """

    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)


def median_and_range(values: list[float]) -> str:
    """Format repeated measurements."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def owned(module: nn.Module) -> list[Tensor]:
    """Return the parameters and buffers of a module."""
    return [*module.parameters(), *module.buffers()]


def eq5_bytes(head: Head, args: argparse.Namespace) -> int:
    """Return the bytes that eq. 5 keeps at the paper's batch, from s1 and s2 to s3 together."""
    batch = Batch.draw(EQ5_CLIPS, args.frames, args.channels, args.device)
    convs = cast(nn.ModuleDict, list(head.graph_head.transfers.values())[-1])
    predicts = CrossScaleConv.adjacency if isinstance(head, OurHead) else cross_adjacency

    def run() -> list[Tensor]:
        target = batch.nodes["s3"]
        return [
            predicts(cast(CrossScaleConv, conv), batch.nodes[source], target)
            for source, conv in convs.items()
        ]

    return saved_bytes(run, [*owned(convs), *batch.tensors().values()])


def training_step(model: VideoReID, args: argparse.Namespace) -> Callable[[], None]:
    """Return a function that runs the whole model forward and backward on random frames."""
    shape, scale = (args.clips, args.frames), torch.tensor([FRAME_SIZE[1], FRAME_SIZE[0], 1.0])
    frames = torch.rand(*shape, 3, *FRAME_SIZE, device=args.device)
    keypoints = (torch.rand(*shape, 17, 3) * scale).to(args.device)
    samples = [
        TrackletSample(gt_label=index // 2, keypoints=keypoints[index : index + 1])
        for index in range(args.clips)
    ]

    def run() -> None:
        terms = model.train().loss(frames, samples)
        torch.stack([term for name, term in terms.items() if "loss" in name]).sum().backward()

    return run


def autocast(args: argparse.Namespace) -> torch.autocast:
    """Return the context of a pass: mixed precision if asked for."""
    kind = torch.device(args.device).type
    dtype = torch.bfloat16 if kind == "cpu" else torch.float16
    return torch.autocast(kind, dtype=dtype, enabled=args.amp)


def measure(run: Callable[[], object], args: argparse.Namespace, samples: Samples) -> None:
    """Time one call and take its peak memory."""
    on_gpu = torch.device(args.device).type == "cuda"
    before = 0
    if on_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    elif resident_memory.is_available():
        before = resident_memory.start_peak()
    start, processor_start = time.perf_counter(), time.process_time()
    with autocast(args):
        run()
    if on_gpu:
        torch.cuda.synchronize()
        samples.peaks.append(torch.cuda.max_memory_allocated() - before)
    else:
        samples.processor_seconds.append(time.process_time() - processor_start)
        if resident_memory.is_available():
            samples.peaks.append(resident_memory.read_bytes("VmHWM") - before)
    samples.seconds.append(time.perf_counter() - start)


def time_all(
    heads: dict[str, Head], batch: Batch, model: VideoReID, args: argparse.Namespace
) -> dict[str, Samples]:
    """Measure every run in turn, ``--repeats`` times in alternating order after a warm-up."""
    runs: dict[str, Callable[[], object]] = {"step": training_step(model, args)}
    for name, head in heads.items():
        runs[f"test {name}"] = partial(predict, head, batch)
        runs[f"training {name}"] = partial(training_pass, head, batch)
    samples = {name: Samples() for name in runs}
    for turn in range(args.repeats + 1):
        for name in list(runs)[:: 1 if turn % 2 else -1]:
            measure(runs[name], args, samples[name] if turn else Samples())
            model.zero_grad()
            for head in heads.values():
                clear_gradients(head, batch)
    return samples


def mac_table(heads: dict[str, Head], batch: Batch, args: argparse.Namespace) -> Table:
    """Count multiply-accumulates by running the heads and check them against the formula."""
    sizes = Sizes(args.channels, args.frames)
    table = Table("GMAC per frame", *heads, "ratio")
    rows: dict[str, list[float]] = {}
    for name, head in heads.items():
        for mode, run in (("test", predict), ("training", training_loss)):
            formula = macs_per_frame(
                sizes, paper_order=isinstance(head, PaperOrderHead), training=mode == "training"
            )
            counted = count_macs(partial(run, head, batch)) / (args.clips * args.frames)
            if abs(counted - sum(formula.values())) > 1e-6 * counted:
                raise ValueError(
                    f"the {mode} pass of {name} must count what its shapes say, "
                    f"{sum(formula.values()):.0f} MAC per frame, got {counted:.0f}"
                )
            if mode == "training":
                for component, macs in formula.items():
                    rows.setdefault(component, []).append(macs)
            rows.setdefault(f"all, {mode}", []).append(counted)
    for row in sorted(rows, key=lambda row: row.startswith("all")):
        ours, paper = rows[row]
        table.add_row(row, f"{ours / 1e9:.4f}", f"{paper / 1e9:.4f}", f"{ours / paper:.3f}")
    return table


def memory_table(heads: dict[str, Head], batch: Batch, args: argparse.Namespace) -> Table:
    """Count the activations that are kept for the backward."""
    table = Table("saved activations, MB", *heads, "ratio")
    rows: dict[str, list[int]] = {"heads and losses": [], f"eq. 5, {EQ5_CLIPS} clips": []}
    heads_row, eq5_row = rows.values()
    for head in heads.values():
        given = [*owned(head), *batch.tensors().values()]
        with autocast(args):
            heads_row.append(saved_bytes(partial(training_loss, head, batch), given))
            eq5_row.append(eq5_bytes(head, args))
    for row, (ours, paper) in rows.items():
        table.add_row(row, f"{ours / 1e6:.0f}", f"{paper / 1e6:.0f}", f"{ours / paper:.3f}")
    return table


def time_table(samples: dict[str, Samples], names: list[str]) -> Table:
    """Tabulate medians and peak memory."""
    table = Table("seconds: median (range)", *names, "ratio")

    def add(row: str, ours: list[float], paper: list[float]) -> None:
        ratio = statistics.median(ours) / statistics.median(paper)
        table.add_row(row, median_and_range(ours), median_and_range(paper), f"{ratio:.3f}")

    for row, mode in (("test", "test"), ("forward + backward", "training")):
        ours, paper = (samples[f"{mode} {name}"] for name in names)
        add(row, ours.seconds, paper.seconds)
        if ours.processor_seconds:
            add("  processor time", ours.processor_seconds, paper.processor_seconds)
        if ours.peaks:
            peaks = [max(ours.peaks), max(paper.peaks)]
            cells = [f"{peak / 1e6:.0f} MB" for peak in peaks]
            table.add_row("  peak memory", *cells, f"{peaks[0] / peaks[1]:.3f}")
    return table


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clips", type=int, default=8, help="clips of a batch, even (default: 8)")
    parser.add_argument("--frames", type=int, default=6, help="frames per clip (default: 6)")
    parser.add_argument("--channels", type=int, default=2048, help="default: 2048")
    parser.add_argument("--repeats", type=int, default=5, help="after a warm-up (default: 5)")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    args = parser.parse_args()
    if args.clips < 4 or args.clips % 2 or min(args.frames, args.repeats) < 1:
        raise ValueError(
            "clips must be even and at least 4, for two clips each of two identities, frames and "
            f"repeats positive, got {args.clips}, {args.frames} and {args.repeats}"
        )
    return args


def main() -> None:
    args = parse_args()
    console = Console()
    torch.manual_seed(0)
    model = build_model(args.channels).to(args.device)
    ours = OurHead(cast(PartGraphHead, model.graph_head), cast(FusionHead, model.head))
    paper = PaperOrderHead(ours.graph_head, ours.fusion_head)
    heads: dict[str, Head] = {"ours": ours, "paper's order": paper}
    batch = Batch.draw(args.clips, args.frames, args.channels, args.device)
    console.print(
        f"{args.clips} clips of {args.frames} frames, C={args.channels}; {args.device}, "
        f"{torch.get_num_threads()} thread(s), torch {torch.__version__}, amp={args.amp}"
    )
    feature, gradient = largest_differences(ours, paper, batch)
    console.print(f"equal: features to {feature:.1e}, gradients to {gradient:.1e} of their norms")
    print_table(mac_table(heads, batch, args), console=console)
    print_table(memory_table(heads, batch, args), console=console)
    samples = time_all(heads, batch, model, args)
    print_table(time_table(samples, list(heads)), console=console)
    step, ours_alone = samples["step"], samples["training ours"]
    # Where other processes share the processor, its own time is the steadier one.
    share = statistics.median(ours_alone.processor_seconds or ours_alone.seconds)
    share /= statistics.median(step.processor_seconds or step.seconds)
    console.print(
        f"training step of the whole model at {FRAME_SIZE[0]}x{FRAME_SIZE[1]}: "
        f"{median_and_range(step.seconds)} s, of which our heads {100 * share:.0f} %"
    )


if __name__ == "__main__":
    run_command(main)
