"""What a checkpoint may hold, and code in it, which is refused and not run."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.safe_loader import register_safe_loader
from mmctl.checkpoints.web_checkpoints import load_from_http_safely


class RunsCode:
    """Pickles to a call of ``os.mkdir`` that happens when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TakesAttribute:
    """Pickles to ``getattr(HistoryBuffer, '__init__')``."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, "__init__")


def save(path: Path, content: object) -> str:
    torch.save(content, path)
    return str(path)


def test_numpy_values_and_plain_containers_survive(tmp_path):
    content = {
        "scalar": np.float64(0.25),
        "count": np.int64(7),
        "flag": np.bool_(True),
        "array": np.arange(6, dtype=np.float32).reshape(2, 3),
        "ordered": OrderedDict(b=1, a=torch.arange(2)),
        "rest": [None, (1, 2.5), {"x"}, b"bytes", torch.float16, torch.Size([2])],
    }
    loaded = load_from_local_safely(save(tmp_path / "a.pth", content))
    for key in ("scalar", "count", "flag", "rest"):
        assert loaded[key] == content[key]
        assert type(loaded[key]) is type(content[key])
    np.testing.assert_array_equal(loaded["array"], content["array"])
    assert list(loaded["ordered"]) == ["b", "a"]


def test_a_log_history_keeps_its_statistics(tmp_path):
    history = HistoryBuffer([1.0, 4.0], [1, 1])
    loaded = load_from_local_safely(save(tmp_path / "a.pth", {"loss": history}))["loss"]
    assert [loaded.statistics(s, 2) for s in ("min", "max", "mean")] == [1.0, 4.0, 2.5]
    assert loaded.statistics("current") == 4.0


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path):
    target = tmp_path / "made_by_the_checkpoint"
    file = save(tmp_path / "hostile.pth", {"state_dict": {}, "meta": RunsCode(target)})
    with pytest.raises(ValueError, match=r"hostile\.pth.*mkdir.*could run code.*MMCTL_TRUST"):
        load_from_local_safely(file)
    assert not target.exists()


def test_an_unknown_class_is_refused_by_name(tmp_path):
    file = save(tmp_path / "a.pth", {"path": Path("x")})
    with pytest.raises(ValueError, match=r"a\.pth.*pathlib\.\w+.*neither a tensor"):
        load_from_local_safely(file)


def test_getattr_reaches_the_statistics_of_a_log_history_only(tmp_path):
    file = save(tmp_path / "a.pth", {"x": TakesAttribute()})
    with pytest.raises(ValueError, match=r"getattr.*__init__.*could run code"):
        load_from_local_safely(file)


def test_the_environment_cannot_switch_the_protection_off(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    file = save(tmp_path / "a.pth", RunsCode(tmp_path / "made"))
    with pytest.raises(ValueError, match="refused"):
        load_from_local_safely(file)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>not found</html>", "22 bytes that begin with b'<html>.*web page"),
        (b"version https://git-lfs.github.com/spec/v1", "42 bytes .*Git LFS"),
        (
            pickle.dumps({"state_dict": {}, "path": 1}, protocol=4),
            r"40 bytes that begin with b'\\x80.*plain pickle",
        ),
        (b"notes", "5 bytes that begin with b'notes'.*another kind of file"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content, kind):
    file = tmp_path / "notes.pth"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"notes\.pth' cannot be read: {kind}") as caught:
        load_from_local_safely(str(file))
    assert "weights_only" not in str(caught.value)


def test_a_missing_file_is_named_with_the_place_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"'no\.pth' does not exist.*{tmp_path}"):
        load_from_local_safely("no.pth")
    with pytest.raises(FileNotFoundError, match="is a directory"):
        load_from_local_safely(str(tmp_path))


@pytest.mark.parametrize("registered", ["of MMEngine", "mended"])
def test_the_reader_is_ours_whatever_is_registered(monkeypatch, registered):
    def load_from_local(filename, map_location):
        return torch.load(filename, map_location=map_location, weights_only=False)

    other = load_from_local if registered == "mended" else mmengine_checkpoint.load_from_local
    for prefix in ("", "http://", "https://"):
        monkeypatch.setitem(CheckpointLoader._schemes, prefix, other)
    register_safe_loader()
    register_safe_loader()
    assert CheckpointLoader._get_checkpoint_loader("a.pth") is load_from_local_safely
    assert CheckpointLoader._get_checkpoint_loader("https://a/b.pth") is load_from_http_safely
