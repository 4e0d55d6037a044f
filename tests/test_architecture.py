import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import mmctl

PACKAGE = Path(mmctl.__file__).parent
CORE = sorted((PACKAGE / "functional").glob("*.py"))
FRAMEWORKS = ("mmengine", "mmcv", "mmpretrain", "mmpose", "cv2")


def imported_modules(path):
    """Return the absolute modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            yield node.module


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_the_core_imports_torch_and_numpy_only(path):
    for module in imported_modules(path):
        top = module.split(".")[0]
        inside = module == "mmctl.functional" or module.startswith("mmctl.functional.")
        assert inside or top in {"torch", "numpy", *sys.stdlib_module_names}, module


def test_no_import_of_ours_hides_in_a_string():
    # Where import-linter, whose contracts are in pyproject.toml, does not see it. The registries
    # name the packages that fill them, which is how MMEngine finds components.
    hidden = []
    for folder in ("mmctl", "tools", "dev"):
        for path in (PACKAGE.parent / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
                if isinstance(value, str) and re.fullmatch(r"mmctl(\.[a-z_]\w*)+", value):
                    hidden.append(f"{path.name}: {value}")
    assert [place for place in hidden if not place.startswith("registry.py: ")] == []
    assert len(hidden) >= 9


def test_the_drawn_house_is_the_one_that_is_kept():
    root = PACKAGE.parent
    layers = re.search(r"^layers = \[(.*?)^\]", (root / "pyproject.toml").read_text(), re.M | re.S)
    kept = [sorted(re.findall(r"\w+", row)) for row in re.findall(r'"(.+)"', layers[1])]
    kept[-1].remove("version")
    _, *floors = runpy.run_path(root / "docs" / "en" / "figures" / "draw_house.py")["STOREYS"]
    assert [sorted(name for name, _ in rooms) for _, rooms in floors] == kept


def test_there_is_a_core():
    assert {"parts", "graph", "cross_scale", "losses"} <= {path.stem for path in CORE}


def test_the_package_and_its_core_import_no_framework():
    modules = ["mmctl", *(f"mmctl.functional.{path.stem}" for path in CORE)]
    modules.remove("mmctl.functional.__init__")
    code = (
        f"import importlib, sys\n"
        f"for name in {modules}: importlib.import_module(name)\n"
        f"print(sorted(set({FRAMEWORKS}) & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_registries_import_no_component():
    code = (
        "import sys, mmctl.registry\n"
        "print(sorted(m for m in sys.modules if m.startswith('mmctl.')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['mmctl.registry', 'mmctl.version']"


def test_no_small_backbone_has_fewer_channels_than_innermost_channels_need():
    # The backward of fewer than 8 aborts on many processors (docs/en/long_runs.md, "Faster").
    root = PACKAGE.parent
    sizes = {}
    for folder in ("configs", "dev", "tests", "tools"):
        for path in (root / folder).rglob("*.py"):
            found = re.findall(r"(?:base|stem)_channels\W+(\d+)", path.read_text())
            sizes.update({path.relative_to(root): min(map(int, found))} if found else {})
    assert len(sizes) >= 7
    assert {path: size for path, size in sizes.items() if size < 8} == {}
