"""Shared by all tests: the path of their helpers, the opt-in for hardware, settings of hypothesis."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# In CI a failure must be the code's: the same examples every time.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("default", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--hardware", metavar="PORT", help="run the tests that need a board, on this port")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--hardware"):
        return
    for item in items:
        if "hardware" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs --hardware PORT"))
