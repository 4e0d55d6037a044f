"""The tools that draw from a run's files: missing and foreign files end in one message."""

from __future__ import annotations

import json

import numpy as np
import pytest

CURVES = "analysis_tools/plot_learning_curve.py"
SHEET = "visualization/draw_ranking_sheet.py"


@pytest.fixture
def fails(run_tool, capsys):
    def call(*arguments) -> str:
        with pytest.raises(SystemExit) as caught:
            run_tool(*map(str, arguments))
        assert caught.value.code == 2
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    "line", [3, [1], "iter", {"iter": 1, "epoch": 0}, {"iter": "x", "epoch": 1}, {"iter": 2}]
)
def test_scalars_of_another_program_are_named(tmp_path, fails, line):
    log = tmp_path / "run" / "20240101" / "vis_data" / "scalars.json"
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps(line) + "\n")
    error = fails(CURVES, tmp_path / "run", "--out", tmp_path / "a.png")
    assert f"error: line 1 of {log}" in error
    assert not (tmp_path / "a.png").exists()


def test_a_missing_work_folder_is_named(tmp_path, fails):
    error = fails(CURVES, tmp_path / "none", "--out", tmp_path / "a.png")
    assert f"error: {tmp_path / 'none'} must hold" in error


def test_missing_and_foreign_features_are_named(tmp_path, fails):
    assert str(tmp_path / "none.npz") in fails(SHEET, tmp_path / "none.npz", tmp_path / "a.png")
    (tmp_path / "page.npz").write_text("<html>")
    error = fails(SHEET, tmp_path / "page.npz", tmp_path / "a.png")
    assert f"error: feature file {tmp_path / 'page.npz'} is not a whole .npz archive" in error


@pytest.mark.parametrize("num_pids", [2, 3])
def test_features_that_cannot_be_ranked_are_named(tmp_path, fails, num_pids):
    names = ("camids", "tracklet_ids")
    np.savez(
        tmp_path / "f.npz",
        features=np.eye(3, dtype=np.float32),
        pids=np.arange(num_pids),
        splits=np.array(["gallery"] * num_pids),
        frame_paths=np.array([""] * 3),
        **{name: np.arange(3) for name in names},
    )
    error = fails(SHEET, tmp_path / "f.npz", tmp_path / "a.png")
    assert f"error: {tmp_path / 'f.npz'}" in error
