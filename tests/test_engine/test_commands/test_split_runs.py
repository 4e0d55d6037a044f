"""Runs over folds, with small scripts in the place of tools/train.py and tools/test.py."""

from __future__ import annotations

import math
import shutil

import pytest

from mmctl.engine.commands import split_runs
from mmctl.engine.commands.split_runs import SplitRuns, hash_code, parse_folds
from tests.test_engine.test_commands.fold_runs import (
    LOADERS,
    TEST,
    TRAIN,
    calls,
    config_of,
    runs_in,
)


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
