"""Draw some queries with their nearest gallery tracklets from a file of features.

``python tools/test.py CONFIG CHECKPOINT --out features.npz`` writes such a file;
``python tools/visualization/draw_ranking_sheet.py features.npz sheet.png`` draws it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.engine import run_command
from mmctl.evaluation import PROTOCOLS, Protocol, TrackletFeatures, read_features
from mmctl.evaluation.tracklet_features import recorded_setting
from mmctl.functional.distance import DISTANCES
from mmctl.visualization.ranking_sheet import draw_across_cameras, draw_ranking_sheet


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("features", type=Path, help=".npz or .mat file of features")
    parser.add_argument("out", type=Path, help="PNG file to write")
    parser.add_argument("--num-queries", type=int, default=6, help="rows (default: 6)")
    parser.add_argument("--num-matches", type=int, default=10, help="neighbours (default: 10)")
    parser.add_argument(
        "--across-cameras",
        action="store_true",
        help="tracklets with the nearest ones of other cameras, for which no labels are needed",
    )
    parser.add_argument("--hide-ignored", action="store_true", help="leave out same-camera matches")
    parser.add_argument("--protocol", choices=[protocol.name for protocol in PROTOCOLS])
    parser.add_argument("--distance", choices=DISTANCES)
    return parser.parse_args()


def draw(tracklets: TrackletFeatures, args: argparse.Namespace) -> None:
    """Rank as the test did, unless told otherwise, and draw."""
    distance = args.distance or recorded_setting(args.features, "distance", "cosine", DISTANCES)
    counts = {"num_queries": args.num_queries, "num_matches": args.num_matches}
    if args.across_cameras:
        if args.protocol or args.hide_ignored:
            raise ValueError("--protocol and --hide-ignored need labels, --across-cameras has none")
        draw_across_cameras(tracklets, args.out, distance=distance, **counts)
        return
    known = tuple(protocol.name for protocol in PROTOCOLS)
    protocol = args.protocol or recorded_setting(args.features, "protocol", known[0], known)
    evaluation = tracklets.evaluate(Protocol.named(protocol), distance=distance)
    shown = not args.hide_ignored
    draw_ranking_sheet(tracklets, evaluation, args.out, show_ignored=shown, **counts)


def main() -> None:
    """Rank the tracklets and draw the sheet."""
    args = parse_args()
    tracklets = read_features(args.features)
    try:
        draw(tracklets, args)
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(f"{args.features} cannot be drawn: {error}") from error
    print(f"Ranking sheet: {args.out}")


if __name__ == "__main__":
    run_command(main)
