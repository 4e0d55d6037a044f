"""The config in a checkpoint: as MMEngine writes it, and nothing that could run."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mmctl.checkpoints.stored_config import parse_config, read_stored_config
from tests.conftest import ROOT


def stored(text: str) -> dict:
    return {"message_hub": {"runtime_info": {"cfg": text}}, "state_dict": {}}


@pytest.mark.parametrize(
    "name",
    ["quickstart/ctl_r18_quickstart.py", "ctl/ctl_r50_hrnet-w32_1xb32-240e_mars-256x128.py"],
)
def test_a_config_reads_back_as_mmengine_writes_it(name):
    config = Config.fromfile(ROOT / "configs" / name)
    assert parse_config(config.pretty_text) == config.to_dict()


def test_it_is_found_in_either_place():
    assert read_stored_config(stored("a = 1"), "x.pth") == {"a": 1}
    assert read_stored_config({"meta": {"cfg": "a = dict(b=-1.5)"}}, "x.pth") == {"a": {"b": -1.5}}
    assert read_stored_config(stored("'text'\na = [inf, {'k': (1, None)}]"), "x.pth").a[1].k[0] == 1


@pytest.mark.parametrize("checkpoint", [{}, [], {"meta": None}, {"meta": {"cfg": 5}}, stored(" ")])
def test_without_one_the_model_must_be_named(checkpoint):
    with pytest.raises(
        ValueError, match=r"'x.pth' carries no config .* the model must be named.*--config"
    ):
        read_stored_config(checkpoint, "x.pth")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import os", "line 1 is no 'key = value'"),
        ("a = 1\nb = open('x')", "line 2 has"),
        ("a = __import__('os')", "no plain value"),
        ("a = dict(**b)", "no plain value"),
        ("a = {**{}}", "no plain value"),
        ("a = [x for x in b]", "no plain value"),
        ("a.b = 1", "line 1 is no"),
        ("a = -'x'", "no plain value"),
        ("a = (", "never closed"),
        ("a = '\0'", "null byte"),
        ("a = " + "[" * 300, "nested"),
    ],
)
def test_what_is_more_than_values_is_refused_in_one_line(text, reason):
    with pytest.raises(ValueError, match=r"'x.pth': the config that it") as caught:
        read_stored_config(stored(text), "x.pth")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "torch.nn.Linear", "mmctl.a.B"])
def test_a_type_cannot_name_a_function_of_the_machine(name):
    text = (
        f"model = dict(type='VideoReID', a=[dict(type='mmpretrain.ResNet'), dict(type='{name}')])"
    )
    with pytest.raises(ValueError, match=r"names .* registered component"):
        read_stored_config(stored(text), "x.pth")
