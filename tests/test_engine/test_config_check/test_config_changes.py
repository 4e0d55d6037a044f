"""What a config changes is listed key by key."""

from __future__ import annotations

from mmengine.config import Config

from mmctl.engine.config_check.config_changes import (
    Change,
    changes_of_file,
    changes_of_run,
    list_changes,
)

BASE = {
    "model": {"type": "Net", "depth": 50, "window": (3, 3)},
    "train_dataloader": {
        "dataset": {"pipeline": [{"type": "Load"}, {"type": "Resize", "size": (256, 128)}]}
    },
    "train_pipeline": [{"type": "Load"}],
    "_max_epochs": 3,
    "work_dir": "here",
}


def changed(**sections):
    return list_changes(BASE, {**BASE, **sections})


def test_equal_configs_have_no_changes_whether_lists_or_tuples():
    assert changed(model={"type": "Net", "depth": 50, "window": [3, 3]}) == []


def test_a_value_that_is_new_gone_or_other_has_its_path():
    found = changed(model={"type": "Net", "depth": 18, "wide": True})
    assert found == [
        Change("model.depth", "50", "18"),
        Change("model.wide", "–", "True"),
        Change("model.window", "[3, 3]", "–"),
    ]


def test_components_in_a_list_are_compared_one_by_one():
    steps = [{"type": "Load"}, {"type": "Resize", "size": (128, 64)}]
    found = changed(train_dataloader={"dataset": {"pipeline": steps}})
    place = "train_dataloader.dataset.pipeline.1.size"
    assert found == [Change(place, "[256, 128]", "[128, 64]")]


def test_another_list_of_components_is_one_change():
    found = changed(train_dataloader={"dataset": {"pipeline": [{"type": "Load"}]}})
    place = "train_dataloader.dataset.pipeline"
    assert found == [Change(place, "[Load(), Resize(size=[256, 128])]", "[Load()]")]
    long = [{"type": "Load", "path": "x" * 90}]
    found = changed(train_dataloader={"dataset": {"pipeline": long}})
    assert found[0].after == "[Load]"


def test_variables_of_the_file_and_what_is_shown_elsewhere_are_left_out():
    assert changed(train_pipeline=[], _max_epochs=5, work_dir="there") == []


def test_a_long_value_is_cut():
    (change,) = changed(note="x" * 500)
    assert len(change.after) == 100
    assert change.after.endswith("x…")


def test_a_file_is_compared_with_all_its_bases_and_a_run_with_its_file(tmp_path):
    (tmp_path / "data.py").write_text("batch = dict(size=8)\n")
    (tmp_path / "model.py").write_text("model = dict(type='Net', depth=50)\n")
    (tmp_path / "run.py").write_text(
        "_base_ = ['./data.py', './model.py']\nmodel = dict(depth=18)\nbatch = dict(size=4)\n"
    )
    path = tmp_path / "run.py"
    assert changes_of_file(path) == [
        Change("batch.size", "8", "4"),
        Change("model.depth", "50", "18"),
    ]
    assert changes_of_file(tmp_path / "model.py") == []
    cfg = Config.fromfile(path)
    assert changes_of_run(cfg) == []
    cfg.merge_from_dict({"model.depth": 34, "work_dir": "elsewhere"})
    assert changes_of_run(cfg) == [Change("model.depth", "18", "34")]
    assert changes_of_run(Config({"model": {}})) == []
