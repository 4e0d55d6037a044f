"""Cases in forked processes: one that dies or never ends is named, and the others go on."""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dev.fuzz.case import Kind, draw_case
from dev.fuzz.judge import Outcome, Verdict, judge

_GRACE = 20.0
"""Seconds beyond the limit of a case after which its process is killed: it does not even take the
alarm, as within compiled code."""


@dataclass(frozen=True)
class Limits:
    """What a case may take.

    Attributes:
        seconds: Time for reading.
        gibibytes: Memory beyond that of the process itself.
    """

    seconds: float = 10.0
    gibibytes: float = 3.0
    grace: float = _GRACE


class Result(NamedTuple):
    """What came of a case.

    Attributes:
        number: Number of the case.
        change: What was done to the sample.
        outcome: The outcome.
    """

    number: int
    change: str
    outcome: Outcome


def run_cases(
    kind: Kind, seed: int, numbers: Sequence[int], limits: Limits | None = None
) -> Iterator[Result]:
    """Run cases of one kind.

    Args:
        kind: The reader.
        seed: Seed of the campaign.
        numbers: Numbers of the cases.
        limits: What a case may take.

    Yields:
        The results, in order.
    """
    limits, left = limits or Limits(), list(numbers)
    while left:
        process, pipe = _start(kind, seed, left, limits)
        try:
            for result in _follow(process, pipe, kind, seed, limits):
                left = left[left.index(result.number) + 1 :]
                yield result
        finally:
            os.close(pipe)


def _start(kind: Kind, seed: int, numbers: Sequence[int], limits: Limits) -> tuple[int, int]:
    """Fork a process that works on the cases; return its number and the end of a pipe to it."""
    reading, writing = os.pipe()
    gc.collect()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        os.setpgid(0, 0)
        os.close(reading)
        _work(kind, seed, numbers, limits, writing)
        os._exit(0)
    finally:  # never into the parent's code, whatever was raised
        os._exit(1)


def _work(kind: Kind, seed: int, numbers: Sequence[int], limits: Limits, pipe: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    gc.freeze()  # what MMEngine collects in every data set: minutes, with all of torch's objects
    own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    room = own + int(limits.gibibytes * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    root = Path(tempfile.mkdtemp(prefix="mmctl-fuzz-"))
    try:
        for number in numbers:
            _tell(pipe, [number, str(root)])
            case = draw_case(kind, seed, number)
            folder = root / "case"
            folder.mkdir()
            verdict, reason, details = judge(kind, case, folder, limits.seconds)
            shutil.rmtree(folder, ignore_errors=True)
            _tell(pipe, [number, case.change, verdict.name, reason, details])
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _tell(pipe: int, content: list) -> None:
    line = (json.dumps(content) + "\n").encode()
    while line:
        line = line[os.write(pipe, line) :]


def _follow(process: int, pipe: int, kind: Kind, seed: int, limits: Limits) -> Iterator[Result]:
    """Yield what a process tells; where it ends or is silent in a case, that is the result."""
    started: list = []
    is_killed, buffer = False, b""
    while True:
        ready, _, _ = select.select([pipe], [], [], limits.seconds + limits.grace)
        if not ready:
            is_killed = True
            os.killpg(process, signal.SIGKILL)
            break
        chunk = os.read(pipe, 65536)
        if not chunk:
            break
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            number, *rest = json.loads(line)
            if len(rest) == 1:
                started = [number, *rest]
                continue
            started = []
            change, verdict, reason, details = rest
            yield Result(number, change, Outcome(Verdict[verdict], reason, details))
    _, status = os.waitpid(process, 0)
    if started:
        shutil.rmtree(started[1], ignore_errors=True)
        outcome = Outcome(Verdict.HANG, "killed, for it did not take the alarm")
        if not is_killed:
            code = os.waitstatus_to_exitcode(status)
            words = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            outcome = Outcome(Verdict.CRASH, f"the process ended with {words}")
        change = draw_case(kind, seed, started[0]).change
        yield Result(started[0], change, outcome)
    elif status:
        raise RuntimeError(f"the fuzzer's own process ended between two cases, status {status}")
