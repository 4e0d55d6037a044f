"""The lists of data sets: which frames make a tracklet, who is it, who trains.

These are the reading helpers for a data set of one's own layout (docs/en/add_a_component.md).
"""

from mmctl.datasets.listings.frame_folders import (
    SpeltNumbers,
    check_frame_order,
    last_numbers,
    list_folders,
    list_names,
    listed_path,
)
from mmctl.datasets.listings.mat_file import read_integer_array
from mmctl.datasets.listings.person_splits import (
    Splits,
    draw_splits,
    read_splits,
    save_splits,
)

__all__ = [
    "SpeltNumbers",
    "Splits",
    "check_frame_order",
    "draw_splits",
    "last_numbers",
    "list_folders",
    "list_names",
    "listed_path",
    "read_integer_array",
    "read_splits",
    "save_splits",
]
