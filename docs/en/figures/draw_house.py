"""Draws house.png: ``python docs/en/figures/draw_house.py``."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

AROUND, SHOW, RUN, DATA, GROUND = "#f2f2f2", "#dcefdc", "#fde3c8", "#dbe9f6", "#e7e1f3"
WIDTH, GAP, HEIGHT, STOREY = 12.0, 0.2, 1.0, 1.2

# From the roof to the ground: a colour, and the rooms side by side as (name, what is in it).
STOREYS = [
    (AROUND, [("tools/", "commands of users"), ("dev/", "commands of developers")]),
    (SHOW, [
        ("__main__", "python -m mmctl: the tools by their names"),
        ("serving", "a gallery in the browser"),
    ]),
    (SHOW, [
        ("apis", "work over whole data sets and single videos"),
        ("utils", "what mmengine.hub asks for"),
    ]),
    (SHOW, [("reports", "what a run was: record, environment, curves, page")]),
    (SHOW, [("visualization", "pictures of clips, rankings and noise curves")]),
    (SHOW, [
        ("deployment", "graphs in files, proved and run"),
        ("explanations", "why two tracklets are alike: maps, splits, graphs"),
    ]),
    (RUN, [("engine", "hooks / resume / repairs / config_check / commands")]),
    (RUN, [
        ("models", "necks / pose / layers / heads / losses"),
        ("evaluation", "metric, protocols, features"),
        ("gallery", "rows, indices, search, erasure"),
    ]),
    (DATA, [
        ("datasets", "batches / listings / keypoints / checks / transforms / tracking / synthetic"),
    ]),
    (DATA, [("checkpoints", "weights and archives read without trust")]),
    (GROUND, [
        ("functional", "the paper's equations"),
        ("structures", "body and sample"),
        ("registry", "names in configs"),
        ("files", "whole files or none"),
    ]),
]  # fmt: skip


def draw_room(
    axes: plt.Axes, corner: tuple[float, float], width: float, texts: tuple[str, str], colour: str
) -> None:
    axes.add_patch(
        FancyBboxPatch(
            corner, width, HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.1", facecolor=colour, edgecolor="#555555",
        )
    )  # fmt: skip
    x, y = corner[0] + width / 2, corner[1]
    axes.text(x, y + 0.68, texts[0], ha="center", va="center", fontsize=12, weight="bold")
    axes.text(x, y + 0.28, texts[1], ha="center", va="center", fontsize=10)


def main() -> None:
    figure, axes = plt.subplots(figsize=(9.2, 7.3), dpi=150)
    for storey, (colour, rooms) in enumerate(STOREYS):
        width = (WIDTH - GAP * (len(rooms) - 1)) / len(rooms)
        for place, texts in enumerate(rooms):
            draw_room(axes, (place * (width + GAP), -storey * STOREY), width, texts, colour)
    ground = -(len(STOREYS) - 1) * STOREY
    axes.add_patch(
        FancyArrowPatch(
            (-0.35, HEIGHT), (-0.35, ground), arrowstyle="-|>", mutation_scale=24,
            lw=2, color="#444444", shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip
    axes.text(
        -0.75, (HEIGHT + ground) / 2,
        "imports go down, over any number of floors; never up or sideways",
        rotation=90, ha="center", va="center", fontsize=11,
    )  # fmt: skip
    axes.set_xlim(-1.0, WIDTH + 0.05)
    axes.set_ylim(ground - 0.05, HEIGHT + 0.05)
    axes.axis("off")
    figure.subplots_adjust(0, 0, 1, 1)
    figure.savefig(Path(__file__).with_name("house.png"))


if __name__ == "__main__":
    main()
