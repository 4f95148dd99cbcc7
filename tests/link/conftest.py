"""No test of a link touches the state folder of whoever runs it."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_state(state: Path) -> Path:
    """The state folder of this test."""
    return state
