"""A training whose workers persist, in a process of its own: ``python -m ... FOLDER END``.

``END`` is what befalls it: ``success``, ``signal`` (the whole group is told to stop in the second
epoch, after a validation) or ``error`` (of the data, in a worker).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from mmengine.hooks import Hook

from mmctl.engine import run_command
from tests.forked_processes import join_group
from tests.test_engine.drawing_runner import DrawnData, drawing_runner
from tests.test_engine.forked_ranks import WRAPPER

PERSISTENT = {"num_workers": 2, "persistent_workers": True}
BROKEN = 7


class TellsGroup(Hook):
    """Sends SIGTERM to the main process and all workers, as a scheduler does."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if runner.iter == 5:
            os.killpg(0, signal.SIGTERM)


class BrokenData(DrawnData):
    def __getitem__(self, index: int) -> dict:
        if index == BROKEN:
            raise ValueError("frame 7 cannot be read")
        return super().__getitem__(index)


def main() -> None:
    folder, end = Path(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    launcher = "pytorch" if "RANK" in os.environ else "none"
    changes = {"launcher": launcher}
    if launcher != "none":
        join_group(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), folder)
        changes["model_wrapper_cfg"] = WRAPPER
    kind = BrokenData if end == "error" else DrawnData
    loader = {"dataset": {"type": kind}, "batch_size": 3, **PERSISTENT}
    runner = drawing_runner(
        folder,
        *([TellsGroup()] if end == "signal" else []),
        train_dataloader={**loader, "sampler": {"type": "DefaultSampler", "shuffle": True}},
        val_dataloader={
            **loader,
            "dataset": {"type": DrawnData},
            "sampler": {"type": "DefaultSampler", "shuffle": False},
        },
        **changes,
    )
    runner.train()


if __name__ == "__main__":
    run_command(main)
