"""Slow loop references of distances, ranking and re-ranking, written from their definitions."""

from __future__ import annotations

import math

import numpy as np


def loop_distance(x: np.ndarray, y: np.ndarray, metric: str) -> np.ndarray:
    out = np.zeros((len(x), len(y)))
    for i, a in enumerate(x.astype(np.float64)):
        for j, b in enumerate(y.astype(np.float64)):
            if metric == "euclidean":
                out[i, j] = math.sqrt(sum((p - q) ** 2 for p, q in zip(a, b, strict=True)))
            else:
                dot = sum(p * q for p, q in zip(a, b, strict=True))
                norms = math.sqrt(sum(p * p for p in a)) * math.sqrt(sum(q * q for q in b))
                out[i, j] = 1 - dot / norms
    return out


def loop_ranking(distances, query_pids, query_camids, gallery_pids, gallery_camids, kind, topk):
    """Return cmc, mAP, mINP, number scored, per-query AP, per-query first position."""
    precisions, firsts, penalties = [], [], []
    for q, (pid, camid) in enumerate(zip(query_pids, query_camids, strict=True)):
        items = []
        for g, (other_pid, other_camid) in enumerate(
            zip(gallery_pids, gallery_camids, strict=True)
        ):
            if other_pid == -1 or (other_pid == pid and other_camid == camid):
                continue
            is_match = other_pid == pid and pid != 0
            items.append((float(np.float32(distances[q, g])), g, is_match))
        items.sort(key=lambda item: (item[0], item[1]))
        matches = [position for position, item in enumerate(items) if item[2]]
        if not matches:
            precisions.append(math.nan)
            firsts.append(-1)
            continue
        total = 0.0
        for k, j in enumerate(matches):
            now = (k + 1) / (j + 1)
            before = 1.0 if j == 0 else k / j
            total += now if kind == "rectangle" else (before + now) / 2
        precisions.append(total / len(matches))
        firsts.append(matches[0])
        penalties.append(len(matches) / (matches[-1] + 1))
    scored = [first for first in firsts if first >= 0]
    cmc = [sum(first <= k for first in scored) / len(scored) for k in range(topk)]
    return cmc, float(np.nanmean(precisions)), np.mean(penalties), len(scored), precisions, firsts


def loop_expand(query, gallery, num_neighbours, alpha):
    """Return each query's weighted mean with its nearest gallery items, unit length."""

    def unit(vector):
        return vector / math.sqrt(sum(value * value for value in vector))

    out = []
    for row in query.astype(np.float64):
        own = unit(row)
        scored = []
        for index, other in enumerate(gallery.astype(np.float64)):
            other = unit(other)
            scored.append((-sum(p * q for p, q in zip(own, other, strict=True)), index, other))
        total = own.copy()
        for negative, _, other in sorted(scored, key=lambda item: item[:2])[:num_neighbours]:
            total += max(-negative, 0.0) ** alpha * other
        out.append(unit(total))
    return np.stack(out)


def loop_neighbours(features, count):
    """Return the first rows by (squared distance, index) of each row, float64."""
    features = features.astype(np.float64)
    out = []
    for own in features:
        squared = [sum((p - q) ** 2 for p, q in zip(own, other, strict=True)) for other in features]
        out.append(sorted(range(len(features)), key=lambda j: (squared[j], j))[:count])
    return np.array(out)


def loop_k_reciprocal(query, gallery, k1, k2, lambda_value):
    """Follow Zhong et al. item by item with dense arrays, float64."""
    features = np.concatenate([query, gallery]).astype(np.float64)
    count = len(features)
    original = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            original[i, j] = ((features[i] - features[j]) ** 2).sum()
    original = original / original.max(axis=1, keepdims=True)
    order = [sorted(range(count), key=lambda j, i=i: (original[i, j], j)) for i in range(count)]

    def reciprocal(item, k):
        return [j for j in order[item][: k + 1] if item in order[j][: k + 1]]

    encodings = np.zeros((count, count))
    for i in range(count):
        first = set(reciprocal(i, k1))
        members = set(first)
        for j in first:
            half = set(reciprocal(j, int(np.around(k1 / 2))))
            if len(half & first) > 2 / 3 * len(half):
                members |= half
        for j in members:
            encodings[i, j] = math.exp(-original[i, j])
        encodings[i] /= encodings[i].sum()
    if k2 > 1:
        encodings = np.stack([encodings[order[i][:k2]].mean(axis=0) for i in range(count)])
    final = np.zeros((len(query), len(gallery)))
    for i in range(len(query)):
        for g in range(len(gallery)):
            j = len(query) + g
            smaller = np.minimum(encodings[i], encodings[j]).sum()
            larger = np.maximum(encodings[i], encodings[j]).sum()
            final[i, g] = (1 - lambda_value) * (1 - smaller / larger) + lambda_value * original[
                i, j
            ]
    return final
