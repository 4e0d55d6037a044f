"""What the tests must notice: deliberate mistakes, and the silent traps that they stand for.

``python -m dev.check_mutations`` makes them one by one and runs the tests.
"""

from __future__ import annotations

from tests.mutations.additions import ADDITIONS
from tests.mutations.beyond import BEYOND
from tests.mutations.data import DATA
from tests.mutations.data_check import DATA_CHECK
from tests.mutations.deployment import DEPLOYMENT
from tests.mutations.evaluation import EVALUATION
from tests.mutations.explanations import EXPLANATIONS
from tests.mutations.functional import FUNCTIONAL
from tests.mutations.gallery import GALLERY
from tests.mutations.layers import LAYERS
from tests.mutations.layouts import LAYOUTS
from tests.mutations.loading import LENT_MEMORY
from tests.mutations.model import MODEL
from tests.mutations.mutation import Mutation
from tests.mutations.pose import POSE
from tests.mutations.refinement import REFINEMENT
from tests.mutations.serving import SERVING
from tests.mutations.sinet import SINET
from tests.mutations.synthetic import SYNTHETIC
from tests.mutations.transforms import TRANSFORMS
from tests.mutations.verification import VERIFICATION
from tests.mutations.video_tracking import VIDEO_TRACKING
from tests.mutations.zoo import ZOO

MUTATIONS: tuple[Mutation, ...] = (
    *FUNCTIONAL,
    *LAYERS,
    *MODEL,
    *POSE,
    *TRANSFORMS,
    *DATA,
    *DATA_CHECK,
    *LENT_MEMORY,
    *LAYOUTS,
    *EVALUATION,
    *REFINEMENT,
    *VERIFICATION,
    *SYNTHETIC,
    *ADDITIONS,
    *VIDEO_TRACKING,
    *EXPLANATIONS,
    *GALLERY,
    *SERVING,
    *DEPLOYMENT,
    *ZOO,
    *SINET,
    *BEYOND,
)

TRAPS: dict[str, tuple[str, ...]] = {
    "node-major features with slot-major tiling": ("windows: node-major", "tiling: node-major"),
    "Tensor.unfold puts the window axis last": (
        "windows: Tensor.unfold without moving its last axis",
    ),
    "batch and time mixed": (
        "windows: reach into the neighbouring clips",
        "neck: batch and time mixed",
    ),
    "collapse reversed in time": (
        "windows: reversed in time",
        "messages: slots reach the collapse latest first",
    ),
    "adjacency transposed": (
        "messages: adjacency transposed",
        "frame convolution: adjacency transposed",
        "context: rows and columns exchanged",
    ),
    "normalised over the wrong axis": (
        "context rows: L2 over columns",
        "eq. 5: softmax over targets",
        "heatmaps: softmax over keypoints",
        "heatmaps: softmax over frames",
    ),
    "negative degree": ("degrees: clamp removed", "degrees: absolute value for the clamp"),
    "degree or softmax under autocast": (
        "degrees: summed in half precision",
        "normalisation: in half precision",
        "eq. 5: logits under autocast",
        "heatmaps: softmax in half precision",
    ),
    "shortcut around the first layer, or none later": (
        "shortcut: around the first layer too",
        "shortcut: around no layer",
    ),
    "diversity before the temporal mean, or a mean over 25": (
        "diversity: before the temporal mean",
        "diversity: mean over 25 entries",
    ),
    "flip without the left/right swap": (
        "flip: left and right joints not swapped",
        "flip: heatmaps of left and right joints not swapped",
        "body: eyes not swapped by a flip",
    ),
    "frames read as BGR": ("decode: BGR for RGB", "preprocessor: channels reordered"),
    "preprocessor reorders the frames of a clip": ("preprocessor: frames reordered",),
    "unsorted random frames": ("clips: random frames unsorted",),
    "padding when the length is a multiple": (
        "clips: one too many when the length is a multiple",
        "sampler: a whole tuple added when the tracklets are a multiple",
    ),
    "unused parameters in an ablation": (
        "topology: unused mask built",
        "transfer: unused layers built",
    ),
    "frozen estimator initialised, trained or normalised anew": (
        "estimator: a child, which the model initialises and trains",
        "estimator: trainable",
        "estimator: batch norm in training mode",
    ),
    "batch norm statistics drift per rank": ("config: batch norm statistics drift apart",),
    "batch-hard mining per process": (
        "triplet: every process mines its own clips",
        "gathering: gradient without its factor",
        "gathering: no gradient",
    ),
}
"""Mistakes that fail silently, and the mutations that make them."""

__all__ = ["MUTATIONS", "TRAPS", "Mutation"]
