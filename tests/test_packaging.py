"""What a wheel and an editable install hold, built from a copy of the checkout without network."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from mmctl import __version__
from tests.requirement_files import ROOT, requirements

NO_WHEELS = Version(importlib.metadata.version("setuptools")) < Version("70.1")
needs_wheels = pytest.mark.skipif(NO_WHEELS, reason="needs setuptools >= 70.1")


def build(checkout: Path, target: Path, kind: str) -> list[str]:
    """Call the build backend as pip does and return the names of the files in the result."""
    call = f"from setuptools import build_meta; build_meta.build_{kind}({str(target)!r})"
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with zipfile.ZipFile(next(target.glob("*.whl"))) as wheel:
        return wheel.namelist()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("checkout") / "mmctl"
    parts = ("mmctl", "configs", "tools", "tests", "dev", "docs", "requirements", "CONTRIBUTING.md")
    parts += ("requirements.txt", "model-index.yml", "CHANGELOG.md", "CITATION.cff", "SECURITY.md")
    for name in (*parts, "setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md"):
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".mim", "_build", "reference")
            shutil.copytree(source, target / name, ignore=ignored)
        elif source.is_file():
            shutil.copy(source, target / name)
    (target / "configs" / "own").mkdir()
    (target / "configs" / "own" / "mine.py").touch()
    (target / "tools" / "__pycache__").mkdir()
    (target / "tools" / "__pycache__" / "stale.pyc").touch()
    return target


@needs_wheels
def test_a_wheel_holds_every_module_config_and_tool(checkout, tmp_path):
    names = set(build(checkout, tmp_path, "wheel"))
    modules = {str(p.relative_to(checkout)) for p in (checkout / "mmctl").rglob("*.py")}
    assert modules <= names
    for folder in ("configs", "tools"):
        files = {
            f"mmctl/.mim/{path.relative_to(checkout)}"
            for path in (checkout / folder).rglob("*")
            if path.is_file() and not {"__pycache__", "benchmarks"} & set(path.parts)
        }
        assert files
        assert files <= names
    assert "mmctl/.mim/configs/own/mine.py" in names
    assert {"mmctl/serving/page/app.js", "mmctl/py.typed"} <= set(names)
    left_out = {"__pycache__", "benchmarks", "dev", "tests"}
    assert not [name for name in names if left_out & set(Path(name).parts)]
    assert f"mmctl-{__version__}.dist-info/METADATA" in names
    assert any(name.endswith("LICENSE") for name in names)


@needs_wheels
def test_a_wheel_does_not_keep_a_config_that_is_gone(checkout, tmp_path):
    gone = checkout / "configs" / "own" / "gone.py"
    gone.touch()
    assert "mmctl/.mim/configs/own/gone.py" in build(checkout, tmp_path, "wheel")
    gone.unlink()
    assert "mmctl/.mim/configs/own/gone.py" not in build(checkout, tmp_path / "2", "wheel")


@needs_wheels
def test_an_editable_install_links_configs_and_tools(checkout, tmp_path):
    for kind in ("1", "again"):
        names = build(checkout, tmp_path / kind, "editable")
        assert not [name for name in names if name.startswith("mmctl/")]
        for folder in ("configs", "tools"):
            link = checkout / "mmctl" / ".mim" / folder
            assert link.is_symlink()
            assert not os.path.isabs(os.readlink(link))
            assert link.resolve() == checkout / folder


# Without the .pth files of this environment, of which one may make another checkout importable.
COLD = """
import site, sys
sys.path[:0] = [sys.argv[1]]
sys.path += sys.argv[2:]
sys.modules["pkg_resources"] = None  # as with setuptools >= 82
site.addsitedir(sys.argv[1])
import mmctl.engine
from mmengine.config import Config
from mmengine.hub import get_config, get_model
name = "mmctl::quickstart/ctl_r18_quickstart.py"
with open("mine.py", "w") as file:
    file.write("_base_ = 'mmctl::_base_/default_runtime.py'")
print(mmctl.__file__)
print(get_config(name).filename)
print(Config.fromfile(name).model.type, Config.fromfile("mine.py").default_scope)
print(type(get_model(name)).__name__)
"""


@needs_wheels
@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_configs_and_models_have_names_in_a_cold_interpreter(checkout, tmp_path, kind):
    site = tmp_path / "site"
    build(checkout, tmp_path, kind)
    shutil.unpack_archive(next(tmp_path.glob("*.whl")), site, "zip")
    packages = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run = subprocess.run(
        [sys.executable, "-S", "-c", COLD, str(site), *packages],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    package = (site if kind == "wheel" else checkout) / "mmctl"
    assert run.stdout.splitlines()[-4:] == [
        str(package / "__init__.py"),
        str(package / ".mim" / "configs" / "quickstart" / "ctl_r18_quickstart.py"),
        "VideoReID mmctl",
        "VideoReID",
    ], run.stderr[-3000:]


@needs_wheels
def test_a_source_distribution_can_build_the_wheel(checkout, tmp_path):
    call = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=checkout, capture_output=True, text=True, check=True
    )
    assert "no files found matching" not in done.stdout + done.stderr
    shutil.unpack_archive(next(tmp_path.glob("*.tar.gz")), tmp_path)
    for name in ("tests/**/*.py", "dev/**/*.py", "docs/**/*.*", "*.md"):
        paths = list(checkout.glob(name))
        assert paths
        for path in paths:
            unpacked = tmp_path / f"mmctl-{__version__}" / path.relative_to(checkout)
            assert unpacked.is_file(), path
    names = build(tmp_path / f"mmctl-{__version__}", tmp_path / "wheel", "wheel")
    assert "mmctl/.mim/configs/own/mine.py" in names
    assert {"mmctl/serving/page/app.js", "mmctl/py.typed"} <= set(names)
    assert "mmctl/.mim/tools/quickstart.sh" in names


@needs_wheels
def test_a_wheel_brings_what_it_needs_and_offers_mmpose(checkout, tmp_path):
    build(checkout, tmp_path, "wheel")
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        metadata = wheel.read(f"mmctl-{__version__}.dist-info/METADATA").decode()
    found = [Requirement(line) for line in re.findall(r"^Requires-Dist: (.+)", metadata, re.M)]
    always = {r.name for r in found if "extra" not in str(r.marker)}
    assert always == {
        r.name for name in ("runtime", "mminstall") for r in requirements(name, "3.11")
    }
    extra = {r.name for r in found if 'extra == "pose"' in str(r.marker)}
    assert extra == {r.name for r in requirements("pose", "3.11")}
    assert not [r for r in found if r.name.startswith("onedl")]


def test_an_index_of_packages_gets_whole_addresses(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    source = (checkout / "setup.py").read_text()
    names: dict = {"__file__": str(checkout / "setup.py"), "__name__": "setup"}
    exec(compile(source.partition("\nNAMES = ")[0], "setup.py", "exec"), names)
    text = names["read_description"]()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 20
    assert all(link.startswith((names["URL"] + "/", "#")) for link in links)
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert all(f"{names['URL']}/raw/main/docs/en/figures/" in picture for picture in pictures)
