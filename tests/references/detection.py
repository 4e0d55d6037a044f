"""Average precision by loops, from its definition."""

from __future__ import annotations


def slow_overlap(first, second):
    """Return intersection over union of two boxes (left, top, width, height)."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    common = max(0.0, width) * max(0.0, height)
    return common / (first[2] * first[3] + second[2] * second[3] - common)


def slow_average_precision(frames, threshold):
    """Return COCO's AP of frames (truth, is_ignored, found, scores) by going through them all."""
    everything = [
        (-score, number, index)
        for number, (_, _, _, scores) in enumerate(frames)
        for index, score in enumerate(scores)
    ]
    taken, marks = set(), []
    for _, number, index in sorted(everything):
        truth, is_ignored, found, _ = frames[number]
        best, best_overlap, meets_ignored = None, threshold, False
        for place, box in enumerate(truth):
            common = slow_overlap(found[index], box)
            if is_ignored[place]:
                meets_ignored |= common >= threshold
                continue
            is_better = common > best_overlap or (best is None and common == threshold)
            if (number, place) not in taken and is_better:
                best, best_overlap = place, common
        if best is not None:
            taken.add((number, best))
            marks.append(True)
        elif not meets_ignored:
            marks.append(False)
    total = sum(not ignored for _, is_ignored, _, _ in frames for ignored in is_ignored)
    points = []
    for length in range(1, len(marks) + 1):
        right = sum(marks[:length])
        points.append((right / total, right / length))
    reached = []
    for step in range(101):
        precisions = [precision for recall, precision in points if recall >= step * 0.01]
        reached.append(max(precisions, default=0.0))
    return sum(reached) / 101
