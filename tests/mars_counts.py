"""Tracklets with the counts and quirks of the official MARS, drawn without its files.

The official files were counted once; the numbers are in ``docs/en/datasets.md``. Tracklets here
have two frames, but for the longest and the shortest ones.
"""

from __future__ import annotations

NUM_JUNK, NUM_DISTRACTORS = 870, 3248
NUM_TEST_PERSONS, NUM_QUERY_PERSONS = 634, 626
NUM_ALONE = 70
"""Persons with a query in each of two cameras and nothing else: without the queries in the gallery
their 140 queries have no match."""

Tracklets = list[tuple[int, int, int]]
"""pid, camid and number of frames of each."""


def train_tracklets() -> Tracklets:
    """Return 8298 tracklets of 625 persons.

    6 persons are seen by one camera, one of them in a single tracklet; 45 have fewer than four.
    """
    counts = [1] + [3] * 44 + [14] * 535 + [15] * 45
    tracklets = []
    for number, count in enumerate(counts):
        cameras = 1 if number < 6 else min(6, count)
        tracklets += [(2 * number + 1, 1 + index % cameras, 2) for index in range(count)]
    tracklets[0] = (1, 1, 5)
    tracklets[-1] = (*tracklets[-1][:2], 900)
    return sorted(tracklets)


def gallery_tracklets() -> Tracklets:
    """Return the 10200 test tracklets that are no queries: junk, distractors and persons."""
    tracklets = [(-1, 1 + index % 6, 2) for index in range(NUM_JUNK)]
    tracklets += [(0, 1 + index % 6, 2) for index in range(NUM_DISTRACTORS)]
    first = 2 * (NUM_QUERY_PERSONS + 1)
    without_query = range(first, 2 * (NUM_TEST_PERSONS + 1), 2)
    tracklets += [(pid, 1, 2) for pid in without_query]
    # One where each query is, so that those of other cameras match it, the rest for the last one
    others = [(pid, camid, 2) for pid, camid, _ in query_tracklets()[2 * NUM_ALONE :]]
    num_left = 12180 - 1980 - len(tracklets) - len(others)
    others += [(2 * NUM_QUERY_PERSONS, 1 + index % 6, 2) for index in range(num_left)]
    return tracklets + others


def query_tracklets() -> Tracklets:
    """Return 1980 queries of 626 persons, one for each person and camera."""
    cameras = [2] * NUM_ALONE + [3] * 384 + [4] * 172
    return [
        (2 * number, 1 + (number + index) % 6, 2)
        for number, count in enumerate(cameras, start=1)
        for index in range(count)
    ]


def tested_tracklets() -> tuple[Tracklets, list[int]]:
    """Return all 12180 test tracklets by pid, and the numbers of the queries, from 1."""
    marked = [(*row, 1) for row in query_tracklets()] + [(*row, 0) for row in gallery_tracklets()]
    marked.sort(key=lambda row: (row[0], row[1], row[3]))
    numbers = [number for number, row in enumerate(marked, start=1) if row[3]]
    tracklets = [row[:3] for row in marked]
    tracklets[-1] = (*tracklets[-1][:2], 920)
    return tracklets, numbers
