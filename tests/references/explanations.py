"""Slow loop references of the explanations, written from the definitions in float64."""

from __future__ import annotations

import math

import numpy as np


def grad_cam(activations, gradients, per="clip"):
    """relu(sum_c mean(G_c) A_c), (B, T, C, h, w) -> (B, T, h, w), with one mean per clip."""
    clips, frames, channels, height, width = activations.shape
    maps = np.zeros((clips, frames, height, width))
    for b in range(clips):
        for t in range(frames):
            for r in range(height):
                for c in range(width):
                    total = 0.0
                    for k in range(channels):
                        seen = range(frames) if per == "clip" else [t]
                        slopes = [
                            gradients[b, s, k, y, x]
                            for s in seen
                            for y in range(height)
                            for x in range(width)
                        ]
                        total += sum(slopes) / len(slopes) * activations[b, t, k, r, c]
                    maps[b, t, r, c] = max(total, 0.0)
    return maps


def layer_cam(activations, gradients):
    """relu(sum_c relu(G_c) A_c), place by place."""
    maps = np.zeros((*activations.shape[:2], *activations.shape[3:]))
    for b, t, r, c in np.ndindex(*maps.shape):
        slopes, values = gradients[b, t, :, r, c], activations[b, t, :, r, c]
        total = sum(max(s, 0.0) * v for s, v in zip(slopes, values, strict=True))
        maps[b, t, r, c] = max(total, 0.0)
    return maps


def x_grad_cam(activations, gradients):
    """relu(sum_c a_c A_c), a_c the gradient's mean weighted by the activations of the clip."""
    maps = np.zeros((*activations.shape[:2], *activations.shape[3:]))
    for b in range(len(activations)):
        for k in range(activations.shape[2]):
            values, slopes = activations[b, :, k], gradients[b, :, k]
            total = values.sum()
            weight = 0.0 if total == 0 else (values * slopes).sum() / total
            maps[b] += weight * values
    return np.maximum(maps, 0.0)


def tracklet_feature(terms, weights):
    """Weighted mean over clips of mean_t(sum_n V_p[n] + V_g); terms (M, T, N + 1, C)."""
    total = np.zeros(terms.shape[-1])
    for m in range(terms.shape[0]):
        clip = np.zeros(terms.shape[-1])
        for t in range(terms.shape[1]):
            for n in range(terms.shape[2]):
                clip += terms[m, t, n] / terms.shape[1]
        total += weights[m] * clip
    return total / sum(weights)


def cosine(x, y):
    dot = sum(a * b for a, b in zip(x, y, strict=True))
    return dot / math.sqrt(sum(a * a for a in x) * sum(b * b for b in y))


def part_share(terms, weights, part, other, scale, shift):
    """Share of a part of (M, T, N + 1, C) terms in the cosine of the read feature with ``other``.

    ``other`` is the other tracklet's feature after reading; the own one is read here.
    """
    alone = np.zeros_like(terms)
    alone[:, :, part] = terms[:, :, part]
    own = scale * tracklet_feature(terms, weights) + shift
    lengths = math.sqrt((own**2).sum() * (other**2).sum())
    return float((scale * tracklet_feature(alone, weights) * other).sum() / lengths)
