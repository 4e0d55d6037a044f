"""Numpy arrays and log histories out of a checkpoint, each checked before it is made.

Numpy's own ``__setstate__`` believes its state: a forged one makes elements point anywhere in
memory. The stand-ins here take that state instead, and make numbers and nothing else.
"""

from __future__ import annotations

import math
import operator
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from mmengine.logging import HistoryBuffer

from mmctl.files import shorten

HISTORY_STATISTICS = ("min", "max", "current", "mean")
"""The statistics that MMEngine stores with every log history."""

_NUMERIC = re.compile(r"b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)")
_BYTE_ORDERS = ("<", ">", "=", "|")
_NUMERIC_STATE = (None, None, None, -1, -1, 0)
"""How numpy stores that a dtype has no parts, no names, no own size and no flags."""


class DtypeStandIn:
    """Stands in for ``numpy.dtype``; ``value`` is the dtype, of numbers or truth values.

    Args:
        code: Kind and bytes of an element, for instance ``f8``.
        _: The flags of ``numpy.dtype``, ``align`` and ``copy``, without meaning for numbers.

    Raises:
        pickle.UnpicklingError: If the code is of texts, objects, records or times.
    """

    __hash__ = None  # type: ignore[assignment]  # as a key it would escape :func:`restore`

    def __init__(self, code: str, *_: bool) -> None:
        if not isinstance(code, str) or _NUMERIC.fullmatch(code) is None:
            raise _refused(f"numpy.dtype({shorten(code)})")
        try:
            self.value = np.dtype(code)
        except TypeError as error:  # wide floats are not on every machine
            raise _refused(f"numpy.dtype({shorten(code)})") from error

    def __setstate__(self, state: tuple) -> None:
        if type(state) is not tuple or len(state) != 8 or state[2:] != _NUMERIC_STATE:
            raise _refused(f"numpy.dtype state {shorten(state)}")
        if state[0] != 3 or state[1] not in _BYTE_ORDERS:
            raise _refused(f"numpy.dtype state {shorten(state)}")
        self.value = self.value.newbyteorder(state[1])


class ArrayStandIn:
    """Stands in for ``numpy.ndarray`` until its state is read; ``value`` is the array then."""

    __hash__ = None  # type: ignore[assignment]  # as a key it would escape :func:`restore`

    def __init__(self) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: tuple) -> None:
        if self.value is not None or type(state) is not tuple or len(state) != 5:
            raise _refused("a numpy.ndarray whose state is not as numpy writes it")
        _, shape, dtype, by_columns, content = state
        self.value = _make_array(shape, dtype, content, "F" if by_columns else "C")


class HistoryStandIn(HistoryBuffer):
    """Stands in for MMEngine's log history, and becomes one when its state is read."""

    __hash__ = None  # type: ignore[assignment]  # as a key it could be left half made

    def __setstate__(self, state: dict) -> None:
        """Take the state of a log history.

        Raises:
            pickle.UnpicklingError: If it is not as MMEngine writes it: its statistics are
                functions that MMEngine calls.
        """
        state = dict(state)
        arrays = {name: state.pop(name, None) for name in ("_log_history", "_count_history")}
        methods = dict(state.pop("statistics_methods", {}))
        own = all(methods[name] is _history_statistic(HistoryStandIn, name) for name in methods)
        values = [array.value for array in arrays.values() if type(array) is ArrayStandIn]
        flat = len(values) == 2 and all(v is not None and v.ndim == 1 for v in values)
        if not own or not flat or list(state) != ["max_length"]:
            raise _refused("a HistoryBuffer whose state is not as MMEngine writes it")
        self.__class__ = HistoryBuffer
        HistoryBuffer.__setstate__(self, state | dict(zip(arrays, values, strict=True)))


def allowed_globals() -> list[Any]:
    """Return what may be restored beside torch's own list: arrays of numbers, log histories."""
    allowed: list[Any] = [
        (HistoryStandIn, "mmengine.logging.history_buffer.HistoryBuffer"),
        (_history_statistic, "builtins.getattr"),
        (_empty_bytes, "builtins.bytes"),
        (ArrayStandIn, "numpy.ndarray"),
        (DtypeStandIn, "numpy.dtype"),
    ]
    for package in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2 name it differently
        allowed += [(_make_scalar, f"{package}.multiarray.scalar")]
        allowed += [(_start_array, f"{package}.multiarray._reconstruct")]
    return allowed


def restore(content: Any) -> Any:
    """Put arrays and dtypes in the place of their stand-ins, within dicts, lists and tuples.

    Args:
        content: What was read with :func:`allowed_globals`; dicts and lists are changed in place.

    Returns:
        The content; another object if it was a stand-in or a tuple that holds one.

    Raises:
        pickle.UnpicklingError: If an array or a log history has no state.
    """
    if isinstance(content, (ArrayStandIn, DtypeStandIn)):
        if content.value is None:
            raise _refused("a numpy.ndarray without a state")
        return content.value
    if type(content) is HistoryStandIn:
        raise _refused("a HistoryBuffer without a state")
    if isinstance(content, tuple):
        new = tuple(restore(item) for item in content)
        return content if all(map(operator.is_, new, content)) else new
    if isinstance(content, OrderedDict) and vars(content).keys() - {"_metadata"}:
        raise _refused("an OrderedDict with attributes, which would hide its methods")
    if isinstance(content, (dict, list)):
        for key, item in content.items() if isinstance(content, dict) else enumerate(content):
            content[key] = restore(item)
    return content


def _start_array(kind: type, *_: object) -> ArrayStandIn:
    """Stand in for numpy's ``_reconstruct``, which makes an empty array for a state to fill."""
    if kind is not ArrayStandIn:
        raise _refused(f"numpy's _reconstruct of {shorten(kind)}")
    return ArrayStandIn()


def _make_scalar(dtype: DtypeStandIn, content: bytes) -> Any:
    """Stand in for numpy's ``scalar``."""
    return _make_array((), dtype, content, "C")[()]


def _make_array(shape: object, dtype: object, content: object, order: Any) -> np.ndarray:
    """Return an own array of the bytes, after comparing their number with the shape."""
    if type(dtype) is not DtypeStandIn or type(content) is not bytes:
        raise _refused("numpy values that are not numbers as bytes")
    if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape):
        raise _refused(f"a numpy.ndarray of shape {shorten(shape)}")
    if math.prod(shape) * dtype.value.itemsize != len(content):
        raise _refused(f"a numpy.ndarray of shape {shorten(shape)} and {len(content)} bytes")
    if dtype.value.kind == "b" and max(content, default=0) > 1:  # numpy counts such bytes wrongly
        raise _refused("a numpy.ndarray of truth values that are neither 0 nor 1")
    try:
        array = np.frombuffer(content, dtype.value).reshape(shape, order=order)
    except (ValueError, OverflowError) as error:  # too many dimensions, or too large a one
        raise _refused(f"a numpy.ndarray of shape {shorten(shape)}") from error
    return array.copy(order=order)  # the bytes themselves cannot be written


def _history_statistic(owner: object, name: str) -> Callable:
    """Stand in for ``getattr`` while a checkpoint is read: log histories name their statistics."""
    if owner is not HistoryStandIn or name not in HISTORY_STATISTICS:
        raise _refused(f"getattr({shorten(owner)}, {shorten(name)})")
    return getattr(HistoryBuffer, name)


def _empty_bytes() -> bytes:
    """Stand in for ``bytes``, which is how empty ones are stored."""
    return b""


def _refused(what: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"GLOBAL {what} is not allowed")
