from __future__ import annotations

import sys

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from mmctl.engine import run_command
from tests.test_engine.tiny_runner import tiny_runner


def error_of(main, capsys) -> str:
    with pytest.raises(SystemExit) as caught:
        run_command(main)
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_the_message_of_a_key_error_has_no_quotes_around_it(capsys):
    def main() -> None:
        raise KeyError("'Foo' is not in the registry.\nCheck its name")

    assert "error: 'Foo' is not in the registry.\nCheck its name\n" in error_of(main, capsys)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\nb = (\n", 2, "SyntaxError: "),
        ("a = 1\n\nb = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("a = dict()\nb = a.foo\n", 2, "AttributeError: "),
        ("a = dict()\nb = a['foo']\n", 2, "KeyError: foo"),
    ],
)
@pytest.mark.parametrize("through_base", [False, True])
def test_a_mistake_within_a_config_names_file_and_line(
    tmp_path, capsys, text, line, message, through_base
):
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "child.py").write_text("\n\n\n\n_base_ = './mine.py'\n")
    file = tmp_path / ("child.py" if through_base else "mine.py")
    error = error_of(lambda: Config.fromfile(file), capsys)
    assert f"error: config {tmp_path / 'mine.py'}, line {line}: {message}" in error


def test_a_fault_of_the_program_keeps_its_traceback(tmp_path):
    def main() -> None:
        Config.fromfile(tmp_path / "mine.py")
        raise ZeroDivisionError

    (tmp_path / "mine.py").write_text("a = 1")
    with pytest.raises(ZeroDivisionError):
        run_command(main)


def test_the_traceback_of_a_mistake_can_be_asked_for(monkeypatch):
    def main() -> None:
        raise ValueError("wrong")

    monkeypatch.setenv("MMCTL_DEBUG", "1")
    with pytest.raises(ValueError, match="wrong"):
        run_command(main)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (KeyError(6), "KeyError: 6 (in main, "),
        (KeyError("momentum"), "KeyError: momentum (in main, "),
        (IndexError("list index out of range"), "IndexError: list index out of range (in main, "),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum recursion"),
        (ValueError(""), "ValueError (in main, "),
        (ValueError("  "), "ValueError"),
        (OSError(), "OSError (in main, "),
    ],
)
def test_an_error_that_says_little_names_its_kind_its_place_and_the_file_at_hand(
    tmp_path, capsys, raised, said
):
    def main() -> None:
        path = tmp_path / "read.json"
        path.touch()
        raise raised

    error = error_of(main, capsys)
    assert f"error: {said}" in error
    line = main.__code__.co_firstlineno + 3
    assert f"line {line}, when {tmp_path / 'read.json'} was read)" in error


def test_what_mmengine_asserts_of_a_config_is_a_users_mistake_and_our_own_asserts_are_not(
    tmp_path, capsys
):
    from mmengine.optim import OptimWrapper

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    error = error_of(lambda: OptimWrapper(optimizer, accumulative_counts=0), capsys)
    assert "error: _accumulative_counts at least greater" in error
    loop = {"train_cfg": {"type": "EpochBasedTrainLoop", "by_epoch": True, "max_epochs": 1}}
    error = error_of(lambda: tiny_runner(tmp_path, **loop).train(), capsys)
    assert "error: Only one of `type` or `by_epoch` can exist" in error

    def main() -> None:
        raise AssertionError("cannot happen")

    with pytest.raises(AssertionError, match="cannot happen"):
        run_command(main)


@pytest.mark.parametrize(
    ("argument", "expanded"),
    [
        ("~/a", "/home/me/a"),
        ("--out=~/a", "--out=/home/me/a"),
        ("a.b=~/a", "a.b=/home/me/a"),
        ("~", "/home/me"),
        ("a~b", "a~b"),
        ("x=[~/a]", "x=[~/a]"),
        ("--cfg-options", "--cfg-options"),
    ],
)
def test_a_tilde_in_an_argument_is_the_home_folder(monkeypatch, argument, expanded):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr(sys, "argv", ["tool.py", argument])
    run_command(lambda: None)
    assert sys.argv[1] == expanded


def test_pythons_own_words_are_given_the_component_that_was_being_built(capsys):
    @MODELS.register_module(force=True)
    class Fragile(nn.Module):
        def __init__(self, depth) -> None:
            super().__init__()
            self.depth = range(depth)

    error = error_of(lambda: MODELS.build({"type": "Fragile", "depth": "abc"}), capsys)
    assert "error: TypeError: 'str' object cannot be interpreted as an integer (in " in error
    assert ", when Fragile was built)" in error
