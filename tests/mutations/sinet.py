"""Mistakes in SINet and in what lets clips of any length through a graph."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_MODELS = "mmctl/models"
_TESTS = "tests/test_models"

BROADENING = mistakes_in(
    "mmctl/functional/broadening.py",
    ("tests/test_functional/test_broadening.py",),
    {
        "broadening: what is likest is kept": ("(rarity - 1)", "(1 - rarity)"),
        "broadening: infinite where nothing is lost": (
            "(rarity - 1).clamp(max=0)).exp()",
            "(rarity - 1)).exp().clamp(max=1)",
        ),
        "broadening: zeros around the frames": ('mode="replicate"', 'mode="constant"'),
        "broadening: no numbers where nothing is lost": (
            ".clamp_min(1e-12)\n    shown",
            "\n    shown",
        ),
        "positions: an anchor is its own pair": ("& ~torch.eye", "| ~torch.eye"),
        "positions: frames of other people": ("~is_own | is_there", "is_there"),
    },
) + mistakes_in(
    f"{_MODELS}/layers/salient_to_broad.py",
    (f"{_TESTS}/test_layers/test_salient_to_broad.py",),
    {
        "broadening: the gated maps go on": (
            "clips[:, : self.salient], clips[:, self.salient :], kept",
            "first, others, kept",
        ),
    },
)
CLIP_RULES = mistakes_in(
    "mmctl/functional/temporal.py",
    ("tests/test_zoo_steps.py",),
    {
        "temporal: frames counted before they are joined": (
            "torch.cat([nothing, maps], dim=1)[:, :-1]",
            "torch.cat([nothing, maps[:, :-1]], dim=1)",
        ),
    },
)

SINET = (*BROADENING, *CLIP_RULES)
