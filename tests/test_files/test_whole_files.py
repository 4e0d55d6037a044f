import errno
import os
import subprocess
import sys

import pytest

from mmctl.files import (
    TEMPORARY_SUFFIX,
    DiskFullError,
    open_atomically,
    write_together,
    write_whole,
)

WRITE = """
import os, signal, sys
from mmctl.files import open_atomically
with open_atomically(sys.argv[1], "wb") as file:
    file.write(b"half")
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writing(tmp_path):
    """A process that has written half of a file."""
    pipe = subprocess.PIPE
    code = [sys.executable, "-c", WRITE, tmp_path / "a[1].npz"]
    with subprocess.Popen(code, stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"writing\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path, writing):
    writing.kill()
    writing.wait(60)
    (tmp_path / ".a[1].npz.user.part").write_bytes(b"not ours")
    assert len(list(tmp_path.iterdir())) == 2
    write_whole(tmp_path / "b.npz", b"another file")
    assert len(list(tmp_path.iterdir())) == 3
    write_whole(tmp_path / "a[1].npz", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {
        "a[1].npz",
        "b.npz",
        ".a[1].npz.user.part",
    }


def test_what_a_living_process_writes_stays(tmp_path, writing):
    write_whole(tmp_path / "a[1].npz", b"whole")
    (part,) = tmp_path.glob(f"*{TEMPORARY_SUFFIX}")
    writing.stdin.close()
    assert writing.wait(60) == 0
    assert not part.exists()
    assert (tmp_path / "a[1].npz").read_bytes() == b"half"


def test_a_failed_block_leaves_the_file_as_it_was(tmp_path):
    write_whole(tmp_path / "a", b"old")
    with pytest.raises(TypeError), open_atomically(tmp_path / "a") as file:
        file.writelines(["half", 3])
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_files_are_written_together(tmp_path):
    write_together({tmp_path / "a": b"1", tmp_path / "b": b"22"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"1", "b": b"22"}


def test_files_that_do_not_all_fit_are_not_written_at_all(tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old")
    sync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "full")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match="no space left"):
        write_together({tmp_path / name: b"new" for name in "abc"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}
