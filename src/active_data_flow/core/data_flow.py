"""The user's class: sources, transforms, sinks, policies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast, get_type_hints

from pydantic import ConfigDict, Field, create_model

from active_data_flow.core.component import Component
from active_data_flow.core.configuration import Configuration
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.faults import Faults
from active_data_flow.core.near_names import near_names
from active_data_flow.core.policies import CheckpointPolicy, ErrorPolicy, RetryPolicy, SchemaContract
from active_data_flow.core.registry import Kind, build, find
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.core.schedule import RerunPolicy, Schedule
from active_data_flow.core.schema import SchemaSpec, fields_of
from active_data_flow.core.sink import Sink
from active_data_flow.core.source import Source
from active_data_flow.core.transform import Transform

if TYPE_CHECKING:
    import pyarrow as pa

    from active_data_flow.testing.flow_test import FlowTestResult, Messages

Lanes = Literal["threads", "processes"]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")


class FlowSettings(Configuration):
    """Everything of a flow that is not a component; the same words in documents and as class attributes."""

    label: ClassVar[str] = "flow"
    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    """Unique name; checkpoints and runs are kept under it."""
    description: str = ""
    """One line for people."""
    version: str = "1"
    """Version of the flow, kept with each rejected record."""
    parallelism: int = Field(default=1, ge=1, le=256)
    """Lanes that work at once, where source and sink allow it."""
    lanes: Lanes = "threads"
    """Where Python transforms run: in the lanes' threads, or in as many processes."""
    on_error: ErrorPolicy = ErrorPolicy()
    """What to do with records that can't be used."""
    contract: SchemaContract = SchemaContract()
    """What to do about schema drift."""
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    """When to commit."""
    retry: RetryPolicy = RetryPolicy()
    """How often to repeat what failed for a reason that may pass."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important log lines shown of this flow."""
    schedule: Schedule | None = None
    """When a runtime with a heartbeat runs it; none: only when asked to."""
    queue: str = Field(default="default", max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Queue of its runs, where the runtime has queues."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Of flows that are due, those of higher priority run first."""
    concurrency_group: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    """Flows that share something scarce; of one flow there is never more than one run at a time."""
    concurrency: int = Field(default=1, ge=1, le=1000)
    """Runs of its group that may go on at once."""
    rerun: RerunPolicy = RerunPolicy()
    """How often a runtime with a schedule repeats a failed run."""


class DataFlow:
    """A data flow: subclass it, or build one from a document with `from_document`.

    Class attributes are the defaults; each of them, and each annotated attribute that a subclass adds, can be given to
    the constructor by name. Override `transform` (one message at a time), `transform_batch` (a record batch at
    a time), or neither.

    Attributes:
        name: Unique name; default: the class name in snake case.
        source: Where to read; several: `sources`, a mapping of names to sources.
        sink: Where to write; several: `sinks`, a mapping of names to sinks.
        transforms: Ready-made transforms, applied in order before `transform`.
        schema: Schema that records are cast to as they are read: a `Schema` class or ``{"field": "type"}``.
        output_schema: Columns and types after the transforms, where they can't be told from the data.
        schedule: When a runtime with a heartbeat runs it: ``every(minutes=5)`` or ``cron("0 3 * * *")``.

    With several sources or sinks, each pair is a pipeline with positions of its own, so that each sink gets everything
    exactly once whatever happens to the others.

    Example:
        >>> class Cheap(DataFlow):
        ...     source = FileSource(path="prices-*.csv")
        ...     sink = SqlSink(url="sqlite:///shop.db", table="prices")
        ...     limit: float = 10.0
        ...
        ...     def transform(self, message):
        ...         return message if message["price"] < self.limit else None
        >>> Cheap(limit=5).run().records_written
        3
    """

    name: str = ""
    description: str = ""
    version: str = "1"
    source: Source | None = None
    sources: Mapping[str, Source] = {}
    sink: Sink | None = None
    sinks: Mapping[str, Sink] = {}
    transforms: Sequence[Transform] = ()
    schema: SchemaSpec | None = None
    output_schema: SchemaSpec | None = None
    parallelism: int = 1
    lanes: Lanes = "threads"
    on_error: ErrorPolicy = ErrorPolicy()
    contract: SchemaContract = SchemaContract()
    checkpoint: CheckpointPolicy = CheckpointPolicy()
    retry: RetryPolicy = RetryPolicy()
    log_level: str = "info"
    schedule: Schedule | None = None
    queue: str = "default"
    priority: int = 0
    concurrency_group: str = ""
    concurrency: int = 1
    rerun: RerunPolicy = RerunPolicy()

    reference: str | None = None
    """Where the flow was loaded from, so that another process can load it again."""

    def __init__(self, **options: Any) -> None:
        for name in _COMPONENTS & options.keys():
            setattr(self, name, options.pop(name))
        own = _own_options(type(self))
        self._refuse_unknown(options, own)
        settings = {name: getattr(self, name) for name in FlowSettings.model_fields}
        settings["name"] = settings["name"] or _snake(type(self).__name__)
        given = {name: options.pop(name) for name in FlowSettings.model_fields.keys() & options.keys()}
        self.settings = FlowSettings.build(settings | given)
        for name in FlowSettings.model_fields:
            setattr(self, name, getattr(self.settings, name))
        for name, value in own.build(options):
            setattr(self, name, value)
        self._check()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DataFlow:
        """A flow from its document form.

        Raises:
            ConfigurationError: A key, a component or an option is unknown or not valid.
        """
        parts = dict(document)
        faults = Faults()
        options: dict[str, Any] = {}
        for name, kind in _KINDS.items():
            if name in parts:
                with faults.at(name):
                    options[name] = build(kind, parts.pop(name))
            if f"{name}s" in parts:
                with faults.at(f"{name}s"):
                    options[f"{name}s"] = _build_all(kind, _mapping(parts.pop(f"{name}s"), f"{name}s").items())
        with faults.at("transforms"):
            transforms = _list(parts.pop("transforms", []), "transforms")
            options["transforms"] = list(_build_all("transform", enumerate(transforms)).values())
        if faults:
            with faults.at():
                FlowSettings.build(
                    {"name": "flow"} | {key: parts[key] for key in FlowSettings.model_fields if key in parts}
                )
            faults.raise_all()
        return cls(**options, **{name: parts.pop(name) for name in tuple(parts)})

    def to_document(self) -> dict[str, Any]:
        """The flow as a document, from which `from_document` makes an equal flow.

        Raises:
            ConfigurationError: The flow has Python code of its own, which a document can't hold.
        """
        if self.has_code:
            message = f"flow {self.name} overrides transform; a document names a registered function instead"
            raise ConfigurationError(message)
        document: dict[str, Any] = self.settings.to_options()
        for name in ("source", "sink"):
            component: Component | None = getattr(self, name)
            if component is not None:
                document[name] = component.to_document()
            named: Mapping[str, Component] = getattr(self, f"{name}s")
            if named:
                document[f"{name}s"] = {key: part.to_document() for key, part in named.items()}
        if self.transforms:
            document["transforms"] = [transform.to_document() for transform in self.transforms]
        for name in ("schema", "output_schema"):
            spec = getattr(self, name)
            if spec is not None:
                document[name] = fields_of(spec)
        return document

    def transform(self, message: Any) -> Any:
        """One message in; out: the message (changed or not), another mapping, a list of them, or None to drop it.

        Raise any exception to have the message rejected under the flow's error policy.
        """
        return message

    def transform_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A record batch in, a record batch out; for work that is done on whole columns."""
        return batch

    @property
    def transforms_messages(self) -> bool:
        """Whether the flow overrides `transform`."""
        return _overrides(self, "transform")

    @property
    def transforms_batches(self) -> bool:
        """Whether the flow overrides `transform_batch`."""
        return _overrides(self, "transform_batch")

    @property
    def has_code(self) -> bool:
        """Whether the flow has Python code of its own."""
        return self.transforms_messages or self.transforms_batches

    @property
    def all_sources(self) -> dict[str, Source]:
        """Sources by name; a single one has the empty name."""
        return {"": self.source} if self.source is not None else dict(self.sources)

    @property
    def all_sinks(self) -> dict[str, Sink]:
        """Sinks by name; a single one has the empty name."""
        return {"": self.sink} if self.sink is not None else dict(self.sinks)

    def run(self, budget: Budget | None = None, **options: Any) -> RunResult:
        """Run the flow in this process.

        Args:
            budget: How much to do; None: all there is.
            **options: Options of the local runtime, as ``directory`` for where checkpoints are kept.

        Returns:
            What was done; a failed run raises.

        Raises:
            ActiveDataFlowError: The run failed; its positions stay at the last checkpoint.
        """
        runtime = find("runtime", "local")(**options)
        try:
            return runtime.runner(self).run(budget or Budget())
        finally:
            runtime.close()

    def test(self, messages: Messages | Mapping[str, Messages]) -> FlowTestResult:
        """What the flow makes of these messages, without its sources and sinks: for tests of the flow's own work.

        They go through the schema, the transforms and the error policy as records of the source do, in this thread.
        Nothing is opened, written or kept. Messages whose types don't go together go through one by one.

        Args:
            messages: Mappings, instances of the flow's schema, or a `pyarrow.Table` or `RecordBatch`; of a flow with
                several sources, a mapping of their names to these.

        Returns:
            What the sink gets, and what was rejected at which step.

        Raises:
            RecordError: A record can't be used, and the flow's error policy is to fail.
            RejectLimitError: More are rejected than the policy allows.
            ActiveDataFlowError: A transform failed as a whole, as it would in a run.

        Example:
            >>> result = Cheap(limit=5).test([{"sku": "a", "price": 4.0}, {"sku": "b", "price": 6.0}])
            >>> result.outputs, result.rejects
            ([{'sku': 'a', 'price': 4.0}], [])
        """
        from active_data_flow.testing.flow_test import run_test

        return run_test(self, messages)

    def _refuse_unknown(self, options: Mapping[str, Any], own: type[Configuration]) -> None:
        known = {*_COMPONENTS, *FlowSettings.model_fields, *own.model_fields}
        for name in options:
            if name not in known:
                message = (
                    f"flow {self.name or _snake(type(self).__name__)}: {name}: unknown option{near_names(name, known)}"
                )
                raise ConfigurationError(message)

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            message = f"flow name {self.name!r}: letters, digits, '_', '.', '-', at most 128, a letter first"
            raise ConfigurationError(message)
        for name, one, several in (("source", self.source, self.sources), ("sink", self.sink, self.sinks)):
            if (one is None) == (not several):
                message = f"flow {self.name}: needs either {name} or {name}s"
                raise ConfigurationError(message, flow=self.name)
        if self.schema is not None:
            fields_of(self.schema)


_KINDS: Mapping[str, Kind] = {"source": "source", "sink": "sink"}
_COMPONENTS = {"source", "sources", "sink", "sinks", "transforms", "schema", "output_schema"}


@lru_cache(maxsize=1024)
def _own_options(cls: type[DataFlow]) -> type[Configuration]:
    """The options that a flow's class declares itself."""
    known = {*get_type_hints(DataFlow), *FlowSettings.model_fields}
    hints = {name: hint for name, hint in get_type_hints(cls).items() if name not in known}
    fields: dict[str, Any] = {
        name: (hint, getattr(cls, name, ...)) for name, hint in hints.items() if not name.startswith("_")
    }
    model = create_model("Options", __base__=Configuration, **fields)
    model.label = f"flow {cls.__name__}"
    return model


def _overrides(flow: DataFlow, name: str) -> bool:
    return getattr(type(flow), name) is not getattr(DataFlow, name)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _build_all(kind: Kind, parts: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    faults = Faults()
    built: dict[Any, Any] = {}
    for key, part in parts:
        with faults.at(key):
            built[key] = build(kind, part)
    faults.raise_all()
    return built


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        message = f"{name} is a mapping of names to {name} (given: {value!r})"
        raise ConfigurationError(message)
    return cast("Mapping[str, Any]", value)


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        message = f"{name} is a list (given: {value!r})"
        raise ConfigurationError(message)
    return cast("Sequence[Any]", value)


__all__ = ["DataFlow", "FlowSettings", "Lanes"]
