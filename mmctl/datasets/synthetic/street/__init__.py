"""Drawn streets: several people walk through the views of some cameras, as videos with truth."""

from mmctl.datasets.synthetic.street.street_frame import FrameTruth, StreetPainter
from mmctl.datasets.synthetic.street.street_settings import StreetSettings
from mmctl.datasets.synthetic.street.street_writer import StreetWriter
from mmctl.datasets.synthetic.street.walks import Visit, plan_visits

__all__ = [
    "FrameTruth",
    "StreetPainter",
    "StreetSettings",
    "StreetWriter",
    "Visit",
    "plan_visits",
]
