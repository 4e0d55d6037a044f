"""Reads one case under a limit and says what came of it."""

from __future__ import annotations

import math
import os
import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from dev.fuzz.case import FIFO, FOLDER, LOOP, Case, Effect, Kind

LONGEST_LINE = 2000


class Verdict(Enum):
    """What came of a case; all but the first two are faults."""

    READ = "read right"
    REFUSED = "refused in one line"
    EXCEPTION = "uncaught exceptions"
    HANG = "hangs"
    CRASH = "crashes"
    ACCEPTED = "wrong acceptances"
    REJECTED = "wrong refusals"


FAULTS = tuple(Verdict)[2:]


class Outcome(NamedTuple):
    """A verdict and why.

    Attributes:
        verdict: The verdict.
        reason: The error or the broken rule, in one line.
        details: The traceback of an error.
    """

    verdict: Verdict
    reason: str
    details: str = ""


class _TimeLimitError(BaseException):
    """No ``except Exception`` of a reader keeps it."""


def judge(kind: Kind, case: Case, folder: Path, limit: float) -> Outcome:
    """Write the files of a case, read them and compare what happens with what must.

    Args:
        kind: The reader.
        case: The case.
        folder: An empty folder.
        limit: Seconds that reading may take.
    """
    write_files(folder, case)
    try:
        with _time_limit(limit):
            found = kind.read(folder)
    except _TimeLimitError:
        place = traceback.format_exc().rstrip().splitlines()
        return Outcome(Verdict.HANG, f"no end within {limit:g} s", "\n".join(place[-12:]))
    except (ValueError, FileNotFoundError) as error:
        return _judge_refusal(kind, case, folder, error)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are no way out of a reader
        return Outcome(Verdict.EXCEPTION, _in_a_line(error), traceback.format_exc())
    return _judge_reading(kind, case, found)


def write_files(folder: Path, case: Case) -> None:
    """Write the files of a case below a folder."""
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is FIFO:
            os.mkfifo(path)
        elif content is FOLDER:
            path.mkdir()
        elif content is LOOP:
            path.symlink_to(path.name)
        else:
            path.write_bytes(content)


def _judge_refusal(kind: Kind, case: Case, folder: Path, error: Exception) -> Outcome:
    message = str(error)
    has_lines = "\r" in message or ("\n" in message and not kind.lists_faults)
    longest = max(map(len, message.split("\n")))
    faults = {
        "a message of several lines": has_lines,
        f"a line of {longest:,} characters": longest > LONGEST_LINE,
        "a message that names no file": not kind.is_named(message, folder, case),
    }
    fault = next((fault for fault, is_there in faults.items() if is_there), None)
    if fault is not None:
        return Outcome(Verdict.EXCEPTION, f"{fault}: {_in_a_line(error)}", traceback.format_exc())
    if case.effect is Effect.SAME:
        return Outcome(Verdict.REJECTED, _in_a_line(error), traceback.format_exc())
    return Outcome(Verdict.REFUSED, _in_a_line(error))


def _judge_reading(kind: Kind, case: Case, found: Any) -> Outcome:
    if case.effect is Effect.REFUSED:
        return Outcome(Verdict.ACCEPTED, "it was read", f"{found!r:.3000}")
    if case.effect is not Effect.EITHER and not are_alike(found, case.meaning):
        details = f"read:  {found!r:.3000}\nmeant: {case.meaning!r:.3000}"
        return Outcome(Verdict.ACCEPTED, "it was read as something else", details)
    try:
        kind.check(found)
    except AssertionError as error:
        return Outcome(Verdict.ACCEPTED, f"a rule is broken: {error}", f"{found!r:.3000}")
    return Outcome(Verdict.READ, "")


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}".replace("\n", "\\n").replace("\r", "\\r")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _TimeLimitError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def are_alike(first: Any, second: Any) -> bool:
    """Return whether two meanings are equal in type and value, NaN like NaN.

    Args:
        first: Nested dicts, lists, tuples, arrays, numbers and text.
        second: The other.
    """
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        first, second = np.asarray(first), np.asarray(second)
        is_float = first.dtype.kind == second.dtype.kind == "f"
        return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=is_float)
    if type(first) is not type(second):
        return False
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(
            are_alike(value, second[key]) for key, value in first.items()
        )
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(are_alike, first, second))
    if isinstance(first, float) and math.isnan(first):
        return math.isnan(second)
    return bool(first == second)
