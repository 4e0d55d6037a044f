"""What saved features say of their model, data set and training."""

from __future__ import annotations

from pathlib import Path

from mmctl.evaluation.calibration_records import Source
from mmctl.evaluation.tracklet_features import recorded_setting
from mmctl.files import read_npz


def read_source(
    path: str | Path,
    model: str | None = None,
    dataset: str | None = None,
    feature: str | None = None,
) -> Source:
    """Return what a feature file says it is of.

    Args:
        path: ``.npz`` or ``.mat`` file.
        model: Hash of the model, if the file does not say it.
        dataset: Name of the data set, likewise.
        feature: Which feature it is, likewise.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it says otherwise, or is unreadable.
    """
    given = {"model": model, "dataset": dataset, "feature": feature}
    found = {}
    for name, value in given.items():
        recorded = recorded_setting(path, name, "")
        if value is not None and recorded not in ("", value):
            raise ValueError(
                f"--{name} is for files that do not say it, but {path} says {recorded[:60]!r}, "
                f"got {value[:60]!r}"
            )
        found[name] = recorded or value or ""
    return Source(**found)


def find_trained(*paths: str | Path | None) -> list[str]:
    """Return a line for each file with tracklets that the model may have been trained on.

    Args:
        paths: Feature files; None is none.
    """
    lines = []
    for path in paths:
        if path is None or Path(path).suffix != ".npz":
            continue
        splits = read_npz(path, "feature file", ("own_splits",)).get("own_splits")
        number = 0 if splits is None else int((splits == "train").sum())
        if splits is not None and number:
            lines.append(
                f"{path}: {number:,} of {len(splits):,} tracklets are of the training split, whose "
                "persons a network tells apart far better than others"
            )
    return lines
