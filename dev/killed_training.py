"""One training of ``kill_trainings.py``: a forked process that is killed, and one that resumes."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import mmpretrain.models  # noqa: F401 (most of a training's time is imports: all inherit these)
import numpy as np
import torch
import torchvision  # noqa: F401
from mmengine.config import Config
from mmengine.runner import Runner

import mmctl.evaluation
import mmctl.models  # noqa: F401
from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.datasets.batches import numbered_items
from mmctl.datasets.synthetic import DrawnSettings, MarsWriter
from mmctl.engine import use_mixed_precision
from mmctl.files import whole_files

ROOT = Path(__file__).resolve().parents[1]
MOMENTS = ("at any time", "while writing", "while drawing")
NUM_EPOCHS = 3
NUM_PEOPLE = 8
NOTES = "notes.txt"
TIMES = ("time", "data_time")


class Setting(NamedTuple):
    """What a training runs with.

    Attributes:
        amp: Whether in bfloat16.
        workers: Processes that load data.
    """

    amp: bool
    workers: int


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


def draw_people(root: Path) -> Path:
    """Draw a tiny data set; return its folder."""
    settings = DrawnSettings(
        num_train_pids=NUM_PEOPLE,
        num_test_pids=2,
        num_cameras=2,
        frames=(2, 4),
        size=(64, 32),
        num_junk=0,
        num_distractors=0,
    )
    MarsWriter(root, settings).write()
    return root


def tiny_config(work_dir: Path, data: Path, setting: Setting) -> Config:
    """Return the quickstart's config with everything made small."""
    cfg = Config.fromfile(ROOT / "configs" / "quickstart" / "ctl_r18_quickstart.py")
    size = (32, 16)
    for part in ("train", "val"):
        loader = cfg[f"{part}_dataloader"]
        loader.num_workers = setting.workers if part == "train" else 0
        loader.dataset.data_root = str(data)
        for step in loader.dataset.pipeline:
            step.update(size=size) if step["type"] == "ResizeClip" else None
            step.update(clip_len=2) if step["type"] == "SampleClip" else None
    cfg.train_dataloader.batch_size = 4
    cfg.train_dataloader.sampler.update(num_pids=2, num_clips=2)
    cfg.model.backbone.update(base_channels=8, stem_channels=8)
    cfg.model.graph_head.update(channels=64)
    cfg.model.graph_head.cross_scale.update(dim=8)
    cfg.model.head.update(channels=64, num_classes=NUM_PEOPLE)
    cfg.train_cfg.update(max_epochs=NUM_EPOCHS, val_interval=1)
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
    # Nothing goes on from a report, and drawing it takes longer than the training.
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook["type"] != "RunReportHook"]
    for hook in cfg.custom_hooks:
        if hook["type"] == "SnapshotHook":
            hook.update(interval=1, minutes=None)
    if setting.amp:
        use_mixed_precision(cfg)
    cfg.update(work_dir=str(work_dir), experiment_name=uuid4().hex, log_level="WARNING")
    # Every checkpoint holds the config; formatting it would take most of the time.
    return Config(cfg.to_dict(), format_python_code=False)


def start(work_dir: Path, data: Path, setting: Setting, prepare: Callable[[], None]) -> int:
    """Fork a process that trains or goes on; return its id."""
    work_dir.mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        torch.set_num_threads(1)
        log = os.open(work_dir / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        prepare()
        cfg = tiny_config(work_dir, data, setting)
        cfg.resume = True
        Runner.from_cfg(cfg).train()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait(process: int) -> int:
    """Wait for a process; return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _is_alive(process: int) -> bool:
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


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


def read_end(work_dir: Path) -> dict[str, str]:
    """Return a digest of each part of the last checkpoint that must not depend on kills."""
    checkpoint = load_from_local_safely((work_dir / "last_checkpoint").read_text())
    hub = checkpoint["message_hub"]
    histories = {
        name: history.data
        for name, history in hub["log_scalars"].items()
        if name.split("/")[-1] not in TIMES
    }
    parts = ("state_dict", "optimizer", "param_schedulers", "run_state")
    content = {name: checkpoint[name] for name in parts}
    content |= {"losses": histories, "best score": hub["runtime_info"]["best_score"]}
    return {name: _digest(value) for name, value in content.items()}


def _digest(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        text = f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    elif isinstance(value, dict):
        text = str([(str(key), _digest(value[key])) for key in sorted(value, key=str)])
    elif isinstance(value, (list, tuple)):
        text = str([_digest(item) for item in value])
    else:
        text = repr(value)
    return hashlib.sha256(text.encode()).hexdigest()


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
