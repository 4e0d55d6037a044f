"""Pages of rankings from what searches give: a gallery's hits, or a file of features."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mmctl.evaluation.across_cameras import rank_across_cameras
from mmctl.evaluation.calibration import Calibration
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures
from mmctl.functional.ranking import JUNK_PID, removed_items
from mmctl.gallery import QueryResult, StoredTracklet
from mmctl.gallery.moments import to_datetime
from mmctl.gallery.records import TrackletRecord
from mmctl.visualization.ranking_page import PageHit, PageQuery, PageTracklet
from mmctl.visualization.ranking_sheet import choose_queries

_NUMBERED = re.compile(r"(.*?)([0-9]+)(\.[A-Za-z]+)")
Verdicts = Callable[[float], str]
"""What is said of a similarity."""


def make_verdicts(calibration: Calibration | None, gallery_size: int) -> Verdicts:
    """Return what a calibration says of a similarity; '' of each without one.

    Args:
        calibration: As ``tools/analysis_tools/calibrate.py`` measured it.
        gallery_size: Tracklets that a query is compared with.
    """
    if calibration is None:
        return lambda _: ""

    def verdict(similarity: float) -> str:
        found = calibration.verdict(float(np.clip(similarity, -1, 1)), gallery_size)
        return (
            f"one person with probability {found.probability:.3f}; of {gallery_size:,} others at "
            f"most {found.expected_false_alarms:.3g} are expected to be as similar"
        )

    return verdict


def find_strip(frame: str | Path | None) -> list[Path]:
    """Return the frames of a tracklet from one of them: its neighbours of the same name and folder.

    Names of frames differ in the number at their end, in every layout that is read here. What is no
    file of the folder itself (a link) is left out.

    Args:
        frame: Path of one frame; None or '' if there is none.
    """
    if not frame:
        return []
    path = Path(frame)
    found = _NUMBERED.fullmatch(path.name)
    alike = _numbered_files(path.parent).get(_kind(found)) if found else None
    return [path.parent / name for name in alike or [path.name]]


def _kind(found: re.Match[str]) -> tuple[str, int, str]:
    return found[1], len(found[2]), found[3]


def _numbered_files(folder: Path) -> dict[tuple[str, int, str], list[str]]:
    """Return the files of a folder by what their names have in common, in the order of numbers."""
    try:
        return _list_numbered(str(folder), folder.stat().st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=64)
def _list_numbered(folder: str, changed: int) -> dict[tuple[str, int, str], list[str]]:  # noqa: ARG001
    kinds: dict[tuple[str, int, str], list[str]] = {}
    for name in sorted(entry.name for entry in os.scandir(folder) if not entry.is_symlink()):
        if found := _NUMBERED.fullmatch(name):
            kinds.setdefault(_kind(found), []).append(name)
    return kinds


def show_stored(tracklet: StoredTracklet) -> PageTracklet:
    """Return a tracklet of a gallery as the page shows it."""
    facts = [("id", tracklet.id)]
    if tracklet.quality is not None:
        facts.append(("quality", f"{tracklet.quality:.2f}"))
    if tracklet.pid is not None:
        facts.append(("said by", tracklet.pid_source))
    return PageTracklet(
        name=tracklet.name or tracklet.id,
        frames=find_strip(tracklet.find_crop()),
        camera=tracklet.camera,
        track=tracklet.track,
        video=tracklet.video,
        start=tracklet.start,
        seconds=tracklet.first_time,
        pid=tracklet.pid,
        facts=facts,
    )


def show_results(
    queries: Sequence[PageTracklet], results: Sequence[QueryResult], verdicts: Verdicts
) -> list[PageQuery]:
    """Return what a gallery found.

    Args:
        queries: What was searched for.
        results: What :meth:`~mmctl.gallery.Gallery.search` returned.
        verdicts: What is said of a similarity.
    """
    pages = []
    for query, result in zip(queries, results, strict=True):
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in result.excluded.items())
        note = f"{result.num_searched:,} tracklets searched"
        hits = [
            PageHit(hit.similarity, show_stored(hit.tracklet), verdicts(hit.similarity))
            for hit in result.hits
        ]
        pages.append(PageQuery(query, hits, f"{note}, left out: {left_out}" if left_out else note))
    return pages


def show_record(record: TrackletRecord) -> PageTracklet:
    """Return a tracklet of a feature file as the page shows it."""
    # Files name crops absolutely, or relative to the folder that the command runs in.
    places = [Path(record.crop_root, record.crop), Path(record.crop)] if record.crop else []
    return PageTracklet(
        name=record.name,
        frames=find_strip(next(filter(Path.is_file, places), places[0] if places else None)),
        camera=record.camera,
        track=record.track,
        video=record.video,
        start=to_datetime(record.start),
        seconds=record.first_time,
        pid=record.pid,
    )


def show_row(tracklets: TrackletFeatures, row: int) -> PageTracklet:
    """Return a tracklet of a data set as the page shows it; its track in a video is unknown."""
    pid = int(tracklets.pids[row])
    return PageTracklet(
        name=f"tracklet {tracklets.tracklet_ids[row]}",
        frames=find_strip(str(tracklets.frame_paths[row])),
        camera=int(tracklets.camids[row]),
        pid=None if pid == JUNK_PID else pid,
    )


@dataclass(frozen=True)
class FoundRows:
    """Tracklets of a feature file, how each is shown, and what is said of a similarity.

    Attributes:
        tracklets: Features with labels.
        show: Returns how a row is shown.
        verdicts: What is said of a cosine.
        num_queries: Queries of the page.
        num_hits: Hits of each.
    """

    tracklets: TrackletFeatures
    show: Callable[[int], PageTracklet]
    verdicts: Verdicts
    num_queries: int = 30
    num_hits: int = 10

    def evaluated(self, evaluation: Evaluation) -> list[PageQuery]:
        """Return the worst, middle and best queries of a test, a third of each.

        Tracklets of the same person and camera, which do not count, are left out.

        Args:
            evaluation: The evaluation of the tracklets.
        """
        pages = []
        ranking, gallery = evaluation.ranking, evaluation.gallery_rows
        pids, camids = self.tracklets.pids, self.tracklets.camids
        for kind, place in choose_queries(ranking.average_precision, self.num_queries):
            own = evaluation.query_rows[place]
            distances = self.tracklets.distances(
                np.array([own]), gallery, metric=evaluation.distance
            )[0]
            left = removed_items(pids[own], camids[own], pids[gallery], camids[gallery])
            left |= gallery == own
            order = [item for item in np.argsort(distances, kind="stable") if not left[item]]
            hits = [(float(distances[item]), int(gallery[item])) for item in order[: self.num_hits]]
            note = (
                f"{kind} of the test: average precision {ranking.average_precision[place]:.1%}, "
                f"first match at rank {ranking.first_match[place] + 1}; "
                f"{np.count_nonzero(~left):,} tracklets ranked, {np.count_nonzero(left):,} of the "
                "same person and camera left out"
            )
            pages.append(self._query(int(own), hits, evaluation.distance, note))
        return pages

    def across_cameras(self, distance: str) -> list[PageQuery]:
        """Return tracklets with the nearest ones of other cameras; no label is used.

        They are a third each those with the farthest, middle and nearest neighbours.

        Args:
            distance: ``'cosine'`` or ``'euclidean'``.
        """
        found = rank_across_cameras(self.tracklets, distance=distance, num_matches=self.num_hits)
        mutual = found.is_mutual()
        names = {
            "worst": "among the lowest",
            "middle": "in the middle",
            "best": "among the highest",
        }
        pages = []
        for kind, place in choose_queries(-found.distances[:, 0], self.num_queries):
            rows = found.nearest[place]
            hits = [
                (float(found.distances[place, i]), int(r)) for i, r in enumerate(rows) if r >= 0
            ]
            similarity = _to_similarity(hits[0][0], distance)
            note = (
                f"similarity {similarity:.3f} with the nearest tracklet of another camera, "
                f"{names[kind]} of {len(found.rows):,} tracklets"
            )
            own = int(found.rows[place])
            pages.append(self._query(own, hits, distance, note, is_mutual=bool(mutual[place])))
        return pages

    def _query(
        self,
        own: int,
        hits: Sequence[tuple[float, int]],
        distance: str,
        note: str,
        is_mutual: bool = False,
    ) -> PageQuery:
        is_cosine = distance == "cosine"
        shown = []
        for rank, (value, row) in enumerate(hits):
            similarity = _to_similarity(value, distance)
            verdict = self.verdicts(similarity) if is_cosine else ""
            shown.append(PageHit(similarity, self.show(row), verdict, is_mutual and rank == 0))
        return PageQuery(self.show(own), shown, note)


def _to_similarity(value: float, distance: str) -> float:
    return 1 - value if distance == "cosine" else -value
