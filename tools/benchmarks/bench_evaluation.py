"""Measure what ranking and re-ranking cost at the size of MARS.

``python tools/benchmarks/bench_evaluation.py`` compares distances with ranking against the bare
matrix product of the same features, and k-reciprocal re-ranking against ``dense_reranking.py``, the
published algorithm in plain NumPy. Everything uses the same number of threads; each side has a
process of its own, so that peak memory (Linux) is its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
from measured_evaluation import Cost, Sizes, in_own_process, measure_ranking, measure_reranking
from rich.console import Console
from rich.table import Table

from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table

TOLERANCE = 1e-4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=1980, help="default: 1980")
    parser.add_argument("--gallery", type=int, default=11310, help="default: 11310")
    parser.add_argument("--channels", type=int, default=2048, help="default: 2048")
    parser.add_argument("--repeats", type=int, default=5, help="of the ranking (default: 5)")
    threads = os.cpu_count() or 1
    parser.add_argument("--threads", type=int, default=threads, help=f"default: {threads}")
    parser.add_argument("--no-rerank", action="store_true", help="leave the minutes' part out")
    args = parser.parse_args()
    if min(args.queries, args.gallery, args.channels, args.repeats, args.threads) < 1:
        raise ValueError("queries, gallery, channels, repeats and threads must be positive")
    return args


def spread(values: list[float]) -> str:
    """Format repeated measurements."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def ranking_table(products: list[Cost], rankings: list[Cost]) -> Table:
    """Tabulate distances with ranking beside the product."""
    table = Table("", "bare product", "distances + ranking", "ratio", "ratio of the least")
    for name in ("seconds", "processor_seconds"):
        sides = [[getattr(cost, name) for cost in costs] for costs in (products, rankings)]
        # Beside other processes the least of each is what the work itself takes.
        ratios = [pick(sides[1]) / pick(sides[0]) for pick in (statistics.median, min)]
        cells = [*map(spread, sides), *(f"{ratio:.2f}" for ratio in ratios)]
        table.add_row(name.replace("_", " "), *cells)
    peaks = [max(cost.peak for cost in costs) for costs in (products, rankings)]
    table.add_row("peak memory", *(f"{peak / 1e6:.0f} MB" for peak in peaks), "", "")
    return table


def reranking_table(ours: Cost, dense: Cost) -> Table:
    """Tabulate re-ranking beside the dense one."""
    table = Table("", "k_reciprocal", "dense NumPy", "dense / ours")
    for name in ("seconds", "processor_seconds"):
        pair = (getattr(ours, name), getattr(dense, name))
        cells = [f"{value:.1f}" for value in (*pair, pair[1] / pair[0])]
        table.add_row(name.replace("_", " "), *cells)
    peaks = (ours.peak, dense.peak)
    ratio = f"{dense.peak / ours.peak:.1f}" if ours.peak else ""
    table.add_row("peak memory", *(f"{peak / 1e6:.0f} MB" for peak in peaks), ratio)
    return table


def compare_rerankings(sizes: Sizes, console: Console) -> None:
    """Run both re-rankings, compare their results and print their costs."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.npy" for name in ("ours", "dense")]
        ours, dense = (
            in_own_process(measure_reranking, sizes, name == 1, file, threads=sizes.threads)
            for name, file in enumerate(files)
        )
        results = [np.load(file) for file in files]
    difference = float(np.abs(results[0] - results[1]).max())
    print_table(reranking_table(ours, dense), console=console)
    if not difference <= TOLERANCE:
        raise ValueError(
            f"both re-rankings must agree to {TOLERANCE} for their costs to be compared, the "
            f"largest difference is {difference:.1e}"
        )
    console.print(f"equal: distances to {difference:.1e}")


def main() -> None:
    args = parse_args()
    console = Console()
    sizes = Sizes(args.queries, args.gallery, args.channels, args.threads)
    console.print(
        f"{args.queries} queries x {args.gallery} gallery items x {args.channels}; "
        f"{args.threads} thread(s)"
    )
    products, rankings, measures = in_own_process(
        measure_ranking, sizes, args.repeats, threads=args.threads
    )
    console.print(
        f"drawn features: mAP {100 * measures['mAP']:.1f} %, R1 {100 * measures['R1']:.1f} %, "
        f"{measures['queries']} queries scored"
    )
    print_table(ranking_table(products, rankings), console=console)
    if not args.no_rerank:
        compare_rerankings(sizes, console)


if __name__ == "__main__":
    run_command(main)
