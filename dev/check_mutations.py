"""Break the package on purpose, one mistake at a time, and see whether the tests notice.

``python -m dev.check_mutations`` works in a temporary copy: it makes each mistake
of ``tests/mutations`` there and runs the few tests that should turn red. A mistake that leaves them
green has survived: its test is missing. Needs ``fork``, so not Windows.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from dev.mutation_workplace import NOT_RUN, ROOT, Workplace

if TYPE_CHECKING:
    from tests.mutations import Mutation

PRELOADED = ("cv2", "scipy.io", "torch", "mmcv.transforms", "mmengine.runner", "mmpretrain.models")
"""Imported once and inherited by every child: most of the time of a short test is their import."""

CAUGHT, SURVIVED = "caught", "SURVIVED"
RED_BEFORE, NOT_FOUND = "tests were red before", "text not found"


@dataclass(frozen=True)
class Outcome:
    """What became of one mutation.

    Attributes:
        name: The mutation's name.
        verdict: One of the four constants above.
        detail: The test that noticed, or why the mutation could not be judged.
        seconds: Duration of the tests.
    """

    name: str
    verdict: str
    detail: str = ""
    seconds: float = 0.0


def check(
    mutations: Sequence[Mutation], workplaces: Sequence[Workplace], red: Sequence[str]
) -> Iterator[Outcome]:
    """Try the mutations, as many at a time as there are workplaces.

    Args:
        mutations: What to try.
        workplaces: Copies of the checkout, given back unchanged.
        red: Node ids of tests that fail without any mutation.

    Yields:
        One outcome per mutation, in the order in which they finish.
    """
    todo, free = list(reversed(mutations)), list(workplaces)
    running: dict[int, tuple[Mutation, Workplace, str, float]] = {}
    while todo or running:
        if todo and free:
            mutation = todo.pop()
            problem = _find_problem(mutation, free[-1], red)
            if problem is not None:
                yield problem
                continue
            place = free.pop()
            path = place.copy / mutation.file
            source, start = path.read_text(encoding="utf-8"), time.monotonic()
            path.write_text(mutation.apply(source), encoding="utf-8")
            running[place.start(mutation.tests, "-x")] = mutation, place, source, start
            continue
        pid, status = os.wait()
        mutation, place, source, start = running.pop(pid)
        (place.copy / mutation.file).write_text(source, encoding="utf-8")
        free.append(place)
        yield judge(mutation, place, status, time.monotonic() - start)


def _find_problem(mutation: Mutation, place: Workplace, red: Sequence[str]) -> Outcome | None:
    try:
        mutation.apply((place.copy / mutation.file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Outcome(mutation.name, NOT_FOUND, str(error))
    failing = [node for node in red if node.startswith(mutation.tests)]
    return Outcome(mutation.name, RED_BEFORE, failing[0]) if failing else None


def judge(mutation: Mutation, place: Workplace, status: int, seconds: float) -> Outcome:
    """Return the outcome of a child that ended with the wait status ``status``.

    Raises:
        RuntimeError: If the child could not run pytest.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == NOT_RUN:
        raise RuntimeError(f"no test was run for {mutation.name!r}:\n{place.output.read_text()}")
    if code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return Outcome(mutation.name, SURVIVED, " ".join(mutation.tests), seconds)
    noticed = place.red.read_text().splitlines()
    # Without a failed test the mistake broke the import of the tests, or the interpreter.
    return Outcome(mutation.name, CAUGHT, noticed[0] if noticed else f"exit {code}", seconds)


def find_red_tests(mutations: Iterable[Mutation], place: Workplace) -> list[str]:
    """Return the node ids of the tests that fail without any mutation.

    Raises:
        RuntimeError: If the tests cannot be run at all.
    """
    tests = sorted({test for mutation in mutations for test in mutation.tests})
    _, status = os.waitpid(place.start(tests, "--continue-on-collection-errors"), 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(
            f"the tests must run before anything is broken, but pytest ended with {code}:\n"
            f"{place.output.read_text()[-3000:]}"
        )
    return place.red.read_text().splitlines()


def preload() -> None:
    """Import the heavy packages of other people, so that children need not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PRELOADED:
            with suppress(ImportError):  # the test that needs it will say so
                importlib.import_module(name)


def run(mutations: Sequence[Mutation], jobs: int, console: Console) -> list[Outcome]:
    """Try the mutations and show how far it is."""
    # Same size and same second as before: a stored bytecode would hide the change.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    outcomes = []
    # No thread that draws: only the forking thread would live on in a child.
    with (
        tempfile.TemporaryDirectory(prefix="mutations-") as folder,
        Progress(*columns, console=console, auto_refresh=False) as progress,
    ):
        bar = progress.add_task("tests without mistakes", total=len(mutations))
        progress.refresh()
        places = [Workplace(Path(folder) / str(job)) for job in range(jobs)]
        preload()
        red = find_red_tests(mutations, places[0])
        for outcome in check(mutations, places, red):
            outcomes.append(outcome)
            line = (
                f"{outcome.verdict:<9}{outcome.seconds:4.0f} s  {outcome.name}  ({outcome.detail})"
            )
            console.print(line, markup=False, highlight=False, soft_wrap=True)
            progress.update(bar, advance=1, description="mistakes")
            progress.refresh()
    return outcomes


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="parts of names or files; default: all mutations")
    parser.add_argument("--jobs", type=int, default=1, help="mutations at a time")
    parser.add_argument(
        "--file",
        type=Path,
        help="JSON list of other mistakes to make: objects with name, file, old, new and tests",
    )
    parser.add_argument("--list", action="store_true", help="print the mutations and stop")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f"--jobs must be at least 1 to make any mistake, got {args.jobs}")
    return args


def load_mutations(path: Path | None) -> tuple[Mutation, ...]:
    """Read the checkout's list, or another one from a JSON file."""
    sys.path.insert(0, str(ROOT))
    try:
        package = importlib.import_module("tests.mutations")
    finally:
        sys.path.remove(str(ROOT))
        # Forgotten at once, because a child must import the tests of its copy.
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]
    if path is None:
        return package.MUTATIONS
    entries = json.loads(path.read_text(encoding="utf-8"))
    return tuple(package.Mutation(**{**item, "tests": tuple(item["tests"])}) for item in entries)


def main() -> int:
    args = parse_args()
    chosen = [
        mutation
        for mutation in load_mutations(args.file)
        if not args.names or any(n in mutation.name or n in mutation.file for n in args.names)
    ]
    if not chosen:
        raise SystemExit(f"no mutation has a name or file like {args.names}; see --list")
    if args.list:
        print("\n".join(f"{mutation.file}: {mutation.name}" for mutation in chosen))
        return 0
    start, console = time.monotonic(), Console()
    outcomes = run(chosen, args.jobs, console)
    return summarize(outcomes, time.monotonic() - start, console)


def summarize(outcomes: Sequence[Outcome], seconds: float, console: Console) -> int:
    """Print the counts and whatever was not caught; return the exit status."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    counted = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    console.print(f"{len(outcomes)} mistakes in {seconds:.0f} s: {counted}", soft_wrap=True)
    for outcome in outcomes:
        if outcome.verdict != CAUGHT:
            console.print(f"{outcome.verdict}: {outcome.name}", markup=False, soft_wrap=True)
    return int(counts[CAUGHT] != len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
