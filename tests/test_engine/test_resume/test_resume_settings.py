"""A run that goes on has the settings of its config, or says why not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import Runner

from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner, end_state, equal
from tests.test_engine.tiny_runner import tiny_runner

HOOK = {"type": "CheckpointMatchHook"}
COSINE = {"type": "CosineAnnealingLR", "eta_min_ratio": 0.01}
WARM = {"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "begin": 0, "end": 5}
STEPS = {"type": "MultiStepLR", "milestones": [1, 3]}


def adam(**settings: Any) -> dict[str, Any]:
    return {"optimizer": {"type": "Adam", "lr": 0.1, **settings}}


def by_layer(**settings: Any) -> dict[str, Any]:
    return {**adam(weight_decay=0.1, **settings), "paramwise_cfg": {"norm_decay_mult": 0.0}}


def cosine(epochs: int) -> dict[str, Any]:
    return {"param_scheduler": [{**COSINE, "T_max": epochs, "end": epochs}], "epochs": epochs}


def trained(folder: Path, **config: Any) -> Path:
    tiny_runner(folder, custom_hooks=[HOOK], **config).train()
    (file,) = folder.glob(f"epoch_{config.get('epochs', 1)}.pth")
    return file


def resumed(folder: Path, **config: Any) -> tuple[Runner, str]:
    """Return a runner that is about to go on, and the warnings of going on."""
    for file in folder.glob("*/*.log"):
        file.unlink()
    runner = tiny_runner(folder, custom_hooks=[HOOK], resume=True, log_level="WARNING", **config)
    runner.load_or_resume()
    return runner, "".join(file.read_text() for file in folder.glob("*/*.log"))


def groups(runner: Runner) -> list[dict[str, Any]]:
    found = runner.optim_wrapper.optimizer.param_groups
    return [{key: value for key, value in group.items() if key != "params"} for group in found]


CHANGES = [
    (cosine(2), cosine(5), r"param_scheduler\[0\]\.T_max 2 -> 5"),
    ({}, {"epochs": 5, "param_scheduler": [{**STEPS, "milestones": [2, 3]}]}, "milestones"),
    ({}, {"epochs": 5, "param_scheduler": [{**STEPS, "gamma": 0.5}]}, r"gamma 0\.1 -> 0\.5"),
    ({}, {"epochs": 5, "param_scheduler": [WARM, STEPS]}, r"of 1 schedules -> 2 \(LinearLR, Mult"),
    ({"param_scheduler": [WARM, STEPS]}, {"epochs": 5}, r"of 2 schedules -> 1 \(MultiStepLR"),
    ({}, {"epochs": 5, "param_scheduler": None}, r"of 1 schedules -> 0 \(none\)"),
    ({"param_scheduler": None}, {"epochs": 5}, r"of 0 schedules -> 1 \(MultiStepLR\)"),
    ({}, cosine(5), r"param_scheduler\[0\] one with 'gamma', 'milestones' -> Cosine"),
    ({}, {"epochs": 5, "optim_wrapper": adam(lr=0.02)}, r"optimizer\.lr 0\.1 -> 0\.02"),
    ({}, {"epochs": 5, "optim_wrapper": adam(weight_decay=0.3)}, "weight_decay 0 -> 0.3"),
    ({}, {"epochs": 5, "optim_wrapper": adam(betas=(0.8, 0.9))}, r"betas \(0\.9, 0\.999\) -> \("),
    (
        {"optim_wrapper": by_layer()},
        {
            "epochs": 5,
            "optim_wrapper": by_layer(lr=0.01),
        },
        r"optimizer\.lr 0\.1 -> 0\.01",
    ),
]


@pytest.mark.parametrize(("before", "after", "message"), CHANGES)
def test_a_changed_config_counts_as_if_it_had_from_the_start(tmp_path, before, after, message):
    trained(tmp_path / "a", **{"epochs": 2, **before})
    runner, warning = resumed(tmp_path / "a", **after)
    assert_warned(warning, message)
    # What a run has after as many epochs that has had the new config all the time.
    trained(tmp_path / "b", **{**after, "epochs": 5})
    whole = tiny_runner(tmp_path / "c", **{**after, "epochs": 5})
    whole.register_hook(StopAt("before_train_epoch", 4))
    with pytest.raises(Killed):
        whole.train()
    assert groups(runner) == groups(whole)
    base = [r.optim_wrapper.base_param_settings for r in (runner, whole)]
    assert (base[0] is None) == (base[1] is None)
    assert base[0] is None or base[0]["lr"] == base[1]["lr"]
    runner.train()
    assert runner.epoch == 5


def assert_warned(text: str, message: str) -> None:
    assert re.search(rf"config differs.*epoch_2\.pth.*{message}.*so lr goes on with", text), text


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"param_scheduler": None},
        {"param_scheduler": [WARM, STEPS]},
        {"optim_wrapper": by_layer()},
        {"optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}}},
        {
            "param_scheduler": [
                {**COSINE, "T_max": 3},
                {"type": "CosineAnnealingMomentum", "T_max": 3},
            ]
        },
        {"param_scheduler": [{"type": "OneCycleLR", "eta_max": 0.2, "total_steps": 3}]},
        {"param_scheduler": [{**COSINE, "T_max": 3, "convert_to_iter_based": True, "end": 3}]},
    ],
)
def test_an_unchanged_config_is_no_change(tmp_path, config):
    config = {"epochs": 3, **config}
    whole = tiny_runner(tmp_path, custom_hooks=[HOOK], **config)
    whole.register_hook(StopAt("before_train_epoch", 4))
    with pytest.raises(Killed):
        whole.train()
    runner, warning = resumed(tmp_path, **config)
    assert "config differs" not in warning
    assert groups(runner) == groups(whole)
    runner.train()


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    "optimizer", [{"type": "SGD", "lr": 0.1, "momentum": 0.9}, {"type": "SGD", "lr": 0.1}]
)
def test_another_optimizer_is_named_with_the_old_one(tmp_path, optimizer, recorded):
    file = trained(tmp_path)
    if not recorded:
        checkpoint = torch.load(file, weights_only=False)
        del checkpoint["meta"]["optimizer_types"]
        torch.save(checkpoint, file)
    old = "another, Adam, whose" if recorded else "another, one with amsgrad, betas, .* momentum"
    with pytest.raises(
        ValueError, match=rf"epoch_1\.pth' .* with the optimizer SGD: it is of {old}.*load_from="
    ):
        resumed(tmp_path, epochs=3, optim_wrapper={"optimizer": optimizer})


def test_adam_is_not_adamw(tmp_path):
    trained(tmp_path)
    adamw = {"optimizer": {"type": "AdamW", "lr": 0.1}}
    with pytest.raises(ValueError, match="optimizer AdamW: it is of another, Adam,"):
        resumed(tmp_path, epochs=3, optim_wrapper=adamw)


def test_other_groups_are_named_by_their_numbers(tmp_path):
    trained(tmp_path)
    config = by_layer()
    with pytest.raises(
        ValueError, match=r"has 6 parameters in 1 groups, the config's 6 .*6 groups"
    ):
        resumed(tmp_path, epochs=3, optim_wrapper=config)


def test_a_schedule_that_hangs_on_validations_cannot_be_changed(tmp_path):
    def plateau(factor):
        return {"param_scheduler": [{"type": "ReduceOnPlateauLR", "factor": factor}]}

    trained(tmp_path, **plateau(0.5))
    resumed(tmp_path, epochs=1, **plateau(0.5))
    with pytest.raises(ValueError, match=r"ReduceOnPlateauLR depends on.*factor 0\.5 -> 0\.2"):
        resumed(tmp_path, epochs=1, **plateau(0.2))


@pytest.mark.parametrize("iteration", [2, 4, 6, 9])
def test_played_again_to_any_place_a_schedule_is_where_it_was(tmp_path, iteration):
    """A changed setting that changes nothing: the rest of the run must be equal bit by bit."""
    drawing_runner(tmp_path / "whole").train()
    with pytest.raises(Killed):
        drawing_runner(tmp_path / "cut", StopAt("after_train_iter", iteration)).train()
    file = Path((tmp_path / "cut" / "last_checkpoint").read_text())
    checkpoint = torch.load(file, weights_only=False)
    for state in checkpoint["param_schedulers"]:
        state["end"] = 99
    checkpoint["optimizer"]["param_groups"][0]["lr"] = 7.0
    torch.save(checkpoint, file)
    runner = drawing_runner(tmp_path / "cut", resume=True)
    runner.register_hook({"type": "CheckpointMatchHook"})
    runner.train()
    assert equal(end_state(tmp_path / "cut"), end_state(tmp_path / "whole"))


def test_a_run_beyond_its_end_is_told_so(tmp_path):
    trained(tmp_path, epochs=2)
    resumed(tmp_path, epochs=2)
    with pytest.raises(ValueError, match=r"max_epochs must not be below the 2 that .*epoch_2\.pth"):
        resumed(tmp_path, epochs=1)
