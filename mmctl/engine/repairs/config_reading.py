"""Read config files strictly, and name the file and the line of whatever is wrong with one.

MMEngine's reader follows a circle of ``_base_`` until Python gives up, waits at a named pipe, runs
the code that a YAML file names, keeps the last of two keys and puts its faults in Python's words,
of a temporary copy. :func:`mend_config_reading` mends it for every config, also for those of pose
estimators and other packages.
"""

from __future__ import annotations

import ast
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

import mmengine.config.config
import mmengine.config.utils
import yaml
from mmengine.config import Config
from mmengine.config.config import BASE_KEY, RESERVED_KEYS

from mmctl.engine.repairs.custom_modules import check_imports, import_custom_modules
from mmctl.files import parse_json, read_text
from mmctl.files.yaml_files import StrictLoader

SUFFIXES = (".py", ".json", ".yaml", ".yml")

_chain: ContextVar[tuple[str, ...]] = ContextVar("configs that are being read", default=())
"""The files that are being read, each a base of the one before it."""

_files: ContextVar[dict[str, None] | None] = ContextVar("all files of a config", default=None)


class ConfigFileError(ValueError):
    """A config file that cannot be read; the message names it."""


class MissingConfigError(ConfigFileError, FileNotFoundError):
    """A config file that does not exist."""


class _FileFaultError(Exception):
    """What is wrong with the file that is being read."""


def read_config(path: str | Path) -> Config:
    """Read a config with its bases; ``~`` is the home folder, in the path and in the values.

    Args:
        path: File with ending ``.py``, ``.json``, ``.yaml`` or ``.yml``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file or one of its bases cannot be read; the message names it.
    """
    name = os.path.expanduser(path)
    files: dict[str, None] = {}
    _files.set(files)
    cfg = Config.fromfile(name, import_custom_modules=False)
    import_custom_modules(name, cfg.get("custom_imports"), map(os.path.dirname, files))
    check_imports(files)
    expand_home(cfg._cfg_dict)
    return cfg


def expand_home(value: Any) -> Any:
    """Put the home folder into the place of ``~`` in every text that begins with it.

    Args:
        value: A text, a dict, which is changed in place, a list or tuple of such, or anything else.

    Returns:
        The value, expanded.
    """
    if isinstance(value, str):
        return os.path.expanduser(value)
    if isinstance(value, dict):
        for key, item in list(dict.items(value)):  # .items() would build what is lazy
            dict.__setitem__(value, key, expand_home(item))
    elif isinstance(value, (list, tuple)):
        return type(value)([expand_home(item) for item in value])
    return value


def mend_config_reading() -> None:
    """Replace, once, what MMEngine reads config files with."""
    if mmengine.config.config.load is not _load_data:
        mmengine.config.config.load = _load_data
        Config._is_lazy_import = staticmethod(_checking_first(Config._is_lazy_import))
        Config._get_base_files = staticmethod(_with_checked_bases(Config._get_base_files))
        Config._parse_lazy_import = staticmethod(_named(Config._parse_lazy_import))
        for module in (mmengine.config.config, mmengine.config.utils):
            module._is_builtin_module = _is_of_python(module._is_builtin_module)
        Config._file2dict = staticmethod(_without_circles(Config._file2dict))


def _checking_first(is_lazy_import: Callable[[str], bool]) -> Callable[[str], bool]:
    """Let what MMEngine asks of each file first refuse one that cannot be a config."""

    @wraps(is_lazy_import)
    def check_and_ask(filename: str) -> bool:
        text = _read_file(filename)
        with _naming(filename):
            if filename.endswith(".py"):
                _check_base_line(ast.parse(text))
            return is_lazy_import(filename)

    return check_and_ask


def _read_file(filename: str) -> str:
    child = _chain.get()[-2:-1]
    what = f"config (named as {BASE_KEY} by {child[0]})" if child else "config"
    try:
        text = read_text(filename, what)
    except FileNotFoundError as error:
        raise MissingConfigError(str(error)) from None
    except (ValueError, OSError) as error:
        raise ConfigFileError(str(error)) from None
    if Path(filename).suffix not in SUFFIXES:
        raise ConfigFileError(
            f"{what} {filename} must end with one of {', '.join(SUFFIXES)}, because the ending "
            "says how to read it"
        )
    return text


def _check_base_line(module: ast.Module) -> None:
    """Raise if a Python config names its bases in a way that MMEngine passes over."""
    places = [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Name) and node.id == BASE_KEY and isinstance(node.ctx, ast.Store)
    ]
    lines = [node.lineno for node in module.body if isinstance(node, ast.Assign)]
    if len(places) > 1 or not set(places) <= set(lines):
        raise _FileFaultError(
            f"{BASE_KEY} must be assigned once and at the top level, as {BASE_KEY} = [...], since "
            f"no other line of it is read, got lines {places}"
        )


def _with_checked_bases(get_base_files: Callable[[str], list]) -> Callable[[str], list]:
    @wraps(get_base_files)
    def get_checked_files(filename: str) -> list:
        if filename.endswith(".py"):
            bases = get_base_files(filename)
        else:
            named = _load_data(filename).get(BASE_KEY, [])
            bases = named if isinstance(named, list) else [named]
        for base in bases:
            if not isinstance(base, str) or not base:
                raise _FileFaultError(
                    f"{BASE_KEY} must be the path of a config or a list of paths, got {base!r}"
                )
        return expand_home(bases)

    return get_checked_files


def _without_circles(read_file: Callable[..., tuple]) -> Callable[..., tuple]:
    """Let MMEngine's reader of one file refuse circles of bases, and name the file."""

    @wraps(read_file)
    def read_named(filename: str, *args: Any, **kwargs: Any) -> tuple:
        path = os.path.realpath(os.path.expanduser(filename))
        chain = (*_chain.get(), path)
        if path in chain[:-1]:
            raise ConfigFileError(
                f"config {path} must not be among its own bases: {' -> '.join(chain)}"
            )
        _note(path)
        token = _chain.set(chain)
        try:
            with _naming(filename):
                content = read_file(filename, *args, **kwargs)
                _check_names(content[0])
                return content
        finally:
            _chain.reset(token)

    return read_named


def _check_names(content: dict[str, Any]) -> None:
    """Raise if a config uses a name of MMEngine's for something else."""
    for name in RESERVED_KEYS:
        if name in content:
            raise _FileFaultError(
                f"{name!r} is a name that MMEngine keeps for itself, choose another one"
            )
    modules = content.get("custom_imports") or {"imports": []}
    names = modules.get("imports") if isinstance(modules, dict) else None
    texts = names if isinstance(names, (list, tuple)) else [names]
    if not all(isinstance(name, str) for name in texts):
        raise _FileFaultError(
            f"custom_imports must be dict(imports=[names of modules]), got {modules!r}"
        )


def _named(read: Callable[..., tuple]) -> Callable[..., tuple]:
    @wraps(read)
    def read_named(filename: str) -> tuple:
        _note(os.path.realpath(os.path.expanduser(filename)))
        with _naming(filename):
            return read(filename)

    return read_named


def _note(path: str) -> None:
    if (files := _files.get()) is not None:
        files[path] = None


def _is_of_python(is_builtin: Callable[[str], bool]) -> Callable[[str], bool]:
    """Let MMEngine know the modules of Python, which it does not find from within an environment.

    A config that has ``import os`` is else taken for one of the import style, where ``os`` is no
    module.
    """

    @wraps(is_builtin)
    def is_builtin_or_of_python(module_name: str) -> bool:
        return module_name.partition(".")[0] in sys.stdlib_module_names or is_builtin(module_name)

    return is_builtin_or_of_python


def _load_data(filename: str) -> dict[str, Any]:
    """Read a config that is no program, JSON or YAML; it takes the place of MMEngine's ``load``."""
    text = read_text(filename, "config")
    try:
        is_json = filename.endswith(".json")
        content = parse_json(text, "it") if is_json else yaml.load(text, Loader=StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" in line {mark.line + 1}" if mark else ""
        raise _FileFaultError(
            f"it is not plain YAML that can be read: {error.problem}{place}"
        ) from None
    except yaml.YAMLError as error:
        text = " ".join(str(error).split())
        raise _FileFaultError(f"it is not plain YAML that can be read: {text}") from None
    except ValueError as error:
        raise _FileFaultError(str(error)) from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise _FileFaultError(f"it must hold names and their values, got {str(content)[:80]!r}")
    return content


@contextmanager
def _naming(filename: str) -> Iterator[None]:
    """Turn what is raised within into an error that names a config file, and its line."""
    path = os.path.abspath(os.path.expanduser(filename))
    try:
        yield
    except ConfigFileError:
        raise
    except _FileFaultError as fault:
        raise ConfigFileError(f"config {path}: {fault}") from None
    except RecursionError as error:
        text = "it must not be nested so deeply, or contain itself"
        raise ConfigFileError(f"config {path}: {text}") from error
    except Exception as error:
        place = _find_line(error, path) or path
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        text = error.msg if isinstance(error, SyntaxError) else " ".join(text.split())
        raise ConfigFileError(f"config {place}: {type(error).__name__}: {text}") from error


def _find_line(error: Exception, path: str) -> str | None:
    """Return ``file, line N`` of a syntax error or of the line of the config that raised."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        # MMEngine parses text, whose file the error does not know; modules have one.
        is_text = error.filename in (None, "<unknown>")
        return f"{path if is_text else error.filename}, line {error.lineno}"
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == path]
    return f"{path}, line {lines[-1]}" if lines else None
