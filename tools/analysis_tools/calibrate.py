"""Same person or not: error rates and probabilities of similarities, from saved features.

``calibrate.py features.npz --out calibration.json --picture calibration.png`` compares all
tracklets of different cameras. Features are those of ``tools/test.py --out`` or
``tools/extract_features.py``, and those of other projects (docs/en/protocols.md). There is no
default threshold: the table says what each false accept rate costs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.table import Table

from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.whole_tables import print_table
from mmctl.evaluation.calibration import Calibration
from mmctl.evaluation.calibration_records import Bootstrap, check_rate
from mmctl.evaluation.feature_files import read_known_features
from mmctl.evaluation.verification import verify
from mmctl.evaluation.verified_source import find_trained, read_source

GALLERY_SIZES = (1_000, 100_000)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("features", type=Path, help=".npz or .mat file; with --gallery the queries")
    add("--gallery", type=Path, help="file of the gallery, if it is another one")
    add("--out", type=Path, metavar="JSON", help="save the calibration to this file")
    add("--picture", type=Path, metavar="PNG", help="draw distributions and ROC to this file")
    text = "false accept rates (default: those of 1e-2 1e-3 1e-4 that the pairs allow)"
    add("--rates", "--far", type=float, nargs="+", metavar="RATE", help=text)
    text = "tracklets of a gallery to expect false alarms of (default: 1000 100000)"
    add("--gallery-size", type=int, nargs="+", default=GALLERY_SIZES, metavar="N", help=text)
    text = "how often persons are drawn for the intervals (default: %(default)s)"
    add("--bootstrap", type=int, default=Bootstrap().replicates, metavar="N", help=text)
    add("--seed", type=int, default=0, help="of these draws (default: 0)")
    add("--model", help="hash of the model, where the file does not say it")
    add("--dataset", help="name of the data set, where the file does not say it")
    add("--feature", help="which feature it is, where the file does not say it")
    return parser.parse_args()


def check_args(args: argparse.Namespace) -> Bootstrap:
    """Refuse what cannot be done before the work begins."""
    for path, ending in ((args.out, ".json"), (args.picture, ".png")):
        if path is not None and path.suffix != ending:
            raise ValueError(f"the file to write must end in {ending}, got {path}")
        if path is not None and path.is_dir():
            raise ValueError(f"the file to write must be no folder, got {path}")
    if min(args.gallery_size) < 1:
        raise ValueError(f"--gallery-size must be positive, got {min(args.gallery_size)}")
    if args.seed < 0:
        raise ValueError(f"--seed must be 0 or more, got {args.seed}")
    for rate in args.rates or ():
        check_rate(rate, 2**62)
    return Bootstrap(args.bootstrap, args.seed)


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def show(calibration: Calibration, sizes: list[int]) -> None:
    """Print a table with a line for each rate, and what it is made of."""
    counts, confidence = calibration.counts, f"{100 * calibration.bootstrap.confidence:g} %"
    table = Table("false accept rate", "threshold", "true accept rate", confidence)
    for size in sizes:
        table.add_column(f"false alarms in {size:,}", justify="right")
    for point in calibration.rates:
        accepted = point.true_accept_rate
        alarms = [calibration.expected_false_alarms(point.threshold, size) for size in sizes]
        table.add_row(
            f"{point.rate:g}",
            f"{point.threshold:.4f}",
            f"{100 * accepted.value:.2f} %",
            f"{100 * accepted.low:.2f} to {100 * accepted.high:.2f}",
            *(_count(number) for number in alarms),
        )
    for rate in calibration.refused:
        table.add_row(f"{rate:g}", "refused", "too few pairs")
    print_table(table, "Same person or not, across cameras")
    error = calibration.equal_error_rate
    print(
        f"equal error rate {100 * error.value:.2f} % ({100 * error.low:.2f} to "
        f"{100 * error.high:.2f}), area under the ROC {calibration.area:.5f}\n"
        f"probability of one person: 1 / (1 + exp(-({calibration.slope:.4f} x similarity "
        f"{calibration.intercept:+.4f})))\n"
        f"{counts.one_person:,} pairs of {counts.persons:,} persons and "
        f"{counts.different_persons:,} of different ones, {counts.tracklets:,} tracklets "
        f"({counts.distractors:,} distractors)\n"
        f"left out: {counts.junk:,} junk, {counts.unknown_persons:,} of unknown persons, "
        f"{counts.unknown_cameras:,} of unknown cameras; {counts.same_camera:,} pairs of one "
        f"camera, {counts.two_distractors:,} of two distractors\n"
        f"smallest false accept rate that these pairs allow: {calibration.smallest_rate:.2g}"
    )
    if calibration.exact_rate < 1:
        print(
            f"exact up to a false accept rate of {calibration.exact_rate:.2g}; estimated beyond "
            "from a sample of the pairs"
        )


def main() -> None:
    args = parse_args()
    bootstrap = check_args(args)
    features = read_known_features(args.features, args.gallery)
    source = read_source(args.features, args.model, args.dataset, args.feature)
    with rated_progress("pairs") as progress:
        bar = progress.add_task("pairs", total=None)
        found = verify(
            features,
            source,
            rates=args.rates,
            bootstrap=bootstrap,
            report=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    show(found.calibration, list(args.gallery_size))
    for oddity in (*found.oddities, *find_trained(args.features, args.gallery)):
        print(f"WARNING: {oddity}")
    if args.picture is not None:
        # Draws with matplotlib, which tables need not wait for.
        from mmctl.visualization.verification_sheet import draw_verification

        title = " · ".join(filter(None, (source.dataset, source.feature, source.model[:12])))
        draw_verification(found.calibration, found.pairs, title, args.picture)
        print(f"picture: {args.picture}")
    if args.out is not None:
        found.calibration.save(args.out)
        print(f"calibration: {args.out}")


if __name__ == "__main__":
    run_command(main)
