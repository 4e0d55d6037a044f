"""Results of folds: kept, damaged, of other splits, and their mean."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest
from scipy.io import savemat

from mmctl.engine.commands.split_runs import summarize
from tests.test_engine.test_commands.fold_runs import LOADERS, TEST, calls, config_of, runs_in

RESULT = {"mAP": 50.0, "R1": 40.0, "num_queries": 3, "num_gallery": 4, "protocol": "cross-camera"}
RESULT |= {"fold": 0, "code": "c", "seconds": 1.0, "splits": {}}


@pytest.mark.parametrize(
    "content",
    [
        *("{}", '{"mAP": 50.0, "fo', "[]", "null", b"\xff", "[" * 100_000),
        json.dumps(RESULT | {"R1": "abc"}),
        json.dumps(RESULT | {"R1": True}),
        json.dumps(RESULT | {"R1": float("nan")}),
        json.dumps(RESULT | {"R1": 100.5}),
        json.dumps(RESULT | {"R1": -1}),
        json.dumps(RESULT | {"num_queries": 0}),
        json.dumps(RESULT | {"num_gallery": 4.5}),
        json.dumps(RESULT | {"protocol": None}),
        json.dumps(RESULT | {"splits": {"test": {"file": 3, "hash": "h"}}}),
        json.dumps(RESULT | {"fold": 1}),
        json.dumps(RESULT)[:-1] + ', "mAP": 99.0}',
    ],
)
def test_a_fold_with_a_damaged_result_is_tested_again(root, content):
    first = runs_in(root).run(0, config_of(root))
    content = content if isinstance(content, bytes) else content.encode()
    (root / "run" / "fold0" / "result.json").write_bytes(content)
    again = runs_in(root).run(0, config_of(root))
    assert again["mAP"] == first["mAP"]
    assert len(calls(root)) == 4
    assert json.loads((root / "run" / "fold0" / "result.json").read_text()) == again


def test_a_result_that_is_a_named_pipe_is_not_waited_for(root):
    (root / "run" / "fold0").mkdir(parents=True)
    os.mkfifo(root / "run" / "fold0" / "result.json")
    assert runs_in(root).run(0, config_of(root))["mAP"] == 50.0
    assert (root / "run" / "fold0" / "result.json").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mAP": "abc"}, "the score 'mAP' must be a number from 0 to 100, got 'abc'"),
        ({"R1": 1e300}, "the score 'R1' must be a number from 0 to 100"),
        ({"num_queries": 0}, "'num_queries' must be 1 or more, got 0"),
        ({"num_queries": True}, "'num_queries' must be an integer, got True"),
        ({"protocol": ["p"]}, r"'protocol' must be text, got \['p'\]"),
    ],
)
def test_numbers_of_a_test_that_are_none_are_named(root, change, message):
    script = TEST.replace('"checkpoint": arguments[1],', '"checkpoint": arguments[1], **CHANGE')
    (root / "tools" / "test.py").write_text(f"CHANGE = {change!r}\n{script}")
    with pytest.raises(ValueError, match=rf"numbers of a test .*metrics\.json.*{message}"):
        runs_in(root).run(0, config_of(root))
    assert not (root / "run" / "fold0" / "result.json").exists()


def write_own_splits(root):
    """Put splits in the place of the official ones: persons in the order of their names."""
    folder = root / "data" / "train-test people splits"
    folder.mkdir()
    numbers = np.array([[1, 2, 3, 4]] * 10)
    savemat(folder / "train_test_splits_ilidsvid.mat", {"ls_set": numbers})


def test_a_result_names_the_splits_it_comes_from(root):
    write_own_splits(root)
    result = runs_in(root).run(0, config_of(root))
    assert set(result["splits"]) == set(LOADERS)
    record = result["splits"]["test"]
    assert record["file"].endswith("train_test_splits_ilidsvid.mat")
    assert len(record["hash"]) == 12


def test_folds_of_other_splits_are_not_mixed(root):
    write_own_splits(root)
    runs, cfg = runs_in(root), config_of(root)
    runs.check(cfg, [0, 1])
    first = runs.run(0, cfg)
    folder = root / "data" / "train-test people splits"
    folder.rename(root / "elsewhere")
    other = r"holds folds of other splits.*ilidsvid\.mat \(.*now they are those of .*vid\.json"
    with pytest.raises(ValueError, match=other):
        runs.check(cfg, [0, 2])
    with pytest.raises(ValueError, match=other):
        runs.run(2, cfg)
    assert len(calls(root)) == 2
    (root / "elsewhere").rename(folder)
    assert runs.run(0, cfg) == first
    assert runs.run(2, cfg)["splits"] == first["splits"]


def test_a_result_from_elsewhere_with_other_splits_is_refused(root):
    result = runs_in(root).run(0, config_of(root))
    result["splits"]["test"]["hash"] = "other"
    (root / "run" / "fold0" / "result.json").write_text(json.dumps(result))
    with pytest.raises(ValueError, match=r"test splits were those of .*now .*\(other\)"):
        runs_in(root).run(0, config_of(root))


def test_splits_that_change_during_a_fold_are_noticed(root):
    write_own_splits(root)
    folder = root / "data" / "train-test people splits"
    moving = f"\npathlib.Path({str(folder)!r}).rename({str(root / 'elsewhere')!r})\n"
    (root / "tools" / "test.py").write_text(TEST + moving)
    with pytest.raises(ValueError, match=r"changed while fold 0 ran: remove .*fold0"):
        runs_in(root).run(0, config_of(root))
    assert not (root / "run" / "fold0" / "result.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        *("{", "[1]", '{"test": {}}', '{"test": 3}', '{"test": {"file": 1, "hash": "h"}}'),
        *("[" * 100_000, '{"test": {"file": "a", "hash": "h", "hash": "i"}}'),
    ],
)
def test_a_damaged_record_of_the_splits_is_named(root, content):
    runs_in(root).check(config_of(root), [0])
    (root / "run" / "splits.json").write_text(content)
    with pytest.raises(ValueError, match=r"splits\.json must say which .* damaged"):
        runs_in(root).check(config_of(root), [0])


def test_mean_and_sample_standard_deviation():
    # mAP 50, 51, 54: mean 155/3, deviations -5/3, -2/3, 7/3, variance (25+4+49)/9/2 = 13/3
    results = [
        {"mAP": value, "num_queries": 3, "seconds": 1.5, "protocol": "p", "fold": fold}
        for fold, value in enumerate((50.0, 51.0, 54.0))
    ]
    summary = summarize(results)
    assert summary["mean"] == {"mAP": pytest.approx(155 / 3)}
    assert summary["std"] == {"mAP": pytest.approx(math.sqrt(13 / 3))}
    assert (summary["num_folds"], summary["protocol"]) == (3, "p")
    assert summary["folds"] == results
    assert summarize(results[:1])["std"] == {"mAP": None}


@pytest.mark.parametrize("other", [{"protocol": "q"}, {"R1": 3.0}])
def test_folds_that_measure_other_things_have_no_mean(other):
    result = {"mAP": 50.0, "num_queries": 3, "seconds": 1.5, "protocol": "p", "fold": 0}
    with pytest.raises(ValueError, match="same scores under one protocol to have a mean"):
        summarize([result, result | other])


def test_a_whole_number_counts_in_the_mean():
    result = {"R1": 100, "num_queries": 3, "seconds": 1.5, "protocol": "p", "fold": 0}
    assert summarize([result, result | {"R1": 99.0}])["mean"] == {"R1": 99.5}
