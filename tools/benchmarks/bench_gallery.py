"""Measure how long a gallery's search takes, beside the bare product, and its memory.

``python tools/benchmarks/bench_gallery.py`` fills a gallery with 20,000 drawn features of 2,048
numbers and compares ``Gallery.search``, from call to hits, with NumPy's product of the same arrays
in memory. ``--rows 1000000 --width 512 --no-product`` looks at memory: the peak counts every page
of the mapped index. Each part has a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import measured_gallery
from measured_gallery import Sizes, in_own_process

from mmctl.gallery import DTYPES, ENGINES

GOAL = 1.3
"""Most times the bare product that a search may take."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--rows", type=int, default=20_000, help="tracklets (default: %(default)s)")
    add("--width", type=int, default=2048, help="numbers of a feature (default: %(default)s)")
    add("--dtype", choices=DTYPES, default=DTYPES[0])
    add("--engine", choices=ENGINES, default=ENGINES[0])
    add("--queries", type=int, nargs="+", default=[1, 64], help="at a time (default: 1 64)")
    add("--repeats", type=int, default=15, help="of each search (default: %(default)s)")
    threads = os.cpu_count() or 1
    add("--threads", type=int, default=threads, help=f"default: {threads}")
    add("--no-product", action="store_true", help="leave the comparison out: memory alone")
    args = parser.parse_args()
    if min(args.rows, args.width, args.repeats, args.threads, *args.queries) < 1:
        raise ValueError("rows, width, queries, repeats and threads must be positive")
    return args


def milliseconds(values: list[float]) -> str:
    """Format repeated measurements."""
    low, middle, high = (1000 * value for value in (min(values), median(values), max(values)))
    return f"{middle:.1f} ({low:.1f}-{high:.1f})"


def median(values: list[float]) -> float:
    return statistics.median(values)


def main() -> None:
    # Not above: the processes that are measured read this file, and need none of it.
    from rich.table import Table

    from mmctl.engine.commands.whole_tables import print_table

    args = parse_args()
    sizes = Sizes(args.rows, args.width, args.dtype, args.engine)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "gallery"
        filled = in_own_process(measured_gallery.fill, folder, sizes, threads=args.threads)
        files = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(
            f"{args.rows:,} x {args.width} {args.dtype}, {args.engine}: filled in "
            f"{filled.seconds:.0f} s (peak {filled.peak / 2**20:,.0f} MiB), files "
            f"{files / 2**20:,.0f} MiB"
        )
        table = Table("queries", "filter", "search, ms", "bare product, ms", "ratio", "peak, MiB")
        for queries in args.queries:
            for name, filters in (("none", {}), ("2 of 8 cameras", {"cameras": [0, 3]})):
                seconds, peak = in_own_process(
                    *(measured_gallery.search, folder, queries, args.repeats, filters),
                    threads=args.threads,
                )
                product, ratio = "", ""
                if not args.no_product and not filters:
                    products, seconds = in_own_process(
                        *(measured_gallery.compare, folder, sizes, queries, args.repeats),
                        threads=args.threads,
                    )
                    ratio = f"{median(seconds) / median(products):.2f}"
                    product = milliseconds(products)
                cells = (milliseconds(seconds), product, ratio, f"{peak / 2**20:,.0f}")
                table.add_row(str(queries), name, *cells)
        print_table(table, f"goal: at most {GOAL} times the bare product")


if __name__ == "__main__":
    from mmctl.engine import run_command

    run_command(main)
