"""Slow loop references of the zoo's operators, written from their definitions in float64.

Nothing here is shared with the package. Arrays are numpy; maps are (B, T, C, H, W).
"""

from __future__ import annotations

import math

import numpy as np


def convolve_places(image, kernel, stride=1, padding=0):
    """(C, H, W) with (O, C, h, w); zeros around the image."""
    (width, high, wide), (size, _, h, w) = image.shape, kernel.shape
    padded = np.zeros((width, high + 2 * padding, wide + 2 * padding))
    padded[:, padding : padding + high, padding : padding + wide] = image
    rows = (padded.shape[1] - h) // stride + 1
    columns = (padded.shape[2] - w) // stride + 1
    out = np.zeros((size, rows, columns))
    for o in range(size):
        for r in range(rows):
            for c in range(columns):
                patch = padded[:, r * stride : r * stride + h, c * stride : c * stride + w]
                out[o, r, c] = (patch * kernel[o]).sum()
    return out


def neighbour(clip, frame, step):
    """Frame ``frame + step`` of (T, C, H, W), zeros where there is none."""
    return clip[frame + step] if 0 <= frame + step < len(clip) else np.zeros_like(clip[0])


def unit(vector):
    return vector / max(math.sqrt((vector**2).sum()), 1e-12)


def softmax(values):
    powers = np.exp(np.array(values) - max(values))
    return powers / powers.sum()


def embed(weight, vector):
    return weight.reshape(len(weight), -1) @ vector


def registered_neighbour(clip, frame, step, weights, temperature):
    """The appearance-preserving module: each place takes what its neighbour shows of it."""
    own, other = clip[frame], neighbour(clip, frame, step)
    cells = [(r, c) for r in range(own.shape[1]) for c in range(own.shape[2])]
    keys = [unit(embed(weights["embed"], other[:, r, c])) for r, c in cells]
    out = np.zeros_like(own)
    for r, c in cells:
        query = unit(embed(weights["embed"], own[:, r, c]))
        attention = softmax([temperature * (query @ key) for key in keys])
        moved = sum(a * other[:, y, x] for a, (y, x) in zip(attention, cells, strict=True))
        common = embed(weights["embed_frame"], own[:, r, c])
        common = common * embed(weights["embed_neighbour"], moved)
        out[:, r, c] = moved / (1 + math.exp(-embed(weights["mask"], common)[0]))
    return out


def with_neighbours(clip, kernel, stride=1, padding=0, weights=None, temperature=4.0):
    """Kernel (3, O, C, h, w) over the frame before, itself and the one after."""
    out = []
    for frame in range(len(clip)):
        total = convolve_places(clip[frame], kernel[1], stride, padding)
        for slot, step in ((0, -1), (2, 1)):
            other = neighbour(clip, frame, step)
            if weights is not None:
                other = registered_neighbour(clip, frame, step, weights, temperature)
            total = total + convolve_places(other, kernel[slot], stride, padding)
        out.append(total)
    return np.stack(out)


def temporal_conv(clip, form, spatial, extra, stride=1, weights=None):
    """All forms of the temporal convolution; ``extra`` is the sides or the kernel over time."""

    def places(maps):
        return np.stack([convolve_places(frame, spatial, stride, 1) for frame in maps])

    if form == "i3d":
        kernel = np.stack([extra[0], spatial, extra[1]])
        return with_neighbours(clip, kernel, stride, 1, weights)
    kernel = extra[..., None, None]
    if form == "p3d-b":
        return places(clip) + with_neighbours(clip, kernel, stride, 0, weights)
    temporal = with_neighbours(places(clip), kernel, 1, 0, weights)
    return temporal if form == "p3d-a" else places(clip) + temporal


def attend(query, key, value, scale=1.0):
    """(T, E, H, W), (S, E, h, w), (S, C, h, w): each place's mean of values by its query."""
    rows = key.transpose(0, 2, 3, 1).reshape(-1, key.shape[1])
    values = value.transpose(0, 2, 3, 1).reshape(-1, value.shape[1])
    out = np.zeros((len(query), value.shape[1], *query.shape[2:]))
    for t in range(len(query)):
        for r in range(query.shape[2]):
            for c in range(query.shape[3]):
                weights = softmax([scale * (query[t, :, r, c] @ row) for row in rows])
                out[t, :, r, c] = weights @ values
    return out


def largest_of_four(maps):
    """Maxima of 2 x 2 places of (T, C, H, W); a last odd row or column is left out."""
    high, wide = maps.shape[2] // 2, maps.shape[3] // 2
    out = np.zeros((*maps.shape[:2], high, wide))
    for r in range(high):
        for c in range(wide):
            out[:, :, r, c] = maps[:, :, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2].max(axis=(2, 3))
    return out


def per_place(weight, bias, maps):
    """A 1 x 1 convolution of (T, C, H, W)."""
    out = np.zeros((len(maps), len(weight), *maps.shape[2:]))
    for t in range(len(maps)):
        for r in range(maps.shape[2]):
            for c in range(maps.shape[3]):
                out[t, :, r, c] = embed(weight, maps[t, :, r, c]) + bias
    return out


def batch_hard(distances, labels, margin):
    """Mean over anchors of the hinge, or of its soft form for ``'soft'``."""
    terms = []
    for a, label in enumerate(labels):
        positives = [distances[a][i] for i, own in enumerate(labels) if own == label]
        negatives = [distances[a][i] for i, own in enumerate(labels) if own != label]
        gap = max(positives) - min(negatives)
        terms.append(math.log(1 + math.exp(gap)) if margin == "soft" else max(0.0, margin + gap))
    return sum(terms) / len(terms)


def cosine_distances(features):
    return [[1 - unit(x) @ unit(y) for y in features] for x in features]


def boost_weights(clip, scale):
    """(T, C, H, W) -> (T, T, H, W): how much each frame looks at every place of the others."""
    count, _, high, wide = clip.shape
    out = np.zeros((count, count, high, wide))
    for t in range(count):
        query = unit(clip[t].mean(axis=(1, 2)))
        logits = {}
        for s in range(count):
            for r in range(high):
                for c in range(wide):
                    corner = clip[s][:, max(r - 1, 0) : r + 1, max(c - 1, 0) : c + 1]
                    if s != t:
                        logits[s, r, c] = scale * query @ unit(corner.sum(axis=(1, 2)) / 4)
        for place, weight in zip(logits, softmax(list(logits.values())), strict=True):
            out[t][place] = weight
    return out


def erased_rows(correlation, rows):
    """(H, W) -> the rows around the one whose block has the largest sum of means."""
    means, half = correlation.mean(axis=1), rows // 2
    sums = [means[max(0, r - half) : r + half + 1].sum() for r in range(len(means))]
    best = sums.index(max(sums))
    return {r for r in range(len(means)) if abs(r - best) <= half}


def mean_of_the_rest(maps, logits, erased):
    """(C, H, W), (H, W) and a set of rows -> (C,)."""
    cells = [(r, c) for r in range(maps.shape[1]) if r not in erased for c in range(maps.shape[2])]
    weights = softmax([logits[cell] for cell in cells])
    return sum(w * maps[:, r, c] for w, (r, c) in zip(weights, cells, strict=True))


def correlate_others(clip, eps):
    """(T, E, H, W) -> (T, (T - 1) H W, H, W): mean products of standardised places."""

    def standard(vector):
        centred = vector - vector.mean()
        return centred / (math.sqrt((centred**2).sum() / (len(vector) - 1)) + eps)

    count, width, high, wide = clip.shape
    out = np.zeros((count, (count - 1) * high * wide, high, wide))
    for t in range(count):
        others = [
            standard(clip[s, :, y, x])
            for s in range(count)
            if s != t
            for y in range(high)
            for x in range(wide)
        ]
        for r in range(high):
            for c in range(wide):
                own = standard(clip[t, :, r, c])
                out[t, :, r, c] = [own @ other / width for other in others]
    return out


def lstm(frames, weights, width):
    """(T, C) -> the mean output of the cell; gates in the order in, forget, candidate, out."""

    def sigmoid(values):
        return 1 / (1 + np.exp(-values))

    hidden, state, outputs = np.zeros(width), np.zeros(width), []
    for frame in frames:
        gates = weights["weight_ih_l0"] @ frame + weights["bias_ih_l0"]
        gates = gates + weights["weight_hh_l0"] @ hidden + weights["bias_hh_l0"]
        enter, keep, new, leave = gates.reshape(4, width)
        state = sigmoid(keep) * state + sigmoid(enter) * np.tanh(new)
        hidden = sigmoid(leave) * np.tanh(state)
        outputs.append(hidden)
    return sum(outputs) / len(outputs)


def attention_logits(maps, place, time):
    """(T, C, H, W) -> (T,): a kernel as large as the map, then one over three frames."""
    rows = [np.maximum((w * maps).sum(axis=(1, 2, 3)) + b, 0) for w, b in zip(*place, strict=True)]
    seen = np.pad(np.stack(rows), ((0, 0), (1, 1)))
    weight, bias = time
    return [max((weight[0] * seen[:, t : t + 3]).sum() + bias[0], 0) for t in range(len(maps))]


def stripe_means(clip, stripes):
    """(T, C, H, W) -> (T, sum of stripes, C)."""
    high = clip.shape[2]
    rows = [
        clip[:, :, level * high // count : (level + 1) * high // count].mean(axis=(2, 3))
        for count in stripes
        for level in range(count)
    ]
    return np.stack(rows, axis=1)


def nearest_mean(nodes, count, reach):
    """(T, N, C): mean of the most alike nodes but the first, among frames up to reach away."""
    out = np.zeros_like(nodes)
    frames, size = nodes.shape[:2]
    for t in range(frames):
        for n in range(size):
            near = [
                (float(unit(nodes[t, n]) @ unit(nodes[s, m])), s, m)
                for s in range(max(0, t - reach), min(frames, t + reach + 1))
                for m in range(size)
            ]
            best = sorted(near, reverse=True)[1:count]
            out[t, n] = sum(nodes[s, m] for _, s, m in best) / len(best)
    return out


def occupied(joints, height, groups, stripes, min_score):
    """(K, 3) -> for each part the stripes of all levels that it is in, as a set."""
    parts = []
    for group in groups:
        rows = []
        for joint in group:
            _, y, score = joints[joint]
            if score > min_score:
                row = math.floor((y + 0.5) / (height / stripes[0]))
                rows.append(min(max(row, 0), stripes[0] - 1))
        own = set()
        if rows:
            start = 0
            for count in stripes:
                fine = stripes[0] // count
                own |= {start + row // fine for row in range(min(rows), max(rows) + 1)}
                start += count
        parts.append(own)
    return parts


def part_adjacency(frames, size):
    """Frames of parts of stripes -> 1 between different nodes that share a part."""
    count = len(frames) * size
    out = np.zeros((count, count))
    for part in range(len(frames[0])):
        nodes = [t * size + n for t, parts in enumerate(frames) for n in parts[part]]
        for i in nodes:
            for j in nodes:
                if i != j:
                    out[i, j] = 1
    return out


def affinity(nodes):
    """(n, C) -> 2 / (exp(d) + 1)."""
    return np.array([[2 / (math.exp(math.dist(x, y)) + 1) for y in nodes] for x in nodes])


def row_mean(graphs, values):
    """Mean of graphs whose rows add up to one (or are zero), times values (n, C)."""
    out = np.zeros_like(values)
    for graph in graphs:
        for i, row in enumerate(graph):
            if row.sum():
                out[i] += sum(w * v for w, v in zip(row / row.sum(), values, strict=True))
    return out / len(graphs)
