"""The command that draws streets, from its command line to its files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "dataset_converters/draw_street.py"
OPTIONS = [
    "--people",
    "4",
    "--cameras",
    "2",
    "--seconds",
    "1",
    "--fps",
    "10",
    "--size",
    "96",
    "160",
]


def options(out, *more):
    return [str(out), *OPTIONS, "--workers", "1", *more]


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def street(run_tool, tmp_path, capsys):
    run_tool(NAME, *options(tmp_path / "street"))
    said = capsys.readouterr().out
    assert "drawing 20 frames, workers: 1" in said
    assert "complete after" in said
    return tmp_path / "street"


def test_a_finished_street_is_left_as_it_is(street, run_tool, capsys):
    before = contents(street)
    run_tool(NAME, *options(street))
    assert capsys.readouterr().out.strip() == f"{street}: already complete"
    assert contents(street) == before


def test_other_settings_need_force(street, run_tool, capsys):
    with pytest.raises(SystemExit) as caught:
        run_tool(NAME, *options(street, "--seed", "1"))
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "was drawn with other settings (seed 0 there, 1 asked for)" in said
    before = contents(street)
    run_tool(NAME, *options(street, "--seed", "1", "--force"))
    assert contents(street).keys() == before.keys()
    assert contents(street)["camera1.mp4"] != before["camera1.mp4"]


def test_a_killed_run_is_finished_by_the_same_command(street, run_tool, tmp_path):
    out = tmp_path / "killed"
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / NAME), *options(out)],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        deadline = time.monotonic() + 120
        while not (out / "drawing").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (out / "drawn.json").exists()
    run_tool(NAME, *options(out))
    assert contents(out) == contents(street)


def test_a_wrong_value_is_one_line(tmp_path, run_tool, capsys):
    with pytest.raises(SystemExit):
        run_tool(NAME, *options(tmp_path, "--people", "0"))
    assert "error: people must be 1 to 4999" in capsys.readouterr().err
