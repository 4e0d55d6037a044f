"""The documents name code and tests that exist, and every example config in them loads."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmctl.engine import check_config

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*(ROOT / "docs" / "en").glob("*.md"), *ROOT.glob("*.md")])
PACKAGES = ("mmctl.models", "mmctl.datasets", "mmctl.datasets.transforms", "mmctl.structures")


def cells(column: int) -> list[str]:
    """Return the code spans in one column (from the end) of the tables of paper choices."""
    text = (ROOT / "docs" / "en" / "paper_choices.md").read_text()
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    found = [re.findall(r"`([^`]+)`", row[column]) for row in rows]
    return sorted({name for names in found for name in names})


@pytest.mark.parametrize("name", cells(-2))
def test_the_code_that_a_choice_names_exists(name: str) -> None:
    owner, _, member = name.partition(".")
    if owner.islower():
        assert callable(getattr(importlib.import_module(f"mmctl.functional.{owner}"), member))
        return
    modules = [importlib.import_module(package) for package in (*PACKAGES, FUSION)]
    target = next(getattr(module, owner) for module in modules if hasattr(module, owner))
    assert not member or callable(getattr(target, member))


FUSION = "mmctl.models.heads.fusion_head"


@pytest.mark.parametrize("name", cells(-1))
def test_the_test_that_a_choice_names_exists(name: str) -> None:
    sources = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(f"def {name}(" in source for source in sources)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    pattern = r"(?<![\w/-])(?:tools|configs|docs|tests|dev)/[\w./-]+\.(?:py|sh|md|png|jpg)"
    for target in set(re.findall(pattern, path.read_text())):
        assert (ROOT / target).exists(), target


EQUATIONS = [
    [re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:-1]]
    for line in re.findall(
        r"^\| `.*\.py` .*$", (ROOT / "docs" / "en" / "architecture.md").read_text(), re.MULTILINE
    )
    if line.count("|") == 5
]


@pytest.mark.parametrize("row", EQUATIONS, ids=lambda row: row[0][0])
def test_a_component_calls_the_equations_that_are_named_beside_it(row: list[list[str]]) -> None:
    classes, files, _, functions = row
    source = "".join((ROOT / "mmctl" / "models" / name).read_text() for name in files)
    assert all(f"class {name}(" in source for name in classes)
    assert functions
    for name in functions:
        module, _, function = name.partition(".")
        assert callable(getattr(importlib.import_module(f"mmctl.functional.{module}"), function))
        assert f"{function}(" in source, name


def test_the_config_for_ones_own_tracklets_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "en" / "get_started.md").read_text()
    example = re.search(r"```python\n(_base_.*?)```", text, re.DOTALL)
    assert example is not None
    folder = ROOT / "configs" / "ctl"
    source = re.sub(r'_base_ = "\./', f'_base_ = "{folder}/', example[1])
    assert str(folder) in source
    path = tmp_path / "own.py"
    path.write_text(source)
    cfg = Config.fromfile(path)
    check_config(cfg)
    assert cfg.train_dataloader.dataset.type == "TrackletDataset"
    assert cfg.train_dataloader.dataset.pipeline[0].type == "SampleClip"
    assert cfg.model.head.num_classes == 100
