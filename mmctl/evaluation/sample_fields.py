"""What a metric reads from a data sample, also from those of other projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement

from mmctl.evaluation.feature_arrays import SPLITS

REQUIRED = ("pid", "camid", "split", "feature")
_OWN = ("tracklet_id", "frame_paths")
"""What every sample of our data sets has, whoever it is."""

_LABELS = ("gt_label", "label")
_PIECE_KEYS = ("tracklet_id", "clip_weights", "clip_mean", "unit_widths")
_OPTIONAL = ("frame_paths", "clip_mode", "piece", *_PIECE_KEYS)


class SampleFields:
    """Read the samples of a data set that may call things by other names.

    Args:
        names: What a sample calls ``pid``, ``camid``, ``split``, ``feature``, ``tracklet_id``,
            ``frame_paths`` or ``clip_mode``; ``'a.b'`` is ``b`` within ``a``. What is not named
            has its own name. A ``pid`` that is read from ``gt_label`` or ``label`` is that number
            plus 1: labels count from 0, and pid 0 is a distractor, whom no query looks for.

    Raises:
        ValueError: If another thing is named, or a name is no text.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        known = (*REQUIRED, *_OPTIONAL)
        self.names = dict(names or {})
        for key, name in self.names.items():
            if key not in known or not isinstance(name, str) or not name:
                raise ValueError(
                    f"fields must give names of a sample to what is read of {known}, got "
                    f"{key!r}: {name!r}"
                )

    def read(self, sample: Mapping[str, Any] | BaseDataElement, position: int) -> dict[str, Any]:
        """Return what is ranked, as plain values.

        A tracklet that nobody has labelled, which has neither person nor split, gets the pid None
        and is in the gallery.

        Args:
            sample: A data sample or its dict.
            position: What to call a sample without ``tracklet_id`` in messages.

        Raises:
            ValueError: If something is missing or wrong, or the feature is not finite.
        """
        if isinstance(sample, BaseDataElement):
            sample = sample.to_dict()
        found = {name: self._look_up(sample, name) for name in (*REQUIRED, *_OPTIONAL)}
        number = -1 if found["tracklet_id"] is None else _as_int(found["tracklet_id"], "id")
        name = f"tracklet {position if number < 0 else number}"
        is_labelled = not self._lacks_labels(found)
        if not is_labelled:
            found["split"] = SPLITS[1]
        self._check_presence(found, sample, name, () if is_labelled else ("pid",))
        camid = _as_int(found["camid"], f"camid of {name}")
        pid = _as_int(found["pid"], f"pid of {name}") if is_labelled else None
        if self.names.get("pid", "").rpartition(".")[2] in _LABELS and (pid or 0) >= 0:
            pid = (pid or 0) + 1
        name += f" (pid {pid}, camid {camid}, {found['split']})"
        if not isinstance(found["split"], str) or found["split"] not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS} to be ranked, got {name}")
        paths = found["frame_paths"] or [""]
        return {
            "pid": pid,
            "camid": camid,
            "split": found["split"],
            "feature": _as_vector(found["feature"], name),
            "tracklet_id": number,
            # One frame for pictures: all of them would be most of the file.
            "frame_path": paths if isinstance(paths, str) else str(paths[len(paths) // 2]),
            "clip_mode": found["clip_mode"] or "unnamed",
            **_read_piece(found, name),
        }

    def _look_up(self, sample: Any, key: str) -> Any:
        for name in self.names.get(key, key).split("."):
            sample = sample.get(name) if isinstance(sample, (Mapping, BaseDataElement)) else None
        return sample

    def _lacks_labels(self, found: Mapping[str, Any]) -> bool:
        """Return whether a sample is one of ours that nobody has labelled."""
        has_own_names = not {"pid", "split"} & set(self.names)
        is_ours = has_own_names and all(found[key] is not None for key in _OWN)
        return is_ours and found["pid"] is None and found["split"] is None

    def _check_presence(
        self,
        found: dict[str, Any],
        sample: Mapping[str, Any],
        name: str,
        spared: tuple[str, ...],
    ) -> None:
        missing = [key for key in REQUIRED if found[key] is None and key not in spared]
        if missing:
            names = [self.names.get(key, key) for key in missing]
            hint = "; FeatureHead puts the feature there" if "feature" in missing else ""
            raise ValueError(
                f"every data sample must have {REQUIRED}, {name} lacks {names}, it has "
                f"{sorted(map(str, sample))[:20]}: fields=dict(pid='...') of ReIDMetric says what "
                f"they are called{hint}"
            )


def _as_int(value: Any, name: str) -> int:
    number = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    if number.size != 1 or number.dtype.kind not in "iu":
        raise ValueError(f"{name} must be one whole number to be ranked, got {value!r:.80}")
    return int(number.item())


def _as_vector(value: Any, name: str) -> np.ndarray:
    if not isinstance(value, (torch.Tensor, np.ndarray)):
        raise ValueError(
            f"feature must be a tensor or array (C,), got a {type(value).__name__} for {name}"
        )
    if value.ndim != 1 or not len(value):
        raise ValueError(
            f"feature must be one vector (C,) per tracklet, C >= 1, its clips averaged, "
            f"got {tuple(value.shape)} for {name}"
        )
    feature = torch.as_tensor(value).detach().to("cpu", torch.float32, copy=True).numpy()
    if not np.isfinite(feature).all():
        raise ValueError(f"feature must be finite to be ranked, got NaN or infinity for {name}")
    return feature


def _read_piece(found: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what puts a tracklet together that came in several pieces."""
    if found["piece"] is None:
        return {}
    missing = [key for key in _PIECE_KEYS if found[key] is None]
    if missing:
        raise ValueError(
            f"a piece of a tracklet must have {_PIECE_KEYS} to be added up, {name} lacks {missing}"
        )
    weight = float(found["clip_weights"].sum())
    return {
        "piece": tuple(found["piece"]),
        "piece_sum": weight * _as_vector(found["clip_mean"], name).astype(np.float64),
        "unit_widths": tuple(found["unit_widths"]),
    }
