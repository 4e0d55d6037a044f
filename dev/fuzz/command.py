"""Fuzz the readers of foreign files: right, or refused in one line, and never anything else.

``python -m dev.fuzz --cases 20000 --seed 7`` draws valid samples of every kind, changes their
content, their files or their bytes, and reads them. The exit status is 1 if anything was uncaught,
hung, crashed, accepted although wrong or refused although right. Needs ``fork``, so not Windows.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dev.fuzz.case import Kind, draw_case
from dev.fuzz.judge import FAULTS, Verdict, judge, write_files
from dev.fuzz.kinds import KINDS
from dev.fuzz.workers import Limits, Result, run_cases

_MOST_SAVED = 30
"""Failing inputs that are saved for each kind."""

Counts = Counter[Verdict]


def parse_args(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--cases", type=int, default=2000, help="cases of all kinds together (default: 2000)")
    add("--seed", type=int, default=0, help="another seed draws other cases (default: 0)")
    add("--kind", nargs="+", choices=sorted(KINDS), help="default: all of them")
    add("--case", type=int, metavar="N", help="show case N of one kind, and what came of it")
    text = "seconds that a case may take (default: 10)"
    add("--limit", type=float, default=Limits.seconds, metavar="S", help=text)
    add("--out", type=Path, metavar="JSON", help="write counts and faults to this file")
    text = "where failing inputs go (default: work_dirs/fuzz)"
    add("--failures", type=Path, default=Path("work_dirs/fuzz"), metavar="FOLDER", help=text)
    args = parser.parse_args(arguments)
    if args.case is not None and len(args.kind or ()) != 1:
        parser.error("--case needs one --kind")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; return the exit status."""
    args = parse_args(arguments)
    names = args.kind or list(KINDS)
    if args.case is not None:
        return _replay(KINDS[names[0]], args)
    report, counts = [], {}
    for name, number in zip(names, _shares(args.cases, len(names)), strict=True):
        start = time.perf_counter()
        results = list(run_cases(KINDS[name], args.seed, range(number), Limits(args.limit)))
        counts[name] = Counter(result.outcome.verdict for result in results)
        faults = [result for result in results if result.outcome.verdict in FAULTS]
        for result in faults[:_MOST_SAVED]:
            _save(KINDS[name], args, result)
        report.append(_to_row(name, args.seed, counts[name], faults, time.perf_counter() - start))
        _show_faults(name, args.seed, faults)
    print(to_table(counts))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any(count[fault] for count in counts.values() for fault in FAULTS))


def to_table(counts: dict[str, Counts]) -> str:
    """Return the table of a campaign as text.

    Args:
        counts: Cases of each verdict by kind.
    """
    total: Counts = sum(counts.values(), Counter())
    rows = [("kind", "cases", *(verdict.value for verdict in Verdict))]
    for name, count in {**counts, "all": total}.items():
        numbers = (count.total(), *(count[verdict] for verdict in Verdict))
        rows.append((name, *(f"{number:,}" for number in numbers)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (part < total % parts) for part in range(parts)]


def _command(name: str, seed: int, number: int) -> str:
    return f"python -m dev.fuzz --kind {name} --seed {seed} --case {number}"


def _to_row(name: str, seed: int, count: Counts, faults: list[Result], seconds: float) -> dict:
    return {
        "kind": name,
        "seconds": round(seconds, 1),
        "counts": {verdict.value: count[verdict] for verdict in Verdict},
        "faults": [
            {
                "command": _command(name, seed, number),
                "change": change,
                "verdict": outcome.verdict.value,
                "reason": outcome.reason,
            }
            for number, change, outcome in faults
        ],
    }


def _show_faults(name: str, seed: int, faults: list[Result]) -> None:
    """Print one example of each sort of fault."""
    groups: dict[tuple, list[Result]] = {}
    for result in faults:
        reason = re.sub(r"\d+|'[^']*'|/\S+", "#", result.outcome.reason)[:40]
        groups.setdefault((result.outcome.verdict.value, reason), []).append(result)
    for (verdict, _), results in groups.items():
        number, change, outcome = results[0]
        print(f"{name}: {verdict}, {len(results)} cases, as after {change!r}")
        print(f"    {outcome.reason}\n    {_command(name, seed, number)}")
    sys.stdout.flush()


def _save(kind: Kind, args: argparse.Namespace, result: Result) -> None:
    folder = args.failures / str(args.seed) / f"{kind.name}-{result.number}"
    case = draw_case(kind, args.seed, result.number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_files(folder / "input", case)
    outcome = result.outcome
    lines = [_command(kind.name, args.seed, result.number), f"change: {case.change}"]
    lines += [f"the reader: {case.effect.value}", f"{outcome.verdict.value}: {outcome.reason}"]
    text = "\n".join([*lines, outcome.details, ""])
    (folder / "about.txt").write_text(text, encoding="utf-8", errors="backslashreplace")


def _replay(kind: Kind, args: argparse.Namespace) -> int:
    """Read one case in this process and show everything about it."""
    case = draw_case(kind, args.seed, args.case)
    print(f"change: {case.change}\nthe reader: {case.effect.value}")
    for name, content in case.files.items():
        print(f"{name}: {len(content)} bytes {content[:400]!r}")
    with tempfile.TemporaryDirectory(prefix="mmctl-fuzz-") as root:
        folder = Path(root) / "case"
        folder.mkdir()
        verdict, reason, details = judge(kind, case, folder, args.limit)
    print(f"{verdict.value}: {shlex.quote(reason)}\n{details}")
    return int(verdict in FAULTS)
