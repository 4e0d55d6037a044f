"""Mistakes in the data sets whose layout is folders or lists of prefixes."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_TESTS = "tests/test_datasets"

LAYOUTS = (
    mistakes_in(
        "mmctl/datasets/prid2011.py",
        (f"{_TESTS}/test_prid2011.py",),
        {
            "PRID: 21 frames are enough": ("MIN_FRAMES = 22", "MIN_FRAMES = 21"),
            "PRID: people of one camera belong to the data set": (
                "<= NUM_SHARED_PERSONS",
                "<= 10 * NUM_SHARED_PERSONS",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/fixed_layout_dataset.py",
        (f"{_TESTS}/test_ilids_vid.py", f"{_TESTS}/test_ls_vid.py"),
        {
            "fixed layouts: rows of the wanted tracklets only": (
                "num_rows += len(names)",
                "num_rows += len(names) * (split is not None)",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/two_camera_dataset.py",
        (f"{_TESTS}/test_prid2011.py", f"{_TESTS}/test_ilids_vid.py"),
        {
            "two cameras: query and gallery exchanged": (
                'else ("query", "gallery")',
                'else ("gallery", "query")',
            ),
            "two cameras: drawn splits go before the published ones": (
                "for path in (official, drawn):",
                "for path in (drawn, official):",
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/dukemtmc_videoreid.py",
        (f"{_TESTS}/test_dukemtmc_videoreid.py",),
        {
            "Duke: rows counted from each section's start": (
                "for section in SECTIONS if all_splits else wanted:",
                "for section in wanted:",
            ),
            "Duke: one kind of names only": ("(_?)C", "(_)C"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/ls_vid.py",
        (f"{_TESTS}/test_ls_vid.py",),
        {
            "LS-VID: a prefix takes the frames of longer ones": (
                'start = prefix.name.rstrip("_") + "_"',
                "start = prefix.name",
            ),
            "LS-VID: frames sorted by name": (
                "sorted(zip(numbers, names, strict=True))",
                "zip(numbers, names, strict=True)",
            ),
            "LS-VID: person 0 is a distractor": ("shift=int(first_pid == 0)", "shift=0"),
        },
    )
)
