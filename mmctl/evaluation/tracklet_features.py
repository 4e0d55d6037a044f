"""Features of a test split with their labels: evaluated here, kept in a file for later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from mmctl.evaluation.feature_arrays import check_fields, check_texts
from mmctl.evaluation.protocols import Protocol
from mmctl.evaluation.refinement import Refinement, evaluation_device
from mmctl.files import open_atomically, read_npz
from mmctl.functional.ranking import (
    DISTRACTOR_PID,
    JUNK_PID,
    NoMatchError,
    Ranking,
    evaluate_ranking,
)


class UnlabelledError(NoMatchError):
    """Nobody is known to be in two tracklets, as in data that nobody has labelled."""

    @classmethod
    def because(cls, reason: str) -> UnlabelledError:
        """Return one whose message goes on with what can be done.

        Args:
            reason: What is so.
        """
        return cls(
            f"{reason} and nothing can be scored; features that tools/test.py --out has saved are "
            "ranked across cameras by tools/analysis_tools/rank_across_cameras.py (a table) and, "
            "with --across-cameras, by tools/visualization/draw_ranking_sheet.py (pictures) and "
            "browse_ranking.py (a page)"
        )


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a test split.

    Attributes:
        protocol: The protocol it followed.
        distance: ``'cosine'`` or ``'euclidean'``.
        query_rows: Rows of the tracklets that are queries, (Q,).
        gallery_rows: Rows of the tracklets in the gallery, without junk, (G,).
        ranking: Measures; its per-query arrays follow ``query_rows``.
        refinement: What was done to the distances.
    """

    protocol: Protocol
    distance: str
    query_rows: np.ndarray
    gallery_rows: np.ndarray
    ranking: Ranking
    refinement: Refinement = field(default_factory=Refinement)

    def __str__(self) -> str:
        refinement = "" if self.refinement == Refinement() else f", {self.refinement}"
        return f"protocol {self.protocol}, {self.distance} distance{refinement}"


@dataclass(frozen=True)
class TrackletFeatures:
    """One row for each tracklet of a test split.

    Attributes:
        features: (N, C), float32.
        pids: Person ids, (N,), int64; -1 junk, 0 distractor.
        camids: Camera ids, (N,), int64.
        tracklet_ids: Indices in the data set, (N,), int64.
        splits: ``'query'`` or ``'gallery'``, (N,), unicode.
        frame_paths: Path of the middle frame of each tracklet, (N,), unicode; '' if unknown.
    """

    features: np.ndarray
    pids: np.ndarray
    camids: np.ndarray
    tracklet_ids: np.ndarray
    splits: np.ndarray
    frame_paths: np.ndarray

    @property
    def is_unlabelled(self) -> bool:
        """Whether there are persons, but nobody is known to be in two tracklets."""
        persons = self.pids[self.pids > DISTRACTOR_PID]
        return len(np.unique(persons)) == len(persons) > 1

    def rows(self, protocol: Protocol) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the queries, (Q,), and of the gallery without junk, (G,)."""
        is_query = self.splits == "query"
        in_gallery = (self.pids != JUNK_PID) & (protocol.queries_in_gallery | ~is_query)
        return np.flatnonzero(is_query), np.flatnonzero(in_gallery)

    def distances(
        self, query_rows: np.ndarray, gallery_rows: np.ndarray, metric: str
    ) -> np.ndarray:
        """Return distances between rows, (Q, G), float32."""
        import torch  # not when features are only read

        from mmctl.functional.distance import pairwise_distance

        features = torch.from_numpy(self.features)
        return pairwise_distance(
            features[query_rows], features[gallery_rows], metric=metric
        ).numpy()

    def evaluate(
        self,
        protocol: Protocol,
        *,
        distance: str,
        refinement: Refinement | None = None,
        topk: int = 50,
    ) -> Evaluation:
        """Rank the gallery for each query, on the GPU if there is one, in blocks of queries.

        Args:
            protocol: The protocol to follow.
            distance: ``'cosine'`` or ``'euclidean'``.
            refinement: What to do to the distances; None for nothing.
            topk: Length of the CMC.

        Returns:
            The evaluation.

        Raises:
            NoMatchError: If there is no query, no gallery, or no query with a match.
            UnlabelledError: If there cannot be one, because no two tracklets have one pid.
        """
        import torch  # not when features are only read

        if self.is_unlabelled:
            raise UnlabelledError.because(
                f"no two of the {len(self.pids)} tracklets have the same pid, so nobody is labelled"
            )
        query_rows, gallery_rows = self.rows(protocol)
        for name, rows in (("query", query_rows), ("gallery", gallery_rows)):
            if not len(rows):
                raise NoMatchError(
                    f"protocol {protocol.name} needs at least one {name} tracklet to rank, got "
                    f"none among {len(self.pids)} tracklets; is this a test split?"
                )
        refinement = refinement or Refinement()
        features = refinement.prepare(self.features, self.camids)
        query, gallery = (
            torch.from_numpy(features[rows]).to(evaluation_device())
            for rows in (query_rows, gallery_rows)
        )
        ranking = evaluate_ranking(
            refinement.distance_blocks(query, gallery, metric=distance),
            self.pids[query_rows],
            self.camids[query_rows],
            self.pids[gallery_rows],
            self.camids[gallery_rows],
            average_precision=protocol.average_precision,
            topk=topk,
        )
        return Evaluation(protocol, distance, query_rows, gallery_rows, ranking, refinement)

    def save(
        self,
        path: str | Path,
        evaluation: Evaluation | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Write an ``.npz`` file without pickled objects, whole or not at all.

        Beside the attributes the file has, if ``evaluation`` is given, what it says of each query:
        ``average_precision`` (N,), NaN where not scored, ``first_match`` (N,), -1 where not scored,
        and ``num_matches`` (N,), -1 where no query; and ``protocol``, ``distance`` and
        ``refinement``.

        Args:
            path: File to write or to replace; missing folders are made.
            evaluation: An evaluation of these tracklets.
            settings: More to record, for instance the data set's name, read again by
                :func:`recorded_setting`.
        """
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays |= {name: np.array(value) for name, value in (settings or {}).items()}
        if evaluation is not None:
            arrays |= self._per_tracklet(evaluation)
            arrays["protocol"] = np.array(evaluation.protocol.name)
            arrays["distance"] = np.array(evaluation.distance)
            arrays["refinement"] = np.array(str(evaluation.refinement))
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(path, "wb") as file:
            np.savez(file, **arrays)

    def _per_tracklet(self, evaluation: Evaluation) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        missing = {"average_precision": np.nan, "first_match": -1, "num_matches": -1}
        for name, value in missing.items():
            arrays[name] = np.full(len(self.pids), value)
            arrays[name][evaluation.query_rows] = getattr(evaluation.ranking, name)
        return arrays

    @classmethod
    def load(cls, path: str | Path) -> TrackletFeatures:
        """Read what :meth:`save` wrote; ``read_features`` reads the files of others, too.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is none of ours.
        """
        names = {field.name: field.name for field in fields(cls)}
        arrays = read_npz(path, "feature file", names)
        for name in names:
            if name not in arrays:
                raise ValueError(
                    f"{path} must be a feature file written by ReIDMetric(dump_file=...) or "
                    f"tools/test.py --out, but it lacks {name}"
                )
        return cls(**check_fields(arrays, names, str(path)))


def recorded_setting(path: str | Path, name: str, default: str, known: tuple[str, ...] = ()) -> str:
    """Return a setting as recorded in a feature file of ours, for instance ``protocol``.

    Args:
        path: ``.npz`` or ``.mat`` file.
        name: Name of the setting.
        default: What is returned where the file does not say it.
        known: Values that it may have; any if there are none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is unreadable, or the setting is no text or unknown.
    """
    if Path(path).suffix != ".npz":
        return default
    found = read_npz(path, "feature file", (name,))
    if name not in found:
        return default
    place = f"feature file {path}: {name}"
    if found[name].ndim:
        raise ValueError(f"{place} must be one text, got {found[name].dtype} {found[name].shape}")
    value = str(check_texts(found[name], place))
    if known and value not in known:
        raise ValueError(f"{place} must be one of {known}, got {value!r}")
    return value
