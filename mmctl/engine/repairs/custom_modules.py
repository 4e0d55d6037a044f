"""Import what ``custom_imports`` names, and say in one line why a module cannot be imported."""

from __future__ import annotations

import ast
import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import Registry

from mmctl import registry as mmctl_registry

_KEYS = ("imports", "allow_failed_imports")


def import_custom_modules(
    config: str, custom_imports: Mapping[str, Any] | None, folders: Iterable[str]
) -> None:
    """Import the modules that a config names.

    They are looked for as Python does, then in ``folders`` and in the folder where the process
    started, which stay at the end of ``sys.path``: workers find the modules there, too.

    Args:
        config: The config, for messages.
        custom_imports: Its ``custom_imports``.
        folders: Where else modules may lie: beside the config and its bases.

    Raises:
        ValueError: If a module is missing, fails or registers a name that exists.
    """
    _import_named(f"config {config}", custom_imports, [*dict.fromkeys(folders), os.getcwd()])


def import_stored_modules(checkpoint: str, custom_imports: Mapping[str, Any] | None) -> None:
    """Import the modules that the config in a checkpoint names.

    They are looked for on Python's path alone: what another's checkpoint names must not be found in
    whatever folder the process happens to be in.

    Args:
        checkpoint: The checkpoint, for messages.
        custom_imports: The ``custom_imports`` of its config.

    Raises:
        ValueError: As :func:`import_custom_modules`.
    """
    _import_named(f"checkpoint {checkpoint!r}: the config that it carries", custom_imports, [])


def _import_named(
    owner: str, custom_imports: Mapping[str, Any] | None, folders: Sequence[str]
) -> None:
    if not custom_imports:
        return
    if not isinstance(custom_imports, Mapping):
        raise ValueError(f"{owner}: custom_imports must be a dict, got {custom_imports!r:.80}")
    for key in custom_imports:
        if key not in _KEYS:
            raise ValueError(f"{owner}: custom_imports takes {' and '.join(_KEYS)}, got {key!r}")
    imports = custom_imports.get("imports") or ()
    names = (imports,) if isinstance(imports, str) else imports
    if not isinstance(names, (list, tuple)) or not all(map(_is_module_name, names)):
        raise ValueError(
            f"{owner}: custom_imports must list names of modules, as 'my_package.losses', got "
            f"{imports!r:.80}"
        )
    before = _registered_names()
    for name in names:
        try:
            _import_module(name, folders)
        except Exception as error:
            if custom_imports.get("allow_failed_imports") and isinstance(error, ImportError):
                print_log(f"{name} failed to import and is ignored: {error}", logger="current")
                continue
            raise ValueError(
                f"{owner}: custom_imports must name modules that can be imported, but "
                f"{_describe(name, error, folders)}"
            ) from error
    _check_names(owner, before)


def _is_module_name(name: Any) -> bool:
    return isinstance(name, str) and all(part.isidentifier() for part in name.split("."))


def check_imports(files: Iterable[str]) -> None:
    """Raise if a Python config imports from a package that is not there.

    MMEngine imports what a config of the import style names when it is built, or never.

    Args:
        files: The config and its bases.

    Raises:
        ValueError: If a package is missing; file and line are named.
    """
    for file in files:
        text = Path(file).read_text(encoding="utf-8") if file.endswith(".py") else ""
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names = [node.module]
            else:
                continue
            for name in (name.partition(".")[0] for name in names):
                if name not in sys.modules and find_spec(name) is None:
                    raise ValueError(
                        f"config {file}, line {node.lineno}: there is no {name!r} on Python's "
                        "path; custom_imports finds modules beside a config"
                    )


def _import_module(name: str, folders: Sequence[str]) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not _is_missing_itself(name, error):
            raise
    sys.path.extend(folder for folder in dict.fromkeys(folders) if folder not in sys.path)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _is_missing_itself(name: str, error: ModuleNotFoundError) -> bool:
    """Return whether a module, or a package that it is in, is missing, not one that it imports."""
    return error.name is not None and f"{name}.".startswith(f"{error.name}.")


def _describe(name: str, error: Exception, folders: Sequence[str]) -> str:
    if isinstance(error, ModuleNotFoundError) and _is_missing_itself(name, error):
        places = f" or in {', '.join(dict.fromkeys(folders))}" if folders else ""
        return (
            f"there is no {name!r} on Python's path{places}; PYTHONPATH=FOLDER before the "
            "command adds the folder that it lies in"
        )
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    text = " ".join(text.split())
    if "already registered" in text:
        text += "; give yours another name"
    return f"{_place(name, error)}: {type(error).__name__}: {text}"


def _place(name: str, error: Exception) -> str:
    """Return the module's file and the line that failed, or its name."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    try:
        spec = find_spec(name)
    except Exception:  # of a package around it, which fails once more
        return name
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if spec is not None and frame.filename == spec.origin
    ]
    return f"{spec.origin}, line {lines[-1]}" if spec is not None and lines else name


def _registries() -> dict[str, Registry]:
    return {k: v for k, v in vars(mmctl_registry).items() if isinstance(v, Registry)}


def _registered_names() -> dict[str, set[str]]:
    return {kind: set(part.module_dict) for kind, part in _registries().items()}


def _check_names(owner: str, before: Mapping[str, set[str]]) -> None:
    """Raise if a new name is one of ours that was not imported yet."""
    for kind, part in _registries().items():
        new = {
            name: component
            for name, component in part.module_dict.items()
            if name not in before[kind] and component.__module__.partition(".")[0] != "mmctl"
        }
        if not new:
            continue
        try:
            part.import_from_location()
        except KeyError as error:
            name = str(error.args[0]).partition(" ")[0]
            taken = new.get(name)
            raise ValueError(
                f"{owner}: module {taken.__module__ if taken else name} of custom_imports "
                f"must not register {name!r}, because mmctl has a {part.name} of this name; give "
                "yours another one"
            ) from error
