"""Train, test, keep what is finished: one config in a folder, each step in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmctl.checkpoints.last_checkpoint import trained_checkpoint
from mmctl.engine.commands.measured_numbers import Numbers, Reader, read_finished, read_measured
from mmctl.engine.commands.tool_runs import run_python
from mmctl.files import read_text, write_whole


@dataclass(frozen=True)
class KeptRun:
    """A config that is trained and tested in a folder, where what is finished stays.

    A step that fails, or leaves no checkpoint or no numbers, raises a ValueError.

    Attributes:
        config: The config file.
        folder: Work folder of the training, also after it was moved or copied.
        options: Overrides of training and test, as ``--cfg-options`` takes them.
        tools: Folder of ``train.py`` and ``test.py``.
        read: Reads the numbers of a test; raises a ValueError where they are damaged.
        call: Runs a Python command to its end, its output into a file.
    """

    config: str | Path
    folder: Path
    options: Sequence[str]
    tools: Path = Path("tools")
    read: Reader = read_measured
    call: Callable[[list[str], Path], None] = run_python

    def finished(self, name: str, read: Reader | None = None) -> Numbers | None:
        """Return what a file of the folder keeps; None for nothing, or for damaged numbers."""
        return read_finished(self.folder / name, read or self.read)

    def train(self, *flags: str) -> str:
        """Train, or go on, and return the checkpoint; ``flags`` are for ``train.py``."""
        self._run("train.py", ["--work-dir", str(self.folder), "--resume", *flags], "train.txt")
        return trained_checkpoint(self.folder)

    def test(
        self, tested: str | None, *flags: str, name: str = "metrics.json", log: str = "test.txt"
    ) -> Numbers:
        """Test a checkpoint and return the numbers.

        Args:
            tested: The checkpoint; None: the untrained network.
            *flags: Further arguments of ``test.py``.
            name: File of the folder for the numbers.
            log: File of the folder for the output.
        """
        arguments = [tested] if tested is not None else []
        arguments += ["--work-dir", str(self.folder / "test")]
        arguments += ["--metrics-file", str(self.folder / name), *flags]
        self._run("test.py", arguments, log)
        return self.read(self.folder / name)

    def _run(self, tool: str, arguments: Sequence[str], log: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        options = ["--cfg-options", *self.options] if self.options else []
        command = [str(self.tools / tool), str(self.config), *arguments, *options]
        self.call(command, self.folder / log)


def keep(path: Path, result: Numbers) -> Numbers:
    """Write the result of something finished as JSON, whole or not at all, and return it."""
    write_whole(path, f"{json.dumps(result, indent=1)}\n".encode())
    return result


def claim_folder(record: Path, made_of: str, kind: str) -> str | None:
    """Write what the runs of a folder are made of; return what is there if it is another thing."""
    if not record.exists():
        record.parent.mkdir(parents=True, exist_ok=True)
        write_whole(record, made_of.encode())
    there = read_text(record, kind)
    return None if there == made_of else there
