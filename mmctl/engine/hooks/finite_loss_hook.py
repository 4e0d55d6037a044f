"""Stop a training whose loss is not finite, and keep broken weights out of its checkpoints."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import all_gather_object, get_rank, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmctl.engine.resume.breakdowns import NotFiniteError
from mmctl.engine.resume.stop_signals import agree
from mmctl.registry import HOOKS

_NAMES = ("pid", "camid", "tracklet_id")


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """End all processes of a training in the iteration in which a loss is NaN or infinite.

    The log names the loss terms and the tracklets of the batch. The check comes after the step of
    the optimizer, where the losses are read for the log anyway, and before anything is saved: the
    weights of that step are lost with the process. Checkpoints whose weights are not finite are
    not written. A loss of float16 is no exception: its scaler skips steps with infinite gradients,
    whose losses are finite.

    It adds no wait for the GPU to a single process; several agree by reducing one number.
    """

    # Before the loss is put into the log's averages (10).
    priority = "HIGHEST"

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Look at the losses of the iteration; all ranks must call it.

        Args:
            runner: The runner.
            batch_idx: Number of the batch in the epoch.
            data_batch: The batch as the data loader gave it.
            outputs: Loss terms by name, and other values that are not looked at.

        Raises:
            NotFiniteError: On every rank if a loss of any is not finite.
        """
        terms = find_broken_terms(outputs or {})
        if not agree(int(bool(terms))):
            return
        own = None
        if terms:
            own = {"rank": get_rank(), "terms": terms, "tracklets": describe_batch(data_batch)}
        found = [report for report in all_gather_object(own) if report is not None]
        place = f"iteration {runner.iter + 1} (epoch {runner.epoch + 1}, batch {batch_idx + 1})"
        for report in found if is_main_process() else ():
            lines = "\n  ".join(report["tracklets"])
            print_log(
                f"The loss of {place} is not finite on rank {report['rank']}: {report['terms']}, "
                f"of these tracklets:\n  {lines}",
                logger="current",
                level=logging.ERROR,
            )
        ranks = ", ".join(f"{report['terms']} on rank {report['rank']}" for report in found)
        raise NotFiniteError(
            f"the loss of {place} is not finite: {ranks}. The log names the batch's tracklets; no "
            "checkpoint holds the weights of this step. A smaller learning rate or "
            "optim_wrapper.clip_grad.max_norm may help, in float16 training without --amp"
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:  # noqa: ARG002
        """Refuse weights that are not finite.

        Args:
            runner: The runner.
            checkpoint: What is about to be written.

        Raises:
            NotFiniteError: If a parameter or buffer of the model is not finite.
        """
        weights = checkpoint["state_dict"]
        broken = [name for name, value in weights.items() if not value.isfinite().all()]
        if broken:
            raise NotFiniteError(
                "weights must be finite to be saved, because nothing can go on from others: "
                f"{len(broken)} of {len(weights)} tensors are not, the first is {broken[0]!r}; "
                "this checkpoint is not written, the ones before it are kept"
            )


def find_broken_terms(outputs: Mapping[str, Tensor]) -> str:
    """Return ``name=value`` of the losses that are NaN or infinite, '' if there is none.

    Args:
        outputs: What ``train_step`` returned; losses have ``loss`` in their names, as in MMEngine,
            and ``loss`` is the sum of them.
    """
    losses = {name: value.detach() for name, value in outputs.items() if "loss" in name}
    if not losses:
        return ""
    # Of a GPU all values are read at once.
    values = torch.stack([value.float() for value in losses.values()]).tolist()
    broken = {n: v for n, v in zip(losses, values, strict=True) if not math.isfinite(v)}
    if len(broken) > 1:
        broken.pop("loss", None)
    return ", ".join(f"{name}={value}" for name, value in broken.items())


def describe_batch(data_batch: Any) -> list[str]:
    """Return a line for each sample of a batch: its labels, first frame and what is not finite.

    Args:
        data_batch: Dict with ``data_samples``, as ``PackClip`` and the data loader make it.
    """
    samples: Sequence[Any] = ()
    if isinstance(data_batch, Mapping):
        samples = data_batch.get("data_samples") or ()
    named = [_describe(sample) for sample in samples if isinstance(sample, BaseDataElement)]
    return named or ["(the batch has no data samples that could be named)"]


def _describe(sample: BaseDataElement) -> str:
    words = [f"{name} {sample.get(name)}" for name in _NAMES if name in sample]
    words += [str(path) for path in sample.get("frame_paths", ())[:1]]
    words += [
        f"its {name} are not finite"
        for name, value in sample.all_items()
        if isinstance(value, Tensor) and not value.isfinite().all()
    ]
    return ", ".join(words)
