"""Write queries with their nearest tracklets as one HTML page to look through and answer.

``python tools/test.py CONFIG CHECKPOINT --out features.npz`` or tools/extract_features.py writes
the features; ``python tools/visualization/browse_ranking.py features.npz ranking.html`` the page,
which needs no network. Its answers are saved as a file that label_tracklets.py and convert_mot.py
read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.evaluation import PROTOCOLS, Protocol, TrackletFeatures, read_calibration, read_features
from mmctl.evaluation.tracklet_features import recorded_setting
from mmctl.evaluation.verified_source import read_source
from mmctl.functional.distance import DISTANCES
from mmctl.gallery import read_records
from mmctl.visualization.found_pages import FoundRows, make_verdicts, show_record, show_row
from mmctl.visualization.ranking_page import (
    PageQuery,
    PageTracklet,
    print_written,
    write_ranking_page,
)
from mmctl.visualization.ranking_sheet import describe_evaluation


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("features", type=Path, help=".npz or .mat file of features")
    add("out", type=Path, help="HTML file to write")
    add("--num-queries", type=int, default=30, help="queries (default: %(default)s)")
    add("--num-matches", type=int, default=10, help="hits of each (default: %(default)s)")
    text = "the nearest tracklets of other cameras, for which no labels are needed"
    add("--across-cameras", action="store_true", help=text)
    add("--protocol", choices=[protocol.name for protocol in PROTOCOLS])
    add("--distance", choices=DISTANCES)
    text = "what calibrate.py measured: what it says stands beside each similarity"
    add("--calibration", type=Path, metavar="JSON", help=text)
    args = parser.parse_args()
    if args.num_queries < 1 or args.num_matches < 1:
        raise ValueError(
            "--num-queries and --num-matches must be positive to show anything, got "
            f"{args.num_queries} and {args.num_matches}"
        )
    if args.across_cameras and args.protocol:
        raise ValueError("--protocol needs labels, --across-cameras has none")
    return args


def show_rows(path: Path, tracklets: TrackletFeatures) -> Callable[[int], PageTracklet]:
    """Return how a row is shown: with video, track and time where the file says them."""
    try:
        records = read_records(path, crop_root="/")
    except (ValueError, FileNotFoundError):
        return lambda row: show_row(tracklets, row)
    return lambda row: show_record(records[row])


def find(
    tracklets: TrackletFeatures, args: argparse.Namespace
) -> tuple[list[PageQuery], str, list[str]]:
    """Rank as the test did, unless told otherwise; return queries, heading and lines below it."""
    distance = args.distance or recorded_setting(args.features, "distance", "cosine", DISTANCES)
    calibration = None if args.calibration is None else read_calibration(args.calibration)
    if calibration is not None:
        for line in calibration.mismatches(read_source(args.features)):
            print(f"WARNING: {line}", file=sys.stderr)
        if distance != "cosine":
            raise ValueError(f"--calibration is of cosines, got --distance {distance}")
    found = FoundRows(
        tracklets,
        show_rows(args.features, tracklets),
        make_verdicts(calibration, len(tracklets.pids)),
        args.num_queries,
        args.num_matches,
    )
    # Every file has the same name, and its folder says whose it is.
    file = "/".join(args.features.resolve().parts[-2:])
    if args.across_cameras:
        note = f"{distance} distance; no label is used; ↔: nearest to each other"
        return found.across_cameras(distance), f"Nearest in other cameras: {file}", [note]
    known = tuple(protocol.name for protocol in PROTOCOLS)
    protocol = args.protocol or recorded_setting(args.features, "protocol", known[0], known)
    evaluation = tracklets.evaluate(Protocol.named(protocol), distance=distance)
    notes = describe_evaluation(evaluation).splitlines()
    return found.evaluated(evaluation), f"Ranking of a test: {file}", notes


def main() -> None:
    args = parse_args()
    tracklets = read_features(args.features)
    try:
        pages, title, notes = find(tracklets, args)
    except (ValueError, FileNotFoundError) as error:
        raise type(error)(f"{args.features} cannot be shown: {error}") from error
    with rated_progress("queries") as progress:
        bar = progress.add_task("queries", total=len(pages))
        faults = write_ranking_page(
            args.out,
            pages,
            title,
            notes,
            report=lambda done: progress.update(bar, completed=done),
        )
    print_written(args.out, len(pages), faults)


if __name__ == "__main__":
    run_command(main)
