"""Build and install mmctl: what the package holds, needs and offers as extras.

Configs and tools are part of the package as ``mmctl/.mim/{configs,tools}``, where the OpenMMLab
tools look for them: copied into a wheel, linked to the checkout by an editable install.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ("configs", "tools", "model-index.yml")
URL = "https://github.com/mmctl/mmctl"
"""Where the project lives; no other place names it."""
NOT_SHIPPED = ROOT / "tools" / "benchmarks"


def read_version() -> str:
    text = (ROOT / "mmctl" / "version.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise RuntimeError('mmctl/version.py must have a line __version__ = "X.Y.Z"')
    return found[1]


def read_requirements(name: str) -> list[str]:
    """Return the requirements of ``requirements/<name>.txt``, with the files it includes."""
    lines = []
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            lines += read_requirements(Path(line[3:]).stem)
        elif line and not line.startswith("-"):
            lines.append(line)
    return lines


class BuildWithConfigsAndTools(build_py):
    """Add ``mmctl/.mim`` to what is built.

    pip runs an editable install through this command too; which of the two it is stands in
    ``editable_mode``, while ``sys.argv`` differs from one version of pip to the next.
    """

    def run(self) -> None:
        super().run()
        package = ROOT / "mmctl" if self.editable_mode else Path(self.build_lib) / "mmctl"
        target = package / ".mim"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        for name in filter(lambda name: (ROOT / name).exists(), SHIPPED):
            if not (self.editable_mode and link(name, target)):
                copy(name, target)


def link(name: str, target: Path) -> bool:
    """Return whether a link could be made: some file systems and accounts have none."""
    try:
        (target / name).symlink_to(Path(os.pardir, os.pardir, name))
    except OSError:
        return False
    return True


def copy(name: str, target: Path) -> None:
    source = ROOT / name
    if source.is_dir():
        shutil.copytree(source, target / name, ignore=leave_out)
    else:
        shutil.copy2(source, target / name)


def leave_out(folder: str, names: list[str]) -> list[str]:
    """Return what ``copytree`` passes over: benchmarks are for a checkout."""
    return [name for name in names if name == "__pycache__" or Path(folder, name) == NOT_SHIPPED]


def read_description() -> str:
    """Return the README; an index of packages needs whole addresses in it."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    text = re.sub(r"(!\[[^]]*\])\((?!https?:|#)([^)]+)\)", rf"\1({URL}/raw/main/\2)", text)
    return re.sub(r"(?<!!)(\[[^]]*\])\((?!https?:|#)([^)]+)\)", rf"\1({URL}/blob/main/\2)", text)


NAMES = ("optional", "pose", "tests", "track", "serve", "onnx", "docs", "milvus", "faiss")
EXTRAS = {name: read_requirements(name) for name in NAMES}
EXTRAS["mim"] = read_requirements("mminstall")  # part of every install; OpenMMLab's name for it
EXTRAS["all"] = sorted({line for name in ("optional", "tests") for line in EXTRAS[name]})

setup(
    name="mmctl",
    version=read_version(),
    description="Video person re-identification on the OpenMMLab stack",
    long_description=read_description(),
    long_description_content_type="text/markdown",
    author="The mmctl authors",
    license="Apache-2.0",
    url=URL,
    project_urls={
        "Documentation": f"{URL}/tree/main/docs/en",
        "Changelog": f"{URL}/blob/main/CHANGELOG.md",
        "Issues": f"{URL}/issues",
        "Security": f"{URL}/blob/main/SECURITY.md",
    },
    keywords=["computer vision", "person re-identification", "video"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
    packages=find_packages(include=["mmctl", "mmctl.*"]),
    package_data={"mmctl": ["py.typed"], "mmctl.serving": ["page/*"]},
    python_requires=">=3.10,<3.14",
    install_requires=read_requirements("runtime") + read_requirements("mminstall"),
    extras_require=EXTRAS,
    cmdclass={"build_py": BuildWithConfigsAndTools},
    zip_safe=False,
)
