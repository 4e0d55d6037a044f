"""Draw some queries with their nearest gallery tracklets from a file of features.

``python tools/test.py CONFIG CHECKPOINT --out features.npz`` writes such a file;
``python tools/visualization/draw_ranking_sheet.py features.npz sheet.png`` draws it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.engine import run_command
from mmctl.evaluation.protocols import PROTOCOLS, Protocol
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures, recorded_setting
from mmctl.functional.distance import DISTANCES
from mmctl.visualization.ranking_sheet import draw_ranking_sheet


def parse_args() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("features", type=Path, help=".npz file of features")
    parser.add_argument("out", type=Path, help="PNG file to write")
    parser.add_argument("--num-queries", type=int, default=6, help="rows (default: 6)")
    parser.add_argument("--num-matches", type=int, default=10, help="neighbours (default: 10)")
    parser.add_argument("--hide-ignored", action="store_true", help="leave out same-camera matches")
    parser.add_argument("--protocol", choices=[protocol.name for protocol in PROTOCOLS])
    parser.add_argument("--distance", choices=DISTANCES)
    return parser.parse_args()


def evaluate(tracklets: TrackletFeatures, args: argparse.Namespace) -> Evaluation:
    """Evaluate as the test did, unless told otherwise; a ValueError names the file."""
    protocol = args.protocol or recorded_setting(args.features, "protocol", "query-in-gallery")
    distance = args.distance or recorded_setting(args.features, "distance", "cosine")
    try:
        return tracklets.evaluate(Protocol.named(protocol), distance=distance)
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        raise ValueError(f"{args.features} cannot be ranked: {error}") from error


def main() -> None:
    """Rank the tracklets and draw the sheet."""
    args = parse_args()
    tracklets = TrackletFeatures.load(args.features)
    evaluation = evaluate(tracklets, args)
    draw_ranking_sheet(
        tracklets,
        evaluation,
        args.out,
        num_queries=args.num_queries,
        num_matches=args.num_matches,
        show_ignored=not args.hide_ignored,
    )
    print(f"Ranking sheet: {args.out}")


if __name__ == "__main__":
    run_command(main)
