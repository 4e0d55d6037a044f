"""What the scripts install, what they leave alone, and how they go on after a fault."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.fake_checkout import ROOT, Checkout


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


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
