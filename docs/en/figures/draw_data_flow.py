"""Draws data_flow.png: ``python docs/en/figures/draw_data_flow.py``."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

DATA, MODEL, PAPER, RESULT = "#dbe9f6", "#e7e1f3", "#fde3c8", "#dcefdc"
WIDTH, HEIGHT = 2.45, 1.06

# name|equation, shape or content, column, row, colour
BOXES = {
    "data": ("Data set", "MARS, iLIDS-VID, your own\nframes, keypoints, pid, camid", 0, 0, DATA),
    "clip": (
        "SampleClip ... PackClip",
        "T frames, one flip per clip\n(M, T, 3, H, W) uint8",
        1,
        0,
        DATA,
    ),
    "batch": ("IdentitySampler", "P people x K clips\n(B, T, 3, H, W)", 2, 0, DATA),
    "backbone": ("ResNet-50", "last stride 1\n(B T, 2048, 16, 8)", 0, 1, MODEL),
    "pose": ("Heatmaps", "stored keypoints\n(B T, 17, 64, 32)", 0, 2, MODEL),
    "neck": ("PosePartNeck|eq. 1", "V_g (B, T, C)\nparts (B, T, 17 | 10 | 5, C)", 1, 1, PAPER),
    "topology": (
        "ContextTopology|eq. 2, 3",
        "skeleton + mask + context\n(B, T, 3N, 3N)",
        1,
        2,
        PAPER,
    ),
    "graph": ("GraphConv3d x 2|eq. 4", "space and time, per scale\n(B, T, N, C)", 2, 2, PAPER),
    "cross": ("CrossScaleConv|eq. 5 - 7", "17 and 10 parts to 5\nV_p (B, T, 5, C)", 3, 2, PAPER),
    "fusion": ("FusionHead|section 3.5", "3 clip features (B, C)\nretrieval: V_f^a", 3, 1, PAPER),
    "loss": ("Losses|eq. 8, 9", "triplet + identity\n+ diversity", 3, 0, RESULT),
    "metric": ("ReIDMetric", "CMC, mAP, protocol\nranking sheet", 4, 1, RESULT),
}
ARROWS = [
    ("data", "clip"), ("clip", "batch"), ("backbone", "neck"), ("pose", "neck"),
    ("neck", "topology"), ("topology", "graph"), ("graph", "cross"), ("cross", "fusion"),
    ("fusion", "loss"), ("fusion", "metric"), ("neck", "fusion"),
]  # fmt: skip


def centre(name: str) -> tuple[float, float]:
    column, row = BOXES[name][2:4]
    return column * 2.85 + WIDTH / 2, -row * 1.75


def border(name: str, towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from a box's centre to another leaves the box."""
    x, y = centre(name)
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(
        (WIDTH / 2 + 0.04) / abs(dx) if dx else 9.0, (HEIGHT / 2 + 0.04) / abs(dy) if dy else 9.0
    )
    return x + dx * scale, y + dy * scale


def main() -> None:
    figure, axes = plt.subplots(figsize=(12, 4.6), dpi=150)
    for name, (heading, content, _, _, colour) in BOXES.items():
        x, y = centre(name)
        title, _, equation = heading.partition("|")
        axes.add_patch(
            FancyBboxPatch(
                (x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.1", facecolor=colour, edgecolor="#555555",
            )
        )  # fmt: skip
        axes.text(x, y + 0.27, title, ha="center", va="center", fontsize=8.6, weight="bold")
        axes.text(
            x + WIDTH / 2, y + HEIGHT / 2 + 0.1, equation,
            ha="right", va="center", fontsize=7.8, style="italic",
        )  # fmt: skip
        axes.text(x, y - 0.17, content, ha="center", va="center", fontsize=7.4)
    for start, end in ARROWS:
        axes.add_patch(
            FancyArrowPatch(
                border(start, centre(end)), border(end, centre(start)),
                arrowstyle="-|>", mutation_scale=14, color="#444444",
            )
        )  # fmt: skip
    # From the batch, round the corner, to the frames' two readers.
    x, y = centre("batch")
    left = centre("backbone")[0] - WIDTH / 2 - 0.28
    low = y - 0.875
    points = [(x, y - HEIGHT / 2), (x, low), (left, low)]
    axes.plot(*zip(*points, strict=True), color="#444444", lw=1.2)
    for name in ("backbone", "pose"):
        bx, by = centre(name)
        axes.plot([left, left], [low, by], color="#444444", lw=1.2)
        axes.add_patch(
            FancyArrowPatch(
                (left, by), (bx - WIDTH / 2, by), arrowstyle="-|>", mutation_scale=14,
                color="#444444", shrinkA=0, shrinkB=0,
            )
        )  # fmt: skip
    axes.set_xlim(-0.45, 4 * 2.85 + WIDTH + 0.1)
    axes.set_ylim(-2 * 1.75 - 0.65, 0.8)
    axes.set_aspect("equal")
    axes.axis("off")
    figure.savefig(Path(__file__).with_name("data_flow.png"), bbox_inches="tight")


if __name__ == "__main__":
    main()
