"""What the command-line tools share: one clear message for a user's mistake, no traceback."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mmengine.config.config
from mmengine.config import DictAction

from mmctl.engine.breakdowns import explain_breakdown, read_notes
from mmctl.engine.mmengine_fixes import close_distributed, end_process
from mmctl.engine.stop_signals import RunStopped
from mmctl.engine.unused_parameters import explain_unused_parameters

USER_ERRORS = (ValueError, FileNotFoundError, PermissionError, OSError, TypeError, KeyError)
EXIT_STATUS = 2
BREAKDOWN_STATUS = 1


class CfgOptions(DictAction):
    """MMEngine's ``key.sub=value`` pairs; an item without ``=`` is named."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Parse the pairs into ``namespace``; ends the program with a message if one is none."""
        for item in values or ():
            if "=" not in item:
                parser.error(f"{option_string} takes key.sub=value pairs, got {item!r}")
        super().__call__(parser, namespace, values, option_string)


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


def find_config_line(error: BaseException) -> str | None:
    """Return ``file, line N`` if a config file raised the error or cannot be parsed.

    Args:
        error: What reading a config raised.
    """
    config: str | None = None
    place = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if code.co_filename == mmengine.config.config.__file__:
            config = str(frame.f_locals.get("filename") or config or "")
        elif config and Path(code.co_filename).resolve() == Path(config).resolve():
            place = f"{Path(config)}, line {line}"
    if place is None and config and isinstance(error, SyntaxError) and error.lineno is not None:
        # MMEngine parses text, whose file the error does not know; modules have one.
        is_text = error.filename in (None, "<unknown>")
        place = f"{Path(config) if is_text else error.filename}, line {error.lineno}"
    return place


def describe_error(error: Exception) -> str | None:
    """Return the message for a user's mistake, None for a fault of the program.

    Args:
        error: What a tool raised.
    """
    place = find_config_line(error)
    if place is not None:
        text = error.msg if isinstance(error, SyntaxError) else innermost_message(error)
        return f"config {place}: {type(error).__name__}: {text}"
    unused = explain_unused_parameters(error)
    if unused is not None:
        return unused
    return innermost_message(error) if isinstance(error, USER_ERRORS) else None


def run_command(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and end a user's mistake in one message and exit status 2.

    A breakdown that another start may not meet (a process or worker that died) has status 1.
    ``MMCTL_DEBUG=1`` in the environment keeps the traceback. Other errors are faults of the
    program and keep theirs in any case. A training that a signal stopped keeps its exit status.

    Args:
        main: The tool.
    """
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
