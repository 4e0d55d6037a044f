"""What may be done to distances between the features and the ranking: never by default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # saved features are read without torch
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Reranking:
    """Settings of :func:`~mmctl.functional.reranking.k_reciprocal`.

    Attributes:
        k1: Neighbours that must be reciprocal.
        k2: Neighbours over which encodings are averaged.
        lambda_value: Weight of the original distance.
    """

    k1: int = 20
    k2: int = 6
    lambda_value: float = 0.3

    def __post_init__(self) -> None:
        is_share = _is_number(self.lambda_value) and 0 <= self.lambda_value <= 1
        if not (_is_count(self.k1) and _is_count(self.k2) and is_share):
            raise ValueError(
                "rerank must have positive whole numbers k1 and k2 and a lambda_value in 0 .. 1, "
                "because they count neighbours and weigh two distances, got "
                f"k1 {self.k1!r}, k2 {self.k2!r}, lambda_value {self.lambda_value!r}"
            )

    def __str__(self) -> str:
        return f"k-reciprocal re-ranking (k1 {self.k1}, k2 {self.k2}, lambda {self.lambda_value:g})"


@dataclass(frozen=True)
class Refinement:
    """Centring of cameras, query expansion, re-ranking, in this order; by default none of them.

    Attributes:
        rerank: Settings of the re-ranking, None for none.
        query_expansion: Gallery items that are averaged into each query, None for none.
        alpha: Exponent of their similarities; 0 for the plain mean.
        centre_cameras: Take from each feature what its camera's tracklets have in common
            (:func:`centre_by_camera`).
    """

    rerank: Reranking | None = None
    query_expansion: int | None = None
    alpha: float = 0.0
    centre_cameras: bool = False

    def __post_init__(self) -> None:
        number = self.query_expansion
        if number is not None and not _is_count(number):
            raise ValueError(
                f"query_expansion must be a positive number of gallery items, got {number!r}"
            )
        if not isinstance(self.centre_cameras, bool):
            raise ValueError(f"centre_cameras must be True or False, got {self.centre_cameras!r}")
        if not (_is_number(self.alpha) and 0 <= self.alpha < np.inf):
            raise ValueError(
                "alpha must be a number that is not negative: nearer items weigh more, got "
                f"{self.alpha!r}"
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> Refinement:
        """Read ``dict(rerank=dict(k1=20, ...), query_expansion=5, alpha=0.0, ...)`` or a part.

        Raises:
            ValueError: If a key is unknown or a value is out of range.
        """
        config = dict(config or {})
        _check_keys("refinement", config, cls)
        rerank = config.pop("rerank", None)
        if rerank is not None:
            if not isinstance(rerank, Mapping):
                raise ValueError(
                    f"rerank must be a dict of k1, k2 and lambda_value (empty for the paper's), "
                    f"got {rerank!r}"
                )
            _check_keys("rerank", rerank, Reranking)
            rerank = Reranking(**rerank)
        return cls(rerank=rerank, **config)

    def __str__(self) -> str:
        steps = ["centred cameras"] if self.centre_cameras else []
        if self.query_expansion is not None:
            weights = f"weights cos^{self.alpha:g}" if self.alpha else "plain mean"
            steps.append(f"query expansion ({self.query_expansion} neighbours, {weights})")
        if self.rerank is not None:
            steps.append(str(self.rerank))
        return " and ".join(steps) or "no refinement"

    def prepare(
        self, features: NDArray[np.float32], camids: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the features to compare, (N, C): centred by camera if that is asked for."""
        return centre_by_camera(features, camids) if self.centre_cameras else features

    def distance_blocks(
        self, query: Tensor, gallery: Tensor, *, metric: str
    ) -> Iterator[np.ndarray]:
        """Yield the distances to rank by, (q, G) for the next queries, float32.

        Cameras are centred before (:meth:`prepare`), which needs to know them.

        Args:
            query: Query features, (Q, C).
            gallery: Gallery features, (G, C).
            metric: ``'cosine'`` or ``'euclidean'``.

        Raises:
            ValueError: If a feature is not finite, or so large that its squares overflow.
        """
        from torch.nn import functional as F

        from mmctl.functional.distance import check_norms, distance_blocks
        from mmctl.functional.query_expansion import expand_queries
        from mmctl.functional.reranking import k_reciprocal_blocks

        if self.query_expansion is not None:
            query = expand_queries(
                query, gallery, num_neighbours=self.query_expansion, alpha=self.alpha
            )
            # The new queries have unit length, whatever the distance.
            gallery = F.normalize(gallery, dim=1)
        if self.rerank is None:
            for block in distance_blocks(query, gallery, metric=metric):
                yield block.cpu().numpy()
            return
        # Now, because rows whose squares overflow would be normalised to zeros.
        check_norms(query, "query")
        check_norms(gallery, "gallery")
        if metric == "cosine":
            # Of unit vectors the squared Euclidean distance is twice the cosine distance.
            query, gallery = F.normalize(query, dim=1), F.normalize(gallery, dim=1)
        settings = self.rerank
        yield from k_reciprocal_blocks(
            query, gallery, k1=settings.k1, k2=settings.k2, lambda_value=settings.lambda_value
        )


def centre_by_camera(
    features: NDArray[np.float32], camids: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Take from each feature the mean of its camera's, so that a camera's own look counts less.

    Nobody's identity is needed, but many tracklets of every camera at once: a ranking of one query
    against a gallery that grows has no such means.

    Args:
        features: (N, C).
        camids: Camera of each, (N,).

    Returns:
        Unit vectors, (N, C), float32.

    Example:
        >>> centre_by_camera(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([3, 3])).round(2).tolist()
        [[0.71, -0.71], [-0.71, 0.71]]
    """
    whole = np.asarray(features, np.float64)
    unit = whole / np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), _TINY)
    for camid in np.unique(camids):
        unit[camids == camid] -= unit[camids == camid].mean(axis=0)
    length = np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), _TINY)
    return (unit / length).astype(np.float32)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TINY = np.finfo(np.float32).tiny


def _check_keys(name: str, config: Mapping[str, Any], target: type) -> None:
    known = {field.name for field in fields(target)}
    unknown = sorted(set(config) - known)
    if unknown:
        raise ValueError(f"{name} knows {sorted(known)}, got {unknown[0]!r}")


def evaluation_device() -> torch.device:
    """Return where distances are computed: the GPU, if there is one."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
