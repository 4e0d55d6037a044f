from __future__ import annotations

import re

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from torch import nn

from mmctl.engine.config_check.component_check import accepted_names
from mmctl.engine.config_check.config_check import check_config, check_overrides
from tests.test_engine.tiny_runner import tiny_config


@MODELS.register_module(force=True)
class CheckedBlock(nn.Module):
    def __init__(self, window: int = 3, norm_cfg: dict | None = None) -> None:
        super().__init__()


@MODELS.register_module(force=True)
class CheckedChild(CheckedBlock):
    def __init__(self, depth: int = 1, blocks: tuple = (), **kwargs) -> None:
        super().__init__(**kwargs)


@HOOKS.register_module(force=True)
class TakesAnything(Hook):
    def __init__(self, **kwargs) -> None:
        self.kwargs = kwargs


def faults_of(tmp_path, **changes) -> str:
    with pytest.raises(ValueError, match="unknown names") as caught:
        check_config(tiny_config(tmp_path, **changes))
    return str(caught.value)


def full_config(tmp_path) -> Config:
    """A config with every section that MMEngine knows, as users write them."""
    return tiny_config(
        tmp_path,
        data_root="data",
        train_pipeline=[],
        _own=3,
        custom_imports={"imports": ["mmctl.registry"]},
        vis_backends=[{"type": "LocalVisBackend"}],
        visualizer={"type": "Visualizer", "vis_backends": [{"type": "LocalVisBackend"}]},
        val_dataloader={
            **{"dataset": {"type": "RepeatDataset", "dataset": {"type": "TinyData"}, "times": 2}},
            **{"batch_size": 1, "persistent_workers": False, "pin_memory": True},
            **{"sampler": {"type": "DefaultSampler", "shuffle": False}},
            **{"collate_fn": {"type": "pseudo_collate"}},
        },
        val_cfg={},
        val_evaluator=[{"type": "DumpResults", "out_file_path": "a.pkl"}],
        test_dataloader=None,
        test_cfg=None,
        test_evaluator=None,
        train_cfg={"by_epoch": True, "max_epochs": 2, "val_interval": 1},
        optim_wrapper={
            **{"type": "AmpOptimWrapper", "optimizer": {"type": "Adam", "lr": 1e-3}},
            **{"clip_grad": {"max_norm": 1}, "paramwise_cfg": {}, "loss_scale": "dynamic"},
        },
        param_scheduler=[
            {"type": "LinearLR", "start_factor": 0.1, "convert_to_iter_based": True},
            {"type": "MultiStepLR", "milestones": [1], "gamma": 0.1, "by_epoch": True},
            {"type": "CosineAnnealingLR", "T_max": 3, "begin": 1, "end": 4},
        ],
        default_hooks={
            "timer": {"type": "IterTimerHook"},
            "logger": {"type": "LoggerHook", "interval": 10},
            "param_scheduler": {"type": "ParamSchedulerHook"},
            "sampler_seed": {"type": "DistSamplerSeedHook"},
            "checkpoint": {
                **{"type": "CheckpointHook", "interval": 1, "max_keep_ckpts": 2},
                **{"save_best": "auto", "save_optimizer": True, "by_epoch": True},
            },
            "visualization": None,
        },
        custom_hooks=[
            {"type": "EMAHook", "momentum": 1e-4, "ema_type": "ExponentialMovingAverage"},
            {"type": "CheckpointMatchHook", "allow": ["head."], "priority": "LOW"},
        ],
        env_cfg={
            **{"cudnn_benchmark": False, "dist_cfg": {"backend": "nccl"}},
            **{"mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
        },
        log_processor={"by_epoch": True, "window_size": 10},
        randomness={"seed": 0, "deterministic": False},
        auto_scale_lr={"base_batch_size": 32, "enable": False},
        load_from=None,
        resume=False,
    )


def test_a_config_with_every_section_passes(tmp_path):
    check_config(full_config(tmp_path))


def test_a_misspelt_section_is_named_with_the_nearest_match(tmp_path):
    message = faults_of(tmp_path, trian_cfg={"max_epochs": 3})
    assert "trian_cfg: the config does not know 'trian_cfg'; did you mean 'train_cfg'?" in message


def test_variables_of_ones_own_can_be_allowed(tmp_path):
    config = tiny_config(tmp_path, clip_len=6)
    with pytest.raises(ValueError, match="'clip_len'"):
        check_config(config)
    check_config(config, allow=["clip_len"])


@pytest.mark.parametrize(
    ("changes", "path", "owner", "near"),
    [
        ({"model": {"type": "TinyModel", "widht": 3}}, "model.widht", "TinyModel", "width"),
        (
            {"train_cfg": {"by_epoch": True, "max_epoch": 3}},
            "train_cfg.max_epoch",
            "EpochBasedTrainLoop",
            "max_epochs",
        ),
        (
            {"train_cfg": {"by_epoch": False, "max_iter": 3}},
            "train_cfg.max_iter",
            "IterBasedTrainLoop",
            "max_iters",
        ),
        ({"val_cfg": {"fp61": True}}, "val_cfg.fp61", "ValLoop", "fp16"),
        (
            {"train_dataloader": {"batchsize": 4}},
            "train_dataloader.batchsize",
            "DataLoader",
            "batch_size",
        ),
        (
            {"train_dataloader": {"sampler": {"type": "DefaultSampler", "shufle": True}}},
            "train_dataloader.sampler.shufle",
            "DefaultSampler",
            "shuffle",
        ),
        (
            {"optim_wrapper": {"clip_grads": {}, "optimizer": {"type": "Adam"}}},
            "optim_wrapper.clip_grads",
            "OptimWrapper",
            "clip_grad",
        ),
        (
            {"optim_wrapper": {"optimizer": {"type": "Adam", "weight_decya": 0.1}}},
            "optim_wrapper.optimizer.weight_decya",
            "Adam",
            "weight_decay",
        ),
        (
            {"param_scheduler": [{"type": "MultiStepLR", "milestone": [3]}]},
            "param_scheduler[0].milestone",
            "MultiStepLR",
            "milestones",
        ),
        (
            {"default_hooks": {"checkpoint": {"type": "CheckpointHook", "intervall": 2}}},
            "default_hooks.checkpoint.intervall",
            "CheckpointHook",
            "interval",
        ),
        (
            {"custom_hooks": [{"type": "CheckpointMatchHook", "alow": []}]},
            "custom_hooks[0].alow",
            "CheckpointMatchHook",
            "allow",
        ),
        (
            {"visualizer": {"type": "Visualizer", "vis_backend": []}},
            "visualizer.vis_backend",
            "Visualizer",
            "vis_backends",
        ),
        ({"log_processor": {"window": 5}}, "log_processor.window", "LogProcessor", "window_size"),
        ({"randomness": {"sed": 0}}, "randomness.sed", "randomness", "seed"),
    ],
)
def test_a_misspelt_key_is_named_by_its_path_and_class(tmp_path, changes, path, owner, near):
    message = faults_of(tmp_path, **changes)
    key = path.rpartition(".")[2]
    assert f"{path}: {owner} does not know {key!r}; did you mean {near!r}?" in message


def test_keywords_passed_on_to_the_base_class_are_known(tmp_path):
    check_config(tiny_config(tmp_path, model={"type": "CheckedChild", "depth": 2, "window": 5}))
    assert accepted_names(CheckedChild) == {"depth", "blocks", "window", "norm_cfg"}
    message = faults_of(tmp_path, model={"type": "CheckedChild", "windw": 5})
    assert "model.windw: CheckedChild does not know 'windw'; did you mean 'window'?" in message


def test_components_within_components_and_lists_are_checked(tmp_path):
    model = {"type": "CheckedChild", "blocks": [{"type": "CheckedBlock", "windw": 5}]}
    assert "model.blocks[0].windw: CheckedBlock" in faults_of(tmp_path, model=model)


def test_settings_for_other_libraries_are_not_judged(tmp_path):
    check_config(
        tiny_config(
            tmp_path, model={"type": "CheckedBlock", "norm_cfg": {"type": "CheckedBlock", "x": 1}}
        )
    )


def test_a_class_that_takes_any_keyword_is_not_judged(tmp_path):
    assert accepted_names(TakesAnything) is None
    check_config(tiny_config(tmp_path, custom_hooks=[{"type": "TakesAnything", "what": 1}]))


def test_an_unregistered_type_is_named_with_the_nearest_one(tmp_path):
    message = faults_of(tmp_path, model={"type": "TinyModle"})
    assert "model.type" in message
    assert "did you mean 'TinyModel'?" in message
    message = faults_of(tmp_path, custom_hooks=[{"type": "nowhere.Hook"}])
    assert "custom_hooks[0].type" in message


def test_all_faults_are_reported_at_once(tmp_path):
    message = faults_of(tmp_path, trian_cfg={}, model={"type": "TinyModel", "widht": 3})
    assert len(re.findall(r"^  ", message, re.MULTILINE)) == 2


def test_without_a_near_name_the_known_ones_are_listed(tmp_path):
    message = faults_of(tmp_path, randomness={"zzz": 0})
    assert "it knows deterministic, diff_rank_seed, seed" in message


def test_a_leftover_delete_mark_is_found(tmp_path):
    assert "model._delete_" in faults_of(tmp_path, model={"type": "TinyModel", "_delete_": True})


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        (
            "data_root",
            "train_dataloader.dataset.data_root=7 val_dataloader.dataset.data_root=7 "
            "test_dataloader.dataset.data_root=7",
        ),
        ("dataset_type", "train_dataloader.dataset.type=7 val_dataloader.dataset.type=7"),
        ("test_pipeline.0.clip_len", "test_dataloader.dataset.pipeline.0.clip_len=7"),
        ("vis_backends", "visualizer.vis_backends=7"),
        ("_max_epochs", "override the keys that take its value"),
        ("own_pipeline", "override the keys that take its value"),
    ],
)
def test_an_override_of_a_variable_names_what_to_override_instead(option, instead):
    with pytest.raises(ValueError, match="has done its work") as caught:
        check_overrides({"model.width": 3, option: 7})
    assert f"\n  {option}: {instead}" in str(caught.value)
    assert "model.width" not in str(caught.value)


def test_with_the_config_its_own_places_are_named(tmp_path):
    pipeline = [{"type": "A"}, {"type": "B", "clip_len": 6}]
    config = tiny_config(tmp_path, _clip_len=6, own_pipeline=pipeline)
    config.train_dataloader.dataset.pipeline = pipeline
    with pytest.raises(ValueError, match="has done") as caught:
        check_overrides({"_clip_len": 4, "_max_epochs": 2, "data_root": "x"}, config)
    message = str(caught.value)
    assert "_clip_len: train_dataloader.dataset.pipeline.1.clip_len=4\n" in message
    assert "_max_epochs: train_cfg.max_epochs=2\n" in message
    assert message.endswith("data_root: train_dataloader.dataset.data_root=x")


def test_overrides_of_what_the_run_reads_pass():
    check_overrides({"train_dataloader.dataset.pipeline.0.clip_len": 4, "load_from": "a.pth"})
