"""Options that make runs of the quickstart tiny, and what they say, which several tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import data_options

CTL = "configs/quickstart/ctl_r18_quickstart.py"
BASELINE = "configs/quickstart/baseline_r18_quickstart.py"
Tool = Callable[..., None]


def train_options(root: Path, epochs: int) -> list[str]:
    return [
        *data_options(root),
        f"train_cfg.max_epochs={epochs}",
        "train_cfg.val_interval=1",
        "default_hooks.checkpoint.interval=1",
    ]


def errors(run: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert message.count("error:") == 1
    assert "Traceback" not in message
    return message
