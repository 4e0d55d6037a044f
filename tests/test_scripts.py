"""The shell scripts with stand-ins for Python, pip and uv: nothing is installed."""

from __future__ import annotations

import os

import pytest

from tests.fake_checkout import ROOT, Checkout


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


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
