"""Similarities of all pairs of tracklets of different cameras, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmctl.evaluation.pair_counts import ComparedTracklets, PairCounts
from mmctl.functional.ranking import DISTRACTOR_PID

MAX_PAIRS = 2**22
"""Pairs of each kind that are kept; of more, those of different persons that are most alike."""

_BINS = 2**18
_ENTRIES_PER_BLOCK = 2**21

Report = Callable[[int], None]

Block = tuple[int, NDArray[np.float32], int]
"""First row, similarities (r, c), first column."""


@dataclass(frozen=True)
class CameraPairs:
    """Pairs from different cameras; of very many of them a sample that says what it stands for.

    A *unit* is what a bootstrap draws: a person, or one distractor's tracklet.

    Attributes:
        counts: All of them.
        num_units: Units, U.
        positives: Cosine similarities of pairs of one person, (P,), float32.
        positive_units: The person of each, (P,), 0 .. U - 1.
        negatives: Those of pairs of different persons, (Q,), float32.
        negative_units: The two units of each, (Q, 2).
        positive_weights: How many pairs each stands for, (P,).
        negative_weights: Likewise, (Q,).
        exact_rate: Share of the negatives, the most similar ones, that are all there, each once:
            thresholds of false accept rates up to it are exact.
    """

    counts: PairCounts
    num_units: int
    positives: NDArray[np.float32]
    positive_units: NDArray[np.int32]
    negatives: NDArray[np.float32]
    negative_units: NDArray[np.int32]
    positive_weights: NDArray[np.float32]
    negative_weights: NDArray[np.float32]
    exact_rate: float = 1.0


def normalize_rows(features: NDArray) -> NDArray[np.float32]:
    """Return unit vectors, (N, C), float32; a row of zeros stays one.

    Raises:
        ValueError: If a number is not finite.
    """
    norms = np.sqrt(np.einsum("nc,nc->n", features, features, dtype=np.float64))
    wrong = np.flatnonzero(~np.isfinite(norms))
    if len(wrong):
        row = features[wrong[0]]
        raise ValueError(
            f"features must be finite to be compared, got {row[~np.isfinite(row)][0]} in row "
            f"{wrong[0]}"
        )
    return (features / np.maximum(norms, 1e-12)[:, None]).astype(np.float32)


class PairFinder:
    """Compares every tracklet with those of all other cameras, each pair once.

    Where there are at most ``max_pairs`` of a kind, all are kept. Else similarities are computed
    twice: the first time they fall into a histogram, the second time the upper half of what may be
    kept are the most similar pairs of different persons, which low false accept rates depend on,
    and the rest is drawn at random from those below.

    Args:
        features: Of all tracklets, (N, C).
        tracklets: Which of them take part.
        max_pairs: Pairs of each kind that are kept.

    Attributes:
        counts: Of pairs and of what is left out, known before anything is compared.
        total: Pairs that are compared, as often as they are.

    Raises:
        ValueError: If a feature is not finite.
    """

    def __init__(
        self,
        features: NDArray,
        tracklets: ComparedTracklets,
        max_pairs: int = MAX_PAIRS,
    ) -> None:
        self.counts, self.max_pairs = tracklets.counts, max_pairs
        self._tracklets = tracklets
        self._features = normalize_rows(features)[tracklets.rows]
        self._has_all = self.counts.different_persons <= max_pairs
        num = len(tracklets.rows)
        compared = sum((stop - start) * (num - stop) for start, stop in tracklets.strips)
        self.total = compared * (1 if self._has_all else 2)

    def find(self, report: Report | None = None, seed: int = 0) -> CameraPairs:
        """Compare all pairs.

        Args:
            report: Called with the pairs that are done, up to ``total``.
            seed: Of the random choice, where not all pairs are kept.
        """
        done = 0

        def watched() -> Iterator[Block]:
            nonlocal done
            for block in self._blocks():
                yield block
                done += block[1].size
                if report is not None:
                    report(done)

        first, share = (0, 1.0) if self._has_all else self._choose_cut(watched())
        return self._collect(watched(), first, share, np.random.default_rng(seed))

    def _blocks(self) -> Iterator[Block]:
        """Yield the first row, the similarities (r, c), and the first column of each block."""
        for start, stop in self._tracklets.strips:
            others = self._features[stop:].T
            step = max(1, _ENTRIES_PER_BLOCK // max(1, others.shape[1]))
            for row in range(start, stop, step) if others.shape[1] else ():
                found = self._features[row : min(row + step, stop)] @ others
                yield row, np.clip(found, -1, 1, out=found), stop

    def _kinds(self, block: Block) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which pairs of a block are of one person, and which of different ones."""
        row, found, column = block
        rows, columns = slice(row, row + len(found)), slice(column, None)
        units, is_distractor = self._tracklets.units, self._tracklets.pids == DISTRACTOR_PID
        same = units[rows, None] == units[columns]
        return same, ~(same | (is_distractor[rows, None] & is_distractor[columns]))

    def _choose_cut(self, blocks: Iterator[Block]) -> tuple[int, float]:
        """Return from which bin on negatives are kept, and what share of those below."""
        bins = np.zeros(_BINS, dtype=np.int64)
        for block in blocks:
            _, different = self._kinds(block)
            bins += np.bincount(_to_bins(block[1][different]), minlength=_BINS)
        above = bins[::-1].cumsum()[::-1]
        half = self.max_pairs // 2
        # The lowest bin whose pairs and those above fit.
        first = int(np.searchsorted(-above, -half))
        kept = int(above[first]) if first < _BINS else 0
        return first, min(1.0, half / max(1, self.counts.different_persons - kept))

    def _collect(
        self, blocks: Iterator[Block], first: int, share: float, rng: np.random.Generator
    ) -> CameraPairs:
        counts, units = self.counts, self._tracklets.units
        share_of_one = min(1.0, self.max_pairs / counts.one_person)
        alike, persons, unlike, strangers = [], [], [], []
        for block in blocks:
            row, found, column = block
            same, different = self._kinds(block)
            if share_of_one < 1:
                same &= rng.random(same.shape, dtype=np.float32) < share_of_one
            if first:
                drawn = rng.random(found.shape, dtype=np.float32) < share
                different &= drawn | (_to_bins(found) >= first)
            places = np.nonzero(same)
            alike.append(found[places])
            persons.append(units[row + places[0]])
            places = np.nonzero(different)
            unlike.append(found[places])
            both = units[row + places[0]], units[column + places[1]]
            strangers.append(np.stack(both, axis=1))
        positives, negatives = np.concatenate(alike), np.concatenate(unlike)
        is_sure = _to_bins(negatives) >= first
        num_sure = int(is_sure.sum())
        # How many pairs each of the others stands for.
        rest = (counts.different_persons - num_sure) / max(1, len(negatives) - num_sure)
        return CameraPairs(
            counts=counts,
            num_units=int(units.max()) + 1,
            positives=positives,
            positive_units=np.concatenate(persons),
            negatives=negatives,
            negative_units=np.concatenate(strangers),
            positive_weights=np.full(
                len(positives), counts.one_person / max(1, len(positives)), np.float32
            ),
            negative_weights=np.where(is_sure, 1, rest).astype(np.float32),
            exact_rate=num_sure / counts.different_persons,
        )


def _to_bins(similarities: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the bin of each similarity, 0 .. _BINS - 1."""
    return np.minimum((similarities + np.float32(1)) * (_BINS / 2), _BINS - 1).astype(np.int32)
