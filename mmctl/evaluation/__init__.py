"""Metric, protocols and verification.

What is imported from here is loaded when it is first asked for: saved features are read, verified
and judged without torch, which takes seconds to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what type checkers and import-linter see
    from mmctl.evaluation.across_cameras import rank_across_cameras
    from mmctl.evaluation.calibration import Calibration, read_calibration
    from mmctl.evaluation.feature_files import read_features
    from mmctl.evaluation.paired_difference import paired_difference, read_scored_queries
    from mmctl.evaluation.protocols import PROTOCOLS, Protocol
    from mmctl.evaluation.refinement import Refinement, Reranking
    from mmctl.evaluation.reid_metric import ReIDMetric
    from mmctl.evaluation.sanity_checks import find_oddities
    from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures
    from mmctl.evaluation.verification import Verification, verify

__all__ = [
    "PROTOCOLS",
    "Calibration",
    "Evaluation",
    "Protocol",
    "ReIDMetric",
    "Refinement",
    "Reranking",
    "TrackletFeatures",
    "Verification",
    "find_oddities",
    "paired_difference",
    "rank_across_cameras",
    "read_calibration",
    "read_features",
    "read_scored_queries",
    "verify",
]

_MODULES = {
    "across_cameras": ("rank_across_cameras",),
    "calibration": ("Calibration", "read_calibration"),
    "feature_files": ("read_features",),
    "paired_difference": ("paired_difference", "read_scored_queries"),
    "protocols": ("PROTOCOLS", "Protocol"),
    "refinement": ("Refinement", "Reranking"),
    "reid_metric": ("ReIDMetric",),
    "sanity_checks": ("find_oddities",),
    "tracklet_features": ("Evaluation", "TrackletFeatures"),
    "verification": ("Verification", "verify"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Return a name of ``__all__`` from its module, and keep it here."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
