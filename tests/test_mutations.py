import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.mutations import MUTATIONS, TRAPS, Mutation

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "tools" / "analysis_tools"
# Fewer packages than the tool's own list, because these few tests need no model.
RUN = """
import sys, check_mutations
check_mutations.PRELOADED = ("cv2", "scipy.io", "torch", "mmengine.dataset")
sys.exit(check_mutations.main())
"""
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


@pytest.mark.skipif(sys.platform == "win32", reason="the tool needs fork")
def test_the_tool_tells_a_harmless_change_from_a_mistake(tmp_path):
    body, tests = "mmctl/structures/body.py", ["tests/test_structures/test_body.py"]
    before = (ROOT / body).read_bytes()
    changes = {
        "harmless": ("# The parts alternate", "# Parts alternate"),
        "a mistake": ("FLIP_ORDER = (0, 2, 1,", "FLIP_ORDER = (0, 1, 2,"),
        "misplaced": ("no such text", ""),
    }
    entries = [
        {"name": name, "file": body, "old": old, "new": new, "tests": tests}
        for name, (old, new) in changes.items()
    ]
    (tmp_path / "mistakes.json").write_text(json.dumps(entries))
    command = [sys.executable, "-c", RUN, "--file", str(tmp_path / "mistakes.json")]
    run = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    *_, counts, survivor, misplaced = run.stdout.splitlines()
    assert counts.endswith("1 SURVIVED, 1 caught, 1 text not found")
    assert survivor == "SURVIVED: harmless"
    assert misplaced == "text not found: misplaced"
    assert (ROOT / body).read_bytes() == before


def test_a_package_from_elsewhere_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    workplace = importlib.import_module("mutation_workplace")
    with pytest.raises(RuntimeError, match=f"must import mmctl from {tmp_path}, got .*mmctl"):
        workplace.check_origin(tmp_path)


def test_a_mistake_is_not_judged_by_tests_that_were_red_before(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    tool = importlib.import_module("check_mutations")
    (tmp_path / "file.py").write_text("a")
    place = SimpleNamespace(copy=tmp_path)
    mutation = Mutation("a for c", "file.py", "a", "c", ("tests/test_a.py",))
    outcomes = tool.check([mutation], [place], ["tests/test_a.py::test_one"])
    assert [(outcome.verdict, outcome.detail) for outcome in outcomes] == [
        ("tests were red before", "tests/test_a.py::test_one")
    ]
