"""What ``tools/gallery.py`` prints of a gallery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from mmctl.engine.commands.whole_tables import print_table
from mmctl.gallery import QueryResult, StoredTracklet
from mmctl.gallery.moments import to_text

_COLUMNS = ("id", "camera", "video", "track", "frames", "start", "end", "quality", "pid", "crop")


def printable(text: str) -> str:
    """Return a text of a file as a terminal may get it: control characters as their numbers."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _cells(tracklet: StoredTracklet) -> list[Text]:
    frames = "" if tracklet.first_frame is None else f"{tracklet.first_frame}-{tracklet.last_frame}"
    who = "" if tracklet.pid is None else f"{tracklet.pid} ({tracklet.pid_source})"
    cells = (
        *(tracklet.id, tracklet.camera, tracklet.video, tracklet.track, frames),
        *(to_text(tracklet.start), to_text(tracklet.end)),
        None if tracklet.quality is None else f"{tracklet.quality:.2f}",
        *(who, tracklet.crop),
    )
    # Text is no markup, whatever a file's name looks like.
    return [Text("" if cell is None else printable(str(cell))) for cell in cells]


def print_tracklets(tracklets: Iterable[StoredTracklet]) -> None:
    """Print a table of tracklets."""
    table = Table(*_COLUMNS)
    for tracklet in tracklets:
        table.add_row(*_cells(tracklet))
    print_table(table)


def print_results(names: Sequence[str], results: Sequence[QueryResult]) -> None:
    """Print the hits of each query, and what was not searched.

    Args:
        names: What the queries are called.
        results: What they found.
    """
    for name, result in zip(names, results, strict=True):
        table = Table("rank", "similarity", *_COLUMNS)
        for hit in result.hits:
            table.add_row(str(hit.rank), f"{hit.similarity:.4f}", *_cells(hit.tracklet))
        print_table(table, f"{printable(name)}: {describe_search(result)}")


def describe_search(result: QueryResult) -> str:
    """Return a line about how many tracklets were searched, and why others were not."""
    line = f"{result.num_searched:,} tracklets searched"
    reasons = [f"{number:,} {reason}" for reason, number in result.excluded.items()]
    return f"{line}, left out: {', '.join(reasons)}" if reasons else line
