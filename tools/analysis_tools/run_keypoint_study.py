"""How much keypoints matter: train and test CTL on true, learned and noisy keypoints.

For each condition and seed the quickstart's CTL is trained and tested on drawn pedestrians with a
keypoint array of its own; the networks trained on true keypoints are tested on all other arrays as
well. Finished runs are kept, interrupted ones go on, so the script may be stopped and called again
at any time. ``table.md`` in the work folder grows with every run, ``noise_curve.png`` is drawn at
the end or with ``--table-only``.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from repeated_runs import (
    ROOT,
    finished,
    name_protocols,
    spread,
    test,
    train_and_test,
    working_alone,
)
from rich.progress import Progress

from mmctl.datasets import MARS
from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, hash_frame_list
from mmctl.datasets.synthetic import NOISES
from mmctl.engine import run_command
from mmctl.files import map_npy, read_json, write_whole
from mmctl.visualization.noise_curve import NoiseCurve, draw_noise_curves

CONFIG = ROOT / "configs/quickstart/ctl_r18_quickstart.py"
LEVELS = {
    "jitter": (0.05, 0.1, 0.2),
    "drop": (0.25, 0.5, 1.0),
    "swap": (0.1, 0.25, 0.5),
    "reveal": (1.0,),
}
UNITS = {
    "jitter": "std of the Gaussian step (frame heights)",
    "drop": "share of joints lost",
    "swap": "share of frames with left and right exchanged",
    "reveal": "share of hidden joints that are shown",
}
BOTH, ONLY_TESTED = "trained and tested on them", "trained on true ones, tested on them"
MIRRORED = "trained and tested on them, mirror images in the test"
MIRRORED_CONFIG = f"""_base_ = {str(CONFIG)!r}
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='AddMirroredClips'),
    _base_.test_pipeline[-1],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""
_TAKEN = ("", ".", "..", "keypoints")
Results = dict[tuple[str, str], list[dict]]


@dataclass(frozen=True)
class Condition:
    """One state of the keypoints.

    Attributes:
        name: Name of its folder and its row.
        array: The keypoint array, or None for noise that is still to be made.
        kind: Kind of noise.
        level: Level of the noise; of jitter in frame heights.
    """

    name: str
    array: Path | None = None
    kind: str = ""
    level: float = 0.0


def named_array(text: str) -> Condition:
    name, _, path = text.partition("=")
    if not path or not Path(path).is_file():
        raise argparse.ArgumentTypeError(f"must be NAME=FILE with a keypoint array, got {text!r}")
    return Condition(name, Path(path).resolve())


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_root", type=Path, help="drawn pedestrians in the layout of MARS")
    parser.add_argument("--work-dir", type=Path, default=Path("work_dirs/keypoint_study"))
    parser.add_argument(
        "--array",
        type=named_array,
        nargs="+",
        default=[],
        metavar="NAME=FILE",
        help="further keypoint arrays, as learned=data/study/info/learned.npy",
    )
    for kind, levels in LEVELS.items():
        text = f"levels: {UNITS[kind]} (default: {levels})"
        parser.add_argument(f"--{kind}", type=float, nargs="*", default=levels, help=text)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=20, help="of each training (default: 20)")
    parser.add_argument(
        "--mirrored", action="store_true", help="once more, with mirror images in every test"
    )
    parser.add_argument(
        "--table-only", action="store_true", help="table and curves of finished runs"
    )
    return parser.parse_args()


def conditions_of(args: argparse.Namespace) -> list[Condition]:
    """Return all conditions in the order of their runs: the strongest noise first."""
    true = Condition("true", (args.data_root / "info" / "keypoints.npy").resolve())
    ranks: list[tuple[int, Condition]] = []
    for kind in LEVELS:
        levels = sorted(getattr(args, kind), reverse=True)
        ranks += enumerate(Condition(f"{kind}-{level:g}", None, kind, level) for level in levels)
    noises = [condition for _, condition in sorted(ranks, key=lambda pair: pair[0])]
    conditions = [true, *args.array, *noises]
    names = [condition.name for condition in conditions]
    for name in names:
        if names.count(name) > 1 or name in _TAKEN or "/" in name:
            raise ValueError(
                f"each --array and level must have a name of its own, none of {_TAKEN}, because "
                f"its runs get a folder of that name, got {name!r} {names.count(name)} times"
            )
    return conditions


def read_settings(args: argparse.Namespace) -> dict:
    """Return what the data set was drawn with."""
    path = args.data_root / "info" / "drawn.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist, so {args.data_root} is no finished set of drawn pedestrians, "
            "whose keypoints are exact; draw one with tools/dataset_converters/draw_pedestrians.py"
        )
    content = read_json(path, "record of a drawing")
    settings = content.get("settings") if isinstance(content, dict) else None
    if not isinstance(settings, dict) or not {"size", "num_train_pids"} <= settings.keys():
        raise ValueError(f"{path} must have settings with size and num_train_pids, as it is drawn")
    return settings


def make_array(condition: Condition, seed: int, args: argparse.Namespace) -> Path:
    """Return the keypoint array of a condition; noise is drawn anew for each seed."""
    if condition.array is not None:
        return condition.array
    path = args.work_dir / "keypoints" / f"{condition.name}-seed{seed}.npy"
    if not path.exists():
        pixels = read_settings(args)["size"][0] if condition.kind == "jitter" else 1
        exact = np.array(map_npy(args.data_root / "info" / "keypoints.npy", "keypoint file"))
        # The same draws at every level, so that a curve shows the level and not the luck.
        rng = np.random.default_rng([list(LEVELS).index(condition.kind), seed])
        noisy = NOISES[condition.kind](exact, condition.level * pixels, rng)
        frames = MARS(str(args.data_root), lazy_init=True).frame_names()
        origin = f"drawn: exact, then {condition.name}, seed {seed}"
        header = ArrayHeader("keypoints", len(frames), hash_frame_list(frames), origin)
        write_stored_array(path, noisy, header)
    return path


def overrides(array: Path, seed: int, args: argparse.Namespace) -> list[str]:
    """Return the overrides of a run; the learning rate falls within its epochs."""
    options = [f"randomness.seed={seed}", f"train_cfg.max_epochs={args.epochs}"]
    options += [f"param_scheduler.1.end={args.epochs}"]
    options += [f"param_scheduler.1.T_max={args.epochs - 1}"]
    options += [f"model.head.num_classes={read_settings(args)['num_train_pids']}"]
    for phase in ("train", "test"):
        options += [f"{phase}_dataloader.num_workers=0"]
        options += [f"{phase}_dataloader.dataset.data_root={args.data_root}"]
        options += [f"{phase}_dataloader.dataset.keypoint_file={array}"]
    return options


def planned_runs(args: argparse.Namespace) -> Iterator[tuple[Condition, int, str]]:
    """Yield condition, seed and kind of each run, in an order that makes a cut-off table useful."""
    true, *others = conditions_of(args)
    noisy = [item for item in others if item.array is None]
    yield from ((item, seed, BOTH) for item in (true, *args.array) for seed in args.seeds)
    yield from ((item, seed, ONLY_TESTED) for item in others for seed in args.seeds)
    yield from ((item, seed, BOTH) for item in noisy for seed in args.seeds)
    if args.mirrored:
        yield from ((item, seed, MIRRORED) for item in (true, *others) for seed in args.seeds)


def metrics_file(condition: Condition, seed: int, how: str, args: argparse.Namespace) -> Path:
    own = args.work_dir / condition.name / f"seed{seed}"
    if how == BOTH:
        return own / "metrics.json"
    if how == MIRRORED:
        return own / "mirrored.json"
    return args.work_dir / "true" / f"seed{seed}" / f"tested_on_{condition.name}.json"


def run_one(condition: Condition, seed: int, how: str, args: argparse.Namespace) -> dict:
    """Do one run, unless it is done, and return its numbers."""
    metrics = metrics_file(condition, seed, how, args)
    options = overrides(make_array(condition, seed, args), seed, args)
    if how == BOTH:
        return train_and_test(CONFIG, metrics.parent, options, ["--no-validate"])
    if how == ONLY_TESTED:
        return test(CONFIG, metrics.parent, metrics, options)
    config = args.work_dir / "mirrored.py"
    write_whole(config, MIRRORED_CONFIG.encode())
    return test(config, metrics.parent, metrics, options)


def write_table(results: Results, args: argparse.Namespace) -> None:
    """Write the Markdown table and the curves of what is measured so far."""
    hows = (BOTH, ONLY_TESTED, MIRRORED) if args.mirrored else (BOTH, ONLY_TESTED)
    lines = ["| keypoints | " + " | ".join(f"Rank-1, {how} | mAP | seeds" for how in hows) + " |"]
    lines += ["|" + "---|" * (1 + 3 * len(hows))]
    true, *others = conditions_of(args)
    for condition in (true, *sorted(others, key=lambda item: (item.kind, item.level))):
        cells = [condition.name]
        for how in hows:
            found = results.get((condition.name, how), [])
            cells += [spread([item[name] for item in found]) for name in ("R1", "mAP")]
            cells += [str(len(found))]
        lines.append("| " + " | ".join(cells) + " |")
    protocols = name_protocols(item for found in results.values() for item in found)
    lines += ["", f"Protocol: {protocols}"]
    (args.work_dir / "table.md").write_text("\n".join(lines) + "\n")


def draw_curves(results: Results, args: argparse.Namespace) -> None:
    """Draw the curves of what is measured."""
    _, *others = conditions_of(args)
    exact = results.get(("true", BOTH), [])
    curves = []
    for kind in LEVELS:
        noisy = [item for item in others if item.kind == kind]
        for how in (BOTH, ONLY_TESTED):
            points = {item.level: results.get((item.name, how), []) for item in noisy}
            curves.append(NoiseCurve(kind, how, {0.0: exact, **points}))
    references = {
        f"{item.name}, {how}": found
        for item in args.array
        for how in (BOTH, ONLY_TESTED)
        if (found := results.get((item.name, how), []))
    }
    draw_noise_curves(curves, references, UNITS, args.work_dir / "noise_curve.png")


def check_work_dir(args: argparse.Namespace) -> None:
    """Raise if the work folder holds runs on other data or of another length."""
    path = args.work_dir / "study.json"
    study = {"data": read_settings(args), "epochs": args.epochs}
    there = read_json(path, "record of the study") if path.exists() else study
    arrays = there.pop("arrays", {})
    if there != study:
        raise ValueError(
            f"{args.work_dir} holds runs of another study ({path}), which must not be mixed with "
            f"this one, {study}; choose another --work-dir"
        )
    for array in args.array:
        digest = hashlib.sha256(array.array.read_bytes()).hexdigest()
        if arrays.setdefault(array.name, digest) != digest:
            raise ValueError(
                f"--array {array.name}={array.array} must be what {args.work_dir} has numbers of "
                "under this name, but its content is another one; choose another name"
            )
    args.work_dir.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(study | {"arrays": arrays}).encode())


def run_all(args: argparse.Namespace) -> None:
    """Do the runs that are not done yet, and write the table and the curves."""
    runs = list(planned_runs(args))
    check_work_dir(args)
    if args.table_only:
        runs = [run for run in runs if finished(metrics_file(*run, args)) is not None]
    results: Results = {}
    with Progress() as progress:
        bar = progress.add_task(f"{len(runs)} runs", total=len(runs))
        for condition, seed, how in runs:
            numbers = run_one(condition, seed, how, args)
            results.setdefault((condition.name, how), []).append(numbers)
            scores = f"Rank-1 {numbers['R1']:.1f}, mAP {numbers['mAP']:.1f}"
            line = f"{condition.name}, seed {seed}, {how}: {scores}"
            progress.console.print(line, soft_wrap=True, markup=False)
            write_table(results, args)
            progress.advance(bar)
    draw_curves(results, args)
    print(f"{args.work_dir / 'table.md'}:\n\n{(args.work_dir / 'table.md').read_text()}")


def main() -> None:
    args = parse_args()
    args.work_dir, args.data_root = args.work_dir.resolve(), args.data_root.resolve()
    with working_alone(args.work_dir, args.table_only):
        run_all(args)


if __name__ == "__main__":
    run_command(main)
