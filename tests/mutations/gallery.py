"""Mistakes in galleries: they lose somebody, find the wrong one, or keep what was forgotten."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

SCORING = mistakes_in(
    "mmctl/gallery/scoring.py",
    ("tests/test_gallery/test_scoring.py", "tests/test_gallery/test_gallery.py"),
    {
        "scoring: no margin for what float32 rounds": (
            "margin = np.float32(error_margin(features.shape[1]))",
            "margin = np.float32(0)",
        ),
        "scoring: a margin of one sum": (
            "return 2.02 * width * _ROUNDING",
            "return 1.01 * width * _ROUNDING",
        ),
        "scoring: what is hidden is found": (
            "products[:, hidden] = -np.inf",
            "products[:, hidden] = 0",
        ),
        "scoring: places count from the block": (
            "else chosen[near[1]] + start",
            "else chosen[near[1]]",
        ),
        "scoring: the best are counted twice": ("if not is_short:", "if True:"),
        "scoring: similarities in float32": (
            "np.concatenate([np.empty(0), *parts])",
            "np.concatenate([np.empty(0, np.float32), *parts], dtype=np.float32)",
        ),
        "scoring: equal ones in any order": (
            "np.lexsort((places, -similarities))",
            "np.lexsort((-places, -similarities))",
        ),
        "scoring: the least similar first": ("(places, -similarities)", "(places, similarities)"),
    },
)

WIDENING = mistakes_in(
    "mmctl/gallery/engines/widening.py",
    ("tests/test_gallery/test_scoring.py",),
    {
        "widening: no more hits than are wanted": (
            "is_short = len(scores) < topk or scores[-1] >= scores[topk - 1] - margin",
            "is_short = len(scores) < topk",
        ),
    },
)

FILTER = mistakes_in(
    "mmctl/gallery/columns.py",
    ("tests/test_gallery/test_gallery.py",),
    {
        "filter: after is when it began": (
            "columns.ends < self.after",
            "columns.starts < self.after",
        ),
        "filter: the moment itself is too early": (
            "columns.ends < self.after",
            "columns.ends <= self.after",
        ),
        "filter: before is when it ended": (
            "columns.starts > self.before",
            "columns.ends > self.before",
        ),
        "filter: counted by every reason": (
            "np.count_nonzero(passes & fails)",
            "np.count_nonzero(fails)",
        ),
        "filter: expired ones are found": ("columns.expires <= moment", "columns.expires < 0"),
    },
)

SEARCHES = mistakes_in(
    "mmctl/gallery/searches.py",
    ("tests/test_gallery/test_gallery.py",),
    {
        "search: a query that finds itself has a hit less": (
            "more = topk + any(row is not None for row in queries.rows)",
            "more = topk",
        ),
        "search: the query's camera stays": (
            "camera if options.exclude_same_camera else None",
            "None",
        ),
        "search: itself and its camera count twice": ("same -= bool(of_camera[own])", "same -= 0"),
    },
)

STORE = mistakes_in(
    "mmctl/gallery/store.py",
    ("tests/test_gallery/test_gallery.py", "tests/test_gallery/test_damage.py"),
    {
        "store: columns of before a change": (
            "if self._columns is None or self._columns[0] != change:",
            "if self._columns is None:",
        ),
        "store: a damaged feature passes": ("zlib.crc32(content) != checksum", "False"),
    },
)

ADDITIONS = mistakes_in(
    "mmctl/gallery/additions.py",
    ("tests/test_gallery/test_gallery.py", "tests/test_gallery/test_hostile.py"),
    {
        "addition: models mix": ("if model != ours.model:", "if False:"),
        "addition: kinds of features mix": ("if feature != ours.feature:", "if False:"),
        "addition: who was confirmed is forgotten": (
            'if source == "confirmed":\n                kept',
            "if False:\n                kept",
        ),
    },
)

DELETIONS = mistakes_in(
    "mmctl/gallery/deletions.py",
    ("tests/test_gallery/test_gallery.py", "tests/test_gallery/test_erasure.py"),
    {
        "deletion: of unknown time goes": (
            "has_end & (columns.ends < before)",
            "columns.ends < before",
        ),
        "deletion: any condition is enough": (
            "chosen &= columns.cameras == camera",
            "chosen |= columns.cameras == camera",
        ),
        "deletion: nobody knows that bytes are left": (
            'store.set_flag("unerased", store.counter("features"))',
            "pass",
        ),
    },
)

ERASURE = mistakes_in(
    "mmctl/gallery/index.py",
    ("tests/test_gallery/test_erasure.py", "tests/test_gallery/test_gallery.py"),
    {
        "erasure: pages keep what was moved": ('connection.execute("VACUUM")', "pass"),
        "erasure: the log keeps what was written": (
            'execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]',
            'execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0]',
        ),
        "index: extended where rows were deleted": (
            "state.count == _count_up_to(rows, state.last_row)",
            "True",
        ),
    },
)

SCHEMA = mistakes_in(
    "mmctl/gallery/schema.py",
    ("tests/test_gallery/test_damage.py",),
    {
        "schema: a newer version is read": ("if version > VERSION:", "if False:"),
        "schema: tables of others are read": (
            "if name not in _MADE_BY_SQLITE and found.get(name) != TABLES.get(name)",
            "if False",
        ),
    },
)

RECORDS = mistakes_in(
    "mmctl/gallery/records.py",
    ("tests/test_gallery/test_hostile.py", "tests/test_gallery/test_gallery.py"),
    {
        "record: a crop leaves its folder": (
            'PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts',
            "False",
        ),
        "record: no unit vector": ("np.abs(lengths - 1) <= _UNIT_TOLERANCE", "lengths > -1"),
    },
)

CROPS = mistakes_in(
    "mmctl/gallery/hits.py",
    ("tests/test_gallery/test_hostile.py",),
    {"crop: a link leads away": ("path.is_relative_to(root)", "True")},
)

FULL_DISKS = mistakes_in(
    "mmctl/gallery/index.py",
    ("tests/test_gallery/test_engines.py",),
    {
        "index: a full disk in a library's words": (
            "        if code is None:\n            raise",
            "        raise",
        )
    },
)

PIECES = mistakes_in(
    "mmctl/gallery/engines/exact.py",
    ("tests/test_gallery/test_engines.py",),
    {"exact: a piece stays on a full disk": ("path.unlink(missing_ok=True)", "pass")},
)

GALLERY = (
    *SCORING,
    *WIDENING,
    *FILTER,
    *SEARCHES,
    *STORE,
    *ADDITIONS,
    *DELETIONS,
    *ERASURE,
    *SCHEMA,
    *RECORDS,
    *CROPS,
    *FULL_DISKS,
    *PIECES,
)
