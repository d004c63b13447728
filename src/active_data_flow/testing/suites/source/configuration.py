"""Cases: a source is its options, and nothing else until it is opened."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.registry import build
from active_data_flow.engine.adapter import as_split_source
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.source.cases import SourceCases
from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.tables import numbered, rows_in, same


class ConfigurationCases(SourceCases):
    """Options, and a store that is not there."""

    @case(
        purpose="A flow that is kept as a document, or edited in a form, reads something else than its author wrote.",
        way="Write the source as a document, as JSON, and build it again.",
        passes="It is equal to the first one, and reads the same.",
        requirement="A component can be written back to its configuration.",
    )
    def test_round_trip(self, harness: SourceHarness) -> None:
        harness.store(numbered(3))
        source = harness.source(poll_rows=2)
        document = json.loads(json.dumps(source.to_document()))
        options = {name: value for name, value in document.items() if name != "type"}
        again: Any = build("source", document) if source.type else type(source).build(options)
        assert again == source, f"{source!r} comes back from its document {document} as {again!r}"
        same(numbered(3).to_pylist(), rows_in(self.batches(as_split_source(again))))

    @case(
        purpose="A flow can't be sent to another process.",
        way="Pickle the source, before and after it was read.",
        passes="It is equal to the first one, and reads the same.",
        requirement="All parts of a flow pickle.",
    )
    def test_pickle(self, harness: SourceHarness) -> None:
        harness.store(numbered(3))
        source = self.source(harness, poll_rows=2)
        for _ in range(2):
            again = pickle.loads(pickle.dumps(source))  # noqa: S301  # what was pickled a moment ago
            assert again == source, f"{source!r} comes out of a pickle as {again!r}"
            same(numbered(3).to_pylist(), rows_in(self.batches(again)))

    @case(
        purpose="A misspelt option is passed over, and the run does something else than it was told.",
        way="Build the source with an option that it doesn't have.",
        passes="ConfigurationError names the option.",
        requirement="Unknown options are refused.",
    )
    def test_unknown_options(self, harness: SourceHarness) -> None:
        harness.store(numbered(1))
        source = harness.source()
        _refused(type(source), source.to_options() | {"no_such_option": 1}, "no_such_option")

    @case(
        purpose="A wrong value is found out in the middle of a run, or never.",
        way="Give each option in turn a value that nothing can be made of.",
        passes="ConfigurationError names the option, each time.",
        requirement="Each option is checked when the source is built, and errors name it.",
    )
    def test_bad_options(self, harness: SourceHarness) -> None:
        harness.store(numbered(1))
        source = harness.source()
        for name, field in type(source).model_fields.items():
            option = field.alias or name
            if field.annotation is not Any:
                _refused(type(source), source.to_options() | {option: _Nothing()}, option)

    @case(
        purpose="A flow can't be shown, checked or edited while its store is away.",
        way="Take the store away, and build the source.",
        passes="Nothing is raised.",
        requirement="Constructors only remember; `open` connects.",
    )
    def test_building_connects_to_nothing(self, harness: SourceHarness) -> None:
        harness.store(numbered(1))
        harness.lose()
        error = _error_of(harness.source)
        assert error is None, f"the store is gone, and building the source raises {error!r}"

    @case(
        purpose="An error says nothing that helps, and the engine can't tell whether to try again.",
        way="Take the store away, build the source, and read.",
        passes="The error is one of active_data_flow.core.errors, with a message.",
        requirement="Errors name what, where and the remedy; their class says what the engine does next.",
    )
    def test_a_lost_store(self, harness: SourceHarness) -> None:
        harness.store(numbered(3))
        harness.lose()
        error = _error_of(lambda: self.batches(self.source(harness)))
        assert isinstance(error, ActiveDataFlowError), f"the store is gone, and what is told is {error!r}"
        assert str(error), "the error has no message"


class _Nothing:
    """A value that no option takes."""

    def __repr__(self) -> str:
        return "nothing"


def _refused(source: Any, options: dict[str, Any], name: str) -> None:
    error = _error_of(lambda: source.build(options))
    assert isinstance(error, ConfigurationError), f"{name}: {options[name]!r} is given, and what is told is {error!r}"
    assert name in str(error), f"the error about option {name} does not name it: {error}"


def _error_of(action: Callable[[], Any]) -> Exception | None:
    try:
        action()
    except Exception as error:  # noqa: BLE001  # which it is, is what the case asks
        return error
    return None


__all__ = ["ConfigurationCases"]
