"""What a public project has beside its code says the same as the code."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from mmctl import __version__
from mmctl.__main__ import find_tools
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "en"))
import reference_pages

CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.py") if "_base_" not in path.parts)


def test_the_citation_is_of_this_version_and_names_the_paper():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == __version__
    assert cited["license"] == "Apache-2.0"
    (paper,) = cited["references"]
    assert paper["title"].startswith("Spatial-Temporal Correlation and Topology Learning")
    assert len(paper["authors"]) == 5


def test_the_workflow_calls_what_the_readme_calls():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert {"run": ".ci/run"} in steps
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    rows = workflow["jobs"]["tests"]["strategy"]["matrix"]["include"]
    for name in filter(None, (row["set"] for row in rows)):
        assert (ROOT / "requirements" / f"environment-{name}.txt").is_file()


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_forms_of_issues_can_be_read(name):
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    assert {"name", "description", "body"} <= set(form)
    assert all({"type", "attributes"} <= set(part) for part in form["body"])


def test_the_security_page_names_what_exists():
    text = (ROOT / "SECURITY.md").read_text()
    for path in re.findall(r"\]\(([^)#]+)", text):
        assert (ROOT / path).is_file(), path
    from mmctl.checkpoints.checkpoint_reading import TRUST

    assert TRUST in text


def test_every_page_is_in_the_contents_of_the_site():
    folder = ROOT / "docs" / "en"
    listed = re.findall(r"^[a-z_]+(?:/[a-z_]+)?$", (folder / "index.md").read_text(), re.MULTILINE)
    pages = {path.stem for path in folder.glob("*.md")} - {"index"}
    pages |= {f"notebooks/{path.stem}" for path in (folder / "notebooks").glob("*.ipynb")}
    assert pages | {"reference/index"} == set(listed)
    assert len(listed) == len(set(listed))


def test_the_reference_describes_every_public_name_once(tmp_path):
    modules = reference_pages.public_modules()
    assert {"mmctl.gallery", "mmctl.functional.graph", "mmctl.models.losses"} <= set(modules)
    reference_pages.write_reference(tmp_path)
    names = [name for module in modules for name in reference_pages.public_names(module)]
    owned = reference_pages.owned_names(modules)
    described = [f"{module}.{name}" for module in modules for name in owned[module]]
    assert len(described) == len(set(described))
    assert set(described) <= set(names)
    for full in names:
        module, _, name = full.rpartition(".")
        page = (tmp_path / f"{module}.rst").read_text()
        assert re.search(rf"\b{name}\b", page), full
    configs = (tmp_path / "configs.md").read_text()
    for path in CONFIGS:
        name = re.escape(str(path.relative_to(ROOT)))
        assert re.search(rf"^\| `{name}` \| \S", configs, re.MULTILINE), path


def test_what_is_offered_twice_is_described_where_it_is_written():
    owned = reference_pages.owned_names(["mmctl.files", "mmctl.datasets.synthetic"])
    assert "DiskFullError" in owned["mmctl.files"]
    assert "DiskFullError" not in owned["mmctl.datasets.synthetic"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "en" / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem
)
def test_a_notebook_was_run_and_its_commands_are_tools(path):
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    sources = ["".join(cell["source"]) for cell in cells]
    for source in sources:
        assert set(re.findall(r"-m mmctl (\w+)", source)) <= set(find_tools())
        if not source.startswith("%%"):
            compile(source, path.name, "exec")
    assert path.stat().st_size < 2**20
    assert not re.search(r"/tmp/|/site-packages/|\\\\u001b", path.read_text())


def test_every_config_is_in_a_metafile_once():
    listed = yaml.safe_load((ROOT / "model-index.yml").read_text())["Import"]
    assert sorted(listed) == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "configs").rglob("metafile.yml")
    )
    found = [yaml.safe_load((ROOT / name).read_text()) for name in listed]
    models = [model for content in found for model in content["Models"]]
    assert sorted(model["Config"] for model in models) == [
        str(p.relative_to(ROOT)) for p in CONFIGS
    ]
    assert len({model["Name"] for model in models}) == len(models)
    collections = {one["Name"]: one for content in found for one in content["Collections"]}
    for model in models:
        assert model["Name"] == Path(model["Config"]).stem
        assert (ROOT / collections[model["In Collection"]]["Code"]["URL"]).is_file()


def test_every_folder_of_configs_has_a_page_whose_links_lead_somewhere():
    folders = {path.relative_to(ROOT).parts[1] for path in CONFIGS}
    for folder in folders:
        page = ROOT / "configs" / folder / "README.md"
        for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page}: {link}"
        for pattern in re.findall(r"^\| `([^`]+)` \|", page.read_text(), re.MULTILINE):
            first = re.sub(r"\{([^,}]*)[^}]*\}", r"\1", pattern)
            assert list(page.parent.glob(first)), f"{page}: {pattern}"
