"""What people say: who somebody is, and whether a pair is one person or two."""

from __future__ import annotations

from typing import Literal

from mmctl.functional.ranking import DISTRACTOR_PID, JUNK_PID
from mmctl.gallery.records import check_pid
from mmctl.gallery.store import Store

_NOBODY = (None, DISTRACTOR_PID, JUNK_PID)


def name_person(store: Store, id: str, pid: int | Literal["new"] | None) -> int | None:
    """Write who a tracklet is of, within a transaction; see ``Gallery.confirm``."""
    number = _new_pid(store) if pid == "new" else pid
    check_pid(number, "pid")
    store.name_person(store.find([id])[0], number, "unknown" if number is None else "confirmed")
    return number


def answer_pair(store: Store, id: str, other: str, is_same: bool | None) -> int | None:
    """Write an answer, within a transaction; see ``Gallery.answer_pair``."""
    if id == other:
        raise ValueError(f"a pair must be of two tracklets, got {id} twice")
    rows = store.find([id, other])
    found = store.tracklets(rows)
    known = [found[row].pid for row in rows if found[row].pid not in _NOBODY]
    pair = f"tracklets {id} and {other}"
    if not is_same:
        if is_same is False and len(known) == 2 and known[0] == known[1]:
            raise ValueError(
                f"{pair} are both person {known[0]}: confirm one of them as another person or as "
                "'unknown' first"
            )
        store.set_rejection(id, other, is_same is False)
        return None
    if len(set(known)) > 1:
        raise ValueError(
            f"{pair} are persons {known[0]} and {known[1]}: if they are one, confirm the tracklets "
            "of one as the other"
        )
    pid = known[0] if known else _new_pid(store)
    check_pid(pid, "number of a new person")
    for row in rows:
        if found[row].pid != pid:
            store.name_person(row, pid, "confirmed")
    store.set_rejection(id, other, False)
    return pid


def _new_pid(store: Store) -> int:
    return store.highest_pid() + 1
