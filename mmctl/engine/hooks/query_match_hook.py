"""Evaluations without a number, found before the first batch."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmctl.datasets.checks.dataset_summary import count_protocols
from mmctl.datasets.joint_dataset import refuse_mixed_persons
from mmctl.evaluation import ReIDMetric
from mmctl.registry import HOOKS


@HOOKS.register_module()
class QueryMatchHook(Hook):
    """Look whether the queries of a validation or test can have matches, from the labels alone.

    Data of one camera, for instance, train for an epoch or more before the first validation finds
    that no query has a match, and a test computes all features before. Data sets whose
    ``get_data_info(i)`` has no ``pid``, and metrics other than ``ReIDMetric``, are left alone.
    """

    def before_train(self, runner: Runner) -> None:
        """Look at the validation that the training will come to.

        Args:
            runner: The runner that is about to train.

        Raises:
            ValueError: If no query of a ``ReIDMetric`` can have a match, or persons of several data
                sets are mixed.
        """
        if runner.val_loop is not None:
            check_matches(runner.val_loop, "val")

    def before_test(self, runner: Runner) -> None:
        """Look at the test; features that are wanted in any case (``dump_file``) need no match.

        Args:
            runner: The runner that is about to test.

        Raises:
            ValueError: As :meth:`before_train`.
        """
        refuse_mixed_persons(runner.test_loop.dataloader.dataset)
        metrics = runner.test_loop.evaluator.metrics
        if not any(getattr(metric, "dump_file", None) for metric in metrics):
            check_matches(runner.test_loop, "test")


def check_matches(loop: Any, phase: str) -> None:
    """Raise if no query of a loop's data set can have a match under the protocol of its metric.

    Args:
        loop: A loop with ``dataloader`` and ``evaluator``.
        phase: ``'val'`` or ``'test'``, for the message.

    Raises:
        ValueError: If there is none, or persons of several data sets are mixed.
    """
    metrics = [metric for metric in loop.evaluator.metrics if isinstance(metric, ReIDMetric)]
    dataset = loop.dataloader.dataset
    get_data_info = getattr(dataset, "get_data_info", None)
    if not metrics or get_data_info is None or not len(dataset):
        return
    refuse_mixed_persons(dataset)
    infos = [get_data_info(index) for index in range(len(dataset))]
    if not all({"pid", "camid", "split"} <= info.keys() for info in infos):
        return
    counts = count_protocols(infos)
    for metric in metrics:
        place = "query-in-gallery" if metric.protocol.queries_in_gallery else "query-excluded"
        if not counts[place]["scored"]:
            cameras = sorted({info["camid"] for info in infos})
            raise ValueError(
                f"{phase}_dataloader: at least one query must have a match under the protocol "
                f"{metric.protocol.name}, which is the same person in the gallery under another "
                f"camera, because there is no number to compute otherwise, but none of the "
                f"{counts[place]['queries']} queries has one: "
                + (
                    f"all {len(infos)} tracklets are of camera {cameras[0]}"
                    if len(cameras) == 1
                    else f"no person of theirs is seen by another of the {len(cameras)} cameras"
                )
            )
