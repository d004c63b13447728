"""The suite that every sink is held to."""

from __future__ import annotations

from active_data_flow.testing.suites.sink_commit import CommitCases
from active_data_flow.testing.suites.sink_configuration import ConfigurationCases
from active_data_flow.testing.suites.sink_engine import EngineCases
from active_data_flow.testing.suites.sink_modes import ModeCases, TwoPhaseCases
from active_data_flow.testing.suites.sink_schema import SchemaCases
from active_data_flow.testing.suites.sink_writing import WritingCases


class SinkSuite(WritingCases, SchemaCases, CommitCases, TwoPhaseCases, ModeCases, EngineCases, ConfigurationCases):
    """The promises of a sink as pytest tests: subclass it, say what the sink can do, and give it a `SinkHarness`.

    The harness is a pytest fixture of that name. Property tests need hypothesis. A sink with several modes has a
    subclass for each of them.

    ``transactional``, ``two-phase``, ``idempotent``
        What `delivery_here` says; a sink that is at-least-once declares none of them.
    ``exactly-once``
        It is transactional or two-phase.
    ``isolated``
        Readers of the place see only what is committed.
    ``takeover``
        A new run can take over while an old one has written rows, rather than being kept out by a lock of the store.
    ``append``, ``upsert``, ``replace``
        A run adds its rows to those of earlier runs; a row changes the one with the same ``id``; a run's rows take the
        place of all others at its end. An upsert appends, too.
    ``many writers``
        Several writers may be open at once; their lanes write side by side.
    ``nested``
        Lists, structs and maps are kept, as such or as JSON.
    ``creates table``
        The sink makes its place, where the contract allows it.
    ``fixed columns``, ``fixed types``
        The place has columns, or types of columns, that rows have to fit.
    ``evolves schema``, ``widens types``
        It gets new columns, or wider types, where the contract allows it.
    ``rejects rows``
        Rows that the place refuses are set aside one by one.
    ``secrets``
        Its options lead to a password.

    Example:
        >>> class TestLines(SinkSuite):
        ...     capabilities = frozenset({"append"})
        ...
        ...     @pytest.fixture
        ...     def harness(self, tmp_path):
        ...         return Lines(tmp_path)
    """


__all__ = ["SinkSuite"]
