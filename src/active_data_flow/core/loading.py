"""From what a user writes on a command line - a document, a file, a class - to a flow."""

from __future__ import annotations

import copyreg
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from active_data_flow.core.data_flow import DataFlow, FlowSettings
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.near_names import near_names
from active_data_flow.core.overrides import override, override_document

if TYPE_CHECKING:
    from active_data_flow.core.documents import Document

SUFFIXES = (".yaml", ".yml", ".json")
_COMPONENTS = {"source", "sources", "sink", "sinks", "transforms"}
_KEYS = {*FlowSettings.model_fields, *_COMPONENTS, "schema", "output_schema"}
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def load_flow(reference: str, overrides: Mapping[str, Any] | None = None) -> DataFlow:
    """The flow that a reference names.

    Relative paths inside a document are relative to the current directory, not to the document.

    Args:
        reference: A document (``flights.yaml``, ``.yml``, ``.json``), ``package.module:Class`` or ``file.py:Class``.
            The class may be left out where there is just one flow; there may be the name of a flow object instead.
        overrides: Dotted path -> value, as ``{"source.path": "other.csv", "transforms.0.where": "x > 1"}``; set in
            the document, or on the options of the class, before the flow is built.

    Returns:
        The flow, its `reference` set so that another process can load it.

    Raises:
        ConfigurationError: There is no such file, module or class, what stands in it is not valid, or an override has
            no place; names the file and line.
    """
    changes = overrides or {}
    if reference.lower().endswith(SUFFIXES):
        from active_data_flow.core.documents import read_document

        flow = load_document(read_document(reference), changes)
        flow.reference = str(Path(reference).resolve())
        return flow
    place, _, name = reference.rpartition(":") if ":" in reference else (reference, "", "")
    module, base = _module(place)
    found = _found(module, name, place)
    flow = override(found, changes) if changes or isinstance(found, type) else found
    flow.reference = f"{base}:{name or type(flow).__name__}"
    return flow


def load_document(document: Document, overrides: Mapping[str, Any] | None = None) -> DataFlow:
    """The flow that a document describes.

    Raises:
        ConfigurationError: A key, component or option is unknown or not valid; names the file and line.
    """
    value = override_document(document.value, overrides or {}, _KEYS)
    for key in value:
        if key not in _KEYS:
            message = f"{document.place([key])}: unknown key {key!r}{near_names(key, _KEYS)}"
            raise ConfigurationError(message)
    if "name" not in value:
        raise ConfigurationError(f"{document.name}: name is required: checkpoints and runs are kept under it")
    try:
        return DataFlow.from_document(value)
    except ConfigurationError as error:
        path = error.faults[0].path if error.faults else ()
        message = f"{document.place(path)}: {error.message}"
        raise type(error)(message, faults=error.faults, **error.context) from error


def _module(place: str) -> tuple[ModuleType, str]:
    if place.endswith(".py"):
        path = Path(place).resolve()
        return _import_file(path, place), str(path)
    if not _MODULE.fullmatch(place):
        message = f"{place!r} is no flow: give a document (.yaml, .json), package.module:Class or file.py:Class"
        raise ConfigurationError(message)
    return import_module(place), place


def import_module(name: str) -> ModuleType:
    """Import a module by name.

    Raises:
        ConfigurationError: There is no such module, or it fails while it is imported; the cause is chained.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            hint = f"; did you mean {name}.py?" if Path(f"{name}.py").exists() else ""
            message = f"there is no module {name!r} in the current directory or on the Python path{hint}"
            raise ConfigurationError(message) from error
        raise ConfigurationError(f"module {name} can't be imported: {error}") from error
    except (Exception, SystemExit) as error:
        raise ConfigurationError(f"module {name} can't be imported: {_shown(error)}") from error


def _import_file(path: Path, shown: str) -> ModuleType:
    """The module of a Python file, under a name that is the same in every process, so that its classes pickle."""
    try:
        code = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{shown}: can't be read: {error.strerror}") from error
    digest = hashlib.sha256(code).hexdigest()
    name = f"adf_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    known = sys.modules.get(name)
    if known is not None and known.__dict__.get("__digest__") == digest:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{shown}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__digest__"] = digest
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # its neighbours; behind all else, so that they shadow nothing
    try:
        exec(compile(code, path, "exec"), module.__dict__)  # noqa: S102  # running the user's file is what was asked for
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigurationError(f"{shown}: {_shown(error, path)}") from error
    for flow in vars(module).values():
        if isinstance(flow, type) and issubclass(flow, DataFlow) and flow.__module__ == name:
            copyreg.pickle(flow, _reduce)
    return module


def _reduce(flow: DataFlow) -> tuple[Any, ...]:
    """Pickle a flow of a file with the file's path, so that a new process loads the file before anything in it."""
    path = sys.modules[type(flow).__module__].__file__
    return _empty_flow, (path, type(flow).__qualname__), flow.__dict__


def _empty_flow(path: str, name: str) -> DataFlow:
    flow = attrgetter(name)(_import_file(Path(path), path))
    return cast("DataFlow", object.__new__(flow))


def _shown(error: BaseException, path: Path | None = None) -> str:
    """An error of the user's module: its kind, its message and the last line of that file it passed through."""
    text = error.message if isinstance(error, ActiveDataFlowError) else f"{type(error).__name__}: {error}"
    line = None
    trace = error.__traceback__
    while trace is not None:
        if path is not None and trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}: {text}" if line else text


def _found(module: ModuleType, name: str, place: str) -> type[DataFlow] | DataFlow:
    flows = _flows(module)
    if name:
        found = getattr(module, name, None)
        if isinstance(found, DataFlow) or (isinstance(found, type) and issubclass(found, DataFlow)):
            return found
        what = "is not a DataFlow" if found is not None else "is not there"
        raise ConfigurationError(f"{place}: {name} {what}{near_names(name, flows)}")
    if len(flows) == 1:
        return next(iter(flows.values()))
    if not flows:
        raise ConfigurationError(f"{place}: there is no DataFlow class in it")
    raise ConfigurationError(f"{place}: there are several flows in it; give one: {_choices(place, list(flows))}")


def _choices(place: str, names: Sequence[str]) -> str:
    return ", ".join(f"{place}:{name}" for name in names)


def _flows(module: ModuleType) -> dict[str, type[DataFlow] | DataFlow]:
    """The flow classes that a module defines itself; flow objects where it has no classes."""
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    classes = {
        name: value
        for name, value in public.items()
        if isinstance(value, type) and issubclass(value, DataFlow) and value.__module__ == module.__name__
    }
    objects = {name: value for name, value in public.items() if isinstance(value, DataFlow)}
    return dict[str, type[DataFlow] | DataFlow](classes or objects)


__all__ = ["import_module", "load_document", "load_flow"]
