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
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from mmctl import __version__

ROOT = Path(__file__).parents[1]
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


_COMMON = ("runtime", "optional", "serve", "onnx", "tests", "build")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SETS = {
    "constraints": (
        PYTHONS,
        (*_COMMON, "mminstall", "track"),
    ),
    "constraints-pose": (
        PYTHONS[:2],
        (*_COMMON, "mminstall", "pose"),
    ),
    "constraints-onedl": (
        PYTHONS,
        (*_COMMON, "onedl", "track"),
    ),
}
"""For each set of versions, the Pythons that it is for and the lists that are installed with it."""
WITH_PYTHON = [(name, python) for name, (pythons, _) in SETS.items() for python in pythons]
VULNERABLE = ("4.10.0.82", "4.10.0.84", "4.11.0.86")


def requirement_lines(name: str) -> list[str]:
    return (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()


def requirements(name: str, python: str) -> list[Requirement]:
    found = [
        Requirement(line) for line in requirement_lines(name) if line[:1] not in ("-", "#", "")
    ]
    return [
        requirement
        for requirement in found
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python})
    ]


def pins(name: str, python: str) -> dict[str, str]:
    found = requirements(name, python)
    assert all(str(pin.specifier).startswith("==") for pin in found)
    assert len({pin.name for pin in found}) == len(found)
    return {pin.name: str(pin.specifier)[2:] for pin in found}


def declared(keyword: str) -> str:
    """Return the value of a keyword of ``setup`` as it is written."""
    source = (ROOT / "setup.py").read_text()
    return re.search(rf'^    {keyword}="([^"]+)"', source, re.MULTILINE)[1]


@pytest.mark.parametrize(("name", "python"), WITH_PYTHON)
def test_a_pin_satisfies_what_is_required(name, python):
    versions = pins(name, python)
    for list_name in SETS[name][1]:
        for requirement in requirements(list_name, python):
            assert requirement.specifier.contains(versions[requirement.name]), requirement


@pytest.mark.parametrize(("name", "python"), WITH_PYTHON)
def test_both_builds_of_opencv_have_one_version(name, python):
    versions = pins(name, python)
    assert versions["opencv-python"] == versions["opencv-python-headless"]


@pytest.mark.parametrize("python", PYTHONS)
def test_no_opencv_with_a_vulnerable_decoder_is_allowed(python):
    allowed = {r.name: r.specifier for r in requirements("runtime", python)}["opencv-python"]
    assert not any(allowed.contains(version) for version in VULNERABLE)
    assert not {pins(n, python)["opencv-python"] for n in SETS} & set(VULNERABLE)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_default_is_numpy_2_with_an_opencv_that_was_mended(python):
    for name in ("constraints", "constraints-onedl"):
        versions = pins(name, python)
        assert Version(versions["numpy"]) >= Version("2")
        assert Version(versions["opencv-python"]) >= Version("4.12")


def test_numpy_1_and_an_older_opencv_are_allowed_where_mmpose_can_be_only():
    for python in PYTHONS:
        allowed = {r.name: r.specifier for r in requirements("runtime", python)}
        with_mmpose = python in SETS["constraints-pose"][0]
        assert allowed["numpy"].contains("1.26.4") == with_mmpose
        assert allowed["opencv-python"].contains("4.9.0.80") == with_mmpose


def test_the_sets_differ_where_mmpose_or_the_forks_ask_for_it_only():
    default = pins("constraints", "3.11")
    pose, onedl = pins("constraints-pose", "3.11"), pins("constraints-onedl", "3.11")
    opencv = {"opencv-python", "opencv-python-headless"}
    trackers = {"trackers", "supervision"}  # need numpy 2
    differ = {name for name in default if default[name] != pose.get(name)}
    assert differ == {"numpy", "mmcv-lite", "setuptools"} | opencv | trackers
    assert pose.keys() - default.keys() == {"mmpose", "chumpy", "xtcocotools", "munkres"}
    family = {"mmengine", "mmpretrain", "mmcv-lite"}
    forks = {"onedl-mmengine", "onedl-mmpretrain", "onedl-mmcv"}
    assert default.keys() ^ onedl.keys() == family | forks
    assert all(onedl[name] == default[name] for name in default.keys() - family)


def test_setup_script_and_documents_name_the_same_pythons():
    allowed = SpecifierSet(declared("python_requires"))
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed] == list(PYTHONS)
    named = re.findall(r"Python :: (3\.\d+)", (ROOT / "setup.py").read_text())
    assert tuple(named) == PYTHONS
    script = (ROOT / "tools" / "choose_environment.sh").read_text()
    listed = dict(re.findall(r'(\w+)\) PYTHONS="([^"]+)"', script))
    assert {name: tuple(sorted(text.split())) for name, text in listed.items()} == {
        name.replace("constraints-", "").replace("constraints", "default"): pythons
        for name, (pythons, _) in SETS.items()
    }
    for document in ("README.md", "docs/en/get_started.md", "docs/en/installation.md"):
        assert "Python 3.10 to 3.13" in (ROOT / document).read_text(), document


@pytest.mark.parametrize("name", SETS)
def test_an_environment_has_its_set_and_everything_but_the_documentation(name):
    chosen = name.removeprefix("constraints")
    file = f"requirements/environment{chosen}.txt" if chosen else "requirements.txt"
    text = (ROOT / file).read_text()
    assert re.findall(r"^-c (?:requirements/)?(\S+)\.txt", text, re.MULTILINE) == [name]
    included = re.findall(r"^-r (?:requirements/)?(\S+)\.txt", text, re.MULTILINE)
    assert sorted(included) == sorted(SETS[name][1])


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
