"""Say who is who in tracklets that track_video.py or convert_mot.py made.

``label_tracklets.py data/street --identities persons.csv --split random`` writes the list anew:
nothing is decoded or estimated again, stored keypoints stay. ``--unlabel`` takes all labels away.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmctl.datasets.tracking.identity_map import read_identities
from mmctl.datasets.tracking.relabelling import label_tracklets
from mmctl.engine import run_command
from mmctl.engine.commands.split_options import add_split_options, read_split_choice


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of the data set")
    add_split_options(parser, "unlabelled")
    parser.add_argument("--unlabel", action="store_true", help="take all labels away")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.unlabel and args.identities is not None:
        raise ValueError(f"--unlabel names nobody, so leave out --identities {args.identities}")
    identities = read_identities(args.identities) if args.identities else None
    choice = None if args.unlabel else read_split_choice(args)
    labels = label_tracklets(args.folder, identities, choice)
    for warning in labels.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{args.folder}: {len(labels.pids)} pids, tracklets: {dict(labels.splits)}")


if __name__ == "__main__":
    run_command(main)
