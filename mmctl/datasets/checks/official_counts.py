"""What the published data sets hold, as far as it is known for certain."""

from __future__ import annotations

from collections.abc import Mapping

OFFICIAL_COUNTS: dict[str, dict[str, dict[str, float]]] = {
    # Computed from the official tracks_*_info.mat and query_IDX.mat.
    "MARS": {
        "train": {
            "tracklets": 8298,
            "pids": 625,
            "cameras": 6,
            "frames": 509_914,
            "shortest": 5,
            "longest": 900,
            "median": 36,
        },
        "test": {
            "tracklets": 12180,
            "pids": 634,
            "cameras": 6,
            "frames": 681_089,
            "shortest": 2,
            "longest": 920,
        },
        "query": {"tracklets": 1980, "pids": 626, "cameras": 6},
        "gallery": {"tracklets": 10200},
        "junk": {"tracklets": 870, "pids": 0},
        "distractors": {"tracklets": 3248, "pids": 0},
    },
    "ILIDSVID": {
        "train": {"tracklets": 300, "pids": 150, "cameras": 2},
        "test": {"tracklets": 300, "pids": 150, "cameras": 2},
        "query": {"tracklets": 150, "pids": 150, "cameras": 1},
        "gallery": {"tracklets": 150, "pids": 150, "cameras": 1},
    },
    "PRID2011": {
        "train": {"tracklets": 178, "pids": 89, "cameras": 2},
        "test": {"tracklets": 178, "pids": 89, "cameras": 2},
        "query": {"tracklets": 89, "pids": 89, "cameras": 1},
        "gallery": {"tracklets": 89, "pids": 89, "cameras": 1},
    },
    "DukeMTMCVideoReID": {
        "train": {"tracklets": 2196, "pids": 702},
        "query": {"tracklets": 702, "pids": 702},
        "gallery": {"tracklets": 2636},
    },
    "LSVID": {
        "train": {"tracklets": 2831},
        "query": {"tracklets": 3504},
        "gallery": {"tracklets": 7829},
    },
}
"""By class name and subset of the data set; ``gallery`` are the tracklets that are no queries."""

OFFICIAL_PROTOCOLS: dict[str, dict[str, dict[str, int]]] = {
    "MARS": {
        "query-in-gallery": {"scored": 1980, "gallery": 11310},
        "mars-official": {"scored": 1980, "gallery": 11310},
        "query-excluded": {"scored": 1840, "gallery": 9330},
    },
    "ILIDSVID": {
        "query-excluded": {"scored": 150, "gallery": 150},
        "cross-camera": {"scored": 150, "gallery": 150},
    },
    "PRID2011": {
        "query-excluded": {"scored": 89, "gallery": 89},
        "cross-camera": {"scored": 89, "gallery": 89},
    },
}
"""Queries scored and tracklets ranked, by class name and protocol."""


def compare(found: Mapping[str, float], official: Mapping[str, float]) -> tuple[str, list[str]]:
    """Compare counts with what they should be.

    Args:
        found: What was counted.
        official: What is known, some of the same keys.

    Returns:
        ``'OK'``, ``'differs'`` or ``'not known'``, and the official values that differ in words.
    """
    wrong = [f"{key} {value:,}" for key, value in official.items() if found[key] != value]
    if wrong:
        return "differs", wrong
    return ("OK" if official else "not known"), []
