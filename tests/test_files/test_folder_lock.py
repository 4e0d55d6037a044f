"""One process at a time works in a folder."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket

import pytest

from mmctl.files.folder_lock import FolderLock
from tests.test_files.holder import held_elsewhere, hold_elsewhere, kill


def test_a_folder_in_use_is_refused_and_its_holder_named(tmp_path):
    with held_elsewhere(tmp_path) as holder:
        text = rf"{tmp_path} is in use by another run \(process {holder} on {socket.gethostname()}"
        with pytest.raises(ValueError, match=text):
            FolderLock(tmp_path).take()
        with pytest.raises(ValueError, match="in use by another run"):  # the holder keeps it
            FolderLock(tmp_path).take()


def test_a_killed_process_holds_nothing(tmp_path):
    kill(hold_elsewhere(tmp_path))
    assert (tmp_path / ".lock").exists()
    with FolderLock(tmp_path):
        pass


def test_the_file_goes_with_the_lock(tmp_path):
    with FolderLock(tmp_path, "other"):
        assert (tmp_path / "other").exists()
    assert not any(tmp_path.iterdir())


def test_children_do_not_hold_it(tmp_path):
    lock = FolderLock(tmp_path)
    lock.take()
    child = os.fork()
    if child == 0:
        signal.pause()
    lock.release()
    try:
        other = os.fork()
        if other == 0:
            FolderLock(tmp_path).take()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 7
    finally:
        kill(child)


def test_a_lock_on_a_file_that_was_removed_meanwhile_is_none(tmp_path, monkeypatch):
    lock, calls = FolderLock(tmp_path), []
    taken = fcntl.lockf

    def remove_first(file, how):
        taken(file, how)
        calls.append(file.fileno())
        if len(calls) == 1:
            lock.path.unlink()  # as a holder does that has just finished

    monkeypatch.setattr(fcntl, "lockf", remove_first)
    with lock:
        assert len(calls) == 2
        assert lock.path.exists()


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.warns(UserWarning, match="file system without locks"), FolderLock(tmp_path):
        pass


def test_a_damaged_lock_file_names_nobody(tmp_path):
    with held_elsewhere(tmp_path):
        (tmp_path / ".lock").write_bytes(b"\xff\x00")
        with pytest.raises(ValueError, match="in use by another run, which"):
            FolderLock(tmp_path).take()
