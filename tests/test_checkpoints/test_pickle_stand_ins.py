"""Numpy arrays and log histories of a checkpoint are made of checked state alone."""

from __future__ import annotations

import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.pickle_stand_ins import ArrayStandIn, DtypeStandIn
from mmctl.datasets.batches.random_state import read_random_state

RECONSTRUCT = np.empty(0).__reduce__()[0]
SCALAR = np.float64().__reduce__()[0]
NUMBERS = (3, "<", None, None, None, -1, -1, 0)
POINTERS = (3, "|", None, None, None, -1, -1, 0)


class Forged:
    """Pickles to what it is given: a function, its arguments and a state."""

    def __init__(self, *reduced: object) -> None:
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def dtype(code: str, state: object = NUMBERS) -> Forged:
    return Forged(np.dtype, (code, False, True), state)


def array(shape: object, kind: object, content: object, first: object = np.ndarray) -> Forged:
    return Forged(RECONSTRUCT, (first, (0,), b"b"), (1, shape, kind, False, content))


def load(path, content):
    torch.save({"x": content}, path / "a.pth")
    return load_from_local_safely(str(path / "a.pth"))["x"]


@pytest.mark.parametrize(
    "forged",
    [
        array((1,), dtype("O", POINTERS), b"A" * 8),
        array((1,), dtype("O"), [1]),
        array((1,), dtype("f8", (3, "|", None, None, None, 8, 1, 63)), b"A" * 8),
        array((1,), dtype("f8", (4, "<", None, None, None, -1, -1, 0, {})), b"A" * 8),
        array((1,), dtype("f8", (3, "<", (dtype("f8"), (9,)), None, None, -1, -1, 0)), b"A" * 8),
        array((1,), dtype("V8"), b"A" * 8),
        array((1,), dtype("S8"), b"A" * 8),
        array((1,), dtype("U2"), b"A" * 8),
        array((1,), dtype("M8"), b"A" * 8),
        array((1,), dtype("f8,O"), b"A" * 16),
        array((2,), dtype("f8"), b"A" * 8),
        array((-1, -1), dtype("f8"), b"A" * 8),
        array((2**62, 4), dtype("f8"), b""),
        array((0, 2**70), dtype("f8"), b""),
        array((1,) * 99, dtype("f8"), b"A" * 8),
        array((True,), dtype("f8"), b"A" * 8),
        array([1], dtype("f8"), b"A" * 8),
        array((1,), dtype("f8"), [1.0]),
        array((1,), None, b"A" * 8),
        array((4,), dtype("b1"), b"\0\1\2\1"),
        array((1,), dtype("f8"), b"A" * 8, first=HistoryBuffer),
        Forged(RECONSTRUCT, (np.ndarray, (0,), b"b")),
        Forged(SCALAR, (dtype("O", POINTERS), b"A" * 8)),
        Forged(SCALAR, (dtype("f8"), b"A" * 4)),
        Forged(SCALAR, (dtype("S4"), b"A" * 4)),
    ],
)
def test_a_forged_array_is_refused(tmp_path, forged):
    with pytest.raises(ValueError, match=r"a\.pth' holds .*numpy.*could run code"):
        load(tmp_path, forged)


def test_an_array_takes_its_state_once():
    stored = ArrayStandIn()
    state = (1, (1,), DtypeStandIn("f8"), False, bytes(8))
    stored.__setstate__(state)
    with pytest.raises(pickle.UnpicklingError, match="state"):
        stored.__setstate__(state)


@pytest.mark.parametrize(
    "content",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.array(2 - 1j),
        np.empty(0),
        np.empty((2, 0), dtype=np.float16),
    ],
)
def test_an_array_of_numbers_is_as_it_was(tmp_path, content):
    loaded = load(tmp_path, content)
    assert type(loaded) is np.ndarray
    assert (loaded.dtype, loaded.shape) == (content.dtype, content.shape)
    assert loaded.flags.f_contiguous == content.flags.f_contiguous
    assert loaded.flags.writeable
    assert loaded.flags.owndata
    np.testing.assert_array_equal(loaded, content)


def test_arrays_are_found_wherever_they_lie_and_stay_the_same_object(tmp_path):
    one = np.ones(2)
    loaded = load(tmp_path, [one, (1, ({"a": one}, np.dtype("f4"))), (2, 3)])
    assert loaded[1][1][0]["a"] is loaded[0]
    assert type(loaded[0]) is np.ndarray
    assert loaded[1][1][1] == np.dtype("f4")
    assert loaded[2] == (2, 3)


def test_the_random_state_of_a_run_is_as_it_was(tmp_path):
    state = read_random_state(cuda=False)
    loaded = load(tmp_path, state)
    assert loaded["numpy"][0] == "MT19937"
    np.testing.assert_array_equal(loaded["numpy"][1], state["numpy"][1])
    np.testing.assert_array_equal(loaded["python"][1], state["python"][1])


@pytest.mark.parametrize("values", [[], [1.0, 2.0]])
def test_a_log_history_can_be_saved_again(tmp_path, values):
    history = HistoryBuffer(values, [1] * len(values))
    for _ in range(2):
        history = load(tmp_path, history)
        assert type(history) is HistoryBuffer
        history.update(3.0)
    assert history.data[0].tolist() == [*values, 3.0, 3.0]
    assert history.max_length == 1000000


@pytest.mark.parametrize(
    "changes",
    [
        {"statistics_methods": {"mean": torch.Size}},
        {"statistics_methods": {"mean": HistoryBuffer.max}},
        {"statistics": torch.Size},
        {"_log_history": [1.0]},
        {"_count_history": np.ones((1, 1))},
    ],
)
def test_a_forged_log_history_is_refused_and_leaves_mmengine_as_it_is(tmp_path, changes):
    history = HistoryBuffer([1.0], [1])
    methods = dict(HistoryBuffer._statistics_methods)  # filled by the first one of a process
    state = {**history.__getstate__(), **changes}
    forged = Forged(HistoryBuffer, (), state)
    with pytest.raises(ValueError, match=r"HistoryBuffer.*could run code"):
        load(tmp_path, forged)
    assert HistoryBuffer._statistics_methods == methods


def test_a_log_history_without_state_is_refused(tmp_path):
    with pytest.raises(ValueError, match="HistoryBuffer without a state"):
        load(tmp_path, Forged(HistoryBuffer, ([1.0], [1])))


def test_attributes_that_would_hide_methods_are_refused(tmp_path):
    weights = OrderedDict(a=1)
    weights.others = 5
    with pytest.raises(ValueError, match="OrderedDict with attributes"):
        load(tmp_path, weights)
