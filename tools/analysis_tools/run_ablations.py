"""Run ablations over seeds and write one table: the paper's numbers, ours, their differences.

Every file of ``configs/ctl/ablations`` is a difference from the paper's config. Here each is laid
over another config (by default the quickstart's, on drawn pedestrians), trained and tested once for
each seed. The base itself is the first row, and each other row is compared with it query by query:
mean and 95 % interval of the difference, by a bootstrap over persons and seeds (drawn once for both
where the rows differ in the test alone). Rows that come to the same config share their runs, and
rows that differ in the test alone share the training; ``--cfg-options`` are part of each config.
Finished runs are kept, interrupted ones go on, so the script may be stopped and called again at any
time.
"""

import argparse
import ast
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from repeated_runs import ROOT, finished, name_protocols, spread, test, train, working_alone
from rich.progress import Progress

from mmctl.engine import read_config, run_command
from mmctl.engine.config_check.config_overrides import apply_overrides, parse_option
from mmctl.evaluation import paired_difference, read_scored_queries
from mmctl.evaluation.calibration_records import Bootstrap

BASE_LINE = re.compile(r"^_base_ = '[^']*'$", re.MULTILINE)
PAPER = re.compile(r"Rank-1 (\d+\.\d)\b.*?\bmAP (\d+\.\d)", re.DOTALL)


@dataclass
class Row:
    """One row of the table: an ablation on top of the chosen base, or a config as it is.

    Attributes:
        path: The file as it was given.
        title: The first sentences of its docstring.
        paper: The paper's Rank-1 and mAP, where the docstring has them.
        key: Hash of config and overrides: rows with equal keys are the same experiment.
        training: Hash of what the config trains.
        config: The config to train.
    """

    path: Path
    title: str
    paper: tuple[str, str]
    key: str
    training: str
    config: Path

    def run(self, seed: int, args: argparse.Namespace) -> Path:
        """Return the file of the numbers with a seed, beside what was trained."""
        return args.work_dir / self.training / f"seed{seed}" / f"{self.key}.json"


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
    parser.add_argument(
        "--whole", type=Path, nargs="+", default=[], help="more rows: configs as they are"
    )
    parser.add_argument(
        "--reference", type=Path, help="config to compare the rows with; default: the base"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--work-dir", type=Path, default=Path("work_dirs/ablations"))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--out", type=Path, help="table; default: table.md in the work dir")
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], help="overrides of every training and test"
    )
    parser.add_argument("--table-only", action="store_true", help="write the table of what is done")
    return parser.parse_args()


def merge(path: Path, base: Path, folder: Path) -> Path:
    """Write the ablation with its base replaced, and return the file."""
    text = path.read_text()
    if len(BASE_LINE.findall(text)) != 1:
        raise ValueError(f"{path} must have exactly one line _base_ = '...' to replace")
    merged = BASE_LINE.sub(f"_base_ = {str(base.resolve())!r}", text)
    folder.mkdir(parents=True, exist_ok=True)
    # Files of one name come from several folders.
    config = folder / f"{path.stem}_{hash_of(merged)}.py"
    config.write_text(merged)
    return config


def describe(path: Path, config: Path, options: list[str]) -> Row:
    """Return the row of a config with overrides, which the docstring of a file names."""
    cfg = read_config(config)
    apply_overrides(cfg, dict(parse_option(item) for item in options))
    key = hash_of(cfg.pretty_text)
    for name in [name for name in cfg if name.startswith("test_")]:
        cfg.pop(name)
    for name in ("test_feature", "test_branches"):
        cfg.model.head.pop(name, None)
    docstring = ast.get_docstring(ast.parse(path.read_text())) or path.stem
    paper = PAPER.search(docstring)
    numbers = (paper[1], paper[2]) if paper else ("-", "-")
    title = docstring.splitlines()[0].split(":")[0].rstrip(".")
    return Row(path, title, numbers, key, hash_of(cfg.pretty_text), config)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_one(row: Row, seed: int, args: argparse.Namespace, alone: Lock) -> dict:
    """Train and test one row with one seed, unless that is done, and return its numbers.

    What the test says of each query stays beside the numbers.

    Args:
        row: The row.
        seed: Of the training.
        args: The command line.
        alone: Held while training: rows may share it.
    """
    path = row.run(seed, args)
    options = [*args.cfg_options, f"randomness.seed={seed}"]
    if read_done(path) is None:
        with alone:
            train(row.config, path.parent, options, ["--no-validate"])
        path.unlink(missing_ok=True)
    return test(row.config, path.parent, path, options, "--out", str(path.with_suffix(".npz")))


def read_done(path: Path) -> dict | None:
    """Return the numbers of a test that is done, with what it says of each query."""
    return finished(path) if path.with_suffix(".npz").exists() else None


def write_table(
    rows: list[Row], reference: Row, results: dict[tuple[str, int], dict], args: argparse.Namespace
) -> Path:
    """Write the Markdown table of what is measured so far."""
    lines = [
        "| row | paper Rank-1 | paper mAP | Rank-1 | mAP | difference in Rank-1 | in mAP | seeds "
        "| protocol |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = [numbers for (key, _), numbers in sorted(results.items()) if key == row.key]
        rank, mean_precision = ([item[name] for item in found] for name in ("R1", "mAP"))
        cells = [row.title, *row.paper, spread(rank), spread(mean_precision)]
        cells += [compare(row, reference, measure, results, args) for measure in ("R1", "mAP")]
        cells += [str(len(found)), name_protocols(found)]
        lines.append("| " + " | ".join(cells) + " |")
    args.out.write_text("\n".join(lines) + "\n")
    return args.out


def compare(
    row: Row,
    reference: Row,
    measure: str,
    results: dict[tuple[str, int], dict],
    args: argparse.Namespace,
) -> str:
    """Return mean and interval of a row's difference to the reference.

    Only where both have runs, and of the same queries: another protocol may leave some out.
    """
    seeds = {
        side.key: [seed for seed in args.seeds if (side.key, seed) in results]
        for side in (row, reference)
    }
    if row.key == reference.key or not all(seeds.values()):
        return "-"
    same = row.training == reference.training
    if same:
        common = [seed for seed in seeds[row.key] if seed in seeds[reference.key]]
        if not common:
            return "-"
        seeds = dict.fromkeys(seeds, common)
    ours, theirs = (
        [read_scored_queries(side.run(seed, args).with_suffix(".npz")) for seed in seeds[side.key]]
        for side in (row, reference)
    )
    first, *others = (test.tracklet_ids for test in (*ours, *theirs))
    if not all(np.array_equal(first, other) for other in others):
        return "-"
    return str(paired_difference(ours, theirs, measure, Bootstrap(2000), same_trainings=same))


def run_all(args: argparse.Namespace) -> None:
    """Do the runs that are not done yet, and write the table."""
    paths = args.ablations or sorted((ROOT / "configs/ctl/ablations").glob("*.py"))
    files = [merge(path, args.base, args.work_dir / "configs") for path in paths]
    ablations = [
        describe(path, config, args.cfg_options) for path, config in zip(paths, files, strict=True)
    ]
    base, *whole = (
        describe(path, path.resolve(), args.cfg_options) for path in (args.base, *args.whole)
    )
    reference = base
    if args.reference:
        reference = describe(args.reference, args.reference.resolve(), args.cfg_options)
    rows = [base, *whole, *ablations]
    distinct = {row.key: row for row in (reference, *rows)}
    todo = [(row, seed) for seed in args.seeds for row in distinct.values()]
    if args.table_only:
        todo = [(row, seed) for row, seed in todo if read_done(row.run(seed, args)) is not None]
    results: dict[tuple[str, int], dict] = {}
    with Progress() as progress, ThreadPoolExecutor(args.jobs) as pool:
        bar = progress.add_task(f"{len(todo)} runs", total=len(todo))
        locks = {(row.training, seed): Lock() for row, seed in todo}
        futures = {
            pool.submit(run_one, row, seed, args, locks[row.training, seed]): (row, seed)
            for row, seed in todo
        }
        for future in as_completed(futures):
            row, seed = futures[future]
            numbers = results[row.key, seed] = future.result()
            scores = f"Rank-1 {numbers['R1']:.1f}, mAP {numbers['mAP']:.1f}"
            progress.console.print(f"{row.path.stem}, seed {seed}: {scores}", soft_wrap=True)
            write_table(rows, reference, results, args)
            progress.advance(bar)
    table = write_table(rows, reference, results, args)
    print(f"{table}:\n\n{table.read_text()}")


def main() -> None:
    args = parse_args()
    args.work_dir = args.work_dir.resolve()
    args.out = args.out or args.work_dir / "table.md"
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with working_alone(args.work_dir, args.table_only):
        run_all(args)


if __name__ == "__main__":
    run_command(main)
