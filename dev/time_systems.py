"""How fast every system of the zoo, and CTL, trains at full size, on one thread.

``python -m dev.time_systems`` builds each full config with random weights and times training steps
of 4 clips of its length and size (forward, backward, Adam) after a warm-up. Frames per second are
those of the processor's time, which other jobs on the machine change little.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from mmengine.optim import OptimWrapper
from rich.table import Table

from dev.compare_systems import SYSTEMS
from mmctl.engine import read_config, run_command
from mmctl.engine.commands.whole_tables import print_table

ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("systems", nargs="*", default=list(SYSTEMS), help=f"some of {', '.join(SYSTEMS)}")
    add("--clips", type=int, default=4, help="of a step, two of each person (default: 4)")
    add("--steps", type=int, default=1, help="timed steps (default: 1)")
    args = parser.parse_args()
    unknown = [name for name in args.systems if name not in SYSTEMS]
    if unknown:
        parser.error(f"systems must be some of {', '.join(SYSTEMS)}, got {unknown[0]}")
    return args


def measure(name: str, args: argparse.Namespace) -> tuple[int, float]:
    """Return the frames of a step and the processor's seconds for it."""
    import bench_train  # its batch and its model, so that both say the same

    cfg = read_config(SYSTEMS[name])
    torch.manual_seed(0)
    model, batch = bench_train.build(cfg, "cpu"), bench_train.draw_batch(cfg, args.clips)
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=3e-4))
    model.train_step(batch, wrapper)
    start = time.process_time()
    for _ in range(args.steps):
        model.train_step(batch, wrapper)
    seconds = (time.process_time() - start) / args.steps
    return args.clips * batch["inputs"][0].shape[1], seconds


def main() -> None:
    args = parse_args()
    sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))
    torch.set_num_threads(1)
    table = Table("system", "frames of a step", "processor s", "frames/s")
    for name in args.systems:
        frames, seconds = measure(name, args)
        print(f"{name}: {frames / seconds:.2f} frames/s", flush=True)
        table.add_row(name, str(frames), f"{seconds:.2f}", f"{frames / seconds:.2f}")
    print_table(table, f"{args.clips} clips a step, one thread, torch {torch.__version__}")


if __name__ == "__main__":
    run_command(main)
