"""A training leaves a record and a report however it ends, and neither ever ends it."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import signal
import subprocess

import pytest

from mmctl.engine import RunStopped
from mmctl.reports import report_files, reported, run_environment
from mmctl.reports.run_environment import describe_commit, describe_environment
from mmctl.reports.run_record import read_records
from tests.test_engine.drawing_runner import StopAt, drawing_runner
from tests.test_engine.test_resume.test_stop_signals import Sends

REPORT = {"type": "RunReportHook"}


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """Drawing has tests of its own: note the folders that are drawn."""
    folders = []
    monkeypatch.setattr(report_files, "write_run_report", lambda path: folders.append(path) or ())
    return folders


def runner_of(folder, *hooks, **changes):
    runner = drawing_runner(folder, *hooks, **changes)
    runner.register_hook(dict(REPORT))
    return runner


def train(runner):
    with reported(runner):
        runner.train()


def test_a_finished_training_is_reported(tmp_path, drawn):
    train(runner_of(tmp_path))
    (record,) = read_records(tmp_path)
    assert record.outcome == "finished"
    assert (record.first_iter, record.last_iter, record.num_iters) == (0, 12, 12)
    assert record.seconds > 0
    assert record.evaluation == {"data set": "drawn"}
    assert "GiB" in record.memory
    assert drawn == [str(tmp_path)]


def test_a_stopped_training_is_reported_and_its_resumption_is_another_start(tmp_path, drawn):
    runner = runner_of(tmp_path, Sends("before_train_iter", 5, signal.SIGTERM))
    with pytest.raises(RunStopped):
        train(runner)
    assert len(drawn) == 1
    resumed = runner_of(tmp_path, resume=True)
    resumed._log_dir += "b"  # the folders of two starts are named by their seconds
    train(resumed)
    first, second = sorted(read_records(tmp_path), key=lambda record: record.started)
    assert first.outcome.startswith("stopped by SIGTERM: ")
    assert (first.first_iter, first.last_iter) == (0, 6)
    assert (second.first_iter, second.last_iter, second.outcome) == (6, 12, "finished")


def test_an_error_is_reported_and_goes_on(tmp_path, drawn):
    class Fails(StopAt):
        def stop(self, runner, iteration):
            if runner.iter == iteration:
                raise OSError(errno.EIO, "the disk is gone")

    runner, closed = runner_of(tmp_path, Fails("after_train_iter", 3)), []
    runner.visualizer.close = lambda: closed.append(True)
    with pytest.raises(OSError, match="the disk is gone"):
        train(runner)
    (record,) = read_records(tmp_path)
    assert record.outcome == "failed: OSError: [Errno 5] the disk is gone"
    assert record.last_iter == 3
    assert len(drawn) == len(closed) == 1


def test_a_report_that_cannot_be_written_hides_nothing(tmp_path, monkeypatch, caplog):
    def fails(*_):
        raise OSError(errno.ENOSPC, "no space")

    runner = runner_of(tmp_path, Sends("before_train_iter", 5, signal.SIGTERM))
    runner.logger.addHandler(caplog.handler)
    monkeypatch.setattr(report_files, "write_run_report", fails)
    with caplog.at_level(logging.WARNING), pytest.raises(RunStopped):
        train(runner)
    assert "report of this run could not be written: OSError(28" in caplog.text


def test_a_training_that_is_refused_leaves_no_record(tmp_path, drawn):
    class Refuses(StopAt):
        def stop(self, runner, iteration):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        train(runner_of(tmp_path, Refuses("before_train", 0, "LOW")))
    assert read_records(tmp_path) == []
    assert drawn == []


def test_the_length_of_a_killed_start_is_that_of_its_log(tmp_path):
    train(runner_of(tmp_path))
    (path,) = tmp_path.glob("*/run.json")
    content = json.loads(path.read_text()) | {"seconds": None, "outcome": None}
    path.write_text(json.dumps(content))
    (record,) = read_records(tmp_path)
    assert record.outcome is None
    logged = path.parent / "vis_data" / "scalars.json"
    assert record.seconds == pytest.approx(logged.stat().st_mtime - record.started)
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"record of a training .*run\.json lacks the key 'comm"):
        read_records(tmp_path)


def test_the_environment_names_versions_and_devices():
    described = describe_environment()
    assert described["devices"].endswith("no GPU")
    assert "torch " in described["packages"]
    assert re.search(r"mmcv(-lite)? 2", described["packages"])
    assert described["mmctl"].startswith("0.")


def test_the_environment_names_the_forks_that_stand_in_for_a_package(monkeypatch):
    installed = {"torch": "2.12.1", "onedl-mmengine": "0.10.12", "onedl-mmcv": "2.3.0"}
    monkeypatch.setattr(run_environment, "_version", lambda name: installed.get(name, ""))
    packages = describe_environment()["packages"]
    assert packages == "torch 2.12.1, onedl-mmengine 0.10.12, onedl-mmcv 2.3.0"


def test_the_commit_is_that_of_the_code_and_not_of_a_folder_around_it(tmp_path):
    def git(*arguments):
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *names, *arguments], check=True)

    code = tmp_path / "code"
    code.mkdir()
    (code / "__init__.py").write_text("")
    git("init", "-q")
    (tmp_path / "other.txt").write_text("")
    git("add", "other.txt")
    git("commit", "-qm", "first")
    assert describe_commit(code) == ""
    git("add", ".")
    git("commit", "-qm", "second")
    clean = describe_commit(code)
    assert clean.startswith("commit ")
    (code / "__init__.py").write_text("changed")
    assert describe_commit(code) == f"{clean} + changes"


RECORD = {"command": "c", "config": "f", "started": 1.7e9, "first_iter": 0, "num_iters": 9}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "is not JSON"),
        ("[1]", "must be an object"),
        (json.dumps(RECORD | {"seconds": "long"}), "'seconds' must be a finite number or null"),
        (json.dumps(RECORD | {"seconds": -5}), "'seconds' must be from 0 to"),
        (json.dumps(RECORD | {"started": 1e300}), "'started' must be from 0 to"),
        (json.dumps(RECORD | {"num_iters": True}), "'num_iters' must be an integer"),
        (json.dumps(RECORD | {"run_changes": [["a", "b"]]}), "must have 3 entries"),
        (json.dumps(RECORD | {"environment": {"torch": 2}}), "must be text"),
        (json.dumps(RECORD | {"extra": 2}), "unknown key 'extra'"),
    ],
)
def test_a_damaged_record_is_one_line(content, message, tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "run.json").write_text(content)
    with pytest.raises(ValueError, match=rf"record of a training .*run\.json.*{message}"):
        read_records(tmp_path)


def test_a_record_that_is_a_named_pipe_is_not_waited_for(tmp_path):
    (tmp_path / "1").mkdir()
    os.mkfifo(tmp_path / "1" / "run.json")
    with pytest.raises(ValueError, match="must be a regular file"):
        read_records(tmp_path)
