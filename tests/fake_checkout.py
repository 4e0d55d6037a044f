"""A checkout whose scripts run, with programs that write down how they were called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAMS = (
    *("bash", "dirname", "cat", "cksum", "awk", "grep", "ls", "rm", "mkdir", "cp", "chmod"),
    *("touch", "getconf", "sed"),
)

FAKE_PYTHON = r"""#!/bin/bash
version={version}
case "$*" in
    --version) [[ "$version" == broken ]] && exit 127; echo "Python $version" ;;
    "-m venv"*)
        [[ -n "${{FAKE_VENV_ERROR:-}}" ]] && {{ echo "$FAKE_VENV_ERROR"; exit 1; }}
        mkdir -p "$4/bin"; touch "$4/pyvenv.cfg"; cp "$0" "$4/bin/python" ;;
    "-m pip install"*)
        echo "$*" >>"$FAKE_CALLS"
        if [[ -n "${{FAKE_PIP_ERROR:-}}" && "$*" == *"${{FAKE_PIP_FAILS_AT:-}}"* ]]; then
            echo "$FAKE_PIP_ERROR" >&2; exit 1
        fi ;;
    "-c import cv2")
        if [[ -n "${{FAKE_CV2_ERROR:-}}" ]] && ! grep -q headless "$FAKE_CALLS"; then
            echo "$FAKE_CV2_ERROR" >&2; exit 1
        fi ;;
    *importlib.metadata*) echo 5.0.0.93 ;;
    "-m pytest"* | "-m ruff"* | "-m mypy"*)
        echo "ran $* with ${{OMP_NUM_THREADS:-no}} thread"; [[ "$2" != "${{FAKE_FAILS:-}}" ]] ;;
    */bin/lint-imports) echo "ran script lint-imports"; [[ "${{FAKE_FAILS:-}}" != lint-imports ]] ;;
    tools/*) echo "ran in $PWD:"; printf '<%s>' "$@" ;;
esac
"""


class Checkout:
    """A copy of what the scripts need, in a folder with a space, and a PATH of stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "my checkout-default"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        for name in ("tools", "requirements", ".ci"):
            source = ROOT / name
            shutil.copytree(source, self.root / name, ignore=shutil.ignore_patterns("*.py"))
        for name in ("requirements.txt", "setup.py", "pyproject.toml", "mmctl/version.py"):
            (self.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        self.bin.mkdir()
        self.calls.touch()
        for name in PROGRAMS:
            (self.bin / name).symlink_to(shutil.which(name))

    def add_python(self, name: str, version: str) -> Path:
        file = self.bin / name
        file.write_text(FAKE_PYTHON.format(version=version))
        file.chmod(0o755)
        return file

    def run(self, script="tools/set_up_environment.sh", *arguments, cwd="/", **environment):
        clean = {"PATH": str(self.bin), "HOME": str(self.root), "FAKE_CALLS": str(self.calls)}
        return subprocess.run(
            [str(self.bin / "bash"), str(self.root / script), *arguments],
            env={**clean, **environment},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )

    def fails(self, **environment) -> str:
        done = self.run(**environment)
        assert done.returncode == 1, done
        assert not (self.root / ".venv" / ".mmctl-stamp").exists()
        return done.stderr

    def pip_calls(self) -> list[str]:
        return self.calls.read_text().splitlines()
