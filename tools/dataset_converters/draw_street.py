"""Draw a street: people walk through the views of some cameras, as MP4 videos with the truth.

``draw_street.py data/street --cameras 2 --seconds 60 --people 16 --seed 7`` writes for each camera
a video, its boxes in the format of the MOT Challenge (which convert_mot.py reads) and its keypoints
in that of COCO; who is who in ``persons.csv``; cameras and start times in ``cameras.json``; and a
picture, ``street.png``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from pathlib import Path

from mmctl.datasets.synthetic.street import StreetSettings, StreetWriter
from mmctl.datasets.synthetic.street.street_state import clear_street, tidy
from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.files import FolderLock

HELP = {item.name: item.metadata["help"] for item in fields(StreetSettings)}


def parse_args() -> argparse.Namespace:
    """Read the command line; every setting of the street is an option."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder of the street, as data/street")
    for name, default in vars(StreetSettings()).items():
        several = isinstance(default, tuple)
        parser.add_argument(
            f"--{name}",
            type=type(default[0] if several else default),
            nargs=2 if several else None,
            metavar=("H", "W") if several else None,
            default=default,
            help=f"{HELP[name]} (default: {' '.join(map(str, default)) if several else default})",
        )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--force", action="store_true", help="replace what was drawn there before")
    return parser.parse_args()


def draw(args: argparse.Namespace) -> None:
    """Draw what is missing in the folder and say what is done."""
    settings = StreetSettings(**{name: getattr(args, name) for name in HELP})
    writer = StreetWriter(args.out, settings, args.workers)
    if args.force:
        clear_street(args.out)
    if writer.is_finished():
        tidy(args.out)
        print(f"{args.out}: already complete")
        return
    pending = writer.pending()
    writer.check_space(pending)
    args.out.mkdir(parents=True, exist_ok=True)
    total, start = sum(item.end - item.first for item in pending), time.perf_counter()
    print(f"{args.out}: drawing {total:,} frames, workers: {args.workers}")
    with FolderLock(args.out), rated_progress("frames") as progress:
        bar = progress.add_task("frames", total=total)
        writer.write(lambda number: progress.advance(bar, number))
    seconds = time.perf_counter() - start
    rate = f", {total / seconds:.0f} frames/s" if total else ""
    print(f"{args.out}: complete after {seconds:.1f} s{rate}, see street.png there")


def main() -> None:
    """Draw; name what to do after an interrupt."""
    try:
        draw(parse_args())
    except BrokenProcessPool as error:
        raise OSError(f"{error} Running the command again, without --force, goes on.") from error
    except KeyboardInterrupt:
        print("\ninterrupted; running the command again, without --force, goes on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run_command(main)
