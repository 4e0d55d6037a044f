"""Draw clips of a config's data set after augmentation, with joints, heatmaps and body parts.

``python tools/visualization/browse_dataset.py CONFIG`` draws four training clips into one PNG.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.engine import CfgOptions, prepare_config, run_command
from mmctl.visualization.augmented_clips import SPLITS, browse_dataset


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("--split", choices=SPLITS, default="train", help="which data loader's")
    parser.add_argument("--num-tracklets", type=int, default=4, help="tracklets to draw")
    parser.add_argument("--out", type=Path, default=Path("browse_dataset.png"), help="PNG file")
    parser.add_argument("--seed", type=int, default=0, help="of the choice and the augmentation")
    parser.add_argument(
        "--cfg-options", nargs="+", action=CfgOptions, help="overrides, as in key.sub=value"
    )
    return parser.parse_args()


def main() -> None:
    """Draw the sheet."""
    args = parse_args()
    if args.out.suffix != ".png":
        raise ValueError(f"--out must end with .png, because a PNG is written, got {args.out}")
    cfg = prepare_config(args.config, args.cfg_options)
    reports = browse_dataset(
        cfg, args.out, split=args.split, num_tracklets=args.num_tracklets, seed=args.seed
    )
    for report in reports:
        print(f"warning: {report}")
    print(f"Sheet of clips: {args.out}")


if __name__ == "__main__":
    run_command(main)
