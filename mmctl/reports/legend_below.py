"""Legends below panels, where no curve can be."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

_LEGEND_SIZE, _LABEL_INCHES = 8, 0.45
"""Points of a legend's letters, and room for what stands between the axes and it."""
_TWO_COLUMNS = 24
"""Letters of the longest name of which two fit beside each other below a panel."""


def legend_columns(names: Sequence[str]) -> int:
    """Return in how many columns a legend below a panel stands."""
    return 1 + (len(names) > 1 and max(map(len, names)) <= _TWO_COLUMNS)


def legend_inches(names: Sequence[str]) -> float:
    """Return the height of a legend below a panel, 0 of none, without the label above it."""
    if not names:
        return 0.0
    num_rows = -(-len(names) // legend_columns(names))
    return (1.5 * num_rows + 0.8) * _LEGEND_SIZE / 72


def legend_height(axes: Axes) -> float:
    """Return the height of the legend below some axes in inches, 0 of none."""
    legend = axes.get_legend()
    return legend_inches([text.get_text() for text in legend.get_texts()]) if legend else 0.0


def legend_below(axes: Axes, handles: Sequence[Artist]) -> None:
    """Put a legend below the label of the horizontal axis, where no curve can be."""
    if not handles:
        return
    down = ScaledTranslation(0, -_LABEL_INCHES, axes.figure.dpi_scale_trans)
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=axes.transAxes + down,
        borderaxespad=0.0,
        frameon=False,
        fontsize=_LEGEND_SIZE,
        ncols=legend_columns([str(handle.get_label()) for handle in handles]),
    )
