"""One training of ``kill_trainings.py``: a forked process that is killed, and one that resumes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

from dev.tiny_training import NUM_EPOCHS, NUM_PEOPLE, Setting, start, wait
from dev.training_end import read_end
from mmctl.datasets.batches import numbered_items
from mmctl.files import whole_files

MOMENTS = ("at any time", "while writing", "while drawing")
NOTES = "notes.txt"


@dataclass
class WholeTraining:
    """How an uninterrupted training went.

    Attributes:
        seconds_to_start: Until it wrote its first file.
        seconds_to_end: From there on.
        num_writes: Files that it wrote.
        end: Digest of each part of its end.
    """

    seconds_to_start: float
    seconds_to_end: float
    num_writes: int
    end: dict[str, str]


def run_whole(work_dir: Path, data: Path, setting: Setting) -> WholeTraining:
    """Train without interruption.

    Raises:
        RuntimeError: If the training fails.
    """
    begin = time.monotonic()
    count = work_dir / NOTES
    status = wait(start(work_dir, data, setting, lambda: _watch_writing(_Counter(count))))
    if status != 0:
        raise RuntimeError(f"the training failed: {(work_dir / 'output.txt').read_text()[-3000:]}")
    end = time.monotonic()
    writes = [float(line) for line in count.read_text().splitlines()]
    return WholeTraining(writes[0] - begin, end - writes[0], len(writes), read_end(work_dir))


@dataclass
class KilledTraining:
    """A training that is killed once and resumed.

    Attributes:
        folder: Its work dir.
        data: Folder of the data set.
        setting: What it runs with.
        moment: When it is killed, one of ``MOMENTS``.
        whole: The uninterrupted training.
        resumed_from: Name of the checkpoint that it went on from.
        difference: Parts of the end that differ.
    """

    folder: Path
    data: Path
    setting: Setting
    moment: str
    whole: WholeTraining
    resumed_from: str = "start"
    difference: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Whether it ended as the uninterrupted one."""
        return not self.difference

    def kill(self, generator: random.Random) -> None:
        """Train until the kill; a training that ended before it is tried again.

        Raises:
            RuntimeError: If the training fails by itself.
        """
        status = 0
        while status != -signal.SIGKILL:
            shutil.rmtree(self.folder, ignore_errors=True)
            process = start(self.folder, self.data, self.setting, self._plan(generator))
            if self.moment == "at any time":
                self._kill_in_time(process, generator)
            status = wait(process)
            if status > 0:
                raise RuntimeError((self.folder / "output.txt").read_text()[-3000:])

    def _kill_in_time(self, process: int, generator: random.Random) -> None:
        """Kill a process while it starts, one time of five, or after its first checkpoint."""
        starting = generator.random() < 0.2
        share = generator.random()
        begin = time.monotonic()
        if not starting:
            while not (self.folder / "last_checkpoint").exists() and _is_alive(process):
                time.sleep(0.002)
            begin = time.monotonic()
        seconds = self.whole.seconds_to_start if starting else self.whole.seconds_to_end
        while time.monotonic() < begin + share * seconds and _is_alive(process):
            time.sleep(0.002)
        os.kill(process, signal.SIGKILL)

    def _plan(self, generator: random.Random) -> Callable[[], None]:
        if self.moment == "while writing":
            number = generator.randrange(self.whole.num_writes)
            share = generator.choice([0.0, generator.random(), 1.0])
            return lambda: _watch_writing(_Cut(number, share))
        if self.moment == "while drawing":
            epoch, item = generator.randrange(NUM_EPOCHS), generator.randrange(NUM_PEOPLE * 2)
            return lambda: _kill_at_item(os.getpid(), epoch, item)
        return lambda: None

    def resume(self) -> None:
        """Go on to the end and compare it."""
        pointer = self.folder / "last_checkpoint"
        if pointer.exists():
            self.resumed_from = Path(pointer.read_text()).stem
        status = wait(start(self.folder, self.data, self.setting, lambda: None))
        if status != 0:
            self.difference = [f"exit status {status}"]
            return
        end = read_end(self.folder)
        self.difference = [name for name in self.whole.end if end[name] != self.whole.end[name]]


def _is_alive(process: int) -> bool:
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


class _Counter:
    """Notes the time of every file that is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, name: Path, mode: str, encoding: str | None) -> Any:
        with self.path.open("a") as file:
            file.write(f"{time.monotonic()}\n")
        return open(name, mode, encoding=encoding)


class _Cut:
    """Kills this process within one of the files that it writes."""

    def __init__(self, number: int, share: float) -> None:
        self.remaining = number
        self.share = share

    def open(self, name: Path, mode: str, encoding: str | None) -> Any:
        self.remaining -= 1
        if self.remaining >= 0:
            return open(name, mode, encoding=encoding)
        return _CutFile(name, self.share)


class _CutFile(FileIO):
    def __init__(self, name: Path, share: float) -> None:
        super().__init__(name, "w")
        self.share = share

    def write(self, content: Any) -> int:
        content = content.encode() if isinstance(content, str) else content
        super().write(content[: int(len(content) * self.share)])
        os.kill(os.getpid(), signal.SIGKILL)
        return 0


def _watch_writing(opener: _Counter | _Cut) -> None:
    whole_files.open = opener.open  # type: ignore[attr-defined]


def _kill_at_item(process: int, epoch: int, item: int) -> None:
    draw = numbered_items._drawing_from

    def killed(place: tuple[int, int, int]) -> Any:
        if place[1:] == (epoch, item):
            os.kill(process, signal.SIGKILL)
        return draw(place)

    numbered_items._drawing_from = killed
