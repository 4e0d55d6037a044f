"""Whole checkpoints are told from broken ones, and no code of theirs is run."""

from __future__ import annotations

import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.last_checkpoint import find_fault


def save(path: Path, value: float = 0.0) -> Path:
    torch.save({"state_dict": {"weight": torch.full((300,), value)}}, path)
    return path


class RunsCode:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


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


def one_line(path: Path) -> str:
    """Return the message of a refusal, which must be one line with the name of the file."""
    with pytest.raises(ValueError) as caught:
        load_from_local_safely(str(path))
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    assert "weights_only" not in message
    assert len(message) < 900
    return message


class Rebuilt:
    """Pickles to a call of one of torch's functions that rebuild tensors."""

    def __init__(self, function, *arguments) -> None:
        self.called = function, arguments

    def __reduce__(self):
        return self.called


def test_a_torchscript_program_is_called_one(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 3)), str(tmp_path / "a.pth"))
    assert "TorchScript program" in one_line(tmp_path / "a.pth")


def test_a_tar_archive_is_called_one(tmp_path):
    inner = save(tmp_path / "inner.pth")
    with tarfile.open(tmp_path / "a.pth", "w") as archive:
        archive.add(inner, "pickle")
    assert "tar archive" in one_line(tmp_path / "a.pth")


def test_an_encrypted_archive_is_refused(tmp_path):
    file = save(tmp_path / "a.pth")
    content = bytearray(file.read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.index(mark)
        while place >= 0:
            content[place + flags] |= 1
            place = content.find(mark, place + 1)
    file.write_bytes(content)
    assert "damaged" in one_line(file)


@pytest.mark.parametrize(
    "arguments",
    [
        (0, (2, 3), (1,), False, {}),
        (0, (2, 3), (-3, 1), False, {}),
        (0, (2**40, 3), (3, 1), False, {}),
        (10**12, (2, 3), (3, 1), False, {}),
        (0, (2, -3), (3, 1), False, {}),
        (0, "ab", (3, 1), False, {}),
        (0, (2, 3), (3, 1), False),
    ],
)
def test_a_forged_tensor_is_refused(tmp_path, arguments):
    storage = torch.arange(6.0).storage()
    forged = Rebuilt(torch._utils._rebuild_tensor_v2, storage, *arguments)
    torch.save({"state_dict": {"a": forged}}, tmp_path / "a.pth")
    one_line(tmp_path / "a.pth")


def test_a_forged_device_is_refused(tmp_path):
    torch.save({"state_dict": Rebuilt(torch.device, "nowhere:9")}, tmp_path / "a.pth")
    one_line(tmp_path / "a.pth")


def test_a_record_that_is_not_there_is_refused(tmp_path):
    file = save(tmp_path / "a.pth")
    shorter = tmp_path / "b.pth"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(shorter, "w") as new:
        for name in old.namelist():
            if "/data/" not in name:
                new.writestr(name, old.read(name))
    one_line(shorter)


def test_a_pipe_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "a.pth")
    assert "a named pipe" in one_line(tmp_path / "a.pth")
    assert find_fault(tmp_path / "a.pth") is not None
    with pytest.raises(ValueError, match=r"checkpoint /dev/zero must be a regular file.*a device"):
        load_from_local_safely("/dev/zero")
