"""Tools that run in processes of their own, their output in files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


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
    with log.open("w", encoding="utf-8") as file:
        status = subprocess.run(
            [sys.executable, *command],
            cwd=cwd,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        said = f": {errors[-1].removeprefix('error: ')}" if errors else ""
        raise ValueError(
            f"`python {' '.join(command)}` failed (status {status}){said}; its output is in {log}"
        )
