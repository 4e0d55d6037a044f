"""tools/benchmarks/bench_gallery.py prints the ratio to the bare product, and memory."""

from __future__ import annotations

import re
import sys

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))


def test_times_ratio_and_memory_are_printed(run_tool, capsys):
    options = ("--rows", "60", "--width", "8", "--queries", "1", "--repeats", "2", "--threads", "1")
    run_tool("benchmarks/bench_gallery.py", *options)
    said = capsys.readouterr().out
    assert re.search(r"60 x 8 float32, exact: filled in \d+ s", said)
    assert re.search(r"│ 1 +│ none +│ [\d.() -]+ │ [\d.() -]+ │ \d+\.\d\d +│ \d+ +│", said)
    assert re.search(r"│ 1 +│ 2 of 8 cameras +│", said)
