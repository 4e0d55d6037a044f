"""Runs over folds, with small scripts in the place of tools/train.py and tools/test.py."""

from __future__ import annotations

import json
import math
import os
import shutil

import numpy as np
import pytest
from mmengine.config import Config
from scipy.io import savemat

from mmctl.engine.commands import split_runs
from mmctl.engine.commands.split_runs import (
    SplitRuns,
    hash_code,
    parse_folds,
    summarize,
)

TRAIN = """
import pathlib, sys
arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index("--work-dir") + 1])
(folder.parent / "calls.txt").open("a").write("train " + " ".join(arguments) + "\\n")
if (folder.parent / "broken").exists() and folder.name == "fold1":
    print("error: out of memory")
    sys.exit(2)
(folder / "last_checkpoint").write_text(str(folder / "epoch_1.pth"))
(folder / "epoch_1.pth").touch()
"""
TEST = """
import json, pathlib, sys
arguments = sys.argv[1:]
out = pathlib.Path(arguments[arguments.index("--metrics-file") + 1])
(out.parents[1] / "calls.txt").open("a").write("test " + " ".join(arguments) + "\\n")
fold = int(arguments[-1].rpartition("=")[2])
out.write_text(json.dumps({
    "mAP": 50.0 + fold, "R1": 40.0 + 2 * fold, "num_queries": 3, "num_gallery": 4,
    "protocol": "cross-camera", "checkpoint": arguments[1],
}))
"""
LOADERS = ["train", "val", "test"]


@pytest.fixture
def root(tmp_path):
    for camid in (1, 2):
        for person in ("person001", "person002", "person003", "person004"):
            folder = tmp_path / "data" / "i-LIDS-VID" / "sequences" / f"cam{camid}" / person
            folder.mkdir(parents=True)
            (folder / f"cam{camid}_{person}_00001.png").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "train.py").write_text(TRAIN)
    (tmp_path / "tools" / "test.py").write_text(TEST)
    return tmp_path


def config_of(root, **others):
    def loader(split):
        # Serialising ends in a collection of garbage, which takes longer than the test.
        dataset = {"type": "ILIDSVID", "data_root": str(root / "data"), "split": split}
        return {"dataset": {**dataset, "serialize_data": False}}

    return Config(
        {
            "train_dataloader": loader("train"),
            "val_dataloader": loader("test"),
            "test_dataloader": loader("test"),
            **others,
        }
    )


def runs_in(root, checkpoint=None, options=("a=1",)):
    return SplitRuns(root / "cfg.py", root / "run", list(options), root / "tools", checkpoint)


def calls(root):
    path = root / "run" / "calls.txt"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("text", "folds"),
    [("0-9", [*range(10)]), ("3", [3]), ("7,0-2, 1", [0, 1, 2, 7]), ("4-4", [4])],
)
def test_folds_are_numbers_and_ranges(text, folds):
    assert parse_folds(text) == folds


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "0-9-10", "1.5", "0-99999999999"])
def test_other_folds_are_refused(text):
    with pytest.raises(
        ValueError, match=r"ranges like 0-9 or 0,3,5-7, of four digits at most, got"
    ):
        parse_folds(text)


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(ValueError, match=r"begin with its smaller number, got '5-3'"):
        parse_folds("1,5-3")


def test_every_data_set_of_a_run_gets_the_fold(root):
    result = runs_in(root).run(3, config_of(root))
    folds = " ".join(f"{name}_dataloader.dataset.fold=3" for name in LOADERS)
    folder = root / "run" / "fold3"
    assert calls(root) == [
        f"train {root / 'cfg.py'} --work-dir {folder} --resume --cfg-options a=1 {folds}",
        f"test {root / 'cfg.py'} {folder / 'epoch_1.pth'} --work-dir {folder / 'test'} "
        f"--metrics-file {folder / 'metrics.json'} --cfg-options a=1 {folds}",
    ]
    assert (result["mAP"], result["fold"], result["code"]) == (53.0, 3, hash_code())
    assert math.isfinite(result["seconds"])


def test_a_finished_fold_is_not_run_again(root):
    first = runs_in(root).run(0, config_of(root))
    assert runs_in(root).run(0, config_of(root)) == first
    assert len(calls(root)) == 2


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


def test_a_failed_fold_is_run_again(root):
    (root / "run").mkdir()
    (root / "run" / "broken").touch()
    with pytest.raises(ValueError, match=r"failed \(status 2\): out of memory; .*fold1/train\.txt"):
        runs_in(root).run(1, config_of(root))
    (root / "run" / "broken").unlink()
    assert runs_in(root).run(1, config_of(root))["R1"] == 42.0


def test_a_fold_that_was_moved_tests_its_own_checkpoint(root):
    stay = TRAIN.replace(
        '(folder / "last', '(folder / "last_checkpoint").exists() or (folder / "last'
    )
    (root / "tools" / "train.py").write_text(stay)
    (root / "tools" / "test.py").write_text("raise SystemExit(1)")
    with pytest.raises(ValueError, match="failed"):
        runs_in(root).run(0, config_of(root))
    shutil.copytree(root / "run", root / "copied")
    (root / "tools" / "test.py").write_text(TEST)
    copied = SplitRuns(root / "cfg.py", root / "copied", [], root / "tools")
    assert (root / "run" / "fold0" / "epoch_1.pth").exists()  # the path in last_checkpoint leads
    result = copied.run(0, config_of(root))
    assert result["checkpoint"] == str(root / "copied" / "fold0" / "epoch_1.pth")


def test_a_training_without_a_checkpoint_is_named(root):
    (root / "tools" / "train.py").write_text("")
    with pytest.raises(ValueError, match=r"training in \S+fold2 must leave a checkpoint"):
        runs_in(root).run(2, config_of(root))


def test_given_checkpoints_are_tested_and_nothing_is_trained(root):
    for fold in (0, 1):
        (root / f"fold{fold}.pth").touch()
    runs = runs_in(root, str(root / "fold{fold}.pth"))
    cfg = config_of(root)
    assert runs.loaders(cfg) == ["test"]
    runs.check(cfg, [0, 1])
    result = runs.run(1, cfg)
    assert result["checkpoint"] == str(root / "fold1.pth")
    assert [line.split()[0] for line in calls(root)] == ["test"]
    with pytest.raises(FileNotFoundError, match=r"fold2\.pth of fold 2 does not exist"):
        runs.check(cfg, [0, 2])


def test_a_training_set_without_folds_is_no_obstacle_to_a_test(root):
    (root / "one.pth").touch()
    cfg = config_of(root)
    cfg.train_dataloader.dataset = {"type": "MARS", "data_root": "nowhere"}
    runs_in(root, str(root / "one.pth")).check(cfg, [0, 9])
    with pytest.raises(
        ValueError, match=r"train_dataloader\.dataset must be a data set with folds.*got 'MARS'"
    ):
        runs_in(root).check(cfg, [0])


def test_a_fold_that_is_not_there_is_refused_before_the_first_run(root):
    with pytest.raises(ValueError, match=r"fold must be below 10, .* got 10"):
        runs_in(root).check(config_of(root), [0, 10])
    assert not (root / "run").exists()


def test_a_run_without_validation_has_two_loaders(root):
    assert runs_in(root).loaders(config_of(root, val_dataloader=None)) == ["train", "test"]


def test_runs_of_another_config_are_refused_with_what_differs(root):
    runs_in(root).check(config_of(root, seed=1), [0])
    runs_in(root).check(config_of(root, seed=1), [0])
    with pytest.raises(ValueError, match=r"another config.* -seed = 1 \+seed = 2$"):
        runs_in(root).check(config_of(root, seed=2), [0])
    (root / "one.pth").touch()
    with pytest.raises(ValueError, match=r"-# checkpoint: None \+# checkpoint: .*one\.pth"):
        runs_in(root, str(root / "one.pth")).check(config_of(root, seed=1), [0])


def test_a_hash_of_the_code_changes_with_any_file(tmp_path, monkeypatch):
    for name in ("__init__.py", "a.py", ".mim/tools/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(split_runs.mmctl, "__file__", str(tmp_path / "__init__.py"))
    before = hash_code()
    (tmp_path / ".mim" / "tools" / "b.py").write_text("2")
    assert hash_code() == before
    (tmp_path / "a.py").write_text("2")
    assert hash_code() != before


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
