"""How much a pickle would make, found out before anything is made.

A few hundred bytes can stand for more values than any memory holds, as parts that are the same
again and again. Making them is quick, but to hash, compare or print them never ends, and what is
nested deeply enough breaks the process; torch's reader does all that.
"""

from __future__ import annotations

import pickle
import pickletools
from dataclasses import dataclass
from typing import IO

MAX_VALUES = 10**7
MAX_DEPTH = 100

_GROWING = {"APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD"}


@dataclass
class _Value:
    """How many values one has in it, itself counted, how deep, and whether it lies in another."""

    count: int = 1
    depth: int = 1
    is_inner: bool = False

    def take(self, inner: list[_Value]) -> None:
        if inner and self.is_inner:
            raise pickle.UnpicklingError("a container is filled after it was put into another")
        for value in inner:
            value.is_inner = True
            self.count += value.count
            self.depth = max(self.depth, 1 + value.depth)
        if self.count > MAX_VALUES or self.depth > MAX_DEPTH:
            raise pickle.UnpicklingError(
                f"it stands for more than {MAX_VALUES:,} values"
                if self.count > MAX_VALUES
                else f"values are nested more than {MAX_DEPTH} deep"
            )


def check_pickle(file: IO[bytes]) -> None:
    """Raise if a pickle makes too many values, counted as often as they are named, or too deep.

    Args:
        file: Where it begins; read up to its end.

    Raises:
        pickle.UnpicklingError: If it does, refers to itself or is no pickle.
    """
    stack: list[_Value] = []
    marks: list[int] = []
    memo: dict[object, _Value] = {}
    try:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "MARK":
                marks.append(len(stack))
            elif "PUT" in opcode.name:
                memo[argument] = stack[-1]
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif "GET" in opcode.name:
                stack.append(memo[argument])
            else:
                _run(opcode, stack, marks)
    except (ValueError, LookupError) as error:
        raise pickle.UnpicklingError(f"no pickle ({error})") from error


def _run(opcode: pickletools.OpcodeInfo, stack: list[_Value], marks: list[int]) -> None:
    """Take from the stack what an operation takes, and put there what it makes."""
    before = opcode.stack_before
    has_mark = pickletools.markobject in before
    num = before.index(pickletools.markobject) if has_mark else len(before)
    first = (marks.pop() if has_mark else len(stack)) - num
    if first < 0:
        raise LookupError(f"{opcode.name} has nothing to take")
    inner = stack[first:]
    del stack[first:]
    if opcode.name in _GROWING:
        inner[0].take(inner[1:])
        stack.append(inner[0])
    elif opcode.stack_after:
        made = _Value()
        made.take(inner)
        stack.append(made)
