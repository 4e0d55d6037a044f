"""Slow loop references of the paper's equations, written from the definitions in float64.

Nothing here is shared with the package. Arrays are numpy; node features are (B, T, N, C), windows
are slot-major (index ``k * N + i``: slot k, node i), and the row of an adjacency receives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class Norm:
    """A batch norm; without running statistics it takes those of its input (training mode)."""

    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray | None = None
    var: np.ndarray | None = None
    eps: float = 1e-5

    def __call__(self, rows):
        """Normalise (R, C) channel by channel; the variance is the biased one."""
        out = np.zeros_like(rows)
        for c in range(rows.shape[1]):
            values = [row[c] for row in rows]
            mean = sum(values) / len(values) if self.mean is None else self.mean[c]
            var = self.var[c] if self.var is not None else None
            if var is None:
                var = sum((value - mean) ** 2 for value in values) / len(values)
            for r, value in enumerate(values):
                out[r, c] = self.gamma[c] * (value - mean) / math.sqrt(var + self.eps)
                out[r, c] += self.beta[c]
        return out


@dataclass
class Embed:
    """Fully connected layer (out, in) without bias, batch norm, ReLU."""

    weight: np.ndarray
    norm: Norm

    def __call__(self, rows):
        """Embed a list of vectors, (R, in) -> (R, out)."""
        return relu(self.norm(np.stack([self.weight @ row for row in rows])))


def relu(values):
    return np.where(values > 0, values, 0.0)


def resize(image, size):
    """Bilinear, align_corners=False: output pixel centre r lies at (r + 0.5) * h / H - 0.5."""
    (h, w), (height, width) = image.shape, size
    out = np.zeros(size)
    for r in range(height):
        for c in range(width):
            y = min(max((r + 0.5) * h / height - 0.5, 0.0), h - 1.0)
            x = min(max((c + 0.5) * w / width - 0.5, 0.0), w - 1.0)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            b, a = y - top, x - left
            upper = (1 - a) * image[top, left] + a * image[top, right]
            lower = (1 - a) * image[bottom, left] + a * image[bottom, right]
            out[r, c] = (1 - b) * upper + b * lower
    return out


def softmax(values):
    shifted = [math.exp(value - max(values)) for value in values]
    return [value / sum(shifted) for value in shifted]


def heatmap_weights(heatmaps, size, scale):
    """Eq. 1: resize, then softmax over the cells of each map, (M, K, H, W)."""
    out = np.zeros((*heatmaps.shape[:2], *size))
    for m, k in np.ndindex(*heatmaps.shape[:2]):
        cells = [scale * value for row in resize(heatmaps[m, k], size) for value in row]
        for index, value in enumerate(softmax(cells)):
            out[m, k, index // size[1], index % size[1]] = value
    return out


def pool_keypoints(features, weights):
    """Eq. 1: sum over the cells of map times feature, (M, K, C)."""
    out = np.zeros((weights.shape[0], weights.shape[1], features.shape[1]))
    for m, k, c in np.ndindex(out.shape):
        for y, x in np.ndindex(*features.shape[2:]):
            out[m, k, c] += weights[m, k, y, x] * features[m, c, y, x]
    return out


def part_means(nodes, parts):
    """Means over the members of each part, (K, C) -> (N, C)."""
    return np.stack([sum(nodes[member] for member in part) / len(part) for part in parts])


def windows(nodes, size):
    """Section 3.3: every frame with its neighbours, zeros past the ends, slot-major."""
    num_clips, num_frames, num_nodes, channels = nodes.shape
    out = np.zeros((num_clips, num_frames, size * num_nodes, channels))
    for b, t, slot, i in np.ndindex(num_clips, num_frames, size, num_nodes):
        frame = t + slot - (size - 1) // 2
        if 0 <= frame < num_frames:
            out[b, t, slot * num_nodes + i] = nodes[b, frame, i]
    return out


def tile(adjacency, size):
    """Eq. 3: entry (slot k, node i; slot l, node j) is entry (i, j) of the frame."""
    n = len(adjacency)
    out = np.zeros((size * n, size * n))
    for slot, i, other, j in np.ndindex(size, n, size, n):
        out[slot * n + i, other * n + j] = adjacency[i, j]
    return out


def normalize(adjacency, eps=None):
    """Eq. 4: D^-1/2 (A + I) D^-1/2 with D the row sums, raised to ``eps`` if given."""
    n = len(adjacency)
    looped = [[adjacency[i][j] + (i == j) for j in range(n)] for i in range(n)]
    degree = [sum(row) for row in looped]
    if eps is not None:
        degree = [max(value, eps) for value in degree]
    out = np.zeros((n, n))
    for i, j in np.ndindex(n, n):
        out[i, j] = looped[i][j] / math.sqrt(degree[i]) / math.sqrt(degree[j])
    return out


def pass_messages(adjacency, nodes):
    """Row i of the result: sum over j of adjacency[i, j] * nodes[j]."""
    return np.stack(
        [sum(weight * node for weight, node in zip(row, nodes, strict=True)) for row in adjacency]
    )


def graph_conv3d(nodes, normalized, weight, kernel, norm):
    """Eq. 4 in the paper's order: windows, messages, W, ReLU, collapse, BN, ReLU.

    ``normalized`` is (B, T, tau * N, tau * N), ``weight`` W of X W (C, C), ``kernel`` the collapse
    (C_out, tau, C_in).
    """
    num_clips, num_frames, num_nodes, channels = nodes.shape
    size = kernel.shape[1]
    stacked = windows(nodes, size)
    rows = []
    for b in range(num_clips):
        for t in range(num_frames):
            messages = pass_messages(normalized[b, t], stacked[b, t])
            messages = relu(np.stack([message @ weight for message in messages]))
            for i in range(num_nodes):
                collapsed = np.zeros(channels)
                for slot in range(size):
                    collapsed += kernel[:, slot] @ messages[slot * num_nodes + i]
                rows.append(collapsed)
    return relu(norm(np.stack(rows))).reshape(nodes.shape)


def frame_graph_conv(nodes, normalized, weight):
    """relu(A_norm X W) frame by frame; ``normalized`` is (B, N, N)."""
    out = np.zeros_like(nodes)
    for b in range(nodes.shape[0]):
        for t in range(nodes.shape[1]):
            messages = pass_messages(normalized[b], nodes[b, t])
            out[b, t] = relu(np.stack([message @ weight for message in messages]))
    return out


def unit_rows(matrix):
    out = np.zeros_like(matrix)
    for i, row in enumerate(matrix):
        length = math.sqrt(sum(value**2 for value in row))
        out[i] = row / length if length > 0 else row
    return out


def frame_context(nodes, squeeze, squeeze_time, expand):
    """Fig. 4a: channels to one, frames to one, N to N x N, unit rows; layers are (weight, bias)."""
    num_clips, num_frames, num_nodes, _ = nodes.shape
    out = np.zeros((num_clips, num_nodes, num_nodes))
    for b in range(num_clips):
        summary = np.zeros(num_nodes)
        for i in range(num_nodes):
            for t in range(num_frames):
                value = squeeze[0][0] @ nodes[b, t, i] + squeeze[1][0]
                summary[i] += squeeze_time[0][0][t] * value
            summary[i] += squeeze_time[1][0]
        for i, j in np.ndindex(num_nodes, num_nodes):
            row = i * num_nodes + j
            out[b, i, j] = expand[0][row] @ summary + expand[1][row]
        out[b] = unit_rows(out[b])
    return out


def window_context(stacked, squeeze, expand, norm=None):
    """Fig. 4b: channels to one, tau N to (tau N)^2, unit rows; ``norm`` after the squeeze."""
    num_clips, num_frames, n, _ = stacked.shape
    summaries = np.zeros((num_clips * num_frames, n))
    for index, window in enumerate(stacked.reshape(-1, n, stacked.shape[3])):
        for i in range(n):
            summaries[index, i] = squeeze[0][0] @ window[i] + squeeze[1][0]
    if norm is not None:
        summaries = norm(summaries)
    out = np.zeros((num_clips * num_frames, n, n))
    for index, summary in enumerate(summaries):
        for i, j in np.ndindex(n, n):
            out[index, i, j] = expand[0][i * n + j] @ summary + expand[1][i * n + j]
        out[index] = unit_rows(out[index])
    return out.reshape(num_clips, num_frames, n, n)


def relations(nodes, phi, varphi, h, f):
    """Eq. 5: the augmented global relation features r of every node, (B, T, N, D)."""
    num_clips, num_frames, n, channels = nodes.shape
    frames = nodes.reshape(-1, n, channels)
    embedded = phi(frames.reshape(-1, channels)).reshape(len(frames), n, -1)
    pairs = [frame[j] - frame[i] for frame in frames for i in range(n) for j in range(n)]
    differences = varphi(pairs).reshape(len(frames), n, n, -1)
    joined = [
        np.concatenate([embedded[m, i], differences[m, i, j]])
        for m in range(len(frames))
        for i in range(n)
        for j in range(n)
    ]
    relation = h(joined).reshape(len(frames), n, n, -1)
    joined = []
    for m in range(len(frames)):
        for i in range(n):
            joined.append(np.concatenate([frames[m, i], sum(relation[m, i, j] for j in range(n))]))
    return f(joined).reshape(num_clips, num_frames, n, -1)


def cross_scale_adjacency(source, target, scale=1.0):
    """Eq. 5, last line: softmax over the source nodes of r_target . r_source, (B, T, M, N)."""
    out = np.zeros((*target.shape[:3], source.shape[2]))
    for b, t, m in np.ndindex(*target.shape[:3]):
        out[b, t, m] = softmax([scale * float(target[b, t, m] @ node) for node in source[b, t]])
    return out


def convolve_across(adjacency, source, weight):
    """Eq. 6: relu(A X W) with W (C, C) of X W."""
    out = np.zeros((*adjacency.shape[:3], weight.shape[1]))
    for b, t in np.ndindex(*adjacency.shape[:2]):
        messages = pass_messages(adjacency[b, t], source[b, t])
        out[b, t] = relu(np.stack([message @ weight for message in messages]))
    return out


def fuse_scales(target, transferred, balance):
    """Eq. 7."""
    out = target.copy()
    for index in np.ndindex(out.shape):
        out[index] += balance * sum(other[index] for other in transferred)
    return out


def clip_features(global_features, parts, reduce):
    """V_f^g, V_f^a, V_f^c of section 3.5; ``reduce`` holds (weight, bias) of each g_n."""
    num_clips, num_frames, channels = global_features.shape
    out = np.zeros((3, num_clips, channels))
    for b in range(num_clips):
        for t in range(num_frames):
            frame, nodes = global_features[b, t], parts[b, t]
            joined = [
                weight @ node + bias for (weight, bias), node in zip(reduce, nodes, strict=True)
            ]
            out[0, b] += frame / num_frames
            out[1, b] += (sum(nodes) + frame) / num_frames
            out[2, b] += (np.concatenate(joined) + frame) / num_frames
    return out


def part_diversity(parts):
    """Eq. 8 of time-averaged parts (B, N, C): ||Z Z^T - I||_F^2, mean over clips."""
    total = 0.0
    for clip in parts:
        unit = unit_rows(clip)
        for i, j in np.ndindex(len(unit), len(unit)):
            total += (float(unit[i] @ unit[j]) - (i == j)) ** 2
    return total / len(parts)


def batch_hard_triplet(features, labels, margin):
    """Mean over anchors of max(0, margin + farthest positive - nearest negative)."""
    total = 0.0
    for i, anchor in enumerate(features):
        distances = [
            math.sqrt(sum((a - b) ** 2 for a, b in zip(anchor, x, strict=True))) for x in features
        ]
        positive = max(d for j, d in enumerate(distances) if labels[j] == labels[i])
        negative = [d for j, d in enumerate(distances) if labels[j] != labels[i]]
        if negative:
            total += max(0.0, margin + positive - min(negative))
    return total / len(features)
