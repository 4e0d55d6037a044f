"""Draw losses, learning rate and validation measures of training runs into one picture.

``python tools/analysis_tools/plot_learning_curve.py work_dirs/a work_dirs/b --out curves.png``
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.visualization.learning_curve import draw_learning_curve, read_training_log


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("work_dirs", nargs="+", type=Path, help="work folders, one per run")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    return parser.parse_args()


def main() -> None:
    """Draw the picture."""
    args = parse_args()
    draw_learning_curve([read_training_log(work_dir) for work_dir in args.work_dirs], args.out)
    print(f"Learning curves of {len(args.work_dirs)} run(s): {args.out}")


if __name__ == "__main__":
    main()
