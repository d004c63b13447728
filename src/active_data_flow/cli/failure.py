"""One clear block for each error: what, where, remedy, next."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path
from typing import Any

from active_data_flow.cli.command import ActionError
from active_data_flow.core.errors import (
    ActiveDataFlowError,
    AlreadyRunningError,
    CheckpointError,
    ConfigurationError,
    FencedError,
    PluginError,
    RecordError,
    RejectLimitError,
    SchemaError,
    SinkUnavailableError,
    SourceChangedError,
    SourceUnavailableError,
    TransformError,
)

_REMEDIES: tuple[tuple[type[ActiveDataFlowError], str, str], ...] = (
    (AlreadyRunningError, "let the other run end, or wait for it", "adf run {flow} --wait 60s"),
    (RejectLimitError, "look at the rejected records; mend the flow or raise its limit", "adf rejects list {flow}"),
    (SourceChangedError, "give on_change: reread in the source, or begin anew", "adf run {flow} --from-start"),
    (FencedError, "a newer run of this flow has taken over; see which", "adf runs {flow}"),
    (CheckpointError, "see that the directory of checkpoints can be written", "adf checkpoint show {flow}"),
    (PluginError, "", "adf connectors"),
    (ConfigurationError, "", "adf check {flow}"),
    (RecordError, "set bad records aside with on_error: {{reject: true}}", "adf preview {flow}"),
    (SchemaError, "compare the schema of the data with the declared one", "adf explain {flow}"),
    (SourceUnavailableError, "see that the source can be reached; the next run goes on", "adf check {flow}"),
    (SinkUnavailableError, "see that the sink can be reached; the next run goes on", "adf check {flow}"),
    (TransformError, "look at what the transform gets and gives", "adf preview {flow}"),
    (ActiveDataFlowError, "mend this, then run again: it goes on from the last checkpoint", "adf check {flow}"),
)


def report(error: BaseException, options: argparse.Namespace) -> int:
    """Show an error, on standard error and for ``--json`` on standard output too.

    Returns:
        The exit code: 1 the run failed, 2 bad configuration, 130 interrupted.
    """
    code = exit_code(error)
    if getattr(options, "json", False):
        _print_result(error, options, code)
    if getattr(options, "verbose", False):
        _print_traceback(error)
    _print_block(error, options)
    return code


def exit_code(error: BaseException) -> int:
    """What the process ends with after an error."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, ActionError):
        return error.code
    return 2 if isinstance(error, ConfigurationError) else 1


def _print_traceback(error: BaseException) -> None:
    from active_data_flow.core.configuration import redact_url

    sys.stderr.write(redact_url("".join(traceback.format_exception(error))))


def _print_block(error: BaseException, options: argparse.Namespace) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import BAD, facts, panel, stderr

    what, where, remedy, following = _parts(error, options)
    title = "interrupted" if isinstance(error, KeyboardInterrupt) else f"error: {_kind(error)}"
    content = facts([("what", Text(what)), ("where", where), ("remedy", remedy), ("next", following)])
    stderr().print(panel(content, title, BAD))


def _parts(error: BaseException, options: argparse.Namespace) -> tuple[str, str, str, str]:
    flow = getattr(options, "flow", None) or "FLOW"
    if isinstance(error, KeyboardInterrupt):
        return "stopped at once", "", "nothing is lost: the next run goes on from the last checkpoint", ""
    if isinstance(error, ActionError):
        return error.message, "", "", error.following
    if isinstance(error, ActiveDataFlowError):
        from active_data_flow.core.logging import redact

        where = ", ".join(f"{name} {redact(value, name)}" for name, value in error.context.items())
        remedy, following = next((text, step) for kind, text, step in _REMEDIES if isinstance(error, kind))
        if type(error) is ConfigurationError:
            following = _after_configuration(flow, options.command) or following
        return redact(error.message), where, remedy.format(flow=flow), following.format(flow=flow)
    from active_data_flow.core.configuration import redact_url

    what = redact_url(f"{type(error).__name__}: {error}")
    return what, _last_line(error), "this was not foreseen; see the traceback with --verbose", ""


def _after_configuration(flow: str, command: str) -> str:
    """What to try after a bad configuration, where checking it would say the same again."""
    file = flow.rpartition(":")[0] if ".py:" in flow else flow
    if file.endswith((".py", ".yaml", ".yml", ".json")) and not Path(file).exists():
        return "adf new flow NAME, to have a flow to start from"
    return "adf connectors, for what there is and its options" if command == "check" else ""


def _kind(error: BaseException) -> str:
    """``SourceChangedError`` -> ``source changed``."""
    if isinstance(error, ActionError):
        return "not possible"
    if not isinstance(error, ActiveDataFlowError):
        return "unexpected"
    name = type(error).__name__.removesuffix("Error")
    text = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return text if text != "active data flow" else "run failed"


def _last_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else ""


def _print_result(error: BaseException, options: argparse.Namespace, code: int) -> None:
    """The last line of standard output: of a run all that is known of it, of other commands the error."""
    from active_data_flow.cli.plain import print_json
    from active_data_flow.core.logging import redact

    result: dict[str, Any] = {}
    if options.command == "run":
        from active_data_flow.core.run import RunResult

        begun = getattr(error, "result", None)
        known = begun if isinstance(begun, RunResult) else RunResult(flow=str(options.flow), run_id="")
        result = known.to_json()
        result["status"] = "interrupted" if code == 130 else "failed"
    text = str(error) or type(error).__name__
    print_json(redact({**result, "error": text, "error_type": type(error).__name__}), indent=None)


__all__ = ["exit_code", "report"]
