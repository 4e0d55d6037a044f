from __future__ import annotations

import pytest
from mmengine.config import Config

from mmctl.engine import run_command


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
