"""Mistakes in how batches travel from a worker."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

LENT_MEMORY = mistakes_in(
    "mmctl/datasets/batches/lent_memory.py",
    ("tests/test_datasets/test_batches/test_lent_memory.py",),
    {
        "lent: memory comes back while a view is left": (
            "weakref.finalize(shared.untyped_storage(),",
            "weakref.finalize(shared,",
        ),
        "lent: memory never comes back": ("states[piece] = state", "pass"),
        "lent: lent memory is lent again": ("self._states[piece] = LENT", "pass"),
        "lent: a fork sees memory that is lent again": ("before=_give_up", "before=int"),
        "lent: what was given up is lent again": ("if state == GIVEN_UP:", "if False:"),
        "lent: a piece that is too small": ("< size:", "< 0:"),
    },
)
