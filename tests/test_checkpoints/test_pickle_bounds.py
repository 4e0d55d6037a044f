"""Pickles that would not end are refused before anything is made of them."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.pickle_bounds import MAX_DEPTH, check_pickle


def laughs(kind: Any = tuple, levels: int = 30) -> Any:
    """Return ten of ten of ten ... of the same few objects."""
    value: Any = kind(("ha",))
    for _ in range(levels):
        value = kind((value,) * 10)
    return value


def nested(kind: Any, depth: int) -> Any:
    value: Any = kind()
    for _ in range(depth - 1):
        value = kind((value,))
    return value


class Called:
    """Pickles to a call of what it is given, or to an object with a state."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self):
        return self.parts


DTYPE = np.dtype
FORGED = {
    "a value": laughs(),
    "lists": laughs(list),
    "a code of numbers": Called(DTYPE, (laughs(), False, True)),
    "a state of numbers": Called(DTYPE, ("f8", False, True), laughs()),
    "a size": Called(torch._utils._rebuild_tensor_v2, (None, 0, laughs(), (1,), False, {})),
    "a set": Called(set, (laughs(list, 5), laughs())),
}


@pytest.mark.parametrize("name", FORGED)
def test_what_would_not_end_is_refused(tmp_path, name):
    torch.save({"state_dict": {"a": FORGED[name]}}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a\.pth' cannot be read: .*(stands for|nested)"):
        load_from_local_safely(str(tmp_path / "a.pth"))


# By hand, because Python 3.13 pickles nothing so deep: lists put into lists, tuples of one.
DEEP = {"lists": b"]" * 5000 + b"a" * 4999, "tuples": b")" + b"\x85" * 4999}


@pytest.mark.parametrize("kind", DEEP)
def test_what_is_nested_too_deep_is_refused(tmp_path, kind):
    start, end = pickle.dumps({"state_dict": {"a": 0}}, 2).split(b"K\0")
    content = start + DEEP[kind] + end
    writer = torch._C.PyTorchFileWriter(str(tmp_path / "a.pth"))
    writer.write_record("data.pkl", content, len(content))
    writer.write_end_of_file()
    with pytest.raises(ValueError, match=r"a\.pth' cannot be read: .*nested"):
        load_from_local_safely(str(tmp_path / "a.pth"))


def test_a_file_of_old_torch_is_looked_at_too(tmp_path):
    content = {"state_dict": laughs()}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match=r"a\.pth' cannot be read: .*stands for"):
        load_from_local_safely(str(tmp_path / "a.pth"))
    whole = {"state_dict": {"a": torch.arange(3.0)}}
    torch.save(whole, tmp_path / "b.pth", _use_new_zipfile_serialization=False)
    loaded = load_from_local_safely(str(tmp_path / "b.pth"))
    assert torch.equal(loaded["state_dict"]["a"], whole["state_dict"]["a"])


def test_a_key_is_never_hashed_that_would_not_end():
    # {laughs: 1}: hashing it takes longer than the universe is old, also to write it with pickle.
    value = pickle.dumps(laughs(), 2)[:-1]
    content = value.replace(b"\x80\x02", b"\x80\x02}", 1) + b"K\1s."
    with pytest.raises(pickle.UnpicklingError, match="stands for more than"):
        check_pickle(io.BytesIO(content))


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_the_deepest_that_is_read(depth):
    content = io.BytesIO(pickle.dumps(nested(list, depth), 2))
    if depth == MAX_DEPTH:
        check_pickle(content)
        return
    with pytest.raises(pickle.UnpicklingError, match=f"nested more than {MAX_DEPTH} deep"):
        check_pickle(content)


def test_what_contains_itself_is_refused():
    ring: list = []
    ring.append((ring,))
    with pytest.raises(pickle.UnpicklingError, match="filled after it was put into another"):
        check_pickle(io.BytesIO(pickle.dumps(ring, 2)))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_of_every_protocol_pass_and_cut_ones_do_not(protocol):
    shared = [1, "a"]
    value = {"a": [shared, shared, (1.5, None, b"x" * 300)], "b": OrderedDict(c={2, 3}), "d": 2**99}
    content = pickle.dumps([value, value], protocol)
    check_pickle(io.BytesIO(content))
    for kept in range(len(content)):
        with pytest.raises(pickle.UnpicklingError):
            check_pickle(io.BytesIO(content[:kept]))


@pytest.mark.parametrize("content", [b"t0.", b"0.", b"h\5.", b"s.", b"q\1.", b"\xff"])
def test_what_no_pickler_writes_is_refused(content):
    with pytest.raises(pickle.UnpicklingError, match="no pickle"):
        check_pickle(io.BytesIO(content))
