"""A checkpoint that does not fit the model is an error, not a line in the log."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmctl.checkpoints.last_checkpoint import loaded_checkpoint
from mmctl.checkpoints.weight_match import check_state_dict
from mmctl.engine.resume.resume_check import check_average, check_resumable
from mmctl.engine.resume.resume_schedules import drop_callables
from mmctl.engine.resume.resume_settings import TYPES, describe_types, follow_config
from mmctl.registry import HOOKS, type_name


@HOOKS.register_module()
class CheckpointMatchHook(Hook):
    """Stop a run whose checkpoint does not fit its model, before any of it is loaded.

    Acts on ``load_from``, ``resume`` and tests alike; a run to resume must have its whole state.

    Args:
        allow: Prefixes of keys that may differ, see :func:`check_state_dict`.
    """

    priority = "VERY_HIGH"

    def __init__(self, allow: Sequence[str] = ()) -> None:
        if isinstance(allow, str):
            raise TypeError(
                "allow must be a sequence of key prefixes, because a bare string would allow each "
                f"of its letters, got {allow!r}"
            )
        self.allow = tuple(allow)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the runner's model.

        Args:
            runner: The runner that loads.
            checkpoint: What was read from the file.
        """
        filename = loaded_checkpoint(runner)
        check_state_dict(runner.model, checkpoint, filename, allow=self.allow)
        if runner._resume:
            check_resumable(checkpoint, filename)
            check_average(runner, checkpoint, filename)
            follow_config(runner, checkpoint, filename)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the classes of optimizers, whose states do not say them.

        Args:
            runner: The runner that saves.
            checkpoint: What is about to be written.
        """
        if "optimizer" in checkpoint:
            checkpoint["meta"][TYPES] = describe_types(runner.optim_wrapper)
        if "param_schedulers" in checkpoint:
            checkpoint["param_schedulers"] = drop_callables(checkpoint["param_schedulers"])


def watch_checkpoints(cfg: Config) -> None:
    """Add ``CheckpointMatchHook`` where ``custom_hooks`` of a config's own leave it out.

    Args:
        cfg: Config of the run.
    """
    hooks = list(cfg.get("custom_hooks") or [])
    if "CheckpointMatchHook" not in [type_name(hook.get("type")) for hook in hooks]:
        cfg.custom_hooks = [*hooks, {"type": "mmctl.CheckpointMatchHook"}]
