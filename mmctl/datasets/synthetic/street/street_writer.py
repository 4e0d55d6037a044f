"""A drawn street as videos and lists: in parallel, resumable, never half-written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from mmctl.datasets.synthetic.drawing_state import State
from mmctl.datasets.synthetic.street import street_files, street_state
from mmctl.datasets.synthetic.street.mp4_segments import join_segments, read_segment
from mmctl.datasets.synthetic.street.street_segment import (
    Segment,
    SegmentTruth,
    plan_segments,
    read_truth,
    remove_leftovers,
    write_segment,
)
from mmctl.datasets.synthetic.street.street_settings import StreetSettings
from mmctl.datasets.synthetic.street.street_sheet import write_sheet
from mmctl.datasets.synthetic.street.walks import plan_visits
from mmctl.datasets.synthetic.worker_pool import one_thread, worker_pool
from mmctl.files import check_free_space, open_atomically

Report = Callable[[int], None]

_BYTES_PER_PIXEL = 0.12
"""Of a frame in a video, rounded up; measured: 0.04 to 0.08."""

_BYTES_PER_PERSON = 700
"""Of a person in a frame, in the lists."""


class StreetWriter:
    """Writes one drawn street.

    Args:
        folder: Where to.
        settings: What to draw.
        workers: Processes that draw; 1 draws in this one.

    Raises:
        ValueError: If ``workers`` is not positive.
    """

    def __init__(self, folder: Path, settings: StreetSettings, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(
                f"workers must be positive, because somebody has to draw, got {workers}"
            )
        self.folder = folder
        self.settings = settings
        self.workers = workers
        self.segments = plan_segments(settings)

    def is_finished(self) -> bool:
        """Return whether everything is written already.

        Raises:
            ValueError: If the folder belongs to something else.
        """
        return street_state.inspect_street(self.folder, self.settings) is State.FINISHED

    def pending(self) -> list[Segment]:
        """Return the segments that are still to be drawn.

        Raises:
            ValueError: If the folder belongs to something else.
        """
        if street_state.inspect_street(self.folder, self.settings) is State.EMPTY:
            return self.segments
        return [segment for segment in self.segments if not segment.is_whole(self._drawing)]

    def check_space(self, pending: list[Segment]) -> None:
        """Raise DiskFullError if what is still to be drawn will not fit on the disk."""
        height, width = self.settings.size
        # Segments and the joined videos are there together for a while.
        frames = len(self.segments) * 250 + sum(item.end - item.first for item in pending)
        needed = int(frames * height * width * _BYTES_PER_PIXEL)
        needed += self.settings.people * self.settings.num_frames * _BYTES_PER_PERSON // 4
        check_free_space(self.folder, needed, "draw shorter or smaller videos")

    def write(self, report: Report | None = None) -> None:
        """Draw what is missing, join the videos and write the lists.

        Args:
            report: Called with the number of frames of each segment when it is written.

        Raises:
            DiskFullError: If the disk fills up. What is drawn stays; run again to go on.
        """
        pending = self.pending()
        street_state.begin(self.folder, self.settings)
        remove_leftovers(self._drawing)
        for segment in self._draw_all(pending):
            if report is not None:
                report(segment.end - segment.first)
        self._finish()

    @property
    def _drawing(self) -> Path:
        return street_state.drawing_folder(self.folder)

    def _draw_all(self, pending: list[Segment]) -> Iterator[Segment]:
        if self.workers == 1 or len(pending) < 2:
            with one_thread():
                for segment in pending:
                    yield write_segment(self.settings, segment, self._drawing)
            return
        with worker_pool(min(self.workers, len(pending))) as pool:
            waiting: set[Future[Segment]] = {
                pool.submit(write_segment, self.settings, segment, self._drawing)
                for segment in pending
            }
            try:
                while waiting:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _finish(self) -> None:
        visits = plan_visits(self.settings)
        seen = {}
        for camid, walks in visits.items():
            segments = [item for item in self.segments if item.camid == camid]

            def truths(segments: list[Segment] = segments) -> Iterator[SegmentTruth]:
                return (read_truth(segment, self._drawing) for segment in segments)

            with open_atomically(self.folder / street_files.video_name(camid), "wb") as file:
                join_segments([read_segment(item.video(self._drawing)) for item in segments], file)
            street_files.write_boxes(self.folder / street_files.boxes_name(camid), truths)
            poses = self.folder / street_files.poses_name(camid)
            street_files.write_poses(poses, truths, self.settings, walks)
            seen[camid] = {track for truth in truths() for track in _seen_tracks(truth)}
        street_files.write_identities(self.folder / street_files.IDENTITIES, seen, visits)
        street_files.write_cameras(self.folder / street_files.CAMERAS, self.settings)
        write_sheet(self.folder / street_state.SHEET, self.settings, visits)
        street_state.finish(self.folder, self.settings)


def _seen_tracks(truth: SegmentTruth) -> set[int]:
    """Return the tracks that boxes not flagged as to be ignored have in a segment."""
    people = truth.people
    return set(people.tracks[people.visible >= street_files.MIN_VISIBLE].tolist())
