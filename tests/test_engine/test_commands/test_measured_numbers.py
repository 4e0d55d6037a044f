"""Numbers of a test that are read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mmctl.engine.commands.measured_numbers import read_finished, read_measured, read_scores

GOOD = {"mAP": 50.5, "R1": 100, "num_queries": 3, "num_gallery": 9, "protocol": "cross-camera"}
WRONG = [
    ({"mAP": "50.5"}, "the score 'mAP' must be a number from 0 to 100, got '50.5'"),
    ({"mAP": None}, "the score 'mAP' must be a number"),
    ({"mAP": False}, "the score 'mAP' must be a number from 0 to 100, got False"),
    ({"mINP": float("inf")}, "the score 'mINP' must be a number from 0 to 100, got inf"),
    ({"R1": 100.01}, "the score 'R1' must be a number from 0 to 100"),
    ({"R1": 10**400}, "the score 'R1' must be a number from 0 to 100, got 1000"),
    ({"num_gallery": -9}, "'num_gallery' must be 1 or more, got -9"),
    ({"num_queries": "3"}, "'num_queries' must be an integer, got '3'"),
    ({"checkpoint": 3}, "'checkpoint' must be text or null, got 3"),
]


def save(path: Path, **change: object) -> Path:
    path.write_text(json.dumps(GOOD | change))
    return path


def test_good_numbers_come_back(tmp_path: Path) -> None:
    path = save(tmp_path / "m.json", checkpoint=None, refinement="none")
    expected = GOOD | {"checkpoint": None, "refinement": "none"}
    assert read_measured(path, ("mAP", "R1")) == read_finished(path) == expected


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_a_number_that_is_none_is_named(change: dict, message: str, tmp_path: Path) -> None:
    path = save(tmp_path / "m.json", **change)
    with pytest.raises(ValueError, match=rf"numbers of a test .*m\.json: {message}"):
        read_measured(path)
    assert read_finished(path) is None


def test_a_missing_score_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.json")
    with pytest.raises(ValueError, match=r"lacks the score 'R5', it has \['R1', 'mAP'\]"):
        read_measured(path, ("R5",))
    with pytest.raises(FileNotFoundError, match=r"numbers of a test .*none\.json does not exist"):
        read_measured(tmp_path / "none.json")
    assert read_finished(tmp_path / "none.json") is None


def test_a_named_pipe_is_no_finished_test_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.json")
    assert read_finished(tmp_path / "m.json") is None


@pytest.mark.parametrize("value", ["NaN", "-1", "Infinity", '"a"', "true"])
def test_other_scores_must_be_finite_numbers(value: str, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(f'{{"AP": {value}, "AP (S)": -1}}')
    with pytest.raises(ValueError, match=r"m\.json: the score 'AP' must be a number from 0"):
        read_scores(path, ("AP",))
    path.write_text('{"AP": 0.5, "AP (S)": -1}')
    assert read_scores(path, ("AP",))["AP"] == 0.5
