"""The ways to make clips of a tracklet by their name in a config, with those that others add."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from mmctl.functional.clips import FIXED_MODES, RANDOM_MODES, IntArray, count_distinct_frames

ClipMode = Callable[..., Any]
AnyMode = TypeVar("AnyMode", bound=ClipMode)

_FIXED = ("num_frames", "clip_len")
_DRAWING = (*_FIXED, "generator")

_modes: dict[str, ClipMode] = {**RANDOM_MODES, **FIXED_MODES}


def register_clip_mode(name: str) -> Callable[[AnyMode], AnyMode]:
    """Return a decorator that gives a function a name for ``SampleClip(mode=name)``.

    The function takes the frames of a tracklet, S, and of a clip, T, and where it draws, a
    generator::

        def mine(num_frames: int, clip_len: int) -> np.ndarray: ...
        def mine(num_frames: int, clip_len: int, generator: np.random.Generator) -> np.ndarray: ...

    It returns the indices of the frames, integers (M, T) from 0 to S - 1, for any S from 1 on, or
    these and the weights of the clips, (M,) and positive; without weights a clip counts with its
    distinct frames. Rows are in the order in which the model sees the frames. Training takes one
    clip per tracklet, so M is 1 there. Frames that are drawn must come from ``generator``: it is
    the stream that makes runs repeatable and resumable.

    Args:
        name: The name.

    Raises:
        TypeError: If what is decorated is no function of these arguments, or one that workers
            cannot find again because it is not at the top level of its module.
        ValueError: If the name is taken or no text.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(
            "register_clip_mode must have the name of the mode, as in "
            f'@register_clip_mode("mine"), got {name!r}'
        )

    def register(function: AnyMode) -> AnyMode:
        _check_function(name, function)
        taken = _modes.get(name)
        if taken is not None and _address(taken) != _address(function):
            raise ValueError(
                f"clip mode {name!r} exists already, {'.'.join(_address(taken))}; choose another "
                "name"
            )
        _modes[name] = function
        return function

    return register


def find_clip_mode(name: str) -> ClipMode:
    """Return the function of a mode.

    Args:
        name: Its name.

    Raises:
        ValueError: If there is no such mode.
    """
    if name not in _modes:
        near = get_close_matches(str(name), _modes, n=1)
        raise ValueError(
            f"SampleClip's mode must be one of {', '.join(map(repr, _modes))}, got {name!r}"
            f"{f'; did you mean {near[0]!r}?' if near else ''} (one of your own is known once "
            "custom_imports names the module that has its @register_clip_mode)"
        )
    return _modes[name]


def draws(function: ClipMode) -> bool:
    """Return whether a mode takes a generator."""
    return "generator" in inspect.signature(function).parameters


def read_clips(
    name: str, made: Any, num_frames: int, clip_len: int
) -> tuple[IntArray, npt.NDArray[np.float32]]:
    """Check what the function of a mode returned.

    Args:
        name: The mode.
        made: Indices, or indices and weights.
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of a clip, T.

    Returns:
        Indices, (M, T) int64, and weights, (M,) float32: the distinct frames of each clip where
        the function gave none.

    Raises:
        ValueError: If they are none.
    """
    indices, weights = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    indices = np.asarray(indices)
    place = f"clip mode {name!r} of a tracklet of {num_frames} frames must return"
    is_clips = indices.ndim == 2 and len(indices) > 0 and indices.shape[1] == clip_len
    if not is_clips or indices.dtype.kind not in "iu":
        raise ValueError(
            f"{place} indices that are integers of shape (clips, {clip_len}), at least one clip, "
            f"got {indices.dtype} of shape {indices.shape}"
        )
    indices = indices.astype(np.int64)
    numbers = indices.ravel().tolist()  # a handful, for which NumPy's functions take longer
    lowest, highest = min(numbers), max(numbers)
    if lowest < 0 or highest >= num_frames:
        raise ValueError(f"{place} indices from 0 to {num_frames - 1}, got {lowest} to {highest}")
    if weights is None:
        return indices, count_distinct_frames(indices)
    weights = np.asarray(weights, dtype=np.float32)
    if weights.shape != indices.shape[:1] or not np.all(np.isfinite(weights) & (weights > 0)):
        raise ValueError(
            f"{place} one positive weight per clip, ({len(indices)},), got {weights.tolist()}"
        )
    return indices, weights


def _check_function(name: str, function: Any) -> None:
    if not inspect.isfunction(function):
        raise TypeError(f"clip mode {name!r} must be a function, got {function!r}")
    module, qualname = _address(function)
    if "<" in qualname or "." in qualname:
        raise TypeError(
            f"clip mode {name!r} must be a function at the top level of a module, because the "
            f"workers of a data loader find it by its name, got {module}.{qualname}"
        )
    if tuple(inspect.signature(function).parameters) not in (_FIXED, _DRAWING):
        raise TypeError(
            f"clip mode {name!r} must be a function of ({', '.join(_FIXED)}) or "
            f"({', '.join(_DRAWING)}), got {qualname}{inspect.signature(function)}"
        )


def _address(function: ClipMode) -> tuple[str, str]:
    return function.__module__, function.__qualname__
