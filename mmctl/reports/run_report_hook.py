"""A page about the training in its work folder, however the training ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmctl.engine.commands.command_line import innermost_message
from mmctl.engine.resume.stop_signals import RunStopped
from mmctl.registry import HOOKS
from mmctl.reports.run_record import RunRecord

_LONGEST = 400


@HOOKS.register_module()
class RunReportHook(Hook):
    """Write ``report.png`` and ``report.html`` when the training ends.

    :func:`reported` tells it of signals and errors, which MMEngine tells no hook of. What no log
    holds (command, environment, changes of the config) is in ``<time>/run.json`` from the start,
    so that ``tools/analysis_tools/report_run.py`` can write the report of a killed training too.
    A report that cannot be written is a warning: it never ends a training or hides an error.
    """

    # After everything that may refuse to train, and after the last log.
    priority = "LOWEST"

    def __init__(self) -> None:
        self._record: RunRecord | None = None

    def before_train(self, runner: Runner) -> None:
        """Keep what no log holds."""
        if is_main_process():
            _only_warn(lambda: self._begin(runner))

    def after_run(self, runner: Runner) -> None:
        """Report a training that came to its end."""
        self._end(runner, "finished")

    def after_interruption(self, runner: Runner, error: BaseException) -> None:
        """Report a training that did not.

        Args:
            runner: The runner.
            error: What ended it.
        """
        self._end(runner, describe_end(error))

    def _begin(self, runner: Runner) -> None:
        record = RunRecord.of(runner)
        record.save(runner.log_dir)
        self._record = record

    def _end(self, runner: Runner, outcome: str) -> None:
        record, self._record = self._record, None
        if record is None:  # a test, another rank, or a training that did not begin
            return
        record.end(outcome, runner.iter)

        def report() -> None:
            record.save(runner.log_dir)
            # Not at the top: every training imports this module, and draws at its end.
            from mmctl.reports.report_files import write_run_report

            files = write_run_report(runner.work_dir)
            print_log(f"Report: {', '.join(map(str, files))}", "current")

        _only_warn(report)


@contextmanager
def reported(runner: Runner) -> Iterator[None]:
    """Tell the hooks (``after_interruption``) what ended a training, and close its logs.

    Args:
        runner: The runner that trains in the block.
    """
    try:
        yield
    except BaseException as error:
        ending = error
        _only_warn(lambda: runner.call_hook("after_interruption", error=ending))
        # What an event file of TensorBoard has not written yet would be lost.
        _only_warn(runner.visualizer.close)
        raise


def describe_end(error: BaseException) -> str:
    """Return in words what ended a training.

    Args:
        error: What it raised.
    """
    if isinstance(error, RunStopped):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"failed: {type(error).__name__}: {innermost_message(error)[:_LONGEST]}"


def _only_warn(work: Callable[[], None]) -> None:
    """Run what must not end the training."""
    try:
        work()
    except Exception as error:
        message = f"The report of this run could not be written: {error!r}"
        print_log(message, "current", level=logging.WARNING)
