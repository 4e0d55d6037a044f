"""Read the frames of a sampled clip from disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.fileio import BaseStorageBackend, LocalBackend, get_file_backend

from mmctl.datasets.frame_decoding import can_reduce, decode_frame, decode_reduced
from mmctl.datasets.transforms.broken_frames import (
    BrokenFrames,
    IntArray,
    nearest_readable,
    outward_order,
)
from mmctl.datasets.transforms.clip_keys import check_keys, checked_size
from mmctl.files import check_regular, read_bytes
from mmctl.functional.clips import count_distinct_frames
from mmctl.registry import TRANSFORMS

_NEVER_MENDED = ("query", "gallery")

Loaded = tuple[np.ndarray, tuple[int, ...]]
"""A frame, and its height and width in its file."""


class LoadedFrames(list[np.ndarray]):
    """Frames that may lie in one array, in their order.

    Attributes:
        stack: The array, (n, h, w, 3) uint8.
    """

    def __init__(self, stack: np.ndarray) -> None:
        super().__init__()
        self.stack = stack
        # What NumPy names as the base of every view.
        self._memory = stack if stack.base is None else stack.base

    def add(self, frame: np.ndarray) -> None:
        """Add the next frame, and copy it to its place if it lies elsewhere and fits there."""
        if frame.base is not self._memory and frame.shape == self.stack.shape[1:]:
            place = self.stack[len(self)]
            place[:] = frame
            frame = place
        self.append(frame)

    def is_stacked(self) -> bool:
        """Return whether all frames are still those of the array."""
        return len(self) == len(self.stack) and all(frame.base is self._memory for frame in self)


@TRANSFORMS.register_module()
class LoadFrames(BaseTransform):
    """Read and decode the sampled frames, each distinct frame once.

    OpenCV decodes a JPEG that ends early without complaint and paints the rest grey, so JPEG and
    PNG files without their end marker are refused. Damage before the marker is not looked for (a
    JPEG that lacks bytes in its midst decodes with grey or shifted rows):
    ``tools/dataset_converters/check_dataset.py --frames decode`` finds most of it.

    Required keys: ``frame_paths``, ``clip_indices``. Added key: ``frames``, list of M * T uint8
    RGB arrays (h, w, 3), clip-major; repeated frames are one shared array, so do not write to them.
    Frames of one size lie in one array (:class:`LoadedFrames`), which spares ``ResizeClip`` a copy.
    Changed keys, where a frame was replaced: ``clip_indices`` (so keypoints follow) and
    ``clip_weights``. Added with ``reduce_to``: ``frame_sizes``, (M * T, 2) int64, height and width
    of the frames in their files, which keypoints are in pixels of.

    Args:
        backend_args: Arguments of MMEngine's file client, for data that is not on a local disk.
        skip_broken: Put the nearest readable frame of the clip in the place of a training frame
            that cannot be read; if the clip has none, the nearest one of the tracklet. A tracklet
            without a readable frame is an error all the same, because another one in its place
            would break the sampler's batches of persons. Query and gallery tracklets are never
            mended: their numbers would be those of another data set.
        broken_list: With ``skip_broken``: text file that lists each broken frame once.
        reduce_to: Height and width that the network takes. JPEGs at least twice as large are
            decoded at the smallest fraction that is not smaller: faster, but not the same pixels
            (:func:`~mmctl.datasets.frame_decoding.decode_reduced`), so a test should do as its
            training did. Needs ``simplejpeg``.

    Raises:
        ValueError: If ``broken_list`` is given without ``skip_broken``, ``reduce_to`` is not two
            positive integers, or ``simplejpeg`` is not installed for it.
    """

    def __init__(
        self,
        backend_args: dict[str, Any] | None = None,
        skip_broken: bool = False,
        broken_list: str | None = None,
        reduce_to: Sequence[int] | None = None,
    ) -> None:
        if broken_list is not None and not skip_broken:
            raise ValueError(
                "LoadFrames' broken_list needs skip_broken=True, because the first broken frame "
                f"stops the run otherwise, got broken_list={broken_list!r}"
            )
        self.reduce_to = None if reduce_to is None else checked_size("LoadFrames", reduce_to)
        if reduce_to is not None and not can_reduce():
            raise ValueError(
                "LoadFrames' reduce_to needs the package simplejpeg, because OpenCV decodes to "
                f"other pixels (pip install simplejpeg), got {reduce_to}"
            )
        self.backend_args = backend_args
        self.skip_broken = skip_broken
        self.broken = BrokenFrames(broken_list)
        self._backends: dict[str, BaseStorageBackend] = {}
        self._usual_shape: tuple[int, ...] = (1, 1, 3)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``frames``.

        Raises:
            FileNotFoundError: If a frame does not exist; the path is named.
            OSError: If a frame cannot be read.
            ValueError: If a frame is no regular file, empty, cut off, no picture or has more than 8
                bits, or none of a tracklet that may be mended can be read; the path is named.
        """
        check_keys("LoadFrames", results, "frame_paths", "clip_indices")
        paths = results["frame_paths"]
        indices = results["clip_indices"].ravel().tolist()
        distinct = sorted(set(indices))
        if self.skip_broken and results.get("split") not in _NEVER_MENDED:
            readable = self._load_readable(results, distinct)
            if list(readable) != distinct:
                self._mend_clips(results, np.array(list(readable)))
                indices = results["clip_indices"].ravel().tolist()
        elif self.reduce_to is not None:
            readable = {index: self._load(paths[index]) for index in distinct}
        else:
            stacked = self._load_stacked([paths[index] for index in distinct])
            if indices == distinct:
                results["frames"] = stacked
                return results
            readable = {i: (frame, frame.shape) for i, frame in zip(distinct, stacked, strict=True)}
        results["frames"] = [readable[index][0] for index in indices]
        if self.reduce_to is not None:
            results["frame_sizes"] = np.array([readable[index][1] for index in indices])
        return results

    def _load_stacked(self, paths: list[str]) -> LoadedFrames:
        """Decode frames into one array as long as they have the size of the first."""
        # Most frames of a data set have one size: the first one, too, is decoded to its place.
        stack = _cached_stack((len(paths), *self._usual_shape))
        first, _ = self._load(paths[0], stack[0])
        if first.shape != self._usual_shape:
            self._usual_shape = first.shape
            stack = _cached_stack((len(paths), *first.shape))
        frames = LoadedFrames(stack)
        frames.add(first)
        for path, place in zip(paths[1:], stack[1:], strict=True):
            frames.add(self._load(path, place)[0])
        return frames

    def _load_readable(self, results: dict[str, Any], distinct: list[int]) -> dict[int, Loaded]:
        """Return the frames of the clips that can be read, or else one other of the tracklet."""
        paths = results["frame_paths"]
        loaded = {index: self._try_load(paths[index]) for index in distinct}
        readable = {index: frame for index, frame in loaded.items() if frame is not None}
        if readable:
            return readable
        for index in outward_order(np.array(distinct), len(paths)).tolist():
            frame = self._try_load(paths[index])
            if frame is not None:
                return {index: frame}
        raise ValueError(
            f"tracklet {results.get('tracklet_id')} (pid {results.get('pid')}) must have a frame "
            f"that can be read, because skip_broken replaces frames by others of their tracklet, "
            f"but none of its {len(paths)} can, the first one is {paths[0]}; restore it, or take "
            "the tracklet out of the data set"
        )

    def _try_load(self, path: str) -> Loaded | None:
        try:
            return self._load(path)
        except (OSError, ValueError) as error:
            self.broken.add(path, str(error))
            return None

    def _mend_clips(self, results: dict[str, Any], readable: IntArray) -> None:
        indices = nearest_readable(results["clip_indices"], readable)
        results["clip_indices"] = indices
        results["clip_weights"] = count_distinct_frames(indices)

    def decode(self, content: bytes, path: str, out: np.ndarray | None = None) -> Loaded:
        """Decode a frame as this loader does.

        Args:
            content: The file's bytes.
            path: The file's name, for the message.
            out: See :func:`~mmctl.datasets.frame_decoding.decode_frame`.

        Returns:
            The frame, and its height and width in the file.

        Raises:
            ValueError: If it cannot be decoded.
        """
        if self.reduce_to is not None:
            return decode_reduced(content, path, self.reduce_to)
        frame = decode_frame(content, path, out)
        return frame, (frame.shape[0], frame.shape[1])

    def _load(self, path: str, out: np.ndarray | None = None) -> Loaded:
        backend = self._backend(path)
        try:
            if getattr(type(backend), "get", None) is LocalBackend.get:
                content = read_bytes(path, "frame")
            else:
                if isinstance(backend, LocalBackend):
                    check_regular(path, "frame")
                content = backend.get(path)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"frame {path} does not exist, but the data set lists it; check data_root and "
                "that the frames are unpacked"
            ) from error
        except OSError as error:
            raise OSError(f"frame {path} cannot be read: {error.strerror or error}") from error
        return self.decode(content, path, out)

    def _backend(self, path: str) -> BaseStorageBackend:
        """Return the file client for a path; finding it takes longer than reading a frame."""
        prefix = path.partition("://")[0] if "://" in path else ""
        if prefix not in self._backends:
            self._backends[prefix] = get_file_backend(path, backend_args=self.backend_args)
        return self._backends[prefix]

    def __getstate__(self) -> dict[str, Any]:
        # A client may hold an open connection, which no other process can use.
        return {**self.__dict__, "_backends": {}}

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(backend_args={self.backend_args}, "
            f"skip_broken={self.skip_broken}, broken_list={self.broken.list_file!r}, "
            f"reduce_to={self.reduce_to})"
        )


def _cached_stack(shape: tuple[int, ...]) -> np.ndarray:
    """Return an empty uint8 array that a decoder writes to through the processor's cache.

    libjpeg-turbo writes past the cache to what lies at a multiple of 32 bytes, and the transforms
    that follow would have to fetch every frame again.
    """
    size = math.prod(shape)
    memory = np.empty(size + 32, dtype=np.uint8)
    start = (16 - memory.ctypes.data) % 32
    return memory[start : start + size].reshape(shape)
