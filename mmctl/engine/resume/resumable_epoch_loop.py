"""A training loop that goes on within an epoch, or before the validation that follows one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn

from mmctl.checkpoints.last_checkpoint import loaded_checkpoint
from mmctl.datasets.batches.numbered_items import NumberedSampler
from mmctl.datasets.batches.random_state import kept_random_state
from mmctl.engine.resume.breakdowns import add_note, describe_way_on
from mmctl.engine.resume.numbered_loader import number_items
from mmctl.engine.resume.run_state import RUN_STATE, restore_run_state
from mmctl.engine.resume.stop_signals import RunStopped, StopSignals, spare_workers
from mmctl.files import shorten
from mmctl.registry import LOOPS

_KINDS = {
    "num_done": (int,),
    "validation_is_due": (bool,),
    "sampler_seed": (int, type(None)),
    "item_seed": (int,),
}
"""What the state of a loop consists of."""


@LOOPS.register_module()
class ResumableEpochLoop(EpochBasedTrainLoop):
    """MMEngine's loop over epochs, exact when it is resumed at any iteration.

    The batches before the checkpoint's are left out by the sampler, so their frames are not read.
    Every item draws from a seed of its place in the run (``NumberedItems``), whatever the number
    of workers; starting workers and validating leave the training's generators alone.

    After each iteration and each validation it calls the hooks' ``at_boundary``, before a
    validation their ``before_validation``, and on a signal (``StopSignals``) their
    ``save_snapshot`` before it raises ``RunStopped``: see ``SnapshotHook``.

    Args:
        runner: The runner.
        dataloader: Config of the training data loader, without ``batch_sampler``.
        max_epochs: Epochs of the whole training.
        val_begin: First epoch with a validation.
        val_interval: Epochs between validations.
        dynamic_intervals: Pairs of an epoch and the ``val_interval`` from there on.

    Raises:
        ValueError: If ``dataloader`` is built already or has a ``batch_sampler``, or a number of
            epochs is none.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: dict,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ) -> None:
        _check_epochs(max_epochs, val_begin, val_interval, dynamic_intervals or [])
        numbered = number_items(dataloader)
        super().__init__(runner, numbered, max_epochs, val_begin, val_interval, dynamic_intervals)
        self.signals = StopSignals()
        self.num_done = 0
        self.validation_is_due = False
        self.last_snapshot: str | None = None
        self._resumed: Mapping[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the epoch: batches that are done, and whether to validate first."""
        return {
            "num_done": self.num_done,
            **self._batches,
            "validation_is_due": self.validation_is_due,
            "sampler_seed": getattr(self._sampler.sampler, "seed", None),
            "item_seed": self._sampler.item_seed,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Keep the place and run state of a checkpoint until the run starts.

        Args:
            state: ``state_dict()`` of the run that stopped, with the rest of its run state.
        """
        self._resumed = state if isinstance(state, Mapping) else {}  # which _go_on refuses

    def run(self) -> nn.Module:
        """Train up to ``max_epochs``.

        An error gets a note that says from where the run goes on.

        Raises:
            RunStopped: After a signal, where the run can go on.
        """
        self.runner.call_hook("before_train")
        if self.runner.val_loop is not None:
            spare_workers(self.runner.val_loop.dataloader)
        self._go_on()
        try:
            with self.signals:
                self._validate()
                while self._epoch < self._max_epochs and not self.stop_training:
                    self.run_epoch()
                    self._validate()
        except Exception as error:
            try:
                add_note(error, describe_way_on(self.runner.work_dir, error))
            except RuntimeError as late:  # PyTorch's handler hears of a dead worker at any moment
                add_note(late, describe_way_on(self.runner.work_dir, late))
                raise
            raise
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Train on the batches of the epoch that are not done yet."""
        first = self.num_done
        with kept_random_state():  # a resumed epoch begins twice; new workers draw their seeds
            self.runner.call_hook("before_train_epoch")
            self._sampler.num_skipped = first * self._sampler.batch_size
            batches = iter(self.dataloader)
        self.runner.model.train()
        for index, batch in enumerate(self._saving_on_error(batches), first):
            self.run_iter(index, batch)
            self._at_boundary()
        self.num_done = 0
        self.validation_is_due = True  # what CheckpointHook saves now is not validated
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Train on one batch.

        Args:
            idx: Number of the batch in the epoch.
            data_batch: The batch.
        """
        self.num_done = idx + 1
        super().run_iter(idx, data_batch)

    def _saving_on_error(self, batches: Iterator[Sequence[dict]]) -> Iterator[Sequence[dict]]:
        """Yield batches; an error of the data, between two iterations, ends a run that is saved.

        Of several processes the others are elsewhere, and a snapshot needs all.
        """
        try:
            yield from batches
        except Exception:
            if get_world_size() == 1 and self._iter > 0:
                self.runner.call_hook("save_snapshot")
            raise

    @property
    def _sampler(self) -> NumberedSampler:
        return self.dataloader.sampler

    def _go_on(self) -> None:
        state = self._resumed
        if state is None or self._iter == 0:
            return  # load_from takes the weights only
        try:
            self._take_state(state)
        # What a checkpoint of someone else has in these places may be anything.
        except Exception as error:
            raise ValueError(
                f"checkpoint {loaded_checkpoint(self.runner)!r} cannot be gone on from: its "
                f"{RUN_STATE} must be as SnapshotHook writes it for this model "
                f"({type(error).__name__}: {str(error)[:200]}). Use another checkpoint, or start a "
                "new run from its weights with load_from instead of --resume"
            ) from error

    def _take_state(self, state: Mapping[str, Any]) -> None:
        wrong = {
            name: shorten(state[name])
            for name, kinds in _KINDS.items()
            if type(state[name]) not in kinds or (type(state[name]) is int and state[name] < 0)
        }
        if wrong:
            raise ValueError(f"got {wrong}")
        self._sampler.item_seed = state["item_seed"]
        if state["sampler_seed"] is not None:
            self._sampler.sampler.seed = state["sampler_seed"]
        self.validation_is_due = state["validation_is_due"]
        if self.validation_is_due:
            # As at the end of an epoch; before_train has counted on.
            place = {"epoch": self._epoch - 1, "iter": self._iter - 1}
            self.runner.message_hub.update_info_dict(place)
        self._take_place(state)
        restore_run_state(self.runner, dict(state))

    @property
    def _batches(self) -> dict[str, Any]:
        """Return what must be equal for the place in an epoch to mean the same."""
        return {
            "num_batches": len(self.dataloader),
            "batch_size": self._sampler.batch_size * get_world_size(),
            "num_clips": getattr(self._sampler.sampler, "num_clips", None),
        }

    def _take_place(self, state: Mapping[str, Any]) -> None:
        own = self._batches
        before = {name: state.get(name, value) for name, value in own.items()}
        if before == own:
            if state["num_done"] > own["num_batches"]:
                raise ValueError(f"{state['num_done']} of {own['num_batches']} batches are done")
            self.num_done = state["num_done"]
            return
        place = "within an epoch" if state["num_done"] else "at the end of an epoch"
        print_log(
            f"The checkpoint is {place} of {_describe(before)}, which has {_describe(own)} now: "
            f"epoch {self._epoch + 1} begins anew, and the run will not repeat bit by bit.",
            logger="current",
            level=logging.WARNING,
        )

    def _validate(self) -> None:
        """Validate if an epoch has just ended and it is its turn."""
        self._decide_current_val_interval()
        begun = self._epoch >= self.val_begin
        turn = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        if self.validation_is_due and self.runner.val_loop is not None and begun and turn:
            self.runner.call_hook("before_validation")
            self._stop_if_told()
            try:
                with kept_random_state(), self.signals.stopping_at_once():
                    self.runner.val_loop.run()
            except Exception as error:
                # Workers may have died of the signal that the main process waits out, and others'
                # bare `except` may have made another error of RunStopped.
                if self.signals.received:
                    raise RunStopped(self.signals.received, None) from error
                raise
        if self.validation_is_due:
            self.validation_is_due = False
            self._stop_if_told()

    def _at_boundary(self) -> None:
        self.runner.call_hook("at_boundary")
        self._stop_if_told()

    def _stop_if_told(self) -> None:
        number = self.signals.agreed()
        if number:
            self.runner.call_hook("save_snapshot")
            raise RunStopped(number, self.last_snapshot)


def _describe(batches: Mapping[str, Any]) -> str:
    clips = f", {batches['num_clips']} of each person" if batches["num_clips"] else ""
    return f"{batches['num_batches']} batches of {batches['batch_size']} tracklets{clips}"


def _check_epochs(
    max_epochs: int, val_begin: int, val_interval: int, dynamic_intervals: Sequence[Sequence[int]]
) -> None:
    counts = [("max_epochs", max_epochs, 1), ("val_begin", val_begin, 0)]
    counts.append(("val_interval", val_interval, 1))
    for begin, interval in dynamic_intervals:
        counts += [
            ("dynamic_intervals' epoch", begin, 0),
            ("dynamic_intervals' interval", interval, 1),
        ]
    for name, value, least in counts:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"train_cfg.{name} must be an integer, {least} or more, because epochs are "
                f"counted, got {value!r}"
            )
