"""Draw losses, learning rate and validation measures of training runs into one picture.

``python tools/analysis_tools/plot_learning_curve.py work_dirs/a work_dirs/b --out curves.png``
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.engine import run_command
from mmctl.reports.learning_curve import TrainingLog, draw_learning_curve, read_training_log

LOGGED = ("loss", "lr")


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("work_dirs", nargs="+", type=Path, help="work folders, one per run")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    return parser.parse_args()


def read_log(work_dir: Path) -> TrainingLog:
    """Return a run's log; a ValueError names the folder if there is nothing to draw in it."""
    log = read_training_log(work_dir)
    if not any(name in record for record in log.training for name in LOGGED):
        raise ValueError(
            f"{work_dir} must hold the scalars.json of a training run by MMEngine, got no "
            f"{' or '.join(LOGGED)} in it"
        )
    return log


def main() -> None:
    """Draw the picture."""
    args = parse_args()
    draw_learning_curve([read_log(work_dir) for work_dir in args.work_dirs], args.out)
    print(f"Learning curves of {len(args.work_dirs)} run(s): {args.out}")


if __name__ == "__main__":
    run_command(main)
