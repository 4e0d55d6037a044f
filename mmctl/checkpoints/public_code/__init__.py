"""Weights of the zoo's systems as the authors' public code names them, and as ours does."""

from mmctl.checkpoints.public_code.conversion import from_public, to_public
from mmctl.checkpoints.public_code.systems import SYSTEMS

__all__ = ["SYSTEMS", "from_public", "to_public"]
