"""Measure the path from videos to persons on a drawn street: detection, tracks, re-identification.

``evaluate_street.py data/street --weights street_detector.pth --tracks data/tracked --features
work_dirs/street/features.npz`` prints average precision, IDF1 and Rank-1 across cameras; each part
alone works, too. ``--identities`` writes who the tracks are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.table import Column, Table

from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.whole_tables import print_table
from mmctl.files import write_whole


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("street", type=Path, help="folder that draw_street.py wrote")
    add("--weights", help="checkpoint of a detector, as train_street_detector.py writes it")
    add("--stride", type=int, default=5, help="frames to go on for --weights (default: 5)")
    add("--tracks", type=Path, help="folder that track_video.py or convert_mot.py wrote")
    add("--features", type=Path, help="features.npz of extract_features.py; needs --tracks")
    add("--identities", type=Path, help="CSV to write: camera,track_id,pid; needs --tracks")
    add("--out", type=Path, help="JSON file to write the numbers to")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.stride < 1:
        raise ValueError(f"--stride must be positive, got {args.stride}")
    if args.tracks is None and (args.features or args.identities):
        raise ValueError(
            "--features and --identities need --tracks, whose boxes say which person a track is"
        )
    if args.tracks is None and args.weights is None:
        raise ValueError("there is nothing to measure: give --weights, --tracks or both")
    from mmctl.apis import street_evaluation as street
    from mmctl.apis.street_truth import read_street, read_tracks, write_persons

    truths, scores = read_street(args.street), street.StreetScores()
    tracks = None if args.tracks is None else read_tracks(args.tracks)
    if args.weights is not None:
        detector = street.load_detector(args.weights)
        with rated_progress("frames") as progress:
            bar = progress.add_task("frames", total=None)
            scores.detection = street.score_detector(
                *(truths, detector, args.stride),
                lambda done, total: progress.update(bar, completed=done, total=total),
            )
    if tracks is not None:
        scores.tracking, persons = street.score_tracking(truths, tracks)
        if args.features is not None:
            scores.reid = street.score_features(args.features, persons)
        if args.identities is not None:
            write_persons(args.identities, persons)
    if args.out is not None:
        write_whole(args.out, (json.dumps(vars(scores), indent=1) + "\n").encode("ascii"))
    print_scores(vars(scores))


def print_scores(scores: dict[str, dict[str, float]]) -> None:
    """Print a table for each part: percentages with a digit, counts without."""
    from mmctl.apis.street_evaluation import MEASURES

    for part, numbers in scores.items():
        if numbers:
            table = Table("measured", Column("value", justify="right"))
            for name, number in numbers.items():
                text = MEASURES.get(name, name)
                table.add_row(text, f"{number:,.{int(text.endswith('%'))}f}")
            print_table(table, part)


if __name__ == "__main__":
    run_command(main)
