"""Measure what keypoints cost in training: HRNet-W32 on the frames against stored keypoints.

``OMP_NUM_THREADS=1 python tools/benchmarks/bench_pose.py`` runs the model of
``configs/_base_/models/ctl_r50.py`` with random weights: forward, backward and optimizer step on
random frames, with both sources of heatmaps in turn. It prints frames per second, their ratio and
the ratio that the counted multiply-accumulates allow, and the bytes that a stored frame takes.
Neither weights nor mmpose are needed: the network is the same without them.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping
from functools import partial

import torch
from bench_head import Samples, measure, median_and_range
from compared_heads import build_model
from counted_costs import count_macs
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.models import FrozenPoseEstimator, VideoReID
from mmctl.structures import NUM_KEYPOINTS, TrackletSample

FEATURE_STRIDE = 16
"""Frame pixels per cell of the backbone's last map, at which heatmaps are stored."""
BACKWARD = 2
"""Multiply-accumulates of a backward pass in forward passes: gradients of weights and of inputs."""


def make_batch(args: argparse.Namespace) -> tuple[Tensor, list[TrackletSample]]:
    """Return random clips of pairs of tracklets with keypoints inside the frames."""
    height, width = args.size
    clips = torch.rand(args.clips, args.frames, 3, height, width, device=args.device)
    scale = torch.tensor([width, height, 1.0])
    keypoints = torch.rand(args.clips, args.frames, NUM_KEYPOINTS, 3) * scale
    samples = [
        TrackletSample(gt_label=index // 2, keypoints=keypoints[index : index + 1].to(args.device))
        for index in range(args.clips)
    ]
    return clips, samples


def compute_loss(
    model: VideoReID, pose: nn.Module, clips: Tensor, samples: list[TrackletSample]
) -> Tensor:
    """Return the loss of a batch whose heatmaps come from ``pose``."""
    model.pose = pose
    terms = model.train().loss(clips, samples)
    return torch.stack([term for name, term in terms.items() if "loss" in name]).sum()


def training_step(loss: Callable[[], Tensor], optimizer: torch.optim.Optimizer) -> None:
    """Run forward, backward and optimizer step."""
    optimizer.zero_grad()
    loss().backward()
    optimizer.step()


def time_steps(
    losses: Mapping[str, Callable[[], Tensor]],
    optimizer: torch.optim.Optimizer,
    args: argparse.Namespace,
) -> dict[str, Samples]:
    """Measure the steps in turn, ``--repeats`` times in alternating order after a warm-up."""
    samples = {name: Samples() for name in losses}
    for turn in range(args.repeats + 1):
        for name in list(losses)[:: 1 if turn % 2 else -1]:
            step = partial(training_step, losses[name], optimizer)
            measure(step, args, samples[name] if turn else Samples())
    return samples


def allowed_ratio(losses: Mapping[str, Callable[[], Tensor]], num_frames: int) -> tuple[float, ...]:
    """Return GMAC per frame of the estimator and of a training step without it, and the ratio."""
    online, stored = (count_macs(loss) / num_frames / 1e9 for loss in losses.values())
    trained = (1 + BACKWARD) * stored
    return online - stored, trained, (trained + online - stored) / trained


def time_table(samples: dict[str, Samples], num_frames: int) -> Table:
    """Tabulate medians and ranges, and how many times faster the second source is."""
    table = Table("training step", *samples, "ratio")
    speeds = [[num_frames / value for value in each.seconds] for each in samples.values()]
    rows = {"frames/s": speeds, "seconds": [each.seconds for each in samples.values()]}
    if all(each.processor_seconds for each in samples.values()):
        rows["processor seconds"] = [each.processor_seconds for each in samples.values()]
    for name, values in rows.items():
        first, second = (statistics.median(each) for each in values)
        ratio = second / first if name == "frames/s" else first / second
        table.add_row(name, *(median_and_range(each) for each in values), f"{ratio:.2f}")
    return table


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clips", type=int, default=4, help="clips of a batch, even (default: 4)")
    parser.add_argument("--frames", type=int, default=6, help="frames per clip (default: 6)")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(256, 128), metavar=("H", "W"), help="default: 256 128"
    )
    parser.add_argument("--channels", type=int, default=2048, help="of the model (default: 2048)")
    parser.add_argument("--arch", default="w32", help="of the HRNet (default: w32)")
    parser.add_argument("--repeats", type=int, default=3, help="after a warm-up (default: 3)")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--amp", action="store_true", help="mixed precision")
    args = parser.parse_args()
    if args.clips < 4 or args.clips % 2 or min(args.frames, args.repeats) < 1:
        raise ValueError(
            "clips must be even and at least 4, for two clips each of two identities, frames and "
            f"repeats positive, got {args.clips}, {args.frames} and {args.repeats}"
        )
    if min(args.size) < 32 or any(side % 32 for side in args.size):
        raise ValueError(f"size must be multiples of 32, which HRNet needs, got {args.size}")
    return args


def main() -> None:
    args = parse_args()
    console = Console()
    torch.manual_seed(0)
    model = build_model(args.channels).to(args.device)
    estimator = FrozenPoseEstimator({"type": "HRNetHeatmaps", "arch": args.arch}).to(args.device)
    clips, samples = make_batch(args)
    sources = {"online": estimator, "stored keypoints": model.pose}
    losses = {
        name: partial(compute_loss, model, source, clips, samples)
        for name, source in sources.items()
    }
    num_frames = args.clips * args.frames
    height, width = args.size
    console.print(
        f"{args.clips} clips of {args.frames} frames of {height}x{width}, HRNet {args.arch}, "
        f"C={args.channels}; {args.device}, {torch.get_num_threads()} thread(s), "
        f"torch {torch.__version__}, amp={args.amp}"
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4)
    print_table(time_table(time_steps(losses, optimizer, args), num_frames), console=console)
    pose, trained, ratio = allowed_ratio(losses, num_frames)
    console.print(
        f"counted: {pose:.2f} GMAC per frame for the estimator, {trained:.2f} for the rest of a "
        f"step (forward, and a backward of {BACKWARD} forwards): they allow {ratio:.2f}"
    )
    cells = (height // FEATURE_STRIDE) * (width // FEATURE_STRIDE)
    console.print(
        f"bytes per stored frame: keypoints {NUM_KEYPOINTS * 3 * 4}, "
        f"heatmaps {NUM_KEYPOINTS * cells * 2}"
    )


if __name__ == "__main__":
    run_command(main)
