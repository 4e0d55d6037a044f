"""What the command-line tools share: one clear message for a user's mistake, no traceback."""

from __future__ import annotations

import argparse
import linecache
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from mmctl.datasets.batches.freed_memory import keep_freed_memory
from mmctl.engine.commands.unused_parameters import explain_unused_parameters
from mmctl.engine.config_check.config_overrides import parse_option
from mmctl.engine.process_group import close_distributed, end_process
from mmctl.engine.repairs.chosen_repairs import apply_repairs
from mmctl.engine.resume.breakdowns import explain_breakdown, read_notes
from mmctl.engine.resume.stop_signals import RunStopped

USER_ERRORS = (ValueError, OSError, TypeError, KeyError, IndexError, RecursionError, ImportError)
WORDLESS_ERRORS = (IndexError, RecursionError, UnicodeError)
"""Whose messages are Python's and tell a user neither file nor key."""

FILE_NAMES = ("path", "file", "filename")
"""Variables that hold what a function reads."""

_HOME = re.compile(r"(^|^[\w.-]+=)(~[^/]*)")
"""``~`` where no shell puts the home folder: behind ``--out=`` and ``--cfg-options a.b=``."""

EXIT_STATUS = 2
BREAKDOWN_STATUS = 1


class CfgOptions(argparse.Action):
    """Overrides of a config, see :func:`parse_option`; the last of several for one key counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the pairs to those in ``namespace``; raises a ValueError if one is none."""
        pairs = dict(parse_option(item, str(option_string)) for item in values or ())
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), **pairs})


def parse_run(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the arguments of a training or test; the last ones are the same for both."""
    parser.add_argument(
        "--cfg-options", nargs="+", action=CfgOptions, help="overrides, as in key.sub=value"
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def innermost_message(error: BaseException) -> str:
    """Return the message of an error without the tracebacks that torch's workers wrap it in."""
    # A KeyError's text is the repr of its message.
    names_key = isinstance(error, KeyError) and len(error.args) == 1
    message = str(error.args[0] if names_key else error) or type(error).__name__
    if "Original Traceback" in message:
        # The last unindented line of a traceback starts the message; it may have several lines.
        lines = message.rstrip().splitlines()
        starts = [i for i, line in enumerate(lines) if line and not line.startswith(" ")]
        message = "\n".join(lines[starts[-1] :])
    return message


def describe_error(error: Exception) -> str | None:
    """Return the message for a user's mistake, None for a fault of the program.

    Args:
        error: What a tool raised.
    """
    unused = explain_unused_parameters(error)
    if unused is not None:
        return unused
    message = innermost_message(error)
    frames = list(traceback.walk_tb(error.__traceback__))
    # So MMEngine and its family say what a config must be; our own asserts cannot fail.
    is_refusal = isinstance(error, (AssertionError, RuntimeError)) and _is_foreign(frames[-1][0])
    if not is_refusal and not isinstance(error, USER_ERRORS):
        return None
    is_bare_key = isinstance(error, KeyError) and " " not in message
    is_pythons = isinstance(error, (TypeError, ValueError)) and not _was_raised_in_words(frames)
    says_nothing = not str(error).strip() or isinstance(error, WORDLESS_ERRORS)
    if is_bare_key or is_pythons or says_nothing:
        name = type(error).__name__
        message = f"{name if message == name else f'{name}: {message}'}{_describe_place(frames)}"
    return message


def _is_foreign(frame: FrameType) -> bool:
    package = frame.f_globals.get("__name__", "").partition(".")[0]
    return package.startswith("mm") and package != "mmctl"


def _was_raised_in_words(frames: Sequence[tuple[FrameType, int]]) -> bool:
    """Return whether a ``raise`` raised an error, whose author had its reader in mind."""
    frame, line = frames[-1]
    return linecache.getline(frame.f_code.co_filename, line).lstrip().startswith("raise")


def _describe_place(frames: Sequence[tuple[FrameType, int]]) -> str:
    """Return where an error came up, what was built or read there."""
    inside = frames[1:] or frames  # the first is run_command
    ours = [item for item in inside if item[0].f_globals.get("__name__", "").startswith("mmctl")]
    frame, line = (ours or inside)[-1]
    place = f"in {frame.f_code.co_name}, {frame.f_globals.get('__name__')}, line {line}"
    built = [f.f_locals["obj_cls"] for f, _ in inside if "obj_cls" in f.f_locals]
    files = [
        str(value)
        for inner, _ in reversed(inside)
        for name in FILE_NAMES
        if isinstance(value := inner.f_locals.get(name), (str, Path)) and os.path.isfile(value)
    ]
    place += f", when {getattr(built[-1], '__name__', built[-1])} was built" if built else ""
    return f" ({place}{f', when {files[0]} was read' if files else ''})"


def run_command(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and end a user's mistake in one message and exit status 2.

    A breakdown that another start may not meet (a process or worker that died) has status 1.
    ``MMCTL_DEBUG=1`` in the environment keeps the traceback. Other errors are faults of the
    program and keep theirs in any case. A training that a signal stopped keeps its exit status.

    ``~`` at the beginning of an argument or of a value in it is the home folder. Tools mend all of
    MMEngine, whatever ``MMCTL_REPAIRS`` says to other programs.

    Args:
        main: The tool.
    """
    apply_repairs()
    keep_freed_memory()
    sys.argv[1:] = [
        _HOME.sub(lambda found: found[1] + os.path.expanduser(found[2]), argument)
        for argument in sys.argv[1:]
    ]
    try:
        main()
        if close_distributed():
            end_process(0)
    except Exception as error:
        breakdown = explain_breakdown(error)
        message = breakdown or describe_error(error)
        if message is None or os.environ.get("MMCTL_DEBUG") == "1":
            raise
        sys.stdout.flush()
        notes = "".join(f"\n{note}" for note in read_notes(error))
        print(f"\nerror: {message}{notes}", file=sys.stderr)
        print("(MMCTL_DEBUG=1 shows where it was raised)", file=sys.stderr)
        sys.exit(BREAKDOWN_STATUS if breakdown else EXIT_STATUS)
    except RunStopped as stopped:
        is_gloo = close_distributed()
        print(f"\n{stopped}", file=sys.stderr)
        if is_gloo:
            end_process(int(stopped.code or 0))
        sys.exit(stopped.code)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
