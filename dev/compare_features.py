"""Which feature to keep: before the neck, after it, or centred; float32, float16 or int8.

``python -m dev.compare_features`` draws people once (640 queries), trains the quickstart's networks
with several seeds, extracts their features before and after the neck and prints Rank-1, mAP and
verification of each kind and precision. What is finished is kept: the same command goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from mmctl.engine import run_command
from mmctl.engine.commands.kept_run import KeptRun
from mmctl.engine.commands.tool_runs import run_python
from mmctl.engine.commands.whole_tables import print_table
from mmctl.evaluation import Protocol, TrackletFeatures, verify
from mmctl.evaluation.calibration_records import Bootstrap
from mmctl.evaluation.camera_pairs import normalize_rows
from mmctl.evaluation.feature_files import KnownFeatures, read_known_features
from mmctl.files import FolderLock, write_whole

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("ctl", "baseline")
FEATURES = ("before", "after", "centred")
PRECISIONS = ("float32", "float16", "int8")
RATE = 1e-3
MEASURES = {"R1": "Rank-1", "mAP": "mAP", "TAR": f"TAR at {RATE:g}", "EER": "EER"}
SPREAD = {"low": "1 %", "middle": "median", "high": "99 %"}

Row = dict[str, Any]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data-root", type=Path, default=Path("data/compare_features"), help="the people")
    add("--work-dir", type=Path, default=Path("work_dirs/compare_features"), help="the results")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    add("--networks", nargs="+", choices=NETWORKS, default=NETWORKS, help="default: both")
    add("--num-test-pids", type=int, default=160, help="four queries each (default: 160)")
    add("--measure-only", action="store_true", help="measure the features that are there")
    add("--cfg-options", nargs="+", default=[], help="more overrides of the trainings")
    return parser.parse_args()


def draw_people(args: argparse.Namespace) -> None:
    command = ["tools/dataset_converters/draw_pedestrians.py", str(args.data_root.resolve())]
    command += ["--num-test-pids", str(args.num_test_pids)]
    run_python(command, args.work_dir / "draw.txt", cwd=ROOT)


def extract(args: argparse.Namespace, network: str, seed: int) -> Path:
    """Train a network unless that is done, and extract its features; return their folder."""
    folder, data = args.work_dir / f"{network}-seed{seed}", args.data_root.resolve()
    config = f"configs/quickstart/{network}_r18_quickstart.py"
    loaders = [f"{part}_dataloader.dataset.data_root={data}" for part in ("train", "val", "test")]
    options = [*loaders, f"randomness.seed={seed}", *args.cfg_options]
    call = partial(run_python, cwd=ROOT)
    checkpoint = KeptRun(config, folder.resolve(), options, call=call).train("--no-validate")
    for feature in ("before", "after"):
        command = ["tools/extract_features.py", checkpoint, str(data), "--feature", feature]
        command += ["--out", str((folder / feature).resolve())]
        run_python(command, folder / f"{feature}.txt", cwd=ROOT)
    return folder


def centre(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the gallery's mean from unit vectors, and make them unit vectors again."""
    return normalize_rows(features - features.mean(axis=0))


def round_to(features: NDArray[np.float32], precision: str) -> NDArray[np.float32]:
    """Return unit vectors as a precision keeps them; int8 has the largest entry of each at 127."""
    if precision == "int8":
        scale = np.abs(features).max(axis=1, keepdims=True) / 127
        return (np.round(features / scale).astype(np.int8) * scale).astype(np.float32)
    return features.astype(precision).astype(np.float32)


def measure(folder: Path, network: str, seed: int) -> Iterator[Row]:
    """Yield the numbers of each feature and precision of a training."""
    for feature in FEATURES:
        read = read_known_features(folder / feature.replace("centred", "before") / "features.npz")
        whole = normalize_rows(read.tracklets.features)
        chosen = centre(whole) if feature == "centred" else whole
        for precision in PRECISIONS:
            fields = vars(read.tracklets) | {"features": round_to(chosen, precision)}
            names = {"network": network, "seed": seed, "feature": feature, "precision": precision}
            yield names | score(KnownFeatures(TrackletFeatures(**fields), *known(read)))


def known(read: KnownFeatures) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return read.known_pids, read.known_cameras


def score(features: KnownFeatures) -> Row:
    """Return ranking, verification and spread, in percent but for the spread."""
    protocol = Protocol.named("query-in-gallery")
    ranking = features.tracklets.evaluate(protocol, distance="cosine").ranking
    found = verify(features, rates=[RATE], bootstrap=Bootstrap(20))
    similarities = np.concatenate([found.pairs.positives, found.pairs.negatives])
    quantiles = np.quantile(similarities.astype(np.float64), [0.01, 0.5, 0.99])
    return {
        "R1": 100 * float(ranking.cmc[0]),
        "mAP": 100 * ranking.mean_average_precision,
        "queries": ranking.num_queries,
        "TAR": 100 * found.calibration.rates[0].true_accept_rate.value,
        "EER": 100 * found.calibration.equal_error_rate.value,
        **dict(zip(SPREAD, map(float, quantiles), strict=True)),
    }


def show(rows: list[Row]) -> None:
    """Print means over the seeds, with the sample standard deviation of several."""
    table = Table("network", "feature", "precision")
    for title in (*MEASURES.values(), *(f"cosine {name}" for name in SPREAD.values())):
        table.add_column(title, justify="right")
    kinds = dict.fromkeys((row["network"], row["feature"], row["precision"]) for row in rows)
    for kind in kinds:
        own = [r for r in rows if (r["network"], r["feature"], r["precision"]) == kind]
        cells = [spread([row[name] for row in own], 1) for name in MEASURES]
        cells += [f"{np.mean([row[name] for row in own]):.3f}" for name in SPREAD]
        table.add_row(*kind, *cells)
    seeds = sorted({row["seed"] for row in rows})
    queries = sorted({row["queries"] for row in rows})
    print_table(table, f"{', '.join(map(str, queries))} queries scored, seeds {seeds}; percent")


def spread(values: list[float], digits: int) -> str:
    """Format a mean and the sample standard deviation."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


def main() -> None:
    args = parse_args()
    args.work_dir.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    with FolderLock(args.work_dir):
        if not args.measure_only:
            draw_people(args)
        for seed in args.seeds:
            for network in args.networks:
                folder = args.work_dir / f"{network}-seed{seed}"
                if args.measure_only and not (folder / "after" / "features.npz").exists():
                    continue
                if not args.measure_only:
                    extract(args, network, seed)
                rows += measure(folder, network, seed)
                print(f"measured: {network}, seed {seed}", flush=True)
    if not rows:
        raise ValueError(f"there are no features below {args.work_dir} to measure")
    show(sorted(rows, key=lambda row: NETWORKS.index(row["network"])))
    out = args.work_dir / "features.json"
    write_whole(out, (json.dumps(rows, indent=1) + "\n").encode())
    print(f"all numbers: {out}")


if __name__ == "__main__":
    run_command(main)
