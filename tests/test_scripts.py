"""The shell scripts with stand-ins for Python, pip and uv: nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

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


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


def test_without_python_the_rule_and_the_way_out_are_named(checkout):
    message = checkout.fails()
    assert "one of Python 3.11, 3.12, 3.13, 3.10 is needed" in message
    assert "python3: does not run" in message
    assert "PYTHON=/path/to/python3.11 bash set_up_environment.sh" in message


@pytest.mark.parametrize("version", ["3.8.10", "3.14.0", "3.1.0", "2.7.18"])
def test_too_old_and_too_new_pythons_are_named_with_their_version(checkout, version):
    checkout.add_python("python3", version)
    assert f"python3: Python {version}" in checkout.fails()


def test_a_shim_that_does_not_run_is_passed_over(checkout):
    checkout.add_python("python3.11", "broken")
    assert "python3.11: does not run" in checkout.fails()
    checkout.add_python("python3.10", "3.10.4")
    done = checkout.run()
    assert done.returncode == 0, done
    assert f"making {checkout.root}/.venv with python3.10" in done.stdout


def test_the_interpreter_can_be_named(checkout):
    checkout.add_python("python3.11", "3.11.7")
    named = checkout.add_python("own python", "3.10.9")
    done = checkout.run(PYTHON=str(named))
    assert done.returncode == 0, done
    assert "own python; needed: 6.2 GB in" in done.stdout


@pytest.mark.parametrize(
    ("chosen", "preferred"), [("default", "3.11"), ("pose", "3.11"), ("onedl", "3.12")]
)
def test_of_several_interpreters_the_one_that_is_tested_most_is_taken(checkout, chosen, preferred):
    for minor in ("3.10", "3.11", "3.12", "3.13"):
        checkout.add_python(f"python{minor}", f"{minor}.4")
    done = checkout.run(MMCTL_SET=chosen)
    assert f".venv with python{preferred};" in done.stdout, done


@pytest.mark.parametrize("version", ["3.10.0", "3.12.1", "3.13.0"])
def test_every_python_that_has_wheels_is_taken(checkout, version):
    checkout.add_python("python3", version)
    assert checkout.run().returncode == 0


def test_mmpose_is_not_installed_on_a_python_without_wheels_for_it(checkout):
    checkout.add_python("python3.12", "3.12.1")
    message = checkout.fails(MMCTL_SET="pose", PYTHON=str(checkout.bin / "python3.12"))
    assert "one of Python 3.11, 3.10 is needed; the pose set has no wheels for others" in message


def test_an_unknown_set_is_named_with_those_that_there_are(checkout):
    checkout.add_python("python3.11", "3.11.7")
    message = checkout.fails(MMCTL_SET="poes")
    assert "MMCTL_SET must be default, pose or onedl, got poes" in message


def test_a_wrong_named_interpreter_is_not_replaced_by_another(checkout):
    checkout.add_python("python3.11", "3.11.7")
    old = checkout.add_python("old", "3.9.1")
    assert f"{old}: Python 3.9.1" in checkout.fails(PYTHON=str(old))


def test_a_failing_pip_is_shown_with_the_step_and_how_to_go_on(checkout):
    checkout.add_python("python3.11", "3.11.7")
    message = checkout.fails(FAKE_PIP_ERROR="OSError: [Errno 28] No space left on device")
    assert "No space left on device" in message
    assert "step 'installing packages, 2 to 15 minutes' failed" in message
    assert "needed: 6.2 GB in" in message
    assert "The same command goes on afterwards" in message


def test_the_step_that_failed_is_named(checkout):
    checkout.add_python("python3.11", "3.11.7")
    message = checkout.fails(FAKE_PIP_ERROR="broken", FAKE_PIP_FAILS_AT=" -e ")
    assert "step 'installing mmctl in editable mode' failed" in message


def test_a_failing_venv_shows_its_output(checkout):
    checkout.add_python("python3.11", "3.11.7")
    message = checkout.fails(FAKE_VENV_ERROR="Read-only file system")
    assert "python3-venv" in message


def test_a_folder_that_is_no_environment_is_left_alone(checkout, tmp_path):
    checkout.add_python("python3.11", "3.11.7")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").touch()
    message = checkout.fails(MMCTL_VENV=str(tmp_path / "data"))
    assert "is no virtual environment; it is left alone" in message
    assert (tmp_path / "data" / "precious").exists()


def test_the_second_run_installs_nothing_and_a_changed_requirement_does(checkout):
    checkout.add_python("python3.11", "3.11.7")
    assert checkout.run().returncode == 0
    first = checkout.pip_calls()
    assert len(first) == 2
    assert first[0].endswith(f"-r {checkout.root}/requirements.txt")
    assert "--no-deps --no-build-isolation -e" in first[1]
    assert "up to date" in checkout.run().stdout
    assert checkout.pip_calls() == first
    with (checkout.root / "requirements" / "runtime.txt").open("a") as file:
        file.write("six\n")
    assert "making" not in checkout.run().stdout
    assert len(checkout.pip_calls()) == 4


@pytest.mark.parametrize("chosen", ["pose", "onedl"])
def test_another_set_is_made_anew_and_has_its_own_versions(checkout, chosen):
    checkout.add_python("python3.11", "3.11.7")
    checkout.run()
    (checkout.root / ".venv" / "left over").touch()
    first = checkout.run(MMCTL_SET=chosen)
    assert first.stdout.count("making") == 1, first
    file = f"{checkout.root}/requirements/environment-{chosen}.txt"
    assert checkout.pip_calls()[2].endswith(f"-r {file}")
    assert "up to date" in checkout.run(MMCTL_SET=chosen).stdout
    assert "making" in checkout.run().stdout


def test_an_interrupted_installation_of_another_set_is_not_mixed_with_this_one(checkout):
    checkout.add_python("python3.11", "3.11.7")
    checkout.fails(MMCTL_SET="pose", FAKE_PIP_ERROR="broken")
    assert "making" in checkout.run().stdout


def test_an_environment_of_the_time_before_there_were_sets_is_made_anew(checkout):
    checkout.add_python("python3.11", "3.11.7")
    checkout.run()
    (checkout.root / ".venv" / ".mmctl-choice").unlink()
    (checkout.root / ".venv" / ".mmctl-stamp").write_text("1 2\n")
    assert "making" in checkout.run().stdout


def test_an_environment_that_others_made_is_kept(checkout, tmp_path):
    python = checkout.add_python("python3.11", "3.11.7")
    subprocess.run([str(python), "-m", "venv", "--clear", str(tmp_path / "own")], check=True)
    done = checkout.run(MMCTL_VENV=str(tmp_path / "own"), MMCTL_SET="pose")
    assert "ready after" in done.stdout
    assert "making" not in done.stdout


def test_a_build_of_pytorch_is_asked_for_by_its_version_at_its_own_index(checkout):
    checkout.add_python("python3.11", "3.11.7")
    done = checkout.run(MMCTL_TORCH="cpu")
    assert done.returncode == 0, done
    torch = re.search(r"^torch==(\S+)", (ROOT / "requirements/constraints.txt").read_text(), re.M)
    call = checkout.pip_calls()[0]
    assert f" torch=={torch[1]}+cpu torchvision==" in call
    assert call.endswith("+cpu --extra-index-url https://download.pytorch.org/whl/cpu")
    assert "making" in checkout.run().stdout  # PyPI's build
    assert "+cpu" not in checkout.pip_calls()[2]


def test_an_interrupted_installation_is_continued(checkout):
    checkout.add_python("python3.11", "3.11.7")
    checkout.fails(FAKE_PIP_ERROR="broken")
    done = checkout.run()
    assert done.returncode == 0, done
    assert "making" not in done.stdout
    assert "ready after" in done.stdout


def test_a_moved_checkout_is_installed_again(checkout):
    checkout.add_python("python3.11", "3.11.7")
    checkout.run()
    checkout.root = checkout.root.rename(checkout.root.parent / "moved")
    assert "up to date" not in checkout.run().stdout


def test_the_environment_can_lie_elsewhere_also_relative_to_the_current_folder(checkout, tmp_path):
    checkout.add_python("python3.11", "3.11.7")
    assert checkout.run(MMCTL_VENV="env here", cwd=tmp_path).returncode == 0
    assert (tmp_path / "env here" / ".mmctl-stamp").is_file()
    assert not (checkout.root / ".venv").exists()


def test_opencv_without_desktop_libraries_is_replaced_by_its_headless_build(checkout):
    checkout.add_python("python3.11", "3.11.7")
    error = "ImportError: libGL.so.1: cannot open shared object file"
    done = checkout.run(FAKE_CV2_ERROR=error)
    assert done.returncode == 0, done
    assert "its headless build takes its place" in done.stdout
    call = checkout.pip_calls()[-1]
    assert "--no-deps --force-reinstall opencv-python-headless==5.0.0.93" in call


def test_another_fault_of_opencv_is_shown(checkout):
    checkout.add_python("python3.11", "3.11.7")
    message = checkout.fails(FAKE_CV2_ERROR="ImportError: numpy.core.multiarray failed")
    assert "importing OpenCV fails" in message
    assert "numpy.core.multiarray" in message


def test_uv_takes_the_place_of_venv_and_pip_where_it_is(checkout):
    checkout.add_python("python3.11", "3.11.7")
    uv = checkout.bin / "uv"
    uv.write_text(
        '#!/bin/bash\necho "uv $*" >>"$FAKE_CALLS"\n'
        'if [[ "$1" == venv ]]; then "$4" -m venv --clear "$5"; fi\n'
    )
    uv.chmod(0o755)
    done = checkout.run()
    assert done.returncode == 0, done
    made, packages, own = checkout.pip_calls()
    assert made == f"uv venv --clear --python python3.11 {checkout.root}/.venv"
    assert packages.startswith(f"uv pip install --python {checkout.root}/.venv/bin/python -r ")
    assert own.endswith(f"--no-deps --no-build-isolation -e {checkout.root}")


def test_the_quickstart_hands_its_arguments_on(checkout):
    checkout.add_python("python3.11", "3.11.7")
    done = checkout.run("tools/quickstart.sh", "--epochs", "two words")
    assert done.returncode == 0, done
    assert f"ran in {checkout.root}:\n<tools/quickstart.py><--epochs><two words>" in done.stdout


def test_the_suite_runs_checks_then_tests_on_one_thread_each(checkout):
    checkout.add_python("python3.11", "3.11.7")
    done = checkout.run("tools/run_tests.sh", "tests/test_scripts.py", "-k", "a or b")
    assert done.returncode == 0, done
    ran = [line for line in done.stdout.splitlines() if line.startswith("ran")]
    assert [line.split()[2] for line in ran] == ["ruff", "ruff", "mypy", "lint-imports", "pytest"]
    assert ran[-1].endswith("tests/test_scripts.py -k a or b with 1 thread")
    assert "all passed. Next: bash tools/quickstart.sh" in done.stdout


@pytest.mark.parametrize("fails", ["ruff", "lint-imports", "pytest"])
def test_a_failed_check_fails_the_suite_but_the_tests_still_run(checkout, fails):
    checkout.add_python("python3.11", "3.11.7")
    done = checkout.run(".ci/run", FAKE_FAILS=fails)
    assert done.returncode == 1
    assert "ran -m pytest -n" in done.stdout
    assert f"failed: {fails}" in done.stdout


def test_continuous_integration_can_start_its_script():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
