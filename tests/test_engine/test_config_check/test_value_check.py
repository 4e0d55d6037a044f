from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from mmengine import registry
from mmengine.registry import MODELS, Registry
from torch import nn

from mmctl.engine import check_config, prepare_config
from mmctl.engine.config_check import config_check
from mmctl.engine.config_check.config_overrides import parse_option
from mmctl.engine.config_check.value_check import value_faults
from tests.conftest import ROOT
from tests.test_engine.tiny_runner import tiny_config

CTL = ROOT / "configs" / "quickstart" / "ctl_r18_quickstart.py"


class Block:
    """Stands for a class of ours, whose annotations are taken literally."""

    __module__ = "mmctl.somewhere"

    def __init__(
        self,
        width: int = 1,
        scale: float = 1.0,
        name: str | None = None,
        size: tuple[int, int] = (1, 1),
        layers: Sequence[int] = (),
        words: Sequence[str] = (),
        on: bool = True,
        inner: nn.Module | None = None,
        extra: dict[str, Any] | None = None,
        call: Callable | int = 3,
    ) -> None:
        pass


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("width", "abc", "int"),
        ("width", 2.0, "int"),
        ("width", True, "int"),
        ("width", None, "int"),
        ("width", [1], "int"),
        ("scale", "1e-3", "float"),
        ("scale", True, "float"),
        ("name", 5, "str | None"),
        ("size", [1], "tuple[int, int]"),
        ("size", (1, 2, 3), "tuple[int, int]"),
        ("size", ("a", 1), "tuple[int, int]"),
        ("layers", 3, "Sequence[int]"),
        ("layers", [1, "a"], "Sequence[int]"),
        ("layers", {1, 2}, "Sequence[int]"),
        ("extra", {"a"}, "dict[str, Any] | None"),
        ("words", "abc", "Sequence[str]"),
        ("on", 1, "bool"),
        ("inner", 5, "Module | None"),
        ("inner", "abc", "Module | None"),
        ("extra", [1], "dict[str, Any] | None"),
    ],
)
def test_a_value_of_a_wrong_kind_is_named_with_the_kind_that_is_taken(key, value, kind):
    (fault,) = value_faults("model.block", Block, {key: value})
    assert fault.startswith(f"model.block.{key}: Block takes ")
    assert kind.split("[")[0].split(" ")[0] in fault
    assert fault.endswith(f"got {value!r}")


def test_values_of_the_right_kind_and_what_cannot_be_told_pass():
    values = {"width": 2, "scale": 2, "name": None, "size": [1, 2], "layers": (1,), "words": ["a"]}
    values |= {
        "on": False,
        "inner": {"type": "X"},
        "extra": {},
        "call": "name",
        "unknown": object(),
    }
    assert not list(value_faults("", Block, values))


def test_classes_of_other_packages_are_not_judged(tmp_path):
    @MODELS.register_module(force=True)
    class Foreign(nn.Module):
        def __init__(self, width: int = 1) -> None:
            super().__init__()

    check_config(tiny_config(tmp_path, model={"type": "Foreign", "width": "wide"}))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("train_cfg.max_epochs=-1", "max_epochs: it must be a number from 1 on, got -1"),
        ("train_cfg.max_epochs=0", "from 1 on, got 0"),
        ("train_cfg.max_epochs=abc", "max_epochs: ResumableEpochLoop takes int, got"),
        ("train_cfg.max_epochs=1.5", "takes int, got 1.5"),
        ("train_cfg.val_interval=0", "train_cfg.val_interval: it must be a number from 1 on"),
        ("train_cfg=5", "train_cfg: Runner takes"),
        ("train_dataloader=5", "train_dataloader: Runner takes"),
        ("train_dataloader.batch_size=-1", "batch_size: it must be a number from 1 on"),
        ("train_dataloader.batch_size=x", "train_dataloader.batch_size: DataLoader takes"),
        ("val_dataloader.num_workers=-1", "val_dataloader.num_workers: it must be a number from 0"),
        ("train_dataloader.sampler=7", "train_dataloader.sampler: DataLoader takes"),
        ("model.head.losses.triplet=5", "model.head.losses: FusionHead takes"),
        ("log_level=FOO", "log_level: it must be one of DEBUG, INFO, WARNING, ERROR"),
        ("train_dataloader.dataset=5", "train_dataloader.dataset: DataLoader takes Dataset"),
        ("train_dataloader.dataset.type=5", "dataset.type: the name of a class must stand here"),
        ("train_dataloader.dataset.data_root=5", "data_root: MARS takes str, got 5"),
        ("model=5", "model: Runner takes"),
        ("model.type=None", "model.type: the name of a class must stand here, got None"),
        ("model.backbone.type=5", "model.backbone.type: the name of a class must stand here"),
        ("model.graph_head.balance=abc", "balance: PartGraphHead takes float, got 'abc'"),
        ("model.graph_head.topology.mask=3", "topology.mask: ContextTopology takes bool, got 3"),
        ("optim_wrapper.optimizer=3", "optim_wrapper.optimizer: OptimWrapper takes Optimizer"),
        ("optim_wrapper.optimizer.lr=abc", "optim_wrapper.optimizer.lr: Adam takes"),
        ("optim_wrapper.clip_grad.max_norm=abc", "clip_grad.max_norm: clip_grad_norm_ takes float"),
        ("param_scheduler.0.end=-3", "param_scheduler[0].end: what begins at 0 must end after it"),
        ("param_scheduler.1.T_max=0", "param_scheduler[1].T_max: it must be a number from 1 on"),
        ("default_hooks.checkpoint=5", "default_hooks: Runner takes"),
        ("default_hooks.checkpoint.interval=0", "interval: it must be positive, or -1 for never"),
        ("custom_hooks.0.priority=zzz", "custom_hooks[0].priority: it must be a number from 0 to"),
        ("custom_hooks=[5]", "custom_hooks: Runner takes"),
        ("randomness.seed=abc", "randomness.seed: it must be a number from 0 on, got 'abc'"),
        ("auto_scale_lr.base_batch_size=0", "auto_scale_lr.base_batch_size: it must be a number"),
        ("log_processor.window_size=0", "log_processor.window_size: it must be a number from 1"),
        ("default_scope=nowhere", "default_scope: there is no package of this name"),
        ("load_from=5", "load_from: Runner takes"),
        ("filename=x", "filename: the config does not know 'filename'"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_found_before_anything_is_built(option, message):
    with pytest.raises(ValueError, match="unknown names or wrong values") as caught:
        prepare_config(CTL, dict([parse_option(option)]))
    assert message in str(caught.value)


def test_a_scope_that_an_extra_has_names_it(monkeypatch):
    monkeypatch.setattr(config_check, "find_spec", lambda _: None)
    monkeypatch.delitem(MODELS.children, "mmpose", raising=False)
    with pytest.raises(ValueError, match=r"got 'mmpose'; the extra mmctl\[pose\] has it"):
        prepare_config(CTL, {"default_scope": "mmpose"})


def test_a_mark_that_had_nothing_to_delete_is_found(tmp_path):
    model = {"type": "TinyModel", "init_cfg": {"_delete_": True, "_base_": "x"}}
    with pytest.raises(ValueError, match="wrong values") as caught:
        check_config(tiny_config(tmp_path, _own={"_delete_": True}, model=model))
    assert "model.init_cfg._delete_: there is nothing in a _base_ that it" in str(caught.value)
    assert "model.init_cfg._base_: a _base_ is read at the top level" in str(caught.value)
    assert "_own" not in str(caught.value)


def test_the_defaults_of_every_class_fit_what_it_asks_for():
    for root in vars(registry).values():
        for branch in [root, *root.children.values()] if isinstance(root, Registry) else []:
            branch.import_from_location()
            for name, target in branch.module_dict.items():
                try:
                    parameters = inspect.signature(target).parameters.values()
                except ValueError:  # written in C
                    continue
                defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
                assert not list(value_faults(name, target, defaults))
