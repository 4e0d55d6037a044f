"""Which tracklets train, which are queries and which the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MODES = ("train", "test", "random")


@dataclass(frozen=True)
class SplitChoice:
    """A rule that gives every tracklet its split.

    Attributes:
        mode: ``'train'``: all train; ``'test'``: all are query or gallery; ``'random'``: some
            persons train, the others are tested.
        query_cameras: Tracklets of these cameras are the queries; none: the longest tracklet of
            each person in each camera is one.
        test_share: Share of the persons who are tested (``'random'``).
        seed: Decides who they are (``'random'``).

    Raises:
        ValueError: If a value is out of range.
    """

    mode: str = "test"
    query_cameras: tuple[int, ...] = ()
    test_share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"the split must be one of {', '.join(MODES)}, got {self.mode!r}")
        if not 0 < self.test_share < 1:
            raise ValueError(
                f"test_share must be between 0 and 1, because both splits need persons, got "
                f"{self.test_share}"
            )
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more to draw from, got {self.seed}")

    def assign(
        self, pids: Sequence[int], camids: Sequence[int], lengths: Sequence[int]
    ) -> list[str | None]:
        """Give every tracklet its split.

        Args:
            pids: Person of each tracklet; 0 and -1 are nobody.
            camids: Camera of each tracklet.
            lengths: Frames of each tracklet.

        Returns:
            ``'train'``, ``'query'``, ``'gallery'``, or None for what is left out: nobody's
            tracklets where all train.

        Raises:
            ValueError: If there are too few persons to split.
        """
        persons = sorted({pid for pid in pids if pid > 0})
        tested = self._draw_tested(persons)
        queries = self._choose_queries(pids, camids, lengths)
        splits: list[str | None] = []
        for index, pid in enumerate(pids):
            if pid in tested or (pid < 1 and self.mode != "train"):
                splits.append("query" if index in queries else "gallery")
            else:
                splits.append("train" if pid > 0 else None)
        return splits

    def _draw_tested(self, persons: list[int]) -> set[int]:
        if self.mode != "random":
            return set(persons) if self.mode == "test" else set()
        if len(persons) < 2:
            raise ValueError(
                "a random split needs at least two persons, one to train with and one to test, "
                f"got {len(persons)}"
            )
        number = min(max(round(self.test_share * len(persons)), 1), len(persons) - 1)
        generator = np.random.default_rng(self.seed)
        return set(generator.permutation(persons)[:number].tolist())

    def _choose_queries(
        self, pids: Sequence[int], camids: Sequence[int], lengths: Sequence[int]
    ) -> set[int]:
        named = [index for index, pid in enumerate(pids) if pid > 0]
        if self.query_cameras:
            return {index for index in named if camids[index] in self.query_cameras}
        best: dict[tuple[int, int], int] = {}
        for index in named:
            key = pids[index], camids[index]
            if key not in best or lengths[index] > lengths[best[key]]:
                best[key] = index
        return set(best.values())
