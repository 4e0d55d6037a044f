"""MATLAB files of both versions, as every reader of them sees them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, Effect, Files, Kind
from dev.fuzz.changed_mat import lying_mat, to_hdf5, to_mat
from mmctl.files import read_mat

_CODES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


def draw_arrays(rng: random.Random) -> dict[str, Any]:
    """Draw some arrays of any type and shape."""
    generator = np.random.default_rng(rng.getrandbits(64))
    shapes = ((1, 1), (2, 3), (5, 1), (0, 2), (2, 1, 3), (1, 40))
    return {
        name: generator.integers(0, 100, rng.choice(shapes)).astype(rng.choice(_CODES))
        for name in rng.sample(("a", "features", "x1", "ls_set"), rng.randint(1, 3))
    }


class MatArrays(Kind):
    """Files of version 5 and 7.3."""

    name = "mat-files"
    edits: ClassVar[Sequence[Change]] = tuple(
        lying_mat(".mat", lambda _: {"a": np.ones((2, 3)), "b": np.arange(4.0)[None]})
    )
    damage = Effect.EITHER

    def make(self, rng: random.Random) -> Any:
        """Draw arrays."""
        return draw_arrays(rng)

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"arrays.mat": to_mat(rng, content, hdf5=False)}

    def meaning(self, content: Any) -> Any:
        """Return the arrays."""
        return content

    def read(self, folder: Path) -> Any:
        """Read the two arrays of the lying files, or all."""
        found = read_mat(folder / "arrays.mat", "test file")
        # A file that lies of an array must not be read without it.
        if not found.keys() or found.keys() < {"a", "b"}:
            found |= read_mat(folder / "arrays.mat", "test file", ("a", "b"))
        return found

    def check(self, meaning: Any) -> None:
        """Assert that arrays of numbers were read."""
        for name, array in meaning.items():
            assert isinstance(array, np.ndarray), f"{name!r:.40} is no array"
            assert array.dtype.kind in "iuf", f"{name!r:.40} is {array.dtype}"
            assert array.ndim >= 2, f"{name!r:.40} has {array.ndim} dimensions"


class Hdf5Arrays(MatArrays):
    """Files of version 7.3, whose library is written in C and may take its process with it."""

    name = "hdf5-files"
    edits: ClassVar[Sequence[Change]] = ()

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"arrays.mat": to_hdf5(rng, content)}
