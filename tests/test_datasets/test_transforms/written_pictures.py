"""Pictures in files, and the results that a clip of them begins with."""

from __future__ import annotations

import cv2
import numpy as np


def picture(seed, height=20, width=10):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(extension, rgb):
    return cv2.imencode(extension, rgb[:, :, ::-1])[1].tobytes()


def results_for(paths, indices):
    return {"frame_paths": [str(p) for p in paths], "clip_indices": np.array(indices)}
