"""The suite passes a source that keeps all its promises."""

from __future__ import annotations

from typing import ClassVar

import pytest

from active_data_flow.testing import SourceSuite
from stored_source import StoredHarness, StoredSource


class TestStoredSource(SourceSuite):
    capabilities: ClassVar = SourceSuite.known

    @pytest.fixture
    def harness(self):
        return StoredHarness(StoredSource)
