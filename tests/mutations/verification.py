"""Mistakes in verification: a threshold that promises less than it does."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_TESTS = ("tests/test_functional/test_verification.py",)
_MEASURED = ("tests/test_evaluation/test_verification.py",)
_REFUSED = ("tests/test_evaluation/test_verification_faults.py",)
_KEPT = ("tests/test_evaluation/test_calibration.py",)

VERIFICATION = (
    *mistakes_in(
        "mmctl/functional/verification.py",
        _TESTS,
        {
            "verification: a threshold rejects its own score": (
                'self.scores, side="left")',
                'self.scores, side="right")',
            ),
            "verification: ties in the area are lost": (
                "(accepts[1:] + accepts[:-1])).sum() / 2",
                "accepts[:-1]).sum()",
            ),
            "verification: a rate may be exceeded": (
                "return self.point(after - 1)",
                "return self.point(min(after, len(self.scores) - 1))",
            ),
            "verification: equal errors at the next score": (
                "share = -before / (beyond - before)",
                "share = 1.0",
            ),
            "verification: weights in the order of the file": (
                "np.cumsum(weights[order], out=sums[1:])",
                "np.cumsum(weights, out=sums[1:])",
            ),
            "calibration: hard targets": ("1 / (sums[1] + 2))", "0.0)"),
            "calibration: intercept of the scaled scores": (
                "float(intercept - slope * centre / spread)",
                "float(intercept)",
            ),
            "calibration: weights left out of the gradient": (
                "errors = weights * (probabilities - target)",
                "errors = probabilities - target",
            ),
            "calibration: scores of another order of sums differ": (
                "return max(1e-9, 8 * float(rounding))",
                "return 1e-9",
            ),
        },
    ),
    *mistakes_in(
        "mmctl/evaluation/pair_counts.py",
        _MEASURED,
        {
            "pairs: junk is compared": ("& has_camera & ~is_junk", "& has_camera"),
            "pairs: unknown cameras are compared": (
                "np.flatnonzero(has_pid & has_camera",
                "np.flatnonzero(has_pid",
            ),
            "pairs: all distractors are one person": (
                "np.where(is_distractor, places, -1)",
                "np.where(is_distractor, -1, -1)",
            ),
            "pairs: two distractors count as different": (
                "num * (num - 1) // 2 - same_camera - two",
                "num * (num - 1) // 2 - same_camera",
            ),
        },
    ),
    *mistakes_in(
        "mmctl/evaluation/camera_pairs.py",
        _MEASURED,
        {
            "pairs: those of one camera are compared": (
                "others = self._features[stop:].T",
                "others = self._features[start:].T",
            ),
            "pairs: two distractors are compared": (
                "~(same | (is_distractor[rows, None] & is_distractor[columns]))",
                "~same",
            ),
            "pairs: the sample stands for itself only": (
                "np.where(is_sure, 1, rest)",
                "np.where(is_sure, 1, 1)",
            ),
            "pairs: the most similar ones are drawn, too": (
                "drawn | (_to_bins(found) >= first)",
                "drawn",
            ),
        },
    ),
    *mistakes_in(
        "mmctl/evaluation/verification.py",
        _MEASURED + _REFUSED,
        {
            "bootstrap: pairs of different persons count once": (
                "negatives *= times[pairs.negative_units[:, 1]]",
                "negatives *= 1",
            ),
            "bootstrap: persons of one kind only": (
                "pairs.positive_weights * times[pairs.positive_units]",
                "pairs.positive_weights * 1",
            ),
            "bootstrap: one tail for both": ("[tail, 1 - tail]", "[2 * tail, 1 - tail]"),
            "verification: any rate is measured": (
                "            check_rate(rate, number)\n",
                "            check_rate(rate, 2**62)\n",
            ),
        },
    ),
    *mistakes_in(
        "mmctl/evaluation/calibration.py",
        _KEPT,
        {
            "calibration: false alarms understated between points": (
                'np.searchsorted(-thresholds, -values, side="left")',
                'np.maximum(np.searchsorted(-thresholds, -values, side="left") - 1, 0)',
            ),
            "calibration: no false alarms beyond what was measured": (
                "np.clip(found, self.smallest_rate, 1.0)",
                "np.where(values > thresholds[0], 0.0, found)",
            ),
            "calibration: a prior on top of the measured one": (
                "math.log(prior / (1 - prior)) - math.log(measured)",
                "math.log(prior / (1 - prior))",
            ),
            "calibration: files of later versions are read": (
                "type(version) is int and version > VERSION",
                "False",
            ),
            "calibration: unknown sources pass for equal ones": (
                "elif not (measured and given):",
                "elif False:",
            ),
        },
    ),
    *mistakes_in(
        "mmctl/evaluation/calibration_records.py",
        _REFUSED,
        {
            "verification: one false accept is enough": (
                "FALSE_ACCEPTS_NEEDED = 10",
                "FALSE_ACCEPTS_NEEDED = 1",
            )
        },
    ),
)
