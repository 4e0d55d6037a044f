"""The fuzzer sees faults that are planted, and a few of its cases on every reader."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from dev.fuzz import command
from dev.fuzz.case import FIFO, Change, Effect, Kind, draw_case
from dev.fuzz.judge import FAULTS, Verdict, are_alike
from dev.fuzz.kinds import KINDS
from dev.fuzz.workers import Limits, run_cases

CASES, SEED = 15, 1


def shout(rng, content):
    content["text"] = content["text"].upper()


class Small(Kind):
    """A file of lower-case text."""

    name = "small"
    damaged = ()
    changes = (
        Change("upper case", Effect.REFUSED, shout),
        Change("upper case, which is fine", Effect.EITHER, shout),
    )

    def make(self, rng):
        return {"text": rng.choice(["a", "b", "c"])}

    def render(self, rng, content):
        return {"a.txt": content["text"].encode()}

    def meaning(self, content):
        return content["text"]

    def read(self, folder):
        text = (folder / "a.txt").read_text()
        if text.isupper():
            raise ValueError(f"{folder}/a.txt must be in lower case, got {text!r}")
        return text


def planted(fault):
    """Return the reader with a fault in what it does to upper case."""

    class Planted(Small):
        def read(self, folder):
            text = (folder / "a.txt").read_text()
            return fault(folder, text) if text.isupper() else text

    return Planted()


def fail(text):
    raise ValueError(text)


def wait_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(60)


PLANTED = {
    "another exception": (lambda folder, text: {}["key"], Verdict.EXCEPTION),
    "an exit": (lambda folder, text: os.sys.exit(0), Verdict.EXCEPTION),
    "a message of two lines": (
        lambda folder, text: fail(f"{folder}\nis wrong"),
        Verdict.EXCEPTION,
    ),
    "a message without the file": (lambda folder, text: fail("wrong"), Verdict.EXCEPTION),
    "a long message": (lambda folder, text: fail(f"{folder}{text * 5000}"), Verdict.EXCEPTION),
    "too much memory": (lambda folder, text: bytes(2**40), Verdict.EXCEPTION),
    "a loop": (lambda folder, text: time.sleep(60), Verdict.HANG),
    "a loop that takes no alarm": (lambda folder, text: wait_deaf(), Verdict.HANG),
    "a crash": (lambda folder, text: os.kill(os.getpid(), signal.SIGSEGV), Verdict.CRASH),
    "an end in silence": (lambda folder, text: os._exit(0), Verdict.CRASH),
    "wrong content": (lambda folder, text: text, Verdict.ACCEPTED),
}


def verdicts(kind, hangs=False):
    changes = [draw_case(kind, SEED, number).change for number in range(20)]
    # Each hang takes its second.
    numbers = [changes.index(c) for c in ("none", *{*changes} - {"none"})] if hangs else range(9)
    limits = Limits(seconds=1.0 if hangs else 60.0, grace=0.3)
    results = list(run_cases(kind, SEED, numbers, limits))
    assert [result.number for result in results] == [*numbers]
    return [(result.change, result.outcome.verdict) for result in results]


@pytest.mark.parametrize(("fault", "verdict"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_seen_and_the_other_cases_go_on(fault, verdict):
    found = verdicts(planted(fault), hangs=verdict is Verdict.HANG)
    assert set(found) <= {
        ("none", Verdict.READ),
        ("upper case", verdict),
        ("upper case, which is fine", Verdict.READ if verdict is Verdict.ACCEPTED else verdict),
    }
    assert {("none", Verdict.READ), ("upper case", verdict)} <= set(found)


def test_a_reader_without_fault_has_none():
    assert {verdict for _, verdict in verdicts(Small())} == {Verdict.READ, Verdict.REFUSED}


def test_a_valid_file_that_is_refused_or_read_as_another_is_a_fault():
    class Strict(Small):
        def read(self, folder):
            fail(f"{folder} is refused")

    class Deaf(Small):
        def read(self, folder):
            return super().read(folder) + "x"

    assert ("none", Verdict.REJECTED) in verdicts(Strict())
    assert ("none", Verdict.ACCEPTED) in verdicts(Deaf())


def test_a_broken_rule_is_a_wrong_acceptance():
    class Ruled(Small):
        changes = (Change("upper case, which is fine", Effect.EITHER, shout),)

        def read(self, folder):
            return (folder / "a.txt").read_text()

        def check(self, meaning):
            assert meaning.islower(), "upper case"

    found = set(verdicts(Ruled()))
    assert found == {("none", Verdict.READ), ("upper case, which is fine", Verdict.ACCEPTED)}


def test_a_pipe_in_the_place_of_a_file_hangs_a_reader_that_opens_it():
    class Piped(Small):
        changes = (Change("a pipe", Effect.REFUSED, lambda rng, content: content.clear()),)

        def render(self, rng, content):
            return super().render(rng, content) if content else {"a.txt": FIFO}

    assert ("a pipe", Verdict.HANG) in verdicts(Piped(), hangs=True)


def test_a_case_is_the_same_whenever_it_is_drawn():
    for kind in (KINDS["annotations"], KINDS["mars"], KINDS["configs"]):
        first, second = ([draw_case(kind, 5, number) for number in range(9)] for _ in range(2))
        assert [case.files for case in first] == [case.files for case in second]
        assert first[0].files != draw_case(kind, 6, 0).files


def test_arrays_and_nan_are_compared_by_type_and_value():
    assert are_alike({"a": [1, float("nan")]}, {"a": [1, float("nan")]})
    assert not are_alike([1], [1.0])
    assert not are_alike([True], [1])
    assert not are_alike({"a": 1}, {"b": 1})


def test_the_command_counts_saves_and_replays(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "KINDS", {"small": planted(PLANTED["wrong content"][0])})
    arguments = ["--seed", "1", "--failures", str(tmp_path / "failures")]
    status = command.main([*arguments, "--cases", "12", "--out", str(tmp_path / "report.json")])
    text = capsys.readouterr().out
    assert status == 1
    (row,) = json.loads((tmp_path / "report.json").read_text())
    count = row["counts"]["wrong acceptances"]
    assert count == len(row["faults"]) > 0
    assert [line.split()[-2] for line in text.splitlines()[-2:]] == [str(count)] * 2
    replay = row["faults"][0]["command"]
    assert replay in text
    number = replay.split()[-1]
    about = (tmp_path / "failures" / "1" / f"small-{number}" / "about.txt").read_text()
    assert about.startswith(replay)
    assert (tmp_path / "failures" / "1" / f"small-{number}" / "input" / "a.txt").is_file()
    assert command.main([*arguments, "--kind", "small", "--case", number]) == 1
    assert "wrong acceptances: 'it was read'" in capsys.readouterr().out


def test_the_command_ends_well_without_faults(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "KINDS", {"small": Small()})
    assert command.main(["--cases", "12", "--failures", str(tmp_path)]) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", KINDS)
def test_a_few_cases_of_every_reader_have_no_fault(name):
    results = run_cases(KINDS[name], SEED, range(CASES), Limits(seconds=60))
    assert [result for result in results if result.outcome.verdict in FAULTS] == []
