"""Compare ``save_best`` with what the validation measures, before a run trains for hours."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmctl.evaluation import ReIDMetric
from mmctl.registry import METRICS


def check_save_best(cfg: Config) -> None:
    """Raise if the best checkpoint is chosen by a number that no validation gives.

    MMEngine would meet it after the first validation only. Where a metric other than
    ``ReIDMetric`` validates, nobody knows its keys beforehand, and nothing is judged.

    Args:
        cfg: Config of a training, its types checked.

    Raises:
        ValueError: If there is no such number; the message names those that there are.
    """
    hook = (cfg.get("default_hooks") or {}).get("checkpoint")
    wanted = hook.get("save_best") if isinstance(hook, Mapping) else None
    known = _validated_keys(cfg) if wanted else None
    if wanted is None or known is None:
        return
    for key in [wanted] if isinstance(wanted, str) else wanted:
        if key != "auto" and key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                "default_hooks.checkpoint.save_best must be a key of what val_evaluator measures, "
                f"because the best checkpoint is chosen by it: one of {', '.join(known)}, got "
                f"{key!r}{hint}"
            )


def _validated_keys(cfg: Config) -> list[str] | None:
    """Return the names of what a validation gives, None where that cannot be told."""
    evaluator = cfg.get("val_evaluator")
    if isinstance(evaluator, Mapping) and "metrics" in evaluator:
        if evaluator.get("type", "Evaluator") != "Evaluator":
            return None
        evaluator = evaluator["metrics"]
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    keys: list[str] = []
    with DefaultScope.overwrite_default_scope(cfg.get("default_scope") or "mmengine"):
        for metric in metrics:
            kind = metric.get("type") if isinstance(metric, Mapping) else None
            if (METRICS.get(kind) if isinstance(kind, str) else kind) is not ReIDMetric:
                return None
            keys += METRICS.build(metric).keys
    return keys
