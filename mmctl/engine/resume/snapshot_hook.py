"""Checkpoints within an epoch, and what all checkpoints need to be gone on from exactly."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmctl.checkpoints.last_checkpoint import LAST_CHECKPOINT
from mmctl.engine.resume.resumable_epoch_loop import ResumableEpochLoop
from mmctl.engine.resume.run_state import RUN_STATE, collect_run_state
from mmctl.engine.resume.stop_signals import agree
from mmctl.files import TEMPORARY_SUFFIX, open_atomically
from mmctl.registry import HOOKS


@HOOKS.register_module()
class SnapshotHook(Hook):
    """Save ``snapshot_<iteration>.pth`` between iterations, and make every checkpoint exact.

    A snapshot is written every ``interval`` iterations, ``minutes`` after the last checkpoint,
    before a validation that no other checkpoint precedes, and when a signal stops the run
    (``ResumableEpochLoop`` calls). ``--resume`` finds it by ``last_checkpoint``. The newest
    ``max_keep`` stay; at the end of the training, which ``CheckpointHook`` saves, none does.

    Checkpoints of ``CheckpointHook`` get the random states of all ranks, the place in the epoch
    and waiting gradients too.

    Args:
        interval: Iterations between snapshots, None for none by number.
        minutes: Minutes between checkpoints, None for none by the clock.
        max_keep: Snapshots to keep.

    Raises:
        ValueError: If a number is not positive.
    """

    # After what changes the state of a run (schedulers: 70), before CheckpointHook (90) saves it.
    priority = 80

    def __init__(
        self, interval: int | None = None, minutes: float | None = 10, max_keep: int = 2
    ) -> None:
        for name, value in (("interval", interval), ("minutes", minutes), ("max_keep", max_keep)):
            if value is not None and value <= 0:
                raise ValueError(f"SnapshotHook's {name} must be positive, got {value}")
        self.interval = interval
        self.minutes = minutes
        self.max_keep = max_keep
        self._last_time = time.monotonic()
        self._last_checkpoint: str | None = None
        self._collected: tuple[int, dict[str, Any]] | None = None

    def before_train(self, runner: Runner) -> None:
        """Check the loop, and remove what a killed run was writing.

        Raises:
            ValueError: If the loop is not ``ResumableEpochLoop``.
        """
        if not isinstance(runner.train_loop, ResumableEpochLoop):
            raise ValueError(
                "SnapshotHook needs train_cfg.type='ResumableEpochLoop', because other loops begin "
                f"an epoch anew when they are resumed, got {type(runner.train_loop).__name__}; use "
                "that loop, or leave SnapshotHook out of custom_hooks"
            )
        self._last_time = time.monotonic()
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                # It saves an epoch once more with its best score only if it has saved before.
                hook.last_ckpt = runner.message_hub.runtime_info.get("last_ckpt")
        if is_main_process():
            for file in Path(runner.work_dir).glob(f".*.pth.*{TEMPORARY_SUFFIX}"):
                file.unlink(missing_ok=True)

    def at_boundary(self, runner: Runner) -> None:
        """Save a snapshot between two iterations if it is its turn."""
        due = self.interval is not None and runner.iter % self.interval == 0
        if self.minutes is not None:
            late = time.monotonic() - self._last_time >= 60 * self.minutes
            # The clock of the first rank counts.
            due |= bool(agree(int(late and is_main_process())))
        if due:
            self.save_snapshot(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Collect the states of all ranks for the checkpoint that may follow."""
        self._last_checkpoint = runner.message_hub.runtime_info.get("last_ckpt")
        self._collect(runner)

    def before_validation(self, runner: Runner) -> None:
        """Save a snapshot unless ``CheckpointHook`` has just saved this epoch."""
        if self._collected is None:  # resumed here; the validation may draw
            self._collect(runner)
        if runner.message_hub.runtime_info.get("last_ckpt") == self._last_checkpoint:
            self.save_snapshot(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:  # noqa: ARG002
        """Let the checkpoint that ``CheckpointHook`` saves for a best score say it is validated."""
        if isinstance(runner._train_loop, ResumableEpochLoop):
            runner.train_loop.validation_is_due = False

    def after_train(self, runner: Runner) -> None:
        """Remove the snapshots if the last checkpoint is another one."""
        last = Path(runner.work_dir) / LAST_CHECKPOINT
        if is_main_process() and last.is_file():
            name = Path(last.read_text()).name
            if not name.startswith("snapshot_"):
                self._prune(runner, 0)

    def save_snapshot(self, runner: Runner) -> None:
        """Save the state between two iterations; all ranks must call it."""
        self._collect(runner)
        name = f"snapshot_{runner.iter}.pth"
        path = Path(runner.work_dir) / name
        place = {"epoch": runner.epoch, "iter": runner.iter}
        runner.save_checkpoint(runner.work_dir, name, by_epoch=False, meta=place)
        if is_main_process():
            with open_atomically(Path(runner.work_dir) / LAST_CHECKPOINT) as file:
                file.write(str(path))
            self._prune(runner, self.max_keep)
        runner.train_loop.last_snapshot = str(path)
        print_log(f"Saved {name} (epoch {runner.epoch + 1}, iteration {runner.iter})", "current")

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the run state to a checkpoint that has an optimizer to go on with."""
        if "optimizer" not in checkpoint or not isinstance(runner._train_loop, ResumableEpochLoop):
            return
        if self._collected is None or self._collected[0] != checkpoint["meta"]["iter"]:
            if get_world_size() > 1:  # only the first rank is here
                return
            self._collect(runner)
        assert self._collected is not None
        checkpoint[RUN_STATE] = {**runner.train_loop.state_dict(), **self._collected[1]}
        self._last_time = time.monotonic()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Hand the run state to the loop, which uses it if the run is resumed."""
        if RUN_STATE in checkpoint and isinstance(runner._train_loop, ResumableEpochLoop):
            runner.train_loop.load_state_dict(checkpoint[RUN_STATE])
        elif runner._resume:
            print_log(
                "The checkpoint has no random states and no place in the epoch: the run goes on "
                "from the start of an epoch and will not repeat bit by bit.",
                logger="current",
                level=logging.WARNING,
            )

    def _collect(self, runner: Runner) -> None:
        self._collected = (runner.iter, collect_run_state(runner))

    def _prune(self, runner: Runner, num_kept: int) -> None:
        """Remove snapshots but the last ones, and all from beyond here, of a run that went back.

        By the iteration in their names: the clock may have been set back.
        """
        files = {}
        for file in Path(runner.work_dir).glob("snapshot_*.pth"):
            number = file.stem.removeprefix("snapshot_")
            if number.isdecimal():
                files[int(number)] = file
        kept = [iteration for iteration in sorted(files)[::-1] if iteration <= runner.iter]
        for iteration in files.keys() - kept[:num_kept]:
            files[iteration].unlink(missing_ok=True)
