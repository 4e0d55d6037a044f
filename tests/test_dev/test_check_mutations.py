"""The tool that breaks the package tells what tests notice from what they do not."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dev.check_mutations import check
from dev.mutation_workplace import check_origin
from tests.conftest import ROOT
from tests.mutations import Mutation

# Fewer packages than the tool's own list, because these few tests need no model.
RUN = """
import sys
from dev import check_mutations
check_mutations.PRELOADED = ("cv2", "scipy.io", "torch", "mmengine.dataset")
sys.exit(check_mutations.main())
"""


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
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    *_, counts, survivor, misplaced = run.stdout.splitlines()
    assert counts.endswith("1 SURVIVED, 1 caught, 1 text not found")
    assert survivor == "SURVIVED: harmless"
    assert misplaced == "text not found: misplaced"
    assert (ROOT / body).read_bytes() == before


def test_a_package_from_elsewhere_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match=f"must import mmctl from {tmp_path}, got .*mmctl"):
        check_origin(tmp_path)


def test_a_mistake_is_not_judged_by_tests_that_were_red_before(tmp_path):
    (tmp_path / "file.py").write_text("a")
    place = SimpleNamespace(copy=tmp_path)
    mutation = Mutation("a for c", "file.py", "a", "c", ("tests/test_a.py",))
    outcomes = check([mutation], [place], ["tests/test_a.py::test_one"])
    assert [(outcome.verdict, outcome.detail) for outcome in outcomes] == [
        ("tests were red before", "tests/test_a.py::test_one")
    ]
