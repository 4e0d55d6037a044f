"""Read what an estimator found in a sampled clip: its stored keypoints or heatmaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.files import map_npy
from mmctl.registry import TRANSFORMS


class _StoredRows:
    """Rows of arrays that stay on disk; each process maps an array once."""

    def __init__(self) -> None:
        self._arrays: dict[str, np.ndarray] = {}

    def __getstate__(self) -> dict[str, Any]:
        # A pickled or deep-copied memory map is the whole array.
        return {"_arrays": {}}

    def read(self, results: dict[str, Any], key: str, owner: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the clips' frames, as a copy, and their numbers."""
        if key not in results:
            what = key.removesuffix("_file")
            raise ValueError(
                f"{owner} needs {what} rows, but the data set gives none: set its {key} (for "
                f"example 'info/{what}s.npy')"
            )
        path = results[key]
        if path not in self._arrays:
            self._arrays[path] = map_npy(path, key.replace("_", " "))
        rows = results["keypoint_rows"][results["clip_indices"].ravel()]
        return np.array(self._arrays[path][rows]), rows


def _first_not_finite(values: np.ndarray, rows: np.ndarray) -> int | None:
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return None if finite.all() else int(rows[~finite][0])


@TRANSFORMS.register_module()
class LoadKeypoints(BaseTransform):
    """Read the stored keypoints of the sampled frames from the data set's keypoint array.

    The array stays on disk: each process maps it once and reads the rows it needs.

    Required keys: ``clip_indices``, ``keypoint_file``, ``keypoint_rows`` (the data set adds the
    latter two where its ``keypoint_file`` is set). Added key: ``keypoints``, (M * T, 17, 3)
    float32, clip-major: x, y, score in pixels of the stored frame.
    """

    def __init__(self) -> None:
        self._stored = _StoredRows()

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``keypoints``.

        Raises:
            ValueError: If the data set has no keypoints or a row has values that are not finite.
        """
        keypoints, rows = self._stored.read(results, "keypoint_file", "LoadKeypoints")
        wrong = _first_not_finite(keypoints, rows)
        if wrong is not None:
            raise ValueError(
                f"keypoint file {results['keypoint_file']}: x, y and score must be finite numbers "
                f"(a hidden joint has score 0), but row {wrong} has others"
            )
        results["keypoints"] = keypoints
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


@TRANSFORMS.register_module()
class LoadHeatmaps(BaseTransform):
    """Read the stored heatmaps of the sampled frames from the data set's heatmap array.

    The array stays on disk: each process maps it once and reads the rows it needs.

    Required keys: ``clip_indices``, ``heatmap_file``, ``keypoint_rows`` (the data set adds the
    latter two where its ``heatmap_file`` is set). Added key: ``heatmaps``, (M * T, 17, h, w)
    float16, clip-major: raw (pre-softmax) maps that cover the whole stored frame.
    """

    def __init__(self) -> None:
        self._stored = _StoredRows()

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``heatmaps``.

        Raises:
            ValueError: If the data set has no heatmaps or a row has values that are not finite.
        """
        heatmaps, rows = self._stored.read(results, "heatmap_file", "LoadHeatmaps")
        wrong = _first_not_finite(heatmaps, rows)
        if wrong is not None:
            raise ValueError(
                f"heatmap file {results['heatmap_file']}: heatmaps must be finite numbers, but row "
                f"{wrong} has others"
            )
        results["heatmaps"] = heatmaps
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
