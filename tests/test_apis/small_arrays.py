"""Arrays of eleven rows in blocks of four, whose values are known."""

import numpy as np

from mmctl.apis.partial_arrays import PartialArrays
from mmctl.apis.planned_array import PlannedArray
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader

NUM_ROWS, ROWS_PER_BLOCK = 11, 4


def plan(folder, estimator="one", kinds=("keypoints", "heatmaps"), num_rows=NUM_ROWS):
    shapes = {"keypoints": (17, 3), "heatmaps": (17, 2, 1)}
    types = {"keypoints": np.dtype(np.float32), "heatmaps": np.dtype(np.float16)}
    return [
        PlannedArray(
            folder / f"{kind}.npy",
            ArrayHeader(kind, num_rows, "0" * 64, estimator),
            shapes[kind],
            types[kind],
        )
        for kind in kinds
    ]


def values(partial, block):
    rows = np.array(partial.rows_of(block))
    return {
        kind: (rows[:, None] + np.arange(np.prod(array.row_shape)) / 64)
        .reshape(-1, *array.row_shape)
        .astype(array.dtype)
        for kind, array in partial.arrays.items()
    }


def finish(folder, blocks=None, **arguments):
    """Do what is left; return the blocks that were."""
    partial = PartialArrays(plan(folder, **arguments), ROWS_PER_BLOCK)
    if partial.is_complete():
        partial.tidy()
        return []
    partial.prepare()
    pending = partial.pending()
    for block in pending if blocks is None else blocks:
        partial.write_block(block, values(partial, block))
    if blocks is None:
        partial.publish()
    partial.close()
    return pending


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
