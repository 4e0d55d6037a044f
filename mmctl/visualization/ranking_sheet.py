"""A sheet of queries with their nearest gallery tracklets, right and wrong ones framed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmctl.evaluation.across_cameras import rank_across_cameras
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures
from mmctl.functional.ranking import removed_items
from mmctl.visualization.tracklet_sheet import (
    IGNORED,
    OTHER,
    QUERY,
    RIGHT,
    WRONG,
    Cell,
    SheetRow,
    draw_sheet,
)


def draw_ranking_sheet(
    tracklets: TrackletFeatures,
    evaluation: Evaluation,
    out_file: str | Path,
    *,
    num_queries: int = 6,
    num_matches: int = 10,
    show_ignored: bool = True,
) -> None:
    """Draw the worst, the middle and the best queries, each with its nearest tracklets.

    Green frames are right, red ones wrong. Tracklets of the same person from the same camera do
    not count; they are dimmed, hatched and have no rank. The query itself is never among its
    neighbours. Each tracklet shows its middle frame. Equal input gives an equal picture.

    Args:
        tracklets: A test split with features.
        evaluation: Its evaluation, of which the sheet draws some queries.
        out_file: PNG file to write; missing folders are made.
        num_queries: Rows of the sheet, a third of each kind; fewer if fewer were scored.
        num_matches: Neighbours of each query.
        show_ignored: Whether tracklets that do not count are drawn at all.

    Raises:
        ValueError: If a count is not positive, or a frame is no picture.
        FileNotFoundError: If a frame is missing.
    """
    _check_counts(num_queries, num_matches)
    rows = []
    for kind, query in choose_queries(evaluation.ranking.average_precision, num_queries):
        ranking = evaluation.ranking
        label = (
            f"{kind}\nAP {100 * ranking.average_precision[query]:.1f} %\n"
            f"first match: {ranking.first_match[query] + 1}"
        )
        own = evaluation.query_rows[query]
        matches = _matches(own, tracklets, evaluation, show_ignored)[:num_matches]
        rows.append(SheetRow(label, [Cell(own, QUERY, "query"), *matches]))
    legend = [(QUERY, "query"), (RIGHT, "same person"), (WRONG, "another person or distractor")]
    if show_ignored:
        legend.append((IGNORED, "same person, same camera: does not count"))
    draw_sheet(tracklets, rows, describe_evaluation(evaluation), legend, out_file)


def draw_across_cameras(
    tracklets: TrackletFeatures,
    out_file: str | Path,
    *,
    distance: str = "cosine",
    num_queries: int = 6,
    num_matches: int = 10,
) -> None:
    """Draw tracklets with the nearest ones of other cameras, right or wrong: no label is used.

    Args:
        tracklets: Features with their cameras; whoever is a query.
        out_file: PNG file to write; missing folders are made.
        distance: ``'cosine'`` or ``'euclidean'``.
        num_queries: Rows of the sheet: a third each of the tracklets whose nearest one is
            farthest, in the middle and nearest of all.
        num_matches: Neighbours of each.

    Raises:
        ValueError: If a count is not positive, there are not two cameras, or a frame is no picture.
        FileNotFoundError: If a frame is missing.
    """
    _check_counts(num_queries, num_matches)
    found = rank_across_cameras(tracklets, distance=distance, num_matches=num_matches)
    mutual, names = found.is_mutual(), {"worst": "farthest", "middle": "middle", "best": "nearest"}
    rows = []
    for kind, place in choose_queries(-found.distances[:, 0], num_queries):
        cells = [Cell(found.rows[place], QUERY, "tracklet")]
        for rank, other in enumerate(found.nearest[place]):
            if other >= 0:
                sign = " ↔" if rank == 0 and mutual[place] else ""
                title = f"{rank + 1}{sign}  {found.distances[place, rank]:.3f}"
                cells.append(Cell(other, OTHER, title))
        rows.append(SheetRow(names[kind], cells))
    heading = (
        f"nearest tracklets of other cameras, {distance} distance\n{len(found.rows)} tracklets; "
        "no label is used"
    )
    legend = [(QUERY, "tracklet"), (OTHER, "of another camera (↔ nearest to each other)")]
    draw_sheet(tracklets, rows, heading, legend, out_file)


def _check_counts(num_queries: int, num_matches: int) -> None:
    if num_queries < 1 or num_matches < 1:
        raise ValueError(
            "num_queries and num_matches must be positive to draw anything, "
            f"got {num_queries} and {num_matches}"
        )


def choose_queries(average_precision: np.ndarray, count: int) -> list[tuple[str, int]]:
    """Return (kind, query) of the worst, middle and best queries, worst first.

    Args:
        average_precision: Of each query, (Q,); NaN if not scored. Equal ones go by index.
        count: Queries wanted.

    Returns:
        At most ``count`` different scored queries, as equally many of each kind as possible.
    """
    order = np.argsort(average_precision, kind="stable")
    order = order[: np.count_nonzero(~np.isnan(average_precision))]
    count = min(count, len(order))
    num_worst, num_best = (count + 2) // 3, (count + 1) // 3
    num_middle = count - num_worst - num_best
    middle = num_worst + (len(order) - count) // 2
    return [
        *(("worst", int(query)) for query in order[:num_worst]),
        *(("middle", int(query)) for query in order[middle : middle + num_middle]),
        *(("best", int(query)) for query in order[len(order) - num_best :]),
    ]


def _matches(
    own: int, tracklets: TrackletFeatures, evaluation: Evaluation, show_ignored: bool
) -> list[Cell]:
    gallery = evaluation.gallery_rows
    distances = tracklets.distances(np.array([own]), gallery, metric=evaluation.distance)[0]
    pid = tracklets.pids[own]
    ignored = removed_items(
        pid, tracklets.camids[own], tracklets.pids[gallery], tracklets.camids[gallery]
    )
    cells: list[Cell] = []
    rank = 0
    for item in np.argsort(distances, kind="stable"):
        other, distance = gallery[item], f"{distances[item]:.3f}"
        if ignored[item]:
            if other != own and show_ignored:
                cells.append(Cell(other, IGNORED, f"–   {distance}"))
            continue
        rank += 1
        colour, sign = (RIGHT, "✓") if tracklets.pids[other] == pid else (WRONG, "✗")
        cells.append(Cell(other, colour, f"{rank} {sign}  {distance}"))
    return cells


def describe_evaluation(evaluation: Evaluation) -> str:
    """Return two lines: how was ranked, and how good the ranking is."""
    ranking = evaluation.ranking
    return (
        f"protocol {evaluation.protocol}, {evaluation.distance} distance\n"
        f"R1 {100 * ranking.cmc[0]:.1f} %   mAP {100 * ranking.mean_average_precision:.1f} %   "
        f"{ranking.num_queries} of {len(evaluation.query_rows)} queries scored, "
        f"gallery {len(evaluation.gallery_rows)}"
    )
