"""The metric of video person re-identification: one feature per tracklet, ranked."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement

from mmctl.evaluation.protocols import Protocol
from mmctl.evaluation.refinement import Refinement
from mmctl.evaluation.sample_fields import SampleFields
from mmctl.evaluation.sanity_checks import find_oddities
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures, UnlabelledError
from mmctl.evaluation.tracklet_table import number_unknown
from mmctl.functional.distance import DISTANCES
from mmctl.functional.ranking import JUNK_PID, Ranking
from mmctl.registry import METRICS


@METRICS.register_module()
class ReIDMetric(BaseMetric):
    """CMC and mAP in percent, beside the protocol that they were measured with.

    Takes one result per tracklet, or one per piece of :class:`mmctl.datasets.TrackletPieces`. The
    test split lists each tracklet once and marks the queries, and the protocol says whether they
    are in the gallery as well; rules and protocols are in ``docs/en/protocols.md``. Returns
    ``mAP``, ``R<k>`` for each k, ``num_queries`` (queries that have a match: those scored) and
    ``num_gallery`` (after the removal of junk); mINP is printed. Counts and labels that look wrong
    are warned of, see :mod:`mmctl.evaluation.sanity_checks`.

    Args:
        topk: The ranks k of the ``R<k>``.
        distance: ``'cosine'`` or ``'euclidean'``.
        protocol: ``'query-in-gallery'``, ``'query-excluded'``, ``'mars-official'`` or
            ``'cross-camera'``.
        dump_file: ``.npz`` file that receives features and labels at each evaluation, replacing
            those of the one before; see :class:`~mmctl.evaluation.TrackletFeatures`.
        refinement: Settings of :class:`~mmctl.evaluation.Refinement`: re-ranking as in
            ``dict(rerank=dict(k1=20, k2=6, lambda_value=0.3))``, query expansion as in
            ``dict(query_expansion=5)``; None for neither.
        fields: What the samples of another project call ``pid``, ``camid``, ``split``, ``feature``,
            ``tracklet_id`` and ``frame_paths``, as in ``dict(pid='gt_label')``, of which person 0
            becomes pid 1; see :class:`~mmctl.evaluation.sample_fields.SampleFields`.
        **base_arguments: ``collect_device`` (where ranks exchange results, ``'cpu'`` or ``'gpu'``)
            and ``prefix`` (instead of ``reid`` in ``reid/mAP`` ...) of MMEngine's ``BaseMetric``.

    Attributes:
        last_evaluation: The latest :class:`~mmctl.evaluation.Evaluation` with the average
            precision of each query; None before the first, and on ranks other than 0.
        describe_model: Says what the saved features are of, as ``model`` and ``feature``, when they
            are saved; None: nothing.

    Raises:
        ValueError: If an argument is none of the above.
    """

    default_prefix = "reid"

    def __init__(
        self,
        topk: Sequence[int] = (1, 5, 10, 20),
        distance: str = "cosine",
        protocol: str = "query-in-gallery",
        dump_file: str | None = None,
        refinement: dict | None = None,
        fields: dict[str, str] | None = None,
        **base_arguments: Any,
    ) -> None:
        super().__init__(**base_arguments)
        if not topk or not all(isinstance(k, int) and k > 0 for k in topk):
            raise ValueError(
                f"topk must be positive integers because ranks start at 1, got {topk!r}"
            )
        if distance not in DISTANCES:
            raise ValueError(f"distance must be one of {DISTANCES}, got {distance!r}")
        if dump_file is not None:
            _check_dump_file(Path(dump_file))
        self.topk = tuple(topk)
        self.distance = distance
        self.protocol = Protocol.named(protocol)
        self.refinement = Refinement.from_config(refinement)
        self.fields = SampleFields(fields)
        self.dump_file = dump_file
        self.last_evaluation: Evaluation | None = None
        self.describe_model: Callable[[], Mapping[str, str]] | None = None

    @property
    def keys(self) -> list[str]:
        """Names of what an evaluation of labelled tracklets returns, with the prefix."""
        names = ("mAP", *(f"R{k}" for k in self.topk), "num_queries", "num_gallery")
        return [f"{self.prefix}/{name}" for name in names]

    def process(
        self,
        data_batch: Any,  # noqa: ARG002
        data_samples: Sequence[dict | BaseDataElement],
    ) -> None:
        """Keep one result for each tracklet.

        Args:
            data_batch: Not used.
            data_samples: :class:`~mmctl.structures.TrackletSample`, those of another project, or
                their dicts, with ``pid``, ``camid``, ``split`` ('query' or 'gallery') and
                ``feature`` (C,); ``tracklet_id``, ``frame_paths`` and ``clip_mode`` are used where
                they are present. Unlabelled ones, of ``split='all'``, have neither pid nor split.

        Raises:
            UnlabelledError: If one is unlabelled and no features are to be saved.
            ValueError: If one of the first four is missing or wrong, or a feature is not finite.
        """
        first = len(self.results)
        self.results += [
            self.fields.read(sample, first + index) for index, sample in enumerate(data_samples)
        ]
        if self.dump_file is None and any(r["pid"] is None for r in self.results[first:]):
            raise _unlabelled(self.results)  # before the others are computed for nothing

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Rank, log one line, and save the features if asked to, even if the ranking fails.

        Where nobody is labelled and the features are saved, that is all there is to do: the line
        says so, and the counts alone are returned.

        Args:
            results: What :meth:`process` kept, of all ranks, one per tracklet.

        Returns:
            Percentages and counts by name.

        Raises:
            ValueError: If there is no query, no gallery or no query with a match, if features have
                different widths, or if the tracklets are those of several data sets.
        """
        tracklets = _stack(results)
        evaluation = None
        settings = {
            "dataset": (self.dataset_meta or {}).get("dataset_name", "unnamed data set"),
            "clip_mode": results[0]["clip_mode"],
        }
        try:
            _refuse_mixed_persons(tracklets)
            if any(result["pid"] is None for result in results):
                raise _unlabelled(results)
            evaluation = tracklets.evaluate(
                self.protocol,
                distance=self.distance,
                refinement=self.refinement,
                topk=max(self.topk),
            )
            self.last_evaluation = evaluation
            metrics = self._measures(evaluation.ranking)
            self._log(metrics, tracklets, evaluation, settings)
        except UnlabelledError as reason:
            if self.dump_file is None:
                raise
            print_log(f"{settings['dataset']}: {reason}", "current")
            num_gallery = len(tracklets.rows(self.protocol)[1])
            return {"num_queries": 0, "num_gallery": num_gallery}
        finally:
            if self.dump_file is not None:
                described = self.describe_model() if self.describe_model else {}
                tracklets.save(self.dump_file, evaluation, {**settings, **described})
                print_log(
                    f"Features of {len(tracklets.pids)} tracklets: {self.dump_file}", "current"
                )
        return metrics | {
            "num_queries": evaluation.ranking.num_queries,
            "num_gallery": len(evaluation.gallery_rows),
        }

    def _measures(self, ranking: Ranking) -> dict[str, float]:
        cmc = {f"R{k}": 100 * float(ranking.cmc[k - 1]) for k in self.topk}
        return {"mAP": 100 * ranking.mean_average_precision} | cmc

    def _log(
        self,
        metrics: dict[str, float],
        tracklets: TrackletFeatures,
        evaluation: Evaluation,
        settings: dict[str, str],
    ) -> None:
        num_junk = int((tracklets.pids == JUNK_PID).sum())
        print_log(
            f"{settings['dataset']}, {evaluation}, {settings['clip_mode']} clips: "
            + " ".join(f"{name} {value:.2f}" for name, value in metrics.items())
            + f" mINP {100 * evaluation.ranking.mean_inverse_penalty:.2f}"
            f" | queries scored {evaluation.ranking.num_queries} of "
            f"{len(evaluation.query_rows)}, gallery {len(evaluation.gallery_rows)} "
            f"({num_junk} junk left out)",
            "current",
        )
        for oddity in find_oddities(tracklets, evaluation, settings["dataset"]):
            print_log(f"ReIDMetric: {oddity}", "current", level=logging.WARNING)


def _check_dump_file(path: Path) -> None:
    if path.suffix != ".npz":
        raise ValueError(f"dump_file must end in .npz, the format it is written in, got {path}")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ValueError(f"dump_file must be a file in a folder that can be written to, got {path}")


def _join_pieces(results: list[dict]) -> list[dict]:
    """Return one result per tracklet: of pieces the mean over their clips, as a unit vector.

    Raises:
        ValueError: If a piece is missing or comes twice.
    """
    whole = [result for result in results if "piece" not in result]
    pieces: dict[int, list[dict]] = {}
    for result in results:
        if "piece" in result:
            pieces.setdefault(result["tracklet_id"], []).append(result)
    for tracklet_id, own in pieces.items():
        own.sort(key=lambda result: result["piece"])
        if [result["piece"][0] for result in own] != list(range(own[0]["piece"][1])):
            raise ValueError(
                f"every piece of tracklet {tracklet_id} must come once, "
                f"got {[result['piece'] for result in own]}"
            )
        total = np.sum([result["piece_sum"] for result in own], axis=0)
        branches = np.split(total, np.cumsum(own[0]["unit_widths"])[:-1].astype(int))
        feature = _unit(np.concatenate([_unit(branch) for branch in branches]))
        whole.append(own[0] | {"feature": feature.astype(np.float32)})
    return whole


def _unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector at length one; zeros stay zeros."""
    return vector / max(np.linalg.norm(vector), np.finfo(np.float32).tiny)


def _unlabelled(results: list[dict]) -> UnlabelledError:
    number = sum(result["pid"] is None for result in results)
    return UnlabelledError.because(
        f"{number} of {len(results)} tracklets have no pid, so nobody knows who is who"
    )


def _refuse_mixed_persons(tracklets: TrackletFeatures) -> None:
    """Raise if an id names tracklets of several data sets, whose persons are not the same."""
    frames: dict[int, str] = {}
    for number, frame in zip(
        tracklets.tracklet_ids.tolist(), tracklets.frame_paths.tolist(), strict=True
    ):
        other = frames.setdefault(number, frame)
        if number >= 0 and frame != other:
            raise ValueError(
                "several data sets must be evaluated one by one, because person 1 of one is not "
                f"person 1 of the other, but tracklet_id {number} comes with {other} and with "
                f"{frame}"
            )


def _stack(results: list[dict]) -> TrackletFeatures:
    if not results:
        raise ValueError("at least one tracklet must be processed to be ranked, got none")
    widths = sorted({len(result["feature"]) for result in results})
    if len(widths) > 1:
        raise ValueError(f"features must have one width to be compared, got widths {widths}")
    results = _join_pieces(results)
    # Ties rank by position, which must not depend on how ranks shared the work.
    results = sorted(results, key=lambda result: result["tracklet_id"])
    known = np.array([result["pid"] is not None for result in results])
    pids = np.array([result["pid"] or 0 for result in results], dtype=np.int64)
    return TrackletFeatures(
        features=np.stack([result["feature"] for result in results]),
        pids=number_unknown(pids, known),
        camids=np.array([result["camid"] for result in results], dtype=np.int64),
        tracklet_ids=np.array([result["tracklet_id"] for result in results], dtype=np.int64),
        splits=np.array([result["split"] for result in results]),
        frame_paths=np.array([result["frame_path"] for result in results]),
    )
