"""Rank the other cameras' tracklets for each tracklet, and write a table: no labels are needed.

``python tools/analysis_tools/rank_across_cameras.py features.npz table.csv``
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.engine import run_command
from mmctl.evaluation import rank_across_cameras, read_features
from mmctl.evaluation.across_cameras import write_neighbours
from mmctl.evaluation.tracklet_features import recorded_setting
from mmctl.functional.distance import DISTANCES


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("features", type=Path, help=".npz or .mat file, as tools/test.py --out's")
    parser.add_argument("out", type=Path, help="CSV file to write, a line per tracklet and match")
    parser.add_argument("--num-matches", type=int, default=10, help="of each (default: 10)")
    parser.add_argument("--distance", choices=DISTANCES, help="default: the file's, or cosine")
    return parser.parse_args()


def main() -> None:
    """Rank the tracklets and write the table."""
    args = parse_args()
    tracklets = read_features(args.features)
    distance = args.distance or recorded_setting(args.features, "distance", "cosine", DISTANCES)
    neighbours = rank_across_cameras(tracklets, distance=distance, num_matches=args.num_matches)
    write_neighbours(args.out, tracklets, neighbours)
    print(
        f"{args.out}: {neighbours.nearest.shape[1]} nearest of other cameras for each of "
        f"{len(neighbours.rows)} tracklets ({distance} distance); "
        f"{neighbours.is_mutual().sum() // 2} pairs are nearest to each other"
    )


if __name__ == "__main__":
    run_command(main)
