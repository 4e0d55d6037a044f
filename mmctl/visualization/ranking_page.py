"""Queries and what was found for them, as one HTML file that needs no other and no network."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from html import escape
from pathlib import Path

import numpy as np

from mmctl.datasets.frame_decoding import decode_frame
from mmctl.files import read_bytes, write_whole
from mmctl.functional.ranking import DISTRACTOR_PID, JUNK_PID
from mmctl.visualization.ranking_page_parts import FILTERS, PROGRAM, STYLE
from mmctl.visualization.thumbnails import to_thumbnail

MOST_FRAMES = 6
_HEIGHT = 128
_MOST_FAULTS = 5


@dataclass(frozen=True)
class PageTracklet:
    """A tracklet as the page shows it.

    Attributes:
        name: What it is called.
        frames: Pictures of it in time order, of which up to :data:`MOST_FRAMES` are shown.
        camera: Number of the camera; None if unknown.
        track: Number of the track in it; None if unknown.
        video: Name of the video; '' if unknown.
        start: When it begins, with a time zone; None if unknown.
        seconds: Seconds from the video's beginning; None if unknown.
        pid: Person; None if unknown.
        facts: Further lines, name and value.
    """

    name: str
    frames: Sequence[str | Path] = ()
    camera: int | None = None
    track: int | None = None
    video: str = ""
    start: datetime | None = None
    seconds: float | None = None
    pid: int | None = None
    facts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class PageHit:
    """A tracklet that was found.

    Attributes:
        similarity: Similarity with the query; larger is more alike.
        tracklet: The tracklet.
        verdict: What a calibration says of the similarity; '' without one.
        is_mutual: Whether query and hit are nearest to each other.
    """

    similarity: float
    tracklet: PageTracklet
    verdict: str = ""
    is_mutual: bool = False


@dataclass(frozen=True)
class PageQuery:
    """A query and its hits, the most similar first.

    Attributes:
        tracklet: The query.
        hits: What was found.
        note: What was searched and left out.
    """

    tracklet: PageTracklet
    hits: Sequence[PageHit] = field(default=())
    note: str = ""


def write_ranking_page(
    out_file: str | Path,
    queries: Sequence[PageQuery],
    title: str,
    notes: Sequence[str] = (),
    report: Callable[[int], None] | None = None,
) -> list[str]:
    """Write the page: strips of frames, filters, and buttons to say who is who.

    Frames are kept small (128 pixels high, JPEG), about 3 kB each. Names come from files of others:
    they are written as text, whatever they hold. Answers stay in the reader's browser until they
    are saved as a file of ``camera,track_id,pid`` lines, which ``label_tracklets.py`` and
    ``convert_mot.py`` read.

    Args:
        out_file: HTML file to write; missing folders are made.
        queries: What to show.
        title: Heading.
        notes: Lines below it.
        report: Is told how many queries are drawn.

    Returns:
        A line for each frame that could not be shown; its place says so, too.

    Raises:
        ValueError: If there is nothing to show.
    """
    if not queries:
        raise ValueError("a page of rankings must have a query to show, got none")
    pictures = _Pictures()
    sections = []
    for number, query in enumerate(queries):
        sections.append(_query_section(number, query, pictures))
        if report is not None:
            report(number + 1)
    cameras = sorted({h.tracklet.camera for q in queries for h in q.hits} - {None}, key=str)
    options = "".join(f'<option value="{camera}">camera {camera}</option>' for camera in cameras)
    heading = f"<h1>{escape(title)}</h1>" + "".join(f"<p>{escape(note)}</p>" for note in notes)
    content = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # No address can be loaded, whatever a name holds.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>"
        f"<header>{heading}{FILTERS.replace('OPTIONS', options)}</header>\n"
        f"<main>{chr(10).join(sections)}</main>\n<script>{PROGRAM}</script></body></html>\n"
    )
    path = Path(out_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.encode("utf-8", "replace"))
    return pictures.faults


def print_written(out_file: str | Path, num_queries: int, faults: Sequence[str]) -> None:
    """Print what was written, and which frames are missing."""
    for fault in faults[:_MOST_FAULTS]:
        print(f"WARNING: {fault}", file=sys.stderr)
    missing = f", {len(faults):,} frames could not be read" if faults else ""
    print(f"{out_file}: {num_queries:,} queries{missing}")


class _Pictures:
    """Thumbnails, each file read once."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._known: dict[str, str] = {}

    def of(self, path: str | Path) -> str:
        name = str(path)
        if name not in self._known:
            self._known[name] = self._draw(name)
        return self._known[name]

    def _draw(self, name: str) -> str:
        try:
            frame = decode_frame(read_bytes(name, "frame"), name)
        except (OSError, ValueError) as error:
            self.faults.append(str(error))
            return '<span class="lost">frame cannot be read</span>'
        jpeg, width = to_thumbnail(frame, _HEIGHT)
        data = base64.b64encode(jpeg).decode("ascii")
        return (
            f'<img alt="" src="data:image/jpeg;base64,{data}" width="{width}" height="{_HEIGHT}">'
        )


def _query_section(number: int, query: PageQuery, pictures: _Pictures) -> str:
    cells = [
        f'<article class="query" tabindex="0" {_attributes(query.tracklet)}>'
        f"{_body(query.tracklet, 'query', pictures)}</article>"
    ]
    for rank, hit in enumerate(query.hits, start=1):
        same = is_same_person(query.tracklet.pid, hit.tracklet.pid)
        colour = {True: "right", False: "wrong", None: "open"}[same]
        said = {True: "same person", False: "another person", None: ""}[same]
        heading = f"{rank}{' ↔' if hit.is_mutual else ''} · {hit.similarity:.3f}"
        verdict = f'<p class="verdict">{escape(hit.verdict)}</p>' if hit.verdict else ""
        known = f'<p class="known">{said}</p>' if said else ""
        cells.append(
            f'<article class="hit {colour}" tabindex="0" data-similarity="{hit.similarity:.6f}" '
            f"{_attributes(hit.tracklet)}>{_body(hit.tracklet, heading, pictures)}{verdict}{known}"
            '<div class="answers"><button type="button" data-answer="same">same</button>'
            '<button type="button" data-answer="other">another</button></div></article>'
        )
    note = f"<p>{escape(query.note)}</p>" if query.note else ""
    empty = "" if query.hits else "<p>nothing was found</p>"
    return (
        f'<section aria-label="query {number + 1}"><h2>{escape(query.tracklet.name)}</h2>{note}'
        f'{empty}<div class="row">{"".join(cells)}</div></section>'
    )


def is_same_person(query: int | None, hit: int | None) -> bool | None:
    """Return whether a hit is right; None where nobody knows.

    Example:
        >>> is_same_person(3, 3), is_same_person(3, 0), is_same_person(3, None)
        (True, False, None)
    """
    unknown = (None, JUNK_PID)
    if query in unknown or hit in unknown or query == hit == DISTRACTOR_PID:
        return None
    return query == hit


def _attributes(tracklet: PageTracklet) -> str:
    values = {
        "camera": tracklet.camera,
        "track": tracklet.track,
        "pid": tracklet.pid,
        "start": None if tracklet.start is None else int(tracklet.start.timestamp() * 1000),
    }
    return " ".join(f'data-{key}="{value}"' for key, value in values.items() if value is not None)


def _body(tracklet: PageTracklet, heading: str, pictures: _Pictures) -> str:
    frames = list(tracklet.frames)
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int)
    strip = "".join(pictures.of(frames[index]) for index in chosen.tolist())
    facts = [("camera", "unknown" if tracklet.camera is None else str(tracklet.camera))]
    if tracklet.start is not None:
        moment = tracklet.start.astimezone(timezone.utc)
        facts.append(("time", f"{moment:%Y-%m-%d %H:%M:%S} UTC"))
    if tracklet.video:
        facts.append(("video", tracklet.video + at_time(tracklet.seconds)))
    if tracklet.track is not None:
        facts.append(("track", str(tracklet.track)))
    facts.append(("person", "unknown" if tracklet.pid is None else str(tracklet.pid)))
    facts += tracklet.facts
    lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f'<h3>{escape(heading)}</h3><div class="strip">{strip}</div><dl>{lines}</dl>'


def at_time(seconds: float | None) -> str:
    """Return a moment of a video as ``@mm:ss``, '' if it is unknown.

    Example:
        >>> at_time(75.4), at_time(3675.0)
        ('@01:15', '@61:15')
    """
    return "" if seconds is None else f"@{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
