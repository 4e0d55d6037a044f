"""tools/benchmarks/bench_verification.py prints what a verification costs."""

from __future__ import annotations

import re
import sys

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))


def test_time_memory_and_pairs_are_printed(run_tool, capsys) -> None:
    sizes = ["--tracklets", "300", "--persons", "20", "--channels", "8", "--bootstrap", "20"]
    run_tool("benchmarks/bench_verification.py", *sizes)
    said = capsys.readouterr().out
    assert re.search(r"300 tracklets of 8 channels, [\d,]+ pairs of one person and [\d,]+ of", said)
    assert "exact up to a false accept rate of 1" in said
