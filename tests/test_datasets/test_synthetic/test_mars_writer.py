from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mmctl.datasets.synthetic import DiskFullError, DrawnSettings, MarsWriter, clear_folder
from mmctl.datasets.synthetic.drawing_state import INFO_FILES, SHEETS
from tests.test_datasets.test_synthetic.filling_disk import fill_disk_after

from .conftest import digest_files

DRAW_UNTIL_KILLED = """
import json, os, signal, sys
from pathlib import Path
from mmctl.datasets.synthetic import DrawnSettings, MarsWriter, mars_writer

main, write, left = os.getpid(), mars_writer.write_whole, 40

def write_or_kill(*arguments, **options):
    global left
    left -= 1
    if left == 0:
        if os.getppid() == main:
            os.kill(main, signal.SIGKILL)
        signal.pause()
    write(*arguments, **options)

mars_writer.write_whole = write_or_kill
MarsWriter(Path(sys.argv[1]), DrawnSettings(**json.loads(sys.argv[2])), 2).write()
"""
"""Two workers, of which the first to have written 40 files kills the main process."""


def test_the_number_of_workers_changes_no_byte(
    drawn_root: Path, tiny: DrawnSettings, tmp_path: Path
) -> None:
    MarsWriter(tmp_path / "set", tiny, workers=3).write()
    assert digest_files(tmp_path / "set") == digest_files(drawn_root)


def test_nothing_but_the_data_set_is_left(drawn_root: Path) -> None:
    assert {path.name for path in drawn_root.iterdir()} == {
        *("bbox_train", "bbox_test", "info", "contact_sheet.png", "keypoint_sheet.png")
    }
    assert {path.name for path in (drawn_root / "info").iterdir()} == {
        *("train_name.txt", "test_name.txt", "tracks_train_info.mat", "tracks_test_info.mat"),
        *("query_IDX.mat", "keypoints.npy", "keypoints.json", "drawn.json"),
    }


def test_a_finished_set_has_nothing_to_do(drawn_root: Path, tiny: DrawnSettings) -> None:
    writer = MarsWriter(drawn_root, tiny)
    assert writer.is_finished()
    assert writer.pending() == []


def test_a_killed_run_leaves_whole_files_and_is_finished_later(tmp_path: Path) -> None:
    settings = DrawnSettings(num_train_pids=16, num_test_pids=4, frames=6, size=(64, 32))
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    arguments = [str(killed), json.dumps(settings.to_dict())]
    # Its output ends when the last of the workers, which inherit it, has ended.
    done = subprocess.run(
        [sys.executable, "-c", DRAW_UNTIL_KILLED, *arguments],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not (killed / "info" / "drawn.json").exists()
    for path in killed.rglob("*.jpg"):
        content = path.read_bytes()
        assert content[:2] == b"\xff\xd8"
        assert content[-2:] == b"\xff\xd9"
    writer = MarsWriter(killed, settings)
    total = sum(map(len, writer.plan.values()))
    assert 0 < len(writer.pending()) < total - 4
    writer.write()
    MarsWriter(whole, settings).write()
    assert digest_files(killed) == digest_files(whole)


def test_lost_files_of_a_finished_set_are_drawn_again(
    drawn_root: Path, tiny: DrawnSettings, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    writer = MarsWriter(root, tiny)
    writer.write()
    (root / "bbox_train" / "0003" / "0003C2T0001F002.jpg").unlink()
    (root / "bbox_test" / "0004" / "0004C1T0001F001.jpg").write_bytes(b"")
    assert [item.name for item in writer.pending()] == ["0003C2T0001", "0004C1T0001"]
    assert not writer.is_finished()
    writer.write()
    assert digest_files(root) == digest_files(drawn_root)
    (root / "info" / "keypoints.npy").unlink()
    assert not writer.is_finished()
    writer.write()
    assert digest_files(root) == digest_files(drawn_root)


@pytest.mark.parametrize("length", [0, -1])
@pytest.mark.parametrize("name", [*SHEETS, *(f"info/{name}" for name in INFO_FILES)])
def test_files_that_were_cut_short_are_no_finished_set(
    name: str, length: int, drawn_root: Path, tiny: DrawnSettings, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn_root, root)
    content = (root / name).read_bytes()
    (root / name).write_bytes(content[:length])
    writer = MarsWriter(root, tiny)
    assert not writer.is_finished()
    if name in SHEETS:
        assert writer.pending() == []
        writer.write()
        assert digest_files(root) == digest_files(drawn_root)


def test_a_frame_that_was_cut_short_is_drawn_again(
    drawn_root: Path, tiny: DrawnSettings, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn_root, root)
    path = root / "bbox_train" / "0003" / "0003C2T0001F002.jpg"
    path.write_bytes(path.read_bytes()[:-1])
    assert [item.name for item in MarsWriter(root, tiny).pending()] == ["0003C2T0001"]


def test_a_set_finished_before_sizes_were_kept_is_finished_still(
    drawn_root: Path, tiny: DrawnSettings, tmp_path: Path
) -> None:
    root = tmp_path / "set"
    shutil.copytree(drawn_root, root)
    marker = root / "info" / "drawn.json"
    content = json.loads(marker.read_text())
    del content["file_sizes"]
    marker.write_text(json.dumps(content))
    assert MarsWriter(root, tiny).is_finished()
    (root / "info" / "query_IDX.mat").write_bytes(b"")
    assert not MarsWriter(root, tiny).is_finished()


def test_other_settings_are_refused_with_what_differs(
    drawn_root: Path, tiny: DrawnSettings
) -> None:
    other = dataclasses.replace(tiny, seed=4, jitter=0.1)
    before = digest_files(drawn_root)
    with pytest.raises(ValueError, match=r"jitter 0.05 there, 0.1 asked for; seed 0 .*--force"):
        MarsWriter(drawn_root, other).write()
    assert digest_files(drawn_root) == before


def test_an_unfinished_set_of_other_settings_is_refused(
    tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fill_disk_after(patch, 9)
        with pytest.raises(DiskFullError):
            MarsWriter(tmp_path, tiny).write()
    with pytest.raises(ValueError, match="was drawn with other settings"):
        MarsWriter(tmp_path, dataclasses.replace(tiny, seed=9)).write()


def test_other_peoples_files_are_never_mixed_or_removed(
    tiny: DrawnSettings, tmp_path: Path
) -> None:
    (tmp_path / "bbox_train").mkdir()
    (tmp_path / "bbox_train" / "real.jpg").write_bytes(b"real")
    with pytest.raises(ValueError, match="it holds other files"):
        MarsWriter(tmp_path, tiny).write()
    with pytest.raises(ValueError, match="--force replaces drawn data sets only"):
        clear_folder(tmp_path)
    assert (tmp_path / "bbox_train" / "real.jpg").read_bytes() == b"real"


def test_a_run_killed_before_its_first_file_can_be_repeated(
    tiny: DrawnSettings, tmp_path: Path
) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / ".drawing.json.1.part").write_bytes(b"{")
    assert len(MarsWriter(tmp_path, tiny).pending()) > 0


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000])
def test_a_marker_that_cannot_be_read_is_named(
    content: str, tiny: DrawnSettings, tmp_path: Path
) -> None:
    (tmp_path / "info").mkdir()
    (tmp_path / "info" / "drawing.json").write_text(content)
    with pytest.raises(ValueError, match=r"marker of .*drawing\.json is not JSON that can be read"):
        MarsWriter(tmp_path, tiny).pending()


def test_clearing_makes_room_for_other_settings(tiny: DrawnSettings, tmp_path: Path) -> None:
    MarsWriter(tmp_path, tiny).write()
    clear_folder(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    other = dataclasses.replace(tiny, seed=8)
    MarsWriter(tmp_path, other).write()
    assert MarsWriter(tmp_path, other).is_finished()


def test_a_replacement_that_was_killed_asks_for_force_again(
    tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = dataclasses.replace(tiny, num_train_pids=1, num_test_pids=1, num_junk=0)
    MarsWriter(tmp_path, small).write()

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            clear_folder(tmp_path)
    with pytest.raises(ValueError, match=r"was being replaced when a run ended.*--force"):
        MarsWriter(tmp_path, small).pending()
    clear_folder(tmp_path)
    assert len(MarsWriter(tmp_path, small).pending()) > 0


def test_leftovers_of_a_finished_set_are_tidied_up(
    drawn_root: Path, tiny: DrawnSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(MarsWriter, "tidy", lambda writer: None)
        MarsWriter(tmp_path, tiny).write()
    writer = MarsWriter(tmp_path, tiny)
    assert (tmp_path / "info" / "drawing.json").exists()
    assert writer.is_finished()
    writer.tidy()
    assert digest_files(tmp_path) == digest_files(drawn_root)


def test_no_workers_are_refused(tiny: DrawnSettings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"workers must be positive.*got 0"):
        MarsWriter(tmp_path, tiny, workers=0)
