"""python -m dev.time_systems: a step of a full config is timed and every system is known."""

from __future__ import annotations

import argparse
import sys

import pytest

from dev import time_systems
from mmctl.engine import run_command
from tests.conftest import ROOT


def test_a_step_is_what_the_benchmark_of_training_steps_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ROOT / "configs" / "quickstart" / "baseline_r18_quickstart.py"
    monkeypatch.setattr(time_systems, "SYSTEMS", {"small": small})
    monkeypatch.setattr(sys, "argv", ["time_systems", "small", "--clips", "4"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    run_command(time_systems.main)
    said = capsys.readouterr().out
    assert "small: " in said
    assert "4 clips a step, one thread" in said
    frames, seconds = time_systems.measure("small", argparse.Namespace(clips=4, steps=2))
    assert frames == 16
    assert 0 < seconds < 60
