"""The first run: draw people, train the baseline and CTL on them, test both, show the results.

``bash tools/quickstart.sh`` makes the environment and calls this. Every step is a command that a
user may type; what is finished is skipped when the script is run again.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmctl.checkpoints.last_checkpoint import trained_checkpoint
from mmctl.engine import run_command
from mmctl.engine.commands.kept_run import KeptRun, claim_folder, keep
from mmctl.engine.commands.measured_numbers import NamedResult, read_measured, read_scores
from mmctl.engine.commands.tool_runs import end_with_parent
from mmctl.engine.commands.whole_tables import print_table
from mmctl.files import FolderLock, write_whole

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = {
    "untrained": "configs/quickstart/ctl_r18_quickstart.py",
    "baseline": "configs/quickstart/baseline_r18_quickstart.py",
    "ctl": "configs/quickstart/ctl_r18_quickstart.py",
}
POSE_CONFIG = "configs/pose/td-hm_hrnet-w8_1xb32-8e_drawn-128x64.py"
LEARNED, LEARNED_CONFIG = "ctl-learned", "configs/quickstart/ctl_r18_learned_keypoints.py"
SCORES, POSE_SCORES = ("R1", "R5", "R20", "mAP"), ("pck@0.05/PCK", "pck@0.2/PCK", "AP")
COLUMNS = (*SCORES, "num_queries", "num_gallery")
POSE_SET = "MMCTL_SET=pose bash tools/quickstart.sh --learned-keypoints installs it first"
ROW = partial(read_measured, needed=SCORES, record=NamedResult)
POSE_ROW = partial(read_scores, needed=(*POSE_SCORES, "seconds"))
POSE_STEPS = {
    "export": "Export the keypoints of the drawn people for the estimator",
    "train": "Train: pose estimator",
    "test": "Test: pose estimator, on people it has never seen",
}
# MMEngine also prints the environment, the config and the hooks; its log file keeps them.
SHOWN = re.compile(r"Epoch\(|protocol \w|UNTRAINED|^error:|resumed epoch|: complete")
# The date and the logger's name in front, single loss terms and timings within a line.
DETAILS = re.compile(
    r"^.*? - mmengine - \w+ - "
    r"|  (?:loss_\w+|data_time|\w+_degrees|\w+_entropy|active_\w+|grad_norm|frames_\w+): [\d.]+"
)
TINY = {"people": 8, "test_people": 6, "frames": 4, "epochs": 1}

console = Console(highlight=False, soft_wrap=True)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", default="data/quickstart", help="where the frames go")
    parser.add_argument("--work-dir", default="work_dirs/quickstart", help="where results go")
    parser.add_argument("--fresh", action="store_true", help="train and test everything anew")
    parser.add_argument(
        "--learned-keypoints",
        action="store_true",
        help="also train a pose estimator, and CTL on the keypoints that it finds",
    )
    parser.add_argument(
        "--tiny", action="store_true", help="few people, one epoch: tries the machinery only"
    )
    args = parser.parse_args()
    if args.learned_keypoints and find_spec("mmpose") is None:
        parser.error(f"--learned-keypoints needs mmpose: {POSE_SET}")
    return args


def announce(step: str, command: list[str]) -> None:
    console.print(f"\n[bold]{step}[/bold]")
    console.print("$ python " + " ".join(command), style="dim", markup=False)


def run(step: str, command: list[str], log: Path) -> None:
    """Run a command, show its progress, keep its whole output in ``log``."""
    announce(step, command)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as file,
        subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=end_with_parent,
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if SHOWN.search(line):
                console.print("  " + DETAILS.sub("", line.rstrip()), markup=False)
    if process.returncode != 0:
        console.print("".join(log.read_text().splitlines(keepends=True)[-25:]), markup=False)
        console.print(f"this step failed; its whole output is in {log}", style="bold red")
        sys.exit(process.returncode)


def draw(args: argparse.Namespace) -> None:
    """Draw the data set with its own progress bar."""
    command = ["tools/dataset_converters/draw_pedestrians.py", args.data_root]
    if args.tiny:
        command += ["--num-train-pids", str(TINY["people"])]
        command += ["--num-test-pids", str(TINY["test_people"]), "--frames", str(TINY["frames"])]
    announce("Draw walking pedestrians in the layout of MARS", command)
    done = subprocess.run([sys.executable, *command], check=False, preexec_fn=end_with_parent)
    if done.returncode != 0:
        sys.exit(done.returncode)


def overrides(args: argparse.Namespace, *, classes: bool = True) -> list[str]:
    """Return the overrides of a run elsewhere or at tiny size; ``classes``: one per person."""
    options = []
    if args.data_root != "data/quickstart":
        loaders = [f"{name}_dataloader" for name in ("train", "val", "test")]
        options = [f"{loader}.dataset.data_root={args.data_root}" for loader in loaders]
    if args.tiny:
        if classes:
            options += [f"model.head.num_classes={TINY['people']}"]
        options += [
            f"train_cfg.max_epochs={TINY['epochs']}",
            "train_cfg.val_interval=1",
            "default_hooks.checkpoint.interval=1",
        ]
    return options


def fingerprint(args: argparse.Namespace) -> str:
    """Say what a finished result depends on: the package, the configs, the data, the options."""
    digest = hashlib.sha256(repr(overrides(args)).encode())
    drawn = Path(args.data_root) / "info" / "drawn.json"
    sources = sorted([*(ROOT / "configs").rglob("*.py"), *(ROOT / "mmctl").rglob("*.py")])
    for path in [*sources, drawn]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def kept_run(name: str, config: str, read: partial, args: argparse.Namespace) -> KeptRun:
    """Return the run of a network, which shows its steps."""

    def call(command: list[str], log: Path) -> None:
        run(POSE_STEPS[log.stem] if name == "pose" else f"{log.stem.title()}: {name}", command, log)

    options = overrides(args, classes=name != "pose")
    return KeptRun(config, Path(args.work_dir) / name, options, read=read, call=call)


def finished_row(kept: KeptRun, made_of: str, read: partial) -> dict | None:
    """Return the row of a network that is done; make ready for it where it is not, or damaged."""
    name, kind = kept.folder.name, "record of what a result is made of"
    if claim_folder(kept.folder / "made_of.txt", made_of, kind) is not None:
        console.print(f"{name}: code, configs or data have changed; starting over")
        shutil.rmtree(kept.folder)
        claim_folder(kept.folder / "made_of.txt", made_of, kind)
    row = kept.finished("row.json", read)
    if row is not None:
        console.print(f"\n[bold]{name}[/bold]: finished earlier (--fresh starts over)")
    return row


def keep_row(kept: KeptRun, row: dict, start: float) -> dict:
    return keep(kept.folder / "row.json", row | {"seconds": round(time.perf_counter() - start, 1)})


def train_and_test(name: str, config: str, made_of: str, args: argparse.Namespace) -> dict:
    """Return the row of one network, training and testing it unless that is done."""
    kept = kept_run(name, config, partial(read_measured, needed=SCORES), args)
    row, start = finished_row(kept, made_of, ROW), time.perf_counter()
    if row is not None:
        return row
    tested = None if name == "untrained" else kept.train()
    numbers = kept.test(tested, "--out", str(kept.folder / "features.npz"))
    row = {"name": name, **{key: numbers[key] for key in (*COLUMNS, "protocol")}}
    return keep_row(kept, row, start)


def train_estimator(args: argparse.Namespace) -> dict:
    """Return what the pose estimator reaches, training and testing it unless that is done."""
    kept = kept_run("pose", POSE_CONFIG, partial(read_scores, needed=POSE_SCORES), args)
    row, start = finished_row(kept, fingerprint(args), POSE_ROW), time.perf_counter()
    if row is not None:
        return row
    export = ["tools/dataset_converters/export_coco_keypoints.py", args.data_root]
    kept.call(export, kept.folder / "export.txt")
    numbers = kept.test(kept.train("--no-validate"))
    return keep_row(kept, {name: round(numbers[name], 3) for name in POSE_SCORES}, start)


def learn_keypoints(args: argparse.Namespace) -> list[dict]:
    """Train an estimator, find the keypoints of all frames with it, and train CTL on those."""
    found, work_dir = train_estimator(args), Path(args.work_dir)
    keypoints = Path(args.data_root) / "info" / "learned_keypoints.npy"
    extract = ["tools/dataset_converters/extract_keypoints.py", LEARNED_CONFIG]
    extract += ["--data-root", args.data_root, "--out", str(keypoints), "--overwrite"]
    extract += ["--estimator", POSE_CONFIG, "--checkpoint", trained_checkpoint(work_dir / "pose")]
    extract += ["--frame-size", "128", "64"]
    run("Find the keypoints of all frames", extract, work_dir / "pose" / "extract.txt")
    header = keypoints.with_suffix(".json").read_text()
    row = train_and_test(LEARNED, LEARNED_CONFIG, fingerprint(args) + header, args)
    console.print(
        f"\nThe estimator on people of the test split: PCK@0.05 {found['pck@0.05/PCK']:.3f}, "
        f"PCK@0.2 {found['pck@0.2/PCK']:.3f}, OKS-AP {found['AP']:.3f} ({found['seconds']:.0f} s)"
    )
    return [row]


def draw_pictures(work_dir: Path) -> None:
    """Plot the learning curves and the ranking sheet."""
    curve = ["tools/analysis_tools/plot_learning_curve.py"]
    curve += [str(work_dir / "baseline"), str(work_dir / "ctl")]
    curve += ["--out", str(work_dir / "learning_curve.png")]
    run("Plot the learning curves", curve, work_dir / "learning_curve.txt")
    sheet = ["tools/visualization/draw_ranking_sheet.py"]
    sheet += [str(work_dir / "ctl" / "features.npz"), str(work_dir / "ranking_sheet.png")]
    run("Draw the ranking sheet", sheet, work_dir / "ranking_sheet.txt")


def show(rows: list[dict], args: argparse.Namespace, work_dir: Path) -> None:
    """Print the table, where everything lies, and what to do next."""
    table = Table()
    heads = ("network", "Rank-1", "Rank-5", "Rank-20", "mAP", "queries", "gallery", "protocol", "s")
    for head in heads:
        table.add_column(head, justify="left" if head in ("network", "protocol") else "right")
    for row in rows:
        scores = [f"{row[key]:.1f}" for key in COLUMNS[:4]]
        counts = [f"{row[key]:.0f}" for key in COLUMNS[4:]]
        table.add_row(row["name"], *scores, *counts, row["protocol"], f"{row['seconds']:.0f}")
    console.print()
    print_table(table, "Drawn pedestrians: percent, people never seen in training")
    checkpoint, config = trained_checkpoint(work_dir / "ctl"), CONFIGS["ctl"]
    options = " ".join(overrides(args))
    same = f" --cfg-options {options}" if options else ""
    summary = "summary_learned.json" if args.learned_keypoints else "summary.json"
    console.print(
        f"\nThe people:          {Path(args.data_root) / 'contact_sheet.png'}, keypoint_sheet.png"
        f"\nResults:             {work_dir / summary}"
        f"\nLearning curves:     {work_dir / 'learning_curve.png'}"
        f"\nRanking sheet:       {work_dir / 'ranking_sheet.png'}"
        f"\nCheckpoint:          {checkpoint}"
        f"\n\nNext (source {Path(sys.prefix) / 'bin' / 'activate'} first):"
        "\n  the same numbers again   "
        f"python tools/test.py {config} {checkpoint}{same}"
        "\n  another seed             "
        f"python tools/train.py {config} --work-dir work_dirs/seed1 "
        f"--cfg-options randomness.seed=1 {options}"
        "\n  the real thing           put MARS into data/mars (docs/en/datasets.md), then"
        "\n                           python tools/dataset_converters/extract_keypoints.py "
        "configs/ctl/ctl_r50_1xb32-240e_mars-256x128.py"
        "\n                           bash tools/dist_train.sh "
        "configs/ctl/ctl_r50_1xb32-240e_mars-256x128.py 8 --auto-scale-lr"
        "\n  the tests                bash tools/run_tests.sh",
        markup=False,
    )


def run_steps(args: argparse.Namespace, work_dir: Path) -> None:
    """Do what is not done yet, and show it."""
    if args.fresh:
        for name in (*CONFIGS, "pose", LEARNED):
            shutil.rmtree(work_dir / name, ignore_errors=True)
    draw(args)
    made_of = fingerprint(args)
    rows = [train_and_test(name, config, made_of, args) for name, config in CONFIGS.items()]
    write_whole(work_dir / "summary.json", (json.dumps(rows, indent=2) + "\n").encode())
    if args.learned_keypoints:
        rows += learn_keypoints(args)
        write_whole(work_dir / "summary_learned.json", f"{json.dumps(rows, indent=2)}\n".encode())
    draw_pictures(work_dir)
    show(rows, args, work_dir)


def main() -> None:
    args = parse_args()
    os.chdir(ROOT)  # relative paths of the options start there, and the commands that are shown
    work_dir = Path(args.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    with FolderLock(work_dir):
        run_steps(args, work_dir)


if __name__ == "__main__":
    run_command(main)
