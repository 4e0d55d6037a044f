"""What the command-line tools share: one clear message for a user's mistake, no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

USER_ERRORS = (ValueError, FileNotFoundError, PermissionError, OSError, TypeError, KeyError)
EXIT_STATUS = 2


def innermost_message(error: BaseException) -> str:
    """Return the message of an error without the tracebacks that torch's workers wrap it in."""
    message = str(error) or type(error).__name__
    if "Original Traceback" in message:
        # The last unindented line of a traceback starts the message; it may have several lines.
        lines = message.rstrip().splitlines()
        starts = [i for i, line in enumerate(lines) if line and not line.startswith(" ")]
        message = "\n".join(lines[starts[-1] :])
    return message


def run_command(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and end a user's mistake in one message and exit status 2.

    ``MMCTL_DEBUG=1`` in the environment keeps the traceback. Other errors are faults of the
    program and keep theirs in any case.

    Args:
        main: The tool.
    """
    try:
        main()
    except USER_ERRORS as error:
        if os.environ.get("MMCTL_DEBUG") == "1":
            raise
        sys.stdout.flush()
        print(f"\nerror: {innermost_message(error)}", file=sys.stderr)
        print("(MMCTL_DEBUG=1 shows where it was raised)", file=sys.stderr)
        sys.exit(EXIT_STATUS)
    except KeyboardInterrupt:
        print("\ninterrupted; --resume goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
