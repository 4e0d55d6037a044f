"""The data loader of a training whose items draw by their place in the run."""

from __future__ import annotations

import os
from functools import partial

from mmengine.registry import FUNCTIONS

from mmctl.datasets.batches.numbered_items import NumberedItems, NumberedSampler
from mmctl.engine.resume.stop_signals import leave_signals_to_main_process


def number_items(dataloader: dict) -> dict:
    """Return the config of the same data loader with numbered items.

    Args:
        dataloader: Config of a training data loader, without ``batch_sampler``.

    Raises:
        ValueError: If it is built already or has a ``batch_sampler``.
    """
    if not isinstance(dataloader, dict) or dataloader.get("batch_sampler") is not None:
        raise ValueError(
            "ResumableEpochLoop needs the config of a train_dataloader with a sampler and no "
            "batch_sampler, because it leaves out batches by their number in the sampler, got "
            f"{type(dataloader).__name__} {dataloader if isinstance(dataloader, dict) else ''}"
        )
    sampler = {
        "type": NumberedSampler,
        "sampler": dataloader["sampler"],
        "batch_size": dataloader["batch_size"],
    }
    worker_init = dict(dataloader.get("worker_init_fn") or {})
    kind = worker_init.pop("type", None)
    function = FUNCTIONS.get(kind) if isinstance(kind, str) else kind
    inner = partial(function, **worker_init) if function is not None else None
    return {
        **dataloader,
        "dataset": {"type": NumberedItems, "dataset": dataloader["dataset"]},
        "sampler": sampler,
        "worker_init_fn": {
            "type": leave_signals_to_main_process,
            "inner": inner,
            "main_process": os.getpid(),
        },
    }
