"""Modules that a config names: where they are looked for, and what is wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mmctl.engine import read_config
from mmctl.engine.repairs.custom_modules import import_stored_modules
from mmctl.registry import HOOKS

NAMES = ("strange_module", "strange_other", "strange_package")


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    for name in list(sys.modules):
        if name.partition(".")[0] in NAMES:
            del sys.modules[name]
    for name in ("StrangeHook", "GradNormHook"):
        if name in HOOKS.module_dict and HOOKS.module_dict[name].__module__ in NAMES:
            del HOOKS.module_dict[name]


def write(path: Path, text: str = "value = 1\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def imports(*names: str, more: str = "") -> str:
    return f"custom_imports = dict(imports={list(names)}{more})\n"


def test_a_module_beside_the_config_is_found_from_anywhere(tmp_path, monkeypatch):
    write(tmp_path / "mine" / "strange_module.py")
    write(tmp_path / "mine" / "config.py", imports("strange_module"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    read_config(tmp_path / "mine" / "config.py")
    assert sys.modules["strange_module"].value == 1


def test_a_module_beside_a_base_is_found(tmp_path):
    write(tmp_path / "strange_module.py")
    write(tmp_path / "base.py", imports("strange_module"))
    write(tmp_path / "ablations" / "config.py", "_base_ = '../base.py'")
    read_config(tmp_path / "ablations" / "config.py")
    assert "strange_module" in sys.modules


def test_a_module_in_the_current_folder_and_in_a_package_is_found(tmp_path, monkeypatch):
    write(tmp_path / "here" / "strange_package" / "losses" / "mine.py")
    write(tmp_path / "configs" / "config.py", imports("strange_package.losses.mine"))
    monkeypatch.chdir(tmp_path / "here")
    read_config(tmp_path / "configs" / "config.py")
    assert "strange_package.losses.mine" in sys.modules


def test_the_path_of_python_comes_first(tmp_path, monkeypatch):
    write(tmp_path / "path" / "strange_module.py", "value = 2\n")
    write(tmp_path / "mine" / "strange_module.py")
    write(tmp_path / "mine" / "config.py", imports("strange_module"))
    monkeypatch.syspath_prepend(tmp_path / "path")
    before = list(sys.path)
    read_config(tmp_path / "mine" / "config.py")
    assert sys.modules["strange_module"].value == 2
    assert sys.path == before


def test_several_modules_and_a_single_name_are_imported(tmp_path):
    write(tmp_path / "strange_module.py")
    write(tmp_path / "strange_other.py")
    write(tmp_path / "config.py", imports("strange_module", "strange_other"))
    read_config(tmp_path / "config.py")
    assert {"strange_module", "strange_other"} <= set(sys.modules)
    write(tmp_path / "text.py", "custom_imports = dict(imports='strange_module')")
    read_config(tmp_path / "text.py")


def test_a_module_that_may_fail_is_passed_over(tmp_path):
    write(tmp_path / "config.py", imports("strange_no", more=", allow_failed_imports=True"))
    read_config(tmp_path / "config.py")


HOOK = """
from mmengine.hooks import Hook
from mmctl.registry import HOOKS

@HOOKS.register_module()
class {}(Hook):
    pass
"""


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("x = 1\nx = y\n", "strange_module.py, line 2: NameError: name 'y' is not defined"),
        ("x = (\n", "strange_module.py, line 1: SyntaxError: '(' was never closed"),
        ("import no_such", "strange_module.py, line 1: ModuleNotFoundError: No module named 'no_s"),
        ("from os import no_such", "strange_module.py, line 1: ImportError: cannot import name"),
        (
            "import mmctl.engine\n" + HOOK.format("GradNormHook"),
            "KeyError: GradNormHook is already registered in hook at mmctl.engine.hooks.grad_norm_"
            "hook; give yours another name",
        ),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(tmp_path, module, message):
    write(tmp_path / "strange_module.py", module)
    write(tmp_path / "config.py", imports("strange_module"))
    with pytest.raises(ValueError, match=r"^config .*config\.py: custom_imports must") as caught:
        read_config(tmp_path / "config.py")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_of_ours_that_is_not_imported_yet_is_refused(tmp_path, monkeypatch):
    write(tmp_path / "strange_module.py", HOOK.format("StrangeHook"))
    write(tmp_path / "config.py", imports("strange_module"))

    def register_late() -> None:
        raise KeyError("StrangeHook is already registered in hook at strange_module")

    monkeypatch.setattr(HOOKS, "import_from_location", register_late)
    text = "strange_module of custom_imports must not register 'StrangeHook', because mmctl has a"
    with pytest.raises(ValueError, match=text):
        read_config(tmp_path / "config.py")


def test_a_missing_module_is_named_with_the_folders(tmp_path, monkeypatch):
    write(tmp_path / "config.py", imports("strange_no"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    text = rf"there is no 'strange_no' on Python's path or in {tmp_path}, {tmp_path}/here; PYTHONP"
    with pytest.raises(ValueError, match=text):
        read_config(tmp_path / "config.py")


def test_a_misspelt_key_is_named(tmp_path):
    write(tmp_path / "config.py", imports("os", more=", allow_fail=True"))
    text = "custom_imports takes imports and allow_failed_imports, got 'allow_fail'"
    with pytest.raises(ValueError, match=text):
        read_config(tmp_path / "config.py")


@pytest.mark.parametrize("line", ["import strange_absent", "from strange_absent.losses import A"])
def test_a_package_that_a_config_imports_and_that_is_not_there_is_named(tmp_path, line):
    base = "from mmengine.config import read_base\nwith read_base():\n    from .base import *\n"
    write(tmp_path / "base.py", f"value = 1\n{line}\n")
    write(tmp_path / "config.py", base)
    with pytest.raises(ValueError, match=r"base\.py, line 2: there is no 'strange_absent' on"):
        read_config(tmp_path / "config.py")


def test_a_module_beside_a_config_of_the_import_style_is_found(tmp_path):
    write(tmp_path / "strange_module.py", "class Strange:\n    pass\n")
    style = "from strange_module import Strange\nkind = dict(type=Strange)\n"
    write(tmp_path / "config.py", imports("strange_module") + style)
    assert read_config(tmp_path / "config.py").kind["type"].__name__ == "Strange"


def test_modules_that_a_checkpoint_names_are_looked_for_on_pythons_path_alone(
    tmp_path, monkeypatch
):
    write(tmp_path / "here" / "strange_module.py")
    monkeypatch.chdir(tmp_path / "here")
    named = {"imports": ["strange_module"], "allow_failed_imports": False}
    with pytest.raises(ValueError, match=r"checkpoint 'a.pth': .* no 'strange_module' .*PYTHONP"):
        import_stored_modules("a.pth", named)
    import_stored_modules("a.pth", named | {"allow_failed_imports": True})
    monkeypatch.syspath_prepend(tmp_path / "here")
    import_stored_modules("a.pth", named)
    assert "strange_module" in sys.modules
    import_stored_modules("a.pth", None)


@pytest.mark.parametrize(
    "custom_imports",
    [
        "os",
        {"import": []},
        {"imports": 5},
        {"imports": [5]},
        {"imports": [".a"]},
        {"imports": [""]},
    ],
)
def test_what_names_no_modules_is_refused(custom_imports):
    with pytest.raises(ValueError, match=r"checkpoint 'a.pth': .*custom_imports .*, got"):
        import_stored_modules("a.pth", custom_imports)


def test_a_package_that_fails_around_a_module_is_said(tmp_path, monkeypatch):
    write(tmp_path / "strange_package" / "__init__.py", "raise RuntimeError('no licence')\n")
    write(tmp_path / "strange_package" / "part.py")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"strange_package.part: RuntimeError: no licence"):
        import_stored_modules("a.pth", {"imports": "strange_package.part"})
