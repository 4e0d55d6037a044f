"""Which Python and which set of versions the scripts take."""

from __future__ import annotations

import pytest

from tests.fake_checkout import Checkout


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
