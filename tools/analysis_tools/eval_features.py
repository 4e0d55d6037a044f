"""Evaluate saved features under any protocol, without a model.

``python tools/test.py CONFIG CHECKPOINT --out features.npz`` writes such a file; those of other
projects are read too (docs/en/protocols.md).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.table import Table

from mmctl.engine import run_command
from mmctl.engine.commands.whole_tables import print_table
from mmctl.evaluation import (
    PROTOCOLS,
    Evaluation,
    Protocol,
    Refinement,
    TrackletFeatures,
    find_oddities,
    read_features,
)
from mmctl.evaluation.tracklet_features import recorded_setting
from mmctl.files import write_whole
from mmctl.functional.distance import DISTANCES
from mmctl.functional.ranking import NoMatchError

DEFAULT_TOPK = (1, 5, 10, 20)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("features", type=Path, help=".npz or .mat file; with --gallery the queries")
    parser.add_argument("--gallery", type=Path, help="file of the gallery, if it is another one")
    parser.add_argument(
        "--protocol",
        nargs="+",
        choices=[*(protocol.name for protocol in PROTOCOLS), "all"],
        help="default: what the file was tested under, or query-in-gallery",
    )
    parser.add_argument("--distance", choices=DISTANCES, help="default: the file's, or cosine")
    parser.add_argument("--rerank", action="store_true", help="k-reciprocal re-ranking")
    parser.add_argument("--k1", type=int, help="reciprocal neighbours (default: 20)")
    parser.add_argument("--k2", type=int, help="neighbours that are averaged (default: 6)")
    parser.add_argument("--lambda-value", type=float, help="the distance's weight (default: 0.3)")
    parser.add_argument("--query-expansion", type=int, metavar="N", help="average N neighbours in")
    parser.add_argument("--alpha", type=float, help="weigh them by cos^alpha (default: 0)")
    parser.add_argument(
        "--centre-cameras", action="store_true", help="take each camera's mean from its features"
    )
    parser.add_argument(
        "--topk", type=int, nargs="+", default=DEFAULT_TOPK, help="ranks of the CMC"
    )
    parser.add_argument("--dataset", help="compare counts with the official ones, e.g. MARS")
    parser.add_argument("--out", type=Path, metavar="JSON", help="save the numbers to this file")
    return parser.parse_args()


def read_refinement(args: argparse.Namespace) -> Refinement:
    """Return the refinement that the options ask for."""
    names = ("k1", "k2", "lambda_value")
    rerank = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if rerank and not args.rerank:
        raise ValueError(f"{', '.join(rerank)} belong to --rerank, which was not given")
    if args.alpha is not None and args.query_expansion is None:
        raise ValueError("--alpha belongs to --query-expansion, which was not given")
    config: dict[str, Any] = {"query_expansion": args.query_expansion, "alpha": args.alpha or 0.0}
    config |= {"rerank": rerank if args.rerank else None, "centre_cameras": args.centre_cameras}
    return Refinement.from_config(config)


def evaluate_all(
    tracklets: TrackletFeatures, args: argparse.Namespace
) -> tuple[list[Evaluation], dict[str, NoMatchError]]:
    """Evaluate under each protocol that was asked for; return why some cannot score anything."""
    known = tuple(protocol.name for protocol in PROTOCOLS)
    names = args.protocol or [recorded_setting(args.features, "protocol", known[0], known)]
    if "all" in names:
        names = known
    distance = args.distance or recorded_setting(args.features, "distance", "cosine", DISTANCES)
    options = {"refinement": read_refinement(args), "topk": max(args.topk)}
    evaluations, reasons = [], {}
    for name in names:
        try:
            evaluations.append(
                tracklets.evaluate(Protocol.named(name), distance=distance, **options)
            )
        except NoMatchError as reason:
            reasons[name] = reason
    return evaluations, reasons


def to_row(evaluation: Evaluation, topk: list[int]) -> dict[str, Any]:
    """Return the numbers in percent, the counts, and what decides them."""
    ranking = evaluation.ranking
    return {
        "protocol": evaluation.protocol.name,
        "distance": evaluation.distance,
        "refinement": str(evaluation.refinement),
        "mAP": 100 * ranking.mean_average_precision,
        **{f"R{k}": 100 * float(ranking.cmc[k - 1]) for k in topk},
        "mINP": 100 * ranking.mean_inverse_penalty,
        "num_queries": ranking.num_queries,
        "all_queries": len(evaluation.query_rows),
        "num_gallery": len(evaluation.gallery_rows),
    }


def to_table(rows: list[dict[str, Any]]) -> Table:
    """Lay the rows out for a terminal."""
    table = Table()
    table.add_column("protocol")
    shown = [name for name in rows[0] if name not in ("protocol", "distance", "refinement")]
    titles = {"num_queries": "queries scored", "all_queries": "of", "num_gallery": "gallery"}
    for name in shown:
        table.add_column(titles.get(name, name), justify="right")
    for row in rows:
        cells = [f"{row[name]:.2f}" if name not in titles else str(row[name]) for name in shown]
        table.add_row(str(Protocol.named(row["protocol"])), *cells)
    return table


def main() -> None:
    args = parse_args()
    if min(args.topk) < 1:
        raise ValueError(f"--topk must be positive ranks, got {args.topk}")
    read_refinement(args)
    tracklets = read_features(args.features, args.gallery)
    evaluations, reasons = evaluate_all(tracklets, args)
    if not evaluations:
        raise next(iter(reasons.values()))
    rows = [to_row(evaluation, args.topk) for evaluation in evaluations]
    print_table(to_table(rows), f"{rows[0]['distance']} distance, {rows[0]['refinement']}")
    for name, reason in reasons.items():
        print(f"not scored, {name}: {reason}")
    dataset = args.dataset or recorded_setting(args.features, "dataset", "")
    for evaluation in evaluations:
        for oddity in find_oddities(tracklets, evaluation, dataset):
            print(f"WARNING, {evaluation.protocol.name}: {oddity}")
    if args.out is not None:
        write_whole(args.out, json.dumps(rows, indent=2).encode())


if __name__ == "__main__":
    run_command(main)
