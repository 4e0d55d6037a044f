"""Slow loop references of the plug-ins of SINet, written from their definitions in float64.

Nothing here is shared with the package. Arrays are numpy; maps of a clip are (T, C, H, W).
"""

from __future__ import annotations

import math

import numpy as np

from tests.references.zoo import softmax, unit


def clip_moments(clip, orders):
    """(T, C, H, W) -> mean, spread and standardised moments of each channel, (2 + M, C)."""
    out = []
    for c in range(clip.shape[1]):
        values = clip[:, c].flatten()
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
        moments = [sum((v - mean) ** k for v in values) / len(values) / spread**k for k in orders]
        out.append([mean, spread, *moments])
    return np.array(out).T


def distribute_moments(clip, moments):
    """Each place of (T, C, H, W): moments of length one, by the softmax of their products."""
    unit_rows = [unit(row) for row in moments]
    out = np.zeros_like(clip)
    for t in range(len(clip)):
        for r in range(clip.shape[2]):
            for c in range(clip.shape[3]):
                weights = softmax([clip[t, :, r, c] @ row for row in unit_rows])
                out[t, :, r, c] = sum(w * row for w, row in zip(weights, unit_rows, strict=True))
    return out


def central(clip):
    """(T, C, H, W) -> the channels whose mean inside is larger than that over all."""
    inside, everywhere = clip[:, :, 1:-1, 1:-1], clip
    return {
        c
        for c in range(clip.shape[1])
        if inside[:, c].mean() / (everywhere[:, c].mean() + 1e-8) > 1
    }


def kernel_of_salient(clip, scores, size):
    """(T, C, H, W) and (T, size * size, H, W) -> (C, size, size)."""
    shares = np.zeros_like(scores)
    for t in range(len(scores)):
        for r in range(scores.shape[2]):
            for c in range(scores.shape[3]):
                total = scores[t, :, r, c].sum()
                shares[t, :, r, c] = scores[t, :, r, c] / total if total else 0
    out = np.zeros((clip.shape[1], size * size))
    for entry in range(size * size):
        weights = shares[:, entry] / max(shares[:, entry].sum(), 1e-12)
        for channel in range(clip.shape[1]):
            out[channel, entry] = (weights * clip[:, channel]).sum()
    return out.reshape(-1, size, size)


def kept_of_broad(clip, kernel, strength):
    """(T, C, H, W) and (C, k, k) -> (T, H, W)."""
    high, wide = clip.shape[2:]
    half, out = kernel.shape[1] // 2, []
    for frame in clip:
        scores = []
        for r in range(high):
            for c in range(wide):
                total = 0.0
                for i in range(kernel.shape[1]):
                    for j in range(kernel.shape[2]):
                        y = min(max(r + i - half, 0), high - 1)
                        x = min(max(c + j - half, 0), wide - 1)
                        total += kernel[:, i, j] @ frame[:, y, x]
                scores.append(total / kernel.shape[1] ** 2)
        rare = [1 / (max(value, 1e-4) * high * wide) for value in softmax(scores)]
        kept = [math.exp(strength * (value - 1)) if value < 1 else 1 for value in rare]
        out.append(np.array(kept).reshape(high, wide))
    return np.stack(out)


def exchanged(salient, broad, kept, share):
    """Both parts of a clip, (T, C, H, W), with some of each other."""
    lost = np.zeros(broad.shape[1])
    for c in range(broad.shape[1]):
        lost[c] = ((1 - kept) * broad[:, c]).mean() / (1 - kept).mean()
    shown = salient.mean(axis=(0, 2, 3))
    first = salient + share * lost[None, :, None, None]
    return np.concatenate([first, broad * kept[:, None] + share * shown[None, :, None, None]])


def broadened(clip, salient, gate, kernel, size=3, strength=5.0, share=0.1):
    """The whole plug-in; ``gate`` (C,) -> (C,) and ``kernel``: (T, C, H, W) -> scores."""
    chosen, weights = central(clip), gate(clip.mean(axis=(0, 2, 3)))
    gated = np.zeros_like(clip)
    for c in chosen:
        gated[:, c] = np.maximum(clip[:, c] * weights[c], 0)
    made = kernel_of_salient(gated[:salient], kernel(gated[:salient]), size)
    kept = kept_of_broad(gated[salient:], made, strength)
    return exchanged(clip[:salient], clip[salient:], kept, share)


def position_loss(frames, labels, temperature):
    """(B, T, C): over people, mean over pairs at one position of two clips."""
    total = 0.0
    for person in dict.fromkeys(labels):
        own = [unit_rows(frames[i]) for i, label in enumerate(labels) if label == person]
        terms = []
        for i, clip in enumerate(own):
            for j, other in enumerate(own):
                for t, anchor in enumerate(clip):
                    if i == j:
                        continue
                    wanted = math.exp(anchor @ other[t] / temperature)
                    rest = sum(
                        math.exp(anchor @ row / temperature)
                        for rows in own
                        for s, row in enumerate(rows)
                        if s != t
                    )
                    terms.append(-math.log(wanted / (wanted + rest)))
        total += sum(terms) / len(terms)
    return total


def unit_rows(frames):
    return [unit(row) for row in frames]
