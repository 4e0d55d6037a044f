"""One gallery of ``kill_galleries.py``: a process that works at it and is killed, and a check."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mmctl.gallery import Gallery, RecordSet, TrackletRecord

WIDTH = 48
MODEL = "0" * 64
LARGEST = 700
"""Most tracklets of an addition: more than are written in one transaction."""

_START, _DONE = "start", "done"


def make_record(number: int) -> TrackletRecord:
    """Return tracklet ``number``, the same one in every process."""
    feature = np.random.default_rng(number).normal(size=WIDTH)
    return TrackletRecord(
        (feature / np.linalg.norm(feature)).astype(np.float32),
        camera=number % 5,
        video=f"video {number % 3}",
        track=number,
        first_frame=number,
    )


def find_bytes(folder: Path, numbers: Iterable[int], dtype: str = "float32") -> list[str]:
    """Return the files below a folder that hold a piece of a feature of these tracklets."""
    contents = [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    found = set()
    for number in numbers:
        feature = make_record(number).feature.astype(dtype)
        pieces = [feature[start : start + 8].tobytes() for start in range(0, WIDTH, 8)]
        found |= {str(path) for path, content in contents for p in pieces if p in content}
    return sorted(found)


class KilledGallery:
    """A gallery at which process after process works until it is killed.

    Args:
        root: A folder that does not exist.
        engine: Index of the gallery.
    """

    def __init__(self, root: Path, engine: str = "exact") -> None:
        root.mkdir(parents=True)
        self.folder, self.journal, self.engine = root / "gallery", root / "journal", engine
        self.present: set[int] = set()
        self.deleted: set[int] = set()
        self.next = 0
        self.faults: list[str] = []

    def kill(self, rng: random.Random, longest: float = 0.5) -> str:
        """Let a process work for a random time, kill it, and check what it left.

        Args:
            rng: Where moment and work are drawn from.
            longest: Most seconds until it is killed.

        Returns:
            What it was doing.
        """
        self.journal.write_bytes(b"")
        seed, seconds = rng.getrandbits(32), rng.uniform(0, longest)
        child = os.fork()
        if child == 0:
            try:
                self._work(random.Random(seed))
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        while not self.journal.stat().st_size and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.001)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            self.faults.append("the process ended by itself")
        return self._check()

    def _work(self, rng: random.Random) -> None:
        journal = os.open(self.journal, os.O_WRONLY | os.O_APPEND)

        def note(*words: object) -> None:
            os.write(journal, (" ".join(map(str, words)) + "\n").encode())

        present, following = sorted(self.present), self.next
        with Gallery(self.folder, self.engine) as gallery:
            while True:
                work = rng.choice(("add", "add", "delete", "rebuild"))
                if work == "add" or len(present) < LARGEST:
                    numbers = list(range(following, following + rng.randint(1, LARGEST)))
                    note("add", _START, *numbers)
                    records = RecordSet([make_record(number) for number in numbers], MODEL)
                    gallery.add(records, report=lambda done: note("add", "reported", done))
                    note("add", _DONE)
                    present, following = present + numbers, numbers[-1] + 1
                elif work == "delete":
                    chosen = rng.sample(present, rng.randint(1, 300))
                    note("delete", _START, *chosen)
                    gallery.delete([make_record(number).id for number in chosen])
                    note("delete", _DONE)
                    present = sorted(set(present) - set(chosen))
                else:
                    note("rebuild", _START)
                    gallery.rebuild()
                    note("rebuild", _DONE)

    def _check(self) -> str:
        """Compare what is there with what was acknowledged; return what was going on."""
        doing, unsure = self._read_journal()
        left = find_bytes(self.folder, self._some(self.deleted))
        self._fault(left, "bytes of deleted tracklets are in {}")
        with Gallery(self.folder, self.engine) as gallery:
            there = {t.track: t for t in gallery.list()} if len(gallery) else {}
            numbers = {number for number in there if number is not None}
            self._fault(sorted(self.present - unsure - numbers)[:5], "acknowledged, but lost: {}")
            others = numbers - self.present - unsure
            self._fault(sorted(others)[:5], "deleted, but there: {}")
            if numbers:
                self._check_search(gallery, sorted(numbers))
                gallery.rebuild()
                self._fault(gallery.verify().faults, "not healthy: {}")
        gone = (self.present | unsure) - numbers
        self._fault(find_bytes(self.folder, self._some(gone)), "bytes left after rebuild in {}")
        self.deleted |= gone
        self.present = numbers
        # Who was added and deleted in one life never comes again, either.
        self.next = max([self.next, *numbers, *self.deleted]) + 1
        return doing

    def _some(self, numbers: set[int]) -> list[int]:
        """Return the latest and a few others: searching for all would take minutes."""
        ordered = sorted(numbers)
        return [*ordered[-10:], *random.Random(len(ordered)).sample(ordered, min(10, len(ordered)))]

    def _check_search(self, gallery: Gallery, numbers: list[int]) -> None:
        """Assert that each of some tracklets is found by its own feature, whole."""
        for number in random.Random(0).sample(numbers, min(5, len(numbers))):
            record = make_record(number)
            (result,) = gallery.search(record.feature, 1)
            hit = result.hits[0]
            if hit.tracklet.id != record.id or abs(hit.similarity - 1) > 1e-5:
                self.faults.append(f"tracklet {number} finds another, or another feature")
            if result.num_searched != len(numbers):
                self.faults.append(f"{result.num_searched} of {len(numbers)} are searched")

    def _read_journal(self) -> tuple[str, set[int]]:
        """Take over what was acknowledged; return what was going on, and whom it may concern."""
        doing, unsure = "nothing", set[int]()
        lines = self.journal.read_text().split("\n")[:-1]  # the last one may be cut
        numbers: list[int] = []
        for line in lines:
            work, state, *rest = line.split()
            if state == _START:
                numbers = [int(word) for word in rest]
                doing, unsure = work, set(numbers)
            elif state == "reported":
                self.present |= set(numbers[: int(rest[0])])
                unsure -= set(numbers[: int(rest[0])])
            else:
                if work == "add":
                    self.present |= set(numbers)
                elif work == "delete":
                    self.present -= set(numbers)
                    self.deleted |= set(numbers)
                doing, unsure, numbers = "nothing", set(), []
        return doing, unsure

    def _fault(self, found: list, text: str) -> None:
        if found:
            self.faults.append(text.format(", ".join(map(str, found))))
