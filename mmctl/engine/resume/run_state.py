"""What a run needs beside MMEngine's checkpoint to go on as if it had never stopped."""

from __future__ import annotations

import logging
from typing import Any, cast

from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmctl.checkpoints.weight_match import find_misfits
from mmctl.datasets.batches.random_state import read_random_state, write_random_state

RUN_STATE = "run_state"
"""Key of the checkpoint under which it lies."""


def collect_run_state(runner: Runner) -> dict[str, Any]:
    """Return the random state of every rank and what lies in the model alone; all must call it.

    Batch norm statistics differ between ranks within an epoch and MMEngine saves those of the
    first; gradients wait for their step while ``accumulative_counts`` collects them.

    Args:
        runner: The runner, between two iterations.

    Returns:
        ``ranks``, one dict for each, and ``gradients`` by the names of their parameters.
    """
    model = unwrap(runner.model)
    own: dict[str, Any] = {"random": read_random_state()}
    if get_world_size() > 1:
        own["buffers"] = {name: buffer.cpu() for name, buffer in model.named_buffers()}
    return {"ranks": all_gather_object(own), "gradients": _waiting_gradients(model)}


def restore_run_state(runner: Runner, state: dict[str, Any]) -> None:
    """Put back what :func:`collect_run_state` returned.

    With another number of processes there is no exact way on, which is logged.

    Args:
        runner: The runner, whose model is loaded.
        state: The run state of the checkpoint.
    """
    ranks = state["ranks"]
    model = unwrap(runner.model)
    if len(ranks) == get_world_size():
        own = ranks[get_rank()]
        write_random_state(own["random"])
        saved, buffers = own.get("buffers", {}), dict(model.named_buffers())
        for fault, keys in find_misfits(saved, buffers).items():
            for name, sides in keys.items():
                raise ValueError(f"a buffer {fault}: {name}{sides}")
        for name, value in saved.items():
            buffers[name].copy_(value)
    else:
        print_log(
            f"The checkpoint is of {len(ranks)} processes and goes on with {get_world_size()}: "
            "random numbers start anew, so the run will not repeat bit by bit.",
            logger="current",
            level=logging.WARNING,
        )
    parameters = dict(model.named_parameters())
    for name, gradient in state["gradients"].items():
        parameters[name].grad = gradient.to(parameters[name].device)


def unwrap(model: nn.Module) -> nn.Module:
    """Return the model inside a wrapper for distributed training."""
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model


def _waiting_gradients(model: nn.Module) -> dict[str, Tensor]:
    gradients = {
        name: parameter.grad.detach().clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }
    for gradient in gradients.values():
        all_reduce(gradient, op="mean")
    return {name: gradient.cpu() for name, gradient in gradients.items()}
