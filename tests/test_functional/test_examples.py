"""The examples in the docstrings of the functional core are there and true."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import mmctl.functional

MODULES = [
    importlib.import_module(f"mmctl.functional.{path.stem}")
    for path in sorted(Path(mmctl.functional.__path__[0]).glob("[a-z]*.py"))
]
FUNCTIONS = [
    function
    for module in MODULES
    for name, function in vars(module).items()
    if inspect.isfunction(function)
    and function.__module__ == module.__name__
    and not name.startswith("_")
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__qualname__)
def test_every_public_function_shows_how_it_is_called(function):
    examples = doctest.DocTestParser().get_examples(function.__doc__)
    assert any(f"{function.__name__}(" in example.source for example in examples)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_every_example_gives_what_it_says(module):
    result = doctest.testmod(module, report=True)
    assert result.failed == 0
