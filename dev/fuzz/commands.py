"""Tools as readers: called in this process, their one line of error as the refusal."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from types import ModuleType
from unittest import mock

from mmctl.engine import run_command
from mmctl.engine.commands import command_line

ROOT = Path(__file__).resolve().parents[2]
_ERROR = re.compile(r"^(?:[\w.]+: )?error: (.*)", re.MULTILINE | re.DOTALL)
_ADVICE = "(MMCTL_DEBUG=1 shows where it was raised)"


class CommandRefusedError(ValueError):
    """A tool that ended with status 2 and an error."""


@cache
def load_tool(path: str) -> ModuleType:
    """Import a script below ``tools/``."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "tools" / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tool(path: str, *arguments: str) -> None:
    """Call a tool's ``main`` as its command line does.

    Args:
        path: The script below ``tools/``.
        arguments: Its command line.

    Raises:
        CommandRefusedError: If it ends with status 2 and says why; as the message.
    """
    with mock.patch.object(sys, "argv", [path, *arguments]):
        run_main(load_tool(path).main)


def run_main(main: Callable[[], None]) -> None:
    """Call a function as the ``main`` of a tool.

    Args:
        main: The function.

    Raises:
        CommandRefusedError: If it ends with status 2 and says why; as the message.
    """
    errors = io.StringIO()
    # Notes below the message say how to go on.
    quiet = mock.patch.object(command_line, "read_notes", return_value=())
    try:
        with quiet, redirect_stdout(io.StringIO()), redirect_stderr(errors):
            run_command(main)
    except SystemExit as end:
        found = _ERROR.search(errors.getvalue().replace(_ADVICE, ""))
        if end.code != 2 or found is None:
            raise
        raise CommandRefusedError(found[1].strip("\n")) from None
