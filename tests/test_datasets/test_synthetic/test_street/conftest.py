import pytest

from mmctl.datasets.synthetic.street import StreetSettings


@pytest.fixture(scope="session")
def small() -> StreetSettings:
    """A street of two cameras, whose frames are drawn within a millisecond or two."""
    return StreetSettings(people=6, cameras=2, seconds=1.3, fps=10.0, size=(96, 160), seed=3)
