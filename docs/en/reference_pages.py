"""Pages of the reference, made from the package: its public names, its configs."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import textwrap
from itertools import pairwise
from pathlib import Path
from types import GenericAlias

import yaml

import mmctl

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_ALL = ("mmctl.functional",)
"""Packages whose modules are public, each with all of its functions."""


def public_modules() -> list[str]:
    """Return the modules whose names users may rely on."""
    found = ["mmctl.registry"]
    for module in pkgutil.walk_packages(mmctl.__path__, "mmctl."):
        if module.name.startswith("mmctl..mim"):
            continue
        is_function = module.name.rpartition(".")[0] in WITHOUT_ALL and not module.ispkg
        path = ROOT / (module.name.replace(".", "/") + "/__init__.py")
        if is_function or (module.ispkg and "__all__" in path.read_text("utf-8")):
            found.append(module.name)
    return sorted(found)


def public_names(module: str) -> list[str]:
    """Return the full names of what a module offers."""
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(found).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module
        ]
    return [f"{module}.{name}" for name in names]


def owned_names(modules: list[str]) -> dict[str, list[str]]:
    """Return, for each module, the names that its page describes; other pages point there.

    What several packages offer is described by the one that is nearest to where it is written.
    """
    places: dict[str, list[tuple[str, str]]] = {}
    for module in modules:
        for name in public_names(module):
            short = name.rpartition(".")[2]
            places.setdefault(_origin(module, short), []).append((module, short))
    owned: dict[str, list[str]] = {module: [] for module in modules}
    for origin, offers in places.items():
        module, short = max(offers, key=lambda offer: len(_common(offer[0], origin)))
        owned[module].append(short)
    return owned


def _is_data(module: str, name: str) -> bool:
    value = getattr(importlib.import_module(module), name)
    return isinstance(value, GenericAlias) or not callable(value)


def _origin(module: str, name: str) -> str:
    value = getattr(importlib.import_module(module), name)
    if callable(value):
        return f"{getattr(value, '__module__', module)}.{getattr(value, '__qualname__', name)}"
    return f"{module}.{name}"


def _data(module: str, name: str) -> str:
    """Return a value with what stands below it in the module that it is written in."""
    text = f"\n.. py:data:: {name}\n   :module: {module}\n"
    for path in sorted((ROOT / module.replace(".", "/")).glob("*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        for assigned, below in pairwise(body):
            targets = getattr(assigned, "targets", [getattr(assigned, "target", None)])
            is_it = any(isinstance(t, ast.Name) and t.id == name for t in targets)
            if is_it and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                said = textwrap.dedent(below.value.value)
                return f"{text}\n{textwrap.indent(said, '   ')}\n"
    return text


def _common(module: str, origin: str) -> str:
    return module if origin.startswith(module + ".") else ""


def config_pages() -> str:
    """Return a table of configs for each collection of the metafiles."""
    lines = ["# Configs", "", "Every config of the package, by the collections of its metafiles."]
    index = yaml.safe_load((ROOT / "model-index.yml").read_text("utf-8"))
    for name in index["Import"]:
        content = yaml.safe_load((ROOT / name).read_text("utf-8"))
        (collection,) = content["Collections"]
        lines += ["", f"## {collection['Name']}", ""]
        if paper := collection.get("Paper"):
            lines += [f"[{paper['Title']}]({paper['URL']})", ""]
        lines += ["| config | what |", "|---|---|"]
        for model in content["Models"]:
            text = ast.get_docstring(ast.parse((ROOT / model["Config"]).read_text("utf-8"))) or ""
            first = text.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
            lines.append(f"| `{model['Config']}` | {first} |")
    return "\n".join(lines) + "\n"


def write_reference(folder: Path) -> None:
    """Write the pages.

    Args:
        folder: Where; what is there is replaced.
    """
    folder.mkdir(exist_ok=True)
    modules = public_modules()
    owned = owned_names(modules)
    owners = {_origin(module, name): module for module in modules for name in owned[module]}
    for module in modules:
        text = f"{module}\n{'=' * len(module)}\n\n.. automodule:: {module}\n"
        described = [name for name in owned[module] if not _is_data(module, name)]
        if described:
            text += f"   :members: {', '.join(described)}\n   :show-inheritance:\n"
        text += "".join(_data(module, name) for name in owned[module] if name not in described)
        for full in public_names(module):
            name = full.rpartition(".")[2]
            if name not in owned[module]:
                text += f"\n* ``{name}`` is :py:obj:`{owners[_origin(module, name)]}.{name}`"
        _write(folder / f"{module}.rst", text + "\n")
    _write(folder / "configs.md", config_pages())
    pages = "\n".join(["configs", *modules])
    toc = f"```{{toctree}}\n:maxdepth: 1\n{pages}\n```\n"
    _write(folder / "index.md", f"# Reference\n\n{toc}")


def _write(path: Path, text: str) -> None:
    """Write a page only where it differs: Sphinx reads what is newer again."""
    if not path.is_file() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")
