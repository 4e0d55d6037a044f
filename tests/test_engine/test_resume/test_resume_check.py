"""What someone else's checkpoint holds of a run's state is checked before it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner
from tests.test_engine.tiny_runner import tiny_runner

HOOK = {"type": "CheckpointMatchHook"}
EMA = {"type": "EMAHook", "momentum": 0.1}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    tiny_runner(folder, custom_hooks=[HOOK]).train()
    return folder / "epoch_1.pth"


def changed(file: Path, folder: Path, change: Callable[[dict], Any]) -> Path:
    content = torch.load(file, weights_only=False)
    change(content)
    torch.save(content, folder / "other.pth")
    return folder / "other.pth"


def put(*path: Any, value: Any) -> Callable[[dict], None]:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def drop(*path: Any) -> Callable[[dict], None]:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


FAULTS = {
    "epoch of text": (put("meta", "epoch", value="3"), r"meta\.epoch must be a whole .* got '3'"),
    "epoch below 0": (put("meta", "epoch", value=-1), r"meta\.epoch must be a whole .* got -1"),
    "truth as iter": (put("meta", "iter", value=True), r"meta\.iter must be a whole .* got True"),
    "seed of text": (put("meta", "seed", value="x"), r"meta\.seed must be None or"),
    "hub of text": (put("message_hub", value="x"), "message_hub must be a dict of the dicts"),
    "hub in part": (drop("message_hub", "resumed_keys"), "message_hub must be a dict of the dicts"),
    "no history": (
        put("message_hub", "log_scalars", "train/loss", value=[1.0]),
        r"log_scalars\['train/loss'\] must be a log history, got \[1\.0\]",
    ),
    "saved and not to be resumed": (
        put("message_hub", "resumed_keys", "train/loss", value=False),
        r"resumed_keys\['train/loss'\] must be True, because what it names is saved, got False",
    ),
    "score of text": (
        put("message_hub", "runtime_info", "best_score", value="x"),
        r"runtime_info\['best_score'\] must be a number, got 'x'",
    ),
    "path as list": (
        put("message_hub", "runtime_info", "last_ckpt", value=[]),
        r"runtime_info\['last_ckpt'\] must be a path or None",
    ),
    "kept of text": (
        put("message_hub", "runtime_info", "keep_ckpt_ids", value=["../x"]),
        r"runtime_info\['keep_ckpt_ids'\] must be a list of whole numbers",
    ),
    "no optimizer": (put("optimizer", value=[1]), "optimizer must be a dict of state and param_g"),
    "odd groups": (put("optimizer", "param_groups", value=3), "optimizer must be a dict of state"),
    "no exp_avg": (
        drop("optimizer", "state", 0, "exp_avg"),
        r"optimizer\.state\[0\]\.exp_avg must be there, got 'only step, exp_avg_sq'",
    ),
    "exp_avg of another shape": (
        put("optimizer", "state", 1, "exp_avg", value=torch.zeros(9)),
        r"optimizer\.state\[1\]\.exp_avg must be finite floats of shape \(5,\)",
    ),
    "exp_avg of numpy": (
        put("optimizer", "state", 1, "exp_avg", value=np.zeros(5)),
        r"optimizer\.state\[1\]\.exp_avg must be finite floats",
    ),
    "exp_avg without values": (
        put("optimizer", "state", 1, "exp_avg", value=torch.zeros(5, device="meta")),
        r"optimizer\.state\[1\]\.exp_avg must be finite floats",
    ),
    "exp_avg that is not finite": (
        put("optimizer", "state", 1, "exp_avg", value=torch.full((5,), torch.nan)),
        r"optimizer\.state\[1\]\.exp_avg must be finite floats",
    ),
    "no lr": (
        drop("optimizer", "param_groups", 0, "lr"),
        r"optimizer\.param_groups\[0\]\.lr must be a finite number, 0 or more, got None",
    ),
    "lr of text": (
        put("optimizer", "param_groups", 0, "lr", value="x"),
        r"optimizer\.param_groups\[0\]\.lr must be a finite number, 0 or more, got 'x'",
    ),
    "lr that is not finite": (
        put("optimizer", "param_groups", 0, "lr", value=float("nan")),
        r"optimizer\.param_groups\[0\]\.lr must be a finite number, 0 or more, got nan",
    ),
    "step of text": (
        put("optimizer", "state", 1, "step", value="x"),
        r"optimizer\.state\[1\]\.step must be finite floats",
    ),
    "state as list": (
        put("optimizer", "state", 1, value=[1]),
        r"state\[1\] must be a dict by name",
    ),
    "more states": (
        put("optimizer", "state", 99, value={}),
        r"of parameters of the model, got \[99",
    ),
    "a group less": (put("optimizer", "param_groups", value=[]), "has 0 parameters in 0 groups"),
    "twice the same": (
        put("optimizer", "param_groups", 0, "params", value=[0, 0, 1, 2, 3, 4]),
        "of the numbers of all parameters",
    ),
    "schedule as dict": (put("param_schedulers", value={}), "must be a list of states, got {}"),
    "schedule of text": (put("param_schedulers", value=["x"]), "must be a list of states"),
    "value of text": (
        put("param_schedulers", 0, "_last_value", value="abc"),
        r"param_schedulers\[0\]\._last_value must be like \[0\.1\], got 'abc'",
    ),
    "average without hook": (
        put("ema_state_dict", value={}),
        "is of a run with EMAHook: its state",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_gone_on_from_is_one_line(checkpoint, tmp_path, fault):
    change, message = FAULTS[fault]
    file = changed(checkpoint, tmp_path, change)
    runner = tiny_runner(tmp_path, custom_hooks=[HOOK], resume=True, load_from=str(file))
    with pytest.raises(ValueError, match=rf"other\.pth' .*{message}") as caught:
        runner.load_or_resume()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "change",
    [
        put("param_schedulers", 0, "gamma", value="abc"),
        put("param_schedulers", 0, "milestones", value={"a": 1, 2: 3}),
        put("param_schedulers", 0, "_global_step", value=np.zeros(3)),
        put("param_schedulers", 0, "_global_step", value=10**12),
        put("param_schedulers", 0, "base_values", value=[float("nan")]),
        put("optimizer", "param_groups", 0, "initial_lr", value=7.0),
        drop("optimizer", "param_groups", 0, "betas"),
    ],
)
def test_odd_settings_of_a_schedule_give_way_to_those_of_the_config(checkpoint, tmp_path, change):
    file = changed(checkpoint, tmp_path, change)
    runner = tiny_runner(tmp_path, epochs=2, custom_hooks=[HOOK], resume=True, load_from=str(file))
    runner.load_or_resume()
    (group,) = runner.optim_wrapper.optimizer.param_groups
    # The first milestone is behind it.
    assert (group["initial_lr"], group["lr"]) == (0.1, pytest.approx(0.01))
    runner.train()
    assert runner.epoch == 2


@pytest.mark.parametrize(
    "optimizer",
    [
        {"type": "Adam", "amsgrad": True},
        {"type": "SGD", "momentum": 0.9, "nesterov": True},
        {"type": "SGD"},
        {"type": "RMSprop", "momentum": 0.5, "centered": True},
        {"type": "Adagrad"},
        {"type": "Adadelta"},
        {"type": "NAdam"},
        {"type": "RAdam"},
        {"type": "Adamax"},
        {"type": "Rprop"},
        {"type": "ASGD"},
    ],
)
def test_the_state_of_every_optimizer_of_torch_fits_itself(tmp_path, optimizer):
    config = {"optim_wrapper": {"optimizer": {"lr": 0.01, **optimizer}}, "custom_hooks": [HOOK]}
    tiny_runner(tmp_path, **config).train()
    runner = tiny_runner(tmp_path, epochs=2, resume=True, **config)
    runner.train()
    assert runner.epoch == 2


def test_parameters_that_are_not_trained_have_no_state(tmp_path):
    file = tmp_path / "epoch_1.pth"
    tiny_runner(tmp_path, custom_hooks=[HOOK]).train()
    changed(file, tmp_path, drop("optimizer", "state", 0)).replace(file)
    tiny_runner(tmp_path, epochs=2, custom_hooks=[HOOK], resume=True).train()


def test_averaged_weights_must_fit_too(tmp_path):
    tiny_runner(tmp_path, custom_hooks=[HOOK, EMA]).train()
    for change, message in (
        (drop("ema_state_dict", "module.backbone.weight"), "1 missing .*backbone.weight"),
        (put("ema_state_dict", "module.backbone.bias", value=None), "backbone.bias is a NoneType"),
        (put("ema_state_dict", "steps", value="x"), r"ema_state_dict\.steps must be a number"),
        (put("ema_state_dict", value=[1]), "ema_state_dict must be a dict of weights by name"),
    ):
        file = changed(tmp_path / "epoch_1.pth", tmp_path, change)
        config = {"resume": True, "load_from": str(file), "epochs": 2}
        with pytest.raises(ValueError, match=rf"other\.pth.*{message}"):
            tiny_runner(tmp_path / "b", custom_hooks=[HOOK, EMA], **config).load_or_resume()
    tiny_runner(tmp_path, epochs=2, custom_hooks=[HOOK, EMA], resume=True).train()


def test_an_optimizer_that_begins_anew_says_so(tmp_path, checkpoint):
    file = changed(checkpoint, tmp_path, put("optimizer", "state", value={}))
    config = {"resume": True, "load_from": str(file), "log_level": "WARNING"}
    tiny_runner(tmp_path, custom_hooks=[HOOK], **config).load_or_resume()
    log = "".join(path.read_text() for path in tmp_path.glob("*/*.log"))
    assert "other.pth' has no state of any parameter: the optimizer begins anew" in log


RUN_STATE = {
    "none": put("run_state", value=None),
    "a list": put("run_state", value=[1]),
    "nothing": put("run_state", value={}),
    "no seed": drop("run_state", "item_seed"),
    "a seed below 0": put("run_state", "item_seed", value=-1),
    "batches of text": put("run_state", "num_done", value="abc"),
    "too many batches": put("run_state", "num_done", value=10**9),
    "due in words": put("run_state", "validation_is_due", value="no"),
    "random words": put("run_state", "ranks", 0, "random", "python", value=(3, np.zeros(2), None)),
    "random text": put("run_state", "ranks", 0, "random", "torch", value="x"),
    "ranks of text": put("run_state", "ranks", value="x"),
    "unknown gradients": put("run_state", "gradients", value={"x": torch.zeros(2)}),
    "odd gradients": put("run_state", "gradients", value={"layers.0.bias": torch.zeros(2)}),
    "small buffers": put(
        "run_state", "ranks", 0, "buffers", value={"layers.1.running_var": torch.ones(())}
    ),
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    with pytest.raises(Killed):
        drawing_runner(folder, StopAt("after_train_iter", 3)).train()
    return folder / "snapshot_3.pth"


@pytest.mark.parametrize("fault", RUN_STATE)
def test_an_odd_run_state_is_one_line_without_a_promise(snapshot, tmp_path, fault):
    file = changed(snapshot, tmp_path, RUN_STATE[fault])
    runner = drawing_runner(tmp_path, resume=True, load_from=str(file))
    with pytest.raises(ValueError, match=r"other\.pth' cannot be gone on from: its run_state") as e:
        runner.train()
    assert not getattr(e.value, "__notes__", [])
    assert "\n" not in str(e.value)
