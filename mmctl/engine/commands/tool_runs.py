"""Tools that run in processes of their own, their output in files."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def run_python(command: Sequence[str], log: Path, cwd: Path | None = None) -> None:
    """Run a Python program to its end.

    Args:
        command: The script and its arguments.
        log: File that receives all its output; it is replaced.
        cwd: Working folder of the program; None: that of this process.

    Raises:
        ValueError: If the program fails; the message names the log and its last error.
    """
    # Without a limit every process would start a thread per core.
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            [sys.executable, *command],
            cwd=cwd,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        ) as program,
    ):
        try:
            status = program.wait()
        except BaseException:
            program.send_signal(signal.SIGINT)  # it may save its work
            program.wait()
            raise
    if status != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        said = f": {errors[-1].removeprefix('error: ')}" if errors else ""
        raise ValueError(
            f"`python {' '.join(command)}` failed (status {status}){said}; its output is in {log}"
        )


def end_with_parent() -> None:
    """Let Linux tell this new process to stop when its parent ends, however that ends.

    A training that nobody waits for would go on beside the one that the repeated command starts.
    For ``preexec_fn``.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
