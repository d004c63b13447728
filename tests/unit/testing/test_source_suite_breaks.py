"""Each case of the suite can fail: it finds a source that breaks the promise it is about, and no other source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from hypothesis import Phase, settings

from active_data_flow.testing import SourceSuite
from broken_sources import BROKEN
from stored_source import StoredHarness, StoredSource

pytest_plugins = ["pytester"]


class Suite(SourceSuite):
    capabilities: ClassVar = SourceSuite.known
    patience: ClassVar = 0.2
    longest_poll: ClassVar = 0.3
    examples: ClassVar = 20


@pytest.fixture(autouse=True)
def without_shrinking() -> Iterator[None]:
    """That a case fails is enough; which example is the smallest takes long to find."""
    before = settings.get_current_profile_name()
    settings.register_profile("without-shrinking", settings.get_profile(before), phases=[Phase.generate])
    settings.load_profile("without-shrinking")
    yield
    settings.load_profile(before)


def fails(case: str, source: type[StoredSource]) -> bool:
    try:
        getattr(Suite(), case)(StoredHarness(source))
    except Exception:  # noqa: BLE001  # however it fails
        return True
    return False


def test_every_case_has_a_source_that_fails_it() -> None:
    assert set(Suite.cases()) - set().union(*BROKEN.values()) == set()


@pytest.mark.parametrize("source", BROKEN, ids=lambda source: source.__name__)
def test_a_broken_source_fails_its_cases(source: type[StoredSource]) -> None:
    assert [case for case in BROKEN[source] if not fails(case, source)] == []


@pytest.mark.slow
@pytest.mark.parametrize("source", BROKEN, ids=lambda source: source.__name__)
def test_a_broken_source_fails_no_other_case(source: type[StoredSource]) -> None:
    # whether the property test meets the fault of a source that it is not meant for depends on what it draws
    others = set(Suite.cases()) - BROKEN[source] - {"test_any_history_of_runs"}
    assert [case for case in sorted(others) if fails(case, source)] == []


AUTHORS_MODULE = """
from stored_source import StoredHarness, StoredSource
from broken_sources import TurnsBatchesRound
from active_data_flow.testing import SourceSuite
import pytest

class TestSound(SourceSuite):
    capabilities = frozenset({"ordered"})
    harness = pytest.fixture(lambda self: StoredHarness(StoredSource))

class TestBroken(SourceSuite):
    capabilities = frozenset({"ordered"})
    harness = pytest.fixture(lambda self: StoredHarness(TurnsBatchesRound))
"""


def test_an_author_sees_the_cases_as_tests_and_what_is_wrong(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(AUTHORS_MODULE)
    asked = "test_order or test_one_split or test_restart_with_other_parallelism"
    result = pytester.runpytest_inprocess("-k", asked, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["*AssertionError: split *store*/0 gives the ids [[]2, 1, 0, 5, 4, 3, 8, 7, 6, 10, 9]*"]
    )
