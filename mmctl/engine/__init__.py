"""What MMEngine's Runner lacks: hooks, mixed precision on CPUs, config checks and repairs.

Importing this package mends MMEngine, see :mod:`mmctl.engine.repairs.chosen_repairs`.
"""

from mmctl.checkpoints.weight_match import check_state_dict, load_fitting
from mmctl.engine.commands.command_line import CfgOptions, parse_run, run_command
from mmctl.engine.commands.work_dir_check import check_work_dir, locked_files, locked_work_dir
from mmctl.engine.config_check.config_check import check_config, check_overrides
from mmctl.engine.config_check.prepared_config import prepare_config, prepare_run
from mmctl.engine.config_check.save_best_check import check_save_best
from mmctl.engine.cpu_amp_optim_wrapper import CpuAmpOptimWrapper
from mmctl.engine.event_files import write_event_files
from mmctl.engine.hooks.checkpoint_match_hook import CheckpointMatchHook, watch_checkpoints
from mmctl.engine.hooks.finite_loss_hook import FiniteLossHook
from mmctl.engine.hooks.frame_rate_hook import FrameRateHook
from mmctl.engine.hooks.grad_norm_hook import GradNormHook
from mmctl.engine.hooks.num_classes_hook import NumClassesHook
from mmctl.engine.hooks.query_match_hook import QueryMatchHook
from mmctl.engine.mixed_precision import use_mixed_precision
from mmctl.engine.process_group import init_cpu_distributed
from mmctl.engine.repairs.chosen_repairs import apply_repairs, chosen_repairs
from mmctl.engine.repairs.config_reading import read_config
from mmctl.engine.resume.breakdowns import NotFiniteError
from mmctl.engine.resume.resumable_epoch_loop import ResumableEpochLoop
from mmctl.engine.resume.snapshot_hook import SnapshotHook
from mmctl.engine.resume.stop_signals import RunStopped, end_on_signals

apply_repairs(chosen_repairs())

__all__ = [
    "CfgOptions",
    "CheckpointMatchHook",
    "CpuAmpOptimWrapper",
    "FiniteLossHook",
    "FrameRateHook",
    "GradNormHook",
    "NotFiniteError",
    "NumClassesHook",
    "QueryMatchHook",
    "ResumableEpochLoop",
    "RunStopped",
    "SnapshotHook",
    "apply_repairs",
    "check_config",
    "check_overrides",
    "check_save_best",
    "check_state_dict",
    "check_work_dir",
    "end_on_signals",
    "init_cpu_distributed",
    "load_fitting",
    "locked_files",
    "locked_work_dir",
    "parse_run",
    "prepare_config",
    "prepare_run",
    "read_config",
    "run_command",
    "use_mixed_precision",
    "watch_checkpoints",
    "write_event_files",
]
