"""A sheet of queries with their nearest gallery tracklets, right and wrong ones framed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Patch, Rectangle

from mmctl.datasets.transforms.load_frames import decode_frame
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures
from mmctl.functional.ranking import removed_items

QUERY, RIGHT, WRONG, IGNORED = "#1f5fbf", "#1a9641", "#d7191c", "#8c8c8c"
_CELL = (256, 128)
_CELL_INCHES = (2.3, 1.05)
_TITLE_INCHES, _LEGEND_INCHES, _LABEL_INCHES = 0.75, 0.5, 1.2


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
    if num_queries < 1 or num_matches < 1:
        raise ValueError(
            "num_queries and num_matches must be positive to draw anything, "
            f"got {num_queries} and {num_matches}"
        )
    chosen = choose_queries(evaluation.ranking.average_precision, num_queries)
    figure, grid = _empty_sheet(len(chosen), num_matches + 1)
    for row, (kind, query) in enumerate(chosen):
        _draw_query(figure, grid, (row, query), kind, tracklets, evaluation)
        _draw_matches(figure, grid, (row, query), tracklets, evaluation, show_ignored)
    _draw_frame_of_sheet(figure, evaluation, show_ignored)
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(out_file, dpi=110, format="png")


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


def _empty_sheet(num_rows: int, num_columns: int) -> tuple[Figure, GridSpec]:
    cell_height, cell_width = _CELL_INCHES
    height = cell_height * num_rows + _TITLE_INCHES + _LEGEND_INCHES
    width = cell_width * num_columns + _LABEL_INCHES
    figure = Figure(figsize=(width, height))
    grid = figure.add_gridspec(
        num_rows,
        num_columns,
        top=1 - _TITLE_INCHES / height,
        bottom=_LEGEND_INCHES / height,
        left=_LABEL_INCHES / width,
        right=1 - 0.1 / width,
        wspace=0.12,
        hspace=0.12,
    )
    return figure, grid


def _draw_query(
    figure: Figure,
    grid: GridSpec,
    place: tuple[int, int],
    kind: str,
    tracklets: TrackletFeatures,
    evaluation: Evaluation,
) -> None:
    row, query = place
    ranking = evaluation.ranking
    axes = figure.add_subplot(grid[row, 0])
    _draw_tracklet(axes, tracklets, evaluation.query_rows[query], QUERY, "query")
    axes.set_ylabel(
        f"{kind}\nAP {100 * ranking.average_precision[query]:.1f} %\n"
        f"first match: {ranking.first_match[query] + 1}",
        rotation="horizontal",
        ha="right",
        va="center",
        fontsize=9,
    )


def _draw_matches(
    figure: Figure,
    grid: GridSpec,
    place: tuple[int, int],
    tracklets: TrackletFeatures,
    evaluation: Evaluation,
    show_ignored: bool,
) -> None:
    row, query = place
    own, gallery = evaluation.query_rows[query], evaluation.gallery_rows
    distances = tracklets.distances(own[None], gallery, metric=evaluation.distance)[0]
    pid = tracklets.pids[own]
    ignored = removed_items(
        pid, tracklets.camids[own], tracklets.pids[gallery], tracklets.camids[gallery]
    )
    drawn = (gallery != own) & (show_ignored | ~ignored)
    order = [item for item in np.argsort(distances, kind="stable") if drawn[item]]
    rank = 0
    for column, item in enumerate(order[: grid.ncols - 1], start=1):
        axes = figure.add_subplot(grid[row, column])
        if ignored[item]:
            _draw_tracklet(axes, tracklets, gallery[item], IGNORED, f"–   {distances[item]:.3f}")
            continue
        rank += 1
        colour, sign = (RIGHT, "✓") if tracklets.pids[gallery[item]] == pid else (WRONG, "✗")
        title = f"{rank} {sign}  {distances[item]:.3f}"
        _draw_tracklet(axes, tracklets, gallery[item], colour, title)


def _draw_tracklet(
    axes: Axes, tracklets: TrackletFeatures, tracklet: int, colour: str, title: str
) -> None:
    is_ignored = colour == IGNORED
    picture = _read_picture(str(tracklets.frame_paths[tracklet]))
    axes.imshow(picture, alpha=0.4 if is_ignored else 1.0)
    if is_ignored:
        height, width = _CELL
        axes.add_patch(
            Rectangle((0, 0), width, height, fill=False, hatch="//", edgecolor=IGNORED, lw=0)
        )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(edgecolor=colour, linewidth=3.5)
    axes.set_title(title, fontsize=9, color=colour, pad=4, fontweight="bold")
    axes.set_xlabel(
        f"pid {tracklets.pids[tracklet]}  cam {tracklets.camids[tracklet]}", fontsize=7.5
    )


def _read_picture(path: str) -> np.ndarray:
    """Return a frame as RGB of the size of a cell, (H, W, 3), uint8."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"each tracklet must have a readable frame to be drawn, got {path!r}; was the data "
            "moved since the features were saved?"
        )
    picture, (height, width) = decode_frame(Path(path).read_bytes(), path), _CELL
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def _draw_frame_of_sheet(figure: Figure, evaluation: Evaluation, show_ignored: bool) -> None:
    ranking = evaluation.ranking
    figure.suptitle(
        f"protocol {evaluation.protocol}, {evaluation.distance} distance\n"
        f"R1 {100 * ranking.cmc[0]:.1f} %   mAP {100 * ranking.mean_average_precision:.1f} %   "
        f"{ranking.num_queries} of {len(evaluation.query_rows)} queries scored, "
        f"gallery {len(evaluation.gallery_rows)}",
        fontsize=11,
        y=1 - 0.08 / figure.get_figheight(),
    )
    kinds = [(QUERY, "query"), (RIGHT, "same person"), (WRONG, "another person or distractor")]
    handles = [Patch(facecolor="none", edgecolor=c, lw=3, label=label) for c, label in kinds]
    if show_ignored:
        label = "same person, same camera: does not count"
        handles.append(Patch(facecolor="none", edgecolor=IGNORED, hatch="//", label=label))
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
