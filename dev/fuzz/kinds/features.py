"""Feature files of our own and of other projects."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, Kind, not_a_file
from dev.fuzz.changed_mat import lying_mat, to_mat
from dev.fuzz.changed_npy import lying_npz, to_npz
from mmctl.evaluation import read_features

_FIELDS = ("features", "pids", "camids", "tracklet_ids", "splits", "frame_paths")
_SPLITS = ("query", "gallery")
_SHORT = {"features": "f", "pids": "label", "camids": "cam"}


def _pick(rng: random.Random, content: Any, *endings: str) -> str:
    names = [name for name in content if name.endswith(endings)]
    if not names:
        raise DoesNotApplyError
    return rng.choice(sorted(names))


_LABELS = ("pids", "camids", "label", "cam")
_FEATURES = ("features", "_f")


def _wrong_label(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_LABELS)
    values = content[name].astype(np.float64)
    values.flat[rng.randrange(values.size)] = rng.choice((1.5, np.nan, np.inf, -2, 2.0**63, 1e300))
    content[name] = values


def _wrong_feature(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_FEATURES)
    values = content[name].astype(rng.choice(("f4", "f8")))
    values.flat[rng.randrange(values.size)] = rng.choice((np.nan, np.inf, -np.inf, 1e30))
    content[name] = values


def _wrong_type(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_FEATURES, *_LABELS)
    kinds = ["c8", *(["i4", "u1"] if name.endswith(_FEATURES) else [])]
    content[name] = content[name].astype(rng.choice(kinds))


def _truths(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_FEATURES, *_LABELS)
    content[name] = content[name].astype("?")


def _wrong_shape(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_FEATURES)
    features = content[name]
    flat, cut = features.ravel()[None], features[:-1]
    content[name] = rng.choice((cut, features[..., None], np.concatenate([features, cut[:1]])))
    if len(content[name]) == len(features) and content[name].ndim == 2:
        content[name] = np.concatenate([flat, flat])


def _wrong_length(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_LABELS)
    content[name] = np.concatenate([content[name].ravel(), content[name].ravel()[:1]])


def _wrong_width(rng: random.Random, content: Any) -> None:
    if "features" in content:
        raise DoesNotApplyError
    name = _pick(rng, content, *_FEATURES)
    content[name] = content[name][:, :-1]


def _no_array(rng: random.Random, content: Any) -> None:
    del content[_pick(rng, content, *_FEATURES, *_LABELS, "splits")]


def _unknown_split(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, "splits")
    content[name] = np.array([rng.choice(("train", "Query", "")), *content[name][1:]])


def _text_labels(rng: random.Random, content: Any) -> None:
    name = _pick(rng, content, *_LABELS)
    content[name] = content[name].astype(str)


class Features(Kind):
    """``.npz`` files, whose checksums tell every changed byte that matters."""

    name = "features-npz"
    damage = Effect.SAME_OR_REFUSED
    changes: ClassVar[Sequence[Change]] = (
        Change("a label that is none", Effect.REFUSED, _wrong_label),
        Change("a feature that is not finite", Effect.REFUSED, _wrong_feature),
        Change("an array of another type", Effect.REFUSED, _wrong_type),
        Change("features of another shape", Effect.REFUSED, _wrong_shape),
        Change("a label too many", Effect.REFUSED, _wrong_length),
        Change("widths that differ", Effect.REFUSED, _wrong_width),
        Change("an array missing", Effect.REFUSED, _no_array),
        Change("a split that is unknown", Effect.REFUSED, _unknown_split),
        Change("an array of truth values", Effect.REFUSED, _truths),
        Change("labels as text", Effect.REFUSED, _text_labels),
    )
    edits: ClassVar[Sequence[Change]] = (
        not_a_file(".npz"),
        *lying_npz(".npz", ("features", "query_features", "query_f", "gallery_f", "pids")),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw features in one of the layouts."""
        generator = np.random.default_rng(rng.getrandbits(64))
        count, width = rng.randint(4, 7), rng.randint(2, 5)
        features = generator.normal(size=(count, width)).astype(rng.choice(("f4", "f8")))
        num_queries, code = rng.randint(1, count - 1), rng.choice(("i8", "i4", "f8"))
        pids = np.array([rng.randint(1, 3) for _ in range(count)]).astype(code)
        camids = np.array([rng.randint(0, 5) for _ in range(count)]).astype(
            rng.choice(("i8", "u1"))
        )
        columns = {"features": features, "pids": pids, "camids": camids}
        return self.lay_out(rng, columns, num_queries)

    def lay_out(self, rng: random.Random, columns: Any, num_queries: int) -> Any:
        """Return the arrays of a file."""
        count = len(columns["pids"])
        if rng.random() < 0.5:
            splits = np.array(["query"] * num_queries + ["gallery"] * (count - num_queries))
            more = {"splits": splits}
            if rng.random() < 0.5:
                more["tracklet_ids"] = np.arange(count) + 3
                more["frame_paths"] = np.array([f"a/{i}.jpg" for i in range(count)])
            return columns | more
        return _apart(rng, columns, num_queries)

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"features.npz": to_npz(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return the fields of TrackletFeatures."""
        parts: dict[str, list[Any]] = {}
        for field, short in _SHORT.items():
            names = [f"{split}_{name}" for split in _SPLITS for name in (field, short)]
            parts[field] = [content[n] for n in names if n in content] or [content[field]]
        found: dict[str, Any] = {
            "features": np.concatenate(parts["features"]).astype(np.float32),
            "pids": np.concatenate([part.ravel() for part in parts["pids"]]).astype(np.int64),
            "camids": np.concatenate([part.ravel() for part in parts["camids"]]).astype(np.int64),
        }
        count = len(found["pids"])
        counts = [len(part) for part in parts["features"]]
        if "tracklet_ids" in content:
            found["tracklet_ids"] = content["tracklet_ids"]
        apart = np.repeat(_SPLITS, counts) if len(counts) == 2 else None
        found["splits"] = content.get("splits", apart)
        found["frame_paths"] = content.get("frame_paths", np.full(count, ""))
        return {name: array.tolist() for name, array in found.items()}

    def read(self, folder: Path) -> Any:
        """Read the file."""
        found = read_features(next(iter(folder.iterdir()), folder / "features.npz"))
        assert found.features.dtype == np.float32
        fields = {name: getattr(found, name).tolist() for name in _FIELDS}
        # Files without numbers say nothing about them.
        if fields["tracklet_ids"] in ([*range(len(found.pids))], [-1] * len(found.pids)):
            del fields["tracklet_ids"]
        return fields

    def check(self, meaning: Any) -> None:
        """Assert the rules of features."""
        assert len({len(column) for column in meaning.values()}) == 1, "unequal lengths"
        assert np.isfinite(np.array(meaning["features"])).all(), "a feature that is not finite"
        assert min(meaning["pids"]) >= -1, "a pid below -1"
        assert min(meaning["camids"]) >= 0, "a camid below 0"
        assert set(meaning["splits"]) <= {"query", "gallery"}, "an unknown split"


def _apart(rng: random.Random, columns: Any, num_queries: int) -> Any:
    short, parts = rng.random() < 0.5, {}
    for field, array in columns.items():
        name = _SHORT[field] if short else field
        parts[f"query_{name}"] = array[:num_queries]
        parts[f"gallery_{name}"] = array[num_queries:]
    return parts


class FeaturesMat(Features):
    """``.mat`` files, as Zheng's and layumi's code write them."""

    name = "features-mat"
    damage = Effect.EITHER
    edits: ClassVar[Sequence[Change]] = (
        not_a_file(".mat"),
        *lying_mat(
            ".mat",
            lambda _: {
                f"{split}_{name}": np.ones((2, 3 if name == "f" else 1))
                for split in _SPLITS
                for name in _SHORT.values()
            },
        ),
    )
    # MATLAB's file would have numbers there.
    changes: ClassVar[Sequence[Change]] = tuple(
        c for c in Features.changes if c.apply not in (_text_labels, _truths)
    )

    def lay_out(self, rng: random.Random, columns: Any, num_queries: int) -> Any:
        """Return the arrays of a file; those of labels lie in a row or a column."""
        parts = _apart(rng, columns, num_queries)
        return {
            n: a if a.ndim == 2 else a[None] if rng.random() < 0.5 else a[:, None]
            for n, a in parts.items()
        }

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        arrays = {n: np.atleast_2d(a) for n, a in content.items() if a.dtype.kind != "c"}
        if len(arrays) < len(content):
            raise DoesNotApplyError
        return {"features.mat": to_mat(rng, arrays, rng.random() < 0.03)}
