import sys
from pathlib import Path
from types import SimpleNamespace

import mmengine.hub.hub
import mmengine.registry.registry
import pytest
from mmengine.config import Config
from mmengine.hub import get_config, get_model

import mmctl
from mmctl.engine import read_config
from mmctl.engine.repairs import config_names
from mmctl.engine.repairs.config_names import find_package_folder, is_importable

CONFIG = """
model = dict(type='GraphConv3d', channels=4)
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder with configs beside the code, and no pkg_resources."""
    (tmp_path / ".mim" / "configs" / "ctl").mkdir(parents=True)
    (tmp_path / ".mim" / "model-index.yml").write_text("Import: []")
    (tmp_path / ".mim" / "configs" / "ctl" / "base.py").write_text(CONFIG)
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    find = config_names.find_spec
    monkeypatch.setattr(
        config_names, "find_spec", lambda name: spec if name == "mmctl" else find(name)
    )
    monkeypatch.setitem(sys.modules, "pkg_resources", None)
    return tmp_path


def test_a_config_can_be_named_by_package(package):
    (package / "mine.py").write_text("_base_ = 'mmctl::ctl/base.py'")
    assert Config.fromfile(str(package / "mine.py")).model.channels == 4
    assert get_config("mmctl::ctl/base.py").model.channels == 4
    for read in (Config.fromfile, read_config):
        cfg = read("mmctl::ctl/base.py")
        assert cfg.filename == str(package / ".mim" / "configs" / "ctl" / "base.py")


def test_a_base_can_import_what_lets_it_be_named(package):
    # For the tools of other projects, which read the bases of a config before they run it.
    line = "_base_ = [__import__('mmctl.engine') and 'mmctl::ctl/base.py']"
    (package / "mine.py").write_text(line)
    assert Config.fromfile(str(package / "mine.py")).model.channels == 4


def test_a_model_can_be_named_by_package(package):
    assert type(get_model("mmctl::ctl/base.py")).__name__ == "GraphConv3d"
    assert get_model("mmctl::ctl/base.py", window=5).window == 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mmctl::ctl/bas.py", r"config mmctl::ctl/bas\.py.*configs/ctl/bas\.py"),
        ("mmctl::base.py", r"config mmctl::base\.py.*please specify the package name and relative"),
        ("nobody::ctl/base.py", r"config nobody::ctl/base\.py: .*does not support to load nobody"),
        ("mmrotate::a/base.py", r"config mmrotate::a/base\.py: mmrotate is not installed"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(package, name, message):
    with pytest.raises(ValueError, match=message):
        Config.fromfile(name)


def test_a_checkout_that_is_not_installed_is_told(tmp_path, monkeypatch):
    spec = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(config_names, "find_spec", lambda _: spec)
    with pytest.raises(FileNotFoundError, match=r"pip install -e .*got .* without \.mim"):
        get_config("mmctl::ctl/base.py")


def test_packages_are_found_where_they_are_imported_from(monkeypatch):
    monkeypatch.setitem(sys.modules, "pkg_resources", None)
    assert Path(find_package_folder("mmengine")) == Path(sys.modules["mmengine"].__file__).parent
    assert is_importable("mmctl")
    assert not is_importable("mmsegmentation")
    with pytest.raises(ModuleNotFoundError, match="mmsegmentation is not installed"):
        find_package_folder("mmsegmentation")
    monkeypatch.setattr(config_names, "find_spec", lambda name: SimpleNamespace(origin=name))
    assert find_package_folder("mmaction2") == "."  # the folder of the module mmaction
    assert find_package_folder("mmsegmentation") == "."


def test_packages_that_are_imported_later_find_others_without_pkg_resources(monkeypatch):
    monkeypatch.setitem(sys.modules, "pkg_resources", None)
    from mmengine.utils import get_installed_path, is_installed  # as mmpose.apis does

    assert get_installed_path("mmengine") == find_package_folder("mmengine")
    assert is_installed("mmengine")
    assert not is_installed("mmsegmentation")


def test_nothing_is_installed_that_is_there(monkeypatch):
    wanted = []
    install = config_names._installing_if_missing(wanted.append)
    for package in ("mmctl", "mmengine", "mmsegmentation"):
        install(package)
    assert wanted == ["mmsegmentation"]


def test_naming_is_registered_once():
    before = Config.fromfile, mmengine.hub.hub.install_package
    config_names.register_config_package()
    assert (Config.fromfile, mmengine.hub.hub.install_package) == before


def test_registries_do_not_take_the_package_for_one_of_the_old_style():
    assert "mmctl" not in mmengine.registry.registry.MODULE2PACKAGE
    assert Path(mmctl.__file__).is_file()
