"""Cases about a sink as configuration: documents, mistakes, promises, and what must not be shown."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.registry import build
from active_data_flow.core.sink import Delivery, Sink, WriterContext
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.sink_cases import SinkCases, assert_numbered
from active_data_flow.testing.suites.sink_harness import SinkHarness
from active_data_flow.testing.suites.sink_run import NUMBERED, SinkRun, numbered

_MODES = frozenset({"append", "upsert", "replace"})


class ConfigurationCases(SinkCases):
    """The sink as configuration."""

    @case(
        purpose="Flows are kept as documents and sent to other processes.",
        way="Send the sink through its options, its document (as JSON) and pickle; write by the last one.",
        passes="Each is equal to the first, and the rows are in the place of the first.",
        requirement="A sink is its options, and nothing else.",
    )
    def test_round_trip(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        assert type(sink).build(json.loads(json.dumps(sink.to_options()))) == sink
        if sink.type:
            assert build("sink", json.loads(json.dumps(sink.to_document()))) == sink
        again = pickle.loads(pickle.dumps(sink))  # noqa: S301  # our own
        assert again == sink
        SinkRun(harness, again).write(numbered(0, 2)).end()
        assert_numbered(harness, sink, 2)

    @case(
        purpose="A mistake in a document must be found before a run, and be easy to find.",
        way="Build the sink with an unknown option, with each option of a wrong type, and without each required one.",
        passes="A ConfigurationError that names the option.",
        requirement="Options are checked when the sink is built; errors name them.",
    )
    def test_bad_options_are_named(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        kind, options = type(sink), sink.to_options()
        with pytest.raises(ConfigurationError, match="no_such_option"):
            kind.build(options | {"no_such_option": 1})
        for name, field in kind.model_fields.items():
            if field.annotation is Any:
                continue
            with pytest.raises(ConfigurationError, match=name):
                kind.build(options | {name: object()})
            if field.is_required():
                with pytest.raises(ConfigurationError, match=name):
                    kind.build({key: value for key, value in options.items() if key != name})

    @case(
        purpose="The guarantee of a flow follows from what its sink declares.",
        way="Compare the suite's capabilities with `delivery_here`, `max_writers` and the sink's own `capabilities`.",
        passes="They agree, and whatever the sink promises is held by a case.",
        requirement="Promises are data.",
    )
    def test_promises_agree(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        delivery, why = sink.delivery_here
        declared = self.capabilities & {"transactional", "two-phase", "idempotent"}
        assert declared == {delivery.value} - {Delivery.AT_LEAST_ONCE.value}
        assert ("exactly-once" in self.capabilities) == (delivery in (Delivery.TRANSACTIONAL, Delivery.TWO_PHASE))
        assert why, "delivery_here says no reason"
        assert ("many writers" in self.capabilities) == (sink.max_writers != 1)
        assert self.capabilities & _MODES, "the suite has to declare append, upsert or replace"
        untested = (sink.capabilities & self.known) - _MODES - self.capabilities
        assert not untested, f"the sink promises {', '.join(sorted(untested))}, and the suite does not declare it"

    @case(
        purpose="`adf check` and `adf explain` look without touching.",
        way="Build, describe and check a sink whose place is new; then look.",
        passes="There are words for people, and no rows; opening and closing a writer does not make any either.",
        requirement="Constructors remember; `check` leaves nothing behind.",
    )
    def test_looking_changes_nothing(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        assert sink.describe().strip()
        assert all(line.strip() for line in sink.check())
        assert not harness.leftovers(sink)
        sink.open(WriterContext("conformance")).close()
        assert list(harness.rows(sink, NUMBERED)) == []
        assert not harness.leftovers(sink)

    @case(
        purpose="Passwords must not end up in logs, error messages and documents.",
        way="Give the sink a password; collect its texts, its document, and the errors of `check` and `open`.",
        passes="The password is in none of them.",
        requirement="Secrets are given by reference and never shown.",
        needs=["secrets"],
    )
    def test_passwords_are_not_shown(self, harness: SinkHarness) -> None:
        password = "s3cr3t-0f-th3-suite"  # noqa: S105  # it is what must not be found
        sink = harness.secret(password)
        shown = [repr(sink), str(sink), sink.describe(), sink.hint(), json.dumps(sink.to_document()), *_attempts(sink)]
        assert not [text for text in shown if password in text]


def _attempts(sink: Sink) -> list[str]:
    """What `check` and `open` say, whether or not they work."""
    said: list[str] = []
    for attempt in (sink.check, lambda: sink.open(WriterContext("conformance")).close()):
        try:
            said += attempt() or []
        except ActiveDataFlowError as error:
            said += [str(error), repr(error), repr(error.__cause__)]
    return said


__all__ = ["ConfigurationCases"]
