from __future__ import annotations

import os
from pathlib import Path

import pytest
from mmengine.config import Config

from mmctl.engine import read_config

READ_BASE = "from mmengine.config import read_base\nwith read_base():\n    from .{} import *\n"


def write(folder: Path, **files: str | bytes) -> None:
    """Write ``mine_py='text'`` as ``mine.py``."""
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("files", "read", "message"),
    [
        ({"a_py": "_base_ = './a.py'"}, "a.py", "a.py must not be among its own bases: "),
        ({"a_py": "_base_ = 'b.py'", "b_py": "_base_ = 'a.py'"}, "a.py", "must not be among its"),
        ({"a_json": '{"_base_": "a.json"}'}, "a.json", "must not be among its own bases"),
        ({"a_py": "_base_ = 'no.py'"}, "a.py", "config (named as _base_ by"),
        ({"a_py": "_base_ = 5"}, "a.py", "_base_ must be the path of a config or a list of paths"),
        ({"a_py": "_base_ = None"}, "a.py", "a list of paths, got None"),
        ({"a_py": "_base_ = ''"}, "a.py", "a list of paths, got ''"),
        ({"a_yaml": "_base_: [1]"}, "a.yaml", "a list of paths, got 1"),
        ({"a_py": "_base_ = 'b.txt'", "b_txt": ""}, "a.py", "b.txt must end with one of"),
        ({"a_txt": "x = 1"}, "a.txt", "must end with one of .py, .json, .yaml, .yml"),
        ({"a_py": b"x = '\xff'"}, "a.py", "must be UTF-8 text, got byte 0xff at position 5"),
        ({"a_py": "x = 1\0"}, "a.py", "source code string cannot contain null"),
        ({"a_py": "x = (\n"}, "a.py", "a.py, line 1: SyntaxError: '(' was never closed"),
        ({"a_py": "y = 1\nx = 1 / 0"}, "a.py", "a.py, line 2: ZeroDivisionError: division by zero"),
        ({"a_py": "x = []\nx.append(x)"}, "a.py", "nested so deeply, or contain itself"),
        ({"a_py": "dump = 1\ntext = 2"}, "a.py", "'text' is a name that MMEngine keeps for itself"),
        ({"a_py": "custom_imports = 5"}, "a.py", "custom_imports must be dict(imports=[names of"),
        ({"a_py": "custom_imports = dict(imports=['no_x'])"}, "a.py", "but there is no 'no_x' on"),
        ({"a_json": '{"x": {"y": 1, "y": 2}}'}, "a.json", "the key 'y' stands twice"),
        ({"a_json": '{"x": '}, "a.json", "is not JSON that can be read"),
        ({"a_json": '{"x": ' + "[" * 100_000}, "a.json", "nested too deeply"),
        ({"a_json": "[1]"}, "a.json", "it must hold names and their values, got '[1]'"),
        ({"a_yaml": ""}, "a.yaml", "it must hold names and their values, got 'None'"),
        ({"a_yaml": "1: 2"}, "a.yaml", "it must hold names and their values"),
        ({"a_yaml": "x:\n  y: 1\n  y: 2"}, "a.yaml", "the key 'y' stands twice in one mapping"),
        ({"a_yaml": "a: ["}, "a.yaml", "is not plain YAML that can be read: expected the node"),
        ({"a_yaml": "a: \x01"}, "a.yaml", "is not plain YAML that can be read: unacceptable"),
        ({"a_yaml": "a: " + "[" * 5000}, "a.yaml", "must not be nested so deeply"),
        ({"a_yaml": "a: &a [*a]"}, "a.yaml", "must not be nested so deeply, or contain itself"),
        ({"a_py": READ_BASE.format("no")}, "a.py", "no.py not found"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, files, read, message):
    write(tmp_path, **files)
    with pytest.raises(ValueError, match=r"^config ") as caught:
        read_config(tmp_path / read)
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_config_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config .*no\.py does not exist"):
        read_config(tmp_path / "no.py")


@pytest.mark.parametrize("ending", [".py", ".yaml"])
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path, ending):
    os.mkfifo(tmp_path / f"pipe{ending}")
    write(tmp_path, child_py=f"_base_ = 'pipe{ending}'")
    for name in (f"pipe{ending}", "child.py"):
        with pytest.raises(ValueError, match=r"must be a regular file.*got a named pipe"):
            read_config(tmp_path / name)


@pytest.mark.parametrize("through_base", [False, True])
def test_yaml_runs_no_code(tmp_path, through_base):
    marker = tmp_path / "ran"
    write(tmp_path, a_yaml=f"a: !!python/object/apply:os.mkdir ['{marker}']")
    write(tmp_path, b_py="_base_ = 'a.yaml'")
    # The plain call of MMEngine is what pose estimators and other packages use.
    for read in (read_config, Config.fromfile):
        with pytest.raises(ValueError, match="could not determine a constructor"):
            read(tmp_path / ("b.py" if through_base else "a.yaml"))
    assert not marker.exists()


def test_tuples_that_mmengine_saved_as_yaml_are_read_again(tmp_path):
    Config({"size": (256, 128), "one": {"a": [1]}}).dump(tmp_path / "a.yaml")
    cfg = read_config(tmp_path / "a.yaml")
    assert cfg.to_dict() == {"size": (256, 128), "one": {"a": [1]}}


def test_keys_of_yaml_anchors_may_be_replaced(tmp_path):
    write(tmp_path, a_yaml="x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  a: 3")
    assert read_config(tmp_path / "a.yaml").y == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    "text",
    [
        "_base_: str = 'b.py'",
        "_base_ = 'b.py'\n_base_ = 'b.py'",
        "_base_ = ['b.py']\n_base_ += []",
        "if True:\n    _base_ = 'b.py'",
    ],
)
def test_a_base_that_would_be_passed_over_is_refused(tmp_path, text):
    write(tmp_path, a_py=text, b_py="x = 1")
    with pytest.raises(ValueError, match="_base_ must be assigned once and at the top level"):
        read_config(tmp_path / "a.py")


def test_a_base_may_be_used_twice_without_a_circle(tmp_path):
    write(tmp_path, a_py="x = 1", b_py="_base_ = 'a.py'\ny = _base_.x", c_py="_base_ = ['b.py']")
    assert read_config(tmp_path / "c.py").y == 1
    assert read_config(tmp_path / "c.py").x == 1


def test_the_home_folder_stands_for_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(
        tmp_path,
        a_py="x = dict(a=['~/a', ('~', 'b~c')])",
        b_py="_base_ = '~/a.py'\nwork_dir = '~/b'",
    )
    cfg = read_config("~/b.py")
    assert cfg.x.a == [f"{tmp_path}/a", (str(tmp_path), "b~c")]
    assert cfg.work_dir == f"{tmp_path}/b"


def test_modules_of_python_do_not_make_a_config_of_the_import_style(tmp_path):
    write(tmp_path, a_py="import json\nfrom math import ceil\nx = json.loads('[1]')\ny = ceil(1.5)")
    cfg = read_config(tmp_path / "a.py")
    assert cfg.x == [1]
    assert cfg.y == 2
    assert "json" not in cfg


@pytest.mark.parametrize("name", ["a $b.py", "a%s{}.py", "ünï.py", "a'b\".py"])
def test_names_of_configs_may_have_any_sign(tmp_path, name):
    (tmp_path / name).write_text("x = 1")
    (tmp_path / "child.py").write_text(f"_base_ = {name!r}")
    assert read_config(tmp_path / name).x == 1
    assert read_config(tmp_path / "child.py").x == 1


def test_a_config_of_the_import_style_is_read_too(tmp_path):
    write(tmp_path, a_py="x = dict(a='~/a')", b_py=READ_BASE.format("a") + "x.update(b=2)")
    assert read_config(tmp_path / "b.py").x == {"a": os.path.expanduser("~/a"), "b": 2}
    write(tmp_path, b_py=READ_BASE.format("a") + "\ny = 1 / 0")
    with pytest.raises(ValueError, match=r"b\.py, line 5: ZeroDivisionError: division by zero"):
        read_config(tmp_path / "b.py")
