"""Calibrations of similarities."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, Files, Kind, not_a_file
from dev.fuzz.changed_json import (
    anything,
    broken_json,
    missing_key,
    renamed_key,
    to_json,
    unknown_key,
    wrong_type,
    wrong_value,
)
from mmctl.evaluation.calibration import Calibration, read_calibration

_PARTS = "(source|counts|curve|equal_error_rate|bootstrap)"
_NUMBERS = "(slope|intercept|area|exact_rate)"
_POINTS = "curve/(thresholds|false_accept_rates|true_accept_rates)"


class Calibrations(Kind):
    """The JSON file of ``tools/analysis_tools/calibrate.py``, and what it is asked for."""

    name = "calibrations"
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("", dict),
        wrong_type(_PARTS, dict),
        wrong_type(_NUMBERS, int, float),
        wrong_type("(rates|refused)", list),
        wrong_type("rates/*", dict),
        wrong_type("counts/*", int),
        wrong_type("source/*", str),
        wrong_type(_POINTS, list),
        wrong_type(f"{_POINTS}/*", int, float),
        wrong_type("version", int),
        wrong_type("similarity", str),
        wrong_value(_NUMBERS, float("nan"), float("inf"), True, "1", 10**400, None),
        wrong_value(f"{_POINTS}/*", float("nan"), 2, -1.5, True, 10**30),
        wrong_value("curve/thresholds/0", -1),
        wrong_value(f"{_POINTS}", [], [0.5], [0.5] * 7),
        wrong_value("(area|exact_rate|equal_error_rate/low)", -0.1, 1.5, 10**9),
        wrong_value("counts/(one_person|different_persons)", 0, -5, 10**30),
        wrong_value("version", 0, 2, -1, 10**9),
        wrong_value("similarity", "euclidean", ""),
        wrong_value("bootstrap/replicates", 0, 3, -1),
        wrong_value("bootstrap/confidence", 0, 1, 1.5),
        wrong_value("rates/0/rate", 0, -1, 1e-9, 1.5),
        missing_key(f"({_PARTS}|{_NUMBERS}|version|similarity|rates|refused)"),
        missing_key(f"(counts/*|{_POINTS}|rates/*/rate)"),
        renamed_key("(.+)"),
        unknown_key(f"({_PARTS}|)"),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = (*broken_json(), not_a_file(".json"))

    def make(self, rng: random.Random) -> Any:
        """Draw a calibration of few points."""
        number, size = rng.randint(1000, 10**6), rng.randint(2, 6)
        counts = dict.fromkeys(("junk", "unknown_persons", "unknown_cameras"), rng.randint(0, 9))
        counts |= {"tracklets": 500, "persons": 40, "distractors": 3, "one_person": 700}
        counts |= {"different_persons": number, "same_camera": 10, "two_distractors": 1}
        falling = sorted({round(rng.uniform(-0.9, 0.9), 6) for _ in range(size)}, reverse=True)
        rising = [sorted(rng.uniform(0.1, 1) for _ in falling) for _ in range(2)]
        interval = {"value": 0.25, "low": 0.125, "high": 0.5}
        point = {"rate": 0.1, "threshold": falling[0], "false_accept_rate": 0.1}
        return {
            "source": {"model": "ab", "dataset": rng.choice(("MARS", "–")), "feature": "after"},
            "slope": rng.uniform(-9, 90),
            "intercept": rng.randint(-50, 5),
            "counts": counts,
            "curve": {
                "thresholds": falling,
                "false_accept_rates": rising[0],
                "true_accept_rates": rising[1],
            },
            "equal_error_rate": interval,
            "area": rng.choice((0.5, 1, 0.75)),
            "rates": [{**point, "true_accept_rate": dict(interval)}] * rng.randint(1, 2),
            "refused": [1e-9] * rng.randint(0, 1),
            "bootstrap": {"replicates": rng.randint(20, 99), "seed": 0, "confidence": 0.9},
            "exact_rate": 1.0,
            "similarity": "cosine",
            "version": 1,
        }

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"calibration.json": to_json(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return the numbers."""
        return content

    def read(self, folder: Path) -> Any:
        """Read the file, and ask it what a gallery asks."""
        found = read_calibration(folder / "calibration.json")
        _ask(found)
        return asdict(found)

    def check(self, meaning: Any) -> None:
        """Assert that the curve is one."""
        lengths = {len(values) for values in meaning["curve"].values()}
        assert len(lengths) == 1, f"lists of {lengths}"
        assert meaning["version"] == 1, f"version {meaning['version']}"


def _ask(calibration: Calibration) -> None:
    similarities = np.linspace(-1, 1, 9)
    for found in (
        calibration.probability(similarities),
        calibration.probability(similarities, prior=0.5),
        calibration.false_accept_rate(similarities),
    ):
        assert ((found >= 0) & (found <= 1)).all(), f"{found} are no shares"
    rate = max(0.01, calibration.smallest_rate)
    assert -1 <= calibration.threshold(rate) <= 2, f"threshold {calibration.threshold(rate)}"
    assert calibration.verdict(0.5, 1000).expected_false_alarms is not None
