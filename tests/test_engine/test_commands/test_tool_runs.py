from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from mmctl.engine.commands.tool_runs import run_python
from tests.conftest import ROOT, wait_until


def script(folder, text):
    path = folder / "tool.py"
    path.write_text(text)
    return str(path)


def test_output_goes_into_the_log(tmp_path):
    tool = script(
        tmp_path, "import sys; print('out'); print('err', *sys.argv[1:], file=sys.stderr)"
    )
    run_python([tool, "a b"], tmp_path / "log.txt")
    assert sorted((tmp_path / "log.txt").read_text().splitlines()) == ["err a b", "out"]


def test_a_failure_names_the_log_and_the_last_error(tmp_path):
    tool = script(tmp_path, "print('error: first'); print('error: no disk'); raise SystemExit(2)")
    with pytest.raises(
        ValueError, match=r"tool\.py x` failed \(status 2\): no disk; its output is in .*log\.txt"
    ):
        run_python([tool, "x"], tmp_path / "log.txt")


def test_a_failure_without_an_error_line_names_the_log(tmp_path):
    tool = script(tmp_path, "raise SystemExit(3)")
    with pytest.raises(ValueError, match=r"failed \(status 3\); its output is in"):
        run_python([tool], tmp_path / "log.txt")


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("3", "3")])
def test_a_run_has_one_thread_unless_the_user_says_otherwise(
    tmp_path, monkeypatch, given, expected
):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    tool = script(tmp_path, "import os; print(os.environ['OMP_NUM_THREADS'], os.getcwd())")
    (tmp_path / "place").mkdir()
    run_python([tool], tmp_path / "log.txt", cwd=tmp_path / "place")
    assert (tmp_path / "log.txt").read_text().split() == [expected, str(tmp_path / "place")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_program_is_told_to_stop_when_its_caller_ends(tmp_path, number):
    started, told = tmp_path / "started", tmp_path / "told"
    tool = script(
        tmp_path,
        f"""
import pathlib, signal, sys, time
def stop(number, _):
    pathlib.Path({str(told)!r}).touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
pathlib.Path({str(started)!r}).touch()
while True:
    time.sleep(0.1)
""",
    )
    code = "import sys; from pathlib import Path; "
    code += "from mmctl.engine.commands.tool_runs import run_python; "
    code += "run_python([sys.argv[1]], Path(sys.argv[2]))"
    command = [sys.executable, "-c", code, tool, str(tmp_path / "log.txt")]
    caller = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    wait_until(lambda: started.exists() or caller.poll() is not None)
    caller.send_signal(number)
    assert caller.wait() != 0
    wait_until(told.exists)
