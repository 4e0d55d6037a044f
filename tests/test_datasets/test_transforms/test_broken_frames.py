import os
import re

import pytest

from mmctl.datasets.checks.frame_check import check_frames
from mmctl.datasets.transforms import LoadFrames, broken_frames
from mmctl.datasets.transforms.broken_frames import BrokenFrames


@pytest.fixture
def warnings_said(monkeypatch):
    said = []
    monkeypatch.setattr(broken_frames, "print_log", lambda text, **_: said.append(text))
    return said


@pytest.mark.usefixtures("warnings_said")
def test_the_list_says_path_and_reason_as_the_check_of_a_data_set_does(tmp_path):
    path = tmp_path / "empty.jpg"
    path.touch()
    ((_, reason),) = check_frames([str(path)], "decode").faults
    BrokenFrames(str(tmp_path / "list.txt")).add(str(path), f"frame {path} {reason}")
    assert (tmp_path / "list.txt").read_text() == f"{path}\t{reason}\n"


def test_a_failure_to_write_is_said_in_every_warning(tmp_path, warnings_said):
    (tmp_path / "file").touch()
    broken = BrokenFrames(str(tmp_path / "file" / "list.txt"))
    # The tenth was tried before.
    for _ in range(10):
        broken.add("a.jpg", "is empty")
    assert len(warnings_said) == 2
    for text in warnings_said:
        assert re.search(r"some could not be listed in .*list\.txt \(.*exists", text)
        assert "all of them" not in text


@pytest.mark.usefixtures("warnings_said")
def test_a_name_that_is_not_utf8_is_listed_once(tmp_path):
    name = "caf\udce9.png"
    for _ in range(2):
        BrokenFrames(str(tmp_path / "list.txt")).add(name, "is empty")
    assert (tmp_path / "list.txt").read_bytes() == os.fsencode(name) + b"\tis empty\n"


def test_a_list_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "broken.txt")
    for name, kind in (("broken.txt", "a named pipe"), ("", "a folder")):
        with pytest.raises(ValueError, match=rf"broken_list .* must be a regular file.*{kind}"):
            LoadFrames(skip_broken=True, broken_list=str(tmp_path / name))
