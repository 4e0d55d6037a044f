"""``mmctl::ctl/<name>.py`` as the name of a config, wherever MMEngine takes such names.

MMEngine has a fixed table of the packages that it knows, without a way to add one; it looks for
packages in editable mode where they are not, asks ``pkg_resources`` for them, which new versions
of setuptools do not have, and takes no such name where a file is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mmengine.config.config
import mmengine.config.utils
import mmengine.hub.hub
import mmengine.utils
from mmengine.config import Config

from mmctl.engine.repairs.config_reading import ConfigFileError, MissingConfigError
from mmctl.engine.repairs.function_scopes import without_scopes

PACKAGE = "mmctl"


def register_config_package() -> None:
    """Make ``mmctl::ctl/<name>.py``, once, a name of a config, for bases, hub and as a file."""
    if mmengine.config.config.get_installed_path is find_package_folder:
        return
    # A new dict for config names only: in the registries' own, a package without anything of a
    # kind is imported as a whole when something of this kind is looked up.
    mmengine.config.utils.MODULE2PACKAGE = {
        PACKAGE: PACKAGE,
        **mmengine.config.utils.MODULE2PACKAGE,
    }
    # mmengine.utils is where other packages take them from, as mmpose.apis does.
    for module in (mmengine.config.config, mmengine.hub.hub, mmengine.utils):
        module.get_installed_path = find_package_folder
    for module in (mmengine.config.config, mmengine.utils):
        module.is_installed = is_importable
    mmengine.hub.hub.install_package = _installing_if_missing(mmengine.hub.hub.install_package)
    Config.fromfile = staticmethod(_taking_names(Config.fromfile))
    Config._dict_to_config_dict = staticmethod(without_scopes(Config._dict_to_config_dict))


def find_package_folder(package: str) -> str:
    """Return the folder of an installed package, where it is imported from.

    Args:
        package: Name that pip knows the package by, as ``mmsegmentation``.

    Raises:
        ModuleNotFoundError: If it is not installed.
        FileNotFoundError: If it is ours and its configs are not beside it.
    """
    spec = find_spec(_module_of(package))
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the package {package} is not installed, or has no code")
    folder = Path(spec.origin).parent
    if package == PACKAGE and not (folder / ".mim").is_dir():
        raise FileNotFoundError(
            f"configs can be named as {PACKAGE}::... where pip install . or pip install -e . put "
            f"them beside the code of {PACKAGE}, got {folder} without .mim"
        )
    return str(folder)


def is_importable(package: str) -> bool:
    """Return whether a package is there.

    Args:
        package: Name that pip knows the package by.
    """
    spec = find_spec(_module_of(package))
    return spec is not None and spec.origin is not None


def _module_of(package: str) -> str:
    modules = {name: module for module, name in mmengine.config.utils.MODULE2PACKAGE.items()}
    return modules.get(package, package)


def _installing_if_missing(install: Callable[[str], None]) -> Callable[[str], None]:
    @wraps(install)
    def install_if_missing(package: str) -> None:
        if not is_importable(package):
            install(package)

    return install_if_missing


def _taking_names(read: Callable[..., Config]) -> Callable[..., Config]:
    @wraps(read)
    def read_file_or_name(filename: str | Path, *args: Any, **kwargs: Any) -> Config:
        return read(find_config(filename), *args, **kwargs)

    return read_file_or_name


def find_config(name: str | Path) -> str | Path:
    """Return the file of a config that is named as ``package::folder/file.py``.

    Args:
        name: Such a name; a path is returned as it is.

    Raises:
        ValueError: If MMEngine knows no such package.
        FileNotFoundError: If the package has no such config.
    """
    if "::" not in str(name):
        return name
    try:
        return Config._get_cfg_path(str(name), "")[0]
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise MissingConfigError(f"config {name}: {error}") from error
    except (AssertionError, ValueError) as error:
        raise ConfigFileError(f"config {name}: {error}") from error
