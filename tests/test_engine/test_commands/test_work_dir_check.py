from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from mmctl.engine import check_work_dir, locked_files, locked_work_dir
from tests.test_files.holder import held_elsewhere


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


def test_the_first_of_several_processes_alone_takes_the_work_dir(tmp_path, monkeypatch) -> None:
    with held_elsewhere(tmp_path):
        for launcher, variable in (("pytorch", "RANK"), ("slurm", "SLURM_PROCID")):
            monkeypatch.setenv(variable, "1")
            with locked_work_dir(tmp_path, launcher):
                pass
            # Without the launcher the variable says nothing: each is a training of its own.
            with pytest.raises(ValueError, match="in use"), locked_work_dir(tmp_path, "none"):
                pass
            monkeypatch.setenv(variable, "0")
            with pytest.raises(ValueError, match="in use"), locked_work_dir(tmp_path, launcher):
                pass


def test_a_file_that_another_run_writes_is_refused_by_its_name(tmp_path) -> None:
    files = [tmp_path / "new" / "b.json", tmp_path / "a.npz"]
    with (
        held_elsewhere(tmp_path, ".a.npz.lock"),
        pytest.raises(ValueError, match=r"a\.npz is in use by another run \(process"),
        locked_files(files, "none"),
    ):
        pass
    with locked_files(files, "none"):
        assert (tmp_path / "new").is_dir()
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
