"""``adf run``: run a flow in this process."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from active_data_flow.cli.command import Command, add_directory, add_flow, add_json, add_verbose

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from active_data_flow.cli.live import TerminalProgress
    from active_data_flow.cli.progress import PlainProgress
    from active_data_flow.core.data_flow import DataFlow
    from active_data_flow.core.events import Events
    from active_data_flow.core.run import Budget, RunResult


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_flow(parser)
    parser.add_argument("--parallelism", metavar="N", type=int, help="lanes that work at once")
    parser.add_argument(
        "--budget", metavar="LIMIT", help="stop at a checkpoint after 30s, 10000records, 64MB, or when caught-up"
    )
    parser.add_argument("--from-start", action="store_true", help="forget the positions of earlier runs first")
    parser.add_argument("--wait", metavar="TIME", default="0s", help="how long to wait for another run of the flow")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary; errors only")
    parser.add_argument("--metrics", action="store_true", help="record OpenTelemetry metrics (extra: otel)")
    add_json(parser)
    add_directory(parser)
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.flows import open_flow
    from active_data_flow.core.events import Events
    from active_data_flow.engine.memory import keep_blocks_apart

    keep_blocks_apart()
    if options.parallelism is not None:
        options.changes.append(f"parallelism={options.parallelism}")
    budget, wait = _limits(options)
    flow = open_flow(options)
    events = Events()
    result = _execute(flow, events, budget, wait, options)
    if options.json:
        from active_data_flow.cli.plain import print_json
        from active_data_flow.core.logging import redact

        print_json(redact(result.to_json()), indent=None)
    elif not options.quiet:
        from active_data_flow.cli.summary import show_summary

        show_summary(flow, result, options)
    return _exit_code(result)


def _execute(flow: DataFlow, events: Events, budget: Budget, wait: float, options: argparse.Namespace) -> RunResult:
    from active_data_flow.runtimes.local import LocalRuntime

    with _watching(flow, events, options):
        runtime = LocalRuntime(directory=options.directory, events=events, wait=wait)
        return runtime.runner(flow).run(budget, from_start=options.from_start)


def _watching(flow: DataFlow, events: Events, options: argparse.Namespace) -> AbstractContextManager[object]:
    """Log lines, progress and metrics of a run, as they were asked for."""
    from active_data_flow.core.event_log import log_events
    from active_data_flow.core.logging import set_up

    terminal = sys.stderr.isatty()
    level = "debug" if options.verbose else flow.log_level
    if options.quiet:
        level = "error"
    elif terminal and level == "info":
        level = "warning"  # the progress bar tells the rest
    set_up(level="debug")
    log_events(events, level=level)
    if options.metrics:
        from active_data_flow.core.metrics import record_metrics

        record_metrics(events)
    if options.quiet:
        return nullcontext()
    progress = _progress(flow, level, terminal=terminal)
    events.subscribe(progress)
    return progress


def _progress(flow: DataFlow, level: str, *, terminal: bool) -> TerminalProgress | PlainProgress:
    if terminal:
        from active_data_flow.cli.live import TerminalProgress

        return TerminalProgress(flow)
    from active_data_flow.cli.progress import PlainProgress

    return PlainProgress(flow, level=level)


def _limits(options: argparse.Namespace) -> tuple[Budget, float]:
    from active_data_flow.core.errors import ConfigurationError
    from active_data_flow.core.policies import parse_seconds
    from active_data_flow.core.run import Budget

    budget = Budget.parse(options.budget) if options.budget else Budget()
    try:
        return budget, float(parse_seconds(options.wait))
    except ValueError as error:
        raise ConfigurationError(f"--wait {options.wait}: {error}") from error


def _exit_code(result: RunResult) -> int:
    """An interrupt by the user is told apart from a request to stop, which is a good end."""
    from active_data_flow.core.run import RunStatus

    if result.status is RunStatus.FAILED:
        return 1
    return 130 if result.status is RunStatus.INTERRUPTED and result.interrupted_by == "SIGINT" else 0


COMMAND = Command(
    name="run",
    summary="run a flow; go on where the last run stopped",
    description=(
        "Run a flow in this process. A flow that ran before goes on where it stopped:\n"
        "only what is new is read. Ctrl-C or SIGTERM end it at a checkpoint.\n\n"
        "exit codes:\n"
        "  0    done; also when the budget is used up, or after SIGTERM\n"
        "  1    the run failed; the next run goes on from the last checkpoint\n"
        "  2    bad configuration or arguments\n"
        "  130  interrupted (Ctrl-C), after a checkpoint"
    ),
    examples=(
        ("adf run flights.yaml", "read what is new, show progress and a summary"),
        ("adf run flows.py:Prices --set source.path='new-*.csv' --parallelism 4", "set options for this run"),
        ("adf run flights.yaml --budget 30s --json", "at most 30 seconds; the result as one line of JSON"),
        ("adf run flights.yaml --from-start", "begin anew"),
    ),
    arguments=_arguments,
    run=_run,
)
