"""Time and memory of a verification with as many tracklets as MARS has.

``bench_verification.py`` draws features of tracklets in six cameras and measures them as
``tools/analysis_tools/calibrate.py`` does.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from resident_memory import is_available, read_bytes, start_peak

from mmctl.engine import run_command
from mmctl.evaluation import TrackletFeatures, verify
from mmctl.evaluation.calibration_records import Bootstrap
from mmctl.evaluation.feature_files import KnownFeatures


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--tracklets", type=int, default=12_000, help="default: %(default)s")
    add("--persons", type=int, default=626, help="a quarter of all are distractors (default: 626)")
    add("--channels", type=int, default=2048, help="default: %(default)s")
    add("--bootstrap", type=int, default=500, help="replicates (default: %(default)s)")
    return parser.parse_args()


def draw_features(args: argparse.Namespace) -> KnownFeatures:
    """Draw persons around centres, and distractors, in six cameras."""
    rng = np.random.default_rng(0)
    pids = rng.integers(1, args.persons + 1, args.tracklets)
    pids[rng.random(args.tracklets) < 0.25] = 0
    centres = rng.standard_normal((args.persons + 1, args.channels), dtype=np.float32)
    features = rng.standard_normal((args.tracklets, args.channels), dtype=np.float32)
    features += 0.4 * centres[pids] * (pids > 0)[:, None]
    number = np.arange(args.tracklets)
    texts = np.full(args.tracklets, "gallery"), np.full(args.tracklets, "")
    labels = pids, rng.integers(1, 7, args.tracklets), number
    tracklets = TrackletFeatures(features, *labels, *texts)
    return KnownFeatures(tracklets, *np.ones((2, args.tracklets), dtype=bool))


def main() -> None:
    args = parse_args()
    features = draw_features(args)
    before = start_peak() if is_available() else 0
    start, start_cpu = time.perf_counter(), time.process_time()
    found = verify(features, bootstrap=Bootstrap(args.bootstrap)).calibration
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    peak = (read_bytes("VmHWM") - before) / 2**20 if is_available() else float("nan")
    counts = found.counts
    print(
        f"{counts.tracklets:,} tracklets of {args.channels} channels, {counts.one_person:,} pairs "
        f"of one person and {counts.different_persons:,} of different ones, {args.bootstrap} "
        f"replicates: {seconds:.1f} s ({cpu:.1f} s of processors), {peak:,.0f} MiB "
        f"beyond the features; exact up to a false accept rate of {found.exact_rate:.3g}"
    )


if __name__ == "__main__":
    run_command(main)
