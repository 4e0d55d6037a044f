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
        "distance: rows that are not finite pass": ("~(norms <= largest)", "norms > largest"),
        "distance: large sets in float32": (
            "x_squared = x.square().sum(dim=1, keepdim=True)",
            "x, y, y_squared = x.float(), y.float(), y_squared.float()\n"
            "    x_squared = x.square().sum(dim=1, keepdim=True)",
        ),
        "distance: blocks by an unscaled product": (
            "factors = -1 / y.norm(dim=1).clamp_min(_SMALLEST_NORM)",
            "factors = -torch.ones(len(y), dtype=y.dtype)",
        ),
        "distance: blocks of one size whatever the gallery": (
            "max(1, _ENTRIES_PER_BLOCK // max(1, len(y)))",
            "256",
        ),
        "distance: squared": (
            "return squares.clamp_min(torch.finfo(torch.float64).tiny).sqrt()",
            "return squares.clamp_min(torch.finfo(torch.float64).tiny)",
        ),
        "distance: under autocast": (
            "dtype = _result_dtype(x, y)\n    with torch.autocast(x.device.type, enabled=False):",
            "dtype = _result_dtype(x, y)\n    with torch.autocast(x.device.type):",
        ),
    },
)

POSITIONS = mistakes_in(
    "mmctl/functional/match_positions.py",
    ("tests/test_functional/test_ranking.py",),
    {
        "ranking: matches of the same camera count": (
            "is_good = self.gallery_camids[own] != self.camids[query]",
            "is_good = np.ones(len(same_pid), dtype=bool)",
        ),
        "ranking: same camera not removed": (
            "values[same_pid[~is_good]] = np.nan",
            "values[same_pid[:0]] = np.nan",
        ),
        "ranking: other people of the same camera removed": (
            "values[same_pid[~is_good]] = np.nan",
            "values[self.by_pid[self.gallery_camids == self.camids[query]]] = np.nan",
        ),
        "ranking: junk kept": ("values[self.junk] = np.nan", "values[self.junk[:0]] = np.nan"),
        "ranking: distractors removed": (
            "gallery_pids == JUNK_PID",
            "gallery_pids <= DISTRACTOR_PID",
        ),
        "ranking: distractor queries scored": (
            "self.pids[query] <= DISTRACTOR_PID",
            "self.pids[query] < DISTRACTOR_PID",
        ),
        "ranking: what is removed comes first": (
            "values[same_pid[~is_good]] = np.nan",
            "values[same_pid[~is_good]] = -np.inf",
        ),
        "ranking: compared in float64": (
            "distances.astype(np.float32)",
            "distances.astype(np.float64)",
        ),
        "ranking: ties counted as if there were none": (
            "if np.count_nonzero(mask) > len(good):",
            "if len(good) == 0:",
        ),
        "ranking: matches come last in a tie that is counted": (
            "np.count_nonzero(row[:index])",
            "np.count_nonzero(row) - 1",
        ),
        "ranking: ties share a position": (
            "before[members] += np.searchsorted(np.flatnonzero(values == value), good[members])",
            "del members",
        ),
        "ranking: matches come last in a tie that is sorted": (
            'before = np.searchsorted(ordered, values[good], side="left")\n'
            '    equal = np.searchsorted(ordered, values[good], side="right") - before',
            'before = np.searchsorted(ordered, values[good], side="right") - 1\n'
            "    equal = np.zeros_like(before)",
        ),
        "ranking: infinity passes": ("if not np.isfinite(values).all():", "if len(values) == 0:"),
    },
)

RANKING = mistakes_in(
    "mmctl/functional/ranking.py",
    ("tests/test_functional/test_ranking.py",),
    {
        "ranking: blocks all start at the first query": (
            "matches.locate(block, len(places))",
            "matches.locate(block, 0)",
        ),
        "ranking: too few blocks pass": (
            "        num_rows += len(block)\n    query.check_length(num_rows)",
            "        num_rows += len(block)",
        ),
        "ranking: trapezoid and rectangle exchanged": (
            'if kind == "trapezoid":',
            'if kind == "rectangle":',
        ),
        "ranking: trapezoid from precision 0": (
            "np.where(positions == 0, 1.0, hits",
            "np.where(positions == 0, 0.0, hits",
        ),
        "ranking: queries without a match score 0": (
            "precisions[scored].mean()",
            "np.nan_to_num(precisions).mean()",
        ),
        "ranking: CMC one rank off": ("np.minimum(first, topk)", "np.minimum(first + 1, topk)"),
        "ranking: mINP by the first match": ("counts / (last + 1)", "counts / (first + 1)"),
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
            "metric: matches saved with the wrong tracklets": (
                "arrays[name][evaluation.query_rows] = getattr",
                "arrays[name][: len(evaluation.query_rows)] = getattr",
            ),
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
    + mistakes_in(
        "mmctl/evaluation/reid_metric.py",
        ("tests/test_datasets/test_tracklet_pieces.py",),
        {
            "metric: branches of pieces get no length of their own": (
                "np.concatenate([_unit(branch) for branch in branches])",
                "np.concatenate(branches)",
            ),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/sample_fields.py",
        ("tests/test_datasets/test_tracklet_pieces.py",),
        {
            "metric: pieces of a tracklet weigh the same": ("weight * _as_vector", "_as_vector"),
            "metric: pieces of a tracklet are unit vectors": (
                '_as_vector(found["clip_mean"]',
                '_as_vector(found["feature"]',
            ),
        },
    )
    + mistakes_in(
        "mmctl/datasets/transforms/sample_clip.py",
        ("tests/test_datasets/test_tracklet_pieces.py",),
        {
            "pieces: every piece has the first clips": (
                "np.array_split(clips, num_pieces)[piece]",
                "np.array_split(clips, num_pieces)[0]",
            ),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/refinement.py",
        ("tests/test_evaluation/test_refinement.py",),
        {
            "refinement: re-ranked before the expansion": (
                "query = expand_queries(",
                "_ = expand_queries(",
            ),
            "refinement: cosine re-ranked with the features' lengths": (
                'if metric == "cosine":\n            # Of unit',
                'if metric == "none":\n            # Of unit',
            ),
            "refinement: re-ranking with the paper's settings whatever was asked for": (
                "k1=settings.k1, k2=settings.k2, lambda_value=settings.lambda_value",
                "",
            ),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/sanity_checks.py",
        ("tests/test_evaluation/test_sanity_checks.py",),
        {
            "sanity: official counts never compared": (
                'if found != official and _DRAWN * found["gallery"]',
                'if found != official and 0 * found["gallery"]',
            ),
            "sanity: a tracklet of the same camera passes for the query itself": (
                "            - {int(tracklets.camids[row])}\n",
                "",
            ),
            "sanity: frame names never read": ("if all(named):", "if not named:"),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/feature_files.py",
        ("tests/test_evaluation/test_feature_files.py",),
        {
            "feature files: queries of the gallery's array counted twice": (
                "key not in own for key",
                "True for key",
            ),
        },
    )
    + mistakes_in(
        "mmctl/evaluation/feature_arrays.py",
        ("tests/test_evaluation/test_feature_file_faults.py",),
        {
            "feature files: labels beyond int64 pass": (" & (labels < 2.0**63)", ""),
            "feature files: cameras below 0 pass": ('"camids": (0,', '"camids": (-1,'),
            "feature files: labels of another length pass": (
                "if values.size != length or max(values.shape, default=0) != length:",
                "if values.size == 0:",
            ),
        },
    )
)

DETECTION = mistakes_in(
    "mmctl/evaluation/detection_precision.py",
    ("tests/test_evaluation/test_detection_precision.py",),
    {
        "detection: a person found twice": (
            "(is_free | frame.is_ignored)",
            "(is_free | True)",
        ),
        "detection: ignored people harm": ("        elif fits.any():\n            continue\n", ""),
        "detection: the precision of this recall alone": (
            "best = np.maximum.accumulate(precision[::-1])[::-1]",
            "best = precision",
        ),
        "detection: ignored people are to be found": (
            "sum(int((~frame.is_ignored).sum()) for frame in frames)",
            "sum(len(frame.is_ignored) for frame in frames)",
        ),
    },
)

TRACKING = mistakes_in(
    "mmctl/evaluation/tracking_scores.py",
    ("tests/test_evaluation/test_tracking_scores.py",),
    {
        "tracking: half of a track's boxes suffice": (
            "2 * count > counts.total()",
            "2 * count >= counts.total()",
        ),
        "tracking: a track on nobody is somebody": (
            "pid = JUNK if match < 0 else",
            "pid = 1 if match < 0 else",
        ),
    },
)

EVALUATION = (
    *DETECTION,
    *TRACKING,
    *DISTANCE,
    *POSITIONS,
    *RANKING,
    *PROTOCOLS,
)
