"""Look at every frame of a data set: is it there, does its header hold, does it decode."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from mmctl.datasets.checks.decoder_messages import DecoderMessages, decoder_messages
from mmctl.datasets.checks.picture_header import has_known_header, read_frame_size
from mmctl.datasets.frame_decoding import check_content, decode_frame
from mmctl.files import check_regular, read_bytes

MODES = ("none", "exist", "header", "decode")
"""How closely frames are looked at; each mode includes those before it."""

_CHUNK = 256
_NUM_SIZES = 1000

Size = tuple[int, int]


@dataclass
class FrameReport:
    """What was found.

    Attributes:
        num_checked: Frames looked at.
        faults: Path and reason of each broken frame.
        sizes: Height and width of each frame, (num_checked, 2); zeros where it is broken or the
            mode does not read them.
    """

    num_checked: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)
    sizes: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 2), np.int32))


def check_frames(
    paths: Sequence[str],
    mode: str,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> FrameReport:
    """Check frames.

    ``exist`` asks for a file that is not empty; ``header`` reads it whole, wants the end marker
    and the size in the header; ``decode`` decodes it and listens to what the decoder complains
    of. Damage that still is a valid stream (a changed brightness, say) is beyond any reader.

    Args:
        paths: The frames.
        mode: One of :data:`MODES`.
        workers: Processes; 1 works in this one.
        progress: Called with the number of frames after each chunk.

    Returns:
        The faults in the order of ``paths``, and the sizes.

    Raises:
        ValueError: If ``mode`` is unknown or ``workers`` is not positive.
    """
    if mode not in MODES:
        raise ValueError(f"the mode of a frame check must be one of {', '.join(MODES)}, got {mode}")
    if workers < 1:
        raise ValueError(f"workers must be positive, because somebody has to look, got {workers}")
    if mode == "none":
        return FrameReport()
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    reports = []
    for report in _check_chunks(chunks, mode, min(workers, len(chunks))):
        reports.append(report)
        if progress is not None:
            progress(report.num_checked)
    return FrameReport(
        len(paths),
        [fault for report in reports for fault in report.faults],
        np.concatenate([FrameReport().sizes, *(report.sizes for report in reports)]),
    )


def sample_sizes(paths: Sequence[str], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Read up to 1000 of some frames, evenly spread, for their sizes.

    Args:
        paths: All frames.
        places: Which of them may be looked at.

    Returns:
        Height and width of each frame, (len(paths), 2); zeros where it was not looked at or cannot
        be read.
    """
    sizes = np.zeros((len(paths), 2), np.int32)
    number = min(len(places), _NUM_SIZES)
    chosen = places[np.linspace(0, len(places) - 1, number).round().astype(np.int64)]
    sizes[chosen] = check_frames([paths[place] for place in chosen], "header").sizes
    return sizes


def read_sizes(paths: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return height and width of every frame, (n, 2).

    Args:
        paths: The frames.

    Raises:
        ValueError: If one cannot be read; the first is named.
    """
    report = check_frames(paths, "header", min(4, os.cpu_count() or 1))
    if report.faults:
        path, reason = report.faults[0]
        raise ValueError(
            f"every frame must have a size that can be read, but {path} {reason}"
            + (f", and so {len(report.faults) - 1:,} more" if len(report.faults) > 1 else "")
        )
    return report.sizes


def _check_chunks(
    chunks: Sequence[Sequence[str]], mode: str, workers: int
) -> Iterator[FrameReport]:
    modes = [mode] * len(chunks)
    if workers < 2:
        yield from map(_check_chunk, chunks, modes)
        return
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    # Not 1: a forked process would wait for ever for the threads that OpenCV had before the fork.
    with ProcessPoolExecutor(workers, context, cv2.setNumThreads, (0,)) as pool:
        try:
            yield from pool.map(_check_chunk, chunks, modes)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _check_chunk(paths: Sequence[str], mode: str) -> FrameReport:
    report = FrameReport(len(paths), sizes=np.zeros((len(paths), 2), np.int32))
    with ExitStack() as stack:
        messages = stack.enter_context(decoder_messages()) if mode == "decode" else None
        for index, path in enumerate(paths):
            try:
                report.sizes[index] = _check_frame(path, mode, messages)
            except (OSError, ValueError) as error:
                report.faults.append((path, _shorten(error, path)))
    return report


def _check_frame(path: str, mode: str, messages: DecoderMessages | None) -> Size:
    """Return height and width, zeros where the mode reads none; a broken frame raises."""
    if mode == "exist":
        check_regular(path, "frame")
        if os.stat(path).st_size == 0:
            raise ValueError("is empty (0 bytes)")
        return 0, 0
    content = read_bytes(path, "frame")
    check_content(content, path)
    if mode == "header" and has_known_header(content):
        try:
            return read_frame_size(content)
        except ValueError as error:
            raise ValueError(f"cannot be decoded: {error}") from error
    if messages is not None:
        messages.take()
    height, width = decode_frame(content, path).shape[:2]
    complaint = messages.take() if messages is not None else ""
    if complaint:
        raise ValueError(f"is damaged, the decoder says: {complaint}")
    return height, width


def _shorten(error: OSError | ValueError, path: str) -> str:
    """Return the reason without the path, which stands beside it."""
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    return str(error).removeprefix(f"frame {path} ")
