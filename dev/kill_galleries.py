"""Kill processes that add to, delete from and rebuild a gallery, and look at what they leave.

``python -m dev.kill_galleries`` kills 50 at random moments, one after the other at the same
gallery. After each: no tracklet that was acknowledged is lost, none is half there, none that was
deleted is there or has left bytes in a file, and searches find what is there. Needs ``fork``.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from dev.killed_gallery import KilledGallery
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.gallery import ENGINES


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="processes to kill; default 50")
    parser.add_argument("--seed", type=int, default=0, help="of the moments and the work")
    parser.add_argument("--engine", choices=ENGINES, default="exact", help="default: exact")
    parser.add_argument("--seconds", type=float, default=0.5, help="longest life; default 0.5")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    rng, moments = random.Random(args.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as temporary, rated_progress("kills") as progress:
        gallery = KilledGallery(Path(temporary) / "killed", args.engine)
        for _ in progress.track(range(args.kills)):
            moments[gallery.kill(rng, args.seconds)] += 1
            if gallery.faults:
                break
    during = ", ".join(f"{number} during {work}" for work, number in sorted(moments.items()))
    print(
        f"{sum(moments.values())} killed ({during}); {len(gallery.present):,} tracklets left, "
        f"{len(gallery.deleted):,} deleted, {len(gallery.faults)} faults"
    )
    for fault in gallery.faults:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if gallery.faults else 0)


if __name__ == "__main__":
    main()
