"""What ``bench_evaluation.py`` measures, each in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import resident_memory
import torch
from dense_reranking import dense_k_reciprocal

from mmctl.functional.distance import distance_blocks
from mmctl.functional.ranking import Ranking, evaluate_ranking
from mmctl.functional.reranking import k_reciprocal

NUM_PIDS, NUM_CAMERAS, DISTRACTORS = 626, 6, 0.29
"""As in the test split of MARS."""

NOISE, SPREAD = 4.0, 50


@dataclass(frozen=True)
class Sizes:
    """Numbers of rows and columns, and of threads for everything."""

    queries: int
    gallery: int
    channels: int
    threads: int


@dataclass(frozen=True)
class Cost:
    """One measured call: by the clock, of all threads together, and memory above what was there."""

    seconds: float
    processor_seconds: float
    peak: int


@dataclass(frozen=True)
class DrawnSplit:
    """Random features with labels; ``pids`` and ``camids`` are of queries and gallery."""

    query: torch.Tensor
    gallery: torch.Tensor
    pids: tuple[np.ndarray, np.ndarray]
    camids: tuple[np.ndarray, np.ndarray]

    @classmethod
    def draw(cls, sizes: Sizes) -> DrawnSplit:
        """Draw features around one centre for each person.

        They are whole numbers whose sums of products float32 holds exactly, so that rounding
        decides no neighbour and both re-rankings must find the same ones.
        """
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((NUM_PIDS + 1, sizes.channels), dtype=np.float32)
        counts = (sizes.queries, sizes.gallery)
        pids = [rng.integers(1, NUM_PIDS + 1, count) for count in counts]
        camids = [rng.integers(1, NUM_CAMERAS + 1, count) for count in counts]
        is_distractor = rng.uniform(size=sizes.gallery) < DISTRACTORS
        features = []
        for own, strangers in ((pids[0], None), (pids[1], is_distractor)):
            rows = NOISE * rng.standard_normal((len(own), sizes.channels), dtype=np.float32)
            for start in range(0, len(own), 4096):
                rows[start : start + 4096] += centres[own[start : start + 4096]]
            if strangers is not None:
                own[strangers] = 0
            rows *= SPREAD / np.sqrt(1 + NOISE**2)
            features.append(torch.from_numpy(np.round(rows, out=rows)))
        query, gallery = features
        return cls(query, gallery, (pids[0], pids[1]), (camids[0], camids[1]))

    def rank(self) -> Ranking:
        """Rank by distances that exist in blocks only."""
        blocks = (block.numpy() for block in distance_blocks(self.query, self.gallery))
        return evaluate_ranking(blocks, self.pids[0], self.camids[0], self.pids[1], self.camids[1])


def in_own_process(call: Callable[..., Any], *arguments: Any, threads: int) -> Any:
    """Return what a call gives in a new process, whose peak of memory is its own."""
    # NumPy reads it when it is imported.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()


def measure(run: Callable[[], Any]) -> tuple[Any, Cost]:
    """Return the result and the cost of one call."""
    before = resident_memory.start_peak() if resident_memory.is_available() else 0
    start, processor_start = time.perf_counter(), time.process_time()
    result = run()
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
    peak = resident_memory.read_bytes("VmHWM") - before if resident_memory.is_available() else 0
    return result, Cost(seconds, processor_seconds, peak)


def measure_ranking(sizes: Sizes, repeats: int) -> tuple[list[Cost], list[Cost], dict[str, float]]:
    """Return the costs of bare products and of distances with ranking, in turn, and the measures.

    The bare product is that of the same blocks of queries if the whole would not fit.
    """
    torch.set_num_threads(sizes.threads)
    split = DrawnSplit.draw(sizes)

    def product() -> None:
        for block in split.query.split(max(1, 2**26 // sizes.gallery)):
            torch.mm(block, split.gallery.T)

    products, rankings = [], []
    for turn in range(repeats + 1):
        cost, (ranking, full) = measure(product)[1], measure(split.rank)
        if turn:
            products.append(cost)
            rankings.append(full)
    measures = {
        "mAP": ranking.mean_average_precision,
        "R1": float(ranking.cmc[0]),
        "queries": ranking.num_queries,
    }
    return products, rankings, measures


def measure_reranking(sizes: Sizes, dense: bool, out: Path) -> Cost:
    """Save the re-ranked distances and return the cost."""
    torch.set_num_threads(sizes.threads)
    split = DrawnSplit.draw(sizes)
    if dense:
        query, gallery = split.query.numpy(), split.gallery.numpy()
        distances, cost = measure(lambda: dense_k_reciprocal(query, gallery))
    else:
        distances, cost = measure(lambda: k_reciprocal(split.query, split.gallery).numpy())
    np.save(out, distances)
    return cost
