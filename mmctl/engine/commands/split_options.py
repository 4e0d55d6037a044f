"""The options that say who is who, who trains and who is tested."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmctl.datasets.tracking.split_choice import MODES, SplitChoice


def add_split_options(parser: argparse.ArgumentParser, unknown: str) -> None:
    """Add ``--identities`` and the options of a split.

    Args:
        parser: Gets the options.
        unknown: What becomes of tracks that the identity map lacks, for the help.
    """
    parser.add_argument(
        "--identities",
        type=Path,
        metavar="CSV",
        help=f"who the tracks are: lines camera,track_id,pid; tracks that are not in it are "
        f"{unknown}. Without it every track is a person of its own",
    )
    parser.add_argument(
        "--split",
        choices=MODES,
        default="test",
        help="all train, all are tested, or persons at random (default: %(default)s)",
    )
    parser.add_argument("--test-share", type=float, default=0.5, help="share of persons tested")
    parser.add_argument("--seed", type=int, default=0, help="decides who is tested")
    parser.add_argument(
        "--query-cameras",
        type=int,
        nargs="+",
        default=[],
        help="their tracklets are the queries (default: the longest of each person and camera)",
    )


def read_split_choice(args: argparse.Namespace) -> SplitChoice:
    """Return what :func:`add_split_options` asked for.

    Args:
        args: The parsed arguments.

    Raises:
        ValueError: If a value is out of range.
    """
    return SplitChoice(args.split, tuple(args.query_cameras), args.test_share, args.seed)
