"""Read what a sampled clip needs from disk: its frames and its stored keypoints."""

from __future__ import annotations

from typing import Any

import cv2
import mmcv
import mmengine.fileio
import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.registry import TRANSFORMS

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_START, _PNG_END = b"\x89PNG", b"IEND"
# Writers may append a few bytes (padding, a checksum) after the end marker.
_TAIL_BYTES = 1024


@TRANSFORMS.register_module()
class LoadFrames(BaseTransform):
    """Read and decode the sampled frames, each distinct frame once.

    OpenCV decodes a JPEG that ends early without complaint and paints the rest grey, so JPEG and
    PNG files without their end marker are refused. Damage before the marker is not looked for: a
    JPEG that lacks bytes in its midst decodes with grey or shifted rows.

    Required keys: ``frame_paths``, ``clip_indices``. Added key: ``frames``, list of M * T uint8
    RGB arrays (h, w, 3), clip-major; repeated frames are one shared array, so do not write to them.

    Args:
        backend_args: Arguments of MMEngine's file client, for data that is not on a local disk.
    """

    def __init__(self, backend_args: dict[str, Any] | None = None) -> None:
        self.backend_args = backend_args

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``frames``.

        Raises:
            FileNotFoundError: If a frame does not exist; the path is named.
            ValueError: If a frame is a directory, empty, cut off or not a picture; the path is
                named.
        """
        paths = results["frame_paths"]
        distinct, where = np.unique(results["clip_indices"].ravel(), return_inverse=True)
        decoded = [self._load(paths[index]) for index in distinct.tolist()]
        results["frames"] = [decoded[position] for position in where.tolist()]
        return results

    def _load(self, path: str) -> np.ndarray:
        try:
            content = mmengine.fileio.get(path, self.backend_args)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"frame {path} does not exist, but the data set lists it; check data_root and "
                "that the frames are unpacked"
            ) from error
        except IsADirectoryError as error:
            raise ValueError(
                f"frame {path} must be a picture file, but it is a directory"
            ) from error
        return decode_frame(content, path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(backend_args={self.backend_args})"


def decode_frame(content: bytes, path: str) -> np.ndarray:
    """Decode one frame to RGB, or say what is wrong with it.

    Args:
        content: The file's bytes.
        path: The file's name, for the message.

    Returns:
        The picture, (h, w, 3) uint8 RGB.

    Raises:
        ValueError: If the content is empty, lacks its end marker (JPEG and PNG) or cannot be
            decoded.
    """
    if not content:
        raise ValueError(f"frame {path} is empty (0 bytes); copy it again")
    tail = content[-_TAIL_BYTES:]
    for kind, start, end in (("JPEG", _JPEG_START, _JPEG_END), ("PNG", _PNG_START, _PNG_END)):
        if content.startswith(start) and end not in tail:
            raise ValueError(
                f"frame {path} is cut off: a whole {kind} ends with the marker {end!r}, but the "
                f"last of its {len(content)} bytes have none; copy it again"
            )
    try:
        frame = mmcv.imfrombytes(content, flag="color", channel_order="rgb")
    # OpenCV's message quotes its source code, which says nothing about the frame.
    except cv2.error:
        frame, reason = None, ""
    # Pillow and turbojpeg, whichever backend mmcv was told to use, raise different types.
    except (OSError, TypeError, ValueError) as error:
        frame, reason = None, f": {error}"
    else:
        reason = ""
    if frame is None:
        raise ValueError(
            f"frame {path} cannot be decoded as a picture ({len(content)} bytes, first ones "
            f"{content[:4]!r}){reason}"
        )
    return frame


@TRANSFORMS.register_module()
class LoadKeypoints(BaseTransform):
    """Read the stored keypoints of the sampled frames from the data set's keypoint array.

    The array stays on disk: each process maps it once and reads the rows it needs.

    Required keys: ``clip_indices``, ``keypoint_file``, ``keypoint_rows`` (the data set adds the
    latter two where its ``keypoint_file`` is set). Added key: ``keypoints``, (M * T, 17, 3)
    float32, clip-major: x, y, score in pixels of the stored frame.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def __getstate__(self) -> dict[str, Any]:
        # A pickled or deep-copied memory map is the whole array.
        return {**self.__dict__, "_arrays": {}}

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``keypoints``.

        Raises:
            ValueError: If the data set has no keypoints or a row has values that are not finite.
        """
        if "keypoint_file" not in results:
            raise ValueError(
                "LoadKeypoints needs keypoint rows, but the data set gives none: set its "
                "keypoint_file (for example 'info/keypoints.npy')"
            )
        path = results["keypoint_file"]
        if path not in self._arrays:
            self._arrays[path] = np.load(path, mmap_mode="r")
        rows = results["keypoint_rows"][results["clip_indices"].ravel()]
        keypoints = np.array(self._arrays[path][rows], dtype=np.float32)
        finite = np.isfinite(keypoints).all(axis=(1, 2))
        if not finite.all():
            raise ValueError(
                f"keypoint file {path}: x, y and score must be finite numbers (a hidden joint has "
                f"score 0), but row {int(rows[~finite][0])} has others"
            )
        results["keypoints"] = keypoints
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
