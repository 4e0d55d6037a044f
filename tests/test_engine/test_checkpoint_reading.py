"""Whole checkpoints are told from broken ones, and no code of theirs is run."""

from __future__ import annotations

import os
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmengine.runner import CheckpointLoader

from mmctl.engine.checkpoint_reading import (
    find_fault,
    find_whole_checkpoint,
    load_from_http_safely,
    load_from_local_safely,
)
from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner, end_state, equal


def save(path: Path, value: float = 0.0) -> Path:
    torch.save({"state_dict": {"weight": torch.full((300,), value)}}, path)
    return path


class RunsCode:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    """Two checkpoints, the second the newer and named as the last."""
    files = save(tmp_path / "epoch_1.pth", 1.0), save(tmp_path / "snapshot_9.pth", 2.0)
    os.utime(files[0], ns=(10**9, 10**9))
    (tmp_path / "last_checkpoint").write_text(str(files[1]))
    return files


@pytest.fixture
def logged(monkeypatch) -> list[str]:
    """The messages that looking for a checkpoint logs."""
    messages: list[str] = []
    monkeypatch.setattr(
        "mmctl.engine.checkpoint_reading.print_log", lambda text, **_: messages.append(text)
    )
    return messages


def test_a_checkpoint_cut_at_any_byte_is_detected(tmp_path):
    content = save(tmp_path / "a.pth").read_bytes()
    file = tmp_path / "cut.pth"
    sampled = {0, 1, 2, 21, 22, len(content) - 22, len(content) - 2, len(content) - 1}
    for kept in sorted(sampled | set(range(0, len(content), 97))):
        file.write_bytes(content[:kept])
        assert find_fault(file) is not None, kept
        with pytest.raises(ValueError, match=r"cut\.pth' (is damaged|cannot be read)"):
            load_from_local_safely(str(file))
    file.write_bytes(content)
    assert find_fault(file) is None


def test_a_changed_byte_of_a_tensor_is_detected(tmp_path):
    file = save(tmp_path / "a.pth", 2.0)
    content = file.read_bytes()
    place = content.index(bytes([0, 0, 0, 0x40]) * 20)
    file.write_bytes(content[:place] + b"\1" + content[place + 1 :])
    torch.load(file)  # torch does not notice
    with pytest.raises(ValueError, match=r"a\.pth' is damaged.*its part \S+ has another"):
        load_from_local_safely(str(file))


def test_one_changed_bit_is_detected_or_without_effect(tmp_path):
    file = tmp_path / "a.pth"
    weights = {f"w{i}": torch.full((5,), float(i)) for i in range(3)}
    torch.save({"state_dict": weights}, file)
    content = file.read_bytes()
    listed = content.index(b"PK\1\2")
    random = np.random.default_rng(0)
    places = [*random.integers(listed, len(content), 900), *random.integers(0, listed, 300)]
    outcomes = set()
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << int(random.integers(8))
        file.write_bytes(changed)
        damaged = find_fault(file) is not None
        outcomes.add(damaged)
        if damaged:
            with pytest.raises(ValueError, match=r"a\.pth' (is damaged|cannot be read)"):
                load_from_local_safely(str(file))
        else:
            loaded = load_from_local_safely(str(file))["state_dict"]
            assert list(loaded) == list(weights), place
            assert all(torch.equal(loaded[name], weights[name]) for name in weights), place
    assert outcomes == {True, False}


@pytest.mark.parametrize("change", ["folder", "part", "method", "name"])
def test_a_changed_list_of_parts_leads_to_the_checkpoint_before(two, change):
    whole, last = two
    content = bytearray(last.read_bytes())
    entry = content.rindex(b"PK\1\2", 0, content.rindex(b"/data/0"))
    part = content.index(b"/0", entry) + 1 - entry
    places = {"folder": 38, "method": 10, "name": 46, "part": part}
    content[entry + places[change]] ^= 0x80 if change == "name" else 0x10
    last.write_bytes(content)
    assert find_whole_checkpoint(str(whole.parent)) == str(whole)


@pytest.mark.parametrize("kept", [0, 1, 700, -1])
def test_the_whole_one_before_a_cut_one_is_found_and_named(two, kept):
    whole, cut = two
    cut.write_bytes(cut.read_bytes()[:kept])
    assert find_whole_checkpoint(str(whole.parent)) == str(whole)
    assert (whole.parent / "last_checkpoint").read_text() == str(whole)


def test_the_warning_names_the_damaged_file(two, logged):
    two[1].write_bytes(b"PK")
    find_whole_checkpoint(str(two[0].parent))
    assert f"checkpoint {two[1]} is damaged (2 bytes" in logged[0]
    assert str(two[0]) in logged[1]


@pytest.mark.parametrize(
    "text", [b"", b"\0" * 40, b"\xff\xfe\x80", b"/elsewhere/snapshot_9.pth", None]
)
def test_a_work_dir_that_was_moved_or_lost_its_pointer_is_gone_on_from(two, text):
    pointer = two[0].parent / "last_checkpoint"
    pointer.unlink() if text is None else pointer.write_bytes(text)
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[1])


def test_a_moved_work_dir_is_not_mixed_up_with_the_one_now_in_its_place(two, tmp_path):
    current = tmp_path / "current"
    current.mkdir()
    other = save(current / "epoch_1.pth", 9.0)
    (two[0].parent / "last_checkpoint").write_text(str(other))
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[0])


def test_a_checkpoint_outside_the_work_dir_is_gone_on_from_with_a_warning(two, tmp_path, logged):
    outside = tmp_path / "outside"
    outside.mkdir()
    other = save(outside / "epoch_7.pth", 9.0)
    (two[0].parent / "last_checkpoint").write_text(str(other))
    assert find_whole_checkpoint(str(two[0].parent)) == str(other)
    assert f"names {other}, outside the work dir, which holds no epoch_7.pth" in logged[0]


def test_the_named_file_wins_over_newer_ones(two):
    (two[0].parent / "last_checkpoint").write_text(str(two[0]))
    assert find_whole_checkpoint(str(two[0].parent)) == str(two[0])


def test_best_checkpoints_are_not_gone_on_from(tmp_path):
    save(tmp_path / "best_reid_mAP_epoch_2.pth")
    assert find_whole_checkpoint(str(tmp_path)) is None


def test_broken_checkpoints_alone_are_an_error(two):
    for file in two:
        file.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"no checkpoint .* is whole, looked at snapshot_9\.pth, "):
        find_whole_checkpoint(str(two[0].parent))


def test_a_run_goes_on_from_the_checkpoint_before_a_cut_one(tmp_path):
    drawing_runner(tmp_path / "whole").train()
    folder = tmp_path / "cut"
    with pytest.raises(Killed):
        drawing_runner(folder, StopAt("after_train_iter", 6)).train()
    last = folder / "snapshot_6.pth"
    last.write_bytes(last.read_bytes()[:-1])
    runner = drawing_runner(folder, resume=True)
    runner.train()
    assert equal(end_state(folder), end_state(tmp_path / "whole"))


def test_a_trusted_file_alone_may_run_code(tmp_path, monkeypatch):
    made = tmp_path / "made"
    file = tmp_path / "a.pth"
    torch.save({"state_dict": RunsCode(made)}, file)
    with pytest.raises(ValueError, match=rf"MMCTL_TRUST_CHECKPOINT={file}"):
        load_from_local_safely(str(file))
    monkeypatch.setenv("MMCTL_TRUST_CHECKPOINT", f"{tmp_path / 'other.pth'}")
    with pytest.raises(ValueError, match="refused"):
        load_from_local_safely(str(file))
    assert not made.exists()
    monkeypatch.setenv("MMCTL_TRUST_CHECKPOINT", f"{tmp_path / 'other.pth'}{os.pathsep}{file}")
    load_from_local_safely(str(file))
    assert made.is_dir()


def test_a_checkpoint_behind_a_web_address_is_read_as_safely(tmp_path, monkeypatch):
    made = tmp_path / "made"

    def download(url: str, path: str, progress: bool) -> None:
        torch.save({"state_dict": RunsCode(made)}, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    for address in ("http://a.example/x/hostile.pth?v=1", "https://a.example/hostile.pth"):
        with pytest.raises(ValueError, match=r"hostile\.pth.*could run code"):
            CheckpointLoader.load_checkpoint(address)
    assert not made.exists()
    assert mmengine_checkpoint.load_from_http is load_from_http_safely


def test_a_downloaded_checkpoint_is_kept(tmp_path, monkeypatch):
    calls = []

    def download(url: str, path: str, progress: bool) -> None:
        calls.append(url)
        save(Path(path), 3.0)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    for _ in range(2):
        loaded = load_from_http_safely("https://a.example/b.pth", "cpu", str(tmp_path / "cache"))
    assert calls == ["https://a.example/b.pth"]
    assert loaded["state_dict"]["weight"][0] == 3
