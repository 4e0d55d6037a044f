"""A gallery that lasts: tracklets of many cameras, searched by their features, and forgotten.

Needs no torch. :class:`Gallery` is all that users need; ``read_records`` reads what
``tools/extract_features.py`` writes.
"""

from mmctl.gallery.additions import Added
from mmctl.gallery.deletions import Deleted
from mmctl.gallery.feature_file import read_records
from mmctl.gallery.gallery import Gallery
from mmctl.gallery.health import Health
from mmctl.gallery.hits import REASONS, Hit, QueryResult, StoredTracklet
from mmctl.gallery.records import RecordSet, TrackletRecord, tracklet_id
from mmctl.gallery.settings import DTYPES, ENGINES, GallerySettings

__all__ = [
    "DTYPES",
    "ENGINES",
    "REASONS",
    "Added",
    "Deleted",
    "Gallery",
    "GallerySettings",
    "Health",
    "Hit",
    "QueryResult",
    "RecordSet",
    "StoredTracklet",
    "TrackletRecord",
    "read_records",
    "tracklet_id",
]
