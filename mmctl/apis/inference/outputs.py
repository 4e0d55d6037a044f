"""What a call of the inferencer leaves: tables, strips, windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmctl.evaluation.tracklet_table import TrackletTable
from mmctl.files import write_whole
from mmctl.visualization.tracklet_strip import draw_strip

PICTURES = "visualizations"

Prediction = dict[str, Any]
Pictures = list[np.ndarray]


def describe(prediction: Prediction) -> str:
    """Return a line about a prediction: frames, quality, norm and name."""
    quality = prediction["quality"]
    rated = "" if quality is None else f", quality {quality:.2f}"
    return (
        f"{prediction['num_frames']} of {prediction['num_given']} frames used{rated}, norm "
        f"{prediction['feature_norm']:.3g}: {prediction['name']}"
    )


def draw_strips(
    pictures: Sequence[np.ndarray | None], predictions: Sequence[Prediction]
) -> Pictures:
    """Return a strip of each tracklet.

    Args:
        pictures: Frames of each tracklet, (T, H, W, 3), RGB.
        predictions: What was found.
    """
    return [
        draw_strip(frames, describe(prediction))
        for frames, prediction in zip(pictures, predictions, strict=True)
        if frames is not None
    ]


def write_outputs(
    folder: Path,
    predictions: Sequence[Prediction],
    strips: Pictures,
    settings: Mapping[str, str],
) -> None:
    """Write ``features.npz``, ``tracks.csv`` and the strips, each whole or not at all.

    Args:
        folder: Where they go; it is made.
        predictions: What was found, at least one.
        strips: The pictures.
        settings: What the file of features says of the model.
    """
    TrackletTable.from_predictions(predictions).save(folder, settings)
    (folder / PICTURES).mkdir(exist_ok=True)
    for index, strip in enumerate(strips):
        content = cv2.imencode(".jpg", strip[..., ::-1])[1].tobytes()
        write_whole(folder / PICTURES / f"{index:06d}.jpg", content, sync=False)


def show_strips(strips: Pictures, predictions: Sequence[Prediction]) -> None:
    """Show each strip in a window until it is closed."""
    from mmengine.visualization import Visualizer

    visualizer = Visualizer()
    for strip, prediction in zip(strips, predictions, strict=True):
        visualizer.show(strip, win_name=prediction["name"])
