from __future__ import annotations

import pytest
from mmengine.evaluator import BaseMetric
from mmengine.registry import METRICS

from mmctl.engine.config_check.save_best_check import check_save_best
from mmctl.evaluation import ReIDMetric
from tests.test_engine.tiny_runner import tiny_config


@METRICS.register_module(force=True)
class OtherMetric(BaseMetric):
    def process(self, data_batch, data_samples) -> None:
        pass

    def compute_metrics(self, results) -> dict:
        return {}


OURS = {"type": "ReIDMetric"}
DRAWN = {"type": "mmctl.ReIDMetric", "prefix": "drawn", "topk": [3]}
OTHER = {"type": "OtherMetric"}


def config(tmp_path, save_best, evaluator):
    hook = {"type": "CheckpointHook", "save_best": save_best, "rule": "greater"}
    return tiny_config(tmp_path, default_hooks={"checkpoint": hook}, val_evaluator=evaluator)


@pytest.mark.parametrize(
    ("save_best", "evaluator"),
    [
        ("reid/mAP", OURS),
        ("reid/R20", {"metrics": OURS}),
        ("auto", OURS),
        (None, OURS),
        ("reid/R1", {"type": ReIDMetric}),
        (["drawn/R3", "reid/R5"], [OURS, DRAWN]),
        ("drawn/mAP", {"type": "Evaluator", "metrics": [DRAWN]}),
        ("whatever", [OURS, OTHER]),
        ("whatever", OTHER),
        ("whatever", {"type": "MyEvaluator", "metrics": OURS}),
        ("reid/map", None),
    ],
)
def test_keys_that_are_measured_or_cannot_be_judged_pass(tmp_path, save_best, evaluator):
    check_save_best(config(tmp_path, save_best, evaluator))


@pytest.mark.parametrize(
    ("save_best", "evaluator", "message"),
    [
        (
            "reid/map",
            OURS,
            r"one of reid/mAP, .*, got 'reid/map'; did you mean 'reid/mAP'",
        ),
        ("reid/mAP", DRAWN, r"one of drawn/mAP, drawn/R3, drawn/num_queries.*, got 'reid/mAP'"),
        (["reid/mAP", "reid/R3"], [OURS], r"got 'reid/R3'"),
        ("mAP", {"metrics": [OURS]}, r"default_hooks.checkpoint.save_best must .* got 'mAP'"),
    ],
)
def test_keys_that_nobody_measures_are_refused(tmp_path, save_best, evaluator, message):
    with pytest.raises(ValueError, match=message):
        check_save_best(config(tmp_path, save_best, evaluator))
