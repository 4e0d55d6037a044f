"""python -m dev.compare_features: kinds and precisions of a feature, measured from saved ones."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from dev import compare_features
from mmctl.engine import run_command
from mmctl.evaluation.camera_pairs import normalize_rows
from tests.test_evaluation.verified_tracklets import drawn


@pytest.fixture
def unit():
    return normalize_rows(drawn(0, 60, 8).tracklets.features)


def test_centring_takes_what_all_have_in_common(unit):
    moved = normalize_rows(unit + 30)  # all point one way
    assert (moved @ moved.T).min() > 0.9
    found = compare_features.centre(moved)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert (found @ found.T).min() < 0


def test_precisions_round_and_no_more(unit):
    assert np.array_equal(compare_features.round_to(unit, "float32"), unit)
    half = compare_features.round_to(unit, "float16")
    assert 0 < np.abs(half - unit).max() < 2**-11
    rough = compare_features.round_to(unit, "int8")
    largest = np.abs(unit).max(axis=1, keepdims=True)
    assert (np.abs(rough - unit) <= largest / 254 + 1e-7).all()
    assert np.allclose(rough / largest * 127, np.round(rough / largest * 127), atol=1e-3)


def test_features_that_are_there_are_measured_in_all_kinds(tmp_path, monkeypatch, capsys):
    for seed in (0, 1):
        for kind in ("before", "after"):
            folder = tmp_path / f"ctl-seed{seed}" / kind
            folder.mkdir(parents=True)
            drawn(seed, 300, 30).tracklets.save(folder / "features.npz")
    arguments = ["compare_features", "--work-dir", str(tmp_path), "--measure-only"]
    monkeypatch.setattr(sys, "argv", arguments)
    run_command(compare_features.main)
    said = capsys.readouterr().out
    assert "seeds [0, 1]" in said
    assert "±" in said
    rows = json.loads((tmp_path / "features.json").read_text())
    assert len(rows) == 2 * 3 * 3
    kinds = {(row["feature"], row["precision"]) for row in rows}
    assert len(kinds) == 9
    before, after = (
        next(row for row in rows if row["feature"] == kind and row["precision"] == "float32")
        for kind in ("before", "after")
    )
    assert before == after | {"feature": "before"}
    assert 0 < before["TAR"] < 100


def test_nothing_to_measure_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["x", "--work-dir", str(tmp_path), "--measure-only"])
    with pytest.raises(SystemExit):
        run_command(compare_features.main)
    assert "there are no features below" in capsys.readouterr().err
