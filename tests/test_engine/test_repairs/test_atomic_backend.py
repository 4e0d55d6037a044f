"""Whatever happens while a file is written, the one before it stays."""

from __future__ import annotations

import errno
import os

import pytest
from mmengine.fileio import get_file_backend

from mmctl.engine.repairs.atomic_backend import AtomicLocalBackend
from mmctl.files import DiskFullError, open_atomically, whole_files


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"before")
    return path


def test_mmengine_writes_local_files_through_it(file):
    backend = get_file_backend(str(file))
    assert type(backend) is AtomicLocalBackend
    backend.put(b"after", file)
    assert file.read_bytes() == b"after"
    backend.put_text("täxt", file.parent / "new" / "b.txt")
    assert (file.parent / "new" / "b.txt").read_text(encoding="utf-8") == "täxt"
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == ["a.pth"]


def test_a_write_that_fails_leaves_the_file_and_nothing_else(file):
    with pytest.raises(TypeError), open_atomically(file, "wb") as out:
        out.writelines([b"half of", "it"])
    assert file.read_bytes() == b"before"
    assert list(file.parent.iterdir()) == [file]


def test_the_name_is_given_after_the_content_is_on_the_disk(file, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            whole_files.os, name, lambda *a, n=name, r=real: (steps.append(n), r(*a))
        )
    with open_atomically(file, "wb") as out:
        out.write(b"after")
        assert file.read_bytes() == b"before"
    assert steps == ["fsync", "replace", "fsync"]


def test_a_full_disk_is_named_with_what_is_kept(file, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(whole_files.os, "fsync", full)
    with pytest.raises(DiskFullError, match=r"no space left .* is kept.*a\.pth"):
        AtomicLocalBackend().put(b"after", file)
    assert file.read_bytes() == b"before"
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_one(file):
    link = file.parent / "link.pth"
    link.symlink_to(file)
    AtomicLocalBackend().put(b"after", link)
    assert link.is_symlink()
    assert file.read_bytes() == b"after"


def test_permissions_follow_the_umask(tmp_path):
    AtomicLocalBackend().put(b"x", tmp_path / "a")
    (tmp_path / "b").write_bytes(b"x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
