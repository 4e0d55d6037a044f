"""Mistakes in distances, rankings and protocols: they move a published number."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

DISTANCE = mistakes_in(
    "mmctl/functional/distance.py",
    ("tests/test_functional/test_distance.py",),
    {
        "distance: similarity for cosine distance": (
            "return (1 - F.normalize(x, dim=1) @ F.normalize(y, dim=1).T).clamp_min(0)",
            "return F.normalize(x, dim=1) @ F.normalize(y, dim=1).T",
        ),
        "distance: by a matrix product in float32": (
            'compute_mode="donot_use_mm_for_euclid_dist"',
            'compute_mode="use_mm_for_euclid_dist"',
        ),
        "distance: large sets in float32": (
            "x_squared = x.square().sum(dim=1, keepdim=True)",
            "x, y, y_squared = x.float(), y.float(), y_squared.float()\n"
            "    x_squared = x.square().sum(dim=1, keepdim=True)",
        ),
        "distance: squared": (
            "return squares.clamp_min(torch.finfo(torch.float64).tiny).sqrt()",
            "return squares.clamp_min(torch.finfo(torch.float64).tiny)",
        ),
        "distance: under autocast": (
            "enabled=False",
            "enabled=torch.is_autocast_enabled(x.device.type)",
        ),
    },
)

_YIELD = "_positions(values, same_pid[is_good], same_pid[~is_good])"

RANKING = mistakes_in(
    "mmctl/functional/ranking.py",
    ("tests/test_functional/test_ranking.py",),
    {
        "ranking: matches of the same camera count": (
            "is_good = camids[same_pid] != query.camids[row]",
            "is_good = np.ones(len(same_pid), dtype=bool)",
        ),
        "ranking: same camera not removed": (_YIELD, _YIELD.replace("[~is_good]", "[:0]")),
        "ranking: other people of the same camera removed": (
            _YIELD,
            _YIELD.replace("same_pid[~is_good]", "np.flatnonzero(camids == query.camids[row])"),
        ),
        "ranking: junk kept": (
            "kept = np.flatnonzero(gallery.pids != JUNK_PID)",
            "kept = np.arange(len(gallery.pids))",
        ),
        "ranking: distractors removed": (
            "kept = np.flatnonzero(gallery.pids != JUNK_PID)",
            "kept = np.flatnonzero(gallery.pids > DISTRACTOR_PID)",
        ),
        "ranking: distractor queries scored": (
            "(query.pids > DISTRACTOR_PID)",
            "(query.pids >= DISTRACTOR_PID)",
        ),
        "ranking: trapezoid and rectangle exchanged": (
            'if kind == "trapezoid":',
            'if kind == "rectangle":',
        ),
        "ranking: trapezoid from precision 0": (
            "np.where(positions == 0, 1.0, hits",
            "np.where(positions == 0, 0.0, hits",
        ),
        "ranking: ties share a position": (
            "before[members] += np.searchsorted(np.flatnonzero(values == value), good[members])",
            "del members",
        ),
        "ranking: matches come last in a tie": (
            'before = np.searchsorted(ordered, values[good], side="left")\n'
            '    equal = np.searchsorted(ordered, values[good], side="right") - before',
            'before = np.searchsorted(ordered, values[good], side="right") - 1\n'
            "    equal = np.zeros_like(before)",
        ),
        "ranking: removed items of a tie ignored": ("(nearer | tied)", "nearer"),
        "ranking: compared in float64": ("values.astype(np.float32, copy=False)", "values + 0.0"),
        "ranking: queries without a match score 0": (
            "precisions[scored].mean()",
            "np.nan_to_num(precisions).mean()",
        ),
        "ranking: CMC one rank off": (
            "np.minimum(first_match[scored], topk)",
            "np.minimum(first_match[scored] + 1, topk)",
        ),
        "ranking: mINP by the first match": (
            "len(positions) / (positions[-1] + 1)",
            "len(positions) / (positions[0] + 1)",
        ),
    },
)

PROTOCOLS = (
    mistakes_in(
        "mmctl/evaluation/tracklet_features.py",
        ("tests/test_evaluation/test_reid_metric.py",),
        {
            "protocol: query-excluded keeps the queries": (
                "(protocol.queries_in_gallery | ~is_query)",
                "(self.pids == self.pids)",
            ),
            "protocol: query-in-gallery leaves them out": (
                "(protocol.queries_in_gallery | ~is_query)",
                "~is_query",
            ),
            "protocol: junk counted in the gallery": ("(self.pids != JUNK_PID) & ", ""),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/protocols.py",
        ("tests/test_evaluation/test_reid_metric.py",),
        {
            "protocol: mars-official with rectangles": (
                'queries_in_gallery=True, average_precision="trapezoid"',
                'queries_in_gallery=True, average_precision="rectangle"',
            ),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/reid_metric.py",
        ("tests/test_evaluation/test_reid_metric.py",),
        {
            "metric: ties by the order in which ranks reported": (
                'results = sorted(results, key=lambda result: result["tracklet_id"])',
                "results = list(results)",
            ),
        },
    )
)

_SHARED = "1 - shared / (2 - shared)"

RERANKING = mistakes_in(
    "mmctl/functional/reranking.py",
    ("tests/test_functional/test_reranking.py",),
    {
        "re-ranking: lambda on the other term": (
            "(1 - lambda_value) * jaccard + lambda_value * original",
            "lambda_value * jaccard + (1 - lambda_value) * original",
        ),
        "re-ranking: neighbours not reciprocal": (
            "mutual = (nearest[block] == items).any(axis=2)",
            "mutual = np.ones(block.shape, dtype=bool)",
        ),
        "re-ranking: Jaccard similarity for distance": (_SHARED, "shared / (2 - shared)"),
    },
)

EVALUATION = (*DISTANCE, *RANKING, *PROTOCOLS, *RERANKING)
