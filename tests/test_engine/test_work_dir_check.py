from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from mmctl.engine import check_work_dir


def test_a_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    check_work_dir(tmp_path / "a" / "b")
    check_work_dir(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert not list((tmp_path / "a" / "b").iterdir())


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        ValueError, match=r"work_dir must be .*\(?Not a directory, got '.*file/run'"
    ):
        check_work_dir(tmp_path / "file" / "run")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    # For root, who runs many tests, permissions forbid nothing.
    def refuse(**_: object) -> None:
        raise OSError(code, errno.errorcode[code])

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(ValueError, match=f"can be written.*: {errno.errorcode[code]}, got"):
        check_work_dir(tmp_path)
