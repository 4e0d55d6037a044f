"""What tests of the metric read in the log."""

from __future__ import annotations

import logging

import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def log(caplog):
    """Let pytest see what MMEngine's current logger says."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO):
        yield caplog
    logger.removeHandler(caplog.handler)
