"""Pins, environments and documents agree on Pythons and versions."""

from __future__ import annotations

import re

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.requirement_files import ROOT, requirements

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
