"""What ``bench_gallery.py`` measures, each in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import resident_memory

from mmctl.gallery import Gallery, TrackletRecord

MODEL = "0" * 64
BLOCK = 1000


def in_own_process(call: Callable[..., Any], *arguments: Any, threads: int) -> Any:
    """Return what a call gives in a new process, whose peak of memory is its own."""
    # NumPy reads it when it is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()


class Sizes(NamedTuple):
    """What is measured.

    Attributes:
        rows: Tracklets.
        width: Numbers in a feature.
        dtype: Their type.
        engine: The index.
    """

    rows: int
    width: int
    dtype: str
    engine: str


class Cost(NamedTuple):
    """What something took.

    Attributes:
        seconds: Of a clock on the wall.
        peak: Peak of resident memory of the process, mapped files included, in bytes; 0 where the
            system does not say.
    """

    seconds: float
    peak: int


def draw_features(count: int, width: int, seed: int) -> np.ndarray:
    """Return unit vectors, (count, width)."""
    features = np.random.default_rng(seed).standard_normal((count, width), np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def draw_records(sizes: Sizes) -> Iterator[TrackletRecord]:
    """Yield tracklets; blocks of them are drawn when they are wanted."""
    for start in range(0, sizes.rows, BLOCK):
        features = draw_features(min(BLOCK, sizes.rows - start), sizes.width, start)
        for number, feature in enumerate(features, start=start):
            yield TrackletRecord(feature, camera=number % 8, track=number, start=number, end=number)


def _peak() -> int:
    return resident_memory.read_bytes("VmHWM") if resident_memory.is_available() else 0


def fill(folder: Path, sizes: Sizes) -> Cost:
    """Make a gallery."""
    start = time.perf_counter()
    with Gallery(folder, sizes.engine, dtype=sizes.dtype) as gallery:
        gallery.add(draw_records(sizes), model=MODEL)
    return Cost(time.perf_counter() - start, _peak())


def search(folder: Path, queries: int, repeats: int, filters: dict) -> tuple[list[float], int]:
    """Return the seconds of searches by a number of queries, and the peak of memory."""
    seconds = []
    with Gallery(folder) as gallery:
        for turn in range(repeats + 1):
            features = draw_features(queries, gallery.settings.width, 10**9 + turn)
            start = time.perf_counter()
            gallery.search(features, 10, **filters)
            seconds.append(time.perf_counter() - start)
    return seconds[1:], _peak()


def compare(
    folder: Path, sizes: Sizes, queries: int, repeats: int
) -> tuple[list[float], list[float]]:
    """Return the seconds of bare products and of searches, in turn."""
    blocks = range(0, sizes.rows, BLOCK)
    counts = [min(BLOCK, sizes.rows - start) for start in blocks]
    features = np.concatenate(
        [draw_features(n, sizes.width, start) for n, start in zip(counts, blocks, strict=True)]
    )
    products, searches = [], []
    with Gallery(folder) as gallery:
        for turn in range(repeats + 1):
            chosen = draw_features(queries, sizes.width, 10**9 + turn)
            start = time.perf_counter()
            _ = chosen @ features.T
            middle = time.perf_counter()
            gallery.search(chosen, 10)
            end = time.perf_counter()
            products.append(middle - start)
            searches.append(end - middle)
    return products[1:], searches[1:]
