"""The list of mistakes: every one changes a text that is there, and names tests that are there."""

from pathlib import Path

import pytest

from tests.mutations import MUTATIONS, TRAPS, Mutation

ROOT = Path(__file__).resolve().parents[1]
NAMES = [mutation.name for mutation in MUTATIONS]


def test_there_are_many_mistakes_with_a_name_each():
    assert len(set(NAMES)) == len(NAMES) >= 100


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mistake_changes_one_place_and_still_compiles(mutation):
    source = (ROOT / mutation.file).read_text()
    mutated = mutation.apply(source)
    assert mutated != source
    compile(mutated, mutation.file, "exec")


def test_the_tests_that_should_notice_exist():
    for mutation in MUTATIONS:
        assert mutation.tests
        for test in mutation.tests:
            path, _, function = test.partition("::")
            text = (ROOT / path).read_text()
            assert f"def {function or 'test_'}" in text, test


def test_every_silent_trap_is_among_them():
    assert len(TRAPS) >= 15
    for trap, names in TRAPS.items():
        assert names
        assert set(names) <= set(NAMES), trap


@pytest.mark.parametrize(("source", "count"), [("b", 0), ("a b a", 2)])
def test_a_text_that_does_not_occur_once_is_refused(source, count):
    mutation = Mutation("a for c", "file.py", "a", "c", ("test_file.py",))
    with pytest.raises(ValueError, match=rf"'a for c'.*once in file\.py.*got {count} times 'a'"):
        mutation.apply(source)
