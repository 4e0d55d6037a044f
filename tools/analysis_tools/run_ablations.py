"""Run ablations over seeds and write one table: the paper's numbers, ours, their spread.

Every file of ``configs/ctl/ablations`` is a difference from the paper's config. Here each is laid
over another config (by default the quickstart's, on drawn pedestrians), trained and tested once for
each seed. Rows that come to the same config share their runs, finished runs are kept, interrupted
ones go on, so the script may be stopped and called again at any time.
"""

import argparse
import ast
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from repeated_runs import (
    ROOT,
    finished,
    name_protocols,
    spread,
    train_and_test,
    working_alone,
)
from rich.progress import Progress

from mmctl.engine import read_config, run_command

BASE_LINE = re.compile(r"^_base_ = '[^']*'$", re.MULTILINE)
PAPER = re.compile(r"Rank-1 (\d+\.\d), mAP (\d+\.\d)")


@dataclass
class Row:
    """One ablation on top of the chosen base.

    Attributes:
        path: The ablation's config file.
        title: The first sentences of its docstring.
        paper: The paper's Rank-1 and mAP, where the docstring has them.
        key: Hash of the merged config: rows with equal keys are the same experiment.
        config: The merged config's file.
    """

    path: Path
    title: str
    paper: tuple[str, str]
    key: str
    config: Path


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "ablations",
        nargs="*",
        type=Path,
        help="ablation configs; default: all of configs/ctl/ablations",
    )
    parser.add_argument(
        "--base", type=Path, default=ROOT / "configs/quickstart/ctl_r18_quickstart.py"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--work-dir", type=Path, default=Path("work_dirs/ablations"))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--out", type=Path, help="table; default: table.md in the work dir")
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], help="handed to every training and test"
    )
    parser.add_argument("--table-only", action="store_true", help="write the table of what is done")
    return parser.parse_args()


def merge(path: Path, base: Path, folder: Path) -> Row:
    """Write the ablation with its base replaced, and describe it."""
    text = path.read_text()
    if len(BASE_LINE.findall(text)) != 1:
        raise ValueError(f"{path} must have exactly one line _base_ = '...' to replace")
    folder.mkdir(parents=True, exist_ok=True)
    merged = folder / path.name
    merged.write_text(BASE_LINE.sub(f"_base_ = {str(base.resolve())!r}", text))
    key = hashlib.sha256(read_config(merged).pretty_text.encode()).hexdigest()[:12]
    docstring = ast.get_docstring(ast.parse(text)) or path.stem
    paper = PAPER.search(docstring)
    numbers = (paper[1], paper[2]) if paper else ("-", "-")
    title = docstring.splitlines()[0].split(":")[0]
    return Row(path, title, numbers, key, merged)


def run_one(row: Row, seed: int, args: argparse.Namespace) -> dict:
    """Train and test one row with one seed, unless that is done, and return its numbers."""
    options = [f"randomness.seed={seed}", *args.cfg_options]
    return train_and_test(row.config, args.work_dir / row.key / f"seed{seed}", options)


def write_table(rows: list[Row], results: dict[tuple[str, int], dict], path: Path) -> None:
    """Write the Markdown table of what is measured so far."""
    lines = [
        "| row | paper Rank-1 | paper mAP | Rank-1 | mAP | seeds | protocol |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = [numbers for (key, _), numbers in sorted(results.items()) if key == row.key]
        rank, mean_precision = ([item[name] for item in found] for name in ("R1", "mAP"))
        cells = [row.title, *row.paper, spread(rank), spread(mean_precision), str(len(found))]
        cells.append(name_protocols(found))
        lines.append("| " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n")


def run_all(args: argparse.Namespace) -> None:
    """Do the runs that are not done yet, and write the table."""
    paths = args.ablations or sorted((ROOT / "configs/ctl/ablations").glob("*.py"))
    rows = [merge(path, args.base, args.work_dir / "configs") for path in paths]
    table = args.out or args.work_dir / "table.md"
    distinct = {row.key: row for row in rows}
    todo = [(row, seed) for seed in args.seeds for row in distinct.values()]
    if args.table_only:
        todo = [
            (row, seed)
            for row, seed in todo
            if finished(args.work_dir / row.key / f"seed{seed}" / "metrics.json") is not None
        ]
    results: dict[tuple[str, int], dict] = {}
    with Progress() as progress, ThreadPoolExecutor(args.jobs) as pool:
        bar = progress.add_task(f"{len(todo)} runs", total=len(todo))
        futures = {pool.submit(run_one, row, seed, args): (row, seed) for row, seed in todo}
        for future in as_completed(futures):
            row, seed = futures[future]
            numbers = results[row.key, seed] = future.result()
            scores = f"Rank-1 {numbers['R1']:.1f}, mAP {numbers['mAP']:.1f}"
            progress.console.print(f"{row.path.stem}, seed {seed}: {scores}", soft_wrap=True)
            write_table(rows, results, table)
            progress.advance(bar)
    write_table(rows, results, table)
    print(f"{table}:\n\n{table.read_text()}")


def main() -> None:
    args = parse_args()
    args.work_dir = args.work_dir.resolve()
    with working_alone(args.work_dir, args.table_only):
        run_all(args)


if __name__ == "__main__":
    run_command(main)
